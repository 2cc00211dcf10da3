//! The number that metrics follow while they change a picture.

use std::ops::Range;

use tch::{Kind, TchError, Tensor};

use crate::attribution::resolved::ResolvedTargets;
use crate::attribution::{Measure, Run};
use crate::batching::Batches;
use crate::live::Progress;
use crate::network::Network;
use crate::{Error, Result};

/// More images at once are no faster.
const MOST: usize = 32;

/// What scores variants of a run's images: the probability of a class, from 0 to 1, its mean over a region,
/// and any other target's own score.
pub(super) struct Scorer<'a> {
    net: &'a Network,
    targets: ResolvedTargets,
    bytes: u64,
    /// The images, `[N, C, H, W]`, on the network's device.
    pub input: &'a Tensor,
}

impl<'a> Scorer<'a> {
    pub(super) fn new(run: &'a Run<'_>) -> Result<Scorer<'a>> {
        let (net, targets, []) = run.fast([])?;
        let input = run.input();
        let bytes = net.bytes(&input.size(), input.kind(), false)?;
        Ok(Scorer { net, targets, bytes, input })
    }

    /// What the score is, for an axis.
    pub(super) fn unit(&self) -> &'static str {
        self.targets.unit(0, Measure::Probability)
    }

    /// The scores of `count` variants, in batches as memory allows; where time is bounded, of at
    /// least the second number, and as many more as there is time for. `image` says which image a variant
    /// is of, `variants` makes some of them, `[M, C, H, W]`.
    pub(super) fn run(
        &self,
        count: [usize; 2],
        progress: &mut Progress,
        image: impl Fn(usize) -> usize,
        variants: impl FnMut(Range<usize>) -> Result<Tensor, TchError>,
    ) -> Result<Vec<f64>> {
        let read = |value: &Tensor, range: Range<usize>| {
            range.zip(0..).map(|(at, row)| self.score(value, row, image(at))).collect()
        };
        let scores: Vec<Vec<f64>> = self.batched(count, progress, variants, read)?;
        Ok(scores.concat())
    }

    /// The targets' own score, a logit for a class, of `count` variants of one image: `[count]`,
    /// double.
    pub(super) fn logits(
        &self,
        count: usize,
        image: usize,
        variants: impl FnMut(Range<usize>) -> Result<Tensor, TchError>,
    ) -> Result<Tensor> {
        let targets = self.targets.one(image);
        let read =
            |value: &Tensor, range: Range<usize>| targets.repeated(range.len()).scores(value);
        let progress = &mut Progress::new("disturbing the image");
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
            let some = some.map_err(Error::torch("making variants of the image"))?;
            read(&self.net.value(&some, self.targets.node)?, range)
        };
        while let Some(batch) = batches.next(&mut run)? {
            all.push(batch);
            let done = batches.done();
            progress.step(done, count, || format!("{done} of {count} runs"));
            if least == count {
                progress.check(done, count)?;
            } else if progress.is_over() && done >= least {
                break;
            }
        }
        Ok(all)
    }

    /// The score of one row of the node's value, as a variant of image `index`.
    fn score(&self, value: &Tensor, row: i64, index: usize) -> Result<f64> {
        let failed = || Error::torch("reading a score");
        let mut one = value.f_narrow(0, row, 1).map_err(failed())?;
        if self.targets.class(index).is_some() {
            one = one.f_to_kind(Kind::Double).map_err(failed())?;
        }
        let score = self.targets.one(index).measured(&one, Measure::Probability)?;
        score.f_double_value(&[0]).map_err(failed())
    }
}
