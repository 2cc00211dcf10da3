//! GoogLeNet: Szegedy et al., "Going Deeper with Convolutions", 2014
//! ([arXiv:1409.4842](https://arxiv.org/abs/1409.4842)), as torchvision builds it: with batch
//! normalization, and 3×3 where the paper has 5×5.

use super::imagenet;
use crate::Result;
use crate::network::{Builder, Conv2d, Network, NodeId, Pool, Preprocess};

pub(super) fn build(name: &str) -> Result<Network> {
    let mut b = imagenet(name);
    // The weights were trained on inputs from -1 to 1; torchvision converts ImageNet's
    // normalization to that inside the network (`transform_input`).
    b.preprocess(Preprocess::imagenet().normalize(&[0.5; 3], &[0.5; 3]));
    let x = b.input();
    let x = basic(&mut b, x, "conv1", Conv2d::new(64, 7).stride(2).padding(3));
    let x = b.max_pool(x, "maxpool1", Pool::new(3, 2).ceil());
    let x = basic(&mut b, x, "conv2", Conv2d::new(64, 1));
    let x = basic(&mut b, x, "conv3", Conv2d::new(192, 3).padding(1));
    let x = b.max_pool(x, "maxpool2", Pool::new(3, 2).ceil());
    let x = inception(&mut b, x, "inception3a", [64, 96, 128, 16, 32, 32]);
    let x = inception(&mut b, x, "inception3b", [128, 128, 192, 32, 96, 64]);
    let x = b.max_pool(x, "maxpool3", Pool::new(3, 2).ceil());
    let x = inception(&mut b, x, "inception4a", [192, 96, 208, 16, 48, 64]);
    let x = inception(&mut b, x, "inception4b", [160, 112, 224, 24, 64, 64]);
    let x = inception(&mut b, x, "inception4c", [128, 128, 256, 24, 64, 64]);
    let x = inception(&mut b, x, "inception4d", [112, 144, 288, 32, 64, 64]);
    let x = inception(&mut b, x, "inception4e", [256, 160, 320, 32, 128, 128]);
    let x = b.max_pool(x, "maxpool4", Pool::new(2, 2).ceil());
    let x = inception(&mut b, x, "inception5a", [256, 160, 320, 32, 128, 128]);
    let x = inception(&mut b, x, "inception5b", [384, 192, 384, 48, 128, 128]);
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 1000);
    b.build()
}

fn basic(b: &mut Builder, x: NodeId, name: &str, conv: Conv2d) -> NodeId {
    let x = b.conv2d(x, &format!("{name}.conv"), conv.no_bias());
    let x = b.batch_norm_with(x, &format!("{name}.bn"), 1e-3);
    b.relu(x, &format!("{name}.relu"))
}

/// Four branches side by side; the numbers are the paper's table from left to right.
fn inception(b: &mut Builder, x: NodeId, name: &str, channels: [i64; 6]) -> NodeId {
    let at = |part: &str| format!("{name}.{part}");
    let [narrow, reduce3, wide3, reduce5, wide5, pooled] = channels;
    let branch1 = basic(b, x, &at("branch1"), Conv2d::new(narrow, 1));
    let branch2 = basic(b, x, &at("branch2.0"), Conv2d::new(reduce3, 1));
    let branch2 = basic(b, branch2, &at("branch2.1"), Conv2d::new(wide3, 3).padding(1));
    let branch3 = basic(b, x, &at("branch3.0"), Conv2d::new(reduce5, 1));
    let branch3 = basic(b, branch3, &at("branch3.1"), Conv2d::new(wide5, 3).padding(1));
    let branch4 = b.max_pool(x, &at("branch4.0"), Pool::new(3, 1).padding(1).ceil());
    let branch4 = basic(b, branch4, &at("branch4.1"), Conv2d::new(pooled, 1));
    b.concat(&[branch1, branch2, branch3, branch4], &at("cat"))
}
