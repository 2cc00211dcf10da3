//! Which class each point has, and how classes are told apart.

use std::collections::BTreeMap;

use image::Rgb;

use crate::class_names::class_name;
use crate::view::color::{CLASS_COLORS, class_color};
use crate::{Error, Result};

/// As many classes have a key in the legend: ten colors in three shapes.
const MOST_KEYS: usize = CLASS_COLORS.len() * SHAPES.len();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Triangle,
    Square,
}

const SHAPES: [Shape; 3] = [Shape::Circle, Shape::Triangle, Shape::Square];

impl Shape {
    /// Vega's name for it.
    pub(super) fn vega(self) -> &'static str {
        match self {
            Shape::Circle => "circle",
            Shape::Triangle => "triangle-up",
            Shape::Square => "square",
        }
    }
}

/// The classes that occur.
#[derive(Clone)]
pub(super) struct Classes {
    /// For each point, which of `names`.
    pub of: Vec<usize>,
    /// Those with a key of their own first, in order of their number.
    pub names: Vec<String>,
    /// How many have one; where not all do, one more key stands for the others.
    own: usize,
}

impl Classes {
    /// `names` are those of the classes 0, 1, 2 and so on.
    pub(super) fn new(numbers: &[i64], names: Vec<String>) -> Result<Classes> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for &number in numbers {
            let class = usize::try_from(number).map_err(|_| {
                Error::Argument(format!("{number} is not a class; classes are numbered from 0"))
            })?;
            *counts.entry(class).or_default() += 1;
        }
        let mut order: Vec<usize> = counts.keys().copied().collect();
        let own = if order.len() > MOST_KEYS { MOST_KEYS - 1 } else { order.len() };
        if order.len() > own {
            order.sort_by_key(|class| (std::cmp::Reverse(counts.get(class).copied()), *class));
            if let Some((first, rest)) = order.split_at_mut_checked(own) {
                first.sort_unstable();
                rest.sort_unstable();
            }
        }
        let rank: BTreeMap<usize, usize> = order.iter().copied().zip(0..).collect();
        Ok(Classes {
            of: numbers.iter().filter_map(|&n| rank.get(&(n as usize)).copied()).collect(),
            names: order.iter().map(|&class| class_name(&names, class)).collect(),
            own,
        })
    }

    /// The legend's keys.
    pub(super) fn keys(&self) -> Vec<String> {
        let own = self.names.iter().take(self.own).cloned();
        let others = self.names.len() - self.own;
        own.chain((others > 0).then(|| format!("{others} other classes"))).collect()
    }

    /// The key of a point.
    pub(super) fn key(&self, point: usize) -> usize {
        self.of.get(point).map_or(0, |&class| class.min(self.own))
    }
}

/// How the points of a key look.
pub(super) fn look(key: usize) -> (Rgb<u8>, Shape) {
    (class_color(key), SHAPES[key / CLASS_COLORS.len() % SHAPES.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_classes_that_occur_have_a_key() -> Result<()> {
        let names = ["zero", "one", "two"].map(str::to_owned).to_vec();
        let classes = Classes::new(&[2, 0, 7, 2], names)?;
        assert_eq!(classes.keys(), ["zero", "two", "class 7"]);
        assert_eq!((0..4).map(|point| classes.key(point)).collect::<Vec<_>>(), [1, 0, 2, 1]);
        assert!(Classes::new(&[0, -1], Vec::new()).is_err());
        Ok(())
    }

    #[test]
    fn of_many_classes_the_frequent_ones_have_a_key() -> Result<()> {
        let numbers: Vec<i64> = (0..100).chain(50..80).collect();
        let classes = Classes::new(&numbers, Vec::new())?;
        let keys = classes.keys();
        assert_eq!((keys.len(), classes.names.len()), (MOST_KEYS, 100));
        assert_eq!((keys[0].as_str(), keys[28].as_str()), ("class 50", "class 78"));
        assert_eq!(keys[29], "71 other classes");
        assert_eq!((classes.key(50), classes.key(0), classes.key(79)), (0, 29, 29));
        Ok(())
    }

    #[test]
    fn no_two_keys_look_alike() {
        let looks: Vec<_> = (0..MOST_KEYS).map(look).collect();
        assert!((0..MOST_KEYS).all(|key| !looks[..key].contains(&looks[key])));
    }
}
