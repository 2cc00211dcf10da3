//! Gradient descent with momentum and a gain for each number, as van der Maaten has it.
//!
//! Jacobs, "Increased rates of convergence through learning rate adaptation", 1988.

use tch::Tensor;

use super::super::Torch;

/// A gain grows by this where the descent goes on, ...
const UP: f64 = 0.2;
/// ... and shrinks to this part where it turns, ...
const DOWN: f64 = 0.8;
/// ... but not below this.
const LEAST: f64 = 0.01;
/// No point moves further than this in a step along an axis: one that shoots off would need an
/// enormous grid.
const FURTHEST: f64 = 5.0;

/// How the points of a map move.
pub(super) struct Descent {
    velocity: Tensor,
    gains: Tensor,
}

impl Descent {
    pub(super) fn new(map: &Tensor) -> Torch<Descent> {
        Ok(Descent { velocity: map.f_zeros_like()?, gains: map.f_ones_like()? })
    }

    /// Moves the points along `force`, which is minus the gradient.
    pub(super) fn step(
        &mut self,
        map: &mut Tensor,
        force: &Tensor,
        rate: f64,
        momentum: f64,
    ) -> Torch<()> {
        let resume_at = self.velocity.f_mul(force)?.f_gt(0)?;
        let up = self.gains.f_add_scalar(UP)?;
        let down = self.gains.f_mul_scalar_(DOWN)?.f_clamp_min_(LEAST)?;
        self.gains = up.f_where_self(&resume_at, &down)?;
        let pull = force.f_mul(&self.gains)?.f_mul_scalar_(rate)?;
        let velocity = self.velocity.f_mul_scalar_(momentum)?.f_add_(&pull)?;
        self.velocity = velocity.shallow_clone().f_clamp_(-FURTHEST, FURTHEST)?;
        let _ = map.f_add_(&self.velocity)?;
        Ok(())
    }
}
