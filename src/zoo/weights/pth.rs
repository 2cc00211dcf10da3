//! Zip `.pth`/`.pt` files: a pickle that describes the tensors, and a file of bytes for each storage.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;

use super::contents::{Loaded, Wanted};
use super::pickle::Pickled;
use super::storage::Tensors;
use crate::error::short;

/// An archive as `torch.save` has written it since PyTorch 1.6, and `torch.jit.save`.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// Where `data.pkl` lies in it.
    folder: String,
    /// PyTorch stores without compression, so no entry is larger than the file.
    length: u64,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Archive, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        let broken = |error: zip::result::ZipError| {
            format!(
                "the zip archive is broken or truncated ({error}). Delete it, so that it can be \
                 fetched anew."
            )
        };
        let zip = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
        let pickle = zip.file_names().find(|name| name.ends_with("/data.pkl"));
        let pickle = pickle.ok_or(
            "the zip archive holds no data.pkl, so it is nothing that `torch.save` wrote. \
             Save the weights alone: `torch.save(model.state_dict(), path)`.",
        )?;
        let folder = pickle.trim_end_matches("data.pkl").to_owned();
        Ok(Archive { zip, folder, length })
    }

    pub(super) fn pickle(&mut self) -> Result<Vec<u8>, String> {
        self.bytes("data.pkl")
    }

    /// The tensors that are wanted.
    pub(super) fn tensors(&mut self, pickled: &Pickled, wanted: &Wanted) -> Result<Loaded, String> {
        let mut tensors = Tensors::new(&pickled.tensors, wanted, self.length)?;
        let order = self.bytes("byteorder").unwrap_or_default();
        tensors.big_endian = order == b"big";
        for key in tensors.keys() {
            tensors.storage(key, &self.bytes(&format!("data/{key}"))?)?;
        }
        tensors.all()
    }

    /// The content of one of its files.
    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let name = format!("{}{name}", self.folder);
        let broken = |error: &dyn std::fmt::Display| {
            let name = short(&name);
            format!(
                "{name} in the archive is missing or broken ({error}); the file may be truncated"
            )
        };
        let entry = self.zip.by_name(&name).map_err(|error| broken(&error))?;
        if entry.size() > self.length {
            return Err(format!("{} in the archive claims {} bytes", short(&name), entry.size()));
        }
        let mut content = Vec::with_capacity(usize::try_from(entry.size()).unwrap_or_default());
        entry.take(self.length).read_to_end(&mut content).map_err(|error| broken(&error))?;
        Ok(content)
    }
}
