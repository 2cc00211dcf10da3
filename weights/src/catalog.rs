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
    Official { name, title, megabytes, folder: TORCHVISION, file_name, aliases: &[] }
}

const CATALOG: &[Official] = &[
    torchvision("alexnet", "AlexNet", 244.4, "alexnet-owt-7be5be79.pth"),
    torchvision("vgg11", "VGG-11", 531.5, "vgg11-8a719046.pth"),
    torchvision("vgg16", "VGG-16", 553.4, "vgg16-397923af.pth"),
    torchvision("vgg19", "VGG-19", 574.7, "vgg19-dcbb9e9d.pth"),
    torchvision("vgg11_bn", "VGG-11 with batch norm", 531.5, "vgg11_bn-6002323d.pth"),
    torchvision("vgg16_bn", "VGG-16 with batch norm", 553.5, "vgg16_bn-6c64b313.pth"),
    torchvision("vgg19_bn", "VGG-19 with batch norm", 574.8, "vgg19_bn-c79401a0.pth"),
    torchvision("resnet18", "ResNet-18", 46.8, "resnet18-f37072fd.pth"),
    torchvision("resnet34", "ResNet-34", 87.3, "resnet34-b627a593.pth"),
    torchvision("resnet50", "ResNet-50", 102.5, "resnet50-0676ba61.pth"),
    torchvision("resnet101", "ResNet-101", 178.8, "resnet101-63fe2227.pth"),
    torchvision("densenet121", "DenseNet-121", 32.3, "densenet121-a639ec97.pth"),
    torchvision("googlenet", "GoogLeNet", 52.1, "googlenet-1378be20.pth"),
    torchvision("squeezenet1_0", "SqueezeNet 1.0", 5.0, "squeezenet1_0-b66bff10.pth"),
    torchvision("squeezenet1_1", "SqueezeNet 1.1", 5.0, "squeezenet1_1-b8a52dc0.pth"),
    torchvision("mobilenet_v2", "MobileNetV2", 14.2, "mobilenet_v2-b0353104.pth"),
    torchvision("vit_b_16", "ViT-B/16", 346.3, "vit_b_16-c867db91.pth"),
    Official {
        name: "deit_tiny",
        title: "DeiT-Tiny",
        megabytes: 22.9,
        folder: DEIT,
        file_name: "deit_tiny_patch16_224-a1311bcf.pth",
        aliases: &["deit_tiny_patch16_224.safetensors"],
    },
    Official {
        name: "cifar_resnet20",
        title: "ResNet-20 for CIFAR-10",
        megabytes: 1.1,
        folder: CIFAR,
        file_name: "resnet20-12fca82f.th",
        aliases: &["cifar10_resnet20.safetensors"],
    },
    Official {
        name: "cifar_resnet56",
        title: "ResNet-56 for CIFAR-10",
        megabytes: 3.5,
        folder: CIFAR,
        file_name: "resnet56-4bfd9763.th",
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
    fn every_file_name_holds_eight_digits_of_its_checksum() {
        for official in CATALOG {
            let digits = official.sha256();
            assert_eq!(digits.len(), 8, "{official:?}");
            assert!(digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')), "{official:?}");
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
