//! Networks whose result is read as boxes with labels.

use std::sync::Arc;

use tch::{Kind, Tensor};

use super::{BoxForm, Detection, ScoreForm};
use crate::error::{listed, quoted, shape_text, short};
use crate::network::ops::Concat;
use crate::network::{Network, Node, OutputScale};
use crate::{Error, Result};

/// A description fitted to a network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Detector {
    pub how: Detection,
    pub score_form: ScoreForm,
    pub background: Option<usize>,
    /// How many labels there are, the background among them.
    pub labels: i64,
    /// Whether the result is `[N, numbers, A]`.
    pub across: bool,
}

impl Network {
    /// The same network as one that gives boxes with labels: its result holds boxes and scores together,
    /// `[N, A, 4 + K]`, so that [`Network::detect`] reads it and
    /// [`Target::object`](crate::attribution::Target::object) explains a box. Names of labels stay where there
    /// are as many.
    ///
    /// # Errors
    ///
    /// Outputs that aren't there or have other shapes; anchors for another number of boxes.
    pub fn with_detection(self, how: Detection) -> Result<Network> {
        let [c, h, w] = self.preprocess.input_shape();
        let shapes = self.shapes(&[1, c, h, w])?;
        let boxes = self.find(&how.boxes)?;
        let refuse = |expected: String, at: usize| {
            Err(Error::Shape {
                at: format!("{}'s output `{}`", self.name, self.nodes[at].name),
                expected,
                got: shape_text(&shapes[at]),
                remedy: "`net.outputs()` lists the outputs; `Detection::new(boxes, scores)` and \
                         `Detection::rows(output)` say which are read."
                    .to_owned(),
            })
        };
        let before = 4 + i64::from(how.objectness);
        let (scores, rows, labels, across) = match &how.scores {
            Some(scores) => {
                let scores = self.find(scores)?;
                let [1, rows, 4] = shapes[boxes][..] else {
                    return refuse("boxes [N, A, 4]".to_owned(), boxes);
                };
                match shapes[scores][..] {
                    [1, found, numbers] if found == rows && numbers > before - 4 => {
                        (Some(scores), rows, numbers + 4 - before, false)
                    }
                    _ => return refuse(format!("scores [N, {rows}, labels]"), scores),
                }
            }
            None => match shapes[boxes][..] {
                [1, rows, numbers] if rows >= numbers && numbers > before => {
                    (None, rows, numbers - before, false)
                }
                [1, numbers, rows] if numbers > before => (None, rows, numbers - before, true),
                _ => return refuse("[N, A, 4 + labels] or [N, 4 + labels, A]".to_owned(), boxes),
            },
        };
        if let Some((anchors, _)) = &how.anchors
            && anchors.len() as i64 != rows
        {
            return Err(Error::Argument(format!(
                "{} anchors for {rows} boxes of `{}`: give as many",
                anchors.len(),
                self.nodes[boxes].name
            )));
        }
        let scale = self.scale_of(scores.unwrap_or(boxes), if across { 1 } else { 2 });
        let (score_form, softened) = match (how.score_form, scale) {
            (Some(form), _) => (form, form == ScoreForm::Softmax),
            (None, OutputScale::Probabilities) => (ScoreForm::Probabilities, true),
            // A softmax makes of logarithms of probabilities what they were.
            (None, OutputScale::LogProbabilities) => (ScoreForm::Softmax, true),
            (None, OutputScale::Logits) if scores.is_some() => (ScoreForm::Softmax, true),
            (None, _) => (ScoreForm::Probabilities, false),
        };
        let background = how.background.unwrap_or_else(|| (softened && labels > 1).then_some(0));
        let detector = Detector { how, score_form, background, labels, across };
        self.reading(boxes, scores, detector)
    }

    /// The network with these nodes' values together as its result.
    fn reading(
        mut self,
        boxes: usize,
        scores: Option<usize>,
        detector: Detector,
    ) -> Result<Network> {
        self.output = boxes;
        if let Some(scores) = scores {
            let mut name = "boxes_and_scores".to_owned();
            while self.nodes.iter().any(|node| node.name == name) {
                name.push('_');
            }
            self.heads.extend([boxes, scores]);
            self.output = self.nodes.len();
            let inputs = vec![boxes, scores];
            self.nodes.push(Node { name, op: Concat { dim: 2 }.into(), inputs });
        }
        if self.classes.len() as i64 != detector.labels {
            self.classes.clear();
        }
        self.detection = Some(Arc::new(detector));
        Ok(self)
    }

    /// How the result says boxes; `None` for a network that gives none.
    pub fn detection(&self) -> Option<&Detection> {
        self.detection.as_deref().map(|detector| &detector.how)
    }

    /// How the value of this node says boxes.
    pub(crate) fn detector_at(&self, node: usize) -> Option<&Arc<Detector>> {
        self.detection.as_ref().filter(|_| node == self.output)
    }

    /// The same, or what makes it say boxes.
    pub(crate) fn reads_boxes(&self, node: usize) -> Result<&Arc<Detector>> {
        self.detector_at(node).ok_or_else(|| {
            Error::Argument(format!(
                "{} of {} isn't read as boxes: `net.detector()` recognizes the usual outputs, \
                 `net.with_detection(…)` says what they hold",
                quoted(&[&self.nodes[node].name]),
                short(&self.name)
            ))
        })
    }

    /// The same network as one that gives boxes with labels, recognized by its outputs: the only one `[N, A, 4]`
    /// holds boxes, the only one `[N, A, K]` scores. Whether boxes are corners or middles with sizes, in pixels or
    /// parts of the picture, is seen in what it gives for an empty picture. [`Network::detection`] says what was
    /// found, [`Network::with_detection`] sets it.
    ///
    /// # Errors
    ///
    /// A network with other outputs, or whose boxes are no such boxes: offsets from anchors, say.
    pub fn detector(self) -> Result<Network> {
        let outputs = self.outputs()?;
        let shape = |index: usize| outputs[index].shape.as_slice();
        let is_boxes = |&index: &usize| matches!(shape(index), [1, rows, 4] if *rows > 4);
        let boxes: Vec<usize> = (0..outputs.len()).filter(is_boxes).collect();
        let pairs = boxes.iter().flat_map(|&boxes| {
            let rows = shape(boxes).get(1);
            let fits = move |&scores: &usize| {
                scores != boxes && shape(scores).len() == 3 && shape(scores).get(1) == rows
            };
            (0..outputs.len()).filter(fits).map(move |scores| (boxes, scores))
        });
        let [(boxes, scores)] = pairs.collect::<Vec<_>>()[..] else {
            let all: Vec<String> = outputs
                .iter()
                .map(|output| format!("{} {}", quoted(&[&output.name]), shape_text(&output.shape)))
                .collect();
            return Err(Error::Argument(format!(
                "{} isn't recognized as a detector: expected one output of boxes [N, A, 4] and one of scores \
                 [N, A, labels], got {}. `net.with_detection(Detection::new(boxes, scores))` says which they are.",
                self.name,
                listed(&all)
            )));
        };
        let mut how = Detection::new(&outputs[boxes].name, &outputs[scores].name);
        let [c, h, w] = self.preprocess.input_shape();
        let doing = || Error::torch("looking at the boxes of an empty picture");
        let (kind, device) = self.kind_and_device();
        let empty = Tensor::f_zeros([1, c, h, w], (kind, device)).map_err(doing())?;
        let seen = self.value(&empty, self.find(&how.boxes)?)?;
        (how.form, how.normalized) = recognized(&seen).ok_or_else(|| {
            Error::Argument(format!(
                "the boxes of {} (`{}`) are neither corners nor middles with sizes: they may be offsets from \
                 anchors. `Detection::new(boxes, scores).anchors(…)` says from which.",
                self.name, how.boxes
            ))
        })?;
        self.with_detection(how)
    }
}

/// The form of boxes `[1, A, 4]`, and whether they are parts of the picture.
fn recognized(boxes: &Tensor) -> Option<(BoxForm, bool)> {
    /// Offsets beyond the picture are common, numbers of pixels below this are not.
    const PARTS: f64 = 4.0;
    let share =
        |holds: Tensor| holds.f_to_kind(Kind::Float)?.f_mean(Kind::Float)?.f_double_value(&[]);
    let column = |at: i64| boxes.f_select(2, at)?.f_to_kind(Kind::Float);
    let both = |a: Tensor, b: Tensor| a.f_logical_and(&b);
    let corners =
        || share(both(column(2)?.f_gt_tensor(&column(0)?)?, column(3)?.f_gt_tensor(&column(1)?)?)?);
    let sizes = || share(both(column(2)?.f_gt(0)?, column(3)?.f_gt(0)?)?);
    let largest = boxes.f_abs().and_then(|all| all.f_max()?.f_double_value(&[])).ok()?;
    let (corners, sizes) = (corners().ok()?, sizes().ok()?);
    let form = match (corners > 0.99, sizes > 0.99) {
        (true, _) => BoxForm::Corners,
        (false, true) => BoxForm::CenterSize,
        _ => return None,
    };
    Some((form, largest <= PARTS))
}
