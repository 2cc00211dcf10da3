//! Figures: plain structs that hold what they show, and draw it as a mime bundle.
//!
//! Drawing is pure (figure in, bytes out); one file, `emit.rs`, prints. Nothing here knows of
//! networks.

mod axis;
mod bundle;
mod canvas;
mod colour;
mod curves;
mod emit;
mod feature_maps;
mod filters;
mod grid;
mod heatmap;
mod journey;
mod maps;
mod plot;
mod png;
mod predictions;
mod save;
mod sheet;
mod tiles;
mod top_k;
mod values;

use std::path::Path;

use image::RgbImage;

pub use bundle::Bundle;
pub(crate) use canvas::fit;
pub use colour::{ColourMap, ColourScale, Share};
pub use curves::{Curves, Panel, Series};
pub(crate) use emit::say;
pub use feature_maps::FeatureMaps;
pub use filters::FilterGrid;
pub use heatmap::Heatmap;
pub use journey::Journey;
pub use predictions::{Prediction, Predictions};
pub use top_k::{Guess, TopK};

use crate::Result;

/// What every figure can do. A notebook draws a figure that ends a cell.
pub trait Figure {
    /// The still form: a picture that explains itself, with title, labels and colour bar.
    fn image(&self) -> Result<RgbImage>;

    /// What the figure shows, in a line of words.
    fn description(&self) -> String;

    /// The figure for a notebook: several forms of one content, of which the front end takes the
    /// richest it knows.
    fn bundle(&self) -> Result<Bundle> {
        Bundle::still(&self.image()?, &self.description())
    }

    /// Writes the figure to a file: `.png`, `.jpg` or a self-contained `.html`.
    ///
    /// The file appears whole or not at all. Errors: another extension, or a folder that is not
    /// there or not writable.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        save::save(self, path.as_ref())
    }

    /// Draws the figure in a notebook where it does not end the cell, inside an `if`, say.
    ///
    /// A cell keeps one figure: of several, the last.
    fn show(&self) {
        self.evcxr_display();
    }

    /// What evcxr calls on a value that ends a cell.
    fn evcxr_display(&self) {
        match self.bundle() {
            Ok(bundle) => emit::emit(&bundle),
            Err(error) => eprintln!("{error}"),
        }
    }
}

/// Figures are printed as their description, never as the thousands of numbers they hold.
macro_rules! debug_by_description {
    ($($figure:ty),+) => {$(
        impl std::fmt::Debug for $figure {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.description())
            }
        }
    )+};
}
debug_by_description!(Curves, FeatureMaps, FilterGrid, Heatmap, Journey, Predictions, TopK);
