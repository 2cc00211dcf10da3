//! Images with their labels, as they come in a file: eight bits a value.

// Sizes are what a file says.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]

use std::fmt;

use image::{DynamicImage, GrayImage, RgbImage};
use tch::{Kind, TchError, Tensor};

use crate::error::{first_line, shape_text};
use crate::{Error, Photo, Result};

/// The two parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Split {
    /// What networks learn from.
    Train,
    /// What they are measured on.
    Test,
}

impl Split {
    pub(super) fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

/// Images with the numbers of their classes, on the CPU; at least one.
///
/// The images stay as they are in the file, a byte a value: 47 MB for MNIST's 60,000. As numbers for a
/// network ([`Dataset::prepare`](crate::train::Dataset::prepare)) they take four times as much or,
/// where it wants them larger, far more: [`ImageSet::first`] takes fewer.
///
/// ```no_run
/// use convscope::prelude::*;
///
/// let net = zoo::digits()?;
/// let test = data::mnist(Split::Test)?;                             // fetched once, 1.7 MB
/// println!("{:.1} % right", 100.0 * net.accuracy(&Dataset::prepare(&net, &test)?)?);
/// net.predict(&test.first(60)?)?                                    // the first 60, as pictures
/// # ;
/// # Ok::<(), convscope::Error>(())
/// ```
pub struct ImageSet {
    name: String,
    images: Tensor,
    labels: Tensor,
    classes: Vec<String>,
}

impl ImageSet {
    /// Says what is wrong, without the file, which the caller knows.
    pub(super) fn new(
        name: &str,
        images: Tensor,
        labels: &Tensor,
        classes: Vec<String>,
    ) -> Result<ImageSet, String> {
        let (pictures, numbers) = (images.size(), labels.size());
        let fits = matches!((pictures.as_slice(), numbers.as_slice()),
            ([n, 1 | 3, _, _], [m]) if n == m && images.numel() > 0);
        if !fits || images.kind() != Kind::Uint8 {
            return Err(format!(
                "it holds images {} ({:?}) and labels {}, expected images [N, 1 or 3, H, W] (Uint8) \
                 and labels [N], N at least 1",
                shape_text(&pictures),
                images.kind(),
                shape_text(&numbers)
            ));
        }
        if labels.is_floating_point() || labels.is_complex() {
            let kind = labels.kind();
            return Err(format!("its labels hold {kind:?}, expected whole numbers such as Uint8"));
        }
        let torch = |error: TchError| first_line(&error.to_string());
        let labels = labels.f_to_kind(Kind::Int64).map_err(torch)?;
        let (least, most) = range(&labels).map_err(torch)?;
        let last = (classes.len() as i64).saturating_sub(1);
        if least < 0 || most > last {
            let wrong = if least < 0 { least } else { most };
            return Err(format!("there is a label {wrong}, expected 0 to {last}"));
        }
        Ok(ImageSet { name: name.to_owned(), images, labels, classes })
    }

    /// What it is called: `MNIST test`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of images.
    #[allow(clippy::len_without_is_empty)] // there is at least one
    pub fn len(&self) -> usize {
        self.labels.numel()
    }

    /// The images, `[N, C, H, W]`, `Kind::Uint8`, 0 to 255.
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// The labels, `[N]`, `Kind::Int64`, from 0.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// The classes' names; a label is an index into them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The first `count` images, or all where there are fewer. They share memory with this set.
    ///
    /// # Errors
    ///
    /// A count of 0.
    pub fn first(&self, count: usize) -> Result<ImageSet> {
        if count == 0 {
            return Err(Error::Argument(format!("{}: `first(0)` leaves no image", self.name)));
        }
        let count = count.min(self.len()) as i64;
        let narrowed =
            |tensor: &Tensor| tensor.f_narrow(0, 0, count).map_err(Error::torch("taking images"));
        Ok(ImageSet {
            name: self.name.clone(),
            images: narrowed(&self.images)?,
            labels: narrowed(&self.labels)?,
            classes: self.classes.clone(),
        })
    }

    /// One image as a picture, `MNIST test 17`. Gray becomes RGB.
    ///
    /// # Errors
    ///
    /// An index beyond the last.
    pub fn photo(&self, index: usize) -> Result<Photo> {
        let count = self.len();
        if index >= count {
            return Err(Error::Argument(format!(
                "{} has no image {index}; its {count} images are numbered from 0",
                self.name
            )));
        }
        let title = format!("{} {index}", self.name);
        let read = || -> Result<(Vec<u8>, Vec<i64>), TchError> {
            let image = self.images.f_select(0, index as i64)?.f_contiguous()?;
            let mut bytes = vec![0; image.numel()];
            image.f_copy_data(&mut bytes, image.numel())?;
            Ok((bytes, image.size()))
        };
        let (bytes, shape) = read().map_err(Error::torch(format!("reading {title}")))?;
        let picture = match *shape.as_slice() {
            [channels, height, width] => {
                let side = |side| u32::try_from(side).ok();
                let sides = side(width).zip(side(height));
                sides.and_then(|(width, height)| picture(bytes, channels, width, height))
            }
            _ => None,
        };
        let problem = "its values don't make a picture";
        Photo::from_image(picture.ok_or_else(|| Error::photo(&title, problem))?, &title)
    }
}

/// Of values plane by plane.
fn picture(bytes: Vec<u8>, channels: i64, width: u32, height: u32) -> Option<DynamicImage> {
    if channels == 1 {
        return GrayImage::from_raw(width, height, bytes).map(DynamicImage::from);
    }
    let (red, rest) = bytes.split_at_checked(bytes.len() / 3)?;
    let (green, blue) = rest.split_at_checked(red.len())?;
    let pixels = red.iter().zip(green).zip(blue).flat_map(|((&r, &g), &b)| [r, g, b]);
    RgbImage::from_raw(width, height, pixels.collect()).map(DynamicImage::from)
}

/// The smallest and the largest label.
pub(super) fn range(labels: &Tensor) -> Result<(i64, i64), TchError> {
    let (least, most) = labels.f_aminmax(None::<i64>, false)?;
    Ok((least.f_int64_value(&[])?, most.f_int64_value(&[])?))
}

impl Clone for ImageSet {
    /// The same data, not a copy of it.
    fn clone(&self) -> Self {
        ImageSet {
            name: self.name.clone(),
            images: self.images.shallow_clone(),
            labels: self.labels.shallow_clone(),
            classes: self.classes.clone(),
        }
    }
}

impl fmt::Debug for ImageSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, channels, height, width] = self.images.size()[..] else { return Ok(()) };
        let (name, count, classes) = (&self.name, self.len(), self.classes.len());
        write!(f, "{name}: {count} images [{channels}, {height}, {width}], {classes} classes")
    }
}
