//! Principal component analysis: the directions in which features differ most.
//!
//! Pearson, 1901; the randomized form: Halko, Martinsson, Tropp, "Finding structure with randomness",
//! 2011 ([arXiv:0909.4061](https://arxiv.org/abs/0909.4061)).

use tch::{Kind, Tensor};

use super::Torch;
use super::features::{check_varied, checked};
use crate::batching::Batches;
use crate::error::shape_text;
use crate::limits::position;
use crate::random::Random;
use crate::{Error, Result};

/// How the components are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PcaMethod {
    /// Randomized where both sides of the features exceed 1,000 and less than a tenth of the
    /// components is asked for, else exact.
    #[default]
    Auto,
    /// Eigenvectors of the covariance, or singular vectors where features are wider than long; in
    /// double precision.
    Exact,
    /// From a random projection, sharpened by seven power iterations. One seed always gives one result.
    Randomized {
        /// The projection's seed.
        seed: u64,
    },
}

/// Principal components of features, ready to project others.
///
/// ```
/// use convscope::prelude::*;
/// let line = Tensor::from_slice(&[0f32, 0., 1., 2., 2., 4., 3., 6.]).view([4, 2]);
/// let pca = Pca::fit(&line, 2)?;
/// assert!(pca.variance_ratio()[0] > 0.999);
/// assert_eq!(pca.transform(&line)?.size(), [4, 2]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub struct Pca {
    mean: Tensor,
    components: Tensor,
    variance: Vec<f64>,
    total: f64,
}

impl Pca {
    /// The first `count` components of features `[N, D]`, on their device.
    ///
    /// A component's sign is such that its largest loading by absolute value is positive, as in
    /// scikit-learn.
    ///
    /// # Errors
    ///
    /// Another shape, numbers that are not finite, more components than min(N, D), features
    /// that are all alike.
    pub fn fit(features: &Tensor, count: usize) -> Result<Pca> {
        Pca::fit_by(features, count, PcaMethod::Auto)
    }

    /// The same by a method of choice.
    pub fn fit_by(features: &Tensor, count: usize, method: PcaMethod) -> Result<Pca> {
        let features = checked(features, "PCA")?;
        let [n, d] = [features.size()[0], features.size()[1]];
        let most = n.min(d);
        let k = position(count);
        if !(1..=most).contains(&k) || n < 2 {
            return Err(Error::Argument(format!(
                "{count} principal components of features {}: expected at least 2 rows, and from 1 to \
                 {most} components",
                shape_text(&features.size()),
            )));
        }
        check_varied(&features, "PCA")?;
        let large = most > 1000 && k <= most / 10;
        let mean = features.f_mean_dim(0, true, Kind::Double).map_err(failed)?;
        let total = variance(&features, &mean).map_err(failed)?;
        let (components, variance) = match method {
            PcaMethod::Randomized { seed } => randomized(&features, &mean, k, seed),
            PcaMethod::Auto if large => randomized(&features, &mean, k, 0),
            _ if d <= n => exact(&covariance(&features, &mean)?, k),
            _ => decomposed(&features, &mean, k),
        }
        .map_err(failed)?;
        let finish = || {
            Ok(Pca {
                components: turned(&components)?.f_to_kind(features.kind())?,
                variance: Vec::try_from(variance.f_clamp_min(0.0)?.f_to_kind(Kind::Double)?)?,
                mean,
                total,
            })
        };
        finish().map_err(failed)
    }

    /// The components, `[count, D]`: orthogonal, of length 1, that of the largest variance first.
    pub fn components(&self) -> &Tensor {
        &self.components
    }

    /// The features' mean, `[1, D]`, double, which is taken off before projecting.
    pub fn mean(&self) -> &Tensor {
        &self.mean
    }

    /// The variance along each component (with N - 1 in the denominator).
    pub fn variance(&self) -> &[f64] {
        &self.variance
    }

    /// The share of the whole variance that each component explains, 0 to 1.
    pub fn variance_ratio(&self) -> Vec<f64> {
        self.variance.iter().map(|variance| variance / self.total).collect()
    }

    /// Features `[N, D]`, those of before or new ones, in the components' coordinates: `[N, count]`.
    ///
    /// # Errors
    ///
    /// Another width, numbers that are not finite.
    pub fn transform(&self, features: &Tensor) -> Result<Tensor> {
        let features = checked(features, "PCA")?;
        let width = self.components.size()[1];
        if features.size()[1] != width {
            return Err(Error::Shape {
                at: "PCA".to_owned(),
                expected: format!("features [N, {width}], as wide as those it was fitted to"),
                got: shape_text(&features.size()),
                remedy: "Take them from the same layer, pooled in the same way.".to_owned(),
            });
        }
        let project = || {
            let components = &self.components;
            let features = features.f_to_device(components.device())?;
            let features = features.f_to_kind(components.kind())?;
            centered(&features, &self.mean)?.f_mm(&components.f_transpose(0, 1)?)
        };
        project().map_err(failed)
    }
}

impl std::fmt::Debug for Pca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shares: Vec<String> = self
            .variance_ratio()
            .iter()
            .take(5)
            .map(|share| format!("{:.1} %", 100.0 * share))
            .collect();
        let [k, d] = [self.components.size()[0], self.components.size()[1]];
        write!(f, "Pca: {k} components of {d} features, explaining {} …", shares.join(", "))
    }
}

/// Features less their mean, in their own precision. What the mean, which is double, loses in it is
/// taken off after the rest: features far from 0 keep all of their digits.
fn centered(features: &Tensor, mean: &Tensor) -> Torch<Tensor> {
    let rounded = mean.f_to_kind(features.kind())?;
    let rest = mean.f_sub(&rounded)?.f_to_kind(features.kind())?;
    features.f_sub(&rounded)?.f_sub_(&rest)
}

/// The sum of the features' variances.
fn variance(features: &Tensor, mean: &Tensor) -> Torch<f64> {
    const ROWS: i64 = 1 << 14;
    let mut sum = 0.0;
    for rows in features.f_split(ROWS, 0)? {
        sum += rows.f_sub(mean)?.f_square()?.f_sum(Kind::Double)?.f_double_value(&[])?;
    }
    Ok(sum / (features.size()[0] - 1) as f64)
}

/// `[D, D]`, summed over blocks of rows in double precision.
fn covariance(features: &Tensor, mean: &Tensor) -> Result<Tensor> {
    let [n, d] = [features.size()[0], features.size()[1]];
    let mut batches = Batches::new(n as usize, 24 * d as u64, 1 << 14, features.device());
    let mut sum = Tensor::f_zeros([d, d], (Kind::Double, features.device())).map_err(failed)?;
    loop {
        let block = batches.next(|range| {
            let block = || {
                let rows = features.f_narrow(0, range.start as i64, range.len() as i64)?;
                let rows = rows.f_sub(mean)?; // double, as the mean is
                rows.f_transpose(0, 1)?.f_mm(&rows)
            };
            block().map_err(failed)
        })?;
        let Some(block) = block else { break };
        sum = sum.f_add(&block).map_err(failed)?;
    }
    sum.f_div_scalar((n - 1) as f64).map_err(failed)
}

/// Components `[k, D]` and variances `[k]` of a covariance.
fn exact(covariance: &Tensor, k: i64) -> Torch<(Tensor, Tensor)> {
    let (values, vectors) = covariance.f_linalg_eigh("L")?;
    let from = values.size()[0] - k;
    let values = values.f_narrow(0, from, k)?.f_flip(0)?;
    Ok((vectors.f_narrow(1, from, k)?.f_flip(1)?.f_transpose(0, 1)?, values))
}

/// The same of features wider than long.
fn decomposed(features: &Tensor, mean: &Tensor, k: i64) -> Torch<(Tensor, Tensor)> {
    svd(&features.f_sub(mean)?, features.size()[0], k)
}

fn svd(rows: &Tensor, n: i64, k: i64) -> Torch<(Tensor, Tensor)> {
    let (_, values, vectors) = rows.f_svd(true, true)?;
    let vectors = vectors.f_transpose(0, 1)?;
    let variance = values.f_square()?.f_div_scalar((n - 1) as f64)?;
    Ok((vectors.f_narrow(0, 0, k)?, variance.f_narrow(0, 0, k)?))
}

fn randomized(features: &Tensor, mean: &Tensor, k: i64, seed: u64) -> Torch<(Tensor, Tensor)> {
    const MORE: i64 = 10;
    const POWERS: usize = 7;
    let [n, d] = [features.size()[0], features.size()[1]];
    let centered = centered(features, mean)?;
    let turned = centered.f_transpose(0, 1)?;
    let like =
        Tensor::f_zeros([d, (k + MORE).min(n.min(d))], (features.kind(), features.device()))?;
    let orthogonal =
        |rows: &Tensor| Ok::<_, tch::TchError>(Tensor::f_linalg_qr(rows, "reduced")?.0);
    let mut range = orthogonal(&centered.f_mm(&Random(seed).normal(&like)?)?)?;
    for _ in 0..POWERS {
        let back = orthogonal(&turned.f_mm(&range)?)?;
        range = orthogonal(&centered.f_mm(&back)?)?;
    }
    svd(&range.f_transpose(0, 1)?.f_mm(&centered)?.f_to_kind(Kind::Double)?, n, k)
}

/// With signs that make each row's largest number by absolute value positive.
fn turned(components: &Tensor) -> Torch<Tensor> {
    let at = components.f_abs()?.f_argmax(1, true)?;
    let sign = components.f_gather(1, &at, false)?.f_sign()?;
    components.f_mul(&sign)
}

fn failed(error: tch::TchError) -> Error {
    Error::torch("computing principal components")(error)
}
