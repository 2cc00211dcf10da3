//! The plain gradient: how the score changes with each input value.
//!
//! Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks: Visualising Image
//! Classification Models and Saliency Maps", 2013
//! ([arXiv:1312.6034](https://arxiv.org/abs/1312.6034)).

use crate::Result;
use crate::attribution::{Attribution, Attributions, Channels, Input, Run, Target};
use crate::network::{Network, only};
use crate::view::Heatmap;

/// The gradient of the score with respect to the input, `[N, C, H, W]`, in logits per unit of the
/// normalized input.
///
/// ```
/// use convscope::prelude::*;
/// let signed = Saliency::default().channels(Channels::Sum);
/// let map = signed.explain(&zoo::digits()?, &data::digit(4, 2)?, "4")?;
/// assert!(map.values().tensor().min().double_value(&[]) < 0.0);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saliency {
    channels: Channels,
}

impl Saliency {
    /// Sets how the channels of the gradient become one value per pixel.
    #[must_use]
    pub fn channels(mut self, channels: Channels) -> Saliency {
        self.channels = channels;
        self
    }
}

impl Attribution for Saliency {
    fn name(&self) -> String {
        let name = match self.channels {
            Channels::LargestAbsolute => "Saliency",
            Channels::Sum => "Gradient",
            Channels::SumAbsolute => "Saliency (sum)",
        };
        name.to_owned()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let gradient = only(run.gradients(&["input"])?.gradients)?;
        Ok(match self.channels {
            Channels::Sum => Attributions::signed(gradient, "gradient").readings(
                "red pixels raise its score when brighter, blue ones lower it",
                "bright pixels raise its score when brighter",
            ),
            channels => Attributions {
                channels,
                ..Attributions::positive(gradient, "|gradient|")
                    .reading("bright pixels change its score most")
            },
        })
    }
}

/// [`Saliency`]: the absolute gradient of the score with respect to the input, the largest of the
/// channels at each pixel.
///
/// The figure's values are `[H, W]` of the network's input, at least 0, in logits per unit of the
/// normalized input. Runs on the network's device.
///
/// ```
/// use convscope::prelude::*;
/// let map = saliency(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// assert_eq!(map.values().shape(), [28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// An unknown class; an input that doesn't fit the network.
pub fn saliency(net: &Network, input: &impl Input, target: impl Into<Target>) -> Result<Heatmap> {
    Saliency::default().explain(net, input, target)
}
