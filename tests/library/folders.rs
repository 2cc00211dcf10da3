//! Folders as data sets: what is a class, what is left out, and that this is said.

use std::fs;
use std::path::{Path, PathBuf};

use convscope::data::Folder;
use convscope::image::{Rgb, RgbImage};
use convscope::prelude::*;

use crate::helpers::{Tested, scratch};

/// A folder with pictures of these names.
fn folder(test: &str, pictures: &[&str]) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let folder = scratch(&format!("folders_{test}"));
    for name in pictures {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder"))?;
        RgbImage::from_pixel(3, 3, Rgb([9; 3])).save(path)?;
    }
    Ok(folder)
}

fn labels(folder: &Folder) -> Vec<Option<usize>> {
    (0..folder.len()).map(|at| folder.label(at)).collect()
}

fn left_out(folder: &Folder, root: &Path) -> Vec<String> {
    let name = |path: &PathBuf| path.strip_prefix(root).unwrap_or(path).display().to_string();
    folder.left_out().iter().map(name).collect()
}

#[test]
fn hidden_folders_are_no_classes() -> Tested {
    let root = folder(
        "hidden",
        &[
            ".git/a.png",
            ".ipynb_checkpoints/cat-checkpoint.png",
            "__MACOSX/cat.png",
            "cat/._1.png",
            "cat/1.png",
            "dog/.ipynb_checkpoints/2.png",
            "dog/2.png",
        ],
    )?;
    let found = Folder::open(&root)?;
    assert_eq!(found.class_names(), ["cat", "dog"]);
    assert_eq!(labels(&found), [Some(0), Some(1)]);
    assert!(found.left_out().is_empty(), "{:?}", found.left_out());
    Ok(())
}

#[test]
fn a_stray_picture_hides_no_classes() -> Tested {
    let root = folder("stray", &["cover.png", "cat/1.png", "cat/2.png", "dog/3.png"])?;
    let found = Folder::open(&root)?;
    assert_eq!(found.class_names(), ["cat", "dog"]);
    assert_eq!(labels(&found), [Some(0), Some(0), Some(1)]);
    assert_eq!(left_out(&found, &root), ["cover.png"]);
    // A folder of photos with some more in a subfolder is no data set of one class.
    let root = folder("photos", &["1.png", "2.png", "edited/1.png"])?;
    let found = Folder::open(&root)?;
    assert!(found.class_names().is_empty());
    assert_eq!((found.len(), labels(&found)), (2, vec![None, None]));
    assert_eq!(left_out(&found, &root), ["edited/1.png"]);
    Ok(())
}

#[test]
fn what_cannot_be_read_is_counted_and_named() -> Tested {
    let root = folder("formats", &["cat/1.png", "dog/1.PNG"])?;
    fs::write(root.join("cat/2.heic"), "a telephone's")?;
    fs::write(root.join("dog/2.TIF"), "a scanner's")?;
    fs::write(root.join("dog/notes.txt"), "no picture")?;
    fs::create_dir(root.join("empty"))?;
    fs::create_dir(root.join("dog/folder.png"))?;
    let found = Folder::open(&root)?;
    assert_eq!(found.class_names(), ["cat", "dog"]);
    assert_eq!(left_out(&found, &root), ["cat/2.heic", "dog/2.TIF", "empty"]);

    let root = folder("none", &[])?;
    for name in ["1.heic", "2.bmp", "readme.md"] {
        fs::write(root.join(name), "x")?;
    }
    let message = Folder::open(&root).expect_err("nothing to read").to_string();
    assert!(message.contains("2 entries are left out, the first is `1.heic`"), "{message}");
    assert!(message.contains("convert it to PNG or JPEG"), "{message}");
    Ok(())
}

#[test]
fn broken_pictures_are_left_out_by_name() -> Tested {
    let root = folder("broken", &["cat/1.png", "cat/2.png", "dog/1.png", "dog/3.png"])?;
    fs::write(root.join("cat/empty.jpg"), "")?;
    fs::write(root.join("cat/page.jpg"), "<html>not found</html>")?;
    fs::write(root.join("dog/telephone.jpg"), b"\0\0\0\x18ftypheic\0\0\0\0")?;
    let whole = fs::read(root.join("dog/1.png"))?;
    fs::write(root.join("dog/2.png"), &whole[..whole.len() / 2])?;
    let found = Folder::open(&root)?;
    assert_eq!(left_out(&found, &root), ["cat/empty.jpg", "cat/page.jpg", "dog/telephone.jpg"]);
    assert_eq!(found.len(), 5);
    let message = found.photo(3).expect_err("cut short").to_string();
    assert!(message.contains("dog/2.png") && message.contains("Folder::verified"), "{message}");

    let verified = found.verified()?;
    assert_eq!(labels(&verified), [Some(0), Some(0), Some(1), Some(1)]);
    assert_eq!(verified.caption(2).as_deref(), Some("dog/1.png"));
    assert_eq!(left_out(&verified, &root)[0], "dog/2.png");
    assert_eq!(verified.left_out().len(), 4);

    for name in ["cat/1.png", "cat/2.png", "dog/1.png", "dog/3.png"] {
        fs::write(root.join(name), &whole[..20])?;
    }
    let message = Folder::open(&root)?.verified().expect_err("none is whole").to_string();
    assert!(message.contains("none of its 5 pictures can be read"), "{message}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn links_and_names_of_all_kinds_are_taken_as_they_are() -> Tested {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let root = folder("links", &["b/1.png"])?;
    symlink(&root, root.join("b/loop"))?;
    symlink(root.join("b"), root.join("a"))?;
    symlink(root.join("nowhere"), root.join("b/2.png"))?;
    let odd = OsStr::from_bytes(b"\xff\xfe.png");
    fs::copy(root.join("b/1.png"), root.join("b").join(odd))?;
    let found = Folder::open(&root)?;
    assert_eq!(found.class_names(), ["a", "b"]);
    assert_eq!(found.len(), 4);
    for at in 0..found.len() {
        assert_eq!(found.photo(at)?.width(), 3);
        assert!(found.caption(at).is_some_and(|caption| caption.ends_with(".png")));
    }
    assert_eq!(left_out(&found, &root), ["a/2.png", "b/2.png"], "links to nowhere");
    Ok(())
}

/// A collection that lies about its length.
struct Endless;

impl Samples for Endless {
    fn len(&self) -> usize {
        usize::MAX
    }

    fn photo(&self, _: usize) -> convscope::Result<std::borrow::Cow<'_, Photo>> {
        data::digit(3, 1).map(std::borrow::Cow::Owned)
    }

    fn label(&self, _: usize) -> Option<usize> {
        Some(3)
    }
}

#[test]
fn a_collection_without_an_end_is_refused() -> Tested {
    let net = zoo::digits()?;
    let outcomes = [
        net.predict(&Endless).map(drop),
        net.features(&Endless, "fc1", Pooling::Mean).map(drop),
        Dataset::prepare(&net, &Endless).map(drop),
    ];
    for outcome in outcomes {
        let message = outcome.expect_err("too many").to_string();
        assert!(message.contains("says that it holds 18446744073709551615 images"), "{message}");
    }
    Ok(())
}

/// Files are read by several threads, which nobody notices.
#[test]
fn a_folder_gives_what_its_pictures_one_by_one_give() -> Tested {
    struct OneByOne<'a>(&'a Folder);
    impl Samples for OneByOne<'_> {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn photo(&self, index: usize) -> convscope::Result<std::borrow::Cow<'_, Photo>> {
            self.0.photo(index)
        }
    }

    let root = scratch("folders_threads");
    fs::create_dir_all(&root)?;
    for at in 0..70 {
        let photo = data::digit((at % 10) as u8, at)?;
        photo.pixels().save(root.join(format!("{at:02}.png")))?;
    }
    let (net, found) = (zoo::digits()?, Folder::open(&root)?);
    let (all, each) = (net.predict(&found)?, net.predict(&OneByOne(&found))?);
    assert_eq!(all.predictions().len(), 70);
    for (one, other) in all.predictions().iter().zip(each.predictions()) {
        assert_eq!(one.title, other.title);
        assert_eq!(one.picture, other.picture);
        assert_eq!(one.guesses[0].probability, other.guesses[0].probability);
    }
    let (all, each) = (
        net.features(&found, "relu2", Pooling::Flatten)?,
        net.features(&OneByOne(&found), "relu2", Pooling::Flatten)?,
    );
    assert!(all.values().equal(each.values()));

    for at in [41, 35, 60] {
        fs::write(root.join(format!("{at}.png")), b"\x89PNG\r\n\x1a\n")?;
    }
    for _ in 0..20 {
        let errors = [
            net.predict(&found).map(drop),
            net.features(&found, "relu2", Pooling::Mean).map(drop),
            convscope::maximize::dataset_examples(&net, Unit::channel("relu2", 0), &found, 1)
                .map(drop),
        ];
        for error in errors {
            let message = error.expect_err("broken").to_string();
            assert!(message.contains("35.png"), "{message}");
        }
    }
    let verified = found.verified()?;
    assert_eq!(left_out(&verified, &root), ["35.png", "41.png", "60.png"]);
    Ok(())
}
