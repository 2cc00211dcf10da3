//! Reading whole files, and nothing that has no end.

use std::io::{Error as IoError, ErrorKind};
use std::path::Path;

use tch::Device;

use crate::limits::check_memory;
use crate::{Error, Result};

/// A file's content. A device or pipe, which may never end, is refused, and so is a file that is larger
/// than the memory there is. `doing` is such as `read the picture`.
pub(crate) fn read(path: &Path, doing: &'static str) -> Result<Vec<u8>> {
    let io = || Error::io(doing, path);
    let file = std::fs::metadata(path).map_err(io())?;
    if !file.is_file() && !file.is_dir() {
        let what = "it is no file but a device or pipe; give the path of a file";
        return Err(io()(IoError::new(ErrorKind::InvalidInput, what)));
    }
    check_memory(doing, file.len(), Device::Cpu)?;
    std::fs::read(path).map_err(io())
}
