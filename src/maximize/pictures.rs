//! From images as tensors to pictures, and back.

use image::RgbImage;
use tch::{Device, Kind, TchError, Tensor};

use crate::network::{Network, Preprocess};
use crate::{Error, Photo, Result};

/// Each of `[N, C, H, W]`, values from 0 to 1: three channels in color, one as gray, of other numbers
/// the mean.
pub(super) fn pictures(images: &Tensor) -> Result<Vec<RgbImage>> {
    let bytes = |images: &Tensor| -> Result<Vec<u8>, TchError> {
        let color = match images.size().get(1) {
            Some(3) => images.shallow_clone(),
            _ => {
                let gray = images.f_mean_dim([1_i64].as_slice(), true, None::<Kind>)?;
                gray.f_expand([-1, 3, -1, -1], false)?
            }
        };
        let scaled = color.f_permute([0, 2, 3, 1])?.f_mul_scalar(255.0)?.f_round()?;
        let bytes = scaled.f_clamp(0.0, 255.0)?.f_to_kind(Kind::Uint8)?.f_to_device(Device::Cpu)?;
        Vec::try_from(bytes.f_contiguous()?.f_view([-1])?)
    };
    let bytes = bytes(images).map_err(Error::torch("drawing images"))?;
    let [_, _, height, width] = *images.size() else { return Ok(Vec::new()) };
    let (height, width) = (height.max(1) as u32, width.max(1) as u32);
    let pixels = bytes.chunks_exact((3 * height * width) as usize);
    Ok(pixels.filter_map(|bytes| RgbImage::from_raw(width, height, bytes.to_vec())).collect())
}

/// A photo as `[1, C, h, w]` of values from 0 to 1: as the network sees it or, in another size, as a
/// whole.
pub(super) fn values(net: &Network, photo: &Photo, [height, width]: [i64; 2]) -> Result<Tensor> {
    let [channels, nominal @ ..] = net.preprocess().input_shape();
    if [height, width] != nominal {
        return Preprocess::plain([channels, height, width]).tensor(photo);
    }
    let (zeros, ones) = (vec![0.0; channels.max(0) as usize], vec![1.0; channels.max(0) as usize]);
    net.preprocess().clone().normalize(&zeros, &ones).tensor(photo)
}
