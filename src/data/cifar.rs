//! CIFAR-10's binary format: files of 10,000 records, each a label and the red, the green and the blue
//! plane of 32×32; in a folder, or in a gzipped tar archive.

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
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;
use tch::{Device, Kind, Tensor};

use super::idx::unread;
use super::image_set::Split;
use crate::error::first_line;
use crate::live::Progress;
use crate::{Error, Result};

const SIDE: i64 = 32;
const RECORDS: i64 = 10_000;
const PIXELS: i64 = 3 * SIDE * SIDE;
/// The bytes of one file.
const LENGTH: usize = 10_000 * (1 + 3 * 32 * 32);
/// The official archive's content is 184 MB: six files, a page and a list of names.
const LARGEST_CONTENT: u64 = 200_000_000;
/// Tar's unit.
const BLOCK: usize = 512;

/// The files of a part, in its order.
pub(super) fn file_names(split: Split) -> Vec<String> {
    match split {
        Split::Train => (1..=5).map(|number| format!("data_batch_{number}.bin")).collect(),
        Split::Test => vec!["test_batch.bin".to_owned()],
    }
}

/// Images `[N, 3, 32, 32]` and labels `[N]`, both bytes, from the unpacked files.
pub(super) fn read_folder(folder: &Path, split: Split) -> Result<(Tensor, Tensor)> {
    let mut part = Part::new(split)?;
    for name in file_names(split) {
        let path = folder.join(&name);
        let mut file = File::open(&path).map_err(Error::io("read the data set", &path))?;
        let length = file.metadata().map_err(Error::io("read the data set", &path))?.len();
        part.take(&name, length, &mut file).map_err(|problem| Error::data_file(&path, problem))?;
    }
    part.whole().map_err(|problem| Error::data_file(folder, problem))
}

/// The same from the archive. Nothing is written to the disk.
pub(super) fn read_archive(path: &Path, split: Split) -> Result<(Tensor, Tensor)> {
    let file = File::open(path).map_err(Error::io("read the data set", path))?;
    let mut part = Part::new(split)?;
    let content = GzDecoder::new(BufReader::new(file)).take(LARGEST_CONTENT);
    let read = unpack(content, &mut part).and_then(|()| part.whole());
    read.map_err(|problem| Error::data_file(path, problem))
}

/// What is read of a part: memory for all of it from the start, filled file by file.
struct Part {
    names: Vec<String>,
    found: Vec<bool>,
    images: Tensor,
    labels: Tensor,
    progress: Progress,
}

impl Part {
    fn new(split: Split) -> Result<Part> {
        let names = file_names(split);
        let count = RECORDS.saturating_mul(names.len() as i64);
        let bytes = |shape: &[i64]| {
            Tensor::f_empty(shape, (Kind::Uint8, Device::Cpu))
                .map_err(Error::torch("making room for CIFAR-10"))
        };
        Ok(Part {
            found: vec![false; names.len()],
            images: bytes(&[count, 3, SIDE, SIDE])?,
            labels: bytes(&[count])?,
            progress: Progress::new(format!("CIFAR-10 {}", split.name())),
            names,
        })
    }

    /// Reads a file of `length` bytes, if it is one of this part's.
    fn take(&mut self, name: &str, length: u64, content: &mut impl Read) -> Result<(), String> {
        let Some(index) = self.names.iter().position(|known| known == name) else { return Ok(()) };
        if length != LENGTH as u64 {
            return Err(format!(
                "{name} is {length} bytes long, expected {LENGTH}. Fetch it anew."
            ));
        }
        let mut bytes = vec![0; LENGTH];
        content.read_exact(&mut bytes).map_err(unread)?;
        let start = RECORDS.saturating_mul(index as i64);
        let put = || {
            let records = Tensor::f_from_slice(&bytes)?.f_view([RECORDS, 1 + PIXELS])?;
            let pixels = records.f_narrow(1, 1, PIXELS)?.f_view([RECORDS, 3, SIDE, SIDE])?;
            self.images.f_narrow(0, start, RECORDS)?.f_copy_(&pixels)?;
            self.labels.f_narrow(0, start, RECORDS)?.f_copy_(&records.f_select(1, 0)?)
        };
        put().map_err(|error: tch::TchError| first_line(&error.to_string()))?;
        if let Some(found) = self.found.get_mut(index) {
            *found = true;
        }
        let (all, done) = (self.found.len(), self.found.iter().filter(|&&found| found).count());
        self.progress.step(done, all, || format!("{done} of {all} files read"));
        Ok(())
    }

    fn whole(self) -> Result<(Tensor, Tensor), String> {
        let missing = self.names.iter().zip(&self.found).find(|(_, found)| !**found);
        match missing {
            Some((name, _)) => Err(format!("it holds no {name}. Delete it and fetch it anew.")),
            None => Ok((self.images, self.labels)),
        }
    }
}

/// Walks through a tar archive to its end, where gzip tells whether all of it was right.
fn unpack(mut content: impl Read, part: &mut Part) -> Result<(), String> {
    loop {
        let mut header = [0; BLOCK];
        content.read_exact(&mut header).map_err(unread)?;
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        let (name, length) = entry(&header).ok_or(
            "it is no tar archive such as cifar-10-binary.tar.gz. Delete it, so that it can be \
             fetched anew.",
        )?;
        let mut body = content.by_ref().take(length);
        part.take(&name, length, &mut body)?;
        // To where the next header begins.
        let padding = length.next_multiple_of(BLOCK as u64).saturating_sub(length);
        let rest = body.limit().saturating_add(padding);
        let skipped = io::copy(&mut content.by_ref().take(rest), &mut io::sink());
        if skipped.map_err(unread)? < rest {
            return Err(unread(io::ErrorKind::UnexpectedEof.into()));
        }
    }
    io::copy(&mut content, &mut io::sink()).map(drop).map_err(unread)
}

/// The name, without folders, and the length of a tar header's file; `None` where it is no header.
fn entry(header: &[u8; BLOCK]) -> Option<(String, u64)> {
    let text = |bytes: &[u8]| {
        let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(bytes).trim().to_owned()
    };
    let number = |bytes| u64::from_str_radix(&text(bytes), 8).ok();
    let (name, length, sum) = (&header[..100], &header[124..136], &header[148..156]);
    // The sum is formed with spaces in its own place.
    let bytes: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
    let own: u64 = sum.iter().map(|&byte| u64::from(byte)).sum();
    let spaces = sum.len() as u64;
    let spaces = spaces.saturating_mul(u64::from(b' '));
    if number(sum)? != bytes.saturating_sub(own).saturating_add(spaces) {
        return None;
    }
    let length = number(length).filter(|&length| length <= LARGEST_CONTENT)?;
    let name = text(name).rsplit('/').next().unwrap_or_default().to_owned();
    Some((name, length))
}
