//! `net.predict(&photos)`: many pictures at once.

use tch::{Kind, Tensor};

use crate::error::shape_text;
use crate::network::Network;
use crate::view::{Guess, Prediction, Predictions};
use crate::{Error, Photo, Result};

/// How many pictures go through the network at once.
const BATCH: usize = 32;
const GUESSES: usize = 5;

impl Network {
    /// What the network takes each of several pictures for, as a grid.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let photos = [data::digit(3, 1)?, data::digit(8, 1)?];
    /// let seen = zoo::digits()?.predict(&photos)?;
    /// assert_eq!(seen.predictions()[1].guesses[0].name, "8");
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn predict(&self, photos: &[Photo]) -> Result<Predictions> {
        self.predictions(photos.iter().map(|photo| (photo, None)))
    }

    /// The same beside the true classes: right and wrong are told apart, and
    /// [`Predictions::wrong`] shows the mistakes alone.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let seen = zoo::digits()?.predict_labelled(&data::digits(50, 2)?)?;
    /// assert!(seen.accuracy() > Some(0.9));
    /// seen.wrong().save(std::env::temp_dir().join("mistakes.png"))?;
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn predict_labelled(&self, samples: &[(Photo, usize)]) -> Result<Predictions> {
        self.predictions(samples.iter().map(|(photo, class)| (photo, Some(*class))))
    }

    fn predictions<'a>(
        &self,
        samples: impl Iterator<Item = (&'a Photo, Option<usize>)>,
    ) -> Result<Predictions> {
        let samples: Vec<_> = samples.collect();
        let mut predictions = Vec::with_capacity(samples.len());
        for batch in samples.chunks(BATCH) {
            let inputs: Vec<Tensor> =
                batch.iter().map(|(photo, _)| self.prepare(photo)).collect::<Result<_>>()?;
            let inputs = Tensor::f_cat(&inputs, 0).map_err(Error::torch("making a batch"))?;
            let logits = tch::no_grad(|| self.forward(&inputs))?;
            for (row, (photo, class)) in batch.iter().enumerate() {
                let one = logits.f_narrow(0, row as i64, 1);
                let one = one.map_err(Error::torch("reading one picture's logits"))?;
                let zoom = self.preprocess().sharp_zoom(photo, 112);
                predictions.push(Prediction {
                    index: predictions.len(),
                    title: photo.title().to_owned(),
                    picture: self.preprocess().view(photo, zoom)?,
                    guesses: self.guesses(&one, GUESSES)?,
                    truth: class.map(|class| self.probability(&one, class)).transpose()?,
                });
            }
        }
        Predictions::new(format!("What {} sees", self.name()), predictions)
    }

    /// One class with the probability that these logits, `[1, classes]`, give it.
    pub(crate) fn probability(&self, logits: &Tensor, class: usize) -> Result<Guess> {
        let probability = logits
            .f_softmax(-1, Kind::Double)
            .and_then(|all| all.f_select(1, class as i64)?.f_double_value(&[0]));
        let probability = probability.map_err(|_| {
            Error::UnknownClass(format!(
                "the label {class} is no class of {}, whose output is {}; classes count from 0",
                self.name(),
                shape_text(&logits.size())
            ))
        })?;
        Ok(Guess { class, name: self.class_name(class), probability })
    }
}
