//! Damage to bytes whose form is not looked at.

use crate::random::Random;

/// Changes one place.
pub fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    let length = random.scale(9);
    let end = (at + length).min(bytes.len());
    match random.below(9) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        3 => bytes[at..end].fill(*random.pick(&[0, 0xff, b' ', b'0', 1])),
        4 => {
            let more: Vec<u8> = (0..length).map(|_| random.bits() as u8).collect();
            bytes.splice(at..at, more);
        }
        5 => number(bytes, at, random),
        6 => {
            let from = random.below(bytes.len());
            let part = bytes[from..(from + length).min(bytes.len())].to_vec();
            bytes.splice(at..end, part);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

/// Writes a number at an edge over 1, 2, 4 or 8 bytes, in either order.
fn number(bytes: &mut [u8], at: usize, random: &mut Random) {
    let width = 1 << random.below(4);
    let value = random.number(0);
    let mut written = value.to_le_bytes()[..width].to_vec();
    if random.once_in(2) {
        written.reverse();
    }
    for (byte, new) in bytes.iter_mut().skip(at).zip(written) {
        *byte = new;
    }
}

/// What is left without a part, for each of many parts, the large ones first.
pub fn without_parts(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut smaller = Vec::new();
    let mut length = bytes.len().div_ceil(2);
    while length > 0 && smaller.len() < 2_000 {
        for at in (0..bytes.len()).step_by(length) {
            let end = (at + length).min(bytes.len());
            smaller.push([&bytes[..at], &bytes[end..]].concat());
        }
        length /= 2;
    }
    smaller
}
