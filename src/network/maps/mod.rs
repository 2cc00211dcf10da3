//! A layer's values as maps of the picture, however the network keeps them: channels first
//! `[N, C, h, w]`, channels last `[N, h, w, C]`, tokens `[N, T, C]` with class and register tokens
//! before them, windows of them. What lies where is found from the operations, in
//! `ops/axes.rs`.

use tch::{TchError, Tensor};

use super::Network;
use super::ops::{Axes, Counts, Part};
use crate::error::shape_text;
use crate::{Error, Result};

/// How one layer's values become maps `[N, C, h, w]`.
#[derive(Clone, Debug)]
pub(crate) struct Maps {
    /// The values' shape, each part of a dimension by itself; -1 for the images.
    parts: Vec<i64>,
    /// Where among the parts the tokens are, and how many come before the grid.
    tokens: Option<(usize, i64)>,
    /// The shape with the tokens as rows and columns.
    split: Vec<i64>,
    order: Vec<i64>,
    shape: [i64; 3],
    rank: usize,
    /// The dimensions that hold channels and nothing else, with their sizes.
    channels: Vec<(i64, i64)>,
}

impl Network {
    /// How the values of node `at` are maps, for inputs of this shape.
    ///
    /// # Errors
    ///
    /// A layer whose values are none; an input that doesn't fit.
    pub(crate) fn maps(&self, at: usize, input: &[i64]) -> Result<Maps> {
        let wanted = "maps [N, C, h, w] or [N, h, w, C], or tokens [N, T, C], one for each patch and a few \
                      before them";
        self.find_maps(at, input)?.ok_or_else(|| self.no_maps(at, input, wanted))
    }

    /// The same, for a layer with units: features `[N, C]` are maps of one value, tokens that lie on no
    /// grid are maps of one column.
    pub(crate) fn units(&self, at: usize, input: &[i64]) -> Result<Maps> {
        if let Some(maps) = self.find_maps(at, input)? {
            return Ok(maps);
        }
        let maps = self.shapes(input)?.get(at).and_then(|shape| match shape[..] {
            [_, features] => Some(Maps::plain(&[features], &[0, 1], [features, 1, 1], 1)),
            [_, tokens, width] => {
                Some(Maps::plain(&[tokens, width], &[0, 2, 1], [width, tokens, 1], 2))
            }
            _ => None,
        });
        maps.ok_or_else(|| self.no_maps(at, input, "values [N, C], [N, T, C] or [N, C, h, w]"))
    }

    /// The same; nothing where its values are no maps.
    pub(crate) fn find_maps(&self, at: usize, input: &[i64]) -> Result<Option<Maps>> {
        let (shapes, axes) = self.axes(input)?;
        let found = axes.get(at).and_then(Maps::of_axes);
        Ok(found.or_else(|| match shapes.get(at)?[..] {
            // Where nothing is known of them, four dimensions are what they are in PyTorch.
            [_, c, h, w] => Some(Maps::plain(&[c, h, w], &[0, 1, 2, 3], [c, h, w], 1)),
            _ => None,
        }))
    }

    fn no_maps(&self, at: usize, input: &[i64], wanted: &str) -> Error {
        Error::Shape {
            at: format!("{}'s layer `{}`", self.name, self.nodes[at].name),
            expected: wanted.to_owned(),
            got: self.shapes(input).map(|all| shape_text(&all[at])).unwrap_or_default(),
            remedy: "Choose a convolutional layer, or a vision transformer's layer of tokens; \
                     `net.layer_names()` lists all."
                .to_owned(),
        }
    }

    /// The grid of places that the last dimension of node `at` runs over, row by row, and how many
    /// tokens come before it.
    pub(crate) fn tokens(&self, at: usize, input: &[i64]) -> Result<Option<(i64, [i64; 2])>> {
        let (_, axes) = self.axes(input)?;
        Ok(axes.get(at).and_then(|axes| match *axes.dims().last()?.as_slice() {
            [Part { counts: Counts::Tokens { before, grid }, .. }] => Some((before, grid)),
            [
                Part { counts: Counts::Rows { step: 1 }, size: rows },
                Part { counts: Counts::Columns { step: 1 }, size: columns },
            ] => Some((0, [rows, columns])),
            _ => None,
        }))
    }

    /// Shapes and axes of all nodes for two images, so that the dimension of images isn't one of size 1;
    /// for one where a network takes no more.
    pub(in crate::network) fn axes(&self, input: &[i64]) -> Result<(Vec<Vec<i64>>, Vec<Axes>)> {
        let images = |count: i64| {
            let mut input = input.to_vec();
            if let Some(images) = input.first_mut() {
                *images = count;
            }
            self.shapes(&input)
        };
        let shapes = images(2).or_else(|_| images(1))?;
        let mut all: Vec<Axes> = Vec::with_capacity(shapes.len());
        for (node, output) in self.nodes.iter().zip(&shapes) {
            let inputs: Vec<&Axes> = node.inputs.iter().filter_map(|&i| all.get(i)).collect();
            let axes = match (inputs.split_first(), all.is_empty()) {
                (_, true) => Axes::of_pictures(output),
                (Some((x, others)), _) => node.op.operation().axes(x, others, output),
                (None, _) => Axes::unknown(output),
            };
            all.push(axes);
        }
        Ok((shapes, all))
    }
}

impl Maps {
    /// Of values `[N, …]` whose channels are dimension `channels`.
    fn plain(rest: &[i64], order: &[i64], shape: [i64; 3], channels: i64) -> Maps {
        let parts = [&[-1], rest].concat();
        Maps {
            split: parts.clone(),
            rank: parts.len(),
            parts,
            tokens: None,
            order: order.to_vec(),
            shape,
            channels: vec![(channels, shape[0])],
        }
    }

    fn of_axes(axes: &Axes) -> Option<Maps> {
        let mut places = Vec::new();
        let mut channels = Vec::new();
        for (at, dim) in (0..).zip(axes.dims()) {
            let mixed = at > 0 && dim.iter().any(|part| part.counts == Counts::Other);
            if mixed {
                channels.push((at, dim.iter().map(|part| part.size).product()));
            }
            let counts = |part: &Part| if mixed { Counts::Other } else { part.counts };
            places.extend(dim.iter().map(|part| Part { counts: counts(part), ..*part }));
        }
        let images = |place: &Part| place.counts == Counts::Images;
        if places.iter().filter(|place| images(place)).count() != 1 {
            return None;
        }
        let size = |place: &Part| if images(place) { -1 } else { place.size };
        let parts: Vec<i64> = places.iter().map(size).collect();
        let token = |place: &Part| match place.counts {
            Counts::Tokens { before, grid } => Some((before, grid)),
            _ => None,
        };
        let found = places.iter().enumerate().find_map(|(at, place)| Some((at, token(place)?)));
        let mut tokens = None;
        if let Some((at, (before, [rows, columns]))) = found {
            tokens = Some((at, before));
            let grid = [
                Part { counts: Counts::Rows { step: 1 }, size: rows },
                Part { counts: Counts::Columns { step: 1 }, size: columns },
            ];
            places.splice(at..=at, grid);
        }
        if places.iter().any(|place| token(place).is_some()) {
            return None;
        }
        let of = |wanted: &dyn Fn(Counts) -> Option<i64>| -> Vec<(usize, i64, i64)> {
            let all = places.iter().enumerate();
            all.filter_map(|(at, p)| Some((at, wanted(p.counts)?, p.size))).collect()
        };
        let rows = of(&|counts| match counts {
            Counts::Rows { step } => Some(step),
            _ => None,
        });
        let columns = of(&|counts| match counts {
            Counts::Columns { step } => Some(step),
            _ => None,
        });
        if rows.is_empty() && columns.is_empty() {
            return None;
        }
        let (rows, height) = one_after_the_other(rows)?;
        let (columns, width) = one_after_the_other(columns)?;
        let images = of(&|counts| (counts == Counts::Images).then_some(0));
        let others = of(&|counts| (counts == Counts::Other).then_some(0));
        let count = others.iter().map(|&(.., size)| size).product();
        let plain = images.into_iter().chain(others).map(|(at, ..)| at);
        let order = plain.chain(rows).chain(columns).map(|at| at as i64).collect();
        let split = places.iter().map(size).collect();
        let (shape, rank) = ([count, height, width], axes.dims().len());
        Some(Maps { parts, tokens, split, order, shape, rank, channels })
    }

    /// `[C, h, w]`
    pub(crate) fn shape(&self) -> [i64; 3] {
        self.shape
    }

    /// Whether these dimensions of a layer's value are all its places, without other tokens among them.
    pub(crate) fn lie_along(&self, dims: &[usize]) -> bool {
        let channels = |dim: usize| self.channels.iter().any(|&(at, _)| at as usize == dim);
        self.tokens.is_none()
            && !dims.contains(&0)
            && (1..self.rank).all(|dim| dims.contains(&dim) != channels(dim))
    }

    /// The layer's value as maps, `[N, C, h, w]`: without class and register tokens.
    pub(crate) fn of(&self, value: &Tensor) -> Result<Tensor> {
        let [channels, rows, columns] = self.shape;
        let arranged = || {
            if self.tokens.is_none() && self.parts.len() == 4 && self.rank == 4 {
                return value.f_permute(&self.order); // of any height and width
            }
            let mut value = value.f_reshape(&self.parts)?;
            if let Some((at, before)) = self.tokens {
                value = value.f_narrow(at as i64, before, rows * columns)?;
            }
            let value = value.f_reshape(&self.split)?.f_permute(&self.order)?;
            value.f_reshape([-1, channels, rows, columns])
        };
        arranged().map_err(Error::torch("arranging a layer's values as maps"))
    }

    /// All that belongs to a channel in the layer's own value, class and register tokens among it: a
    /// view.
    pub(crate) fn channel(&self, value: &Tensor, channel: i64) -> Result<Tensor, TchError> {
        let (mut view, mut rest) = (value.shallow_clone(), channel);
        if self.channels.iter().map(|&(_, size)| size).product::<i64>() != self.shape[0] {
            return Err(TchError::Shape("the channels lie among the images".to_owned()));
        }
        // The last dimension first, so that the others keep their numbers.
        for &(dim, size) in self.channels.iter().rev() {
            view = view.f_select(dim, rest % size)?;
            rest /= size;
        }
        Ok(view)
    }
}

/// The places of parts that count on from each other, the slowest first, and how many they are together;
/// nothing if some are missing or twice there.
fn one_after_the_other(mut parts: Vec<(usize, i64, i64)>) -> Option<(Vec<usize>, i64)> {
    parts.sort_by_key(|&(_, step, _)| std::cmp::Reverse(step));
    let follow = |pair: &[(usize, i64, i64)]| pair[0].1 == pair[1].1 * pair[1].2;
    let size = parts.iter().map(|&(.., size)| size).product();
    parts.windows(2).all(follow).then(|| (parts.iter().map(|&(at, ..)| at).collect(), size))
}

#[cfg(test)]
mod tests;
