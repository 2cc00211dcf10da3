//! Decoding: formats, orientation, gray, alpha, and what is refused.

use std::io::Cursor;

use convscope::{Error, Photo};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};

use crate::helpers::{Tested, scratch};

fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).expect("encoding a test picture");
    bytes.into_inner()
}

/// 3 wide, 2 high, every pixel of its own color.
fn small() -> RgbImage {
    RgbImage::from_fn(3, 2, |x, y| Rgb([80 * x as u8, 100 * y as u8, 30]))
}

#[test]
fn lossless_formats_give_the_same_pixels() -> Tested {
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        assert_eq!(*Photo::from_bytes(&encode(small(), format), "t")?.pixels(), small());
    }
    let gif = Photo::from_bytes(&encode(small(), ImageFormat::Gif), "t")?;
    assert_eq!((gif.width(), gif.height()), (3, 2));
    Ok(())
}

#[test]
fn gray_and_alpha_become_rgb() -> Tested {
    let gray = GrayImage::from_pixel(2, 2, Luma([77]));
    let photo = Photo::from_bytes(&encode(gray, ImageFormat::Png), "t")?;
    assert_eq!(photo.pixels().get_pixel(1, 1), &Rgb([77, 77, 77]));

    let half = RgbaImage::from_pixel(2, 2, Rgba([200, 0, 0, 128]));
    let photo = Photo::from_bytes(&encode(half, ImageFormat::Png), "t")?;
    assert_eq!(photo.pixels().get_pixel(0, 0), &Rgb([227, 127, 127]), "laid over white");
    Ok(())
}

#[test]
fn exif_orientation_is_applied() -> Tested {
    // A JPEG whose left half is black, marked "rotate 90° clockwise to view".
    let picture =
        RgbImage::from_fn(32, 16, |x, _| if x < 16 { Rgb([0; 3]) } else { Rgb([255; 3]) });
    let plain = encode(picture, ImageFormat::Jpeg);
    let exif: &[u8] = &[
        0xff, 0xe1, 0, 34, b'E', b'x', b'i', b'f', 0, 0, // APP1, its length, "Exif"
        b'M', b'M', 0, 42, 0, 0, 0, 8, 0, 1, // big-endian TIFF with one entry:
        0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, // orientation, one short, 6
        0, 0, 0, 0, // no further directory
    ];
    let rotated = [&plain[..2], exif, &plain[2..]].concat();
    let photo = Photo::from_bytes(&rotated, "t")?;
    assert_eq!((photo.width(), photo.height()), (16, 32));
    assert!(photo.pixels().get_pixel(8, 4).0[0] < 50, "the left half is now on top");
    assert!(photo.pixels().get_pixel(8, 28).0[0] > 200);
    Ok(())
}

#[test]
fn what_is_no_picture_is_refused_with_a_remedy() {
    let refused = |bytes: &[u8]| match Photo::from_bytes(bytes, "x.png") {
        Err(error @ Error::Photo { .. }) => error.to_string(),
        other => panic!("expected an error, got {other:?}"),
    };
    assert!(refused(b"").contains("no JPEG, PNG, GIF or WebP"));
    assert!(refused(b"just some text, no picture").contains("no JPEG"));
    let whole = encode(small(), ImageFormat::Png);
    assert!(refused(&whole[..whole.len() / 2]).contains("broken or incomplete"));
    for format in [ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
        let whole = encode(small(), format);
        assert!(refused(&whole[..20.min(whole.len() / 2)]).contains("x.png"));
    }
}

#[test]
fn a_decompression_bomb_is_refused_before_decoding() {
    // A PNG that claims 60,000 × 60,000 pixels in a few hundred bytes.
    let mut bytes = encode(small(), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&60_000u32.to_be_bytes());
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    let error = Photo::from_bytes(&bytes, "bomb.png").expect_err("too large").to_string();
    assert!(error.contains("60000×60000") && error.contains("100 megapixels"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let path = scratch("missing_photo").join("nobody.jpg");
    let error = Photo::open(&path).expect_err("no such file").to_string();
    assert!(error.contains("nobody.jpg") && error.contains("read the picture"), "{error}");
}

/// PNG's checksum, to make a header that is false but consistent.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}
