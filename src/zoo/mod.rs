//! Known networks with their weights, one file per architecture. Parameters have torchvision's names.
//!
//! Each function opens a network with its official weights, on the GPU where there is one. The
//! weights are fetched once to [`weights_folder`], unless PyTorch has them in its own cache; a file
//! `NAME.safetensors` or `NAME.pth` laid there by hand is used as it is. Inputs are `[N, 3, H, W]`, usually 224×224
//! ([`Network::prepare`] makes them), outputs logits `[N, 1000]` of ImageNet's classes; CIFAR-10's
//! networks take 32×32 and have 10 classes, and DINOv2 gives features.
//!
//! # Errors
//!
//! Weights absent and not to be had; a file of another network.
//!
//! [`untrained`] opens any of them by name with random parameters, for weights of your own; [`hub`] opens
//! a repository of Hugging Face's hub.

mod alexnet;
mod cifar_resnet;
mod classes;
mod convnext;
mod densenet;
mod digits;
mod dinov2;
mod googlenet;
mod hub;
mod mobilenet;
mod models;
mod resnet;
mod squeezenet;
mod transformer;
mod vgg;
mod vit;
mod weights;

pub use classes::imagenet_classes;
pub use digits::{digits, digits_untrained};
pub use hub::hub;
pub use models::{
    alexnet, cifar_resnet20, cifar_resnet56, convnext_base, convnext_small, convnext_tiny,
    deit_base, deit_small, deit_tiny, densenet121, dinov2_vitb14, dinov2_vitb14_reg, dinov2_vits14,
    dinov2_vits14_reg, googlenet, mobilenet_v2, names, resnet18, resnet34, resnet50, resnet101,
    squeezenet1_0, squeezenet1_1, untrained, vgg11, vgg11_bn, vgg16, vgg16_bn, vgg19, vgg19_bn,
    vit_b_16,
};
pub use weights::weights_folder;

use crate::network::{Builder, Network, NodeId, Preprocess};

/// How many classes ImageNet has.
const CLASSES: i64 = 1000;

/// The beginning of every ImageNet network.
fn imagenet(name: &str) -> Builder {
    let mut b = Network::builder(name, [3, 224, 224]);
    b.preprocess(Preprocess::imagenet()).classes(imagenet_classes());
    b
}

/// The classifier of AlexNet and VGG: three linear layers, of these numbers in torchvision's
/// `classifier`, with a ReLU after the first and the second.
fn three_linear(b: &mut Builder, x: NodeId, [first, second, third]: [usize; 3]) {
    let mut x = b.flatten(x, "flatten");
    for index in [first, second] {
        x = b.linear(x, &format!("classifier.{index}"), 4096);
        x = b.relu(x, &format!("classifier.{}", index + 1));
    }
    b.linear(x, &format!("classifier.{third}"), 1000);
}
