//! The number that metrics follow while they change a picture.

use std::ops::Range;

use tch::{Kind, TchError, Tensor};

use crate::attribution::Target;
use crate::attribution::aim::Aim;
use crate::attribution::method::fixed;
use crate::memory::Batches;
use crate::network::Network;
use crate::progress::Progress;
use crate::{Error, Result};

/// More pictures at once are no faster.
const MOST: usize = 32;

/// What scores variants of the pictures of a batch: the probability of a class, from 0 to 1, and any
/// other target's own score.
pub(super) struct Scorer {
    net: Network,
    /// The scored node.
    node: usize,
    aim: Aim,
    bytes: u64,
    /// The pictures, on the network's device.
    pub input: Tensor,
}

impl Scorer {
    pub(super) fn new(net: &Network, input: &Tensor, targets: &[Target]) -> Result<Scorer> {
        let (aim, _) = fixed(net, input, targets)?;
        let fast = net.for_inference()?;
        let name = &net.nodes()[aim.node].name;
        // Where the scored node was folded into another, the network as it is must do.
        let found = fast.nodes().iter().position(|node| &node.name == name);
        let (net, node) = match found {
            Some(node) => (fast, node),
            None => (net.redrawn(0..0, 0)?, aim.node),
        };
        let input = net.admit(input)?;
        let bytes = net.bytes(&input.size(), input.kind(), false)?;
        Ok(Scorer { net, node, aim, bytes, input })
    }

    /// What the score is, for an axis.
    pub(super) fn unit(&self) -> &'static str {
        if self.aim.class(0).is_some() { "probability" } else { "score" }
    }

    /// What is scored for picture `index`.
    pub(super) fn name(&self, index: usize) -> String {
        self.aim.name(&self.net, index)
    }

    /// The scores of `count` variants, in batches as memory allows; where time is bounded, of at
    /// least the second number, and as many more as there is time for. `picture` says which picture a variant
    /// is of, `variants` makes some of them, `[M, C, H, W]`.
    pub(super) fn run(
        &self,
        count: [usize; 2],
        progress: &mut Progress,
        picture: impl Fn(usize) -> usize,
        variants: impl FnMut(Range<usize>) -> Result<Tensor, TchError>,
    ) -> Result<Vec<f64>> {
        let read = |value: &Tensor, range: Range<usize>| {
            range.zip(0..).map(|(at, row)| self.score(value, row, picture(at))).collect()
        };
        let scores: Vec<Vec<f64>> = self.batched(count, progress, variants, read)?;
        Ok(scores.concat())
    }

    /// The targets' own score, a logit for a class, of `count` variants of one picture: `[count]`,
    /// double.
    pub(super) fn logits(
        &self,
        count: usize,
        picture: usize,
        variants: impl FnMut(Range<usize>) -> Result<Tensor, TchError>,
    ) -> Result<Tensor> {
        let aim = self.aim.one(picture);
        let read = |value: &Tensor, range: Range<usize>| aim.repeated(range.len()).scores(value);
        let progress = &mut Progress::new("disturbing the picture");
        let scores = self.batched([count; 2], progress, variants, read)?;
        let scores = Tensor::f_cat(&scores, 0).and_then(|scores| scores.f_to_kind(Kind::Double));
        scores.map_err(Error::torch("reading the scores"))
    }

    fn batched<T>(
        &self,
        [count, least]: [usize; 2],
        progress: &mut Progress,
        mut variants: impl FnMut(Range<usize>) -> Result<Tensor, TchError>,
        read: impl Fn(&Tensor, Range<usize>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut batches = Batches::new(count, self.bytes, MOST, self.input.device());
        let mut all = Vec::new();
        let mut run = |range: Range<usize>| {
            let some = variants(range.clone());
            let some = some.map_err(Error::torch("making variants of the picture"))?;
            read(&self.net.value(&some, self.node)?, range)
        };
        while let Some(batch) = batches.next(&mut run)? {
            all.push(batch);
            let done = batches.done();
            progress.step(done, count, || format!("{done} of {count} runs"));
            if progress.is_over() && done >= least {
                break;
            }
        }
        Ok(all)
    }

    /// The score of one row of the node's value, as a variant of picture `index`.
    fn score(&self, value: &Tensor, row: i64, index: usize) -> Result<f64> {
        let failed = || Error::torch("reading a score");
        let one = value.f_narrow(0, row, 1).map_err(failed())?;
        match self.aim.class(index) {
            Some(class) => Ok(self.net.probability(&one, class)?.probability),
            None => self.aim.one(index).scores(&one)?.f_double_value(&[0]).map_err(failed()),
        }
    }
}
