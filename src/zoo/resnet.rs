//! ResNet: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2015
//! ([arXiv:1512.03385](https://arxiv.org/abs/1512.03385)), as torchvision builds it.

use super::CLASSES;
use crate::Result;
use crate::network::{Builder, Conv2d, Network, NodeId, Pool};

/// ResNet-18 and -34: blocks of two 3×3 convolutions.
pub(super) fn basic(b: Builder, blocks: [usize; 4]) -> Result<Network> {
    build_for(b, blocks, Block::Basic, CLASSES)
}

/// ResNet-50 and -101: blocks that narrow, convolve and widen fourfold.
pub(super) fn bottleneck(b: Builder, blocks: [usize; 4]) -> Result<Network> {
    build_for(b, blocks, Block::Bottleneck, CLASSES)
}

#[derive(Clone, Copy)]
pub(super) enum Block {
    Basic,
    Bottleneck,
}

impl Block {
    /// The convolutions of a block: channels, kernel, stride.
    fn convolutions(self, width: i64, stride: i64) -> Vec<(i64, i64, i64)> {
        match self {
            Block::Basic => vec![(width, 3, stride), (width, 3, 1)],
            Block::Bottleneck => vec![(width, 1, 1), (width, 3, stride), (4 * width, 1, 1)],
        }
    }
}

/// The same for so many classes; without any, the output is what they would be told by.
pub(super) fn build_for(
    mut b: Builder,
    blocks: [usize; 4],
    block: Block,
    classes: i64,
) -> Result<Network> {
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(64, 7).stride(2).padding(3).no_bias());
    let x = b.batch_norm(x, "bn1");
    let x = b.relu(x, "relu");
    let mut x = b.max_pool(x, "maxpool", Pool::new(3, 2).padding(1));
    let mut channels = 64;
    for (stage, (count, width)) in (1..).zip(blocks.into_iter().zip([64, 128, 256, 512])) {
        for index in 0..count {
            let stride = if stage > 1 && index == 0 { 2 } else { 1 };
            let convolutions = block.convolutions(width, stride);
            let name = format!("layer{stage}.{index}");
            (x, channels) = residual(&mut b, x, &name, channels, &convolutions);
        }
    }
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    if classes > 0 {
        b.linear(x, "fc", classes);
    }
    b.build()
}

/// Convolutions beside a skip; the skip is projected where the shape changes. Returns the block's
/// output and how many channels that has.
fn residual(
    b: &mut Builder,
    input: NodeId,
    name: &str,
    channels: i64,
    convolutions: &[(i64, i64, i64)],
) -> (NodeId, i64) {
    let mut x = input;
    let (mut out, mut reduction) = (channels, 1);
    for (index, &(width, kernel, stride)) in (1..).zip(convolutions) {
        let conv = Conv2d::new(width, kernel).stride(stride).padding(kernel / 2).no_bias();
        x = b.conv2d(x, &format!("{name}.conv{index}"), conv);
        x = b.batch_norm(x, &format!("{name}.bn{index}"));
        (out, reduction) = (width, reduction * stride);
        if index < convolutions.len() {
            // As torchvision names the calls of one ReLU: relu, relu_1, …
            let call = if index == 1 { String::new() } else { format!("_{}", index - 1) };
            x = b.relu(x, &format!("{name}.relu{call}"));
        }
    }
    let skip = if out != channels || reduction != 1 {
        let conv = Conv2d::new(out, 1).stride(reduction).no_bias();
        let skip = b.conv2d(input, &format!("{name}.downsample.0"), conv);
        b.batch_norm(skip, &format!("{name}.downsample.1"))
    } else {
        input
    };
    let x = b.add(x, skip, &format!("{name}.add"));
    (b.relu(x, &format!("{name}.relu_{}", convolutions.len() - 1)), out)
}
