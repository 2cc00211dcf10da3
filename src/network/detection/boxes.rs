//! Boxes with labels in a detector's result: decoding, and which are left of those that overlap.

use tch::{Kind, TchError, Tensor};

use super::{BoxForm, Detector, ScoreForm};
use crate::limits::position;
use crate::{Error, Result};

/// Below this probability a box is none, as in torchvision.
const LEAST: f64 = 0.05;
/// Of more candidates only the most probable are looked at, as in torchvision.
const CANDIDATES: i64 = 1000;

/// A box with a label, as a network gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// Its row in the result.
    row: i64,
    /// Its label.
    pub class: usize,
    pub probability: f64,
    /// Left, top, right, bottom in pixels of the network's input.
    pub place: [f64; 4],
}

impl Detector {
    /// The boxes in one picture's result, for an input of this height and width, those that overlap a more
    /// probable one of their label left out; the most probable first.
    pub(crate) fn found(&self, output: &Tensor, size: [i64; 2]) -> Result<Vec<Found>> {
        tch::no_grad(|| self.candidates(output, size))
            .map_err(Error::torch("reading boxes and scores"))
            .map(|candidates| self.kept(candidates))
    }

    /// The probability of a label plus the overlap (IoU) with a place, of the box of that label that meets
    /// the place best; `None` where none meets it by more than half. `[1]`, with a gradient.
    pub(crate) fn score(
        &self,
        output: &Tensor,
        size: [i64; 2],
        class: usize,
        place: [f64; 4],
    ) -> Result<Option<Tensor>> {
        let met = |found: Found| (iou(found.place, place), found);
        let all =
            self.found(output, size)?.into_iter().filter(|found| found.class == class).map(met);
        // Of equals the first, which is the most probable.
        let best = all.fold(None, |best: Option<(f64, Found)>, (met, found)| match best {
            Some((most, _)) if met <= most => best,
            _ => Some((met, found)),
        });
        let Some((_, best)) = best.filter(|(met, _)| *met > 0.5) else { return Ok(None) };
        let score = || {
            let (boxes, probabilities) = self.split(output, size, Some(best.row))?;
            let probability = probabilities.f_reshape([-1])?.f_narrow(0, position(class), 1)?;
            probability.f_add(&overlap(&boxes.f_reshape([4])?, place)?.f_reshape([1])?)
        };
        score().map(Some).map_err(Error::torch("making the score of a box"))
    }

    /// Candidates of one picture, the most probable first.
    fn candidates(&self, output: &Tensor, size: [i64; 2]) -> Result<Vec<Found>, TchError> {
        let (boxes, probabilities) = self.split(output, size, None)?;
        let labels = self.labels;
        let flat =
            probabilities.f_to_kind(Kind::Float)?.f_reshape([-1])?.f_nan_to_num(0.0, 0.0, 0.0)?;
        let (most, at) = flat.f_topk((flat.numel() as i64).min(CANDIDATES), 0, true, true)?;
        let rows = at.f_floor_divide_scalar(labels)?;
        let places = boxes.f_index_select(0, &rows)?.f_to_kind(Kind::Double)?;
        let places = Vec::<f64>::try_from(places.f_reshape([-1])?)?;
        let (most, at) =
            (Vec::<f64>::try_from(most.f_to_kind(Kind::Double)?)?, Vec::<i64>::try_from(at)?);
        let found = most.into_iter().zip(at).zip(places.chunks_exact(4));
        let found = found.map(|((probability, at), place)| Found {
            row: at / labels,
            class: (at % labels) as usize,
            probability,
            place: [place[0], place[1], place[2], place[3]],
        });
        let real = |found: &Found| {
            found.probability >= LEAST
                && Some(found.class) != self.background
                && found.place.iter().all(|side| side.is_finite())
        };
        Ok(found.filter(real).collect())
    }

    /// Those that don't overlap a more probable one of their label.
    fn kept(&self, candidates: Vec<Found>) -> Vec<Found> {
        let mut kept: Vec<Found> = Vec::new();
        for found in candidates {
            let hidden = |other: &Found| {
                other.class == found.class && iou(other.place, found.place) > self.how.overlap
            };
            if !kept.iter().any(hidden) {
                kept.push(found);
            }
        }
        kept
    }

    /// Of one picture's result the corners `[A, 4]` in pixels of the network's input, and the probabilities
    /// `[A, K]`; of all rows or of one.
    fn split(
        &self,
        output: &Tensor,
        size: [i64; 2],
        row: Option<i64>,
    ) -> Result<(Tensor, Tensor), TchError> {
        let rows = output.f_select(0, 0)?;
        let rows = if self.across { rows.f_transpose(0, 1)? } else { rows };
        let some = |all: &Tensor| match row {
            Some(row) => all.f_narrow(0, row, 1),
            None => Ok(all.shallow_clone()),
        };
        let rows = some(&rows)?;
        let mut scores = rows.f_narrow(1, -self.labels, self.labels)?;
        scores = match self.score_form {
            ScoreForm::Softmax => scores.f_softmax(1, None::<Kind>)?,
            ScoreForm::Sigmoid => scores.f_sigmoid()?,
            ScoreForm::Probabilities => scores,
        };
        if self.how.objectness {
            let some = rows.f_narrow(1, 4, 1)?;
            let some =
                if self.score_form == ScoreForm::Probabilities { some } else { some.f_sigmoid()? };
            scores = scores.f_mul(&some)?;
        }
        let mut boxes = rows.f_narrow(1, 0, 4)?;
        let mut form = self.how.form;
        if let Some((anchors, [place, size])) = &self.how.anchors {
            let anchors = Tensor::f_from_slice(anchors.as_flattened())?.f_view([-1, 4])?;
            let anchors = some(&anchors)?.f_to_device(boxes.device())?.f_to_kind(boxes.kind())?;
            let (middles, sizes) = (anchors.f_narrow(1, 0, 2)?, anchors.f_narrow(1, 2, 2)?);
            let moved =
                boxes.f_narrow(1, 0, 2)?.f_mul_scalar(*place)?.f_mul(&sizes)?.f_add(&middles)?;
            let grown = boxes.f_narrow(1, 2, 2)?.f_mul_scalar(*size)?.f_exp()?.f_mul(&sizes)?;
            (boxes, form) = (Tensor::f_cat(&[moved, grown], 1)?, BoxForm::CenterSize);
        }
        let (first, second) = (boxes.f_narrow(1, 0, 2)?, boxes.f_narrow(1, 2, 2)?);
        let corners = match form {
            BoxForm::Corners => boxes,
            BoxForm::CornerSize => Tensor::f_cat(&[&first, &first.f_add(&second)?], 1)?,
            BoxForm::CenterSize => {
                let half = second.f_mul_scalar(0.5)?;
                Tensor::f_cat(&[first.f_sub(&half)?, first.f_add(&half)?], 1)?
            }
        };
        if !self.how.normalized {
            return Ok((corners, scores));
        }
        let [height, width] = size.map(|side| side as f64);
        let sides = Tensor::f_from_slice(&[width, height, width, height])?;
        let sides = sides.f_to_device(corners.device())?.f_to_kind(corners.kind())?;
        Ok((corners.f_mul(&sides)?, scores))
    }
}

/// Intersection over union of two boxes: left, top, right, bottom.
fn iou(a: [f64; 4], b: [f64; 4]) -> f64 {
    let area =
        |[left, top, right, bottom]: [f64; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
    let both = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    let either = area(a) + area(b) - both;
    if either > 0.0 { both / either } else { 0.0 }
}

/// The same of a box `[4]` with a gradient: `[]`.
fn overlap(found: &Tensor, place: [f64; 4]) -> Result<Tensor, TchError> {
    let side = |at: i64| found.f_get(at);
    let within = |dim: i64| {
        let (from, to) = (place[dim as usize], place[dim as usize + 2]);
        side(dim + 2)?.f_clamp_max(to)?.f_sub(&side(dim)?.f_clamp_min(from)?)?.f_clamp_min(0)
    };
    let both = within(0)?.f_mul(&within(1)?)?;
    let own = side(2)?.f_sub(&side(0)?)?.f_mul(&side(3)?.f_sub(&side(1)?)?)?;
    let area = (place[2] - place[0]) * (place[3] - place[1]);
    both.f_div(&own.f_add_scalar(area)?.f_sub(&both)?)
}
