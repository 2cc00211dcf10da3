//! DenseNet: Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks",
//! 2016 ([arXiv:1608.06993](https://arxiv.org/abs/1608.06993)), as torchvision builds it.

use super::imagenet;
use crate::Result;
use crate::network::{Builder, Conv2d, Network, NodeId, Pool};

/// Channels that each layer adds.
const GROWTH: i64 = 32;

/// A DenseNet with this many layers in each of its blocks.
pub(super) fn build(name: &str, blocks: [usize; 4]) -> Result<Network> {
    let mut b = imagenet(name);
    let conv = Conv2d::new(64, 7).stride(2).padding(3).no_bias();
    let x = b.conv2d(b.input(), "features.conv0", conv);
    let x = b.batch_norm(x, "features.norm0");
    let x = b.relu(x, "features.relu0");
    let mut x = b.max_pool(x, "features.pool0", Pool::new(3, 2).padding(1));
    let mut channels = 64;
    for (block, layers) in (1..).zip(blocks) {
        let name = format!("features.denseblock{block}");
        x = dense_block(&mut b, x, &name, layers);
        channels += GROWTH * layers as i64;
        if block < blocks.len() {
            channels /= 2;
            x = transition(&mut b, x, &format!("features.transition{block}"), channels);
        }
    }
    let x = b.batch_norm(x, "features.norm5");
    let x = b.relu(x, "relu");
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "classifier", 1000);
    b.build()
}

/// Each layer reads all that came before it in the block, and adds its channels.
fn dense_block(b: &mut Builder, input: NodeId, name: &str, layers: usize) -> NodeId {
    let mut features = vec![input];
    for layer in 1..=layers {
        let at = |part: &str| format!("{name}.denselayer{layer}.{part}");
        let x = match features.as_slice() {
            &[only] => only,
            all => b.concat(all, &at("cat")),
        };
        let x = b.batch_norm(x, &at("norm1"));
        let x = b.relu(x, &at("relu1"));
        let x = b.conv2d(x, &at("conv1"), Conv2d::new(4 * GROWTH, 1).no_bias());
        let x = b.batch_norm(x, &at("norm2"));
        let x = b.relu(x, &at("relu2"));
        features.push(b.conv2d(x, &at("conv2"), Conv2d::new(GROWTH, 3).padding(1).no_bias()));
    }
    b.concat(&features, &format!("{name}.cat"))
}

fn transition(b: &mut Builder, x: NodeId, name: &str, channels: i64) -> NodeId {
    let at = |part: &str| format!("{name}.{part}");
    let x = b.batch_norm(x, &at("norm"));
    let x = b.relu(x, &at("relu"));
    let x = b.conv2d(x, &at("conv"), Conv2d::new(channels, 1).no_bias());
    b.avg_pool(x, &at("pool"), Pool::new(2, 2))
}
