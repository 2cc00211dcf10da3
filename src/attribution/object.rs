//! A box of a detection: the score of its label, and how well the network still finds its place.

use std::sync::Arc;

use tch::{TchError, Tensor};

use crate::error::short;
use crate::network::Detector;
use crate::{Error, Result};

/// A box of a detector's result with its label.
#[derive(Clone, Debug)]
pub(super) struct ObjectScore {
    class: usize,
    class_name: String,
    /// Left, top, right, bottom in pixels of the network's input.
    place: [f64; 4],
    detector: Arc<Detector>,
    /// The height and width of the images.
    size: [i64; 2],
    /// Whether the unchanged picture is still to be seen, in which the box must be.
    open: bool,
}

impl ObjectScore {
    pub(super) fn new(
        class: usize,
        class_name: String,
        place: [f64; 4],
        detector: &Arc<Detector>,
        size: [i64; 2],
    ) -> Result<ObjectScore> {
        let [left, top, right, bottom] = place;
        // Beyond any picture, and what single precision still holds.
        let near = |side: &f64| side.abs() < 1e9;
        if !(left < right && top < bottom && place.iter().all(near)) {
            return Err(Error::Argument(format!(
                "the box {place:?} has no area: give left, top, right and bottom in pixels of the network's input"
            )));
        }
        if class as i64 >= detector.labels || Some(class) == detector.background {
            return Err(Error::UnknownClass(format!(
                "{} is no label of a box: there are {} labels, numbered from 0{}",
                short(&class_name),
                detector.labels,
                detector
                    .background
                    .map_or(String::new(), |none| format!(", and {none} stands for nothing"))
            )));
        }
        let detector = detector.clone();
        Ok(ObjectScore { class, class_name, place, detector, size, open: true })
    }

    /// Whether the box is still to be found.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// The same after the box was found in the unchanged picture's output.
    pub(super) fn settled(&self, output: &Tensor) -> Result<ObjectScore> {
        self.score(output).map(|_| ObjectScore { open: false, ..self.clone() })
    }

    /// The score of one picture's output, `[1]`; 0, with a gradient of 0, where there is no such box.
    pub(super) fn score(&self, output: &Tensor) -> Result<Tensor> {
        let score = self.detector.score(output, self.size, self.class, self.place)?;
        match score {
            Some(score) => Ok(score),
            None if self.open => Err(Error::Argument(format!(
                "in this picture no box of {} meets the place {} by more than half (IoU): `net.detect(&photo)` shows the \
                 boxes there are",
                short(&self.class_name),
                self.text()
            ))),
            None => nothing(output).map_err(Error::torch("making the score of a box")),
        }
    }

    /// As titles have it: `face at x 10–40, y 3–20`.
    pub(super) fn name(&self) -> String {
        format!("{} at {}", self.class_name, self.text())
    }

    fn text(&self) -> String {
        let [left, top, right, bottom] = self.place.map(f64::round);
        format!("x {left}–{right}, y {top}–{bottom}")
    }
}

/// 0 whose gradient is 0, whatever the numbers are.
fn nothing(output: &Tensor) -> Result<Tensor, TchError> {
    let one = output.f_reshape([-1])?.f_narrow(0, 0, 1)?;
    one.f_nan_to_num(0.0, 0.0, 0.0)?.f_mul_scalar(0.0)
}
