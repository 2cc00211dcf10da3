//! What a JPEG file says of itself before its scans: sizes, tables, colors.

use super::bits::Huffman;
use super::color::Colors;

/// What is wrong with a file.
#[derive(Debug, PartialEq)]
pub(in crate::photo) enum Fault {
    /// Its data end before the picture does.
    CutShort,
    /// Something else, in words.
    Broken(&'static str),
    /// It is a JPEG of a kind that nobody uses for photos.
    Unusual(&'static str),
}

impl From<&'static str> for Fault {
    fn from(what: &'static str) -> Fault {
        Fault::Broken(what)
    }
}

/// One component: luma, say.
#[derive(Default)]
pub(super) struct Component {
    pub id: u8,
    /// How many blocks it has in each unit of the scan, `[across, down]`.
    pub factors: [usize; 2],
    /// How many pixels share a sample, `[across, down]`.
    pub ratio: [usize; 2],
    /// Its samples, without what only fills the last block.
    pub columns: usize,
    pub rows: usize,
    /// Blocks in a row, with what fills the last unit.
    pub blocks: usize,
    pub table: usize,
    /// The steps of its coefficients, from its first scan on.
    pub steps: Option<[u16; 64]>,
    /// Row by row, each block's in the order of the picture's frequencies.
    pub coefficients: Vec<[i16; 64]>,
    /// Which coefficients have come to their last bit.
    pub sent: u64,
    pub samples: Vec<u8>,
    pub stride: usize,
}

/// A picture's frame.
pub(super) struct Frame {
    pub width: usize,
    pub height: usize,
    pub progressive: bool,
    /// Units of the scan in a row, and rows of them.
    pub units: [usize; 2],
    pub components: Vec<Component>,
}

impl Frame {
    /// From a start-of-frame segment.
    pub(super) fn new(segment: &[u8], progressive: bool) -> Result<Frame, Fault> {
        let &[bits, h0, h1, w0, w1, count, ref rest @ ..] = segment else {
            return Err("a frame without its sizes".into());
        };
        if bits != 8 {
            return Err(Fault::Unusual("12 bits a value"));
        }
        let [height, width] = [[h0, h1], [w0, w1]].map(|n| usize::from(u16::from_be_bytes(n)));
        let said = rest.chunks_exact(3).take(usize::from(count));
        if !matches!(count, 1 | 3 | 4) || said.len() != usize::from(count) {
            return Err("a frame of other than 1, 3 or 4 components".into());
        }
        if height == 0 || width == 0 {
            return Err("a frame without pixels".into());
        }
        let factors = |said: &[u8]| [usize::from(said[1] >> 4), usize::from(said[1] & 15)];
        let most = |axis: usize| said.clone().map(|said| factors(said)[axis]).max().unwrap_or(1);
        let most = [most(0), most(1)];
        let size = [width, height];
        let units = [0, 1].map(|axis| size[axis].div_ceil(8 * most[axis].max(1)));
        let component = |said: &[u8]| {
            let factors = factors(said);
            let fits =
                |axis: usize| (1..=4).contains(&factors[axis]) && most[axis] % factors[axis] == 0;
            if !fits(0) || !fits(1) {
                return Err(Fault::Unusual("components of sizes that don't divide one another"));
            }
            let samples = [0, 1].map(|axis| (size[axis] * factors[axis]).div_ceil(most[axis]));
            Ok(Component {
                id: said[0],
                factors,
                ratio: [most[0] / factors[0], most[1] / factors[1]],
                columns: samples[0],
                rows: samples[1],
                blocks: units[0] * factors[0],
                table: usize::from(said[2] & 3),
                coefficients: vec![[0; 64]; units[0] * factors[0] * units[1] * factors[1]],
                ..Component::default()
            })
        };
        let components = said.clone().map(component).collect::<Result<_, _>>()?;
        Ok(Frame { width, height, progressive, units, components })
    }
}

/// Tables and marks, which a file may change before each scan.
#[derive(Default)]
pub(super) struct Tables {
    pub steps: [Option<[u16; 64]>; 4],
    pub dc: [Option<Huffman>; 4],
    pub ac: [Option<Huffman>; 4],
    /// Units of the scan between restarts; 0 for none.
    pub interval: usize,
    is_jfif: bool,
    /// The transform that Adobe's segment names.
    adobe: Option<u8>,
}

/// Where the coefficients of a scan's order stand in a block.
pub(super) const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

impl Tables {
    /// Takes what a segment says; others mean nothing.
    pub(super) fn take(&mut self, marker: u8, mut segment: &[u8]) -> Result<(), Fault> {
        match marker {
            0xdb => {
                while let [what, rest @ ..] = segment {
                    let wide = usize::from(what >> 4 != 0) + 1;
                    let values = rest.get(..64 * wide).ok_or("a short table of steps")?;
                    let mut steps = [0; 64];
                    for (value, at) in values.chunks_exact(wide).zip(ZIGZAG) {
                        steps[at] = value.iter().fold(0, |all, &byte| all << 8 | u16::from(byte));
                    }
                    self.steps[usize::from(what & 3)] = Some(steps);
                    segment = &rest[64 * wide..];
                }
            }
            0xc4 => {
                while let [what, rest @ ..] = segment {
                    let counts: &[u8; 16] = rest.first_chunk().ok_or("a short table of codes")?;
                    let all: usize = counts.iter().map(|&count| usize::from(count)).sum();
                    let symbols = rest.get(16..16 + all).ok_or("a short table of codes")?;
                    let tables = if what >> 4 == 0 { &mut self.dc } else { &mut self.ac };
                    tables[usize::from(what & 3)] = Some(Huffman::new(counts, symbols)?);
                    segment = &rest[16 + all..];
                }
            }
            0xdd => {
                let &[a, b, ..] = segment else { return Err("a short restart interval".into()) };
                self.interval = usize::from(u16::from_be_bytes([a, b]));
            }
            0xe0 if segment.starts_with(b"JFIF\0") => self.is_jfif = true,
            0xee if segment.starts_with(b"Adobe") => self.adobe = segment.get(11).copied(),
            _ => {}
        }
        Ok(())
    }

    /// What the components are, by libjpeg's rules.
    pub(super) fn colors(&self, components: &[Component]) -> Colors {
        let ids = components.iter().map(|component| component.id);
        match (components.len(), self.adobe) {
            (1, _) => Colors::Gray,
            (4, None | Some(0)) => Colors::Cmyk,
            (4, Some(_)) => Colors::Ycck,
            (_, Some(0)) if !self.is_jfif => Colors::Rgb,
            (_, None) if !self.is_jfif && ids.eq(*b"RGB") => Colors::Rgb,
            _ => Colors::YCbCr,
        }
    }
}
