//! The names under which weights are published, as the zoo's.

mod hugging_face;
mod timm;

/// A way of naming parameters. The finder tries each, and takes the one by which most of a file fits.
pub(super) struct Naming {
    /// Whose names they are, for the line that says what was done.
    pub(super) whose: &'static str,
    /// The place of a file's parameter in the network, as far as this naming knows one; whether the
    /// network has such a place is not its business.
    pub(super) place: fn(&str) -> Place,
}

/// A parameter of the network, or a part of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: String,
    /// Which part along the first dimension, of how many: `(1, 3)` for the keys of attention whose
    /// queries, keys and values are one parameter here and three in the file.
    pub(super) part: (usize, usize),
}

impl Place {
    fn whole(name: impl Into<String>) -> Place {
        Place { name: name.into(), part: (0, 1) }
    }

    /// One of queries, keys and values, which are one parameter here.
    fn third(name: impl Into<String>, index: usize) -> Place {
        Place { name: name.into(), part: (index, 3) }
    }
}

/// All namings, the zoo's own first.
pub(super) const NAMINGS: [Naming; 9] = [
    Naming { whose: "torchvision", place: |name| Place::whole(name) },
    Naming { whose: "torchvision of 2017", place: |name| Place::whole(densenet(name)) },
    Naming { whose: "timm", place: |name| Place::whole(vit(name)) },
    Naming { whose: "timm (ConvNeXt)", place: timm::convnext },
    Naming { whose: "timm (DINOv2)", place: timm::dinov2 },
    Naming { whose: "Hugging Face (ResNet)", place: hugging_face::resnet },
    Naming { whose: "Hugging Face (ConvNeXt)", place: hugging_face::convnext },
    Naming { whose: "Hugging Face (ViT)", place: hugging_face::vit },
    Naming { whose: "Hugging Face (DINOv2)", place: hugging_face::dinov2 },
];

/// Where torchvision's ConvNeXt has a stage's halving and its blocks.
fn convnext_stage(stage: &str) -> Option<(u8, u8)> {
    match stage {
        "0" => Some((0, 1)),
        "1" => Some((2, 3)),
        "2" => Some((4, 5)),
        "3" => Some((6, 7)),
        _ => None,
    }
}

/// DenseNet's file of 2017 says `denselayer1.norm.1.weight` where torchvision now says
/// `denselayer1.norm1.weight`.
fn densenet(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let old = |window: &[&str]| {
        window[0].starts_with("denselayer")
            && ["norm", "conv"].contains(&window[1])
            && ["1", "2"].contains(&window[2])
    };
    match parts.windows(3).position(old) {
        Some(at) => {
            let joined = format!("{}{}", parts[at + 1], parts[at + 2]);
            [&parts[..=at], &[joined.as_str()], &parts[at + 3..]].concat().join(".")
        }
        None => name.to_owned(),
    }
}

/// Vision transformers as DeiT's authors (and timm) name their parts.
fn vit(name: &str) -> String {
    const PARTS: [(&str, &str); 11] = [
        ("cls_token", "class_token"),
        ("pos_embed", "encoder.pos_embedding"),
        ("patch_embed.proj.", "conv_proj."),
        ("norm.", "encoder.ln."),
        ("head.", "heads.head."),
        ("norm1.", "ln_1."),
        ("norm2.", "ln_2."),
        ("attn.qkv.", "self_attention.in_proj_"),
        ("attn.proj.", "self_attention.out_proj."),
        ("mlp.fc1.", "mlp.0."),
        ("mlp.fc2.", "mlp.3."),
    ];
    let known = |name: &str| {
        let part = PARTS.iter().find(|(old, _)| name.starts_with(old));
        part.map(|(old, new)| name.replacen(old, new, 1))
    };
    // blocks.3.norm1.weight: the block and its number, then a part of it.
    let block = name.strip_prefix("blocks.").and_then(|rest| rest.split_once('.'));
    let renamed = match block {
        Some((index, part)) => {
            known(part).map(|part| format!("encoder.layers.encoder_layer_{index}.{part}"))
        }
        None => known(name),
    };
    renamed.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densenets_old_names() {
        for (old, new) in [
            (
                "features.denseblock1.denselayer12.norm.2.running_mean",
                "features.denseblock1.denselayer12.norm2.running_mean",
            ),
            ("features.transition1.norm.weight", "features.transition1.norm.weight"),
            ("layer1.0.conv1.weight", "layer1.0.conv1.weight"),
        ] {
            assert_eq!(densenet(old), new);
        }
    }

    #[test]
    fn transformers_names() {
        let block = "encoder.layers.encoder_layer_11";
        for (timms, torchvisions) in [
            ("cls_token", "class_token"),
            ("blocks.11.attn.qkv.bias", &format!("{block}.self_attention.in_proj_bias")),
            ("head.weight", "heads.head.weight"),
            ("other", "other"),
        ] {
            assert_eq!(vit(timms), torchvisions);
        }
    }
}
