//! How a repository wants its pictures prepared.

use crate::network::{Interpolation, Preprocess, Resize};

/// Resize, center crop, normalization.
pub(super) struct Preparation {
    pub input: [i64; 2],
    pub resize: Resize,
    pub interpolation: Interpolation,
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

impl Preparation {
    pub(super) fn preprocess(self) -> Preprocess {
        let Preparation { input: [height, width], resize, interpolation, mean, std } = self;
        Preprocess::plain([3, height, width])
            .resize(resize)
            .interpolation(interpolation)
            .normalize(&mean, &std)
    }
}

/// By its name, or by its number in Pillow.
pub(super) fn interpolation(name: &str) -> Result<Interpolation, String> {
    match name {
        "bilinear" | "2" => Ok(Interpolation::Bilinear),
        "bicubic" | "3" => Ok(Interpolation::Bicubic),
        other => Err(format!("it resizes by {other}; bilinear and bicubic are known")),
    }
}
