//! ConvNeXt: Liu et al., "A ConvNet for the 2020s", 2022
//! ([arXiv:2201.03545](https://arxiv.org/abs/2201.03545)), as torchvision builds it: blocks keep their channels
//! last while they normalize and mix them.

use super::CLASSES;
use crate::Result;
use crate::network::ops::Permute;
use crate::network::{Builder, Conv2d, Network, NodeId, Pointwise};

/// A ConvNeXt's size.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub blocks: [usize; 4],
    pub widths: [i64; 4],
}

pub(super) const TINY: Size = Size { blocks: [3, 3, 9, 3], widths: [96, 192, 384, 768] };
pub(super) const SMALL: Size = Size { blocks: [3, 3, 27, 3], widths: [96, 192, 384, 768] };
pub(super) const BASE: Size = Size { blocks: [3, 3, 27, 3], widths: [128, 256, 512, 1024] };

const EPS: f64 = 1e-6;

pub(super) fn build(b: Builder, size: Size) -> Result<Network> {
    build_for(b, size, CLASSES)
}

/// The same for so many classes.
pub(super) fn build_for(mut b: Builder, size: Size, classes: i64) -> Result<Network> {
    let mut x = b.input();
    for (stage, (count, width)) in size.blocks.into_iter().zip(size.widths).enumerate() {
        // torchvision's `features`: the stem or a halving, then the stage.
        let (before, blocks) = (2 * stage, 2 * stage + 1);
        if stage == 0 {
            x = b.conv2d(x, "features.0.0", Conv2d::new(width, 4).stride(4));
            x = channels_normalized(&mut b, x, "features.0.1");
        } else {
            x = channels_normalized(&mut b, x, &format!("features.{before}.0"));
            let halved = Conv2d::new(width, 2).stride(2);
            x = b.conv2d(x, &format!("features.{before}.1"), halved);
        }
        for index in 0..count {
            x = block(&mut b, x, &format!("features.{blocks}.{index}"), width);
        }
    }
    let x = b.global_avg_pool(x, "avgpool");
    let x = channels_normalized(&mut b, x, "classifier.0");
    let x = b.flatten(x, "classifier.1");
    if classes > 0 {
        b.linear(x, "classifier.2", classes);
    }
    b.build()
}

/// A convolution of each channel by itself, then a mix of the channels at each place, on a skip.
fn block(b: &mut Builder, input: NodeId, name: &str, width: i64) -> NodeId {
    let at = |step: &str| format!("{name}.{step}");
    let each = Conv2d::new(width, 7).padding(3).groups(width);
    let x = b.conv2d(input, &at("block.0"), each);
    let x = b.op(&at("block.1"), channels_last(), &[x]);
    let x = b.layer_norm(x, &at("block.2"), EPS);
    let x = b.linear(x, &at("block.3"), 4 * width);
    let x = b.pointwise(x, &at("block.4"), Pointwise::Gelu);
    let x = b.linear(x, &at("block.5"), width);
    let x = b.op(&at("block.6"), channels_first(), &[x]);
    let scale = b.parameter(&at("layer_scale"), &[width, 1, 1], 1e-6);
    let x = b.mul(x, scale, &at("scaled"));
    b.add(x, input, &at("add"))
}

/// A layer normalization over the channels, which torchvision calls `LayerNorm2d`.
fn channels_normalized(b: &mut Builder, x: NodeId, name: &str) -> NodeId {
    let x = b.op(&format!("{name}.channels_last"), channels_last(), &[x]);
    let x = b.layer_norm(x, name, EPS);
    b.op(&format!("{name}.channels_first"), channels_first(), &[x])
}

fn channels_last() -> Permute {
    Permute { order: vec![0, 2, 3, 1] }
}

fn channels_first() -> Permute {
    Permute { order: vec![0, 3, 1, 2] }
}
