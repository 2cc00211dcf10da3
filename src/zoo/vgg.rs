//! VGG: Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
//! 2014 ([arXiv:1409.1556](https://arxiv.org/abs/1409.1556)), as torchvision builds it.

use super::{imagenet, three_linear};
use crate::Result;
use crate::network::{Conv2d, Network, Pool};

/// A VGG with this many 3×3 convolutions in each of its five stages.
pub(super) fn build(name: &str, stages: [usize; 5], batch_norm: bool) -> Result<Network> {
    let mut b = imagenet(name);
    let mut x = b.input();
    let mut index = 0;
    let mut next = || {
        index += 1;
        format!("features.{}", index - 1)
    };
    for (convolutions, channels) in stages.into_iter().zip([64, 128, 256, 512, 512]) {
        for _ in 0..convolutions {
            x = b.conv2d(x, &next(), Conv2d::new(channels, 3).padding(1));
            if batch_norm {
                x = b.batch_norm(x, &next());
            }
            x = b.relu(x, &next());
        }
        x = b.max_pool(x, &next(), Pool::new(2, 2));
    }
    let x = b.adaptive_avg_pool(x, "avgpool", [7, 7]);
    three_linear(&mut b, x, [0, 3, 6]);
    b.build()
}
