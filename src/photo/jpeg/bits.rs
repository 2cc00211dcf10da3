//! The bits of a scan, and the codes in them.

/// The bits between two markers, of which 0 can be read on and on.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the highest on.
    held: u64,
    /// How many are held, and how many of these are behind the last of the data.
    count: u32,
    beyond: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Bits<'a> {
        Bits { data, at, held: 0, count: 0, beyond: 0 }
    }

    /// Where reading goes on behind the bits: at a marker, or before it.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether bits were taken that the data don't hold.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.count < self.beyond
    }

    #[inline(never)]
    fn fill(&mut self) {
        // Eight bytes at once, where none of them is 255. Of the last that is held in part, `at` stays: its
        // first bits are there already when it is added as a whole.
        if let Some(next) = self.data.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let next = u64::from_be_bytes(*next);
            if !has_255(next) {
                self.held |= next >> self.count;
                self.at += ((63 - self.count) / 8) as usize;
                self.count |= 56;
                return;
            }
        }
        while self.count <= 56 {
            let byte = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xff), Some(0)) => {
                    self.at += 2;
                    0xff
                }
                (Some(0xff) | None, _) => {
                    self.beyond = self.beyond.saturating_add(8);
                    0
                }
                (Some(&byte), _) => {
                    self.at += 1;
                    byte
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    #[inline(always)]
    fn peek_16(&mut self) -> usize {
        if self.count < 16 {
            self.fill();
        }
        (self.held >> 48) as usize
    }

    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.held <<= bits;
        self.count -= bits;
    }

    /// A number of up to 16 bits.
    #[inline(always)]
    pub(super) fn take(&mut self, bits: u32) -> i32 {
        let value = self.peek_16() >> (16 - bits);
        self.skip(bits);
        value as i32
    }

    /// A number of so many bits, of which those that begin with 0 are negative.
    #[inline(always)]
    pub(super) fn signed(&mut self, bits: u32) -> i32 {
        let value = self.take(bits);
        match bits > 0 && value < 1 << (bits - 1) {
            true => value - (1 << bits) + 1,
            false => value,
        }
    }

    /// The symbol of the next code.
    #[inline(always)]
    pub(super) fn symbol(&mut self, codes: &Huffman) -> Result<u8, &'static str> {
        let next = self.peek_16();
        let (length, symbol) = codes.short[next >> (16 - SHORT)];
        if length > 0 {
            self.skip(u32::from(length));
            return Ok(symbol);
        }
        for length in SHORT + 1..=16 {
            let (first, end, symbols) = codes.long[length];
            let code = next >> (16 - length);
            if code < end {
                self.skip(length as u32);
                return Ok(codes.symbols[symbols + code - first]);
            }
        }
        Err("a code that its tables don't have")
    }

    /// Goes to the restart marker that ends an interval; whether there is one.
    pub(super) fn restart(&mut self) -> bool {
        let marker = super::next_marker(self.data, self.at);
        let found = marker.filter(|&at| matches!(self.data[at + 1], 0xd0..=0xd7));
        if let Some(at) = found {
            *self = Bits::new(self.data, at + 2);
        }
        found.is_some()
    }
}

/// Whether one of the bytes is 255.
fn has_255(bytes: u64) -> bool {
    const LOWEST: u64 = 0x0101_0101_0101_0101;
    // Adding 1 clears such a byte's highest bit, and that of another only by what such a byte carries over.
    bytes & !bytes.wrapping_add(LOWEST) & (LOWEST << 7) != 0
}

/// Codes of up to so many bits are looked up at once.
const SHORT: usize = 9;

/// A table of Huffman codes.
pub(super) struct Huffman {
    /// By the next bits: a code's length, 0 if it is longer, and its symbol.
    short: Vec<(u8, u8)>,
    /// By length: the first code, the end of the codes, and the place of the first one's symbol.
    long: [(usize, usize, usize); 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// From how many codes there are of each length, 1 to 16, and their symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Huffman, &'static str> {
        const WRONG: &str = "a code table that is none";
        let mut short = vec![(0, 0); 1 << SHORT];
        let mut long = [(0, 0, 0); 17];
        let (mut code, mut place) = (0_usize, 0_usize);
        for (length, &count) in (1..).zip(counts) {
            let count = usize::from(count);
            let those = symbols.get(place..place + count).ok_or(WRONG)?;
            if code + count > 1 << length {
                return Err(WRONG);
            }
            long[length] = (code, code + count, place);
            if length <= SHORT {
                for (code, &symbol) in (code..).zip(those) {
                    let shift = SHORT - length;
                    short[code << shift..(code + 1) << shift].fill((length as u8, symbol));
                }
            }
            place += count;
            code = (code + count) << 1;
        }
        Ok(Huffman { short, long, symbols: symbols.to_vec() })
    }
}
