//! `net.detect(&photo)`: boxes with labels.

use crate::Result;
use crate::attribution::{ALONE, Input, Target, input_size};
use crate::network::Network;
use crate::view::{Detected, Detections};

impl Network {
    /// The boxes with labels that a detector ([`Network::detector`], [`Network::with_detection`]) finds in a
    /// picture. Each of the figure's [`objects`](Detections::objects) is a target.
    ///
    /// ```
    /// use convscope::network::{Detection, ops};
    /// use convscope::prelude::*;
    /// // Four boxes: a quarter of the picture each, and how bright it is.
    /// let mut b = Network::builder("quarters", [1, 28, 28]);
    /// let x = b.avg_pool(b.input(), "bright", Pool::new(14, 14));
    /// let x = b.flatten(x, "row");
    /// b.op("scores", ops::Reshape { shape: vec![-1, 4, 1] }, &[x]);
    /// let offsets = b.linear(x, "none", 16);
    /// b.op("offsets", ops::Reshape { shape: vec![-1, 4, 4] }, &[offsets]);
    /// let nothing = [("none.weight", Tensor::zeros([16, 4], (Kind::Float, Device::Cpu))),
    ///     ("none.bias", Tensor::zeros([16], (Kind::Float, Device::Cpu)))];
    /// let net = b.build()?.load_tensors(nothing)?;
    /// let quarters = [0.25_f32, 0.25, 0.5, 0.5, 0.75, 0.25, 0.5, 0.5, 0.25, 0.75, 0.5, 0.5, 0.75, 0.75, 0.5, 0.5];
    /// let anchors = Tensor::from_slice(&quarters).view([4, 4]);
    /// let how = Detection::new("offsets", "scores").anchors(&anchors, [0.1, 0.2])?.threshold(0.1);
    /// let net = net.with_detection(how.score_form(convscope::network::ScoreForm::Probabilities).background(None))?;
    /// let photo = data::digit(1, 2)?;
    /// let found = net.detect(&photo)?;
    /// let map = saliency(&net, &photo, &found.objects()[0])?;
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A network that isn't read as a detector; an input that doesn't fit it.
    pub fn detect(&self, input: &impl Input) -> Result<Detections> {
        let detector = self.reads_boxes(self.output_index())?;
        let tensor = input.tensor(self)?;
        let output = tch::no_grad(|| self.forward(&tensor))?;
        let [height, width] = input_size(&tensor);
        let found = detector.found(&output, [i64::from(height), i64::from(width)])?;
        let found = found.into_iter().map(|found| {
            Detected::new(found.class, self.class_name(found.class), found.probability, found.place)
        });
        let title = format!("{} finds in {}", self.name(), input.title());
        let figure = Detections::new(title, input.shown(self, ALONE)?, found.collect())?;
        Ok(figure.threshold(detector.how.threshold).input_size(height, width))
    }
}

impl From<&Detected> for Target {
    fn from(found: &Detected) -> Target {
        Target::object(found.class, found.place)
    }
}

impl From<Detected> for Target {
    fn from(found: Detected) -> Target {
        Target::from(&found)
    }
}
