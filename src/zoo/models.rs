//! The list of the zoo: name and builder; and a function for each. The official weights of that name
//! are listed in `convscope-weights`.

use tch::Device;

use super::{cifar_resnet, convnext, densenet, dinov2, imagenet, mobilenet, resnet};
use super::{squeezenet, transformer, vgg, vit, weights};
use crate::error::{quoted, short};
use crate::network::{Builder, Network, Preprocess, Resize, nearest};
use crate::{Error, Result};

struct Model {
    name: &'static str,
    build: fn(&str) -> Result<Network>,
}

const fn model(name: &'static str, build: fn(&str) -> Result<Network>) -> Model {
    Model { name, build }
}

const MODELS: &[Model] = &[
    model("alexnet", super::alexnet::build),
    model("vgg11", |name| vgg::build(name, VGG11, false)),
    model("vgg16", |name| vgg::build(name, VGG16, false)),
    model("vgg19", |name| vgg::build(name, VGG19, false)),
    model("vgg11_bn", |name| vgg::build(name, VGG11, true)),
    model("vgg16_bn", |name| vgg::build(name, VGG16, true)),
    model("vgg19_bn", |name| vgg::build(name, VGG19, true)),
    model("resnet18", |name| resnet::basic(imagenet(name), [2, 2, 2, 2])),
    model("resnet34", |name| resnet::basic(imagenet(name), [3, 4, 6, 3])),
    model("resnet50", |name| resnet::bottleneck(imagenet(name), [3, 4, 6, 3])),
    model("resnet101", |name| resnet::bottleneck(imagenet(name), [3, 4, 23, 3])),
    model("densenet121", |name| densenet::build(name, [6, 12, 24, 16])),
    model("googlenet", super::googlenet::build),
    model("squeezenet1_0", |name| squeezenet::build(name, squeezenet::Version::V1_0)),
    model("squeezenet1_1", |name| squeezenet::build(name, squeezenet::Version::V1_1)),
    model("mobilenet_v2", mobilenet::build_v2),
    model("convnext_tiny", |name| convnext::build(torchvisions(name, 236), convnext::TINY)),
    model("convnext_small", |name| convnext::build(torchvisions(name, 230), convnext::SMALL)),
    model("convnext_base", |name| convnext::build(torchvisions(name, 232), convnext::BASE)),
    model("vit_b_16", |name| vit::build(imagenet(name), transformer::BASE)),
    model("deit_tiny", |name| vit::deit(imagenet(name), transformer::TINY)),
    model("deit_small", |name| vit::deit(imagenet(name), transformer::SMALL)),
    model("deit_base", |name| vit::deit(imagenet(name), transformer::BASE)),
    model("dinov2_vits14", |name| dinov2::build(name, transformer::SMALL, 0)),
    model("dinov2_vitb14", |name| dinov2::build(name, transformer::BASE, 0)),
    model("dinov2_vits14_reg", |name| dinov2::build(name, transformer::SMALL, 4)),
    model("dinov2_vitb14_reg", |name| dinov2::build(name, transformer::BASE, 4)),
    model("cifar_resnet20", |name| cifar_resnet::build(name, 3)),
    model("cifar_resnet56", |name| cifar_resnet::build(name, 9)),
];

const VGG11: [usize; 5] = [1, 1, 2, 2, 2];
const VGG16: [usize; 5] = [2, 2, 3, 3, 3];
const VGG19: [usize; 5] = [2, 2, 4, 4, 4];

/// For weights that torchvision measures on pictures whose shorter side has so many pixels.
fn torchvisions(name: &str, side: u32) -> Builder {
    let mut b = imagenet(name);
    b.preprocess(Preprocess::imagenet().resize(Resize::ShorterSide(side)));
    b
}

/// The names of the networks with official weights.
pub fn names() -> Vec<&'static str> {
    MODELS.iter().map(|model| model.name).collect()
}

/// A network of the zoo by its name, with random parameters: for weights of your own.
///
/// ```no_run
/// # use convscope::prelude::*;
/// let net = zoo::untrained("resnet50")?.load_weights("finetuned.pth")?;
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn untrained(name: &str) -> Result<Network> {
    (find(name)?.build)(name)
}

fn find(name: &str) -> Result<&'static Model> {
    MODELS.iter().find(|model| model.name == name).ok_or_else(|| {
        let near = nearest(name, MODELS.iter().map(|model| model.name), 3);
        Error::Argument(format!(
            "the zoo has no network `{}`. Nearest: {}. All: `zoo::names()`.",
            short(name),
            quoted(&near)
        ))
    })
}

fn pretrained(name: &str) -> Result<Network> {
    let model = find(name)?;
    let mut network = (model.build)(name)?;
    weights::load_official(&mut network)?;
    network.to_device(Device::cuda_if_available())
}

/// A function for each, so that a network is found by completion and its name checked by the compiler.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        pub fn $name() -> Result<Network> {
            pretrained(stringify!($name))
        }
    )+};
}

functions! {
    /// AlexNet (2012; 61 M parameters, a file of 244 MB).
    alexnet
    /// VGG with 11 layers (133 M parameters, 532 MB).
    vgg11
    /// VGG with 16 layers, the one of most lessons (138 M parameters, 553 MB).
    vgg16
    /// VGG with 19 layers (144 M parameters, 575 MB).
    vgg19
    /// VGG with 11 layers and batch normalization (532 MB).
    vgg11_bn
    /// VGG with 16 layers and batch normalization (554 MB).
    vgg16_bn
    /// VGG with 19 layers and batch normalization (575 MB).
    vgg19_bn
    /// ResNet with 18 layers (12 M parameters, 47 MB).
    resnet18
    /// ResNet with 34 layers (22 M parameters, 87 MB).
    resnet34
    /// ResNet with 50 layers (26 M parameters, 102 MB).
    resnet50
    /// ResNet with 101 layers (45 M parameters, 179 MB).
    resnet101
    /// DenseNet with 121 layers (8 M parameters, 32 MB).
    densenet121
    /// GoogLeNet, also known as Inception v1 (6.6 M parameters, 52 MB).
    googlenet
    /// SqueezeNet 1.0 (1.2 M parameters, 5 MB).
    squeezenet1_0
    /// SqueezeNet 1.1, as good with 2.4 times less computation (5 MB).
    squeezenet1_1
    /// MobileNetV2 (3.5 M parameters, 14 MB).
    mobilenet_v2
    /// ConvNeXt, tiny (29 M parameters, 114 MB).
    convnext_tiny
    /// ConvNeXt, small (50 M parameters, 201 MB).
    convnext_small
    /// ConvNeXt, base size (89 M parameters, 354 MB).
    convnext_base
    /// Vision transformer, base size, patches of 16×16 (86 M parameters, 346 MB).
    vit_b_16
    /// DeiT, the smallest vision transformer (5.7 M parameters, 22 MB).
    deit_tiny
    /// DeiT, small (22 M parameters, 88 MB).
    deit_small
    /// DeiT, base size (87 M parameters, 346 MB).
    deit_base
    /// DINOv2, small (22 M parameters, 88 MB): features `[N, 384]`, and tokens of 14×14 pixels (layer
    /// `norm`) whose values tell parts of things apart. No classes.
    dinov2_vits14
    /// DINOv2, base size (87 M parameters, 346 MB): features `[N, 768]`.
    dinov2_vitb14
    /// DINOv2, small, with four registers, which keep its patches clean (88 MB).
    dinov2_vits14_reg
    /// DINOv2, base size, with four registers (346 MB).
    dinov2_vitb14_reg
    /// ResNet with 20 layers for CIFAR-10's pictures of 32×32 (0.3 M parameters, 1 MB).
    cifar_resnet20
    /// ResNet with 56 layers for CIFAR-10's pictures of 32×32 (0.9 M parameters, 3 MB).
    cifar_resnet56
}
