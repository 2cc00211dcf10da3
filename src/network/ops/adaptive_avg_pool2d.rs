//! Average pooling to a given size.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, at_least_one, count, four, one};
use super::{Axes, Read, Seen, only, window_text};
use crate::layer_kind::LayerKind;

/// The mean over as many windows as give this output size.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveAvgPool2d {
    /// Output size.
    pub output: [i64; 2],
}

impl Operation for AdaptiveAvgPool2d {
    fn name(&self) -> &'static str {
        "AdaptiveAvgPool2d"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let [n, c, _, _] = four(one(inputs)?)?;
        at_least_one(self.output)?;
        Ok(vec![n, c, self.output[0], self.output[1]])
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_adaptive_avg_pool2d(self.output)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn reads(&self, inputs: &[&[i64]]) -> u64 {
        let Ok([_, _, h, w]) = one(inputs).and_then(four) else { return 1 };
        let [rows, columns] = self.output.map(|size| size.max(1));
        // A window that doesn't fit evenly reaches into its neighbor's values.
        count(&[h / rows + 2, w / columns + 2])
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Pooling
    }

    fn summary(&self) -> String {
        format!("{}{}", self.name(), window_text(self.output, [1, 1]))
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.windows(output, false)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let size = read.size();
        let windows = read.output.get(read.dim()).copied().unwrap_or(1).max(1);
        match size / windows {
            _ if size % windows != 0 => Seen::WHOLE, // windows of unequal size
            1 => read.seen,
            kernel if kernel == size => Seen::WHOLE,
            kernel => read.windows([kernel; 2], [kernel; 2], [0; 2], [1; 2]),
        }
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
