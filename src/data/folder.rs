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
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Samples;
use super::samples::no_image;
use super::threads::in_order;
use crate::live::Progress;
use crate::{Error, Photo, Result, photo};

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
    left_out: Vec<LeftOut>,
    /// The folder itself.
    root: PathBuf,
}

/// What is in a folder and not among its images.
#[derive(Clone, Debug)]
struct LeftOut {
    path: PathBuf,
    why: String,
}

impl LeftOut {
    fn new(path: PathBuf, why: &str) -> LeftOut {
        LeftOut { path, why: why.to_owned() }
    }
}

const FORMAT: &str = "it can't be read; convert it to PNG or JPEG";
const EMPTY: &str = "it holds no image";

impl Folder {
    /// The images right in the folder, or those of its subfolders: where there are both, the more
    /// numerous, and the subfolders' if they are as many. What is left out of the others, subfolders
    /// without an image, pictures in formats that can't be read and files that don't begin as pictures do,
    /// a line says; see [`Folder::left_out`]. Hidden files and folders (`.ipynb_checkpoints`, `__MACOSX`)
    /// don't count. Files that are broken further on are found by [`Folder::verified`].
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
                Err(_) if !images.is_empty() => left_out.push(LeftOut::new(subfolder, EMPTY)),
                Err(error) => return Err(error),
            }
        }
        let labeled: usize = classes.iter().map(|(_, images)| images.len()).sum();
        let mut found = Folder {
            files: Vec::new(),
            labels: Vec::new(),
            class_names: Vec::new(),
            left_out,
            root: folder.to_owned(),
        };
        let others = |images: Vec<PathBuf>, where_more: &str| {
            let why = format!("more images are {where_more} the subfolders");
            images.into_iter().map(move |image| LeftOut::new(image, &why))
        };
        if images.len() > labeled {
            found.files = images;
            let inside = classes.into_iter().flat_map(|(_, images)| images).collect();
            found.left_out.extend(others(inside, "beside"));
        } else {
            found.left_out.extend(others(images, "in"));
            for (subfolder, images) in classes {
                found.add_class(subfolder, images);
            }
        }
        if found.files.is_empty() {
            let mut problem =
                "neither the folder nor its subfolders hold a JPEG, PNG, GIF or WebP file"
                    .to_owned();
            if let Some(word) = found.word() {
                problem.push_str(&format!("; {word}"));
            }
            return Err(Error::photo(folder.display().to_string(), problem));
        }
        found.say();
        Ok(found)
    }

    /// Reads every picture once, and leaves out those that can't be: files that are cut short or broken
    /// within. A line says how many, and why the first is. It takes as long as reading them does.
    ///
    /// # Errors
    ///
    /// Not one picture can be read.
    pub fn verified(mut self) -> Result<Folder> {
        const AT_ONCE: usize = 32;
        let mut progress = Progress::new(self.root.display().to_string());
        let (files, labels) = (std::mem::take(&mut self.files), std::mem::take(&mut self.labels));
        let (count, mut broken, mut done) = (files.len(), Vec::new(), 0);
        for files in files.chunks(AT_ONCE) {
            let read = in_order(0..files.len(), |at| Ok(Photo::open(&files[at]).err()))?;
            for (file, fault) in files.iter().zip(read) {
                match fault {
                    None => {
                        self.files.push(file.clone());
                        self.labels.extend(labels.get(done));
                    }
                    Some(Error::Photo { problem, .. }) => {
                        broken.push(LeftOut { path: file.clone(), why: problem })
                    }
                    Some(error) => broken.push(LeftOut::new(file.clone(), &error.to_string())),
                }
                done = done.saturating_add(1);
            }
            progress.step(done, count, || format!("{done} of {count} pictures read"));
            progress.check(done, count)?;
        }
        if self.files.is_empty()
            && let Some(first) = broken.first()
        {
            return Err(Error::photo(
                self.root.display().to_string(),
                format!("none of its {count} pictures can be read; of the first: {}", first.why),
            ));
        }
        broken.append(&mut self.left_out);
        self.left_out = broken;
        self.say();
        Ok(self)
    }

    fn add_class(&mut self, subfolder: PathBuf, images: Vec<PathBuf>) {
        if images.is_empty() {
            self.left_out.push(LeftOut::new(subfolder, EMPTY));
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
    pub fn left_out(&self) -> Vec<PathBuf> {
        self.left_out.iter().map(|left_out| left_out.path.clone()).collect()
    }

    /// How much is left out, and why the first is.
    fn word(&self) -> Option<String> {
        let LeftOut { path, why } = self.left_out.first()?;
        let first = path.strip_prefix(&self.root).unwrap_or(path).display();
        Some(match self.left_out.len() {
            1 => format!("`{first}` is left out ({why})"),
            count => format!("{count} entries are left out, the first is `{first}` ({why})"),
        })
    }

    fn say(&self) {
        if let Some(word) = self.word() {
            Progress::new(self.root.display().to_string()).say(&word);
        }
    }
}

impl Samples for Folder {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn photo(&self, index: usize) -> Result<Cow<'_, Photo>> {
        let file = self.files.get(index).ok_or_else(|| no_image(index, self.files.len()))?;
        Photo::open(file).map(Cow::Owned).map_err(|error| match error {
            Error::Photo { what, problem, source } => {
                let problem = format!("{problem} `Folder::verified` leaves out such files.");
                Error::Photo { what, problem, source }
            }
            other => other,
        })
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

    fn shared(&self) -> Option<&(dyn Samples + Sync)> {
        Some(self)
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
fn pictures(files: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<LeftOut>) {
    let (mut images, mut others) = (Vec::new(), Vec::new());
    for file in files.into_iter().filter(|file| !file.is_dir()) {
        if has_extension(&file, &EXTENSIONS) {
            match problem(&file) {
                None => images.push(file),
                Some(why) => others.push(LeftOut { path: file, why }),
            }
        } else if has_extension(&file, &OTHERS) {
            others.push(LeftOut::new(file, FORMAT));
        }
    }
    (images, others)
}

/// What is wrong with a picture file by how it begins.
fn problem(file: &Path) -> Option<String> {
    let mut start = Vec::new();
    let read = File::open(file).and_then(|file| file.take(64).read_to_end(&mut start));
    match read {
        Err(error) => Some(error.to_string()),
        Ok(0) => Some("the file is empty".to_owned()),
        Ok(_) => photo::readable(&start).err(),
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
