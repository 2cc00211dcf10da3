//! How alike two maps are.

use tch::{Kind, TchError, Tensor};

use crate::{Error, Result};

/// Spearman's rank correlation of two maps' values, from -1 to 1, values that are equal sharing their
/// mean rank. NaN, undefined, where one of them is constant: a blank map ranks nothing.
pub(super) fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = |ranks: &[f64]| ranks.iter().sum::<f64>() / ranks.len().max(1) as f64;
    let (mean_a, mean_b) = (mean(&a), mean(&b));
    let (mut product, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        let (a, b) = (a - mean_a, b - mean_b);
        product += a * b;
        square_a += a * a;
        square_b += b * b;
    }
    product / (square_a * square_b).sqrt()
}

/// Whether all values are the same.
pub(super) fn is_blank(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for equal in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let mean = start as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|&i| ranks[i] = mean);
        start += equal.len();
    }
    ranks
}

/// Of the highest `share` of each map's pixels, the part that both have in common, from 0 to 1.
/// A random pair has `share`. NaN where one of them is constant: it has no highest pixels.
pub(super) fn overlap(a: &[f64], b: &[f64], share: f64) -> f64 {
    if is_blank(a) || is_blank(b) {
        return f64::NAN;
    }
    let count = ((share * a.len() as f64).round() as usize).clamp(1, a.len().max(1));
    let highest = |values: &[f64]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&i, &j| values[j].total_cmp(&values[i]));
        let mut chosen = vec![false; values.len()];
        order.iter().take(count).for_each(|&i| chosen[i] = true);
        chosen
    };
    let (a, b) = (highest(a), highest(b));
    let common = a.iter().zip(&b).filter(|(a, b)| **a && **b).count();
    common as f64 / count as f64
}

/// Structural similarity of two maps `[H, W]`, each stretched to 0…1 (a constant one becomes 0): the
/// mean over windows of 7×7, or as large as the map allows. From -1 to 1.
///
/// Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", 2004
/// ([doi:10.1109/TIP.2003.819861](https://doi.org/10.1109/TIP.2003.819861)).
pub(super) fn structural_similarity(a: &Tensor, b: &Tensor) -> Result<f64> {
    let similarity = || {
        let (a, b) = (stretched(a)?, stretched(b)?);
        let size = a.size();
        let window = [2, 3].map(|d: usize| size[d].min(7));
        let area = (window[0] * window[1]) as f64;
        let mean = |x: &Tensor| x.f_avg_pool2d(window, [1, 1], [0, 0], false, true, None);
        let (mean_a, mean_b) = (mean(&a)?, mean(&b)?);
        // Sample covariances, as scikit-image computes them.
        let unbiased = area / (area - 1.0).max(1.0);
        let spread = |x: &Tensor, y: &Tensor, mean_x: &Tensor, mean_y: &Tensor| {
            mean(&x.f_mul(y)?)?.f_sub(&mean_x.f_mul(mean_y)?)?.f_mul_scalar(unbiased)
        };
        let both = spread(&a, &b, &mean_a, &mean_b)?;
        let each = spread(&a, &a, &mean_a, &mean_a)?.f_add(&spread(&b, &b, &mean_b, &mean_b)?)?;
        let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03);
        let twice = |x: &Tensor, c: f64| x.f_mul_scalar(2.0)?.f_add_scalar(c);
        let above = twice(&mean_a.f_mul(&mean_b)?, c1)?.f_mul(&twice(&both, c2)?)?;
        let squares = mean_a.f_square()?.f_add(&mean_b.f_square()?)?.f_add_scalar(c1)?;
        above.f_div(&squares.f_mul(&each.f_add_scalar(c2)?)?)?.f_mean(Kind::Double)
    };
    let mean = similarity().and_then(|mean: Tensor| mean.f_double_value(&[]));
    mean.map_err(Error::torch("comparing two maps"))
}

/// `[H, W]` to `[1, 1, H, W]` from 0 to 1.
fn stretched(map: &Tensor) -> Result<Tensor, TchError> {
    let map = map.f_to_kind(Kind::Double)?.f_unsqueeze(0)?.f_unsqueeze(0)?;
    let (low, high) = (map.f_min()?, map.f_max()?);
    let span = high.f_sub(&low)?;
    let map = map.f_sub(&low)?;
    if span.f_double_value(&[])? > 0.0 { map.f_div(&span) } else { Ok(map) }
}
