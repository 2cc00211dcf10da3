//! Coefficients to samples: the inverse cosine transform of Loeffler, Ligtenberg and Moschytz, in the
//! whole numbers of libjpeg's accurate form ("islow"), so that every sample is the same.

const BITS: i32 = 13;
/// So many more bits are kept between the two passes.
const BETWEEN: i32 = 2;
/// No picture has larger coefficients, nor larger values between the passes; with larger ones sums of
/// products could be more than 32 bits hold.
const MOST: [i32; 2] = [1 << 13, 1 << 14];

const fn fixed(value: f64) -> i32 {
    (value * (1 << BITS) as f64 + 0.5) as i32
}

/// Eight samples of one row or column from their coefficients, times 2 to the power of [`BITS`].
fn eight(x: &[i32; 8]) -> [i32; 8] {
    const C0_298: i32 = fixed(0.298_631_336);
    const C0_390: i32 = fixed(0.390_180_644);
    const C0_541: i32 = fixed(0.541_196_100);
    const C0_765: i32 = fixed(0.765_366_865);
    const C0_899: i32 = fixed(0.899_976_223);
    const C1_175: i32 = fixed(1.175_875_602);
    const C1_501: i32 = fixed(1.501_321_110);
    const C1_847: i32 = fixed(1.847_759_065);
    const C1_961: i32 = fixed(1.961_570_560);
    const C2_053: i32 = fixed(2.053_119_869);
    const C2_562: i32 = fixed(2.562_915_447);
    const C3_072: i32 = fixed(3.072_711_026);
    let turned = (x[2] + x[6]) * C0_541;
    let (a2, a3) = (turned - x[6] * C1_847, turned + x[2] * C0_765);
    let (a0, a1) = ((x[0] + x[4]) << BITS, (x[0] - x[4]) << BITS);
    let even = [a0 + a3, a1 + a2, a1 - a2, a0 - a3];

    let all = (x[7] + x[3] + x[5] + x[1]) * C1_175;
    let z1 = -(x[7] + x[1]) * C0_899;
    let z2 = -(x[5] + x[3]) * C2_562;
    let z3 = all - (x[7] + x[3]) * C1_961;
    let z4 = all - (x[5] + x[1]) * C0_390;
    let odd = [
        x[1] * C1_501 + z1 + z4,
        x[3] * C3_072 + z2 + z3,
        x[5] * C2_053 + z2 + z4,
        x[7] * C0_298 + z1 + z3,
    ];
    [
        even[0] + odd[0],
        even[1] + odd[1],
        even[2] + odd[2],
        even[3] + odd[3],
        even[3] - odd[3],
        even[2] - odd[2],
        even[1] - odd[1],
        even[0] - odd[0],
    ]
}

/// A block's 64 samples in `out`, whose rows are `stride` apart, from its coefficients and their steps.
#[allow(
    clippy::needless_range_loop,
    reason = "iterators take their time where nothing is optimized"
)]
pub(super) fn block(coefficients: &[i16; 64], steps: &[u16; 64], out: &mut [u8], stride: usize) {
    const PASS: [i32; 2] = [BITS - BETWEEN, BITS + BETWEEN + 3];
    const HALF: [i32; 2] = [1 << (PASS[0] - 1), 1 << (PASS[1] - 1)];
    let mut between = [0; 64];
    let mut values = [0; 8];
    for column in 0..8 {
        let mut higher = 0;
        for row in 0..8 {
            let at = 8 * row + column;
            let value = i32::from(coefficients[at]) * i32::from(steps[at]);
            values[row] = value.clamp(-MOST[0], MOST[0]);
            if row > 0 {
                higher |= value;
            }
        }
        // High frequencies are mostly 0: such a column is flat.
        if higher == 0 {
            for row in 0..8 {
                between[8 * row + column] = values[0] << BETWEEN;
            }
            continue;
        }
        let made = eight(&values);
        for row in 0..8 {
            let value = (made[row] + HALF[0]) >> PASS[0];
            between[8 * row + column] = value.clamp(-MOST[1], MOST[1]);
        }
    }
    for row in 0..8 {
        values.copy_from_slice(&between[8 * row..8 * row + 8]);
        let made = eight(&values);
        let out = &mut out[row * stride..row * stride + 8];
        for column in 0..8 {
            let value = 128 + ((made[column] + HALF[1]) >> PASS[1]);
            out[column] = value.clamp(0, 255) as u8;
        }
    }
}
