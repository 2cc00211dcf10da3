//! Shapes that hold for any batch. A file may be exported for one image, with its reshapes written
//! out for that: where the batch stands in each value is followed through the graph, so that the
//! network takes any number of images all the same.

use super::sizes::Size;
use crate::error::shape_text;
use crate::network::Op;
use crate::network::ops::MOST_DIMS;

/// A value's shape for one batch as large as the file's, and where the batch stands in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    pub sizes: Vec<i64>,
    /// `None` where the value is the same for every batch.
    pub batch: Option<Batch>,
}

/// Dimension `dim` is before · N · after: transformers merge tokens or heads into the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Batch {
    pub dim: usize,
    pub before: i64,
    /// How many images the file is made for: N is a multiple of it during the import.
    pub images: i64,
}

impl Shape {
    /// For `n` such batches.
    pub(super) fn at(&self, n: i64) -> Result<Vec<i64>, String> {
        let mut sizes = self.sizes.clone();
        if let Some(size) = self.batch.and_then(|batch| sizes.get_mut(batch.dim)) {
            *size = size.checked_mul(n).ok_or_else(|| too_large(&self.sizes))?;
        }
        product(&sizes)?;
        Ok(sizes)
    }

    pub(super) fn symbolic(&self) -> Vec<Size> {
        let holds = |dim| self.batch.is_some_and(|batch| batch.dim == dim);
        let size = |(dim, &count): (usize, &i64)| Size { count, batch: holds(dim) };
        self.sizes.iter().enumerate().map(size).collect()
    }

    /// What an operation made of `inputs`, from its result for one image and for two.
    pub(super) fn found(one: Vec<i64>, two: &[i64], inputs: &[&Shape]) -> Result<Shape, String> {
        product(two)?; // no smaller than the other
        let changed: Vec<usize> = (0..one.len()).filter(|&dim| one[dim] != two[dim]).collect();
        let batches = || inputs.iter().filter_map(|shape| Some((shape, shape.batch?)));
        let images = batches().next().map_or(1, |(_, batch)| batch.images);
        let dim = match changed.as_slice() {
            [] if batches().next().is_none() => return Ok(Shape { sizes: one, batch: None }),
            &[dim] if one[dim].checked_mul(2) == Some(two[dim]) => dim,
            _ => {
                return Err(format!(
                    "it would mix the images of a batch ({one:?} for one image, {two:?} for two)"
                ));
            }
        };
        // A dimension that stays as large is the same dimension, with the batch at the same place.
        let same =
            |&(shape, batch): &(&&Shape, Batch)| shape.sizes.get(batch.dim) == Some(&one[dim]);
        let before = batches().find(same).map_or(1, |(_, batch)| batch.before);
        Ok(Shape { sizes: one, batch: Some(Batch { dim, before, images }) })
    }

    /// The shape after a reshape to `target`, in which -1 takes what is left.
    ///
    /// Values keep their row-major order, so the number of values before the batch stays. That leaves
    /// a choice only where the batch meets the border of two dimensions: `dynamic` files have it in
    /// the -1; else a dimension as large as the file's batch is it, or, where it was merged, one that holds no
    /// features (the last does).
    #[allow(clippy::arithmetic_side_effects, reason = "`product` gives 1 to 2^32")]
    pub(super) fn reshaped(&self, target: &[Size], dynamic: bool) -> Result<Shape, String> {
        let free: Vec<usize> = (0..target.len()).filter(|&dim| target[dim].count == -1).collect();
        let known = target.iter().filter(|size| size.count != -1).map(|size| size.count);
        let known = product(&known.collect::<Vec<_>>())?;
        let all = product(&self.sizes)?;
        let wrong = || format!("a reshape of {:?} to {}", self.sizes, Size::text(target));
        if free.len() > 1 || all % known != 0 || (free.is_empty() && all != known) {
            return Err(wrong());
        }
        let fill = |size: &Size| if size.count == -1 { all / known } else { size.count };
        let sizes: Vec<i64> = target.iter().map(fill).collect();
        let Some(batch) = self.batch else { return Ok(Shape { sizes, batch: None }) };

        let ahead = product(&self.sizes[..batch.dim])?.checked_mul(batch.before);
        let ahead = ahead.ok_or_else(wrong)?;
        // How much of dimension `dim` stands before the batch, if the batch can stand in it.
        let before = |dim: usize| {
            let passed: i64 = sizes[..dim].iter().product();
            let before = Some(ahead / passed).filter(|_| ahead % passed == 0)?;
            (sizes[dim] % before == 0 && sizes[dim] / before % batch.images == 0).then_some(before)
        };
        let possible: Vec<usize> = (0..sizes.len()).filter(|&dim| before(dim).is_some()).collect();
        let explicit = target.iter().position(|size| size.batch);
        let free = free.first().copied().filter(|dim| possible.contains(dim));
        let alone = |&dim: &usize| sizes[dim] == batch.images;
        let inner = possible.iter().copied().rfind(|&dim| dim + 1 < sizes.len());
        let dim = explicit
            .or(free.filter(|dim| dynamic || alone(dim)))
            .or(possible.iter().copied().find(alone))
            .or(free)
            .or(inner)
            .or(possible.last().copied());
        let images = batch.images;
        let batch = dim.and_then(|dim| Some(Batch { dim, before: before(dim)?, images }));
        let batch = batch.ok_or_else(|| wrong() + ", which mixes the images of a batch")?;
        Ok(Shape { sizes, batch: Some(batch) })
    }

    /// This shape as a reshape's target: the batch is what is left.
    pub(super) fn target(&self) -> Vec<i64> {
        let size = |size: Size| if size.batch { -1 } else { size.count };
        self.symbolic().into_iter().map(size).collect()
    }
}

/// The shape of an operation's result for any batch.
pub(super) fn inferred(op: &Op, inputs: &[Shape]) -> Result<Shape, String> {
    let at = |n: i64| {
        let shapes = inputs.iter().map(|shape| shape.at(n)).collect::<Result<Vec<_>, String>>()?;
        let shapes: Vec<&[i64]> = shapes.iter().map(Vec::as_slice).collect();
        op.shape(&shapes).map_err(|misfit| {
            let images = if n == 1 { "" } else { " for two images: export it for a dynamic batch" };
            format!("expected {}, got {}{images}", misfit.expected, misfit.got)
        })
    };
    let (one, two) = (at(1)?, at(2)?);
    Shape::found(one, &two, &inputs.iter().collect::<Vec<_>>())
}

/// The number of values, each size at least 1; an error where it is beyond what any machine holds for
/// one value of a network (16 GiB of float32).
pub(super) fn product(sizes: &[i64]) -> Result<i64, String> {
    const MOST: i64 = 1 << 32;
    if sizes.len() > MOST_DIMS {
        let shape = shape_text(sizes);
        return Err(format!("{shape}, at most {MOST_DIMS} dimensions are supported"));
    }
    sizes
        .iter()
        .try_fold(1_i64, |all, &size| all.checked_mul(size).filter(|all| (1..=MOST).contains(all)))
        .ok_or_else(|| too_large(sizes))
}

fn too_large(sizes: &[i64]) -> String {
    format!("an impossible shape {}", shape_text(sizes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(sizes: &[i64], dim: usize, before: i64) -> Shape {
        Shape { sizes: sizes.to_vec(), batch: Some(Batch { dim, before, images: 1 }) }
    }

    fn reshaped(from: &Shape, target: &[i64], dynamic: bool) -> Result<Shape, String> {
        let size = |&count: &i64| Size { count, batch: false };
        from.reshaped(&target.iter().map(size).collect::<Vec<_>>(), dynamic)
    }

    #[test]
    fn the_batch_is_found_in_a_reshape_written_for_one_image() {
        // Those of ViT-B/16's attention.
        let steps: [(Shape, &[i64], Shape); 8] = [
            (shape(&[1, 768, 14, 14], 0, 1), &[1, 768, 196], shape(&[1, 768, 196], 0, 1)),
            (shape(&[197, 1, 2304], 1, 1), &[197, 1, 3, 768], shape(&[197, 1, 3, 768], 1, 1)),
            (shape(&[197, 1, 768], 1, 1), &[197, 12, 64], shape(&[197, 12, 64], 1, 1)),
            (shape(&[12, 197, 64], 0, 1), &[1, 12, 197, 64], shape(&[1, 12, 197, 64], 0, 1)),
            (shape(&[197, 1, 12, 64], 1, 1), &[197, 768], shape(&[197, 768], 0, 197)),
            (shape(&[197, 768], 0, 197), &[197, 1, 768], shape(&[197, 1, 768], 1, 1)),
            (shape(&[1, 512, 1, 1], 0, 1), &[1, 512], shape(&[1, 512], 0, 1)),
            (shape(&[1, 512, 1, 1], 0, 1), &[-1, 512], shape(&[1, 512], 0, 1)),
        ];
        for (from, target, expected) in steps {
            assert_eq!(reshaped(&from, target, false), Ok(expected), "{from:?} to {target:?}");
        }
    }

    #[test]
    fn a_file_for_four_images_has_them_in_its_reshapes() {
        let of_four = |sizes: &[i64], dim: usize, before: i64| {
            let batch = Some(Batch { dim, before, images: 4 });
            Shape { sizes: sizes.to_vec(), batch }
        };
        let map = of_four(&[4, 8, 7, 7], 0, 1);
        for (target, expected) in [
            (&[4, 392][..], of_four(&[4, 392], 0, 1)),
            (&[-1, 8, 49], of_four(&[4, 8, 49], 0, 1)),
            // Windows of rows, merged with the images.
            (&[28, 8, 7], of_four(&[28, 8, 7], 0, 1)),
        ] {
            assert_eq!(reshaped(&map, target, false), Ok(expected), "{target:?}");
        }
        // 392 · 4 values can't be told apart again.
        assert!(reshaped(&map, &[2, 784], false).is_err());
    }

    #[test]
    fn a_file_for_any_batch_has_it_in_the_minus_one() {
        let merged = reshaped(&shape(&[197, 1, 12, 64], 1, 1), &[-1, 768], true);
        assert_eq!(merged, Ok(shape(&[197, 768], 0, 197)));
        let parted = reshaped(&shape(&[197, 768], 0, 197), &[197, -1, 768], true);
        assert_eq!(parted, Ok(shape(&[197, 1, 768], 1, 1)));
        let first = reshaped(&shape(&[1, 768], 0, 1), &[1, -1], true);
        assert_eq!(first, Ok(shape(&[1, 768], 1, 1)));
    }

    #[test]
    fn impossible_reshapes_are_refused() {
        let from = shape(&[6, 4], 0, 2);
        for target in [&[-1, -1][..], &[5, -1], &[0, 4], &[i64::MAX, i64::MAX], &[24, 2]] {
            assert!(reshaped(&from, target, false).is_err(), "{target:?}");
        }
        // The rows of 2 · N · 3 · 4 end where 3 dimensions of 8 do not.
        assert!(reshaped(&from, &[3, 8], false).is_err());
    }

    #[test]
    fn the_batch_is_followed_through_an_operation() {
        let merged = shape(&[197, 768], 0, 197);
        let linear = Shape::found(vec![197, 10], &[394, 10], &[&merged]);
        assert_eq!(linear, Ok(shape(&[197, 10], 0, 197)));
        let image = shape(&[1, 3, 8, 8], 0, 1);
        assert!(Shape::found(vec![3, 8, 8], &[3, 8, 8], &[&image]).is_err(), "N was dropped");
        assert!(Shape::found(vec![2, 3], &[3, 3], &[&image]).is_err(), "N + 1");
    }
}
