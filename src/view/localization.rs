//! How large the strong part of a map is, and how well its box meets the true one.

use super::{BoundingBox, Boxes, Heatmap};
use crate::Result;

/// Where a map is strong: its values from a part of the maximum on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Localization {
    /// The part of the maximum that values must reach.
    pub threshold: f64,
    /// The share of the picture where they do, 0 to 1.
    pub area: f64,
    /// The box around the largest connected region of them; none where no value is above 0.
    pub bounding_box: Option<BoundingBox>,
    /// The share of the picture that the box covers, 0 to 1.
    pub box_area: f64,
}

impl Localization {
    /// How well the box meets another, the true place of an object, say: the area of what both cover
    /// over the area of what either covers, 0 to 1. 0 where there is no box.
    pub fn iou(&self, truth: &BoundingBox) -> f64 {
        self.bounding_box.as_ref().map_or(0.0, |found| found.iou(truth))
    }
}

impl BoundingBox {
    /// How many pixels it covers; 0 where an end is not after its beginning.
    pub fn area(&self) -> u64 {
        let side = |from: u32, to: u32| u64::from(to.saturating_sub(from));
        side(self.left, self.right) * side(self.top, self.bottom)
    }

    /// Intersection over union: the area of what both cover over the area of what either covers, from 0
    /// (apart) to 1 (the same). 0 where both are empty.
    pub fn iou(&self, other: &BoundingBox) -> f64 {
        let both = BoundingBox {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
            label: String::new(),
        };
        let area = |of: &BoundingBox| u128::from(of.area());
        let either = area(self) + area(other) - area(&both);
        if either == 0 { 0.0 } else { both.area() as f64 / either as f64 }
    }
}

impl Heatmap {
    /// Where the map is strong: how much of the picture its values from `threshold` times the maximum on
    /// take, and the box around the largest region of them (as [`Boxes::Largest`] draws it). On the map
    /// enlarged to the input's size, in whose pixels the box is.
    ///
    /// # Errors
    ///
    /// A threshold that is not above 0 and at most 1.
    ///
    /// ```
    /// use convscope::prelude::*;
    /// let map = grad_cam(&zoo::digits()?, &data::digit(4, 2)?, "relu2", Target::Top)?;
    /// let strong = map.localize(0.5)?;
    /// assert!(strong.area <= 1.0 && strong.box_area > 0.0);
    /// let truth = BoundingBox::new(6, 4, 22, 24, "the digit");
    /// assert!(strong.iou(&truth) > 0.0);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn localize(&self, threshold: f64) -> Result<Localization> {
        let (width, height) = self.input();
        let values = self.at_input()?;
        let found = Boxes::Largest(threshold).find(&values, width, height)?;
        let all = values.len().max(1) as f64;
        let bounding_box = found.into_iter().next();
        Ok(Localization {
            threshold,
            area: strong(&values, threshold).len() as f64 / all,
            box_area: bounding_box.as_ref().map_or(0.0, |found| found.area() as f64 / all),
            bounding_box,
        })
    }
}

/// The places whose values reach this part of the maximum, if that is above 0.
pub(super) fn strong(values: &[f32], part: f64) -> Vec<usize> {
    let most = values.iter().copied().filter(|v| v.is_finite()).fold(0.0, f32::max);
    let reaches = |&(_, &v): &(usize, &f32)| most > 0.0 && f64::from(v) >= part * f64::from(most);
    values.iter().enumerate().filter(reaches).map(|(at, _)| at).collect()
}
