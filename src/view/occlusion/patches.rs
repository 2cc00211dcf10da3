//! The places of a patch, and what a network says at each.

use crate::view::Guess;
use crate::view::values::{IntoValues, Values};
use crate::{Error, Result};

/// What a network says with a patch of one size at each place of a grid.
///
/// The patch at row i and column j covers the input's pixels from i·stride and j·stride on; what
/// sticks out at the right and below is cut off.
#[derive(Clone)]
pub struct PatchGrid {
    pub(super) patch: u32,
    pub(super) stride: u32,
    pub(super) drops: Values,
    pub(super) guesses: Vec<Vec<Guess>>,
}

impl PatchGrid {
    /// A grid of places. `drops`, `[rows, columns]`, is how much the score falls at each; negative
    /// where it rises. `guesses` holds the top predictions at each place, row by row, all of the same
    /// number; it may be empty.
    ///
    /// # Errors
    ///
    /// Sizes that don't fit each other.
    pub fn new(
        patch: u32,
        stride: u32,
        drops: impl IntoValues,
        guesses: Vec<Vec<Guess>>,
    ) -> Result<PatchGrid> {
        let drops = drops.into_values()?;
        if drops.shape().len() != 2 || drops.numbers().is_empty() {
            return Err(Error::Shape {
                at: "an occlusion figure".to_owned(),
                expected: "drops [rows, columns]".to_owned(),
                got: drops.shape_text(),
                remedy: "One value a place of the patch is needed.".to_owned(),
            });
        }
        let (places, given) = (drops.numbers().len(), guesses.len());
        if patch == 0 || stride == 0 || (given != 0 && given != places) {
            return Err(Error::Argument(format!(
                "a patch of {patch} pixels with stride {stride} at {places} places, with guesses at \
                 {given}: patch and stride must be at least 1, and each place needs its guesses"
            )));
        }
        let count = guesses.first().map_or(0, Vec::len);
        if guesses.iter().any(|guesses| guesses.len() != count) {
            return Err(Error::Argument("all places need equally many guesses".to_owned()));
        }
        Ok(PatchGrid { patch, stride, drops, guesses })
    }

    /// How much the score falls at each place, `[rows, columns]`.
    pub fn drops(&self) -> &Values {
        &self.drops
    }

    pub(super) fn rows(&self) -> u32 {
        self.drops.size(0) as u32
    }

    pub(super) fn columns(&self) -> u32 {
        self.drops.size(1) as u32
    }

    /// Row, column and drop of the place where the score falls most.
    pub(super) fn most_sensitive(&self) -> (u32, u32, f32) {
        let drops = self.drops.numbers();
        let finite = drops.iter().copied().enumerate().filter(|(_, drop)| drop.is_finite());
        let most = finite.reduce(|most, next| if next.1 > most.1 { next } else { most });
        let (at, drop) = most.unwrap_or((0, f32::NAN));
        (at as u32 / self.columns(), at as u32 % self.columns(), drop)
    }

    pub(super) fn name(&self) -> String {
        format!("patch {0}×{0}, stride {1}", self.patch, self.stride)
    }
}
