//! Files as PyTorch wrote them until 1.5, and as torchvision still hosts VGG's and DenseNet's: five
//! pickles in a row (magic number, version, system, what was saved, keys of the storages), then the
//! storages. And pickles alone, which other programs write with NumPy's arrays in them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::contents::{Loaded, Wanted};
use super::pickle::{self, Pickled};
use super::storage::Tensors;
use crate::error::short;

/// Pickles without arrays are smaller: they hold names and sizes only. Of larger files no more is read
/// at first.
const USUAL_PICKLES: u64 = 64 << 20;

/// The magic number as pickles of binary protocols have it, and as those of lines have it.
const MAGIC: [&[u8]; 2] =
    [b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", b"L119547037146038801333356L\n"];

/// The beginning of such a file, with its pickles.
pub(super) struct Legacy {
    path: PathBuf,
    length: u64,
    head: Vec<u8>,
    /// Where what was saved begins.
    saved: usize,
    big_endian: bool,
    /// Whether nothing but what was saved is in the file.
    alone: bool,
}

/// Whether a file that begins like this may be one.
pub(super) fn begins_so(head: &[u8]) -> bool {
    matches!(head, [0x80, 0..=5, ..]) || head.starts_with(MAGIC[1])
}

impl Legacy {
    pub(super) fn open(path: &Path) -> Result<Legacy, String> {
        let mut file = File::open(path).map_err(broken)?;
        let length = file.metadata().map_err(broken)?.len();
        let mut head = Vec::new();
        file.by_ref().take(USUAL_PICKLES).read_to_end(&mut head).map_err(broken)?;
        let start = &head[..head.len().min(40)];
        let found = |magic: &[u8]| start.windows(magic.len()).any(|window| window == magic);
        let alone = !MAGIC.into_iter().any(found);
        let (mut saved, mut big_endian) = (0, false);
        if !alone {
            for _magic_version_system in 0..3 {
                let (big, used) = pickle::says(&head[saved..], "little_endian", false)?;
                big_endian |= big;
                saved += used;
            }
        }
        // Arrays make a pickle as long as any.
        if length > USUAL_PICKLES && (alone || pickle::read(&head[saved..]).is_err()) {
            file.read_to_end(&mut head).map_err(broken)?;
        }
        Ok(Legacy { path: path.to_owned(), length, head, saved, big_endian, alone })
    }

    pub(super) fn pickle(&self) -> &[u8] {
        &self.head[self.saved..]
    }

    /// The tensors that are wanted.
    pub(super) fn tensors(&self, pickled: &Pickled, wanted: &Wanted) -> Result<Loaded, String> {
        let mut tensors = Tensors::new(&pickled.tensors, wanted, self.length)?;
        tensors.big_endian = self.big_endian;
        if self.alone {
            return tensors.all();
        }
        let (keys, used) = pickle::texts(&self.pickle()[pickled.end..])?;
        let at = (self.saved + pickled.end + used) as u64;
        let mut file = BufReader::new(File::open(&self.path).map_err(broken)?);
        file.seek(SeekFrom::Start(at)).map_err(broken)?;
        let mut left = self.length.saturating_sub(at);
        for key in keys {
            let bytes = pickled.storages.get(key);
            let bytes =
                bytes.ok_or_else(|| format!("no tensor uses its storage {}", short(key)))?;
            let mut count = [0; 8];
            left = left.checked_sub(8).ok_or_else(truncated)?;
            file.read_exact(&mut count).map_err(broken)?;
            if self.big_endian {
                count.reverse();
            }
            let bytes = u64::from_le_bytes(count)
                .checked_mul(*bytes as u64)
                .filter(|&bytes| bytes <= left)
                .ok_or("a storage claims to be larger than what is left of the file")?;
            left = left.saturating_sub(bytes);
            if !tensors.wants(key) {
                file.seek_relative(bytes as i64).map_err(broken)?;
                continue;
            }
            let mut storage = vec![0; usize::try_from(bytes).map_err(|_| truncated())?];
            file.read_exact(&mut storage).map_err(broken)?;
            tensors.storage(key, &storage)?;
        }
        tensors.all()
    }
}

fn truncated() -> String {
    "the file is truncated. Delete it, so that it can be fetched anew.".to_owned()
}

fn broken(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => truncated(),
        _ => error.to_string(),
    }
}
