//! A photo as a figure.

use image::RgbImage;

use super::Figure;
use crate::picture::fit;
use crate::{Photo, Result};

super::drawn!(Photo);

impl Figure for Photo {
    fn image(&self) -> Result<RgbImage> {
        Ok(fit(self.pixels(), 640))
    }

    fn description(&self) -> String {
        format!("{self:?}")
    }
}
