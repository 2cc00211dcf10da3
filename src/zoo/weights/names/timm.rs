//! Names of `timm`, and of ConvNeXt's authors.

use super::{Place, convnext_stage};

pub(super) fn convnext(name: &str) -> Place {
    let parts: Vec<&str> = name.split('.').collect();
    Place::whole(convnext_place(&parts).unwrap_or_else(|| name.to_owned()))
}

fn convnext_place(parts: &[&str]) -> Option<String> {
    Some(match *parts {
        ["stem", part, parameter] => format!("features.0.{part}.{parameter}"),
        ["downsample_layers", stage, part, parameter]
        | ["stages", stage, "downsample", part, parameter] => {
            format!("features.{}.{part}.{parameter}", convnext_stage(stage)?.0)
        }
        ["stages", stage, "blocks", block, ref part @ ..]
        | ["stages", stage, block, ref part @ ..] => {
            let part = match *part {
                ["gamma"] => "layer_scale".to_owned(),
                ["conv_dw" | "dwconv", parameter] => format!("block.0.{parameter}"),
                ["norm", parameter] => format!("block.2.{parameter}"),
                ["mlp", "fc1", parameter] | ["pwconv1", parameter] => {
                    format!("block.3.{parameter}")
                }
                ["mlp", "fc2", parameter] | ["pwconv2", parameter] => {
                    format!("block.5.{parameter}")
                }
                _ => return None,
            };
            format!("features.{}.{block}.{part}", convnext_stage(stage)?.1)
        }
        ["head", "norm", parameter] | ["norm", parameter] => format!("classifier.0.{parameter}"),
        ["head", "fc", parameter] | ["head", parameter] => format!("classifier.2.{parameter}"),
        _ => return None,
    })
}

/// As the authors' but for the registers.
pub(super) fn dinov2(name: &str) -> Place {
    Place::whole(if name == "reg_token" { "register_tokens" } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convnexts_names_by_timm_and_by_its_authors() {
        for (theirs, ours) in [
            ("stem.1.bias", "features.0.1.bias"),
            ("downsample_layers.0.1.bias", "features.0.1.bias"),
            ("stages.2.downsample.1.weight", "features.4.1.weight"),
            ("downsample_layers.2.1.weight", "features.4.1.weight"),
            ("stages.3.blocks.1.gamma", "features.7.1.layer_scale"),
            ("stages.3.1.gamma", "features.7.1.layer_scale"),
            ("stages.0.blocks.2.conv_dw.bias", "features.1.2.block.0.bias"),
            ("stages.0.2.pwconv2.bias", "features.1.2.block.5.bias"),
            ("stages.0.blocks.2.mlp.fc1.weight", "features.1.2.block.3.weight"),
            ("head.norm.weight", "classifier.0.weight"),
            ("norm.weight", "classifier.0.weight"),
            ("head.fc.bias", "classifier.2.bias"),
            ("head.bias", "classifier.2.bias"),
            ("stages.9.blocks.1.gamma", "stages.9.blocks.1.gamma"),
            ("other", "other"),
        ] {
            assert_eq!(convnext(theirs), Place::whole(ours));
        }
    }
}
