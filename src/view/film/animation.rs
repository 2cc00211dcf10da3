//! A film as a moving picture in a file.

use std::time::{Duration, Instant};

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, RgbImage};

use super::Film;
use crate::notebook::say;
use crate::{Error, Result};

/// The last frame stays so long, in milliseconds, before the film begins anew.
const REST: u16 = 2000;
/// How often writing reports its progress.
const REPORT: Duration = Duration::from_secs(3);
/// From 1, the best colors, to 30, the fastest choice of them.
const SPEED: i32 = 10;

impl Film {
    /// Animated PNG, without loss. <https://www.w3.org/TR/png-3/#apng-frame-based-animation>
    pub(super) fn apng(&self) -> Result<Vec<u8>> {
        let (width, height) = self.stage()?.size();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_animated(self.chosen(usize::MAX).len() as u32, 0).map_err(failed)?;
        let mut writer = encoder.write_header().map_err(failed)?;
        self.each(|picture, delay| {
            writer.set_frame_delay(delay, 1000)?;
            writer.write_image_data(picture.as_raw())
        })?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }

    /// GIF: each frame with the 256 colors that suit it best.
    pub(super) fn gif(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new_with_speed(&mut bytes, SPEED);
        encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
        self.each(|picture, delay| {
            let picture = DynamicImage::from(picture).to_rgba8();
            let delay = Delay::from_numer_denom_ms(u32::from(delay), 1);
            encoder.encode_frame(image::Frame::from_parts(picture, 0, 0, delay))
        })?;
        drop(encoder);
        Ok(bytes)
    }

    /// Hands over each frame on the sheet, and its time in milliseconds.
    fn each<E: std::error::Error + Send + Sync + 'static>(
        &self,
        mut take: impl FnMut(RgbImage, u16) -> std::result::Result<(), E>,
    ) -> Result<()> {
        let (stage, frames) = (self.stage()?, self.chosen(usize::MAX));
        let mut reported = Instant::now();
        for (index, frame) in frames.iter().enumerate() {
            let delay = if index + 1 == frames.len() { REST } else { self.delay };
            take(stage.with(frame), delay).map_err(failed)?;
            if reported.elapsed() > REPORT {
                reported = Instant::now();
                say(&format!("{}: {} of {} frames written", self.title, index + 1, frames.len()));
            }
        }
        Ok(())
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::figure("encoded as a moving picture")(
        Box::new(error) as Box<dyn std::error::Error + Send + Sync>
    )
}
