//! Repulsion through a grid: what all points do to one another, in time that hardly depends on how
//! many they are.
//!
//! After Linderman, Rachh, Hoskins, Steinerberger, Kluger, "Fast interpolation-based t-SNE", 2019
//! ([arXiv:1712.09005](https://arxiv.org/abs/1712.09005)): each point is spread over the nodes around
//! it, a convolution by Fourier transform gives what all do at the nodes, and each point reads it from
//! the nodes around it. Two things differ. B-splines of degree 5 spread and read; dividing by their
//! transform makes them interpolate. And the force, the sum of (y - y') / (1 + d²)², is minus half the slope
//! of the sum of 1 / (1 + d²), which the spline has too: so one grid of charges goes in and one comes out,
//! instead of three and four.

use tch::{Device, Kind, Tensor};

use super::super::Torch;
use super::spread::{SUPPORT, Spread};

/// Between nodes, in units in which the kernel 1 / (1 + d²) halves at 1. The force's error is below
/// 1 %, and rises as the sixth power of this.
const SPACING: f64 = 0.33;
/// Nodes across a map at least; a smaller map gets a finer grid.
const NODES: f64 = 48.0;
/// Nodes along an axis at most, its empty half included; a map that has flown apart gets a coarser grid
/// instead of one that fills the memory. That of 70,000 points takes 1,500.
const MOST: f64 = 4096.0;
/// A grid made anew has so much more room along each axis than is needed, since maps grow; one with
/// so much more in all is made anew.
const ROOM: f64 = 1.05;
const MOST_ROOM: f64 = 1.5;

/// The grid with its kernels, kept as long as maps fit.
#[derive(Default)]
pub(super) struct Field {
    grid: Option<Grid>,
}

/// Nodes at equal distances, twice as many as the map takes along each axis, because transforms
/// close in a circle.
struct Grid {
    spacing: f64,
    size: [i64; 2],
    /// The transform of 1 / (1 + d²) less a constant, `[height / 2 + 1, width]`.
    kernel: Tensor,
    /// That constant, 1 on a finer grid: there 1 / (1 + d²) is so close to 1 that single precision would not hold
    /// its slope.
    less: f64,
}

impl Field {
    /// For each point of a map, `[2, N]`, the sum of (y - y') / (1 + d²)² over all others, and the sum
    /// of 1 / (1 + d²) over all pairs.
    pub(super) fn repulsion(&mut self, map: &Tensor) -> Torch<(Tensor, Tensor)> {
        let (low, reach) = extent(map)?;
        let grid = self.fitting(reach, map.device())?;
        let spread = grid.spread(map, low)?;
        let read = spread.read(&grid.potential(&spread)?)?;
        // Each point with itself has weight 1. What is left of points that have all flown apart is
        // nothing but the interpolation's error, which may be negative.
        let count = map.size()[1] as f64;
        let sum =
            read.f_get(0)?.f_sum(Kind::Double)?.f_add_scalar(count * (grid.less * count - 1.0))?;
        let sum = sum.f_clamp_min(1)?;
        Ok((grid.force(&read)?, sum.f_to_kind(Kind::Float)?))
    }

    /// A grid on which a map of this extent has room: that of last time, unless it is too small or
    /// far too large.
    fn fitting(&mut self, reach: [f64; 2], device: Device) -> Torch<&Grid> {
        let (spacing, needed) = needs(reach);
        let fits = self.grid.take().filter(|grid| {
            let room = |axis: usize| grid.size[axis] as f64 / needed[axis];
            let enough = (0..2).all(|axis| room(axis) >= 1.0);
            grid.spacing == spacing && enough && room(0) * room(1) < MOST_ROOM
        });
        let grid = match fits {
            Some(grid) => grid,
            None => Grid::new(spacing, needed.map(|size| ROOM * size), device)?,
        };
        Ok(self.grid.insert(grid))
    }
}

impl Grid {
    fn new(spacing: f64, least: [f64; 2], device: Device) -> Torch<Grid> {
        let size = least.map(even_smooth);
        let along = |axis: usize, shape: [i64; 2]| -> Torch<(Tensor, Tensor)> {
            let nodes = Tensor::f_arange(size[axis], (Kind::Double, device))?;
            // The distance either way round the circle, whichever is less.
            let half = (size[axis] / 2) as f64;
            let round = nodes.f_add_scalar(half)?.f_remainder(size[axis] as f64)?;
            let distance = round.f_sub_scalar(half)?.f_mul_scalar(spacing)?;
            // A B-spline's transform, once for spreading and once for reading.
            let angle = nodes.f_mul_scalar(std::f64::consts::TAU / size[axis] as f64)?;
            let far = angle.f_mul_scalar(2)?.f_cos()?.f_mul_scalar(2)?;
            let spline = angle.f_cos()?.f_mul_scalar(52)?.f_add(&far)?.f_add_scalar(66)?;
            let spline = spline.f_div_scalar(120)?.f_square()?;
            Ok((distance.f_view(shape)?, spline.f_view(shape)?))
        };
        let ((x, across), (y, up)) = (along(0, [-1, 1])?, along(1, [1, -1])?);
        let half = size[1] / 2 + 1;
        let spline = across.f_mul(&up.f_narrow(1, 0, half)?)?;
        let squared = x.f_square()?.f_add(&y.f_square()?)?;
        let weight = squared.f_add_scalar(1)?.f_reciprocal()?;
        let less = if spacing < SPACING { 1.0 } else { 0.0 };
        let weight = if spacing < SPACING { squared.f_mul(&weight)?.f_neg()? } else { weight };
        let transform = weight.f_fft_rfft2(None::<&[i64]>, [0, 1], "backward")?.f_div(&spline)?;
        let kernel = transform.f_transpose(0, 1)?.f_to_kind(Kind::ComplexFloat)?.f_contiguous()?;
        Ok(Grid { spacing, size, kernel, less })
    }

    /// How a map, `[2, N]`, whose least coordinates are `low`, lies among the nodes.
    fn spread(&self, map: &Tensor, low: [f64; 2]) -> Torch<Spread> {
        let origin =
            Tensor::f_from_slice(&low)?.f_to_device(map.device())?.f_to_kind(Kind::Float)?;
        let at = map.f_to_kind(Kind::Float)?.f_sub(&origin.f_unsqueeze(1)?)?;
        let at = at.f_div_scalar(self.spacing)?;
        // Points outside, which only those placed on a map can be, count as on its border.
        let most = self.size.map(|size| (size / 2 - SUPPORT as i64) as f32);
        let most = Tensor::f_from_slice(&most)?.f_to_device(map.device())?.f_unsqueeze(1)?;
        Ok(Spread { at: at.f_clamp_min(0)?.f_minimum(&most)?, width: self.size[1] })
    }

    /// The sum of the kernel over the points, each with a charge of 1, for each node.
    fn potential(&self, spread: &Spread) -> Torch<Tensor> {
        let rows = self.size[0] / 2;
        // The other half of the rows is empty, and need not be transformed.
        let charges = spread.charges(rows)?.f_fft_rfft(None, 1, "backward")?.f_transpose(0, 1)?;
        let charges = charges.f_fft_fft(self.size[0], 1, "backward")?;
        let columns = charges.f_mul(&self.kernel)?.f_fft_ifft(None, 1, "backward")?;
        columns.f_narrow(1, 0, rows)?.f_transpose(0, 1)?.f_fft_irfft(self.size[1], 1, "backward")
    }

    /// The force, `[2, N]`, from what was read of the potential.
    fn force(&self, read: &Tensor) -> Torch<Tensor> {
        read.f_narrow(0, 1, 2)?.f_mul_scalar(-0.5 / self.spacing)
    }
}

/// What the points of a map do to others that do nothing to them.
pub(super) struct Background {
    grid: Grid,
    origin: [f64; 2],
    potential: Tensor,
    /// What the potential lacks.
    less: f64,
}

impl Background {
    /// Of a map, `[2, N]`.
    pub(super) fn new(map: &Tensor) -> Torch<Background> {
        let (origin, reach) = extent(map)?;
        let (spacing, needed) = needs(reach);
        let grid = Grid::new(spacing, needed, map.device())?;
        let potential = grid.potential(&grid.spread(map, origin)?)?;
        let less = grid.less * map.size()[1] as f64;
        Ok(Background { grid, origin, potential, less })
    }

    /// For points, `[2, M]`: the sum of 1 / (1 + d²) over the map's, `[M]`, and that of
    /// (y - y') / (1 + d²)², `[2, M]`.
    pub(super) fn read(&self, points: &Tensor) -> Torch<(Tensor, Tensor)> {
        let read = self.grid.spread(points, self.origin)?.read(&self.potential)?;
        Ok((read.f_get(0)?.f_add_scalar(self.less)?, self.grid.force(&read)?))
    }
}

/// The distance of nodes and the least size of a grid for a map that reaches so far.
fn needs(reach: [f64; 2]) -> (f64, [f64; 2]) {
    let largest = reach[0].max(reach[1]).max(1e-12);
    let finer = (NODES * SPACING / largest).log2().ceil().max(0.0);
    let coarser = (2.0 * largest / SPACING / (MOST / 1.25)).log2().ceil().max(0.0);
    let spacing = SPACING * (coarser - finer).exp2();
    (spacing, reach.map(|reach| 2.0 * (reach / spacing + 1.0 + SUPPORT as f64)))
}

/// The least coordinates of a map, and how far it reaches from them.
fn extent(map: &Tensor) -> Torch<([f64; 2], [f64; 2])> {
    let (least, most) = map.f_aminmax(1, false)?;
    let ends = Tensor::f_cat(&[least, most], 0)?.f_to_kind(Kind::Double)?;
    match Vec::<f64>::try_from(ends)?.as_slice() {
        &[left, bottom, right, top] if (right - left + top - bottom).is_finite() => {
            Ok(([left, bottom], [right - left, top - bottom]))
        }
        _ => Err(tch::TchError::Kind(
            "the points have flown apart; lower the learning rate, by a factor of 10, say"
                .to_owned(),
        )),
    }
}

/// The next even number that has no prime factor above 5: such transforms are fast.
fn even_smooth(least: f64) -> i64 {
    let smooth = |mut number: i64| {
        for factor in [2, 3, 5] {
            while number % factor == 0 {
                number /= factor;
            }
        }
        number == 1
    };
    let mut number = (least.clamp(8.0, MOST) / 2.0).ceil() as i64 * 2;
    while !smooth(number) {
        number += 2;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_as_fine_as_needed_and_never_enormous() {
        for reach in [0.0, 1e-9, 1e-4, 3.0, 20.0, 150.0, 700.0, 1e4, 1e9] {
            let (spacing, least) = needs([reach, reach / 3.0]);
            let size = least.map(|size| even_smooth(ROOM * size));
            assert!(size[0] as f64 >= least[0] && size[0] <= 4200, "{reach}: {size:?}");
            assert!(spacing <= SPACING || reach > 500.0, "{reach}: {spacing}");
            assert!(reach < 1e-3 || size[0] as f64 >= NODES, "{reach}: {size:?}");
        }
        assert_eq!([9.0, 1000.0, 1025.0].map(even_smooth), [10, 1000, 1080]);
    }
}
