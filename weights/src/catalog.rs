//! The list of official files.

use crate::Official;

/// All official weights there are, in the order of the networks' families.
pub fn catalog() -> &'static [Official] {
    CATALOG
}

/// The official weights of the network of that name in the zoo.
///
/// ```
/// let resnet = convscope_weights::find("resnet18").expect("in the catalog");
/// assert_eq!(resnet.url(), "https://download.pytorch.org/models/resnet18-f37072fd.pth");
/// ```
pub fn find(name: &str) -> Option<&'static Official> {
    CATALOG.iter().find(|official| official.name == name)
}

const TORCHVISION: &str = "https://download.pytorch.org/models/";
const DEIT: &str = "https://dl.fbaipublicfiles.com/deit/";
/// Yerlan Idelbayev's networks for CIFAR-10.
const CIFAR: &str =
    "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/";

/// The weights that torchvision calls IMAGENET1K_V1. It documents sizes in MiB; here they are in MB.
const fn torchvision(
    name: &'static str,
    title: &'static str,
    megabytes: f64,
    file_name: &'static str,
) -> Official {
    Official {
        name,
        title,
        megabytes,
        folder: TORCHVISION,
        file_name,
        whole_sha256: None,
        aliases: &[],
    }
}

/// The weights of DINOv2's authors, who publish no checksum.
const fn dinov2(
    [name, title]: [&'static str; 2],
    megabytes: f64,
    folder: &'static str,
    file_name: &'static str,
) -> Official {
    Official { name, title, megabytes, folder, file_name, whole_sha256: None, aliases: &[] }
}

impl Official {
    /// With the whole checksum, where it was to be had.
    const fn verified(self, sha256: &'static str) -> Official {
        Official { whole_sha256: Some(sha256), ..self }
    }
}

const CATALOG: &[Official] = &[
    torchvision("alexnet", "AlexNet", 244.4, "alexnet-owt-7be5be79.pth")
        .verified("7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02"),
    torchvision("vgg11", "VGG-11", 531.5, "vgg11-8a719046.pth"),
    torchvision("vgg16", "VGG-16", 553.4, "vgg16-397923af.pth")
        .verified("397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),
    torchvision("vgg19", "VGG-19", 574.7, "vgg19-dcbb9e9d.pth")
        .verified("dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"),
    torchvision("vgg11_bn", "VGG-11 with batch norm", 531.5, "vgg11_bn-6002323d.pth"),
    torchvision("vgg16_bn", "VGG-16 with batch norm", 553.5, "vgg16_bn-6c64b313.pth")
        .verified("6c64b3138f2f4fcb3bcc4cafde11619c4f440eb1631787e93a682fd88305888a"),
    torchvision("vgg19_bn", "VGG-19 with batch norm", 574.8, "vgg19_bn-c79401a0.pth")
        .verified("c79401a0cf3cb42714e4182f5868c7a6f4f4534f5df9e956e2bb2098de41cbb6"),
    torchvision("resnet18", "ResNet-18", 46.8, "resnet18-f37072fd.pth")
        .verified("f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"),
    torchvision("resnet34", "ResNet-34", 87.3, "resnet34-b627a593.pth")
        .verified("b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f"),
    torchvision("resnet50", "ResNet-50", 102.5, "resnet50-0676ba61.pth")
        .verified("0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a"),
    torchvision("resnet101", "ResNet-101", 178.8, "resnet101-63fe2227.pth")
        .verified("63fe2227b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a"),
    torchvision("densenet121", "DenseNet-121", 32.3, "densenet121-a639ec97.pth")
        .verified("a639ec97d7c33b07ae66f0b5fb7d0192f95a3b11b7576c66c0126c2a727c4395"),
    torchvision("googlenet", "GoogLeNet", 52.1, "googlenet-1378be20.pth"),
    torchvision("squeezenet1_0", "SqueezeNet 1.0", 5.0, "squeezenet1_0-b66bff10.pth"),
    torchvision("squeezenet1_1", "SqueezeNet 1.1", 5.0, "squeezenet1_1-b8a52dc0.pth")
        .verified("b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b"),
    torchvision("mobilenet_v2", "MobileNetV2", 14.2, "mobilenet_v2-b0353104.pth"),
    torchvision("convnext_tiny", "ConvNeXt-Tiny", 114.4, "convnext_tiny-983f1562.pth"),
    torchvision("convnext_small", "ConvNeXt-Small", 201.0, "convnext_small-0c510722.pth"),
    torchvision("convnext_base", "ConvNeXt-Base", 354.5, "convnext_base-6075fbad.pth"),
    torchvision("vit_b_16", "ViT-B/16", 346.3, "vit_b_16-c867db91.pth")
        .verified("c867db91d3e12c6cbadabb610d73c24a546bf82d8c03a9fea34f43a712ddb0e9"),
    Official {
        name: "deit_tiny",
        title: "DeiT-Tiny",
        megabytes: 22.9,
        folder: DEIT,
        file_name: "deit_tiny_patch16_224-a1311bcf.pth",
        whole_sha256: None,
        aliases: &["deit_tiny_patch16_224.safetensors"],
    },
    Official {
        name: "deit_small",
        title: "DeiT-Small",
        megabytes: 88.2,
        folder: DEIT,
        file_name: "deit_small_patch16_224-cd65a155.pth",
        whole_sha256: None,
        aliases: &["deit_small_patch16_224.safetensors"],
    },
    Official {
        name: "deit_base",
        title: "DeiT-Base",
        megabytes: 346.3,
        folder: DEIT,
        file_name: "deit_base_patch16_224-b5f2ef4d.pth",
        whole_sha256: None,
        aliases: &["deit_base_patch16_224.safetensors"],
    },
    dinov2(
        ["dinov2_vits14", "DINOv2 ViT-S/14"],
        88.3,
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/",
        "dinov2_vits14_pretrain.pth",
    ),
    dinov2(
        ["dinov2_vitb14", "DINOv2 ViT-B/14"],
        346.4,
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14/",
        "dinov2_vitb14_pretrain.pth",
    ),
    dinov2(
        ["dinov2_vits14_reg", "DINOv2 ViT-S/14 with registers"],
        88.3,
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/",
        "dinov2_vits14_reg4_pretrain.pth",
    ),
    dinov2(
        ["dinov2_vitb14_reg", "DINOv2 ViT-B/14 with registers"],
        346.4,
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14/",
        "dinov2_vitb14_reg4_pretrain.pth",
    ),
    Official {
        name: "cifar_resnet20",
        title: "ResNet-20 for CIFAR-10",
        megabytes: 1.1,
        folder: CIFAR,
        file_name: "resnet20-12fca82f.th",
        whole_sha256: Some("12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8"),
        aliases: &["cifar10_resnet20.safetensors"],
    },
    Official {
        name: "cifar_resnet56",
        title: "ResNet-56 for CIFAR-10",
        megabytes: 3.5,
        folder: CIFAR,
        file_name: "resnet56-4bfd9763.th",
        whole_sha256: Some("4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367"),
        aliases: &["cifar10_resnet56.safetensors"],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_files_too() {
        let all = |of: fn(&Official) -> &str| CATALOG.iter().map(of).collect::<BTreeSet<_>>().len();
        assert_eq!(all(|official| official.name), CATALOG.len());
        assert_eq!(all(|official| official.file_name), CATALOG.len());
    }

    #[test]
    fn file_names_hold_eight_digits_of_their_checksums_but_dinov2s() {
        for official in CATALOG {
            if official.name.starts_with("dinov2") {
                assert_eq!(official.sha256(), "");
                continue;
            }
            let digits = official.digits();
            assert_eq!(digits.len(), 8, "{official:?}");
            let sha256 = official.sha256();
            assert!([8, 64].contains(&sha256.len()) && sha256.starts_with(digits), "{official:?}");
            assert!(sha256.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')), "{official:?}");
        }
    }

    #[test]
    fn files_laid_by_hand_come_first() {
        let names = find("cifar_resnet20").expect("in the catalog").file_names();
        assert_eq!(
            names,
            [
                "cifar_resnet20.safetensors",
                "cifar_resnet20.pth",
                "cifar_resnet20.pt",
                "resnet20-12fca82f.th",
                "cifar10_resnet20.safetensors"
            ]
        );
    }
}
