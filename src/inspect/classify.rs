//! `net.classify(&photo)`

use tch::{Kind, Tensor};

use crate::network::Network;
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
        Ok(TopK::new(title, picture, guesses)?.logits(best))
    }

    /// The `k` most probable classes of one picture's logits, `[1, classes]`.
    pub(crate) fn guesses(&self, logits: &Tensor, k: usize) -> Result<Vec<Guess>> {
        let shape = logits.size();
        let [1, classes] = shape.as_slice() else {
            return Err(Error::Shape {
                at: format!("{}'s output", self.name()),
                expected: "[1, classes]".to_owned(),
                got: crate::error::shape_text(&shape),
                remedy: "Only a classifier's output can be ranked.".to_owned(),
            });
        };
        let k = (k.max(1) as i64).min(*classes);
        let ranked = logits.f_softmax(-1, Kind::Double).and_then(|p| p.f_topk(k, -1, true, true));
        let (probabilities, indices) = ranked.map_err(Error::torch("ranking the classes"))?;
        let read = Error::torch("reading the probabilities");
        let probabilities = Vec::<f64>::try_from(probabilities.reshape([-1])).map_err(read)?;
        let read = Error::torch("reading the classes");
        let indices = Vec::<i64>::try_from(indices.reshape([-1])).map_err(read)?;
        let guess = |(class, probability)| {
            let class = class as usize;
            Guess { class, name: self.class_name(class), probability }
        };
        Ok(indices.into_iter().zip(probabilities).map(guess).collect())
    }
}
