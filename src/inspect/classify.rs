//! `net.classify(&photo)`

use tch::{Kind, TchError, Tensor};

use crate::limits::position;
use crate::network::{Network, OutputScale};
use crate::view::{Guess, TopK};
use crate::{Error, Photo, Result};

impl Network {
    /// The image beside the network's top five predictions.
    pub fn classify(&self, photo: &Photo) -> Result<TopK> {
        self.classify_with(photo, 5)
    }

    /// The same with `k` guesses.
    pub fn classify_with(&self, photo: &Photo, k: usize) -> Result<TopK> {
        let input = self.prepare(photo)?;
        let logits = tch::no_grad(|| self.forward(&input))?;
        let guesses = self.guesses(&logits, k)?;
        let picture = self.preprocess().sharp_view(photo, 224)?;
        let logit = |guess: &Guess| logits.f_double_value(&[0, guess.class as i64]);
        let best = guesses.iter().map(logit).collect::<std::result::Result<Vec<f64>, _>>();
        let best = best.map_err(Error::torch("reading the logits"))?;
        let title = format!("{} sees {}", self.name(), photo.title());
        let figure = TopK::new(title, picture, guesses)?;
        Ok(match self.output_scale() {
            OutputScale::Logits => figure.logits(best),
            _ => figure,
        })
    }

    /// The `k` most probable classes of one picture's output, `[1, classes]`.
    pub(crate) fn guesses(&self, logits: &Tensor, k: usize) -> Result<Vec<Guess>> {
        let shape = logits.size();
        let [1, classes] = shape.as_slice() else {
            return Err(Error::Shape {
                at: format!("{}'s output", self.name()),
                expected: "[1, classes]".to_owned(),
                got: crate::error::shape_text(&shape),
                remedy: match (self.detection(), shape.len()) {
                    (Some(_), _) => "Only a classifier's output can be ranked; `net.detect(&photo)` shows boxes.",
                    (None, 4) => {
                        "Only a classifier's output can be ranked; `net.segment(&photo)` shows each pixel's class."
                    }
                    _ => "Only a classifier's output can be ranked.",
                }
                .to_owned(),
            });
        };
        let k = position(k.max(1)).min(*classes);
        let ranked = || -> Result<(Vec<f64>, Vec<i64>), TchError> {
            let all = self.output_scale().probabilities(logits, Kind::Double)?;
            let (best, classes) = all.f_topk(k, 1, true, true)?;
            Ok((best.f_reshape([-1])?.try_into()?, classes.f_reshape([-1])?.try_into()?))
        };
        let (probabilities, indices) = ranked().map_err(Error::torch("ranking the classes"))?;
        let guess = |(class, probability)| {
            let class = class as usize;
            Guess { class, name: self.class_name(class), probability }
        };
        Ok(indices.into_iter().zip(probabilities).map(guess).collect())
    }
}
