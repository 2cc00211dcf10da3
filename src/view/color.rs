//! From numbers to colors: perceptual maps, signed values on a diverging map centered at 0.

use image::Rgb;

/// Okabe and Ito's colors, with a gray for their black, and three of Tol's muted ones: the
/// color-blind can tell them apart, and none vanishes on white.
pub(super) const CLASS_COLORS: [[u8; 3]; 10] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [86, 180, 233],
    [230, 159, 0],
    [64, 64, 64],
    [136, 34, 85],
    [153, 153, 51],
    [165, 165, 165],
];

/// The color of the class with this key; after ten they begin anew.
pub(super) fn class_color(key: usize) -> Rgb<u8> {
    Rgb(CLASS_COLORS[key % CLASS_COLORS.len()])
}

/// A color map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColorMap {
    /// Dark blue to yellow, for magnitudes.
    #[default]
    Viridis,
    /// Black through red to pale yellow, for heat.
    Inferno,
    /// The rainbow that is even in lightness, by request.
    Turbo,
    /// Black to white.
    Gray,
    /// Blue for negative, white for 0, red for positive.
    RedBlue,
}

impl ColorMap {
    /// The color at `t` from 0 to 1.
    #[must_use]
    pub fn at(self, t: f64) -> Rgb<u8> {
        let t = t.clamp(0.0, 1.0);
        let gradient = match self {
            ColorMap::Viridis => colorous::VIRIDIS,
            ColorMap::Inferno => colorous::INFERNO,
            ColorMap::Turbo => colorous::TURBO,
            ColorMap::Gray => return Rgb([(t * 255.0).round() as u8; 3]),
            // colorous runs from red to blue.
            ColorMap::RedBlue => {
                return Rgb(colorous::RED_BLUE.eval_continuous(1.0 - t).as_array());
            }
        };
        Rgb(gradient.eval_continuous(t).as_array())
    }

    /// Vega's name for the same map.
    pub(crate) fn vega_scheme(self) -> &'static str {
        match self {
            ColorMap::Viridis => "viridis",
            ColorMap::Inferno => "inferno",
            ColorMap::Turbo => "turbo",
            ColorMap::Gray => "greys",
            ColorMap::RedBlue => "redblue",
        }
    }
}

/// Whether the tiles of a grid share one color scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScaleSharing {
    /// One scale for all: brightness can be compared between tiles.
    #[default]
    All,
    /// Each tile stretched to its own range: weak ones become visible.
    Each,
}

/// A color map with the values at its two ends.
///
/// A few extreme values would leave all others without contrast, so a scale made from values may
/// end at their 99.5th percentile (of the magnitudes); what lies beyond gets the end's color, and
/// the color bar says so with ≥ and ≤.
#[derive(Clone, Debug, PartialEq)]
pub struct ColorScale {
    /// The map.
    pub map: ColorMap,
    /// The value of its first color.
    pub low: f32,
    /// The value of its last color.
    pub high: f32,
    /// Whether there are values beyond the ends.
    pub clipped: bool,
}

impl ColorScale {
    /// For values without a sign: from 0 up.
    pub fn magnitude(map: ColorMap, values: &[f32]) -> ColorScale {
        let (high, clipped) = reach(values);
        ColorScale { map, low: 0.0, high, clipped }
    }

    /// For signed values: blue and red with 0 white in the middle.
    pub fn signed(values: &[f32]) -> ColorScale {
        let (reach, clipped) = reach(values);
        ColorScale { map: ColorMap::RedBlue, low: -reach, high: reach, clipped }
    }

    /// Signed where there are negative values, else a magnitude on `map`.
    pub fn fitting(map: ColorMap, values: &[f32]) -> ColorScale {
        match range(values).0 < 0.0 {
            true => ColorScale::signed(values),
            false => ColorScale::magnitude(map, values),
        }
    }

    /// The scale that fits these values, signed where this one is.
    pub(crate) fn same_kind(&self, values: &[f32]) -> ColorScale {
        match self.map {
            ColorMap::RedBlue => ColorScale::signed(values),
            map => ColorScale::magnitude(map, values),
        }
    }

    /// All colors at once, and where each value lies among them.
    pub(crate) fn table(&self) -> ColorTable {
        let last = f32::from(LEVELS - 1);
        let color = |level| self.map.at(f64::from(level) / f64::from(last));
        let span = self.high - self.low;
        // A constant gets the middle of a signed map and the bottom of the others.
        let factor = if span > 0.0 { last / span } else { 0.0 };
        let offset = match (span > 0.0, self.map) {
            (false, ColorMap::RedBlue) => last / 2.0,
            _ => 0.0,
        };
        let colors = (0..LEVELS).map(color).collect();
        ColorTable { colors, low: self.low, factor, offset }
    }
}

/// How many colors a map is drawn with: odd, so that 0 has the middle of a signed map to itself, and
/// so many that the shades of a figure's text fit beside them into a palette of 256.
const LEVELS: u8 = 219;

/// A scale ready to color many values.
pub(crate) struct ColorTable {
    colors: Vec<Rgb<u8>>,
    low: f32,
    factor: f32,
    offset: f32,
}

/// What is not a number is shown in a color that no map has.
const NOT_A_NUMBER: Rgb<u8> = Rgb([255, 0, 255]);

impl ColorTable {
    pub(crate) fn color(&self, value: f32) -> Rgb<u8> {
        if value.is_nan() {
            return NOT_A_NUMBER;
        }
        // The conversion cuts off, and takes what is below 0 as 0.
        let level = ((value - self.low) * self.factor + self.offset + 0.5) as usize;
        self.colors[level.min(usize::from(LEVELS - 1))]
    }
}

/// How far from 0 the scale goes, and whether some values lie beyond.
fn reach(values: &[f32]) -> (f32, bool) {
    let (low, high) = range(values);
    let farthest = high.abs().max(low.abs());
    let mut magnitudes: Vec<f32> =
        values.iter().copied().filter(|value| value.is_finite()).map(f32::abs).collect();
    let rank = (magnitudes.len() * 995 / 1000).min(magnitudes.len().saturating_sub(1));
    if magnitudes.is_empty() {
        return (farthest, false);
    }
    let (_, &mut usual, _) = magnitudes.select_nth_unstable_by(rank, f32::total_cmp);
    // Clipping for a little contrast would only puzzle; and mostly-blank maps keep their peaks.
    if usual > 0.0 && farthest > 1.3 * usual { (usual, true) } else { (farthest, false) }
}

/// The smallest and the largest finite value; (0, 0) where there is none.
pub(crate) fn range(values: &[f32]) -> (f32, f32) {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low <= high { (low, high) } else { (0.0, 0.0) }
}

/// The value that all have, where they are finite and there is one.
pub(crate) fn constant(values: &[f32]) -> Option<f32> {
    let (&first, rest) = values.split_first()?;
    (first.is_finite() && rest.iter().all(|&value| value == first)).then_some(first)
}

/// A number for a color bar or label: three significant digits, exponents only where needed.
pub(crate) fn number_text(value: f32) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e5).contains(&magnitude) {
        format!("{value:.1e}")
    } else if magnitude >= 100.0 {
        format!("{value:.0}")
    } else {
        let decimals = (2 - magnitude.log10().floor() as i32).clamp(0, 5) as usize;
        format!("{value:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_scale_is_centered_and_colors_have_their_sign() {
        let scale = ColorScale::fitting(ColorMap::Viridis, &[-1.0, 0.5]);
        assert_eq!((scale.low, scale.high, scale.clipped), (-1.0, 1.0, false));
        let table = scale.table();
        let Rgb([r, _, b]) = table.color(-1.0);
        assert!(b > r, "negative is blue");
        let Rgb([r, _, b]) = table.color(1.0);
        assert!(r > b, "positive is red");
        assert!(table.color(0.0).0.iter().all(|&v| v > 230), "zero is white");
    }

    #[test]
    fn constants_and_broken_numbers_do_not_divide_by_zero() {
        let zero = ColorScale::fitting(ColorMap::Viridis, &[0.0; 4]);
        assert_eq!(zero.table().color(0.0), ColorMap::Viridis.at(0.0));
        let none = ColorScale::fitting(ColorMap::Viridis, &[f32::NAN, f32::INFINITY]);
        assert_eq!((none.low, none.high), (0.0, 0.0));
        assert_eq!(none.table().color(f32::NAN), NOT_A_NUMBER);
    }

    #[test]
    fn extremes_are_clipped_and_said_to_be() {
        let mut values = vec![1.0; 999];
        values.push(50.0);
        let scale = ColorScale::magnitude(ColorMap::Viridis, &values);
        assert_eq!((scale.low, scale.high, scale.clipped), (0.0, 1.0, true));
        let sparse: Vec<f32> = (0..1000).map(|i| if i == 7 { 3.0 } else { 0.0 }).collect();
        let scale = ColorScale::magnitude(ColorMap::Viridis, &sparse);
        assert_eq!((scale.high, scale.clipped), (3.0, false), "a lone peak stays visible");
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, 1.0, 0.123456, 12.345, 1234.5, 3.0e-7, -0.5].map(number_text);
        assert_eq!(texts, ["0", "1.00", "0.123", "12.3", "1234", "3.0e-7", "-0.500"]);
    }
}
