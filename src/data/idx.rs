//! IDX, MNIST's format: a magic number, the sizes of the dimensions, then the bytes, plain or gzipped.

// Sizes are what a file says.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use crate::{Error, Result};

const ANEW: &str = "Delete it, so that it can be fetched anew.";

/// The bytes of a file of at most `most` items, each of the shape `item`: never more than that, whatever
/// the file says. Whether it is gzipped is seen from its content, since browsers unpack such files
/// without changing the name.
pub(super) fn read(path: &Path, item: &[u32], most: u32) -> Result<Vec<u8>> {
    let io = || Error::io("read the data set", path);
    let mut file = BufReader::new(File::open(path).map_err(io())?);
    let gzipped = file.fill_buf().map_err(io())?.starts_with(&[0x1f, 0x8b]);
    let bytes = match gzipped {
        true => parse(GzDecoder::new(file), item, most),
        false => parse(file, item, most),
    };
    bytes.map_err(|problem| Error::data_file(path, problem))
}

fn parse(mut content: impl Read, item: &[u32], most: u32) -> Result<Vec<u8>, String> {
    let mut number = || {
        let mut bytes = [0; 4];
        content.read_exact(&mut bytes).map_err(unread)?;
        Ok::<_, String>(u32::from_be_bytes(bytes))
    };
    // Two zeros, 8 for bytes, the number of dimensions.
    let dimensions = u8::try_from(1 + item.len()).unwrap_or(u8::MAX);
    let (magic, expected) = (number()?, u32::from_be_bytes([0, 0, 8, dimensions]));
    if magic != expected {
        return Err(format!(
            "it begins with {magic:#010x}, expected {expected:#010x}: an IDX file of bytes in \
             {dimensions} dimension(s). {ANEW}"
        ));
    }
    let count = number()?;
    let shape = item.iter().map(|_| number()).collect::<Result<Vec<_>, _>>()?;
    if count == 0 || count > most || shape != item {
        return Err(format!(
            "it says it holds {count} items of shape {shape:?}, expected 1 to {most} of {item:?}. {ANEW}"
        ));
    }
    let item = item.iter().map(|&size| u64::from(size)).product();
    let length = u64::from(count).saturating_mul(item);
    let mut bytes = Vec::new();
    if (content.by_ref().take(length).read_to_end(&mut bytes).map_err(unread)? as u64) < length {
        return Err(unread(ErrorKind::UnexpectedEof.into()));
    }
    // Only at its end gzip tells whether all of it was right.
    match content.read(&mut [0]).map_err(unread)? {
        0 => Ok(bytes),
        _ => Err(format!("it goes on after the {length} values it says it holds. {ANEW}")),
    }
}

/// What a reader's error means.
pub(super) fn unread(error: io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => format!("it ends too early. {ANEW}"),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            format!("its compressed content is broken ({error}). {ANEW}")
        }
        _ => format!("reading it failed ({error})"),
    }
}
