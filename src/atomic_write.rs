//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// Lets `write` fill a file of another name beside `path`, and renames it into place. The file replaced
/// must be one that may be written to, and hands on its permissions; where `path` is a link, the file
/// that it leads to is replaced. Errors say which `action` failed: `write the figure`.
pub(crate) fn write(
    action: &'static str,
    path: &Path,
    write: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let target = followed(path);
    let permissions = replaceable(&target).map_err(Error::io(action, path))?;
    let part = part_beside(&target).map_err(Error::io(action, path))?;
    // From the beginning: what is written may be for nobody else's eyes.
    let prepared =
        permissions.map_or(Ok(()), |permissions| fs::set_permissions(&part, permissions));
    let written = prepared
        .map_err(Error::io(action, path))
        .and_then(|()| write(&part))
        .and_then(|()| fs::rename(&part, &target).map_err(Error::io("rename into place", path)));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// Where a link leads to, be it there or not.
fn followed(path: &Path) -> PathBuf {
    let link = || Some(path.parent()?.join(fs::read_link(path).ok()?));
    fs::canonicalize(path).ok().or_else(link).unwrap_or_else(|| path.to_owned())
}

/// The permissions of the file at `target`, if there is one.
fn replaceable(target: &Path) -> Result<Option<fs::Permissions>, IoError> {
    let metadata = match fs::metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !metadata.is_file() {
        // A folder, or a device, which must not become a file.
        return Err(IoError::new(ErrorKind::AlreadyExists, "what is there is no file"));
    }
    File::options().write(true).open(target)?;
    Ok(Some(metadata.permissions()))
}

/// An empty file that belongs to this call alone, whatever other threads, processes and machines write
/// there.
fn part_beside(target: &Path) -> Result<PathBuf, IoError> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    loop {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let mut part = target.as_os_str().to_owned();
        part.push(format!(".part{}-{call}", std::process::id()));
        match File::options().write(true).create_new(true).open(&part) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => return created.map(|_| part.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("convscope-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn put(path: &Path, bytes: &[u8]) -> Result<()> {
        write("write", path, |part| fs::write(part, bytes).map_err(Error::io("write", path)))
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).expect("the folder").count()
    }

    #[test]
    fn threads_that_write_one_path_all_succeed_and_readers_see_whole_files() {
        let folder = folder("threads");
        let path = folder.join("file");
        let content = |thread: u8| vec![thread; 100_000];
        put(&path, &content(0)).expect("written");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..50 {
                        put(path, &content(thread)).expect("written");
                        let read = fs::read(path).expect("the file");
                        assert!(read.len() == 100_000 && read.iter().all(|&byte| byte == read[0]));
                    }
                });
            }
        });
        assert_eq!(names(&folder), 1);
        let _ = fs::remove_dir_all(folder);
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_part() {
        let folder = folder("failure");
        let path = folder.join("file");
        put(&path, b"old").expect("written");
        let failed = write("write", &path, |_| Err(Error::Argument("no".to_owned())));
        assert!(failed.is_err());
        assert_eq!((fs::read(&path).expect("the file"), names(&folder)), (b"old".to_vec(), 1));
        let error = put(&folder, b"").expect_err("a folder is no file").to_string();
        assert!(error.contains("no file"), "{error}");
        assert!(put(&folder.join("absent/file"), b"").is_err());
        let _ = fs::remove_dir_all(folder);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = folder("links");
        let (file, link) = (folder.join("file"), folder.join("link"));
        put(&file, b"old").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("permissions");
        symlink("file", &link).expect("a link");
        put(&link, b"new").expect("written");
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).expect("the file"), b"new");
        assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o640);
        symlink("later", folder.join("dangling")).expect("a link");
        put(&folder.join("dangling"), b"made").expect("written");
        assert_eq!(fs::read(folder.join("later")).expect("the file"), b"made");
        let error = put(Path::new("/dev/null"), b"").expect_err("a device").to_string();
        assert!(error.contains("/dev/null"), "{error}");
        let _ = fs::remove_dir_all(folder);
    }
}
