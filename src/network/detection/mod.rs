//! How a network's outputs say boxes with labels.

mod boxes;
mod detector;

use tch::{Kind, Tensor};

pub(crate) use detector::Detector;

use crate::error::shape_text;
use crate::{Error, Result};

/// How four numbers say a box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoxForm {
    /// Left, top, right, bottom.
    #[default]
    Corners,
    /// The middle's column and row, width, height.
    CenterSize,
    /// Left, top, width, height.
    CornerSize,
}

/// How scores become probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScoreForm {
    /// By a softmax over the labels.
    Softmax,
    /// By a sigmoid of each.
    Sigmoid,
    /// They are probabilities.
    Probabilities,
}

/// How a network's outputs are to be read as boxes with labels: for `A` places of the picture `K` scores
/// each, and a box.
///
/// Two outputs, `[N, A, 4]` and `[N, A, K]` ([`Detection::new`]: SSD, RetinaNet, face detectors), or one with
/// both, `[N, A, 4 + K]` or `[N, 4 + K, A]` ([`Detection::rows`]: YOLO).
/// [`Network::detector`](crate::network::Network::detector) recognizes the usual case of two outputs.
///
/// ```
/// use convscope::network::{BoxForm, Detection};
/// let ssd = Detection::new("boxes", "scores").form(BoxForm::CenterSize);
/// let yolo = Detection::rows("output0").form(BoxForm::CenterSize).pixels();
/// assert!(ssd.normalized && !yolo.normalized);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Detection {
    /// The output that holds the boxes.
    pub boxes: String,
    /// The output that holds the scores; none where they stand behind the boxes' four numbers.
    pub scores: Option<String>,
    /// What the four numbers are.
    pub form: BoxForm,
    /// Whether places are parts of the picture, 0 to 1, or pixels of the network's input.
    pub normalized: bool,
    /// Boxes `[A, 4]` (middle's column and row, width, height) from which the outputs are offsets, and the
    /// factors of places and sizes; none where boxes are decoded already.
    pub anchors: Option<(Vec<[f32; 4]>, [f64; 2])>,
    /// Whether a number before the scores says how likely there is anything, as in YOLO up to version 7.
    pub objectness: bool,
    /// How scores become probabilities; none: by the network's last operations.
    pub score_form: Option<ScoreForm>,
    /// The label that stands for nothing. `None`: 0 after a softmax, and else no label.
    pub background: Option<Option<usize>>,
    /// From which probability on a box is shown.
    pub threshold: f64,
    /// Of two boxes of one label that overlap by more than this (IoU), the less probable is left out.
    pub overlap: f64,
}

impl Detection {
    /// Boxes and scores in outputs of their own, by name: `[N, A, 4]` and `[N, A, K]`. Boxes are corners in
    /// parts of the picture, unless told otherwise.
    pub fn new(boxes: &str, scores: &str) -> Detection {
        Detection { scores: Some(scores.to_owned()), ..Detection::rows(boxes) }
    }

    /// Boxes and scores in one output: `[N, A, 4 + K]` or `[N, 4 + K, A]`.
    pub fn rows(output: &str) -> Detection {
        Detection {
            boxes: output.to_owned(),
            scores: None,
            form: BoxForm::Corners,
            normalized: true,
            anchors: None,
            objectness: false,
            score_form: None,
            background: None,
            threshold: 0.5,
            overlap: 0.5,
        }
    }

    /// Sets what a box's four numbers are.
    #[must_use]
    pub fn form(mut self, form: BoxForm) -> Detection {
        self.form = form;
        self
    }

    /// Places are pixels of the network's input.
    #[must_use]
    pub fn pixels(mut self) -> Detection {
        self.normalized = false;
        self
    }

    /// The boxes are offsets from these anchors, `[A, 4]`: middle's column and row, width, height, in parts of
    /// the picture or in pixels as the boxes. `factors` multiply the offsets of places and of sizes, in SSD
    /// 0.1 and 0.2; sizes are exponentials.
    ///
    /// # Errors
    ///
    /// Anchors of another shape; factors that are no numbers.
    pub fn anchors(mut self, anchors: &Tensor, factors: [f64; 2]) -> Result<Detection> {
        if !factors.iter().all(|factor| factor.abs() < 1e9) {
            return Err(Error::Argument(format!(
                "offsets from anchors times {factors:?}: give small numbers, in SSD [0.1, 0.2]"
            )));
        }
        if anchors.size().get(1..) != Some(&[4]) {
            return Err(Error::Shape {
                at: "the anchors of a detection".to_owned(),
                expected: "[A, 4]: middle's column and row, width, height".to_owned(),
                got: shape_text(&anchors.size()),
                remedy: "Give one box for each row of the output.".to_owned(),
            });
        }
        let numbers =
            anchors.f_detach().and_then(|all| all.f_to_kind(Kind::Float)?.f_reshape([-1]));
        let numbers: Vec<f32> =
            numbers.and_then(Vec::try_from).map_err(Error::torch("reading the anchors"))?;
        let rows = numbers.as_chunks::<4>().0.to_vec();
        self.anchors = Some((rows, factors));
        Ok(self)
    }

    /// A number before the scores says how likely there is anything; probabilities are multiplied by it.
    #[must_use]
    pub fn objectness(mut self) -> Detection {
        self.objectness = true;
        self
    }

    /// Sets how scores become probabilities.
    #[must_use]
    pub fn score_form(mut self, form: ScoreForm) -> Detection {
        self.score_form = Some(form);
        self
    }

    /// Sets the label that stands for nothing, or that there is none.
    #[must_use]
    pub fn background(mut self, label: Option<usize>) -> Detection {
        self.background = Some(label);
        self
    }

    /// Sets from which probability on a box is shown, 0 to 1.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Detection {
        self.threshold = if threshold.is_nan() { 1.0 } else { threshold.clamp(0.0, 1.0) };
        self
    }

    /// Sets by how much two boxes of one label may overlap (IoU), 0 to 1.
    #[must_use]
    pub fn overlap(mut self, overlap: f64) -> Detection {
        self.overlap = if overlap.is_nan() { 1.0 } else { overlap.clamp(0.0, 1.0) };
        self
    }
}
