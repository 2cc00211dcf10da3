//! DINOv2: Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision", 2023
//! ([arXiv:2304.07193](https://arxiv.org/abs/2304.07193)); with registers: Darcet et al., "Vision Transformers
//! Need Registers", 2023 ([arXiv:2309.16588](https://arxiv.org/abs/2309.16588)). Parameter names are those of
//! the authors' files.
//!
//! The output is the class token behind the last normalization, `[N, width]`: features, no classes. Layer
//! `norm` has all tokens: the class, the registers, then the patches, row by row.

use super::transformer::{Names, Size, block, patches};
use crate::Result;
use crate::network::ops::{Concat, PositionGrid, Select, Slice};
use crate::network::{Builder, Interpolation, Network, NodeId, Preprocess};

const PATCH: i64 = 14;
/// Trained on 37 × 37 patches, which is what the position embedding is for.
const TRAINED: i64 = 37;

const NAMES: Names = Names {
    norms: ["norm1", "norm2"],
    attention: ["attn", "qkv", "proj"],
    mlp: ["mlp.fc1", "mlp.act", "mlp.fc2"],
    scales: Some(["ls1.gamma", "ls2.gamma"]),
};

/// How the position embedding gets to another grid: the authors' ways differ.
#[derive(Clone, Copy)]
pub(super) struct Positions {
    /// Added to the number of patches when the scale is computed.
    pub offset: f64,
    pub antialias: bool,
}

/// Pictures of 224×224, enlarged and reduced with a cubic.
pub(super) fn build(name: &str, size: Size, registers: i64) -> Result<Network> {
    let mut b = Network::builder(name, [3, 224, 224]);
    b.preprocess(Preprocess::imagenet().interpolation(Interpolation::Bicubic));
    let positions = match registers {
        0 => Positions { offset: 0.1, antialias: false },
        _ => Positions { offset: 0.0, antialias: true },
    };
    build_for(b, size, registers, positions)
}

/// The same for pictures of the builder's size.
pub(super) fn build_for(
    mut b: Builder,
    size: Size,
    registers: i64,
    positions: Positions,
) -> Result<Network> {
    let cut = [2, 3].map(|dim| b.shape(b.input()).get(dim).map_or(0, |pixels| pixels / PATCH));
    let patches = patches(&mut b, "patch_embed.proj", PATCH, size.width);
    let class = b.parameter("cls_token", &[1, 1, size.width], 0.02);
    let x = b.op("concat", Concat { dim: 1 }, &[class, patches]);
    let places = b.parameter("pos_embed", &[1, 1 + TRAINED * TRAINED, size.width], 0.02);
    let places = resampled(&mut b, places, cut, positions);
    let mut x = b.add(x, places, "add");
    if registers > 0 {
        let all = b.parameter("register_tokens", &[1, registers, size.width], 0.02);
        let tokens = |start, end| Slice { dim: 1, start, end, step: 1 };
        let class = b.op("class_token", tokens(0, 1), &[x]);
        let patches = b.op("patch_tokens", tokens(1, i64::MAX), &[x]);
        x = b.op("with_registers", Concat { dim: 1 }, &[class, all, patches]);
    }
    for index in 0..size.blocks {
        x = block(&mut b, x, &format!("blocks.{index}"), size, &NAMES);
    }
    let x = b.layer_norm(x, "norm", size.eps);
    b.op("class", Select { dim: 1, index: 0 }, &[x]);
    b.build()
}

/// The position embedding for a grid of so many patches.
fn resampled(b: &mut Builder, places: NodeId, to: [i64; 2], by: Positions) -> NodeId {
    if to == [TRAINED; 2] {
        return places;
    }
    let Positions { offset, antialias } = by;
    let op = PositionGrid { before: 1, from: [TRAINED; 2], to, offset, antialias };
    b.op("positions", op, &[places])
}
