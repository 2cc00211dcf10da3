//! The parts that pictures' formats are made of: read, changed, written again with their lengths and
//! checksums.

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::io::{Read, Write};

use crate::bytes;
use crate::random::Random;

const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Changes one part of a picture; `None` where its format has none that are known here.
pub fn mutate(picture: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if picture.starts_with(&PNG) {
        let mut chunks = png_chunks(picture)?;
        change(&mut chunks, random, png_chunk);
        return Some(png(&chunks));
    }
    if picture.starts_with(b"RIFF") {
        let mut chunks = riff_chunks(picture)?;
        change(&mut chunks, random, bytes::damage);
        return Some(riff(&chunks));
    }
    if picture.starts_with(&[0xff, 0xd8]) {
        let (mut segments, scan) = jpeg_segments(picture)?;
        let mut scan = scan.to_vec();
        match random.once_in(4) {
            true => bytes::damage(&mut scan, random),
            false => change(&mut segments, random, bytes::damage),
        }
        return Some(jpeg(&segments, &scan));
    }
    None
}

type Part = (Vec<u8>, Vec<u8>);

/// Leaves a part out, doubles it, moves it, or changes its content.
fn change(parts: &mut Vec<Part>, random: &mut Random, content: fn(&mut Vec<u8>, &mut Random)) {
    if parts.is_empty() {
        return;
    }
    let (at, other) = (random.below(parts.len()), random.below(parts.len()));
    match random.below(10) {
        0 => drop(parts.remove(at)),
        1 => parts.insert(other, parts[at].clone()),
        2 => parts.swap(at, other),
        3 => parts[at].0 = parts[other].0.clone(),
        _ => content(&mut parts[at].1, random),
    }
}

// --- PNG: length, name, data, checksum ---

pub fn png(chunks: &[Part]) -> Vec<u8> {
    let mut file = PNG.to_vec();
    for (name, data) in chunks {
        let mut crc = Crc::new();
        crc.update(name);
        crc.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(name.iter().chain(data));
        // The checksum of the format is that of gzip.
        file.extend(crc.sum().to_be_bytes());
    }
    file
}

pub fn png_chunks(file: &[u8]) -> Option<Vec<Part>> {
    let (mut rest, mut chunks) = (file.get(8..)?, Vec::new());
    while !rest.is_empty() {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let data = rest.get(8..8 + length)?;
        chunks.push((rest[4..8].to_vec(), data.to_vec()));
        rest = rest.get(12 + length..)?;
    }
    Some(chunks)
}

/// The header's numbers, the pixels below the compression, or any bytes.
fn png_chunk(data: &mut Vec<u8>, random: &mut Random) {
    let mut plain = Vec::new();
    if data.len() == 13 && !random.once_in(3) {
        let small = random.below(20) as u8;
        match random.below(4) {
            0 => data[4 * random.below(2) + 3] = small,
            1 => data[8] = *random.pick(&[1, 2, 4, 8, 16]),
            2 => data[9] = *random.pick(&[0, 2, 3, 4, 6]),
            _ => data[12] ^= 1,
        }
    } else if ZlibDecoder::new(&data[..]).take(1 << 20).read_to_end(&mut plain).is_ok() {
        bytes::damage(&mut plain, random);
        *data = zlib(&plain);
    } else {
        bytes::damage(data, random);
    }
}

pub fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(plain);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

// --- WebP: a RIFF file, of chunks with name, length, data, and a filling byte ---

fn riff(chunks: &[Part]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend(name);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

fn riff_chunks(file: &[u8]) -> Option<Vec<Part>> {
    let (mut rest, mut chunks) = (file.get(12..)?, Vec::new());
    while rest.len() >= 8 {
        let length = u32::from_le_bytes(*rest[4..].first_chunk()?) as usize;
        let data = rest.get(8..)?.get(..length)?;
        chunks.push((rest[..4].to_vec(), data.to_vec()));
        rest = rest.get((8 + length).next_multiple_of(2)..).unwrap_or_default();
    }
    Some(chunks)
}

// --- JPEG: segments with a marker and a length, then the scan to the end ---

pub fn jpeg(segments: &[Part], scan: &[u8]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    for (marker, data) in segments {
        file.extend(marker);
        file.extend((data.len() as u16).wrapping_add(2).to_be_bytes());
        file.extend(data);
    }
    file.extend(scan);
    file
}

/// The segments up to the first scan's header, and all that follows.
pub fn jpeg_segments(file: &[u8]) -> Option<(Vec<Part>, &[u8])> {
    const SCAN: u8 = 0xda;
    let (mut rest, mut segments) = (file.get(2..)?, Vec::new());
    loop {
        let (marker, after) = rest.split_at_checked(2)?;
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let data = after.get(2..length)?;
        segments.push((marker.to_vec(), data.to_vec()));
        rest = after.get(length..)?;
        if marker[1] == SCAN {
            return Some((segments, rest));
        }
    }
}
