//! One step up the gradient.

use tch::{TchError, Tensor};

use super::Ascent;
use super::smoothing::Smoothing;
use crate::{Error, Result};

/// By how much the first step with a slope moves the parameters where no rate is given.
const FIRST: f64 = 0.02;
const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

/// What an ascent remembers from step to step.
#[derive(Debug, Default)]
pub(super) struct Climber {
    /// Adam's means of the gradient and of its square.
    moments: Option<(Tensor, Tensor)>,
    /// The plain rates that were chosen, one an image; 0 where there was no slope yet.
    rates: Option<Tensor>,
    smoothing: Option<Smoothing>,
    steps: i32,
}

impl Clone for Climber {
    /// The same numbers, not a copy of them.
    fn clone(&self) -> Climber {
        let share =
            |(mean, square): &(Tensor, Tensor)| (mean.shallow_clone(), square.shallow_clone());
        Climber {
            moments: self.moments.as_ref().map(share),
            rates: self.rates.as_ref().map(Tensor::shallow_clone),
            smoothing: self.smoothing.clone(),
            steps: self.steps,
        }
    }
}

impl Climber {
    /// A copy that goes on by itself.
    pub(super) fn copy(&self) -> Result<Climber> {
        let moments = self.moments.as_ref().map(|(mean, square)| {
            Ok::<_, TchError>((mean.f_detach_copy()?, square.f_detach_copy()?))
        });
        Ok(Climber {
            moments: moments.transpose().map_err(failed)?,
            rates: self.rates.as_ref().map(Tensor::shallow_clone),
            smoothing: self.smoothing.clone(),
            steps: self.steps,
        })
    }

    /// Moves the parameters `[N, …]` in place along the score's gradient and, by the weight within it,
    /// against that of the total variation.
    pub(super) fn step(
        &mut self,
        ascent: Ascent,
        parameters: &Tensor,
        gradient: &Tensor,
        variation: Option<&Tensor>,
    ) -> Result<()> {
        let mut parameters = parameters.shallow_clone();
        self.steps = self.steps.saturating_add(1);
        let mut climb = || match ascent {
            Ascent::Plain { rate } => {
                let step = match rate {
                    Some(rate) => gradient.f_mul_scalar(rate)?,
                    None => gradient.f_mul(&self.rates(gradient)?)?,
                };
                let step = match variation {
                    Some(variation) => step.f_sub(variation)?,
                    None => step,
                };
                parameters.f_add_(&step)
            }
            Ascent::Adam { rate } => {
                let gradient = match variation {
                    Some(variation) => gradient.f_sub(variation)?,
                    None => gradient.shallow_clone(),
                };
                self.adam(rate, &mut parameters, &gradient)
            }
        };
        climb().map(drop).map_err(failed)
    }

    /// Takes the total variation of parameters that are pixels into account, in place.
    pub(super) fn smooth(&mut self, parameters: &Tensor, weight: f64) -> Result<()> {
        let mut smooth = || {
            let smoothing = match &mut self.smoothing {
                Some(smoothing) => smoothing,
                None => self.smoothing.insert(Smoothing::new(parameters)?),
            };
            parameters.shallow_clone().f_copy_(&smoothing.smooth(parameters, weight)?)
        };
        smooth().map_err(failed)
    }

    fn adam(
        &mut self,
        rate: f64,
        parameters: &mut Tensor,
        gradient: &Tensor,
    ) -> Result<Tensor, TchError> {
        let (mean, square) = match &mut self.moments {
            Some(moments) => moments,
            None => self.moments.insert((gradient.f_zeros_like()?, gradient.f_zeros_like()?)),
        };
        let _ = mean.f_lerp_(gradient, 1.0 - BETAS.0)?;
        let _ = square.f_lerp_(&gradient.f_square()?, 1.0 - BETAS.1)?;
        // Both begin at 0, which these make up for.
        let (mean_share, square_share) =
            (1.0 - BETAS.0.powi(self.steps), 1.0 - BETAS.1.powi(self.steps));
        let root = square.f_sqrt()?.f_div_scalar(square_share.sqrt())?.f_add_scalar(EPSILON)?;
        parameters.f_addcdiv_(&mean.f_mul_scalar(rate / mean_share)?, &root)
    }

    /// The plain rates of the images, chosen where there is a slope for the first time.
    fn rates(&mut self, gradient: &Tensor) -> Result<Tensor, TchError> {
        let known = self.rates.take();
        let unknown = match &known {
            Some(rates) => rates.f_eq(0.0)?,
            None => Tensor::f_ones([1], (tch::Kind::Bool, gradient.device()))?,
        };
        let rates = match known {
            Some(rates) if unknown.f_any()?.f_int64_value(&[])? == 0 => rates,
            known => {
                let dims: Vec<i64> = (1..gradient.dim() as i64).collect();
                let size =
                    gradient.f_square()?.f_mean_dim(dims.as_slice(), true, None)?.f_sqrt()?;
                let chosen = size.f_reciprocal()?.f_mul_scalar(FIRST)?;
                let chosen = chosen.f_masked_fill(&size.f_le(1e-20)?, 0.0)?;
                match known {
                    Some(rates) => chosen.f_where_self(&unknown, &rates)?,
                    None => chosen,
                }
            }
        };
        self.rates = Some(rates.shallow_clone());
        Ok(rates)
    }
}

fn failed(error: TchError) -> Error {
    Error::torch("taking a step of gradient ascent")(error)
}
