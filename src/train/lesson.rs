//! What is learned from: images, or what the frozen layers make of them.

use tch::{TchError, Tensor};

use super::{Dataset, Score};
use crate::batching::{Batches, free};
use crate::live::Progress;
use crate::network::{Cut, Network};
use crate::{Error, Result};

/// From so many images on a larger batch is of no use.
const AT_ONCE: usize = 64;

/// Images with labels for a network of which a part is frozen.
pub(super) struct Lesson<'a> {
    net: &'a Network,
    cut: &'a Cut,
    pub data: &'a Dataset,
    /// What the frozen layers hand on for all images, `[N, …]`, where it is kept.
    kept: Option<Vec<Tensor>>,
}

impl<'a> Lesson<'a> {
    pub(super) fn new(net: &'a Network, cut: &'a Cut, data: &'a Dataset) -> Lesson<'a> {
        Lesson { net, cut, data, kept: None }
    }

    /// Runs the frozen layers once on all images, where there are any, and where that can be kept.
    pub(super) fn keep(&mut self, progress: &mut Progress) -> Result<()> {
        let Some(shapes) = self.shapes()? else { return Ok(()) };
        let (kind, device) = self.net.kind_and_device();
        let empty = |shape: &Vec<i64>| Tensor::f_empty(shape, (kind, device));
        let mut kept = shapes
            .iter()
            .map(empty)
            .collect::<Result<Vec<_>, TchError>>()
            .map_err(Error::torch("making room for the frozen layers' values"))?;
        let count = self.data.len();
        let each = self.net.bytes(&self.data.images().size(), kind, false)?;
        let mut batches = Batches::new(count, each, AT_ONCE, device);
        while batches.done() < count {
            let ran = batches.next(|range| {
                let (start, images) = (range.start as i64, range.len() as i64);
                let part = self.data.part(start, images)?;
                let values = self.net.run_before(self.cut, part.images())?;
                for (kept, value) in kept.iter_mut().zip(values) {
                    let place = kept.f_narrow(0, start, images);
                    place
                        .and_then(|mut place| place.f_copy_(&value))
                        .map_err(Error::torch("keeping the frozen layers' values"))?;
                }
                Ok(())
            })?;
            if ran.is_none() || progress.is_over() {
                break;
            }
            let done = batches.done();
            progress.step(done, count, || format!("running the frozen layers, {done} of {count}"));
        }
        if batches.done() == count {
            self.kept = Some(kept);
        }
        Ok(())
    }

    /// The shapes of what can be kept; none where nothing is frozen, the images don't come one after the
    /// other, or half of the free memory doesn't hold it.
    fn shapes(&self) -> Result<Option<Vec<Vec<i64>>>> {
        if !self.cut.is_past_input() {
            return Ok(None);
        }
        let [_, image @ ..] = &self.data.images().size()[..] else { return Ok(None) };
        let shapes_of = |count: i64| -> Result<Vec<Vec<i64>>> {
            let mut all = self.net.shapes(&[&[count], image].concat())?;
            Ok(self.cut.handed_on.iter().map(|&i| std::mem::take(&mut all[i])).collect())
        };
        let (one, two) = (shapes_of(1)?, shapes_of(2)?);
        let by_image = one.iter().zip(&two).all(|(one, two)| match (&one[..], &two[..]) {
            ([1, one @ ..], [2, two @ ..]) => one == two,
            _ => false,
        });
        let shapes = shapes_of(self.data.len() as i64)?;
        let (kind, device) = self.net.kind_and_device();
        let bytes = shapes.iter().map(|shape| shape.iter().map(|&n| n as f64).product::<f64>());
        let bytes = bytes.sum::<f64>() * kind.elt_size_in_bytes() as f64;
        Ok((by_image && bytes < 0.5 * free(device) as f64).then_some(shapes))
    }

    /// What the trained layers read of the images of these indices, changed by `change` if they are
    /// run; and their labels.
    pub(super) fn batch(
        &self,
        indices: &[i64],
        change: impl Fn(&Dataset) -> Result<Tensor>,
    ) -> Result<(Vec<Tensor>, Tensor)> {
        let Some(kept) = &self.kept else {
            let chosen = self.data.chosen(indices)?;
            let values = self.net.run_before(self.cut, &change(&chosen)?)?;
            return Ok((values, chosen.labels().shallow_clone()));
        };
        let chosen = || {
            let at = Tensor::f_from_slice(indices)?;
            let choose = |all: &Tensor| all.f_index_select(0, &at.f_to_device(all.device())?);
            let values = kept.iter().map(choose).collect::<Result<Vec<_>, TchError>>()?;
            Ok((values, choose(self.data.labels())?))
        };
        chosen().map_err(Error::torch("choosing a batch"))
    }

    /// Loss and accuracy on all images.
    pub(super) fn score(&self) -> Result<Score> {
        self.net.score_by(self.data, |start, part| {
            let Some(kept) = &self.kept else { return self.net.forward(part.images()) };
            let values = kept.iter().map(|all| all.f_narrow(0, start, part.len() as i64));
            let values = values.collect::<Result<Vec<_>, TchError>>();
            let values = values.map_err(Error::torch("choosing a batch"))?;
            self.net.run_behind(self.cut, &values, false)
        })
    }
}
