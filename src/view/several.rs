//! Several figures at the end of a cell. Its value is one, so their stills become one picture.

use super::canvas::Canvas;
use super::text::visible;
use super::{Bundle, Figure, end_cell};
use crate::{Error, Result};

const GAP: u32 = 16;
/// What a notebook should not have to hold for one cell.
const MOST_PIXELS: u64 = 12_000_000;

/// Draws them one below the other, or prints why not.
pub(super) fn show(figures: &[&dyn Figure]) {
    end_cell(bundle(figures));
}

fn bundle(figures: &[&dyn Figure]) -> Result<Bundle> {
    let (mut stills, mut words) = (Vec::new(), Vec::new());
    let (mut width, mut height) = (0, 0);
    for figure in figures {
        let still = figure.image()?;
        let larger = (still.width().max(width), height + still.height() + GAP);
        if !stills.is_empty() && u64::from(larger.0) * u64::from(larger.1) > MOST_PIXELS {
            break;
        }
        (width, height) = larger;
        stills.push(still);
        words.push(visible(&figure.description()).into_owned());
    }
    if stills.is_empty() {
        return Err(Error::Argument("no figures to draw: there are none in it".to_owned()));
    }
    if stills.len() < figures.len() {
        words.push(format!(
            "{} of {} figures are drawn; `.show()` draws one",
            stills.len(),
            figures.len()
        ));
    }
    let mut canvas = Canvas::new(width, height.saturating_sub(GAP));
    let mut y = 0;
    for still in &stills {
        canvas.picture(still, 0, y);
        y += still.height() + GAP;
    }
    let mut bundle = Bundle::still(&canvas.pixels, "")?;
    bundle.text = words.join("\n");
    Ok(bundle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Curves;

    #[test]
    fn figures_stand_one_below_the_other_as_many_as_there_is_room_for() -> Result<()> {
        let curves = Curves::new("Nothing yet", "x", Vec::new());
        let one = curves.image()?;
        let all = |count: usize| bundle(&vec![&curves as &dyn Figure; count]);
        let two = image::load_from_memory(&all(2)?.png).expect("a picture").to_rgb8();
        assert_eq!(two.dimensions(), (one.width(), 2 * one.height() + GAP));
        let many = all(500)?.text;
        assert!(many.contains("of 500 figures are drawn") && many.starts_with("Nothing yet\n"));
        assert!(all(0).is_err());
        Ok(())
    }
}
