//! Values as text that Vega's expressions can read: two characters each.

use crate::view::color::range;

/// The characters of base64, whose places are the digits.
pub(in crate::view) const DIGITS: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// The code of the largest value; 0 is the smallest.
pub(super) const LAST: u32 = 4094;
/// The code of what is not finite.
pub(super) const NOT_FINITE: u32 = 4095;

/// Values in 4095 steps from the lowest to the highest.
pub(in crate::view) struct Codes {
    pub low: f32,
    pub high: f32,
    pub text: String,
}

impl Codes {
    pub(in crate::view) fn of(values: &[f32]) -> Codes {
        let (low, high) = range(values);
        let digits = DIGITS.as_bytes();
        let mut text = String::with_capacity(2 * values.len());
        // In double precision the span of any two floats is finite.
        let span = f64::from(high) - f64::from(low);
        for &value in values {
            let along = (f64::from(value) - f64::from(low)) / span;
            let code = match value.is_finite() {
                false => NOT_FINITE,
                true if span > 0.0 => (along * f64::from(LAST)).round() as u32,
                true => 0,
            };
            for digit in [code / 64, code % 64] {
                text.push(digits.get(digit as usize).copied().map_or('/', char::from));
            }
        }
        Codes { low, high, text }
    }
}

/// The mean of each square of `side`×`side` values; those at the edges may be cut.
pub(super) fn means(plane: &[f32], width: usize, side: usize) -> Vec<f32> {
    if side <= 1 || width == 0 {
        return plane.to_vec();
    }
    let rows: Vec<&[f32]> = plane.chunks(width).collect();
    let mut means = Vec::new();
    for band in rows.chunks(side) {
        for left in (0..width).step_by(side) {
            let square = band.iter().flat_map(|row| row.iter().skip(left).take(side));
            let (count, sum) = square.fold((0u32, 0.0), |(n, sum), value| (n + 1, sum + value));
            means.push(sum / count as f32);
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the figure's expressions read it.
    fn decoded(codes: &Codes, index: usize) -> Option<f32> {
        let digit = |at: usize| DIGITS.find(codes.text.as_bytes()[at] as char).expect("a digit");
        let code = (64 * digit(2 * index) + digit(2 * index + 1)) as u32;
        let along = code as f32 / LAST as f32;
        (code != NOT_FINITE).then_some(codes.low + (codes.high - codes.low) * along)
    }

    #[test]
    fn values_come_back() {
        let values: Vec<f32> = (0..100).map(|i| (i as f32).sin() * 7.0 - 2.0).collect();
        let codes = Codes::of(&values);
        for (index, value) in values.iter().enumerate() {
            let back = decoded(&codes, index).expect("a number");
            assert!((back - value).abs() <= 14.0 / 4094.0 / 2.0 * 1.01, "{value}: {back}");
        }
    }

    #[test]
    fn odd_values_have_codes() {
        let codes = Codes::of(&[f32::NAN, 3.0, f32::INFINITY]);
        assert_eq!([0, 1, 2].map(|i| decoded(&codes, i)), [None, Some(3.0), None]);
        let most = Codes::of(&[f32::MAX, f32::MIN]);
        assert_eq!(most.text, "/+AA");
        assert_eq!(Codes::of(&[]).text, "");
    }

    #[test]
    fn means_of_squares() {
        let plane = [1.0, 3.0, 10.0, 5.0, 7.0, 20.0, 2.0, 4.0, 9.0];
        assert_eq!(means(&plane, 3, 2), [4.0, 15.0, 3.0, 9.0]);
        assert_eq!(means(&plane, 3, 1), plane);
        assert_eq!(means(&plane, 3, 5).len(), 1);
    }
}
