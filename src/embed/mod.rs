//! What lies near what: features of a network's layers, and maps of them in the plane by PCA and
//! t-SNE.
//!
//! ```
//! use convscope::prelude::*;
//!
//! let net = zoo::digits()?;
//! let features = net.features(&data::digits(120, 1)?, "relu3", Pooling::Mean)?;
//! let both = pca(&features)?.beside(tsne(&features)?)?;     // a figure: two maps of the same digits
//! println!("{both:?}");
//! # Ok::<(), convscope::Error>(())
//! ```

mod distances;
mod embedding;
mod features;
mod neighbors;
mod network;
mod patch_colors;
mod pca;
mod quality;
mod smallest;
mod tsne;

pub use embedding::{Embedding, Layout};
pub use features::{Features, class_vectors};
pub use network::Pooling;
pub use patch_colors::PatchColors;
pub use pca::{Pca, PcaMethod};
pub use quality::{Quality, neighbor_accuracy, trustworthiness};
pub use tsne::{Divergence, Start, Step, Tsne, TsneMethod, divergence, tsne};

use crate::Result;

/// What libtorch's functions return.
type Torch<T> = std::result::Result<T, tch::TchError>;

/// A map of features by their first two principal components.
///
/// # Errors
///
/// Features that are all alike, fewer than two rows or two columns.
pub fn pca(features: &Features) -> Result<Embedding> {
    let fitted = Pca::fit(features.values(), 2)?;
    let shares: Vec<f64> = fitted.variance_ratio().iter().map(|share| 100.0 * share).collect();
    let note = match shares.as_slice() {
        [across, up] => format!(
            "PCA: {across:.0} % of the variance from left to right, {up:.0} % from bottom to top"
        ),
        _ => String::new(),
    };
    let points = fitted.transform(features.values())?;
    let quality = Quality::of(features.values(), &points)?;
    let layout = Layout {
        of: features.title.clone(),
        points,
        perplexity: None,
        divergence: None,
        quality,
        iterations: 0,
        note,
        features: features.values().shallow_clone(),
        frames: Vec::new(),
    };
    Embedding::new(features, vec![layout], None)
}
