//! The images of a folder, and the classes that its subfolders are.

// Sizes are what a file says.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::Samples;
use super::samples::no_image;
use crate::progress::Progress;
use crate::{Error, Photo, Result};

const EXTENSIONS: [&str; 6] = ["gif", "jfif", "jpeg", "jpg", "png", "webp"];
/// Pictures that can't be read, which nobody wants to miss without a word.
const OTHERS: [&str; 16] = [
    "avif", "bmp", "cr2", "dng", "heic", "heif", "ico", "jp2", "jxl", "nef", "pgm", "ppm", "psd",
    "svg", "tif", "tiff",
];

/// The images of a folder, in order of their names. Where they lie in subfolders, as data sets often
/// do, each subfolder is a class, numbered in the order of the names, as torchvision's `ImageFolder`
/// does. Files are read when they are needed.
///
/// ```no_run
/// use convscope::prelude::*;
/// let photos = data::Folder::open("photos")?;
/// zoo::resnet18()?.predict(&photos)?
/// # ; Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Folder {
    files: Vec<PathBuf>,
    /// For each file which of the names; empty without subfolders.
    labels: Vec<usize>,
    class_names: Vec<String>,
    left_out: Vec<PathBuf>,
}

impl Folder {
    /// The images right in the folder, or those of its subfolders: where there are both, the more
    /// numerous, and the subfolders' if they are as many. What is left out of the others, subfolders
    /// without an image and pictures in formats that can't be read, a line says; see
    /// [`Folder::left_out`]. Hidden files and folders (`.ipynb_checkpoints`, `__MACOSX`) don't count.
    ///
    /// # Errors
    ///
    /// A folder that can't be read, or that holds no JPEG, PNG, GIF or WebP file.
    pub fn open(folder: impl AsRef<Path>) -> Result<Folder> {
        let folder = folder.as_ref();
        let (subfolders, files): (Vec<_>, Vec<_>) =
            entries(folder)?.into_iter().partition(|path| path.is_dir());
        let (images, mut left_out) = pictures(files);
        let mut classes = Vec::new();
        for subfolder in subfolders {
            match entries(&subfolder) {
                Ok(inside) => {
                    let (images, others) = pictures(inside);
                    left_out.extend(others);
                    classes.push((subfolder, images));
                }
                // It may be one that nobody meant.
                Err(_) if !images.is_empty() => left_out.push(subfolder),
                Err(error) => return Err(error),
            }
        }
        let labeled: usize = classes.iter().map(|(_, images)| images.len()).sum();
        let mut found =
            Folder { files: Vec::new(), labels: Vec::new(), class_names: Vec::new(), left_out };
        if images.len() > labeled {
            found.files = images;
            let images = classes.into_iter().flat_map(|(_, images)| images);
            found.left_out.extend(images);
        } else {
            found.left_out.extend(images);
            for (subfolder, images) in classes {
                found.add_class(subfolder, images);
            }
        }
        if found.files.is_empty() {
            let mut problem =
                "neither the folder nor its subfolders hold a JPEG, PNG, GIF or WebP file"
                    .to_owned();
            if let Some(word) = found.word(folder) {
                problem.push_str(&format!("; {word}"));
            }
            return Err(Error::photo(folder.display().to_string(), problem));
        }
        if let Some(word) = found.word(folder) {
            Progress::new(folder.display().to_string()).say(&word);
        }
        Ok(found)
    }

    fn add_class(&mut self, subfolder: PathBuf, images: Vec<PathBuf>) {
        if images.is_empty() {
            self.left_out.push(subfolder);
            return;
        }
        self.labels.resize(self.files.len() + images.len(), self.class_names.len());
        self.class_names.push(name(&subfolder));
        self.files.extend(images);
    }

    /// The files.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Pictures that can't be read, images beside the class folders or, where these are left out, in
    /// them, and subfolders without an image.
    pub fn left_out(&self) -> &[PathBuf] {
        &self.left_out
    }

    /// How much is left out, and why the first is.
    fn word(&self, folder: &Path) -> Option<String> {
        let first = self.left_out.first()?;
        let why = match self.labels.is_empty() {
            _ if first.is_dir() => "it holds no image",
            _ if !has_extension(first, &EXTENSIONS) || !first.is_file() => {
                "it can't be read; convert it to PNG or JPEG"
            }
            true => "more images are beside the subfolders",
            false => "more images are in the subfolders",
        };
        let first = first.strip_prefix(folder).unwrap_or(first).display();
        Some(match self.left_out.len() {
            1 => format!("`{first}` is left out ({why})"),
            count => format!("{count} entries are left out, the first is `{first}` ({why})"),
        })
    }
}

impl Samples for Folder {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn photo(&self, index: usize) -> Result<Cow<'_, Photo>> {
        let file = self.files.get(index).ok_or_else(|| no_image(index, self.files.len()))?;
        Photo::open(file).map(Cow::Owned)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels.get(index).copied()
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The file's name, with the subfolder's if there are any.
    fn caption(&self, index: usize) -> Option<String> {
        let file = name(self.files.get(index)?);
        let class = self.label(index).and_then(|class| self.class_names.get(class));
        Some(class.map_or(file.clone(), |class| format!("{class}/{file}")))
    }
}

/// What is in a folder, in order of the names, without what is hidden.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || {
        let mut all = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        all.retain(|path| {
            let name = name(path);
            !name.starts_with('.') && name != "__MACOSX"
        });
        all.sort();
        Ok(all)
    };
    read().map_err(Error::io("read the folder", folder))
}

/// Images, and what else is a picture by its name.
fn pictures(files: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let known = |path: &PathBuf| {
        (has_extension(path, &EXTENSIONS) || has_extension(path, &OTHERS)) && !path.is_dir()
    };
    let known = files.into_iter().filter(known);
    known.partition(|path| has_extension(path, &EXTENSIONS) && path.is_file())
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
