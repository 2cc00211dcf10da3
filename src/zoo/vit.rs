//! Vision transformers: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020
//! ([arXiv:2010.11929](https://arxiv.org/abs/2010.11929)), as torchvision builds them; and DeiT:
//! Touvron et al., "Training data-efficient image transformers", 2020
//! ([arXiv:2012.12877](https://arxiv.org/abs/2012.12877)), which is the same network, smaller.
//!
//! Attention is not one fused operation: the maps of every head are the nodes
//! `encoder.layers.encoder_layer_N.self_attention.attention`, `[N, heads, tokens, tokens]`. Token 0
//! is the class token; the others are the patches, row by row.

use super::imagenet;
use crate::Result;
use crate::network::ops::{Flatten, Permute, Select};
use crate::network::{Builder, Conv2d, Interpolation, Network, NodeId, Pointwise, Preprocess};

/// ViT-B/16: 12 blocks of 12 heads over tokens of 768 values.
pub(super) fn base(name: &str) -> Result<Network> {
    build(imagenet(name), Size { blocks: 12, heads: 12, width: 768 })
}

/// DeiT-Tiny: 12 blocks of 3 heads over tokens of 192 values.
pub(super) fn deit_tiny(name: &str) -> Result<Network> {
    let mut b = imagenet(name);
    // Its authors enlarge and reduce pictures with a cubic.
    b.preprocess(Preprocess::imagenet().interpolation(Interpolation::Bicubic));
    build(b, Size { blocks: 12, heads: 3, width: 192 })
}

struct Size {
    blocks: usize,
    heads: i64,
    width: i64,
}

const PATCH: i64 = 16;
const EPS: f64 = 1e-6;

fn build(mut b: Builder, size: Size) -> Result<Network> {
    let width = size.width;
    let patches = b.conv2d(b.input(), "conv_proj", Conv2d::new(width, PATCH).stride(PATCH));
    let patches = b.op("patches", Flatten { from: 2 }, &[patches]);
    let patches = b.op("tokens", Permute { order: vec![0, 2, 1] }, &[patches]);
    let class = b.parameter("class_token", &[1, 1, width], 0.02);
    let x = b.concat(&[class, patches], "concat");
    let tokens = b.shape(x).get(1).copied().unwrap_or_default();
    let places = b.parameter("encoder.pos_embedding", &[1, tokens, width], 0.02);
    let mut x = b.add(x, places, "encoder.add");
    for index in 0..size.blocks {
        x = block(&mut b, x, &format!("encoder.layers.encoder_layer_{index}"), &size);
    }
    let x = b.layer_norm(x, "encoder.ln", EPS);
    let x = b.op("class", Select { dim: 1, index: 0 }, &[x]);
    b.linear(x, "heads.head", 1000);
    b.build()
}

fn block(b: &mut Builder, input: NodeId, name: &str, size: &Size) -> NodeId {
    let at = |step: &str| format!("{name}.{step}");
    let x = b.layer_norm(input, &at("ln_1"), EPS);
    let x = b.self_attention(x, &at("self_attention"), size.heads);
    let input = b.add(x, input, &at("add"));
    let x = b.layer_norm(input, &at("ln_2"), EPS);
    let x = b.linear(x, &at("mlp.0"), 4 * size.width);
    let x = b.pointwise(x, &at("mlp.1"), Pointwise::Gelu);
    let x = b.linear(x, &at("mlp.3"), size.width);
    b.add(input, x, &at("add_1"))
}
