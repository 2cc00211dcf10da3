//! Small pictures of every kind that the encoders write, and such as are made to hurt.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Frame, ImageFormat, RgbaImage};

use super::parts::{jpeg, jpeg_segments, png, png_chunks, zlib};

fn picture(width: u32, height: u32) -> DynamicImage {
    RgbaImage::from_fn(width, height, |x, y| {
        image::Rgba([(x * 9) as u8, (y * 13) as u8, (x * y) as u8, (255 - x * 3) as u8])
    })
    .into()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let _ = picture.write_to(&mut file, format);
    file.into_inner()
}

/// An EXIF block that says how the picture is to be turned.
fn exif(orientation: u16) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    block.extend(orientation.to_be_bytes());
    block.extend([0; 6]);
    block
}

pub fn sound() -> Vec<Vec<u8>> {
    let rgba = picture(23, 17);
    let rgb = DynamicImage::from(rgba.to_rgb8());
    let kinds = [
        rgba.clone(),
        rgb.clone(),
        rgba.to_luma8().into(),
        rgba.to_luma_alpha8().into(),
        rgba.to_luma16().into(),
        rgba.to_rgba16().into(),
    ];
    let mut files: Vec<Vec<u8>> =
        kinds.iter().map(|kind| encoded(kind, ImageFormat::Png)).collect();
    files.extend(
        [&rgba, &rgb]
            .into_iter()
            .flat_map(|kind| [encoded(kind, ImageFormat::WebP), encoded(kind, ImageFormat::Gif)]),
    );
    for picture in [&rgb, &rgb.to_luma8().into()] {
        let mut file = Vec::new();
        let _ = JpegEncoder::new_with_quality(&mut file, 80).encode_image(picture);
        files.push(file);
    }
    files.extend([
        turned_jpeg(&rgb),
        turned_png(&rgba),
        frames(),
        palette(&[255; 12], 2),
        palette(&[9; 48], 4),
    ]);
    files
}

fn turned_jpeg(picture: &DynamicImage) -> Vec<u8> {
    let whole = encoded(picture, ImageFormat::Jpeg);
    let Some((mut segments, scan)) = jpeg_segments(&whole) else { return whole };
    segments.insert(0, (vec![0xff, 0xe1], [&b"Exif\0\0"[..], &exif(6)].concat()));
    jpeg(&segments, scan)
}

fn turned_png(picture: &DynamicImage) -> Vec<u8> {
    let whole = encoded(picture, ImageFormat::Png);
    let Some(mut chunks) = png_chunks(&whole) else { return whole };
    chunks.insert(1, (b"eXIf".to_vec(), exif(5)));
    png(&chunks)
}

fn frames() -> Vec<u8> {
    let mut file = Vec::new();
    let frames = (1..4).map(|side| Frame::new(picture(9, 5 + side).into_rgba8()));
    let _ = GifEncoder::new(&mut file).encode_frames(frames);
    file
}

/// A PNG of 8 × 2 pixels with a palette, of this many bits a pixel.
fn palette(palette: &[u8], bits: u8) -> Vec<u8> {
    let row = [&[0][..], &vec![0x1b; usize::from(bits)]].concat();
    png(&[
        (b"IHDR".to_vec(), header(8, 2, bits, 3)),
        (b"PLTE".to_vec(), palette.to_vec()),
        (b"tRNS".to_vec(), vec![0, 128]),
        (b"IDAT".to_vec(), zlib(&[row.clone(), row].concat())),
        (b"IEND".to_vec(), Vec::new()),
    ])
}

fn header(width: u32, height: u32, bits: u8, kind: u8) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, kind, 0, 0, 0]].concat()
}

/// Pictures that say they are larger than they are, or cut, or with a palette of no whole colors.
pub fn hostile() -> Vec<Vec<u8>> {
    let large = |width, height, bits, kind| {
        let pixels = zlib(&vec![0; 1 << 16]);
        png(&[
            (b"IHDR".to_vec(), header(width, height, bits, kind)),
            (b"IDAT".to_vec(), pixels),
            (b"IEND".to_vec(), Vec::new()),
        ])
    };
    let mut files = vec![
        palette(&[7; 5], 2),
        palette(&[7; 1], 8),
        palette(&[], 1),
        large(4_000, 4_000, 16, 6),
        large(99_999_999, 1, 8, 2),
        large(1, 99_999_999, 1, 0),
        large(u32::MAX, u32::MAX, 8, 2),
        large(0, 1, 8, 2),
        large(20_000, 3, 8, 0),
    ];
    let jpeg = encoded(&picture(40, 40).to_rgb8().into(), ImageFormat::Jpeg);
    files.extend([2, 3, 4].map(|part| jpeg[..jpeg.len() * part / 5].to_vec()));
    // A GIF of a few bytes whose screen has 16 megapixels.
    let mut gif = b"GIF89a".to_vec();
    gif.extend([4_000u16, 4_000].iter().flat_map(|side| side.to_le_bytes()));
    gif.extend([
        0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b,
    ]);
    files.push(gif);
    files
}
