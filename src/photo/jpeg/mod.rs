//! Decoding JPEG, to the very bytes that libjpeg-turbo makes, with which nearly all networks were trained
//! and measured: other decoders are off by one or two here and there, and by more at colored edges.
//!
//! Sequential and progressive files of 8 bits, gray, YCbCr, RGB, CMYK and YCCK. Whether all of a picture is
//! there its scans say, which hold data for each block or don't.

// A frame has at most 65,535 rows and columns, and numbers in scans have at most 16 bits. What is read is
// asked for by `get`, or lies in tables and frames of known sizes.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "of numbers of at most 16 bits"
)]

mod bits;
mod color;
mod frame;
mod idct;
mod number;
mod scan;

use image::RgbImage;

pub(super) use frame::Fault;
use frame::{Component, Frame, Tables};

/// More scans than any program writes: each takes the time of a whole picture.
const SCANS: usize = 100;

/// A picture as it lies in the file, and its EXIF data.
pub(super) struct Picture {
    pub pixels: RgbImage,
    pub exif: Option<Vec<u8>>,
}

/// Width and height, without decoding anything.
pub(super) fn size(data: &[u8]) -> Result<(u32, u32), Fault> {
    let mut at = 0;
    while let Some(segment) = Segment::next(data, at) {
        if let Some([_, h0, h1, w0, w1]) = segment.content.first_chunk()
            && segment.is_frame()
        {
            let of = |a: &u8, b: &u8| u32::from(u16::from_be_bytes([*a, *b]));
            return Ok((of(w0, w1), of(h0, h1)));
        }
        at = segment.end;
    }
    Err("it has no frame".into())
}

/// Decodes a file, whose size was found bearable.
pub(super) fn decode(data: &[u8]) -> Result<Picture, Fault> {
    let (mut tables, mut made, mut exif) = (Tables::default(), None, None);
    let (mut at, mut scans, mut is_closed) = (0, 0, false);
    while let Some(segment) = Segment::next(data, at) {
        at = segment.end;
        match (segment.marker, &mut made) {
            (0xd9, _) => {
                is_closed = true;
                break;
            }
            (0xc0..=0xc2, None) => {
                made = Some(Frame::new(segment.content, segment.marker == 0xc2)?);
            }
            _ if segment.is_frame() => {
                return Err(match made {
                    None => Fault::Unusual("lossless or arithmetic coding"),
                    Some(_) => "two frames".into(),
                });
            }
            (0xda, Some(frame)) => {
                scans += 1;
                if scans > SCANS {
                    return Err("more scans than any program writes".into());
                }
                at = scan::read(frame, &tables, segment.content, data, at)?;
            }
            (0xe1, _) if exif.is_none() => {
                exif = segment.content.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec);
            }
            (marker, _) => tables.take(marker, segment.content)?,
        }
    }
    let frame = made.ok_or("it has no frame")?;
    // A file may do without its end marker, if all has come.
    let all_sent = frame.components.iter().all(|component| component.sent == u64::MAX);
    if scans == 0 || !(is_closed || all_sent) {
        return Err(Fault::CutShort);
    }
    Ok(Picture { pixels: pixels(frame, &tables)?, exif })
}

/// The pixels of a frame whose coefficients are there.
fn pixels(mut frame: Frame, tables: &Tables) -> Result<RgbImage, Fault> {
    frame.components.iter_mut().try_for_each(Component::transform)?;
    let colors = tables.colors(&frame.components);
    let mut all = vec![0; 3 * frame.width * frame.height];
    color::rows(colors, &frame.components, frame.width, &mut all);
    let pixels = RgbImage::from_raw(frame.width as u32, frame.height as u32, all);
    pixels.ok_or(Fault::Broken("a frame without pixels"))
}

impl Component {
    /// Makes samples of the coefficients, which are gone then.
    fn transform(&mut self) -> Result<(), Fault> {
        let steps = self.steps.ok_or("a component without a scan")?;
        let coefficients = std::mem::take(&mut self.coefficients);
        self.stride = 8 * self.blocks;
        self.samples = vec![0; 64 * coefficients.len()];
        idct::blocks(&coefficients, self.blocks, &steps, &mut self.samples);
        Ok(())
    }
}

/// A marker, and what belongs to it.
struct Segment<'a> {
    marker: u8,
    content: &'a [u8],
    end: usize,
}

impl<'a> Segment<'a> {
    /// The first whole one from here on.
    fn next(data: &'a [u8], from: usize) -> Option<Segment<'a>> {
        let mut at = from;
        loop {
            let start = next_marker(data, at)?;
            let marker = data[start + 1];
            at = start + 2;
            match marker {
                // Start of the file, restarts: nothing belongs to them.
                0xd0..=0xd8 | 0x01 => {}
                0xd9 => return Some(Segment { marker, content: &[], end: at }),
                _ => {
                    let length = data.get(at..)?.first_chunk()?;
                    let end = at + usize::from(u16::from_be_bytes(*length));
                    return Some(Segment { marker, content: data.get(at + 2..end)?, end });
                }
            }
        }
    }

    fn is_frame(&self) -> bool {
        matches!(self.marker, 0xc0..=0xcf) && !matches!(self.marker, 0xc4 | 0xc8 | 0xcc)
    }
}

/// Where the next marker begins: 255 and anything but 0, which stands for 255 itself, or 255.
fn next_marker(data: &[u8], from: usize) -> Option<usize> {
    let mut pairs = data.get(from..)?.windows(2);
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff);
    pairs.position(is_marker).map(|at| from + at)
}
