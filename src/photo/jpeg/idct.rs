//! Coefficients to samples: the inverse cosine transform of Loeffler, Ligtenberg and Moschytz, in the
//! whole numbers of libjpeg's accurate form ("islow"), so that every sample is the same.

use super::number::Number;

const BITS: i32 = 13;
/// So many more bits are kept between the two passes.
const BETWEEN: i32 = 2;

/// Eight samples of one row or column from their coefficients, times 2 to the power of [`BITS`].
fn eight(x: &[Number; 8]) -> [Number; 8] {
    const C0_298: Number = Number::fixed(0.298_631_336, BITS);
    const C0_390: Number = Number::fixed(0.390_180_644, BITS);
    const C0_541: Number = Number::fixed(0.541_196_100, BITS);
    const C0_765: Number = Number::fixed(0.765_366_865, BITS);
    const C0_899: Number = Number::fixed(0.899_976_223, BITS);
    const C1_175: Number = Number::fixed(1.175_875_602, BITS);
    const C1_501: Number = Number::fixed(1.501_321_110, BITS);
    const C1_847: Number = Number::fixed(1.847_759_065, BITS);
    const C1_961: Number = Number::fixed(1.961_570_560, BITS);
    const C2_053: Number = Number::fixed(2.053_119_869, BITS);
    const C2_562: Number = Number::fixed(2.562_915_447, BITS);
    const C3_072: Number = Number::fixed(3.072_711_026, BITS);
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
    const HALF: [Number; 2] = [Number(1 << (PASS[0] - 1)), Number(1 << (PASS[1] - 1))];
    let mut between = [Number(0); 64];
    let mut values = [Number(0); 8];
    for column in 0..8 {
        let mut higher = 0;
        for row in 0..8 {
            let at = 8 * row + column;
            values[row] = Number(i32::from(coefficients[at])) * Number(i32::from(steps[at]));
            if row > 0 {
                higher |= coefficients[at];
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
            between[8 * row + column] = (made[row] + HALF[0]) >> PASS[0];
        }
    }
    for row in 0..8 {
        values.copy_from_slice(&between[8 * row..8 * row + 8]);
        let made = eight(&values);
        let out = &mut out[row * stride..row * stride + 8];
        for column in 0..8 {
            out[column] = (((made[column] + HALF[1]) >> PASS[1]) + Number(128)).byte();
        }
    }
}
