//! The known data sets: where their files lie on this machine, or else are fetched.

use std::path::{Path, PathBuf};

use tch::Tensor;

use super::image_set::{ImageSet, Split};
use super::{CIFAR10_CLASSES, cifar, idx, stored};
use crate::download::{self, Download};
use crate::{Error, Result};

/// MNIST: 60,000 handwritten digits to learn from and 10,000 to be measured on, white on black, 28×28.
///
/// Where `$CONVSCOPE_HOME/data` (or the platform's cache folder) has the files, they are used as they
/// are: `mnist_train.safetensors` and `mnist_test.safetensors` ([`ImageSet::open`] says what is in them),
/// or the files of the format IDX, gzipped or not, there or in the subfolder `mnist` or `MNIST/raw`.
/// A file may hold fewer images than the official one. Else the official files are fetched, once
/// (11.6 MB for both parts), and their SHA-256 is checked. `CONVSCOPE_OFFLINE` and `CONVSCOPE_MIRROR`
/// hold as for weights; below a mirror the files are in `mnist/`.
///
/// LeCun, Cortes, Burges, "The MNIST database of handwritten digits"; LeCun, Bottou, Bengio, Haffner,
/// "Gradient-Based Learning Applied to Document Recognition", 1998.
///
/// ```no_run
/// use convscope::prelude::*;
/// let test = data::mnist(Split::Test)?;
/// assert_eq!(test.images().size(), [10_000, 1, 28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// No files and no way to fetch them; a file that is truncated, another one, or whose labels are
/// no digits.
pub fn mnist(split: Split) -> Result<ImageSet> {
    Known {
        name: "MNIST",
        stem: "mnist",
        folders: &["mnist", "MNIST/raw", ""],
        classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        split,
    }
    .idx()
}

/// Fashion-MNIST: pictures of clothes in the form of [MNIST](mnist), as many and as large, ten kinds.
///
/// Files are looked for as MNIST's are: `fashion_mnist_train.safetensors` and
/// `fashion_mnist_test.safetensors`, or IDX files in the subfolder `fashion-mnist` or
/// `FashionMNIST/raw`, since they have the same names as MNIST's. The official ones take 30.9 MB.
///
/// Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
/// Algorithms", 2017 ([arXiv:1708.07747](https://arxiv.org/abs/1708.07747)).
///
/// # Errors
///
/// As [`mnist`].
pub fn fashion_mnist(split: Split) -> Result<ImageSet> {
    Known {
        name: "Fashion-MNIST",
        stem: "fashion_mnist",
        folders: &["fashion-mnist", "FashionMNIST/raw"],
        classes: [
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        split,
    }
    .idx()
}

/// CIFAR-10: 50,000 color photographs to learn from and 10,000 to be measured on, 32×32, ten classes.
///
/// Files are looked for as [MNIST](mnist)'s are: `cifar10_train.safetensors` and
/// `cifar10_test.safetensors`, the folder `cifar-10-batches-bin`, or the archive
/// `cifar-10-binary.tar.gz` (170 MB), which is what is fetched. It is read in one or two seconds and not
/// unpacked to the disk; the images take 154 MB of memory.
///
/// Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
///
/// # Errors
///
/// As [`mnist`].
pub fn cifar10(split: Split) -> Result<ImageSet> {
    Known { name: "CIFAR-10", stem: "cifar10", folders: &[""], classes: CIFAR10_CLASSES, split }
        .cifar()
}

/// One part of a known data set.
struct Known {
    name: &'static str,
    /// How names of safetensors files begin.
    stem: &'static str,
    /// Where files lie below the folder for data; the first is where fetched ones come to lie.
    folders: &'static [&'static str],
    classes: [&'static str; 10],
    split: Split,
}

impl Known {
    fn title(&self) -> String {
        format!("{} {}", self.name, self.split.name())
    }

    fn idx(&self) -> Result<ImageSet> {
        let folder = folder()?;
        if let Some(set) = self.stored(&folder)? {
            return Ok(set);
        }
        let (part, most) = match self.split {
            Split::Train => ("train", 60_000),
            Split::Test => ("t10k", 10_000),
        };
        let images_path = self.file(&folder, &format!("{part}-images-idx3-ubyte"), "gz")?;
        let labels_path = self.file(&folder, &format!("{part}-labels-idx1-ubyte"), "gz")?;
        let images = idx::read(&images_path, &[28, 28], most)?;
        let labels = idx::read(&labels_path, &[], most)?;
        let count = (images.len() / (28 * 28)) as i64;
        if labels.len() as i64 != count {
            return Err(Error::data_file(
                &labels_path,
                format!(
                    "it holds {} labels, but {} holds {count} images. Delete both, so that they can \
                     be fetched anew.",
                    labels.len(),
                    images_path.display()
                ),
            ));
        }
        let tensors = Tensor::f_from_slice(&images)
            .and_then(|images| images.f_view([count, 1, 28, 28]))
            .and_then(|images| Ok((images, Tensor::f_from_slice(&labels)?)));
        let (images, labels) = tensors.map_err(Error::torch(format!("reading {}", self.name)))?;
        self.set(&labels_path, images, &labels)
    }

    fn cifar(&self) -> Result<ImageSet> {
        let folder = folder()?;
        if let Some(set) = self.stored(&folder)? {
            return Ok(set);
        }
        let unpacked = folder.join("cifar-10-batches-bin");
        let (path, read) = if unpacked.is_dir() {
            let read = cifar::read_folder(&unpacked, self.split)?;
            (unpacked, read)
        } else {
            let archive = self.file(&folder, "cifar-10-binary", "tar.gz")?;
            let read = cifar::read_archive(&archive, self.split)?;
            (archive, read)
        };
        self.set(&path, read.0, &read.1)
    }

    fn set(&self, path: &Path, images: Tensor, labels: &Tensor) -> Result<ImageSet> {
        let classes = self.classes.map(str::to_owned).to_vec();
        ImageSet::new(&self.title(), images, labels, classes)
            .map_err(|problem| Error::data_file(path, problem))
    }

    /// What somebody laid there as safetensors.
    fn stored(&self, folder: &Path) -> Result<Option<ImageSet>> {
        let name = self.stored_name();
        let mut paths =
            self.folders.iter().chain(&[""]).map(|below| folder.join(below).join(&name));
        match paths.find(|path| path.is_file()) {
            Some(path) => stored::read(&path, &self.title(), Some(&self.classes)).map(Some),
            None => Ok(None),
        }
    }

    fn stored_name(&self) -> String {
        format!("{}_{}.safetensors", self.stem, self.split.name())
    }

    /// A file as it is published, `NAME.ENDING`, or unpacked; fetched if neither is there.
    fn file(&self, folder: &Path, name: &str, ending: &str) -> Result<PathBuf> {
        let packed = format!("{name}.{ending}");
        for below in self.folders {
            let place = folder.join(below);
            let known = [place.join(&packed), place.join(name)];
            if let Some(found) = known.into_iter().find(|path| path.is_file()) {
                return Ok(found);
            }
        }
        let first = self.folders.first().filter(|below| !below.is_empty());
        let path = first.map_or(packed.clone(), |below| format!("{below}/{packed}"));
        let official = convscope_weights::find_data(&path)
            .ok_or_else(|| Error::Argument(format!("there is no official file {path}")))?;
        let obtained = official.obtain(folder, &Download::new(&packed));
        obtained.map_err(download::failed(|error| Error::DataAbsent {
            set: self.name,
            files: format!("`{path}` or `{}`", self.stored_name()),
            folder: folder.to_owned(),
            url: official.url(),
            source: error.into(),
        }))
    }
}

fn folder() -> Result<PathBuf> {
    convscope_weights::data_folder().map_err(|error| Error::Argument(error.to_string()))
}
