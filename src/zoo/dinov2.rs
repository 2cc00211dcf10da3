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

/// What DINOv2's networks differ in.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub size: Size,
    pub registers: i64,
    /// Rows and columns of patches that the position embedding is for.
    pub trained: i64,
    /// Whether there is a position for the class token; timm adds it to that instead where there are
    /// registers.
    pub class_has_position: bool,
    /// How the position embedding gets to another grid: see [`PositionGrid`].
    pub offset: f64,
    pub antialias: bool,
}

/// Pictures of 224×224, enlarged and reduced with a cubic.
pub(super) fn build(name: &str, size: Size, registers: i64) -> Result<Network> {
    let mut b = Network::builder(name, [3, 224, 224]);
    b.preprocess(Preprocess::imagenet().interpolation(Interpolation::Bicubic));
    // The authors added 0.1 at first, and smooth since there are registers.
    let (offset, antialias) = if registers == 0 { (0.1, false) } else { (0.0, true) };
    let (trained, class_has_position) = (TRAINED, true);
    build_for(b, Form { size, registers, trained, class_has_position, offset, antialias })
}

/// The same for pictures of the builder's size.
pub(super) fn build_for(mut b: Builder, form: Form) -> Result<Network> {
    let Form { size, registers, class_has_position, .. } = form;
    let cut = [2, 3].map(|dim| b.shape(b.input()).get(dim).map_or(0, |pixels| pixels / PATCH));
    let patches = patches(&mut b, "patch_embed.proj", PATCH, size.width);
    let class = b.parameter("cls_token", &[1, 1, size.width], 0.02);
    let before = i64::from(class_has_position);
    let positions = before.saturating_add(form.trained.saturating_mul(form.trained));
    let places = b.parameter("pos_embed", &[1, positions, size.width], 0.02);
    let places = resampled(&mut b, places, cut, form);
    let tokens = |start, end| Slice { dim: 1, start, end, step: 1 };
    let mut x = if class_has_position {
        let x = b.op("concat", Concat { dim: 1 }, &[class, patches]);
        b.add(x, places, "add")
    } else {
        let x = b.add(patches, places, "add");
        b.op("concat", Concat { dim: 1 }, &[class, x])
    };
    if registers > 0 {
        let all = b.parameter("register_tokens", &[1, registers, size.width], 0.02);
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
fn resampled(b: &mut Builder, places: NodeId, to: [i64; 2], form: Form) -> NodeId {
    let (from, before) = ([form.trained; 2], i64::from(form.class_has_position));
    if to == from {
        return places;
    }
    let Form { offset, antialias, .. } = form;
    let op = PositionGrid { before, from, to, offset, antialias };
    b.op("positions", op, &[places])
}
