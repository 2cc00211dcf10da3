//! MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018
//! ([arXiv:1801.04381](https://arxiv.org/abs/1801.04381)), as torchvision builds it.

use super::imagenet;
use crate::Result;
use crate::network::{Builder, Conv2d, Network, NodeId, Pointwise};

pub(super) fn build_v2(name: &str) -> Result<Network> {
    let mut b = imagenet(name);
    let x = b.input();
    let mut x = conv_bn_relu6(&mut b, x, "features.0", Conv2d::new(32, 3).stride(2).padding(1));
    let mut channels = 32;
    let mut index = 1;
    // Expansion, output channels, repetitions, stride of the first.
    for (expansion, out, count, stride) in [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ] {
        for repetition in 0..count {
            let stride = if repetition == 0 { stride } else { 1 };
            let name = format!("features.{index}");
            x = inverted_residual(&mut b, x, &name, [channels, expansion * channels, out], stride);
            (channels, index) = (out, index + 1);
        }
    }
    let x = conv_bn_relu6(&mut b, x, "features.18", Conv2d::new(1280, 1));
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "classifier.1", 1000);
    b.build()
}

fn conv_bn_relu6(b: &mut Builder, x: NodeId, name: &str, conv: Conv2d) -> NodeId {
    let x = b.conv2d(x, &format!("{name}.0"), conv.no_bias());
    let x = b.batch_norm(x, &format!("{name}.1"));
    b.pointwise(x, &format!("{name}.2"), Pointwise::Relu6)
}

/// Expand, filter each channel by itself, project; a skip where the shape stays.
fn inverted_residual(
    b: &mut Builder,
    input: NodeId,
    name: &str,
    [from, hidden, to]: [i64; 3],
    stride: i64,
) -> NodeId {
    let mut x = input;
    let mut part = 0;
    let mut next = || {
        part += 1;
        format!("{name}.conv.{}", part - 1)
    };
    if hidden != from {
        x = conv_bn_relu6(b, x, &next(), Conv2d::new(hidden, 1));
    }
    let each = Conv2d::new(hidden, 3).stride(stride).padding(1).groups(hidden);
    x = conv_bn_relu6(b, x, &next(), each);
    x = b.conv2d(x, &next(), Conv2d::new(to, 1).no_bias());
    x = b.batch_norm(x, &next());
    if stride == 1 && from == to { b.add(input, x, &format!("{name}.add")) } else { x }
}
