//! Repositories that Hugging Face's `transformers` saved.

use serde_json::{Value, json};

use super::super::resnet::Block;
use super::super::{convnext, dinov2, transformer};
use super::architecture::{Architecture, Described};
use super::config::{colors, number, only, text};
use super::preparation::{Preparation, interpolation};
use crate::error::short;
use crate::network::Resize;

pub(super) fn describe(config: &Value, preparation: &Value) -> Result<Described, String> {
    let model = text(config, "model_type").unwrap_or_default();
    let name = config.get("architectures").and_then(|all| all.get(0)).and_then(Value::as_str);
    let name = name.unwrap_or_default();
    let architecture = match model {
        "resnet" => resnet(config),
        "convnext" => convnext(config),
        "vit" => vit(config),
        "dinov2" | "dinov2_with_registers" if name.ends_with("ForImageClassification") => {
            Err("its classes are told by all patches together, which the zoo's DINOv2 lacks"
                .to_owned())
        }
        "dinov2" => dino(config, 0),
        "dinov2_with_registers" => dino(config, number(config, "num_register_tokens").unwrap_or(4)),
        "deit" => Err("it has a distillation token, which the zoo's DeiT lacks".to_owned()),
        other => Err(format!(
            "the zoo has no `{}` (model_type {}); of transformers it has ResNet, ViT, ConvNeXt and \
             DINOv2",
            short(name),
            short(other)
        )),
    }?;
    let mut names =
        if name.ends_with("ForImageClassification") { names(config) } else { Vec::new() };
    let classes = names.len() as i64;
    if names.iter().all(|name| name.starts_with("LABEL_")) {
        names.clear(); // what transformers says where nobody named them
    }
    let preprocess = prepared(config, preparation)?.preprocess();
    Ok(Described { architecture, classes, names, preprocess })
}

fn resnet(config: &Value) -> Result<Architecture, String> {
    only(config, "embedding_size", &json!(64))?;
    only(config, "downsample_in_first_stage", &json!(false))?;
    only(config, "downsample_in_bottleneck", &json!(false))?;
    only(config, "hidden_act", &json!("relu"))?;
    let (block, widths) = match text(config, "layer_type") {
        Some("basic") => (Block::Basic, json!([64, 128, 256, 512])),
        _ => (Block::Bottleneck, json!([256, 512, 1024, 2048])),
    };
    only(config, "hidden_sizes", &widths)?;
    let blocks = four(config, "depths")?.map(|count| count as usize);
    Ok(Architecture::ResNet { blocks, block })
}

fn convnext(config: &Value) -> Result<Architecture, String> {
    only(config, "patch_size", &json!(4))?;
    only(config, "hidden_act", &json!("gelu"))?;
    let blocks = four(config, "depths")?.map(|count| count as usize);
    Ok(Architecture::ConvNext(convnext::Size { blocks, widths: four(config, "hidden_sizes")? }))
}

fn vit(config: &Value) -> Result<Architecture, String> {
    let size = size(config)?;
    only(config, "intermediate_size", &json!(4 * size.width))?;
    let patch = number(config, "patch_size").unwrap_or(16);
    Ok(Architecture::Vit { size, patch })
}

fn dino(config: &Value, registers: i64) -> Result<Architecture, String> {
    let size = size(config)?;
    only(config, "mlp_ratio", &json!(4))?;
    only(config, "use_swiglu_ffn", &json!(false))?;
    only(config, "patch_size", &json!(14))?;
    let trained = number(config, "image_size").unwrap_or(518) / 14;
    Ok(Architecture::Dino(dinov2::Form {
        size,
        registers,
        trained,
        class_has_position: true,
        offset: 0.0,
        antialias: registers > 0,
    }))
}

fn size(config: &Value) -> Result<transformer::Size, String> {
    only(config, "hidden_act", &json!("gelu"))?;
    only(config, "qkv_bias", &json!(true))?;
    let lacks = |key: &str| format!("its config.json gives no {key}");
    let positive = |key: &str| number(config, key).filter(|&n| n > 0).ok_or_else(|| lacks(key));
    let [width, heads] = [positive("hidden_size")?, positive("num_attention_heads")?];
    if width % heads != 0 {
        return Err(format!("its {heads} heads don't share {width} values evenly"));
    }
    let blocks = usize::try_from(positive("num_hidden_layers")?).unwrap_or_default();
    let eps = config.get("layer_norm_eps").and_then(Value::as_f64).unwrap_or(1e-12);
    Ok(transformer::Size { blocks: blocks.min(1000), heads, width, eps })
}

fn four(config: &Value, key: &str) -> Result<[i64; 4], String> {
    let numbers = config.get(key).and_then(Value::as_array).into_iter().flatten();
    let usable = |number: &Value| number.as_i64().filter(|n| (1..=8192).contains(n));
    let numbers: Vec<i64> = numbers.filter_map(usable).collect();
    numbers.try_into().map_err(|_| format!("its {key} are not four numbers"))
}

/// What its image processor does: resize, center crop, normalization.
fn prepared(config: &Value, preparation: &Value) -> Result<Preparation, String> {
    let side =
        |value: &Value, key: &str| number(value, key).filter(|side| (1..=4096).contains(side));
    // A number, or {"height": …, "width": …}.
    let sides = |value: &Value| match value.as_i64() {
        Some(side) => Some([side; 2]),
        None => Some([side(value, "height")?, side(value, "width")?]),
    };
    let size = preparation.get("size").ok_or("its preprocessor_config.json gives no size")?;
    let share = preparation.get("crop_pct").and_then(Value::as_f64).filter(|share| *share >= 0.1);
    let crop = preparation
        .get("crop_size")
        .filter(|_| preparation.get("do_center_crop").and_then(Value::as_bool) != Some(false));
    let (input, resize) = match (crop.and_then(sides), side(size, "shortest_edge"), share) {
        (Some(crop), Some(shorter), _) => (crop, Resize::ShorterSide(shorter as u32)),
        // ConvNeXt's processor: as timm does below 384 pixels, from there on without a crop.
        (_, Some(side), Some(share)) if side < 384 => {
            ([side; 2], Resize::ShorterSide((side as f64 / share) as u32))
        }
        (_, Some(side), Some(_)) => ([side; 2], Resize::Exact),
        (None, None, _) => match sides(size) {
            Some(sides) => (sides, Resize::Exact),
            None => return Err(format!("its size {} isn't known", short(&size.to_string()))),
        },
        _ => {
            return Err(format!(
                "its size {} with this crop isn't known",
                short(&size.to_string())
            ));
        }
    };
    if let Some(side) = number(config, "image_size")
        && text(config, "model_type") == Some("vit")
        && input != [side; 2]
    {
        return Err(format!("its pictures are {input:?}, its positions are for {side}×{side}"));
    }
    let by = preparation.get("resample").map_or("2".to_owned(), Value::to_string);
    Ok(Preparation {
        input,
        resize,
        interpolation: interpolation(&by)?,
        mean: colors(preparation, "image_mean").unwrap_or([0.5; 3]),
        std: colors(preparation, "image_std").unwrap_or([0.5; 3]),
    })
}

/// Of the classes, in order.
fn names(config: &Value) -> Vec<String> {
    let Some(names) = config.get("id2label").and_then(Value::as_object) else {
        return vec!["LABEL_0".to_owned(), "LABEL_1".to_owned()]; // what transformers takes
    };
    let name = |index: usize| Some(names.get(&index.to_string())?.as_str()?.to_owned());
    (0..names.len()).map(name).collect::<Option<_>>().unwrap_or_default()
}
