//! From a method's values to a figure: what all methods share.

use image::RgbImage;
use tch::Tensor;

use super::Target;
use super::aim::Aim;
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Photo, Result};

/// A method's answer for one picture, to be drawn.
pub(super) struct Explained {
    /// `[h, w]`, of the input's size or smaller.
    pub values: Tensor,
    /// The value of the node that was scored, for one picture.
    pub output: Tensor,
    /// What is explained, with the top class found.
    pub aim: Aim,
    /// The method's name, to begin the title with.
    pub method: &'static str,
    /// What the values are, for the colour bar.
    pub unit: &'static str,
    /// How to read the map, to end a sentence with.
    pub reading: &'static str,
}

/// The picture as input `[1, C, H, W]` and the target made ready for it.
pub(super) fn question(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
) -> Result<(Tensor, Aim)> {
    let input = net.prepare(photo)?;
    let aim = Aim::new(net, &input, &[target.into()])?;
    Ok((input, aim))
}

/// The side that a picture has at most which stands alone in its figure, and of one among others.
pub(super) const ALONE: u32 = 448;
pub(super) const AMONG_OTHERS: u32 = 224;

/// What the network sees of the photo, as sharp as it is shown with this side, and the height and
/// width of the network's input.
pub(super) fn view(net: &Network, photo: &Photo, side: u32) -> Result<(RgbImage, [u32; 2])> {
    let zoom = net.preprocess().sharp_zoom(photo, side);
    let picture = net.preprocess().view(photo, zoom)?;
    let [_, height, width] = net.preprocess().input_shape().map(|size| size.max(1) as u32);
    Ok((picture, [height, width]))
}

impl Explained {
    pub(super) fn figure(self, net: &Network, photo: &Photo) -> Result<Heatmap> {
        let (picture, [height, width]) = view(net, photo, ALONE)?;
        let title = format!("{} of {} in {}", self.method, self.aim.name(net, 0), photo.title());
        let given = match self.aim.class(0) {
            Some(class) => {
                let probability = net.probability(&self.output, class)?.probability;
                format!("{} gives it {:.1} %", net.name(), 100.0 * probability)
            }
            None => format!("for {}", net.name()),
        };
        let heatmap = Heatmap::new(title, self.unit, picture, &self.values)?;
        Ok(heatmap.input_size(height, width).note(format!("{given}; {}", self.reading)))
    }
}
