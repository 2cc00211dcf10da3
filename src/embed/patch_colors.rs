//! `net.patch_colors(&photos, layer)`: what a network finds alike has one color.

use image::{Rgb, RgbImage, imageops};
use tch::{Kind, Tensor};

use super::{Pca, Torch};
use crate::data::{self, Samples};
use crate::live::{Progress, stopped};
use crate::network::Network;
use crate::view::{Bundle, Figure, Gallery, GalleryCard, GalleryRow, IntoValues, Values};
use crate::{Error, Result};

/// More are no picture that can be looked at.
const MOST: usize = 60;
/// The longer side of a picture that is kept.
const SHOWN: u32 = 224;
/// The share of the values at either end that have the colors of the ends.
const BEYOND: f64 = 0.01;

/// A layer's places as colors, beside the photos: see [`Network::patch_colors`].
#[derive(Clone)]
pub struct PatchColors {
    title: String,
    variance_ratio: Vec<f64>,
    pictures: Vec<Colored>,
    /// How the run ended early, if it did.
    stopped: Option<String>,
}

#[derive(Clone)]
struct Colored {
    title: String,
    /// What the network sees of the photo.
    photo: RgbImage,
    /// `[h, w, 3]`, from 0 to 1.
    values: Values,
}

impl Network {
    /// A layer's places as colors: the first three principal components of its values at all places of
    /// all photos are red, green and blue. What the network finds alike has one color, across the photos
    /// too: of a vision transformer that was trained without labels, such as DINOv2, the parts of things.
    ///
    /// Any layer with maps will do: a transformer's tokens (`norm` of DINOv2, `encoder.ln` of a ViT; class
    /// and register tokens are left out), a convolution's maps. At most 60 photos. After Amir et al.,
    /// "Deep ViT Features as Dense Visual Descriptors", 2021
    /// ([arXiv:2112.05814](https://arxiv.org/abs/2112.05814)), and Oquab et al., "DINOv2", 2023
    /// ([arXiv:2304.07193](https://arxiv.org/abs/2304.07193)).
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let photos = [data::digit(3, 1)?, data::digit(8, 1)?];
    /// let colors = zoo::digits()?.patch_colors(&photos, "relu2")?;
    /// assert_eq!(colors.values()[1].shape(), [8, 8, 3]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An unknown layer, or one without maps or with fewer than three channels; no photo, or more than
    /// 60; values that are the same everywhere.
    pub fn patch_colors(
        &self,
        photos: &(impl Samples + ?Sized),
        layer: &str,
    ) -> Result<PatchColors> {
        let (count, at) = (data::count(photos)?, self.find(layer)?);
        if count > MOST {
            return Err(Error::Argument(format!(
                "colors of {count} photos: {MOST} at most can be looked at; take fewer"
            )));
        }
        let [c, h, w] = self.preprocess().input_shape();
        let as_maps = self.maps(at, &[1, c, h, w])?;
        let mut progress = Progress::new(format!("colors of `{layer}`"));
        let (mut pictures, mut maps) = (Vec::new(), Vec::new());
        for index in 0..count {
            let photo = photos.photo(index)?;
            let input = self.prepare(&photo)?;
            maps.push(as_maps.of(&self.value(&input, at)?)?);
            let seen = self.preprocess().sharp_view(&photo, SHOWN)?;
            pictures.push((photo.title().to_owned(), seen));
            let done = pictures.len();
            progress.step(done, count, || format!("{done} of {count} photos"));
            if progress.is_over() {
                break;
            }
        }
        let stopped = stopped(pictures.len(), count);
        let places = maps.iter().map(places).collect::<Result<Vec<_>, _>>();
        let places = places.and_then(|places| Tensor::f_cat(&places, 0)).map_err(failed)?;
        let channels = places.size().get(1).copied().unwrap_or_default();
        if channels < 3 {
            return Err(Error::Argument(format!(
                "`{layer}` of {} has {channels} channels; three colors need three at least",
                self.name()
            )));
        }
        let fitted = Pca::fit(&places, 3)?;
        let colors = scaled(&fitted.transform(&places)?).map_err(failed)?;
        let mut from = 0;
        let mut colored = |((title, photo), maps): ((String, RgbImage), &Tensor)| -> Result<_> {
            let (_, _, height, width) = maps.size4().map_err(failed)?;
            let values = colors.f_narrow(0, from, height * width);
            let values = values.and_then(|values| values.f_reshape([height, width, 3]));
            from += height * width;
            Ok(Colored { title, photo, values: values.map_err(failed)?.into_values()? })
        };
        let pictures = pictures.into_iter().zip(&maps).map(&mut colored).collect::<Result<_>>()?;
        let title = format!("Colors of {}, {}", self.name(), self.nodes()[at].name);
        Ok(PatchColors { title, variance_ratio: fitted.variance_ratio(), pictures, stopped })
    }
}

/// Maps `[1, C, h, w]` as rows `[h·w, C]`.
fn places(maps: &Tensor) -> Torch<Tensor> {
    maps.f_get(0)?.f_flatten(1, -1)?.f_transpose(0, 1)?.f_to_kind(Kind::Float)
}

/// Each component from 0 to 1, but for a few values at either end.
fn scaled(components: &Tensor) -> Torch<Tensor> {
    let (ordered, _) = components.f_sort(0, false)?;
    let last = (components.size().first().copied().unwrap_or(1) - 1).max(0);
    let low = (BEYOND * last as f64).round() as i64;
    let low_values = ordered.f_get(low)?;
    let range = ordered.f_get(last - low)?.f_sub(&low_values)?.f_clamp_min(1e-12)?;
    components.f_sub(&low_values)?.f_div(&range)?.f_clamp(0.0, 1.0)
}

impl PatchColors {
    /// The colors of each photo's places: `[h, w, 3]`, red, green and blue from 0 to 1.
    pub fn values(&self) -> Vec<Values> {
        self.pictures.iter().map(|picture| picture.values.clone()).collect()
    }

    /// The share of the variance of all places that each color shows, 0 to 1.
    pub fn variance_ratio(&self) -> &[f64] {
        &self.variance_ratio
    }

    fn note(&self) -> String {
        let shares: Vec<String> =
            self.variance_ratio.iter().map(|share| format!("{:.0} %", 100.0 * share)).collect();
        let mut note = format!(
            "red, green and blue: the first three principal components of all places, with {} of the \
             variance",
            shares.join(", ")
        );
        if let Some(stopped) = &self.stopped {
            note.push_str(&format!("; {stopped} photos"));
        }
        note
    }

    fn gallery(&self) -> Result<Gallery> {
        let cards = |picture: &Colored| {
            let size = picture.values.shape();
            let places = format!("{}×{} places", size[0], size[1]);
            [
                GalleryCard::new(picture.photo.clone(), picture.title.as_str(), ""),
                GalleryCard::new(picture.enlarged(), "", places),
            ]
        };
        // As many photos side by side as there is room for at a gallery's sizes.
        let across = match self.pictures.len() {
            ..=2 => 1,
            3..=5 => 2,
            6..=18 => 3,
            _ => 4,
        };
        let rows = self.pictures.chunks(across);
        let rows = rows.map(|row| GalleryRow::new("", row.iter().flat_map(cards).collect()));
        Ok(Gallery::new(self.title.as_str(), rows.collect())?.note(self.note()))
    }
}

impl Colored {
    /// The colors at the photo's size, each place a rectangle.
    fn enlarged(&self) -> RgbImage {
        let size = |dim: usize| self.values.shape().get(dim).map_or(0, |&size| size as u32);
        let bytes = self.values.numbers().iter().map(|value| (255.0 * value).round() as u8);
        let mut bytes = bytes.collect::<Vec<u8>>().into_iter();
        let mut next = || bytes.next().unwrap_or_default();
        let small = RgbImage::from_fn(size(1), size(0), |_, _| Rgb([next(), next(), next()]));
        let (width, height) = self.photo.dimensions();
        imageops::resize(&small, width, height, imageops::FilterType::Nearest)
    }
}

impl Figure for PatchColors {
    fn image(&self) -> Result<RgbImage> {
        self.gallery()?.image()
    }

    fn description(&self) -> String {
        format!("{}; {}", self.title, self.note())
    }

    fn bundle(&self) -> Result<Bundle> {
        self.gallery()?.bundle()
    }
}

crate::view::figures!(PatchColors);

fn failed(error: tch::TchError) -> Error {
    Error::torch("coloring a layer's places")(error)
}
