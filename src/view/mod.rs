//! Figures: plain structs that hold what they show, and draw it as a mime bundle.
//!
//! What they show is plain numbers ([`Values`]): nothing here knows of networks or tensors. Drawing is
//! pure, figure in, bytes out.

mod arabic;
mod axis;
mod boxes;
mod bundle;
mod canvas;
mod color;
mod curves;
mod detections;
mod feature_maps;
mod feature_maps_batch;
mod film;
mod filters;
mod gallery;
mod grid;
mod heatmap;
mod heatmaps;
mod journey;
mod localization;
mod map_report;
mod maps;
mod matrix;
mod occlusion;
mod panes;
mod photo;
mod plot;
mod png;
mod predictions;
mod response;
mod save;
mod scatter;
mod segmentation;
mod several;
mod shapes;
mod sheet;
mod summary;
mod text;
mod tiles;
mod top_k;
mod values;
mod vega;

use std::fmt::Display;
use std::path::Path;

use image::RgbImage;

pub use crate::layer_kind::LayerKind;
pub use boxes::{BoundingBox, Boxes};
pub use bundle::Bundle;
pub use color::{ColorMap, ColorScale, ScaleSharing};
pub use curves::{Curves, Panel, Series};
pub use detections::{Detected, Detections};
pub use feature_maps::FeatureMaps;
pub use feature_maps_batch::FeatureMapsBatch;
pub use film::{Film, Frame};
pub use filters::FilterGrid;
pub use gallery::{Gallery, GalleryCard, GalleryRow};
pub use heatmap::Heatmap;
pub use heatmaps::Heatmaps;
pub use journey::Journey;
pub use localization::Localization;
pub use map_report::{CheckPlot, MapReport};
pub use matrix::Matrix;
pub use occlusion::{Occlusion, PatchGrid};
pub use predictions::{Prediction, Predictions};
pub(crate) use response::Response;
pub(crate) use save::escape;
pub use scatter::{Positions, Scatter};
pub use segmentation::{ClassShare, Segmentation};
pub use summary::{LayerRow, Summary};
pub(crate) use text::visible;
pub use top_k::{Guess, TopK};
pub use values::{IntoClasses, IntoValues, Values};

use crate::{Result, notebook};

/// What every figure can do. A notebook draws a figure that ends a cell, and also a `Result` or an
/// `Option` that holds one; of a list or a tuple it draws the stills.
pub trait Figure {
    /// The still form: a picture that explains itself, with title, labels and color bar.
    ///
    /// # Errors
    ///
    /// What can't be drawn.
    fn image(&self) -> Result<RgbImage>;

    /// What the figure shows, in a line of words.
    fn description(&self) -> String;

    /// The figure for a notebook: several forms of one content, of which the front end takes the
    /// richest it knows.
    ///
    /// # Errors
    ///
    /// What can't be drawn.
    fn bundle(&self) -> Result<Bundle> {
        Bundle::still(&self.image()?, &self.description())
    }

    /// The figure as an HTML page that needs nothing but itself: what [`save`](Figure::save) writes as
    /// `.html`. Of most figures that is the still.
    ///
    /// # Errors
    ///
    /// What can't be drawn.
    fn page(&self) -> Result<String> {
        Ok(save::page(&png::png(&self.image()?)?, &self.description()))
    }

    /// Writes the figure to a file: `.png`, `.jpg` or a self-contained `.html`. The file appears as a
    /// whole or not at all.
    ///
    /// # Errors
    ///
    /// Another extension; a folder that is not there or not writable.
    fn save(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        save::save(self, path.as_ref())
    }

    /// Writes the interactive form as an HTML file that works without network or notebook.
    ///
    /// `vega` is a build of Vega 5 that you have fetched once (`vega.min.js`, 0.5 MB, from
    /// <https://cdn.jsdelivr.net/npm/vega@5/build/vega.min.js> or `npm pack vega@5`); it goes into the
    /// file. Where scripts are off, the page shows the still.
    ///
    /// # Errors
    ///
    /// A figure without an interactive form; a file that is no Vega; a path that is not writable.
    fn save_page(&self, path: impl AsRef<Path>, vega: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        save::save_page(self, path.as_ref(), vega.as_ref())
    }

    /// Draws the figure here and now, anywhere in a cell and any number of times.
    ///
    /// Plain evcxr draws when the cell ends, and of several figures the last. A program, which can draw
    /// nothing, prints the description on stderr: [`save`](Figure::save) writes a file.
    fn show(&self) {
        draw(self.bundle());
    }
}

/// Draws a figure here and now, or prints why it can't be drawn.
pub(crate) fn draw(bundle: Result<Bundle>) {
    match bundle {
        Ok(bundle) => notebook::show(&bundle),
        Err(error) => notebook::fail(&error),
    }
}

/// Draws the value that ends a cell, or prints why it can't be drawn.
pub(crate) fn end_cell(bundle: Result<Bundle>) {
    match bundle {
        Ok(bundle) => notebook::emit(&bundle),
        Err(error) => notebook::fail(&error),
    }
}

impl<F: Figure + ?Sized> Figure for &F {
    fn image(&self) -> Result<RgbImage> {
        (**self).image()
    }

    fn description(&self) -> String {
        (**self).description()
    }

    fn bundle(&self) -> Result<Bundle> {
        (**self).bundle()
    }

    fn page(&self) -> Result<String> {
        (**self).page()
    }
}

impl<F: Figure + ?Sized> Figure for Box<F> {
    fn image(&self) -> Result<RgbImage> {
        (**self).image()
    }

    fn description(&self) -> String {
        (**self).description()
    }

    fn bundle(&self) -> Result<Bundle> {
        (**self).bundle()
    }

    fn page(&self) -> Result<String> {
        (**self).page()
    }
}

/// What evcxr calls on a value that ends a cell. Figures have the method themselves; this trait gives
/// it to what may hold a figure, and to figures of your own.
pub trait CellOutput {
    /// Draws the figure, or prints why there is none.
    fn evcxr_display(&self);
}

impl<F: Figure> CellOutput for F {
    fn evcxr_display(&self) {
        end_cell(self.bundle());
    }
}

impl<F: Figure, E: Display> CellOutput for std::result::Result<F, E> {
    fn evcxr_display(&self) {
        match self {
            Ok(figure) => figure.evcxr_display(),
            Err(error) => notebook::fail(error),
        }
    }
}

impl<F: Figure> CellOutput for Option<F> {
    fn evcxr_display(&self) {
        match self {
            Some(figure) => figure.evcxr_display(),
            None => println!("None"),
        }
    }
}

impl<F: Figure> CellOutput for [F] {
    fn evcxr_display(&self) {
        several::show(&self.iter().map(|figure| figure as &dyn Figure).collect::<Vec<_>>());
    }
}

impl<F: Figure, const N: usize> CellOutput for [F; N] {
    fn evcxr_display(&self) {
        self.as_slice().evcxr_display();
    }
}

impl<F: Figure> CellOutput for Vec<F> {
    fn evcxr_display(&self) {
        self.as_slice().evcxr_display();
    }
}

/// Figures of different types.
macro_rules! tuples {
    ($(($($figure:ident),+)),+) => {$(
        impl<$($figure: Figure),+> CellOutput for ($($figure,)+) {
            #[allow(non_snake_case)]
            fn evcxr_display(&self) {
                let ($($figure,)+) = self;
                several::show(&[$($figure as &dyn Figure),+]);
            }
        }
    )+};
}
tuples!((A, B), (A, B, C), (A, B, C, D));

/// Drawing where no trait is in scope: what every figure has.
macro_rules! drawn {
    ($($figure:ty),+ $(,)?) => {$(
        impl $figure {
            /// Draws the figure: what evcxr calls on a value that ends a cell.
            pub fn evcxr_display(&self) {
                $crate::view::end_cell($crate::view::Figure::bundle(self));
            }
        }
    )+};
}
pub(crate) use drawn;

/// The same, and a `Debug` form: figures are printed as their description, never as the thousands of
/// numbers they hold. evcxr prints what ends a cell, instead of drawing it, if a variable is moved into
/// it, so the text says what to do.
macro_rules! figures {
    ($($figure:ty),+ $(,)?) => {
        $crate::view::drawn!($($figure),+);
        $(
            impl std::fmt::Debug for $figure {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    let description = $crate::view::Figure::description(self);
                    write!(f, "{description} [a figure: `.show()` draws it]")
                }
            }
        )+
    };
}
pub(crate) use figures;

figures!(
    Curves,
    Detections,
    FeatureMaps,
    FeatureMapsBatch,
    Film,
    FilterGrid,
    Gallery,
    Heatmap,
    Heatmaps,
    Journey,
    MapReport,
    Matrix,
    Occlusion,
    Predictions,
    Scatter,
    Segmentation,
    Summary,
    TopK,
);
