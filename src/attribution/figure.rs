//! From a method's values to a figure.

use image::RgbImage;
use tch::Tensor;

use super::method::single;
use super::{Attribution, Attributions, Input, Run};
use crate::Result;
use crate::view::Heatmap;

/// The longest side of an image that stands alone in its figure, and of one among others.
pub(crate) const ALONE: u32 = 448;
pub(super) const AMONG_OTHERS: u32 = 224;

/// The figure of the run's only image.
pub(super) fn figure(
    run: &Run<'_>,
    input: &impl Input,
    method: &dyn Attribution,
    found: &Attributions,
) -> Result<Heatmap> {
    let picture = input.shown(run.network(), ALONE)?;
    over(picture, run, input, method, found)
}

/// The same over a picture that is there.
pub(super) fn over(
    picture: RgbImage,
    run: &Run<'_>,
    input: &impl Input,
    method: &dyn Attribution,
    found: &Attributions,
) -> Result<Heatmap> {
    let (net, targets) = (run.network(), run.targets()?);
    let title = format!("{} for {} in {}", method.name(), targets.name(net, 0), input.title());
    let given = targets.given(net, 0, run.output()?)?;
    let heatmap = Heatmap::new(title, &found.unit, picture, &single(&found.maps()?)?)?;
    let [height, width] = input_size(run.input());
    let reading = reading(found, heatmap.values().numbers());
    let heatmap = heatmap.input_size(height, width).note(format!("{given}; {reading}"));
    let heatmap = found.notes.iter().fold(heatmap, |heatmap, note| heatmap.note(note));
    Ok(heatmap.unfinished(found.stopped.clone()))
}

/// How to read a map in the colors in which it is drawn.
fn reading(found: &Attributions, values: &[f32]) -> String {
    let any = |is: fn(&f32) -> bool| values.iter().any(is);
    let (for_it, against) = (any(|&value| value > 0.0), any(|&value| value < 0.0));
    match (for_it, against) {
        (true, true) => found.reading.clone(),
        (true, false) => found.reading_if_positive.as_ref().unwrap_or(&found.reading).clone(),
        (false, true) => format!("nothing speaks for it; {}", found.reading),
        (false, false) if any(|value| value.is_finite()) => {
            "no value is above 0: nothing speaks for it".to_owned()
        }
        (false, false) => "no value is a number, so the map says nothing".to_owned(),
    }
}

/// Height and width of images `[N, C, H, W]`.
pub(crate) fn input_size(input: &Tensor) -> [u32; 2] {
    let size = input.size();
    [2, 3].map(|dim| size.get(dim).map_or(1, |&size| size.max(1) as u32))
}
