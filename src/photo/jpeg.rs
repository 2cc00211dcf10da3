//! Whether a JPEG file holds all of its picture. Its decoder doesn't say: it makes the rest up.

use std::collections::BTreeMap;

use image::RgbImage;

/// What is put in the place of missing data: bits that code tables of all kinds can read, as none
/// begin with more than a few ones.
const TAILS: [u8; 2] = [0b0000_0000, 0b0100_1001];

/// Whether the data of a picture, decoded to `pixels`, end before it does. A file may do without its
/// end marker.
///
/// Where data are missing, others in their place change the picture. So a file without an end is decoded
/// again with more after its last byte.
pub(super) fn is_cut_short(
    bytes: &[u8],
    pixels: &RgbImage,
    decode: impl Fn(&[u8]) -> Option<RgbImage>,
) -> bool {
    let scans = Scans::of(bytes);
    if scans.closed {
        return false;
    }
    // Twelve blocks of 64 bytes for eight columns: more than a row of blocks ever takes.
    let more = 96 * (pixels.width() as usize + 64);
    let changes = |tail: u8| {
        let mut longer = bytes.get(..scans.end).unwrap_or_default().to_vec();
        longer.resize(longer.len() + more, tail);
        longer.extend([0xff, 0xd9]);
        decode(&longer).as_ref() != Some(pixels)
    };
    !scans.is_full() || TAILS.into_iter().any(changes)
}

/// What a file's markers say.
#[derive(Default)]
struct Scans {
    /// Where the last scan's data end.
    end: usize,
    /// Whether an end marker follows.
    closed: bool,
    /// For each component which of its 64 coefficients have come to their last bit.
    coefficients: BTreeMap<u8, u64>,
}

impl Scans {
    fn of(bytes: &[u8]) -> Scans {
        let mut scans = Scans::default();
        let mut at = 0;
        while let Some(marker) = next_marker(bytes, at) {
            let kind = bytes[marker + 1];
            at = marker + 2;
            match kind {
                // Start of the file, restarts: nothing follows that belongs to them.
                0xd0..=0xd8 | 0x01 => continue,
                0xd9 => {
                    scans.end = marker;
                    scans.closed = true;
                    return scans;
                }
                _ => {}
            }
            let Some(length) = bytes.get(at..at + 2) else { break };
            let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
            let segment = bytes.get(at + 2..at + length).unwrap_or_default();
            match kind {
                0xc4 | 0xc8 | 0xcc => {}
                0xc0..=0xcf => scans.frame(segment),
                0xda => scans.scan(segment),
                _ => {}
            }
            at += length;
        }
        // The first half of a marker belongs to what is missing.
        scans.end = bytes.iter().rposition(|&byte| byte != 0xff).map_or(0, |last| last + 1);
        scans
    }

    fn frame(&mut self, segment: &[u8]) {
        let components = segment.get(6..).unwrap_or_default().chunks_exact(3);
        self.coefficients.extend(components.map(|component| (component[0], 0)));
    }

    fn scan(&mut self, segment: &[u8]) {
        let count = segment.first().map_or(0, |&count| usize::from(count));
        let Some(&[first, last, bits]) = segment.get(1 + 2 * count..) else { return };
        let is_last_bit = bits & 0x0f == 0;
        if !is_last_bit || first > last || last > 63 {
            return;
        }
        #[allow(clippy::arithmetic_side_effects, reason = "first ≤ last ≤ 63")]
        let sent = (u64::MAX >> (63 - (last - first))) << first;
        for component in segment.get(1..1 + 2 * count).unwrap_or_default().chunks_exact(2) {
            *self.coefficients.entry(component[0]).or_default() |= sent;
        }
    }

    fn is_full(&self) -> bool {
        self.coefficients.values().all(|&sent| sent == u64::MAX)
    }
}

/// Where the next marker begins: 255 and anything but 0, which stands for 255 itself, or 255.
fn next_marker(bytes: &[u8], from: usize) -> Option<usize> {
    let pairs = bytes.get(from..)?.windows(2);
    pairs
        .into_iter()
        .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))
        .map(|at| from + at)
}
