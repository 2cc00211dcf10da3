//! The images of a folder, and the classes that its subfolders are.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::Samples;
use crate::{Error, Photo, Result};

const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "gif", "webp"];

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
}

impl Folder {
    /// The images right in the folder or, if there are none, those of its subfolders.
    ///
    /// # Errors
    ///
    /// A folder that can't be read, or that holds no JPEG, PNG, GIF or WebP file.
    pub fn open(folder: impl AsRef<Path>) -> Result<Folder> {
        let folder = folder.as_ref();
        let entries = entries(folder)?;
        let files: Vec<PathBuf> = entries.iter().filter(|path| is_picture(path)).cloned().collect();
        let mut found = Folder { files, labels: Vec::new(), class_names: Vec::new() };
        if !found.files.is_empty() {
            return Ok(found);
        }
        for subfolder in entries.iter().filter(|path| path.is_dir()) {
            let images: Vec<PathBuf> =
                self::entries(subfolder)?.into_iter().filter(|path| is_picture(path)).collect();
            if images.is_empty() {
                continue;
            }
            found.labels.resize(found.files.len() + images.len(), found.class_names.len());
            found.class_names.push(name(subfolder));
            found.files.extend(images);
        }
        if found.files.is_empty() {
            let problem =
                "neither the folder nor its subfolders hold a JPEG, PNG, GIF or WebP file";
            return Err(Error::photo(folder.display().to_string(), problem));
        }
        Ok(found)
    }

    /// The files.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

impl Samples for Folder {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn photo(&self, index: usize) -> Result<Cow<'_, Photo>> {
        Photo::open(&self.files[index]).map(Cow::Owned)
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

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || {
        let mut all = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        all.sort();
        Ok(all)
    };
    read().map_err(Error::io("read the folder", folder))
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    path.is_file() && extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
