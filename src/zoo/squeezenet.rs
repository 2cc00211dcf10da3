//! SqueezeNet: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
//! <0.5MB model size", 2016 ([arXiv:1602.07360](https://arxiv.org/abs/1602.07360)), as torchvision
//! builds it.

use super::imagenet;
use crate::Result;
use crate::network::{Builder, Conv2d, Network, NodeId, Pool};

/// Version 1.1 has a smaller first convolution and pools earlier.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Version {
    V1_0,
    V1_1,
}

pub(super) fn build(name: &str, version: Version) -> Result<Network> {
    let mut b = imagenet(name);
    let (first, pools) = match version {
        Version::V1_0 => (Conv2d::new(96, 7).stride(2), [2, 6, 11]),
        Version::V1_1 => (Conv2d::new(64, 3).stride(2), [2, 5, 8]),
    };
    let x = b.conv2d(b.input(), "features.0", first);
    let mut x = b.relu(x, "features.1");
    let mut fires = [16, 16, 32, 32, 48, 48, 64, 64].into_iter();
    for index in 2..=12 {
        let layer = format!("features.{index}");
        if pools.contains(&index) {
            x = b.max_pool(x, &layer, Pool::new(3, 2).ceil());
        } else if let Some(squeezed) = fires.next() {
            x = fire(&mut b, x, &layer, squeezed);
        }
    }
    let x = b.conv2d(x, "classifier.1", Conv2d::new(1000, 1));
    let x = b.relu(x, "classifier.2");
    let x = b.global_avg_pool(x, "classifier.3");
    b.flatten(x, "flatten");
    b.build()
}

/// 1×1 convolutions squeeze the channels; 1×1 and 3×3 side by side expand them fourfold each.
fn fire(b: &mut Builder, x: NodeId, name: &str, squeezed: i64) -> NodeId {
    let at = |part: &str| format!("{name}.{part}");
    let x = b.conv2d(x, &at("squeeze"), Conv2d::new(squeezed, 1));
    let x = b.relu(x, &at("squeeze_activation"));
    let narrow = b.conv2d(x, &at("expand1x1"), Conv2d::new(4 * squeezed, 1));
    let narrow = b.relu(narrow, &at("expand1x1_activation"));
    let wide = b.conv2d(x, &at("expand3x3"), Conv2d::new(4 * squeezed, 3).padding(1));
    let wide = b.relu(wide, &at("expand3x3_activation"));
    b.concat(&[narrow, wide], &at("cat"))
}
