//! The data of one scan: coefficients of one or several components.

use super::bits::{Bits, Huffman};
use super::frame::{Fault, Frame, Tables, ZIGZAG};

/// What a scan's header says.
struct Scan {
    /// Component, tables of codes: `(index, dc, ac)`.
    parts: Vec<(usize, usize, usize)>,
    /// The coefficients that come, from the first to the last.
    first: usize,
    last: usize,
    /// The bit that came before, 0 if none, and the bit that comes.
    high: u32,
    low: u32,
}

impl Scan {
    fn new(segment: &[u8], frame: &Frame) -> Result<Scan, Fault> {
        const SHORT: &str = "a scan without its header";
        let (&count, rest) = segment.split_first().ok_or(SHORT)?;
        let said = rest.chunks_exact(2).take(usize::from(count));
        if count == 0 || said.len() != usize::from(count) {
            return Err(SHORT.into());
        }
        let mut parts: Vec<(usize, usize, usize)> = Vec::new();
        for said in said {
            let index = frame.components.iter().position(|known| known.id == said[0]);
            let index = index.ok_or("a scan of a component that there isn't")?;
            if parts.iter().any(|part| part.0 == index) {
                return Err("a scan with a component twice".into());
            }
            parts.push((index, usize::from(said[1] >> 4 & 3), usize::from(said[1] & 3)));
        }
        let &[first, last, bits, ..] = &rest[2 * usize::from(count)..] else {
            return Err(SHORT.into());
        };
        if !frame.progressive {
            return Ok(Scan { parts, first: 0, last: 63, high: 0, low: 0 });
        }
        let (high, low) = (u32::from(bits >> 4), u32::from(bits & 15));
        let ordered = first <= last && last < 64 && (first > 0 || last == 0);
        let alone = first == 0 || parts.len() == 1;
        if !ordered || !alone || low > 13 || high > 13 || (high > 0 && high != low + 1) {
            return Err("a scan of coefficients that don't go together".into());
        }
        Ok(Scan { parts, first: first.into(), last: last.into(), high, low })
    }
}

/// Reads the scan whose header is this segment, and whose data begin at `at`; where they end.
pub(super) fn read(
    frame: &mut Frame,
    tables: &Tables,
    segment: &[u8],
    data: &[u8],
    at: usize,
) -> Result<usize, Fault> {
    let scan = Scan::new(segment, frame)?;
    for &(index, ..) in &scan.parts {
        let component = &mut frame.components[index];
        let steps = tables.steps[component.table].ok_or("a component without a table of steps")?;
        component.steps.get_or_insert(steps);
        if scan.low == 0 {
            component.sent |= (u64::MAX >> (63 - (scan.last - scan.first))) << scan.first;
        }
    }
    let alone = match scan.parts[..] {
        [(index, ..)] => Some(index),
        _ => None,
    };
    // A component by itself comes block by block, without what fills the last unit.
    let [across, down] = match alone {
        Some(index) => {
            let component = &frame.components[index];
            [component.columns.div_ceil(8), component.rows.div_ceil(8)]
        }
        None => frame.units,
    };
    let mut decoder = Decoder {
        bits: Bits::new(data, at),
        predicted: [0; 4],
        run: 0,
        scan: &scan,
        progressive: frame.progressive,
    };
    let (needs_dc, needs_ac) = (scan.first == 0 && scan.high == 0, scan.last > 0);
    for &(_, dc, ac) in &scan.parts {
        if (needs_dc && tables.dc[dc].is_none()) || (needs_ac && tables.ac[ac].is_none()) {
            return Err("a scan without its table of codes".into());
        }
    }
    for unit in 0..across * down {
        if tables.interval > 0 && unit > 0 && unit % tables.interval == 0 {
            if !decoder.bits.restart() {
                return Err(Fault::CutShort);
            }
            decoder.predicted = [0; 4];
            decoder.run = 0;
        }
        let (x, y) = (unit % across, unit / across);
        for (part, &(index, dc, ac)) in scan.parts.iter().enumerate() {
            let component = &mut frame.components[index];
            let [wide, high] = if alone.is_some() { [1, 1] } else { component.factors };
            for block in 0..wide * high {
                let (column, row) = (x * wide + block % wide, y * high + block / wide);
                let coefficients = &mut component.coefficients[row * component.blocks + column];
                let read = decoder.block(part, &tables.dc[dc], &tables.ac[ac], coefficients);
                if decoder.bits.is_overdrawn() {
                    return Err(Fault::CutShort);
                }
                read?;
            }
        }
    }
    Ok(decoder.bits.at())
}

/// What goes on from block to block.
struct Decoder<'a> {
    bits: Bits<'a>,
    /// The last flat coefficient of each component of the scan.
    predicted: [i32; 4],
    /// How many more blocks have nothing but bits of old coefficients.
    run: u32,
    scan: &'a Scan,
    progressive: bool,
}

impl Decoder<'_> {
    fn block(
        &mut self,
        part: usize,
        dc: &Option<Huffman>,
        ac: &Option<Huffman>,
        block: &mut [i16; 64],
    ) -> Result<(), Fault> {
        let Scan { first, high, low, .. } = *self.scan;
        let mut first = first;
        if first == 0 {
            if high > 0 {
                block[0] |= (self.bits.take(1) << low) as i16;
            } else if let Some(dc) = dc {
                let bits = u32::from(self.bits.symbol(dc)?);
                if bits > 15 {
                    return Err("a coefficient of too many bits".into());
                }
                let predicted = &mut self.predicted[part];
                *predicted = predicted.wrapping_add(self.bits.signed(bits));
                block[0] = (*predicted << low) as i16;
            }
            if self.progressive {
                return Ok(());
            }
            first = 1;
        }
        match ac {
            Some(ac) if high == 0 => self.new_coefficients(first, ac, block),
            Some(ac) => self.next_bits(first, ac, block),
            None => Ok(()),
        }
    }

    /// Coefficients of which nothing is known yet.
    fn new_coefficients(
        &mut self,
        mut at: usize,
        ac: &Huffman,
        block: &mut [i16; 64],
    ) -> Result<(), Fault> {
        if self.run > 0 {
            self.run -= 1;
            return Ok(());
        }
        while at <= self.scan.last {
            let symbol = self.bits.symbol(ac)?;
            let (zeros, bits) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if bits == 0 && zeros < 15 {
                self.run = self.run_of(zeros) - 1;
                break;
            }
            at += zeros;
            if bits > 0 {
                let place = ZIGZAG.get(at).ok_or("a coefficient beyond the last")?;
                block[*place] = (self.bits.signed(bits) << self.scan.low) as i16;
            }
            at += 1;
        }
        Ok(())
    }

    /// One more bit of coefficients, some of them new.
    fn next_bits(
        &mut self,
        mut at: usize,
        ac: &Huffman,
        block: &mut [i16; 64],
    ) -> Result<(), Fault> {
        let step = 1_i16 << self.scan.low;
        while self.run == 0 && at <= self.scan.last {
            let symbol = self.bits.symbol(ac)?;
            let (mut zeros, bits) = (usize::from(symbol >> 4), symbol & 15);
            let mut new = 0;
            if bits > 0 {
                new = if self.bits.take(1) == 1 { step } else { -step };
            } else if zeros < 15 {
                self.run = self.run_of(zeros);
                break;
            }
            while at <= self.scan.last {
                let coefficient = &mut block[ZIGZAG[at]];
                if *coefficient != 0 {
                    refine(&mut self.bits, coefficient, step);
                } else if zeros == 0 {
                    *coefficient = new;
                    at += 1;
                    break;
                } else {
                    zeros -= 1;
                }
                at += 1;
            }
        }
        if self.run > 0 {
            for place in &ZIGZAG[at..=self.scan.last] {
                if block[*place] != 0 {
                    refine(&mut self.bits, &mut block[*place], step);
                }
            }
            self.run -= 1;
        }
        Ok(())
    }

    /// How many blocks end here, this one among them.
    fn run_of(&mut self, bits: usize) -> u32 {
        let bits = bits as u32;
        match self.progressive {
            true => (1 << bits) + self.bits.take(bits) as u32,
            false => 1,
        }
    }
}

fn refine(bits: &mut Bits, coefficient: &mut i16, step: i16) {
    if bits.take(1) == 1 && *coefficient & step == 0 {
        *coefficient = coefficient.wrapping_add(if *coefficient > 0 { step } else { -step });
    }
}
