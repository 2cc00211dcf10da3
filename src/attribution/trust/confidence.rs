//! Average drop and increase in confidence: what is left of the score when only the picture's parts
//! under the map are shown.
//!
//! Chattopadhyay, Sarkar, Howlader, Balasubramanian, "Grad-CAM++", 2017
//! ([arXiv:1710.11063](https://arxiv.org/abs/1710.11063)).

use tch::Tensor;

use super::score::Scorer;
use crate::attribution::Target;
use crate::error::shape_text;
use crate::network::Network;
use crate::progress::Progress;
use crate::{Error, Result};

/// What the network makes of pictures and of their explained parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Confidence {
    /// Each picture's score: a class's probability, or the target's score.
    pub whole: Vec<f64>,
    /// The same of the picture times its map, the map stretched to 0…1.
    pub explained: Vec<f64>,
}

impl Confidence {
    /// The mean share of the score that is lost, from 0 (none) to 1; a rise counts as 0. Lower is
    /// better. Pictures without a score above 0 are left out.
    pub fn average_drop(&self) -> f64 {
        let pairs = self.whole.iter().zip(&self.explained).filter(|(whole, _)| **whole > 0.0);
        let drops: Vec<f64> =
            pairs.map(|(whole, explained)| (whole - explained).max(0.0) / whole).collect();
        drops.iter().sum::<f64>() / drops.len().max(1) as f64
    }

    /// The share of pictures whose score rises, from 0 to 1. Higher is better.
    pub fn increase(&self) -> f64 {
        let rises = self.whole.iter().zip(&self.explained).filter(|(whole, part)| part > whole);
        rises.count() as f64 / self.whole.len().max(1) as f64
    }
}

/// Multiplies each prepared picture of a batch `[N, C, H, W]` by its map `[N, H, W]` and scores
/// both. The map is stretched to 0…1; what is below 0 in it becomes 0 first, and a blank map hides
/// the whole picture. Hidden pixels are 0 in the prepared picture: ImageNet's mean colour for its
/// networks.
///
/// Errors: maps of another size.
///
/// ```
/// use convscope::attribution::{confidence, explain_tensor};
/// use convscope::prelude::*;
/// let (net, targets) = (zoo::digits()?, [Target::Top, Target::Top]);
/// let inputs = [net.prepare(&data::digit(4, 2)?)?, net.prepare(&data::digit(0, 2)?)?];
/// let input = Tensor::cat(&inputs, 0);
/// let maps = explain_tensor(&net, &input, &targets, &Method::grad_cam("relu2"))?;
/// let confidence = confidence(&net, &input, &targets, &maps)?;
/// println!("{:.0} % lost", 100.0 * confidence.average_drop());
/// assert!(confidence.whole.iter().all(|probability| *probability > 0.9));
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn confidence(
    net: &Network,
    input: &Tensor,
    targets: &[Target],
    maps: &Tensor,
) -> Result<Confidence> {
    let scorer = Scorer::new(net, input, targets)?;
    let size = scorer.input.size();
    if maps.size() != [size[0], size[2], size[3]] {
        return Err(Error::Shape {
            at: "average drop and increase".to_owned(),
            expected: format!("maps {}", shape_text(&[size[0], size[2], size[3]])),
            got: shape_text(&maps.size()),
            remedy: "`explain_tensor` gives fitting ones.".to_owned(),
        });
    }
    let failed = || Error::torch("covering the pictures by their maps");
    let positive = maps.f_to_device(scorer.input.device()).and_then(|maps| maps.f_relu());
    let stretched = positive.and_then(|maps| {
        let (low, high) = (maps.f_amin([1, 2], true)?, maps.f_amax([1, 2], true)?);
        let span = high.f_sub(&low)?.f_clamp_min(f64::from(f32::MIN_POSITIVE))?;
        maps.f_sub(&low)?.f_div(&span)?.f_to_kind(scorer.input.kind())
    });
    let parts = stretched.and_then(|maps| scorer.input.f_mul(&maps.f_unsqueeze(1)?));
    let parts = parts.map_err(failed())?;
    let mut progress = Progress::new("average drop");
    let mut score = |pictures: &Tensor| {
        scorer.run(
            [targets.len(); 2],
            &mut progress,
            |at| at,
            |range| pictures.f_narrow(0, range.start as i64, range.len() as i64),
        )
    };
    Ok(Confidence { whole: score(&scorer.input)?, explained: score(&parts)? })
}
