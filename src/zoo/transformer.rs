//! What vision transformers share: patches as tokens, and blocks of attention and a small network.

use crate::network::ops::{Flatten, Permute};
use crate::network::{Builder, Conv2d, NodeId, Pointwise};

/// A transformer's size.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub blocks: usize,
    pub heads: i64,
    /// How many values a token has.
    pub width: i64,
    /// Added to the variance in normalizations.
    pub eps: f64,
}

pub(super) const TINY: Size = Size { blocks: 12, heads: 3, width: 192, eps: 1e-6 };
pub(super) const SMALL: Size = Size { blocks: 12, heads: 6, width: 384, eps: 1e-6 };
pub(super) const BASE: Size = Size { blocks: 12, heads: 12, width: 768, eps: 1e-6 };

/// What the parts of a block are called.
pub(super) struct Names {
    pub norms: [&'static str; 2],
    /// The whole, and its two linear layers.
    pub attention: [&'static str; 3],
    pub mlp: [&'static str; 3],
    /// Factors for each value before the skips, where there are any.
    pub scales: Option<[&'static str; 2]>,
}

/// The picture cut into patches of so many pixels, each a token: `[N, T, width]`, row by row.
pub(super) fn patches(b: &mut Builder, name: &str, patch: i64, width: i64) -> NodeId {
    let x = b.conv2d(b.input(), name, Conv2d::new(width, patch).stride(patch));
    let x = b.op("patches", Flatten { from: 2 }, &[x]);
    b.op("tokens", Permute { order: vec![0, 2, 1] }, &[x])
}

/// Attention and a network of two layers, each after a normalization and on a skip.
pub(super) fn block(
    b: &mut Builder,
    input: NodeId,
    name: &str,
    size: Size,
    names: &Names,
) -> NodeId {
    let at = |step: &str| format!("{name}.{step}");
    let scaled = |b: &mut Builder, x: NodeId, index: usize| match names.scales {
        Some(scales) => {
            let factors = b.parameter(&at(scales[index]), &[size.width], 0.1);
            b.mul(x, factors, &at(&format!("scaled_{}", index + 1)))
        }
        None => x,
    };
    let [attention, inward, outward] = names.attention;
    let x = b.layer_norm(input, &at(names.norms[0]), size.eps);
    let x = b.attention_of(x, &at(attention), size.heads, [inward, outward]);
    let x = scaled(b, x, 0);
    let input = b.add(x, input, &at("add"));
    let x = b.layer_norm(input, &at(names.norms[1]), size.eps);
    let [wide, function, narrow] = names.mlp;
    let x = b.linear(x, &at(wide), 4 * size.width);
    let x = b.pointwise(x, &at(function), Pointwise::Gelu);
    let x = b.linear(x, &at(narrow), size.width);
    let x = scaled(b, x, 1);
    b.add(input, x, &at("add_1"))
}
