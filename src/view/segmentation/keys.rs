//! The legend of a map of classes: how each class looks.

use image::Rgb;

use super::ClassShare;
use crate::view::color::{CLASS_COLORS, class_color};

/// As many classes have a key of their own: ten colors, plain and striped. One more stands for the others.
const MOST: usize = 2 * CLASS_COLORS.len();
/// The classes that have none.
const OTHERS: Rgb<u8> = Rgb([230; 3]);

/// A line of the legend.
pub(super) struct Key {
    pub name: String,
    /// The share of the picture, 0 to 1.
    pub share: f64,
    look: Look,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Bare,
    Color(usize),
    Others,
}

impl Key {
    /// The color at a pixel; none where the picture is seen.
    pub(super) fn color(&self, x: u32, y: u32) -> Option<Rgb<u8>> {
        match self.look {
            Look::Bare => None,
            Look::Others => Some(OTHERS),
            Look::Color(slot) if slot >= CLASS_COLORS.len() && (x + y) % 8 < 3 => {
                // Half way to white, or to black where the color is light.
                let color = class_color(slot).0;
                let light = color.iter().map(|&part| u32::from(part)).sum::<u32>() > 390;
                Some(Rgb(color.map(|part| if light { part / 2 } else { 128 + part / 2 })))
            }
            Look::Color(slot) => Some(class_color(slot)),
        }
    }
}

/// The keys of classes, which are in order of their share: one each, or, of many, one each of the largest and
/// one for the others.
pub(super) fn keys(classes: &[ClassShare], uncovered: Option<usize>) -> Vec<Key> {
    let own = if classes.len() > MOST { MOST - 1 } else { classes.len() };
    let mut taken = [false; MOST];
    let mut keys: Vec<Key> = Vec::with_capacity(own + 1);
    for of in classes.iter().take(own) {
        let look = match Some(of.class) == uncovered {
            true => Look::Bare,
            false => {
                // A class's own color, or the next that is free.
                let first = of.class % CLASS_COLORS.len();
                let slots = (first..MOST).chain(0..first);
                let slot = slots.clone().find(|&slot| !taken[slot]).unwrap_or(first);
                taken[slot] = true;
                Look::Color(slot)
            }
        };
        keys.push(Key { name: of.name.clone(), share: of.share, look });
    }
    let rest = classes.get(own..).unwrap_or_default();
    if !rest.is_empty() {
        let share = rest.iter().map(|of| of.share).sum();
        keys.push(Key { name: format!("{} other classes", rest.len()), share, look: Look::Others });
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(numbers: impl IntoIterator<Item = usize>) -> Vec<ClassShare> {
        let of = |class| ClassShare { class, name: class.to_string(), share: 0.01 };
        numbers.into_iter().map(of).collect()
    }

    #[test]
    fn no_two_classes_look_alike() {
        let all = keys(&classes(0..MOST), None);
        let look = |key: &Key| (0..8).map(|x| key.color(x, 0)).collect::<Vec<_>>();
        for (at, key) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| look(other) != look(key)), "{at}");
        }
        let many = keys(&classes(0..300), None);
        assert_eq!((many.len(), many[MOST - 1].name.as_str()), (MOST, "281 other classes"));
    }

    #[test]
    fn a_class_keeps_its_color_from_picture_to_picture() {
        let (first, second) = (keys(&classes([3, 15, 0]), None), keys(&classes([7, 3]), None));
        assert!(first[0].look == second[1].look);
        assert!(keys(&classes([0, 3]), Some(0))[0].color(1, 1).is_none());
        // The smaller of two that would have one gives way.
        let both = keys(&classes([13, 3]), None);
        assert!(both[0].look == first[0].look && both[1].look != both[0].look);
    }
}
