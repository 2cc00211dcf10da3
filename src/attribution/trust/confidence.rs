//! Average drop and increase in confidence: what is left of the score when only the parts of the image
//! under the map are shown.
//!
//! Chattopadhyay, Sarkar, Howlader, Balasubramanian, "Grad-CAM++", 2017
//! ([arXiv:1710.11063](https://arxiv.org/abs/1710.11063)).

use tch::Tensor;

use super::score::Scorer;
use crate::attribution::Run;
use crate::error::shape_text;
use crate::live::Progress;
use crate::{Error, Result};

/// The scores of images and of their explained parts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Confidence {
    /// Each image's score: a class's probability, or the target's score.
    pub whole: Vec<f64>,
    /// The same of the image times its map, the map stretched to 0…1.
    pub explained: Vec<f64>,
}

impl Confidence {
    /// The mean share of the score that is lost, from 0 (none) to 1; a rise counts as 0. Lower is
    /// better. Images without a score above 0 are left out.
    pub fn average_drop(&self) -> f64 {
        let pairs = self.whole.iter().zip(&self.explained).filter(|(whole, _)| **whole > 0.0);
        let drops: Vec<f64> =
            pairs.map(|(whole, explained)| (whole - explained).max(0.0) / whole).collect();
        drops.iter().sum::<f64>() / drops.len().max(1) as f64
    }

    /// The share of images whose score rises, from 0 to 1. Higher is better.
    pub fn increase(&self) -> f64 {
        let rises = self.whole.iter().zip(&self.explained).filter(|(whole, part)| part > whole);
        rises.count() as f64 / self.whole.len().max(1) as f64
    }
}

/// Multiplies each image of a run by its map `[N, H, W]` and scores both. The map is stretched to 0…1;
/// what is below 0 in it becomes 0 first, and a blank map hides the whole image. Hidden pixels are 0 in
/// the prepared image: ImageNet's mean color for its networks.
///
/// ```
/// use convscope::attribution::{Attribution, Run, confidence};
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let input = Tensor::cat(&[net.prepare(&data::digit(4, 2)?)?, net.prepare(&data::digit(0, 2)?)?], 0);
/// let run = Run::new(&net, &input, &[Target::Top, Target::Top])?;
/// let maps = GradCam::at("relu2").attribute(&run)?.maps_at([28, 28])?;
/// let confidence = confidence(&run, &maps)?;
/// println!("{:.0} % lost", 100.0 * confidence.average_drop());
/// assert!(confidence.whole.iter().all(|probability| *probability > 0.9));
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// Maps of another size.
pub fn confidence(run: &Run<'_>, maps: &Tensor) -> Result<Confidence> {
    let scorer = Scorer::new(run)?;
    let size = scorer.input.size();
    if maps.size() != [size[0], size[2], size[3]] {
        return Err(Error::Shape {
            at: "average drop and increase".to_owned(),
            expected: format!("maps {}", shape_text(&[size[0], size[2], size[3]])),
            got: shape_text(&maps.size()),
            remedy: "`Attributions::maps_at` gives fitting ones.".to_owned(),
        });
    }
    let failed = || Error::torch("covering the images by their maps");
    let positive = maps.f_to_device(scorer.input.device()).and_then(|maps| maps.f_relu());
    let stretched = positive.and_then(|maps| {
        let (low, high) = (maps.f_amin([1, 2], true)?, maps.f_amax([1, 2], true)?);
        let span = high.f_sub(&low)?.f_clamp_min(f64::from(f32::MIN_POSITIVE))?;
        maps.f_sub(&low)?.f_div(&span)?.f_to_kind(scorer.input.kind())
    });
    let parts = stretched.and_then(|maps| scorer.input.f_mul(&maps.f_unsqueeze(1)?));
    let parts = parts.map_err(failed())?;
    let mut progress = Progress::new("average drop");
    let mut score = |images: &Tensor| {
        scorer.run(
            [run.images(); 2],
            &mut progress,
            |at| at,
            |range| images.f_narrow(0, range.start as i64, range.len() as i64),
        )
    };
    Ok(Confidence { whole: score(scorer.input)?, explained: score(&parts)? })
}
