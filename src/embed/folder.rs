//! The pictures of a folder, and the classes that its subfolders are.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "gif", "webp"];

/// Pictures in order of their names.
pub(super) struct Folder {
    pub files: Vec<PathBuf>,
    /// For each file which of the names; empty without subfolders.
    pub classes: Vec<i64>,
    pub class_names: Vec<String>,
}

impl Folder {
    /// The pictures right in the folder, or else those of its subfolders.
    pub(super) fn read(folder: &Path) -> Result<Folder> {
        let entries = entries(folder)?;
        let files: Vec<PathBuf> = entries.iter().filter(|path| is_picture(path)).cloned().collect();
        if !files.is_empty() {
            return Ok(Folder { files, classes: Vec::new(), class_names: Vec::new() });
        }
        let mut found = Folder { files, classes: Vec::new(), class_names: Vec::new() };
        for subfolder in entries.iter().filter(|path| path.is_dir()) {
            let pictures: Vec<PathBuf> =
                self::entries(subfolder)?.into_iter().filter(|path| is_picture(path)).collect();
            if pictures.is_empty() {
                continue;
            }
            found
                .classes
                .resize(found.files.len() + pictures.len(), found.class_names.len() as i64);
            found.class_names.push(name(subfolder));
            found.files.extend(pictures);
        }
        if found.files.is_empty() {
            let what = folder.display().to_string();
            let problem =
                "neither the folder nor its subfolders hold a JPEG, PNG, GIF or WebP file";
            return Err(Error::photo(what, problem));
        }
        Ok(found)
    }

    /// The files' names, with the subfolder's where there are any.
    pub(super) fn names(&self) -> Vec<String> {
        let named = |(at, path): (usize, &PathBuf)| {
            let class =
                self.classes.get(at).and_then(|&class| self.class_names.get(class as usize));
            class.map_or(name(path), |class| format!("{class}/{}", name(path)))
        };
        self.files.iter().enumerate().map(named).collect()
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
