//! JPEG as Pillow reads it, to the last bit, and files of which a part is missing.

use convscope::Photo;
use convscope::prelude::*;

use crate::helpers::{Tested, difference, real};
use crate::oracle::Script;

fn pixels(photo: &Photo) -> Tensor {
    let size = [photo.height(), photo.width(), 3].map(i64::from);
    Tensor::from_slice(photo.pixels().as_raw()).view(size)
}

#[test]
fn every_kind_of_jpeg_has_pillow_s_pixels() -> Tested {
    let Some(oracle) = Script::new("jpeg.py").run() else { return Ok(()) };
    let theirs = oracle.arrays();
    assert!(theirs.len() > 100, "{} files", theirs.len());
    for (name, expected) in &theirs {
        let photo = Photo::open(oracle.file(&format!("{name}.jpg")))?;
        let ours = pixels(&photo);
        assert_eq!(ours.size(), expected.size(), "{name}");
        let off = difference(&ours, expected);
        assert!(ours.equal(expected), "{name}: off by up to {off}");
    }
    Ok(())
}

/// Cut anywhere in its data, and closed with an end marker as programs do that mend files. Only a cut
/// between two scans of a progressive file can't be told from a file that was made so.
#[test]
fn a_jpeg_cut_and_closed_is_not_taken_for_whole() -> Tested {
    let Some(oracle) = Script::new("jpeg.py").run() else { return Ok(()) };
    for kind in ["color420", "color444p", "gray", "restarts", "restarts_progressive", "cmyk"] {
        let whole = std::fs::read(oracle.file(&format!("{kind}_131x77.jpg")))?;
        let scan = whole.windows(2).position(|pair| pair == [0xff, 0xda]).expect("a scan") + 16;
        let expected = Photo::from_bytes(&whole, "t")?;
        for share in [0.03, 0.1, 0.35, 0.47, 0.82, 0.97] {
            let end = scan + ((whole.len() - scan) as f64 * share) as usize;
            let cut = [&whole[..end], &[0xff, 0xd9]].concat();
            let Err(error) = Photo::from_bytes(&cut, "t") else {
                panic!("{kind}: {share} of its data are taken for all");
            };
            let error = error.to_string();
            assert!(error.contains("cut short") || error.contains("incomplete"), "{kind}: {error}");
        }
        let open = &whole[..whole.len() - 2];
        assert_eq!(
            Photo::from_bytes(open, "t")?.pixels(),
            expected.pixels(),
            "{kind}: no end marker"
        );
    }
    Ok(())
}

#[test]
fn unusual_jpegs_are_refused_by_name() -> Tested {
    let Some(oracle) = Script::new("jpeg.py").run() else { return Ok(()) };
    let whole = std::fs::read(oracle.file("color444_64x48.jpg"))?;
    let frame = whole.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
    for (at, value, words) in [
        (frame + 1, 0xc3, "lossless or arithmetic coding"),
        (frame + 1, 0xc9, "lossless or arithmetic coding"),
        (frame + 4, 12, "12 bits a value"),
        (frame + 9, 2, "1, 3 or 4 components"),
        (frame + 6, 0, "has no pixels"),
    ] {
        let mut file = whole.clone();
        file[at] = value;
        let message = Photo::from_bytes(&file, "t").expect_err("refused").to_string();
        assert!(message.contains(words), "{words}: {message}");
    }
    let mut file = whole.clone();
    (file[frame + 11], file[frame + 14]) = (0x31, 0x21);
    let message = Photo::from_bytes(&file, "t").expect_err("refused").to_string();
    assert!(message.contains("sizes that don't divide"), "{message}");
    Ok(())
}

/// The photos themselves, and the network's opinion of them.
#[test]
fn photos_are_pillow_s_and_so_are_their_classes() -> Tested {
    for name in ["hub_dog.jpg", "openimages_cat_720p.jpg", "openimages_owl.jpg"] {
        let Some(photo) = real(&format!("images/{name}")) else { return Ok(()) };
        let Some(oracle) = Script::new("prepare.py").file(&photo).run() else { return Ok(()) };
        let ours = Preprocess::imagenet().tensor(&Photo::open(&photo)?)?;
        // Pixels are equal; what is left is the last bit of a division.
        assert!(difference(&ours, &oracle.arrays()["prepared"]) < 1e-5, "{name}");
    }
    Ok(())
}
