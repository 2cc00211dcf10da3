//! Maps made larger or smaller.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, extent, misfit, one};
use super::{Axes, Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// Makes dimensions larger or smaller, as ONNX's `Resize` and PyTorch's `interpolate` do.
#[derive(Clone, Debug)]
pub struct Resize {
    /// The dimensions and what becomes of each.
    pub dims: Vec<(usize, Extent)>,
    /// How values between are made.
    pub mode: ResizeMode,
    /// Where the new values lie among the old ones.
    pub place: Placing,
    /// Whether what gets smaller is averaged over all old values.
    pub antialias: bool,
}

/// The new size of a dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Extent {
    /// As many.
    Size(i64),
    /// So many times as many, rounded down.
    Scale(f64),
}

/// How values between others are made.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResizeMode {
    /// The nearest one.
    Nearest(Rounding),
    /// Along a straight line between two.
    Linear,
    /// Along a cubic curve through four.
    Cubic {
        /// The curve's parameter a: −0.75 in PyTorch, −0.5 in Pillow.
        coefficient: f64,
        /// Whether values beyond the border count nothing; else the border's value is repeated.
        exclude_outside: bool,
    },
}

/// Which of two neighbors is the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rounding {
    /// The nearer, of two as near the first.
    PreferFloor,
    /// The nearer, of two as near the second.
    PreferCeil,
    /// The first.
    Floor,
    /// The second.
    Ceil,
}

/// Where the new values lie among the old ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placing {
    /// Values are the middles of pixels: (i + ½)/scale − ½.
    HalfPixel,
    /// The same, but a single new value is the first.
    PytorchHalfPixel,
    /// The same around the middle where the new size was rounded.
    HalfPixelSymmetric,
    /// First and last values stay: i·(old − 1)/(new − 1).
    AlignCorners,
    /// i/scale
    Asymmetric,
}

/// Each old value beside takes a pass over the map.
const MOST_STRETCH: f64 = 1024.0;

/// For each new value of a dimension, which old ones it is made of, with their shares: one list a tap.
struct Taps(Vec<(Vec<i64>, Vec<f32>)>);

impl Extent {
    /// The new size, and by how much it is larger.
    fn of(self, old: i64) -> Option<(i64, f64)> {
        let (new, scale) = match self {
            Extent::Size(new) => (new, new as f64 / old as f64),
            Extent::Scale(scale) => ((old as f64 * scale).floor() as i64, scale),
        };
        (old > 0 && new > 0 && scale.is_finite()).then_some((new, scale))
    }
}

impl Resize {
    /// Where new value `at` lies, in single precision: ties must fall as in runtimes.
    fn place(&self, at: i64, old: i64, new: i64, scale: f64) -> f32 {
        let (at, old, new, scale) = (at as f32, old as f32, new as f32, scale as f32);
        let middle = (at + 0.5) / scale;
        match self.place {
            Placing::PytorchHalfPixel | Placing::AlignCorners if new == 1.0 => 0.0,
            Placing::HalfPixel | Placing::PytorchHalfPixel => middle - 0.5,
            Placing::HalfPixelSymmetric => old / 2.0 * (1.0 - new / (scale * old)) + middle - 0.5,
            Placing::AlignCorners => at * (old - 1.0) / (new - 1.0),
            Placing::Asymmetric => at / scale,
        }
    }

    /// How much wider the curves are than between neighbors.
    fn stretch(&self, scale: f64) -> f64 {
        if self.antialias { (1.0 / scale).max(1.0) } else { 1.0 }
    }

    /// How many old values make a new one.
    fn count(&self, stretch: f64) -> usize {
        match self.mode {
            ResizeMode::Nearest(_) => 1,
            ResizeMode::Linear => 2 * stretch.ceil() as usize,
            ResizeMode::Cubic { .. } => 2 * (2.0 * stretch).ceil() as usize,
        }
    }

    fn taps(&self, old: i64, new: i64, scale: f64) -> Taps {
        let places = (0..new).map(|at| f64::from(self.place(at, old, new, scale)));
        let inside = |index: f64| (index as i64).clamp(0, old - 1);
        let stretch = self.stretch(scale);
        let mut taps = vec![(Vec::new(), Vec::new()); self.count(stretch)];
        for place in places {
            let shares = self.shares(place, old, stretch);
            for (tap, (index, share)) in taps.iter_mut().zip(shares) {
                tap.0.push(inside(index));
                tap.1.push(share as f32);
            }
        }
        Taps(taps)
    }

    /// The old places that make the value at `place`, which may lie beyond the border, with their shares.
    fn shares(&self, place: f64, old: i64, stretch: f64) -> Vec<(f64, f64)> {
        if let ResizeMode::Nearest(rounding) = self.mode {
            let nearest = match rounding {
                Rounding::PreferFloor => (place - 0.5).ceil(),
                Rounding::PreferCeil => (place + 0.5).floor(),
                Rounding::Floor => place.floor(),
                Rounding::Ceil => place.ceil(),
            };
            return vec![(nearest, 1.0)];
        }
        let count = self.count(stretch);
        let first = place.floor() - (count / 2) as f64 + 1.0;
        let inside = |at: f64| (0.0..=(old - 1) as f64).contains(&at);
        let tap = |at: usize| {
            let at = first + at as f64;
            let distance = (place - at).abs() / stretch;
            let share = match self.mode {
                ResizeMode::Cubic { exclude_outside: true, .. } if !inside(at) => 0.0,
                ResizeMode::Cubic { coefficient, .. } => cubic(distance, coefficient),
                _ => (1.0 - distance).max(0.0),
            };
            (at, share)
        };
        let taps: Vec<(f64, f64)> = (0..count).map(tap).collect();
        let sum: f64 = taps.iter().map(|(_, share)| share).sum();
        taps.into_iter().map(|(at, share)| (at, share / sum)).collect()
    }
}

/// Keys' curve with parameter a, `distance` from its middle.
fn cubic(distance: f64, a: f64) -> f64 {
    let x = distance;
    match x {
        _ if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        _ if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * a,
        _ => 0.0,
    }
}

impl Operation for Resize {
    fn name(&self) -> &'static str {
        "Upsample"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let mut shape = x.to_vec();
        for &(dim, to) in &self.dims {
            let old = extent(x, dim)?;
            let Some((new, scale)) = to.of(old) else {
                return misfit("a size to enlarge or reduce to at least 1", shape_text(x));
            };
            if self.stretch(scale) > MOST_STRETCH {
                let expected = format!("a reduction to no less than 1/{MOST_STRETCH}");
                return misfit(expected, format!("{old} to {new}"));
            }
            shape[dim] = new;
        }
        Ok(shape)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let mut x = only(inputs)?.shallow_clone();
        for &(dim, to) in &self.dims {
            let size = x.size();
            let old = size.get(dim).copied().unwrap_or_default();
            let wrong = || TchError::Shape(format!("dimension {dim} of {size:?}"));
            let (new, scale) = to.of(old).ok_or_else(wrong)?;
            if (new, scale) != (old, 1.0) {
                x = interpolated(&x, dim, &self.taps(old, new, scale))?;
            }
        }
        Ok(x)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn reads(&self, _inputs: &[&[i64]]) -> u64 {
        match self.mode {
            ResizeMode::Nearest(_) => 1,
            ResizeMode::Linear => 4,
            ResizeMode::Cubic { .. } => 16,
        }
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn summary(&self) -> String {
        let by = match self.mode {
            ResizeMode::Nearest(_) => "nearest",
            ResizeMode::Linear => "bilinear",
            ResizeMode::Cubic { .. } => "bicubic",
        };
        format!("{} {by}", self.name())
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.windows(output, false)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let Some(&(_, to)) = self.dims.iter().find(|(dim, _)| *dim == read.dim()) else {
            return read.seen;
        };
        let Some((new, scale)) = to.of(read.size()) else { return Seen::WHOLE };
        let first = match self.place {
            Placing::HalfPixel => 0.5 / scale - 0.5,
            Placing::PytorchHalfPixel if new > 1 => 0.5 / scale - 0.5,
            Placing::Asymmetric => 0.0,
            _ => return Seen::WHOLE,
        };
        let around = self.stretch(scale)
            * if matches!(self.mode, ResizeMode::Cubic { .. }) { 2.0 } else { 1.0 };
        read.between(scale, [first - around, first + around])
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}

/// The sum of the taps along a dimension.
fn interpolated(x: &Tensor, dim: usize, taps: &Taps) -> Result<Tensor, TchError> {
    let mut along = vec![1; x.dim()];
    along[dim] = -1;
    let mut sum: Option<Tensor> = None;
    for (places, shares) in &taps.0 {
        let places = Tensor::f_from_slice(places)?.f_to_device(x.device())?;
        let values = x.f_index_select(dim as i64, &places)?;
        if taps.0.len() == 1 {
            return Ok(values);
        }
        let shares = Tensor::f_from_slice(shares)?.f_to_device(x.device())?.f_to_kind(x.kind())?;
        let values = values.f_mul(&shares.f_reshape(&along)?)?;
        sum = Some(match sum {
            Some(sum) => sum.f_add(&values)?,
            None => values,
        });
    }
    sum.ok_or_else(|| TchError::Shape("no value to interpolate".to_owned()))
}
