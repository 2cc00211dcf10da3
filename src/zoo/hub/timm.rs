//! Repositories that `timm` saved.

use serde_json::Value;

use super::super::resnet::Block;
use super::super::{CLASSES, convnext, dinov2, imagenet_classes, transformer};
use super::architecture::{Architecture, Described};
use super::config::{colors, number, text};
use super::preparation::{Preparation, interpolation};
use crate::error::short;
use crate::network::Resize;

pub(super) fn describe(config: &Value) -> Result<Described, String> {
    let name = text(config, "architecture").unwrap_or_default();
    let mut architecture = architecture(name).ok_or_else(|| {
        format!(
            "the zoo has no `{}`; of timm it has ResNet, ViT, DeiT, ConvNeXt and DINOv2",
            short(name)
        )
    })?;
    check_arguments(config, &architecture)?;
    if let (Architecture::Dino(form), Some([side, _])) = (&mut architecture, made_for(config)) {
        form.trained = side / 14;
    }
    let pretrained = config.get("pretrained_cfg").unwrap_or(config);
    let classes = number(config, "num_classes").or_else(|| number(pretrained, "num_classes"));
    let preprocess = preparation(config, pretrained)?.preprocess();
    let classes = classes.unwrap_or(CLASSES);
    let mut names = names(config, pretrained);
    if names.is_empty() && classes == CLASSES {
        names = imagenet_classes().into_iter().map(str::to_owned).collect();
    }
    Ok(Described { architecture, classes, names, preprocess })
}

fn architecture(name: &str) -> Option<Architecture> {
    let resnet = |blocks, block| Some(Architecture::ResNet { blocks, block });
    match name {
        "resnet18" => return resnet([2, 2, 2, 2], Block::Basic),
        "resnet34" => return resnet([3, 4, 6, 3], Block::Basic),
        "resnet50" => return resnet([3, 4, 6, 3], Block::Bottleneck),
        "resnet101" => return resnet([3, 4, 23, 3], Block::Bottleneck),
        "resnet152" => return resnet([3, 8, 36, 3], Block::Bottleneck),
        "convnext_tiny" => return Some(Architecture::ConvNext(convnext::TINY)),
        "convnext_small" => return Some(Architecture::ConvNext(convnext::SMALL)),
        "convnext_base" => return Some(Architecture::ConvNext(convnext::BASE)),
        _ => {}
    }
    let (family, rest) = name.split_once('_')?;
    let (size, rest) = rest.split_once('_')?;
    let size = match size {
        "tiny" => transformer::TINY,
        "small" => transformer::SMALL,
        "base" => transformer::BASE,
        _ => return None,
    };
    let registers = match (family, rest) {
        ("vit", "patch14_dinov2") => 0,
        ("vit", "patch14_reg4_dinov2") => 4,
        ("vit" | "deit", rest) => {
            let (patch, pixels) = rest.strip_prefix("patch")?.split_once('_')?;
            pixels.parse::<u16>().ok()?;
            let patch = patch.parse().ok().filter(|patch| (1..=64).contains(patch))?;
            return Some(Architecture::Vit { size, patch });
        }
        _ => return None,
    };
    Some(Architecture::Dino(dinov2::Form {
        size,
        registers,
        trained: 37,
        class_has_position: registers == 0,
        offset: 0.0,
        antialias: true,
    }))
}

/// Refuses arguments that make another network of the name's.
fn check_arguments(config: &Value, architecture: &Architecture) -> Result<(), String> {
    const HARMLESS: [&str; 5] =
        ["img_size", "num_classes", "drop_rate", "drop_path_rate", "dynamic_img_size"];
    let pooled = match architecture {
        Architecture::Vit { .. } | Architecture::Dino(_) => "token",
        Architecture::ResNet { .. } | Architecture::ConvNext(_) => "avg",
    };
    let usual = |name: &str, value: &Value| match name {
        "in_chans" => value == 3,
        "global_pool" => value == pooled,
        name => HARMLESS.contains(&name),
    };
    let pool = config.as_object().and_then(|config| config.get_key_value("global_pool"));
    let arguments = config.get("model_args").and_then(Value::as_object).into_iter().flatten();
    match arguments.chain(pool).find(|(name, value)| !usual(name, value)) {
        None => Ok(()),
        Some((name, value)) => Err(format!(
            "it is made with {}={}, which the zoo's is not",
            short(name),
            short(&value.to_string())
        )),
    }
}

/// Height and width that the network was made for, where they are an argument: a number, or both.
fn made_for(config: &Value) -> Option<[i64; 2]> {
    match config.get("model_args")?.get("img_size")? {
        Value::Array(sides) => match sides.as_slice() {
            [height, width] => Some([height.as_i64()?, width.as_i64()?]),
            _ => None,
        },
        side => Some([side.as_i64()?; 2]),
    }
}

/// timm's transform for evaluation.
fn preparation(config: &Value, pretrained: &Value) -> Result<Preparation, String> {
    let input = || match pretrained.get("input_size")?.as_array()?.as_slice() {
        [channels, height, width] if channels.as_i64() == Some(3) => {
            Some([height.as_i64()?, width.as_i64()?])
        }
        _ => None,
    };
    let input =
        made_for(config).or_else(input).ok_or("its config.json gives no input_size of 3 colors")?;
    let side = i64::min(input[0], input[1]);
    let share = pretrained.get("crop_pct").and_then(Value::as_f64).unwrap_or(0.875);
    if !(0.1..=1.0).contains(&share) || !(1..=4096).contains(&side) {
        return Err(format!("its crop of {share} of a picture of {side} pixels can't be made"));
    }
    let whole = (side as f64 / share).floor() as u32;
    let resize = match text(pretrained, "crop_mode").unwrap_or("center") {
        "center" if input[0] == input[1] => Resize::ShorterSide(whole),
        "squash" if i64::from(whole) == side && input[0] == input[1] => Resize::Exact,
        mode => {
            let mode = short(mode);
            return Err(format!(
                "its crop_mode `{mode}` to {input:?} at crop_pct {share} isn't known"
            ));
        }
    };
    let by = text(pretrained, "interpolation").unwrap_or("bicubic");
    let usual = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
    Ok(Preparation {
        input,
        resize,
        interpolation: interpolation(by)?,
        mean: colors(pretrained, "mean").unwrap_or(usual[0]),
        std: colors(pretrained, "std").unwrap_or(usual[1]),
    })
}

/// The classes' descriptions, or else their names, in order.
fn names(config: &Value, pretrained: &Value) -> Vec<String> {
    let of = |key: &str| config.get(key).or_else(|| pretrained.get(key));
    let Some(names) = of("label_names").and_then(Value::as_array) else { return Vec::new() };
    let descriptions = of("label_descriptions");
    let named = |name: &Value| {
        let name = name.as_str()?;
        let described = descriptions.and_then(|all| all.get(name)).and_then(Value::as_str);
        Some(described.unwrap_or(name).to_owned())
    };
    names.iter().map(named).collect::<Option<_>>().unwrap_or_default()
}
