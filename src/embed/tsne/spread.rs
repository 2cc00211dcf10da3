//! Points among the nodes of a grid: charges spread over the nodes around them, fields read from those.
//!
//! On a CPU each point's nodes are visited in a loop; a GPU takes all nodes of all points at once.

use tch::{Device, Kind, Tensor};

use super::super::Torch;
use super::rows::points;
use crate::parallel::over_rows;

/// Nodes along each axis around a point, of which the one below it is the third.
pub(super) const SUPPORT: usize = 6;
/// Points that a thread takes at a time.
const BLOCK: usize = 512;

/// A weight of each node for each power of the way, 0 to 1, from the node below to a point: the pieces of a
/// B-spline of degree 5, 120 times.
const SPLINE: [[f32; SUPPORT]; SUPPORT] = [
    [1.0, 26.0, 66.0, 26.0, 1.0, 0.0],
    [-5.0, -50.0, 0.0, 50.0, 5.0, 0.0],
    [10.0, 20.0, -60.0, 20.0, 10.0, 0.0],
    [-10.0, 20.0, 0.0, -20.0, 10.0, 0.0],
    [5.0, -20.0, 30.0, -20.0, 5.0, 0.0],
    [-1.0, 5.0, -10.0, 10.0, -5.0, 1.0],
];

/// How points lie among nodes.
pub(super) struct Spread {
    /// In distances of nodes from the first one, `[2, N]`, so that there are nodes all around.
    pub at: Tensor,
    /// Nodes in a row.
    pub width: i64,
}

impl Spread {
    /// A charge of 1 from each point, on so many rows of nodes: `[rows, width]`.
    pub(super) fn charges(&self, rows: i64) -> Torch<Tensor> {
        let shape = [rows, self.width];
        if self.at.device() != Device::Cpu {
            let around = self.around()?;
            let [across, up] = [&around.weights[0], &around.weights[1]];
            let weights = across.f_unsqueeze(2)?.f_mul(&up.f_unsqueeze(1)?)?.f_view([-1])?;
            let grid = Tensor::f_zeros([rows * self.width], (Kind::Float, self.at.device()))?;
            return grid.f_scatter_add(0, &around.nodes, &weights)?.f_view(shape);
        }
        let mut grid = vec![0.0; (rows * self.width) as usize];
        for at in points(&self.at)? {
            let near = Near::new(at, self.width);
            for (across, start) in near.weights[0].iter().zip(near.rows(self.width)) {
                let nodes = &mut grid[start..start + SUPPORT];
                for (node, up) in nodes.iter_mut().zip(near.weights[1]) {
                    *node += across * up;
                }
            }
        }
        Tensor::f_from_slice(&grid)?.f_view(shape)
    }

    /// A field given at the nodes, `[rows, width]`, at the points, and how it rises along each axis from a node to
    /// the next: `[3, N]`.
    pub(super) fn read(&self, field: &Tensor) -> Torch<Tensor> {
        if self.at.device() != Device::Cpu {
            return self.around()?.read(field);
        }
        let field: Vec<f32> = Vec::try_from(field.f_reshape([-1])?)?;
        let (points, width) = (points(&self.at)?, self.width);
        let mut read = vec![[0.0; 3]; points.len()];
        over_rows(&mut read, 1, BLOCK, |first, block| {
            for (&at, read) in points[first..].iter().zip(block) {
                *read = Near::new(at, width).read(&field, width);
            }
        });
        let all: Vec<f32> = (0..3).flat_map(|of| read.iter().map(move |read| read[of])).collect();
        Tensor::f_from_slice(&all)?.f_view([3, -1])
    }

    fn around(&self) -> Torch<Around> {
        let device = self.at.device();
        let below = self.at.f_floor()?;
        let powers = Tensor::f_arange(SUPPORT as i64, (Kind::Float, device))?;
        let way = self.at.f_sub(&below)?.f_unsqueeze(2)?;
        let table = Tensor::f_from_slice(SPLINE.as_flattened())?.f_view([SUPPORT as i64, -1])?;
        let table = table.f_to_device(device)?.f_div_scalar(120)?;
        let weights = way.f_pow(&powers)?.f_matmul(&table)?;
        let rising = table.f_mul(&powers.f_unsqueeze(1)?)?.f_narrow(0, 1, SUPPORT as i64 - 1)?;
        let lower = powers.f_narrow(0, 0, SUPPORT as i64 - 1)?;
        let slopes = way.f_pow(&lower)?.f_matmul(&rising)?;
        let below = below.f_to_kind(Kind::Int64)?;
        let first =
            below.f_select(0, 0)?.f_mul_scalar(self.width)?.f_add(&below.f_select(0, 1)?)?;
        let steps = Tensor::f_arange(SUPPORT as i64, (Kind::Int64, device))?;
        let steps =
            steps.f_unsqueeze(1)?.f_mul_scalar(self.width)?.f_add(&steps)?.f_view([1, -1])?;
        let both =
            |of: &Tensor| -> Torch<[Tensor; 2]> { Ok([of.f_select(0, 0)?, of.f_select(0, 1)?]) };
        Ok(Around {
            nodes: first.f_unsqueeze(1)?.f_add(&steps)?.f_view([-1])?,
            weights: both(&weights)?,
            slopes: both(&slopes)?,
        })
    }
}

/// The nodes around a point.
struct Near {
    /// The number of the first.
    first: usize,
    /// Along each axis.
    weights: [[f32; SUPPORT]; 2],
    slopes: [[f32; SUPPORT]; 2],
}

impl Near {
    fn new(at: [f32; 2], width: i64) -> Near {
        let below = at.map(|at| at as usize);
        let [across, up] = [0, 1].map(|axis| spline(at[axis] - below[axis] as f32));
        let first = below[0] * width as usize + below[1];
        Near { first, weights: [across.0, up.0], slopes: [across.1, up.1] }
    }

    /// The first node of each row.
    fn rows(&self, width: i64) -> impl Iterator<Item = usize> {
        (self.first..).step_by(width as usize).take(SUPPORT)
    }

    fn read(&self, field: &[f32], width: i64) -> [f32; 3] {
        let [mut value, mut along_x, mut along_y] = [0.0; 3];
        for (row, start) in self.rows(width).enumerate() {
            let nodes = &field[start..start + SUPPORT];
            let (mut sum, mut slope) = (0.0, 0.0);
            for (node, (weight, rise)) in
                nodes.iter().zip(self.weights[1].iter().zip(self.slopes[1]))
            {
                sum += node * weight;
                slope += node * rise;
            }
            value += sum * self.weights[0][row];
            along_x += sum * self.slopes[0][row];
            along_y += slope * self.weights[0][row];
        }
        [value, along_x, along_y]
    }
}

/// The nodes around all points.
struct Around {
    /// Their numbers, `[N · 36]`, `Kind::Int64`.
    nodes: Tensor,
    /// Along each axis, `[N, 6]`.
    weights: [Tensor; 2],
    slopes: [Tensor; 2],
}

impl Around {
    fn read(&self, field: &Tensor) -> Torch<Tensor> {
        let support = SUPPORT as i64;
        let nodes = field.f_reshape([-1])?.f_index_select(0, &self.nodes)?;
        let nodes = nodes.f_view([-1, support, support])?;
        let rows = |up: &Tensor| {
            nodes.f_mul(&up.f_unsqueeze(1)?)?.f_sum_dim_intlist(2, false, Kind::Float)
        };
        let across = |rows: &Tensor, across: &Tensor| {
            rows.f_mul(across)?.f_sum_dim_intlist(1, false, Kind::Float)
        };
        let (values, slopes) = (rows(&self.weights[1])?, rows(&self.slopes[1])?);
        let value = across(&values, &self.weights[0])?;
        let along_x = across(&values, &self.slopes[0])?;
        Tensor::f_stack(&[value, along_x, across(&slopes, &self.weights[0])?], 0)
    }
}

/// The weights of the nodes, and how they rise.
fn spline(way: f32) -> ([f32; SUPPORT], [f32; SUPPORT]) {
    let (mut weights, mut slopes) = ([0.0; SUPPORT], [0.0; SUPPORT]);
    for numbers in SPLINE.iter().rev() {
        for node in 0..SUPPORT {
            slopes[node] = slopes[node] * way + weights[node];
            weights[node] = weights[node] * way + numbers[node] / 120.0;
        }
    }
    (weights, slopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_and_tensors_agree_and_follow_a_polynomial() -> Torch<()> {
        tch::manual_seed(6);
        let at = Tensor::f_rand([2, 900], (Kind::Float, Device::Cpu))? * 14.0;
        let spread = Spread { at: at.shallow_clone(), width: 40 };
        let around = spread.around()?;
        let charges = spread.charges(20)?;
        assert!((charges.sum(Kind::Double).double_value(&[]) - 900.0).abs() < 1e-3);
        let [across, up] = [&around.weights[0], &around.weights[1]];
        let weights = (across.unsqueeze(2) * up.unsqueeze(1)).view([-1]);
        let expected = Tensor::f_zeros([800], (Kind::Float, Device::Cpu))?;
        let expected = expected.f_scatter_add(0, &around.nodes, &weights)?.view([20, 40]);
        assert!((charges - expected).abs().max().double_value(&[]) < 1e-4);
        let field = Tensor::f_rand([20, 40], (Kind::Float, Device::Cpu))?;
        let off = (spread.read(&field)? - around.read(&field)?).abs().max();
        assert!(off.double_value(&[]) < 1e-5, "{off:?}");
        // Of a plane, spline weights give the plane, and its slopes; the third node is the one below.
        let node = |count: i64| Tensor::arange(count, (Kind::Float, Device::Cpu)) - 2.0;
        let plane = node(20).unsqueeze(1) * 0.5 - node(40) * 0.25;
        let read = spread.read(&plane)?;
        let expected = at.get(0) * 0.5 - at.get(1) * 0.25;
        assert!((read.get(0) - expected).abs().max().double_value(&[]) < 1e-4);
        assert!((read.get(1) - 0.5).abs().max().double_value(&[]) < 1e-4);
        assert!((read.get(2) + 0.25).abs().max().double_value(&[]) < 1e-4);
        Ok(())
    }
}
