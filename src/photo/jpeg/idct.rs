//! Coefficients to samples: the inverse cosine transform of Loeffler, Ligtenberg and Moschytz, in the
//! whole numbers of libjpeg's accurate form ("islow"), so that every sample is the same.

use super::number::Number;
use crate::vectorized::vectorized;

const BITS: i32 = 13;
/// So many more bits are kept between the two passes.
const BETWEEN: i32 = 2;

/// Eight samples of one row or column from their coefficients, times 2 to the power of [`BITS`].
#[inline(always)]
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

/// Eight columns' or rows' values at once, `[8·k + i]` being the `k`th of the `i`th.
#[inline(always)]
fn pass(values: &[Number; 64], bits: i32) -> [Number; 64] {
    let half = Number(1 << (bits - 1));
    let mut out = [Number(0); 64];
    for i in 0..8 {
        let made = eight(&[
            values[i],
            values[8 + i],
            values[16 + i],
            values[24 + i],
            values[32 + i],
            values[40 + i],
            values[48 + i],
            values[56 + i],
        ]);
        for k in 0..8 {
            out[8 * k + i] = (made[k] + half) >> bits;
        }
    }
    out
}

vectorized! {
    /// The samples of blocks that lie `across` in a row, from their coefficients and the steps of these.
    pub(super) fn blocks(
        coefficients: &[[i16; 64]],
        across: usize,
        steps: &[u16; 64],
        samples: &mut [u8],
    ) {
        let stride = 8 * across;
        let rows = coefficients.chunks_exact(across);
        for (blocks, samples) in rows.zip(samples.chunks_exact_mut(8 * stride)) {
            for (at, coefficients) in blocks.iter().enumerate() {
                block(coefficients, steps, &mut samples[8 * at..], stride);
            }
        }
    }
}

/// A block's 64 samples in `out`, whose rows are `stride` apart, from its coefficients and their steps.
#[inline(always)]
fn block(coefficients: &[i16; 64], steps: &[u16; 64], out: &mut [u8], stride: usize) {
    let mut values = [Number(0); 64];
    for ((value, coefficient), step) in values.iter_mut().zip(coefficients).zip(steps) {
        *value = Number(i32::from(*coefficient)) * Number(i32::from(*step));
    }
    let columns = pass(&values, BITS - BETWEEN);
    let mut rows = [Number(0); 64];
    for row in 0..8 {
        for column in 0..8 {
            rows[8 * column + row] = columns[8 * row + column];
        }
    }
    let columns = pass(&rows, BITS + BETWEEN + 3);
    let mut samples = [0; 64];
    for (sample, value) in samples.iter_mut().zip(columns) {
        *sample = (value + Number(128)).byte();
    }
    for row in 0..8 {
        let out = &mut out[row * stride..row * stride + 8];
        for column in 0..8 {
            out[column] = samples[8 * column + row];
        }
    }
}
