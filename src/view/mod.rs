//! Figures: plain structs that hold what they show, and draw it as a mime bundle.
//!
//! Drawing is pure (figure in, bytes out); one file, `emit.rs`, prints. Nothing here knows of
//! networks.

mod axis;
mod boxes;
mod bundle;
mod canvas;
mod colour;
mod curves;
mod emit;
mod evidence;
mod feature_maps;
mod feature_maps_batch;
mod film;
mod filters;
mod gallery;
mod grid;
mod heatmap;
mod heatmaps;
mod journey;
mod localisation;
mod maps;
mod matrix;
mod occlusion;
mod panes;
mod plot;
mod png;
mod predictions;
mod save;
mod scatter;
mod shapes;
mod sheet;
mod summary;
mod tiles;
mod top_k;
mod values;
mod vega;

use std::path::Path;

use image::RgbImage;

pub use boxes::{BoundingBox, Boxes};
pub use bundle::Bundle;
pub(crate) use canvas::fit;
pub use colour::{ColourMap, ColourScale, Share};
pub use curves::{Curves, Panel, Series};
pub(crate) use emit::say;
pub use evidence::{Evidence, Test};
pub use feature_maps::FeatureMaps;
pub use feature_maps_batch::FeatureMapsBatch;
pub use film::{Film, Frame};
pub use filters::FilterGrid;
pub use gallery::{Gallery, GalleryCard, GalleryRow};
pub use heatmap::Heatmap;
pub use heatmaps::Heatmaps;
pub use journey::Journey;
pub use localisation::Localisation;
pub use matrix::Matrix;
pub use occlusion::{Occlusion, PatchGrid};
pub use predictions::{Prediction, Predictions};
pub use scatter::{Positions, Scatter};
pub use summary::{LayerKind, LayerRow, Summary};
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

    /// Writes the interactive form as an HTML file that works without network or notebook.
    ///
    /// `vega` is a build of Vega 5 that you have fetched once (`vega.min.js`, 0.5 MB, from
    /// <https://cdn.jsdelivr.net/npm/vega@5/build/vega.min.js> or `npm pack vega@5`); it goes into the
    /// file. Where scripts are off, the page shows the still.
    ///
    /// Errors: a figure without an interactive form, a file that is no Vega, a path not writable.
    fn save_page(&self, path: impl AsRef<Path>, vega: impl AsRef<Path>) -> Result<()> {
        save::save_page(self, path.as_ref(), vega.as_ref())
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

/// Figures are printed as their description, never as the thousands of numbers they hold. evcxr prints
/// what ends a cell, instead of drawing it, if a variable is moved into it, so the text says what to do.
macro_rules! debug_by_description {
    ($($figure:ty),+) => {$(
        impl std::fmt::Debug for $figure {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{} [a figure: `.show()` draws it]", self.description())
            }
        }
    )+};
}
pub(crate) use debug_by_description;

debug_by_description!(
    Curves,
    Evidence,
    FeatureMaps,
    FeatureMapsBatch,
    Film,
    FilterGrid,
    Gallery,
    Heatmap,
    Heatmaps,
    Journey,
    Matrix,
    Occlusion,
    Predictions,
    Scatter,
    Summary,
    TopK
);
