//! AlexNet: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014
//! ([arXiv:1404.5997](https://arxiv.org/abs/1404.5997)), as torchvision builds it.

use super::{imagenet, three_linear};
use crate::Result;
use crate::network::{Conv2d, Network, Pool};

pub(super) fn build(name: &str) -> Result<Network> {
    let mut b = imagenet(name);
    let pool = Pool::new(3, 2);
    let mut x = b.input();
    // Number of the layer in torchvision's `features`, its convolution, and whether a pool follows.
    for (index, conv, pooled) in [
        (0, Conv2d::new(64, 11).stride(4).padding(2), true),
        (3, Conv2d::new(192, 5).padding(2), true),
        (6, Conv2d::new(384, 3).padding(1), false),
        (8, Conv2d::new(256, 3).padding(1), false),
        (10, Conv2d::new(256, 3).padding(1), true),
    ] {
        x = b.conv2d(x, &format!("features.{index}"), conv);
        x = b.relu(x, &format!("features.{}", index + 1));
        if pooled {
            x = b.max_pool(x, &format!("features.{}", index + 2), pool);
        }
    }
    let x = b.adaptive_avg_pool(x, "avgpool", [6, 6]);
    three_linear(&mut b, x, [1, 4, 6]);
    b.build()
}
