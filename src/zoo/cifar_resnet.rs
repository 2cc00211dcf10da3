//! ResNet for CIFAR-10's pictures of 32×32: He, Zhang, Ren, Sun, "Deep Residual Learning for Image
//! Recognition", 2015, section 4.2 ([arXiv:1512.03385](https://arxiv.org/abs/1512.03385)), with
//! shortcuts without parameters (option A). Parameter names are those of the usual weights, from
//! github.com/akamaster/pytorch_resnet_cifar10.

use crate::Result;
use crate::data::CIFAR10_CLASSES;
use crate::network::ops::Pad;
use crate::network::{Builder, Conv2d, Network, NodeId, Pool, Preprocess};

/// A network of 6·`blocks` + 2 layers.
pub(super) fn build(name: &str, blocks: usize) -> Result<Network> {
    let mut b = Network::builder(name, [3, 32, 32]);
    b.preprocess(
        Preprocess::plain([3, 32, 32]).normalize(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]),
    );
    b.classes(CIFAR10_CLASSES);
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(16, 3).padding(1).no_bias());
    let x = b.batch_norm(x, "bn1");
    let mut x = b.relu(x, "relu");
    for (stage, width) in [(1, 16), (2, 32), (3, 64)] {
        for index in 0..blocks {
            let halve = stage > 1 && index == 0;
            x = residual(&mut b, x, &format!("layer{stage}.{index}"), width, halve);
        }
    }
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "linear", 10);
    b.build()
}

fn residual(b: &mut Builder, input: NodeId, name: &str, width: i64, halve: bool) -> NodeId {
    let at = |step: &str| format!("{name}.{step}");
    let first = Conv2d::new(width, 3).stride(if halve { 2 } else { 1 }).padding(1).no_bias();
    let x = b.conv2d(input, &at("conv1"), first);
    let x = b.batch_norm(x, &at("bn1"));
    let x = b.relu(x, &at("relu"));
    let x = b.conv2d(x, &at("conv2"), Conv2d::new(width, 3).padding(1).no_bias());
    let x = b.batch_norm(x, &at("bn2"));
    let skip = if halve {
        // Every second pixel, and channels of zeros on both sides.
        let skip = b.max_pool(input, &at("shortcut.subsample"), Pool::new(1, 2));
        let amounts = vec![[0, 0], [width / 4, width / 4], [0, 0], [0, 0]];
        b.op(&at("shortcut.pad"), Pad::zeros(amounts), &[skip])
    } else {
        input
    };
    let x = b.add(x, skip, &at("add"));
    b.relu(x, &at("relu_1"))
}
