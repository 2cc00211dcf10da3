//! Repulsion through a grid: what all points do to one another, in time that hardly depends on how
//! many they are.
//!
//! After Linderman, Rachh, Hoskins, Steinerberger, Kluger, "Fast interpolation-based t-SNE", 2019
//! ([arXiv:1712.09005](https://arxiv.org/abs/1712.09005)): each point is spread over the nodes around
//! it, a convolution by Fourier transform gives the forces at all nodes, and each point reads those of
//! the nodes around it. Three things differ. Cubic B-splines spread and read; dividing by their
//! transform makes them interpolate, with a quarter of the error of cubic polynomials over as many
//! nodes. The kernels are the force's own two components, so one grid of charges goes in and two come
//! out, instead of three and four. The sum of all weights is taken of the transforms (Parseval), so
//! its kernel is never transformed back.

use tch::{Device, Kind, Tensor};

use super::super::Torch;

/// Between nodes, in units in which the kernel 1 / (1 + d²) halves at 1. The force's error is below
/// 1 %, and rises as the fourth power of this.
const SPACING: f64 = 0.35;
/// Nodes across a map at least; a smaller map gets a finer grid.
const NODES: f64 = 48.0;
/// Nodes along each axis around a point, of which the one below it is the second.
const SUPPORT: i64 = 4;
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
    /// The transform of 1 / (1 + d²), laid out as all transforms here, `[height / 2 + 1, width]`, with
    /// each number twice, for the real and the imaginary part; counted twice where it stands for the
    /// half that is left out.
    weight: Tensor,
    /// The same transform, complex, once.
    potential: Tensor,
    /// The transforms of dx / (1 + d²)² and dy / (1 + d²)².
    force: [Tensor; 2],
}

/// How each point of a map lies among the nodes.
struct Spread {
    /// Numbers of the nodes, `[N, 16]`, `Kind::Int64`.
    nodes: Tensor,
    /// Their weights.
    weights: Tensor,
}

impl Field {
    /// For each point of a map, `[2, N]`, the sum of (y - y') / (1 + d²)² over all others, and the sum
    /// of 1 / (1 + d²) over all pairs.
    pub(super) fn repulsion(&mut self, map: &Tensor) -> Torch<(Tensor, Tensor)> {
        let (low, reach) = extent(map)?;
        let grid = self.fitting(reach, map.device())?;
        let spread = grid.spread(map, low)?;
        let sources = grid.sources(&spread)?;
        // Each point with itself has weight 1. What is left of points that have all flown apart is
        // nothing but the interpolation's error, which may be negative.
        let sum = grid.sum(&sources)?.f_sub_scalar(map.size()[1])?.f_clamp_min(1)?;
        let forces = [&grid.force[0], &grid.force[1]];
        let forces =
            forces.map(|kernel| grid.field(&sources, kernel).and_then(|f| spread.read(&f)));
        let [x, y] = forces;
        Ok((Tensor::f_stack(&[x?, y?], 0)?, sum))
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
            let spline = angle.f_cos()?.f_add_scalar(2)?.f_div_scalar(3)?.f_square()?;
            Ok((distance.f_view(shape)?, spline.f_view(shape)?))
        };
        let ((x, across), (y, up)) = (along(0, [-1, 1])?, along(1, [1, -1])?);
        let half = size[1] / 2 + 1;
        let spline = across.f_mul(&up.f_narrow(1, 0, half)?)?;
        let weight = x.f_square()?.f_add(&y.f_square()?)?.f_add_scalar(1)?.f_reciprocal()?;
        let transform = |kernel: &Tensor| -> Torch<Tensor> {
            let transform = kernel.f_fft_rfft2(None::<&[i64]>, [0, 1], "backward")?;
            transform.f_div(&spline)?.f_transpose(0, 1)?.f_contiguous()
        };
        let force = |distance: &Tensor| -> Torch<Tensor> {
            transform(&weight.f_square()?.f_mul(distance)?)?.f_to_kind(Kind::ComplexFloat)
        };
        let force = [force(&x)?, force(&y)?];
        let weight = transform(&weight)?;
        let potential = weight.f_to_kind(Kind::ComplexFloat)?;
        // Even kernels have real transforms.
        let weight = weight.f_real()?.f_contiguous()?;
        let _ = weight.f_narrow(0, 1, half - 2)?.f_mul_scalar_(2)?;
        let weight = weight.f_div_scalar((size[0] * size[1]) as f64)?.f_to_kind(Kind::Float)?;
        let weight = weight.f_unsqueeze(2)?.f_expand([-1, -1, 2], false)?.f_contiguous()?;
        Ok(Grid { spacing, size, weight: weight.f_view([-1])?, potential, force })
    }

    /// The nodes around each point of a map, `[2, N]`, whose least coordinates are `low`.
    fn spread(&self, map: &Tensor, low: [f64; 2]) -> Torch<Spread> {
        let origin =
            Tensor::f_from_slice(&low)?.f_to_device(map.device())?.f_to_kind(Kind::Float)?;
        let at = map.f_sub(&origin.f_unsqueeze(1)?)?.f_div_scalar_(self.spacing)?;
        // Points outside, which only those placed on a map can be, count as on its border.
        let most = Tensor::f_from_slice(&self.size.map(|size| (size / 2 - SUPPORT) as f32))?;
        let most = most.f_to_device(map.device())?.f_unsqueeze(1)?;
        let at = at.f_clamp_min(0)?.f_minimum(&most)?;
        let below = at.f_floor()?;
        let weights = spline(&at.f_sub(&below)?)?;
        let below = below.f_to_kind(Kind::Int64)?;
        let node =
            below.f_select(0, 0)?.f_mul_scalar(self.size[1])?.f_add(&below.f_select(0, 1)?)?;
        let steps = Tensor::f_arange(SUPPORT, (Kind::Int64, map.device()))?;
        let steps =
            steps.f_unsqueeze(1)?.f_mul_scalar(self.size[1])?.f_add(&steps)?.f_view([1, -1])?;
        let [across, up] = [weights.f_select(0, 0)?, weights.f_select(0, 1)?];
        let weights = across.f_unsqueeze(2)?.f_mul(&up.f_unsqueeze(1)?)?;
        Ok(Spread {
            nodes: node.f_unsqueeze(1)?.f_add(&steps)?,
            weights: weights.f_view([-1, SUPPORT * SUPPORT])?,
        })
    }

    /// The points' charges, one each, on the grid, transformed.
    fn sources(&self, spread: &Spread) -> Torch<Tensor> {
        let rows = self.size[0] / 2;
        let mut grid =
            Tensor::f_zeros([rows * self.size[1]], (Kind::Float, spread.weights.device()))?;
        let (nodes, weights) = (spread.nodes.f_view([-1])?, spread.weights.f_view([-1])?);
        let grid = grid.f_scatter_add_(0, &nodes, &weights)?.f_view([rows, self.size[1]])?;
        // The other half of the rows is empty, and need not be transformed.
        let transform = grid.f_fft_rfft(None, 1, "backward")?.f_transpose(0, 1)?;
        transform.f_fft_fft(self.size[0], 1, "backward")?.f_contiguous()
    }

    /// The sum of 1 / (1 + d²) over all pairs of charges, each with itself too.
    fn sum(&self, sources: &Tensor) -> Torch<Tensor> {
        sources.f_view_as_real()?.f_square()?.f_view([-1])?.f_dot(&self.weight)
    }

    /// The convolution of the charges with a kernel: a value for each node.
    fn field(&self, sources: &Tensor, kernel: &Tensor) -> Torch<Tensor> {
        let columns = sources.f_mul(kernel)?.f_fft_ifft(None, 1, "backward")?;
        let rows = columns.f_narrow(1, 0, self.size[0] / 2)?.f_transpose(0, 1)?;
        rows.f_fft_irfft(self.size[1], 1, "backward")?.f_reshape([-1])
    }
}

impl Spread {
    fn read(&self, field: &Tensor) -> Torch<Tensor> {
        let around =
            field.f_index_select(0, &self.nodes.f_view([-1])?)?.f_view_as(&self.weights)?;
        around.shallow_clone().f_mul_(&self.weights)?.f_sum_dim_intlist(1, false, Kind::Float)
    }
}

/// What the points of a map do to others that do nothing to them.
pub(super) struct Background {
    grid: Grid,
    origin: [f64; 2],
    /// Of 1 / (1 + d²), and the two components of the force.
    fields: [Tensor; 3],
}

impl Background {
    /// Of a map, `[2, N]`.
    pub(super) fn new(map: &Tensor) -> Torch<Background> {
        let (origin, reach) = extent(map)?;
        let (spacing, needed) = needs(reach);
        let grid = Grid::new(spacing, needed, map.device())?;
        let sources = grid.sources(&grid.spread(map, origin)?)?;
        let [weight, x, y] = [&grid.potential, &grid.force[0], &grid.force[1]];
        let field = |kernel: &Tensor| grid.field(&sources, kernel);
        let fields = [field(weight)?, field(x)?, field(y)?];
        Ok(Background { grid, origin, fields })
    }

    /// For points, `[2, M]`: the sum of 1 / (1 + d²) over the map's, `[M]`, and that of
    /// (y - y') / (1 + d²)², `[2, M]`.
    pub(super) fn read(&self, points: &Tensor) -> Torch<(Tensor, Tensor)> {
        let spread = self.grid.spread(points, self.origin)?;
        let [weight, x, y] = &self.fields;
        let force = Tensor::f_stack(&[spread.read(x)?, spread.read(y)?], 0)?;
        Ok((spread.read(weight)?, force))
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

/// Weights of the four nodes around places between 0 and 1 after the second: `[…, 4]`.
fn spline(t: &Tensor) -> Torch<Tensor> {
    let rest = t.f_neg()?.f_add_scalar_(1)?;
    let cube = |v: &Tensor| v.f_square()?.f_mul_(v)?.f_div_scalar_(6);
    // 2/3 - t² + t³/2.
    let inner = |v: &Tensor, cube: &Tensor| {
        cube.f_mul_scalar(3)?.f_sub_(&v.f_square()?)?.f_add_scalar_(2.0 / 3.0)
    };
    let (last, first) = (cube(t)?, cube(&rest)?);
    let middle = [inner(t, &last)?, inner(&rest, &first)?];
    let [second, third] = middle;
    Tensor::f_stack(&[first, second, third, last], -1)
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
