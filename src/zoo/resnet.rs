//! ResNet: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2015
//! ([arXiv:1512.03385](https://arxiv.org/abs/1512.03385)), as torchvision builds it.

use std::path::Path;

use tch::Device;

use super::classes;
use super::weights::{self, Official};
use crate::Result;
use crate::network::{Builder, Conv2d, Network, NodeId, Preprocess};

const RESNET18: Official = Official {
    url: "https://download.pytorch.org/models/resnet18-f37072fd.pth",
    sha256: "f37072fd",
};

/// ResNet-18 for ImageNet's 1,000 classes, with torchvision's official weights, on the GPU where
/// there is one.
///
/// Input `[N, 3, 224, 224]` (any size from 33×33 up works), output logits `[N, 1000]`. The weights
/// (47 MB) are fetched once to [`weights_folder`](super::weights_folder); a file
/// `resnet18.safetensors` or `resnet18.pth` laid there by hand is used as it is.
///
/// Errors: weights absent and not to be had; a file that is not ResNet-18's.
pub fn resnet18() -> Result<Network> {
    let mut network = resnet18_untrained()?;
    weights::load_official(&mut network, RESNET18)?;
    network.to_device(Device::cuda_if_available())
}

/// ResNet-18 with the weights of a file: safetensors or a zip `.pth`, torchvision's names.
pub fn resnet18_from(path: impl AsRef<Path>) -> Result<Network> {
    let mut network = resnet18_untrained()?;
    weights::load_file(&mut network, path.as_ref())?;
    network.to_device(Device::cuda_if_available())
}

fn resnet18_untrained() -> Result<Network> {
    let mut b = Network::builder("resnet18", [3, 224, 224]);
    b.preprocess(Preprocess::imagenet()).classes(classes::imagenet());
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(64, 7).stride(2).padding(3).no_bias());
    let x = b.batch_norm(x, "bn1");
    let x = b.relu(x, "relu");
    let mut x = b.max_pool(x, "maxpool", 3, 2, 1);
    let mut channels = 64;
    for (stage, width) in [64, 128, 256, 512].into_iter().enumerate() {
        for block in 0..2 {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let name = format!("layer{}.{block}", stage + 1);
            x = basic_block(&mut b, x, &name, width, stride, channels != width);
            channels = width;
        }
    }
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 1000);
    b.build()
}

/// Two 3×3 convolutions beside a skip; the skip is projected where the shape changes.
fn basic_block(
    b: &mut Builder,
    input: NodeId,
    name: &str,
    width: i64,
    stride: i64,
    project: bool,
) -> NodeId {
    let conv3 = |stride| Conv2d::new(width, 3).stride(stride).padding(1).no_bias();
    let x = b.conv2d(input, &format!("{name}.conv1"), conv3(stride));
    let x = b.batch_norm(x, &format!("{name}.bn1"));
    let x = b.relu(x, &format!("{name}.relu"));
    let x = b.conv2d(x, &format!("{name}.conv2"), conv3(1));
    let x = b.batch_norm(x, &format!("{name}.bn2"));
    let skip = if project {
        let conv1 = Conv2d::new(width, 1).stride(stride).no_bias();
        let skip = b.conv2d(input, &format!("{name}.downsample.0"), conv1);
        b.batch_norm(skip, &format!("{name}.downsample.1"))
    } else {
        input
    };
    let x = b.add(x, skip, &format!("{name}.add"));
    b.relu(x, &format!("{name}.relu_1"))
}
