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

/// A picture with something everywhere, so that every byte of its file counts.
fn busy(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let wave = |a: f32, b: f32| (128.0 + 90.0 * (a * x + b * y).sin()) as u8;
        Rgb([wave(0.9, 0.3), wave(0.2, 0.7), wave(0.5, 1.1)])
    })
}

#[test]
fn a_file_cut_short_is_refused_wherever_it_ends() -> Tested {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
        let whole = encode(busy(48, 40), format);
        let photo = Photo::from_bytes(&whole, "t")?;
        let trailing = [whole.as_slice(), b"appended by somebody"].concat();
        assert_eq!(Photo::from_bytes(&trailing, "t")?.pixels(), photo.pixels(), "{format:?}");
        // What follows the picture's own data may be missing: an end marker, a chunk of no pixels.
        let needed = whole.len() - 16;
        for length in (0..needed).step_by(7).chain([needed - 1]) {
            let message = match Photo::from_bytes(&whole[..length], "t") {
                Err(error) => error.to_string(),
                Ok(_) => panic!("{format:?}: {length} of {} bytes are taken for all", whole.len()),
            };
            assert!(message.starts_with("t: "), "{message}");
            if format == ImageFormat::Jpeg && length > 3 * needed / 4 {
                assert!(message.contains("cut short"), "{length}: {message}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_jpeg_without_its_end_marker_is_whole() -> Tested {
    let whole = encode(busy(48, 40), ImageFormat::Jpeg);
    assert_eq!(whole[whole.len() - 2..], [0xff, 0xd9]);
    let expected = Photo::from_bytes(&whole, "t")?;
    for missing in [1, 2] {
        let photo = Photo::from_bytes(&whole[..whole.len() - missing], "t")?;
        assert_eq!(photo.pixels(), expected.pixels());
    }
    Ok(())
}

/// A PNG of these parts, each with its checksum.
fn png(chunks: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in chunks {
        let body = [*name, *content].concat();
        bytes.extend((content.len() as u32).to_be_bytes());
        bytes.extend(&body);
        bytes.extend(crc32(&body).to_be_bytes());
    }
    bytes
}

#[test]
fn a_decoder_that_panics_is_an_error_and_says_nothing() {
    // One pixel of a palette of 5 bytes, which is no whole number of colors.
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0];
    let pixel = [0x78, 0x01, 1, 2, 0, 0xfd, 0xff, 0, 0, 0, 2, 0, 1];
    let odd = png(&[(b"IHDR", &header), (b"PLTE", &[0; 5]), (b"IDAT", &pixel), (b"IEND", b"")]);
    let message = Photo::from_bytes(&odd, "odd.png").expect_err("a broken palette").to_string();
    assert!(message.starts_with("odd.png: the picture is broken"), "{message}");
    // Other panics are still heard of.
    assert!(std::panic::catch_unwind(|| panic!("somebody's own")).is_err());
}

#[test]
fn memory_is_bounded_by_what_a_picture_takes_decoded() {
    // 100 megapixels of 16 bits and four channels: 800 MB. The header alone decides.
    let header =
        [&10_000u32.to_be_bytes()[..], &10_000u32.to_be_bytes(), &[16, 6, 0, 0, 0]].concat();
    let deep = png(&[(b"IHDR", &header), (b"IDAT", &[0x78, 1, 3, 0, 0, 0, 0, 1]), (b"IEND", b"")]);
    let message = Photo::from_bytes(&deep, "deep.png").expect_err("too large").to_string();
    assert!(message.contains("10000×10000 pixels of 64 bits take 0.8 GB"), "{message}");
    assert!(message.contains("8 bits a value"), "{message}");
}

#[test]
fn known_formats_that_are_not_built_in_are_named() {
    let tiff: &[u8] = &[b'I', b'I', 42, 0, 8, 0, 0, 0, 0, 0];
    let others: [(&[u8], &str); 8] = [
        (tiff, "TIFF"),
        (b"BM\x3a\0\0\0\0\0\0\0", "BMP"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns=''/>", "SVG"),
    ];
    for (bytes, name) in others {
        let message = Photo::from_bytes(bytes, "x").expect_err(name).to_string();
        assert!(message.contains(&format!("this is {name}, ")), "{message}");
        assert!(message.contains("Convert it to PNG or JPEG"), "{message}");
    }
}

#[test]
fn what_is_no_file_is_never_read() {
    let folder = scratch("photo_folder");
    let message = Photo::open(&folder).expect_err("a folder").to_string();
    assert!(message.contains("this is a folder"), "{message}");
    if cfg!(unix) {
        let message = Photo::open("/dev/zero").expect_err("without an end").to_string();
        assert!(message.contains("no file but a device"), "{message}");
    }
    let large = folder.join("large.png");
    std::fs::File::create(&large).and_then(|file| file.set_len(1 << 32)).expect("a file of holes");
    let message = Photo::open(&large).expect_err("4 GB").to_string();
    assert!(message.contains("4.3 GB"), "{message}");
    assert!(Photo::from_image(RgbImage::new(0, 7), "empty").is_err());
    let wide = Photo::from_image(GrayImage::new(200_000, 501), "wide").expect_err("too large");
    assert!(wide.to_string().contains("100 megapixels"), "{wide}");
}

/// PNG's checksum, to make a header that is false but consistent.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}
