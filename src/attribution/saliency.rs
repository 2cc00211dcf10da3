//! Saliency: how strongly each pixel moves the class's logit.
//!
//! Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks: Visualising Image
//! Classification Models and Saliency Maps", 2013
//! ([arXiv:1312.6034](https://arxiv.org/abs/1312.6034)).

use super::Target;
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Error, Photo, Result};

/// The absolute gradient of the target's logit with respect to the input, the largest of the
/// channels at each pixel.
///
/// The figure's values are `[H, W]` of the network's input, at least 0, in logits per unit of the
/// normalised input. Runs on the network's device.
///
/// Errors: an unknown class; a picture that cannot be prepared.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let map = saliency(&net, &data::digit(4, 2)?, Target::Top)?;
/// assert_eq!(map.values().size(), [28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn saliency(net: &Network, photo: &Photo, target: impl Into<Target>) -> Result<Heatmap> {
    let input = net.prepare(photo)?;
    let target = target.into();
    let mut class = Ok(0);
    let run = net.gradients(&input, &["input"], |logits| {
        class = target.resolve(net, logits);
        // An unknown class is reported below; the score must be some number meanwhile.
        let index = class.as_ref().copied().unwrap_or_default();
        logits.f_get(0)?.f_get(index as i64)
    })?;
    let class = class?;
    let guess = net.guesses(&run.output, run.output.size()[1] as usize)?;
    let probability = guess.iter().find(|guess| guess.class == class).map(|g| g.probability);
    let values = run
        .gradients
        .first()
        .ok_or_else(|| Error::Argument("no gradient came back".to_owned()))?
        .f_abs()
        .and_then(|gradient| gradient.f_amax([1], false)?.f_get(0))
        .map_err(Error::torch("reducing the gradient"))?;

    let zoom = net.preprocess().sharp_zoom(photo, 448);
    let picture = net.preprocess().view(photo, zoom)?;
    let title = format!("Saliency of {} in {}", net.class_name(class), photo.title());
    let note = format!(
        "{} gives it {:.1} %; bright pixels move its logit most",
        net.name(),
        100.0 * probability.unwrap_or_default()
    );
    let [_, height, width] = net.preprocess().input_shape().map(|size| size.max(1) as u32);
    let map = Heatmap::new(title, "|gradient|", picture, &values)?;
    Ok(map.input_size(height, width).note(note))
}
