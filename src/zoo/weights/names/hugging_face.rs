//! Names of Hugging Face's `transformers`, behind the prefix of the architecture (`vit.`, `resnet.`): those
//! in its files, and those that its models have in memory since version 5.

use super::{Place, convnext_stage};

pub(super) fn resnet(name: &str) -> Place {
    let parts: Vec<&str> = name.split('.').collect();
    Place::whole(resnet_place(&parts).unwrap_or_else(|| name.to_owned()))
}

fn resnet_place(parts: &[&str]) -> Option<String> {
    Some(match *parts {
        ["embedder", "embedder", "convolution", parameter] => format!("conv1.{parameter}"),
        ["embedder", "embedder", "normalization", parameter] => format!("bn1.{parameter}"),
        ["encoder", "stages", stage, "layers", block, ref part @ ..] => {
            let part = match *part {
                ["shortcut", "convolution", parameter] => format!("downsample.0.{parameter}"),
                ["shortcut", "normalization", parameter] => format!("downsample.1.{parameter}"),
                ["layer", index, "convolution", parameter] => {
                    format!("conv{}.{parameter}", next(index)?)
                }
                ["layer", index, "normalization", parameter] => {
                    format!("bn{}.{parameter}", next(index)?)
                }
                _ => return None,
            };
            format!("layer{}.{block}.{part}", next(stage)?)
        }
        ["classifier", "1", parameter] => format!("fc.{parameter}"),
        _ => return None,
    })
}

/// A number as it is when counting begins with 1.
fn next(number: &str) -> Option<u8> {
    number.parse::<u8>().ok()?.checked_add(1)
}

pub(super) fn convnext(name: &str) -> Place {
    let parts: Vec<&str> = name.split('.').collect();
    Place::whole(convnext_place(&parts).unwrap_or_else(|| name.to_owned()))
}

fn convnext_place(parts: &[&str]) -> Option<String> {
    Some(match *parts {
        ["embeddings", "patch_embeddings", parameter] => format!("features.0.0.{parameter}"),
        ["embeddings", "layernorm", parameter] => format!("features.0.1.{parameter}"),
        ["encoder", "stages", stage, "downsampling_layer", part, parameter] => {
            format!("features.{}.{part}.{parameter}", convnext_stage(stage)?.0)
        }
        ["encoder", "stages", stage, "layers", block, ref part @ ..] => {
            let part = match *part {
                ["layer_scale_parameter"] => "layer_scale".to_owned(),
                ["dwconv", parameter] => format!("block.0.{parameter}"),
                ["layernorm", parameter] => format!("block.2.{parameter}"),
                ["pwconv1", parameter] => format!("block.3.{parameter}"),
                ["pwconv2", parameter] => format!("block.5.{parameter}"),
                _ => return None,
            };
            format!("features.{}.{block}.{part}", convnext_stage(stage)?.1)
        }
        ["layernorm", parameter] => format!("classifier.0.{parameter}"),
        ["classifier", parameter] => format!("classifier.2.{parameter}"),
        _ => return None,
    })
}

pub(super) fn vit(name: &str) -> Place {
    let parts: Vec<&str> = name.split('.').collect();
    let whole = match *parts.as_slice() {
        ["embeddings", "cls_token"] => "class_token".to_owned(),
        ["embeddings", "position_embeddings"] => "encoder.pos_embedding".to_owned(),
        ["embeddings", "patch_embeddings", "projection", parameter] => {
            format!("conv_proj.{parameter}")
        }
        ["layernorm", parameter] => format!("encoder.ln.{parameter}"),
        ["classifier", parameter] => format!("heads.head.{parameter}"),
        ["encoder", "layer", index, ref part @ ..] | ["layers", index, ref part @ ..] => {
            let block = format!("encoder.layers.encoder_layer_{index}");
            match (attention(part), part) {
                (Some((Projection::Of(third), parameter)), _) => {
                    return Place::third(
                        format!("{block}.self_attention.in_proj_{parameter}"),
                        third,
                    );
                }
                (Some((Projection::Out, parameter)), _) => {
                    format!("{block}.self_attention.out_proj.{parameter}")
                }
                (_, ["intermediate", "dense", parameter] | ["mlp", "fc1", parameter]) => {
                    format!("{block}.mlp.0.{parameter}")
                }
                (_, ["output", "dense", parameter] | ["mlp", "fc2", parameter]) => {
                    format!("{block}.mlp.3.{parameter}")
                }
                (_, ["layernorm_before", parameter]) => format!("{block}.ln_1.{parameter}"),
                (_, ["layernorm_after", parameter]) => format!("{block}.ln_2.{parameter}"),
                _ => name.to_owned(),
            }
        }
        _ => name.to_owned(),
    };
    Place::whole(whole)
}

pub(super) fn dinov2(name: &str) -> Place {
    let parts: Vec<&str> = name.split('.').collect();
    let whole = match *parts.as_slice() {
        ["embeddings", "position_embeddings"] => "pos_embed".to_owned(),
        ["embeddings", token @ ("cls_token" | "register_tokens")] => token.to_owned(),
        ["embeddings", "patch_embeddings", "projection", parameter] => {
            format!("patch_embed.proj.{parameter}")
        }
        ["layernorm", parameter] => format!("norm.{parameter}"),
        ["encoder", "layer", index, ref part @ ..] => match (attention(part), part) {
            (Some((Projection::Of(third), parameter)), _) => {
                return Place::third(format!("blocks.{index}.attn.qkv.{parameter}"), third);
            }
            (Some((Projection::Out, parameter)), _) => {
                format!("blocks.{index}.attn.proj.{parameter}")
            }
            (_, ["layer_scale1", "lambda1"]) => format!("blocks.{index}.ls1.gamma"),
            (_, ["layer_scale2", "lambda1"]) => format!("blocks.{index}.ls2.gamma"),
            // norm1, norm2, mlp.fc1, mlp.fc2
            _ => format!("blocks.{index}.{}", part.join(".")),
        },
        _ => name.to_owned(),
    };
    Place::whole(whole)
}

/// A linear layer of attention: that of queries (0), keys (1) or values (2), or that behind it.
enum Projection {
    Of(usize),
    Out,
}

/// The linear layer of attention, and its parameter.
fn attention<'a>(part: &[&'a str]) -> Option<(Projection, &'a str)> {
    Some(match *part {
        ["attention", "attention", "query", parameter] | ["attention", "q_proj", parameter] => {
            (Projection::Of(0), parameter)
        }
        ["attention", "attention", "key", parameter] | ["attention", "k_proj", parameter] => {
            (Projection::Of(1), parameter)
        }
        ["attention", "attention", "value", parameter] | ["attention", "v_proj", parameter] => {
            (Projection::Of(2), parameter)
        }
        ["attention", "output", "dense", parameter] | ["attention", "o_proj", parameter] => {
            (Projection::Out, parameter)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_files_and_in_memory() {
        let block = "encoder.layers.encoder_layer_3";
        for (theirs, ours) in [
            ("encoder.layer.3.intermediate.dense.bias", format!("{block}.mlp.0.bias")),
            ("layers.3.mlp.fc2.bias", format!("{block}.mlp.3.bias")),
            ("layers.3.layernorm_after.bias", format!("{block}.ln_2.bias")),
            ("classifier.bias", "heads.head.bias".to_owned()),
            ("pooler.dense.bias", "pooler.dense.bias".to_owned()),
        ] {
            assert_eq!(vit(theirs), Place::whole(ours));
        }
        let keys = Place::third(format!("{block}.self_attention.in_proj_weight"), 1);
        assert_eq!(vit("encoder.layer.3.attention.attention.key.weight"), keys);
        assert_eq!(vit("layers.3.attention.k_proj.weight"), keys);
        let values = Place::third("blocks.3.attn.qkv.bias", 2);
        assert_eq!(dinov2("encoder.layer.3.attention.attention.value.bias"), values);
        for (theirs, ours) in [
            ("encoder.layer.3.layer_scale2.lambda1", "blocks.3.ls2.gamma"),
            ("encoder.layer.3.attention.output.dense.bias", "blocks.3.attn.proj.bias"),
            ("encoder.layer.3.mlp.fc1.weight", "blocks.3.mlp.fc1.weight"),
        ] {
            assert_eq!(dinov2(theirs), Place::whole(ours));
        }
        let places = resnet("encoder.stages.1.layers.0.shortcut.normalization.running_var");
        assert_eq!(places, Place::whole("layer2.0.downsample.1.running_var"));
        let place = resnet("encoder.stages.3.layers.1.layer.2.convolution.weight");
        assert_eq!(place, Place::whole("layer4.1.conv3.weight"));
        let place = convnext("encoder.stages.1.layers.2.pwconv2.bias");
        assert_eq!(place, Place::whole("features.3.2.block.5.bias"));
    }
}
