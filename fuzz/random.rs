//! Choices that a number decides, the same on every machine.

/// SplitMix64.
pub struct Random(u64);

/// Numbers at which sizes, counts, offsets and kinds tend to break.
const EDGES: [i64; 30] = [
    0,
    1,
    -1,
    2,
    3,
    4,
    7,
    8,
    13,
    16,
    17,
    64,
    127,
    128,
    255,
    256,
    1000,
    4096,
    65_535,
    65_536,
    1 << 24,
    (1 << 31) - 1,
    1 << 31,
    1 << 32,
    1 << 40,
    1 << 62,
    i64::MAX,
    i64::MIN,
    -2,
    -(1 << 31),
];

impl Random {
    pub fn new(case: u64) -> Random {
        Random(case)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to `count` - 1; 0 where that is none.
    pub fn below(&mut self, count: usize) -> usize {
        (self.bits() % count.max(1) as u64) as usize
    }

    /// A power of two below `1 << bits`: small mostly, large sometimes.
    pub fn scale(&mut self, bits: usize) -> usize {
        1 << self.below(bits)
    }

    /// True one time in `count`.
    pub fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A number at an edge, or near what was there.
    pub fn number(&mut self, was: i64) -> i64 {
        match self.below(6) {
            0 => was.wrapping_add(1),
            1 => was.wrapping_sub(1),
            2 => was.wrapping_mul(2),
            3 => self.below(9) as i64,
            _ => *self.pick(&EDGES),
        }
    }

    /// A float that arithmetic may stumble over.
    pub fn float(&mut self) -> f32 {
        const FLOATS: [f32; 10] =
            [0.0, -0.0, 1.0, -1.0, 1e-45, 3e38, -3e38, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        *self.pick(&FLOATS)
    }

    /// A name or a text that files seldom hold.
    pub fn text(&mut self) -> Vec<u8> {
        match self.below(9) {
            0 => Vec::new(),
            1 => vec![b'n'; self.scale(17)],
            2 => vec![0xff, 0xfe, 0x80],
            3 => "\u{202e}émoji 🐕\u{0}\u{7}\n".into(),
            4 => "<script>alert(1)</script>".into(),
            5 => "../../etc/passwd".into(),
            6 => ".".into(),
            7 => "a.b.c.".repeat(200).into(),
            _ => format!("n{}", self.below(20)).into(),
        }
    }
}
