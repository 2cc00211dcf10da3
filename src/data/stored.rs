//! Sets of images as safetensors: `images` and `labels`.

// Sizes are what a file says.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]

use std::path::Path;

use safetensors::SafeTensors;
use tch::Tensor;

use super::image_set::{ImageSet, range};
use crate::error::{first_line, listed, short};
use crate::files;
use crate::{Error, Result};

/// Without names for them, a label above this is taken for a fault.
const MOST_CLASSES: i64 = 10_000;

impl ImageSet {
    /// Images of one's own: a safetensors file with `images`, `[N, C, H, W]` bytes, one channel or red,
    /// green and blue; and `labels`, `[N]` whole numbers from 0. The classes are named by the file's
    /// metadata `classes`, with commas between them, or else by their numbers.
    ///
    /// # Errors
    ///
    /// No such file, another one or a part of one; other shapes or kinds; a label without a class.
    pub fn open(path: impl AsRef<Path>) -> Result<ImageSet> {
        let path = path.as_ref();
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        read(path, &name, None)
    }
}

/// `classes` are the names to be used, unless the file is to say them.
pub(super) fn read(path: &Path, name: &str, classes: Option<&[&str]>) -> Result<ImageSet> {
    let bytes = files::read(path, "read the data set")?;
    parse(&bytes, name, classes).map_err(|problem| Error::data_file(path, problem))
}

fn parse(bytes: &[u8], name: &str, classes: Option<&[&str]>) -> Result<ImageSet, String> {
    let broken = |error| {
        let error = format!("{error}");
        format!(
            "it is no safetensors file, or not a whole one ({}). Fetch or write it anew.",
            short(&error)
        )
    };
    let file = SafeTensors::deserialize(bytes).map_err(broken)?;
    let array = |key: &str| {
        let view = file.tensor(key).map_err(|_| {
            let names: Vec<_> =
                file.names().into_iter().map(|name| short(name).into_owned()).collect();
            format!("it holds no `{key}`, only: {}", listed(&names))
        })?;
        Tensor::try_from(view)
            .map_err(|error| format!("`{key}`: {}", first_line(&error.to_string())))
    };
    let (images, labels) = (array("images")?, array("labels")?);
    let classes = match classes {
        Some(names) => names.iter().map(|&name| name.to_owned()).collect(),
        None => {
            let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
            let said = header.metadata().as_ref().and_then(|metadata| metadata.get("classes"));
            match said {
                Some(names) => names.split(',').map(|name| name.trim().to_owned()).collect(),
                None => numbers(&labels)?,
            }
        }
    };
    ImageSet::new(name, images, &labels, classes)
}

/// The classes' numbers for names.
fn numbers(labels: &Tensor) -> Result<Vec<String>, String> {
    let most = match labels.numel() {
        0 => 0,
        _ => range(labels).map_err(|error| first_line(&error.to_string()))?.1,
    };
    if most >= MOST_CLASSES {
        return Err(format!(
            "there is a label {most}, but nothing names the classes, of which {MOST_CLASSES} at most \
             are then expected. The metadata `classes` can name them."
        ));
    }
    Ok((0..=most).map(|number| number.to_string()).collect())
}
