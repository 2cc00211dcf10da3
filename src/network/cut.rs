//! A network in two parts: layers that stay as they are, and the rest, which is trained.

use tch::Tensor;

use super::executor::only;
use super::{Network, ops};
use crate::Result;

/// Where a network is cut in two.
pub(crate) struct Cut {
    /// For each node whether it is behind the cut, and the output depends on it.
    behind: Vec<bool>,
    /// The nodes before the cut that those behind it read, and that depend on the image.
    pub handed_on: Vec<usize>,
}

impl Cut {
    /// Whether there are layers before the cut.
    pub(crate) fn is_past_input(&self) -> bool {
        self.handed_on != [0]
    }

    /// Whether node `index` is behind the cut.
    pub(crate) fn is_behind(&self, index: usize) -> bool {
        self.behind[index]
    }
}

impl Network {
    /// Cuts behind a layer: before the cut is all that it depends on. Without one the cut is behind the
    /// input.
    pub(crate) fn cut_behind(&self, layer: Option<&str>) -> Result<Cut> {
        let mut before = self.needed_by(layer.map_or(Ok(0), |layer| self.find(layer))?);
        before[0] = true;
        let needed = self.needed_by(self.output);
        let behind: Vec<bool> = (0..before.len()).map(|i| needed[i] && !before[i]).collect();
        let depends = self.dependents(0);
        let mut handed_on: Vec<usize> = (0..behind.len())
            .filter(|&index| behind[index])
            .flat_map(|index| &self.nodes[index].inputs)
            .copied()
            .filter(|&i| before[i] && depends[i])
            .collect();
        handed_on.sort_unstable();
        handed_on.dedup();
        Ok(Cut { behind, handed_on })
    }

    /// What the part before the cut hands on for these images, `[N, C, H, W]`: its values, `[N, …]`,
    /// without a gradient, and with batch normalization by its running statistics.
    pub(crate) fn run_before(&self, cut: &Cut, input: &Tensor) -> Result<Vec<Tensor>> {
        let run = || self.run(&[(0, &self.check_input(input)?)], &cut.handed_on, false);
        tch::no_grad(run)
    }

    /// The output for what the part before the cut handed on. In training, batch normalization behind
    /// the cut goes by the batch's statistics and moves the running ones, and gradients are recorded.
    pub(crate) fn run_behind(
        &self,
        cut: &Cut,
        values: &[Tensor],
        training: bool,
    ) -> Result<Tensor> {
        let given: Vec<(usize, &Tensor)> = cut.handed_on.iter().copied().zip(values).collect();
        let run = || self.run(&given, &[self.output], training).and_then(only);
        match training {
            true => tch::with_grad(run),
            false => tch::no_grad(run),
        }
    }

    /// The parameters behind the cut, with the buffers if wanted.
    pub(crate) fn tensors_behind(&self, cut: &Cut, buffers: bool) -> Vec<(String, Tensor)> {
        self.tensors(|index, name| cut.behind[index] && (buffers || !ops::is_buffer(name)))
    }
}
