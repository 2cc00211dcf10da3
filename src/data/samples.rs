//! Images to run through a network, with or without labels: one form for all collections.

use std::borrow::Cow;

use tch::Tensor;

use super::ImageSet;
use crate::limits::position;
use crate::network::Network;
use crate::{Error, Photo, Result};

/// A collection of images, perhaps with labels: photos, pairs of photo and class, an [`ImageSet`], a
/// [`Folder`](super::Folder), or a type of your own.
///
/// [`Network::predict`], [`Network::features`], [`Dataset::prepare`](crate::train::Dataset::prepare),
/// [`dataset_examples`](crate::maximize::dataset_examples) and
/// [`compare_predictions`](crate::attribution::compare_predictions) take any of them. Images are asked
/// for batch by batch, so a collection need not be in memory.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let photos = vec![data::digit(3, 1)?, data::digit(8, 1)?];
/// assert_eq!(net.predict(&photos)?.accuracy(), None);
/// let labeled = data::digits(20, 1)?;                      // Vec<(Photo, usize)>
/// assert_eq!(net.predict(&labeled)?.accuracy(), Some(1.0));
/// # Ok::<(), convscope::Error>(())
/// ```
pub trait Samples {
    /// The number of images.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One image; `index` is below [`Samples::len`].
    ///
    /// # Errors
    ///
    /// A file that can't be read.
    fn photo(&self, index: usize) -> Result<Cow<'_, Photo>>;

    /// The class of one image, from 0; either all images have one, or none.
    fn label(&self, _index: usize) -> Option<usize> {
        None
    }

    /// The classes' names, in the order of the labels; empty where none are known.
    fn class_names(&self) -> &[String] {
        &[]
    }

    /// What figures write beside one image, if anything.
    fn caption(&self, _index: usize) -> Option<String> {
        None
    }

    /// What figures call the collection.
    fn title(&self) -> Option<&str> {
        None
    }

    /// All images as bytes `[N, C, H, W]`, where they are in memory so.
    fn bytes(&self) -> Option<&Tensor> {
        None
    }

    /// The same collection (`Some(self)`), where several threads may ask for its images at once: then files
    /// are read and images prepared on all processors. Without it, one after the other.
    fn shared(&self) -> Option<&(dyn Samples + Sync)> {
        None
    }
}

impl<S: Samples + ?Sized> Samples for &S {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn photo(&self, index: usize) -> Result<Cow<'_, Photo>> {
        (**self).photo(index)
    }

    fn label(&self, index: usize) -> Option<usize> {
        (**self).label(index)
    }

    fn class_names(&self) -> &[String] {
        (**self).class_names()
    }

    fn caption(&self, index: usize) -> Option<String> {
        (**self).caption(index)
    }

    fn title(&self) -> Option<&str> {
        (**self).title()
    }

    fn bytes(&self) -> Option<&Tensor> {
        (**self).bytes()
    }

    fn shared(&self) -> Option<&(dyn Samples + Sync)> {
        (**self).shared()
    }
}

impl Samples for [Photo] {
    fn len(&self) -> usize {
        <[Photo]>::len(self)
    }

    fn photo(&self, index: usize) -> Result<Cow<'_, Photo>> {
        self.get(index).map(Cow::Borrowed).ok_or_else(|| no_image(index, self.len()))
    }

    fn caption(&self, index: usize) -> Option<String> {
        self.get(index).map(|photo| photo.title().to_owned())
    }
}

impl Samples for [(Photo, usize)] {
    fn len(&self) -> usize {
        <[(Photo, usize)]>::len(self)
    }

    fn photo(&self, index: usize) -> Result<Cow<'_, Photo>> {
        let pair = self.get(index).ok_or_else(|| no_image(index, self.len()))?;
        Ok(Cow::Borrowed(&pair.0))
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.get(index).map(|(_, label)| *label)
    }

    fn caption(&self, index: usize) -> Option<String> {
        self.get(index).map(|(photo, _)| photo.title().to_owned())
    }
}

/// Vectors and arrays are slices.
macro_rules! as_slices {
    ($([$($generics:tt)*] $collection:ty),+) => {$(
        impl<$($generics)*> Samples for $collection {
            fn len(&self) -> usize {
                self.as_slice().len()
            }

            fn photo(&self, index: usize) -> Result<Cow<'_, Photo>> {
                self.as_slice().photo(index)
            }

            fn label(&self, index: usize) -> Option<usize> {
                self.as_slice().label(index)
            }

            fn caption(&self, index: usize) -> Option<String> {
                self.as_slice().caption(index)
            }

            fn shared(&self) -> Option<&(dyn Samples + Sync)> {
                Some(self)
            }
        }
    )+};
}
as_slices!(
    [] Vec<Photo>,
    [] Vec<(Photo, usize)>,
    [const N: usize] [Photo; N],
    [const N: usize] [(Photo, usize); N]
);

impl Samples for ImageSet {
    fn len(&self) -> usize {
        ImageSet::len(self)
    }

    fn photo(&self, index: usize) -> Result<Cow<'_, Photo>> {
        ImageSet::photo(self, index).map(Cow::Owned)
    }

    fn label(&self, index: usize) -> Option<usize> {
        let label = self.labels().f_get(position(index)).and_then(|label| label.f_int64_value(&[]));
        label.ok().and_then(|label| usize::try_from(label).ok())
    }

    fn class_names(&self) -> &[String] {
        self.classes()
    }

    fn title(&self) -> Option<&str> {
        Some(self.name())
    }

    fn bytes(&self) -> Option<&Tensor> {
        Some(self.images())
    }
}

/// What is wrong with an index beyond the last.
pub(super) fn no_image(index: usize, count: usize) -> Error {
    Error::Argument(format!("there is no image {index}; there are {count}, numbered from 0"))
}

/// The number of images, unless it is more than any collection has: there would be no memory for what is
/// made of each.
pub(crate) fn count(samples: &(impl Samples + ?Sized)) -> Result<usize> {
    const MOST: usize = 100_000_000;
    match samples.len() {
        count @ ..=MOST => Ok(count),
        count => Err(Error::Argument(format!(
            "a collection says that it holds {count} images; at most {MOST} can be taken"
        ))),
    }
}

/// The label of each image; `None` where the collection has none.
pub(crate) fn labels(samples: &(impl Samples + ?Sized)) -> Result<Option<Vec<usize>>> {
    let labels = (0..count(samples)?).map(|index| samples.label(index));
    Ok(labels.collect::<Option<Vec<usize>>>().filter(|labels| !labels.is_empty()))
}

/// The labels as the network numbers its classes: by name, where it knows the names of all classes of
/// the collection, else as they are. `None` where the collection has no labels.
///
/// # Errors
///
/// A name that several classes of the network have; names that the network doesn't know, for another
/// number of classes than it has: their numbers would mean other classes.
pub(crate) fn labels_for(
    net: &Network,
    samples: &(impl Samples + ?Sized),
) -> Result<Option<Vec<usize>>> {
    let Some(labels) = labels(samples)? else { return Ok(None) };
    let (names, known) = (samples.class_names(), net.classes().len());
    let places = names.iter().map(|name| net.class_index(name)).collect::<Result<Vec<_>>>()?;
    if let Some(places) = places.iter().copied().collect::<Option<Vec<usize>>>()
        && !places.is_empty()
    {
        return Ok(labels.into_iter().map(|label| places.get(label).copied()).collect());
    }
    match names.iter().zip(places).find(|(_, place)| place.is_none()) {
        Some((name, _)) if known != 0 && known != names.len() => Err(Error::UnknownClass(format!(
            "the images are of {} classes, one of them `{name}`, which is no class of {} and its \
             {known}. Name the classes as the network does, or the network's with `with_classes`.",
            names.len(),
            net.name()
        ))),
        _ => Ok(Some(labels)),
    }
}
