//! `net.predict(&samples)`: many images at once.

use tch::{Kind, Tensor};

use crate::data::{Samples, each, labels_for};
use crate::error::shape_text;
use crate::limits::position;
use crate::network::Network;
use crate::view::{Guess, Prediction, Predictions};
use crate::{Error, Result};

/// How many images go through the network at once.
const BATCH: usize = 32;
const GUESSES: usize = 5;
/// A picture's longer side in the grid.
const SHOWN: u32 = 112;

impl Network {
    /// The top predictions for each of several images, as a grid. Where there are labels, right and wrong
    /// are told apart, and [`Predictions::wrong`] shows the mistakes alone.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let photos = [data::digit(3, 1)?, data::digit(8, 1)?];
    /// let seen = zoo::digits()?.predict(&photos)?;
    /// assert_eq!(seen.predictions()[1].guesses[0].name, "8");
    ///
    /// let seen = zoo::digits()?.predict(&data::digits(50, 2)?)?;
    /// assert!(seen.accuracy() > Some(0.9));
    /// seen.wrong().save(std::env::temp_dir().join("mistakes.png"))?;
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An image that can't be read or prepared; a label that is no class of the network.
    pub fn predict(&self, samples: &(impl Samples + ?Sized)) -> Result<Predictions> {
        let labels = labels_for(self, samples)?;
        let mut predictions = Vec::new();
        let (fast, preprocess) = (self.fast_for(samples.len())?, self.preprocess());
        for start in (0..samples.len()).step_by(BATCH) {
            let range = start..(start + BATCH).min(samples.len());
            let made = each(samples, range, |photo| {
                let (values, picture) = preprocess.values_and_view(&photo, SHOWN)?;
                Ok((values, (photo.title().to_owned(), picture)))
            })?;
            let (values, pictures): (Vec<_>, Vec<_>) = made.into_iter().unzip();
            let logits = tch::no_grad(|| fast.forward(&preprocess.batch(values)?))?;
            for (row, (title, picture)) in pictures.into_iter().enumerate() {
                let one = logits.f_narrow(0, row as i64, 1);
                let one = one.map_err(Error::torch("reading one image's logits"))?;
                let class = labels.as_ref().and_then(|labels| labels.get(start + row));
                predictions.push(Prediction {
                    index: predictions.len(),
                    title,
                    picture,
                    guesses: self.guesses(&one, GUESSES)?,
                    truth: class.map(|&class| self.probability(&one, class)).transpose()?,
                });
            }
        }
        Predictions::new(format!("What {} sees", self.name()), predictions)
    }

    /// One class with the probability that these logits, `[1, classes]`, give it.
    pub(crate) fn probability(&self, logits: &Tensor, class: usize) -> Result<Guess> {
        let all = self.output_scale().probabilities(logits, Kind::Double);
        let probability =
            all.and_then(|all| all.f_select(1, position(class))?.f_double_value(&[0]));
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
