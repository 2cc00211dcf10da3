//! Round numbers along an axis.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// A range of values with a few round numbers in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
    /// The round numbers within, ascending.
    pub ticks: Vec<f64>,
    step: f64,
}

impl Axis {
    /// From the smallest to the largest of these values (finite; there may be none), with a little
    /// room at both ends. `whole`: no ticks between whole numbers.
    pub(super) fn around(values: &[f64], whole: bool) -> Axis {
        let (low, high) = ends(values);
        let room = 0.04 * (high - low);
        let (low, high) = (low - room, high + room);
        let step = round_step(high - low, whole);
        Axis::new((low / step).ceil(), (high / step).floor(), low, high, step)
    }

    /// From the round number below the values to the one above them. Magnitudes start at 0, unless
    /// that would waste most of the height.
    pub(super) fn covering(values: &[f64]) -> Axis {
        let (mut low, high) = ends(values);
        if low > 0.0 && low < 0.5 * high {
            low = 0.0;
        }
        let step = round_step(high - low, false);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        Axis::new(first, last, first * step, last * step, step)
    }

    fn new(first: f64, last: f64, low: f64, high: f64, step: f64) -> Axis {
        let ticks = (first as i64..=last as i64).map(|i| i as f64 * step).collect();
        Axis { low, high, ticks, step }
    }

    /// A tick's label: as many digits as tell it from its neighbors.
    pub(super) fn label(&self, tick: f64) -> String {
        let place = |number: f64| (number.abs().log10() + 1e-9).floor();
        if tick == 0.0 {
            return "0".to_owned();
        }
        let decimals = -place(self.step);
        if decimals <= 5.0 && tick.abs() < 1e6 {
            format!("{tick:.*}", decimals.max(0.0) as usize)
        } else {
            let digits = place(tick) - place(self.step);
            format!("{tick:.*e}", digits.clamp(0.0, 15.0) as usize)
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let along = (value - self.low) / (self.high - self.low);
        (f64::from(start) + along * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // plotters asks for the labeled lines, then for the finer ones, of which there are none.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

/// The smallest and the largest value; room around a constant.
fn ends(values: &[f64]) -> (f64, f64) {
    const SMALLEST: f64 = 1e-30;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return (0.0, 1.0);
    }
    let magnitude = low.abs().max(high.abs());
    if high - low > (1e-9 * magnitude).max(SMALLEST) {
        return (low, high);
    }
    let room = if magnitude > SMALLEST { 0.1 * magnitude } else { 0.5 };
    (low - room, high + room)
}

/// 1, 2 or 5 times a power of ten, so that four to eight of them make the span.
fn round_step(span: f64, whole: bool) -> f64 {
    let raw = span / 5.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power);
    let step = step.into_iter().find(|&step| step >= 0.75 * raw).unwrap_or(10.0 * power);
    if whole { step.max(1.0) } else { step }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|&tick| axis.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            labels(&Axis::covering(&[0.03, 0.97])),
            ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            labels(&Axis::covering(&[97.1, 98.9])),
            ["97.0", "97.5", "98.0", "98.5", "99.0"]
        );
        assert_eq!(labels(&Axis::around(&[1.0, 3.0], true)), ["1", "2", "3"]);
        assert_eq!(
            labels(&Axis::covering(&[-3e-7, 1e-7])),
            ["-3e-7", "-2e-7", "-1e-7", "0", "1e-7"]
        );
    }

    #[test]
    fn odd_ranges_have_few_ticks() {
        let most = f64::from(f32::MAX);
        for values in [
            vec![],
            vec![0.0],
            vec![5.0, 5.0],
            vec![-most, most],
            vec![most],
            vec![1e-310, 2e-310],
            vec![1.0, 1.0 + 1e-12],
            vec![1e30, 1e30 * (1.0 + 1e-8)],
        ] {
            for axis in
                [Axis::covering(&values), Axis::around(&values, false), Axis::around(&values, true)]
            {
                assert!(axis.low < axis.high && axis.ticks.len() <= 12, "{values:?}: {axis:?}");
                assert!(values.iter().all(|v| (axis.low..=axis.high).contains(v)), "{axis:?}");
            }
        }
    }
}
