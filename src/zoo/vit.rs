//! Vision transformers: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020
//! ([arXiv:2010.11929](https://arxiv.org/abs/2010.11929)), as torchvision builds them; and DeiT:
//! Touvron et al., "Training data-efficient image transformers", 2020
//! ([arXiv:2012.12877](https://arxiv.org/abs/2012.12877)), which is the same network, trained otherwise.
//!
//! Attention is not one fused operation: the maps of every head are the nodes
//! `encoder.layers.encoder_layer_N.self_attention.attention`, `[N, heads, tokens, tokens]`. Token 0
//! is the class token; the others are the patches, row by row.

use super::CLASSES;
use super::transformer::{Names, Size, block, patches};
use crate::Result;
use crate::network::ops::{Concat, Select};
use crate::network::{Builder, Interpolation, Network, Preprocess};

const NAMES: Names = Names {
    norms: ["ln_1", "ln_2"],
    attention: ["self_attention", "in_proj", "out_proj"],
    mlp: ["mlp.0", "mlp.1", "mlp.3"],
    scales: None,
};

pub(super) fn build(b: Builder, size: Size) -> Result<Network> {
    build_for(b, size, 16, CLASSES)
}

/// DeiT, whose authors enlarge and reduce pictures with a cubic.
pub(super) fn deit(mut b: Builder, size: Size) -> Result<Network> {
    b.preprocess(Preprocess::imagenet().interpolation(Interpolation::Bicubic));
    build(b, size)
}

/// The same with patches of another size, for so many classes; without any, the output is the class
/// token.
pub(super) fn build_for(mut b: Builder, size: Size, patch: i64, classes: i64) -> Result<Network> {
    let patches = patches(&mut b, "conv_proj", patch, size.width);
    let class = b.parameter("class_token", &[1, 1, size.width], 0.02);
    let x = b.op("concat", Concat { dim: 1 }, &[class, patches]);
    let tokens = b.shape(x).get(1).copied().unwrap_or_default();
    let places = b.parameter("encoder.pos_embedding", &[1, tokens, size.width], 0.02);
    let mut x = b.add(x, places, "encoder.add");
    for index in 0..size.blocks {
        x = block(&mut b, x, &format!("encoder.layers.encoder_layer_{index}"), size, &NAMES);
    }
    let x = b.layer_norm(x, "encoder.ln", size.eps);
    let x = b.op("class", Select { dim: 1, index: 0 }, &[x]);
    if classes > 0 {
        b.linear(x, "heads.head", classes);
    }
    b.build()
}
