//! Other names under which weights are published, as torchvision's.

use std::collections::BTreeMap;

/// The parameters under torchvision's names.
pub(super) fn torchvisions<T>(parameters: BTreeMap<String, T>) -> BTreeMap<String, T> {
    let parameters = without_wrapper(parameters);
    let transformer = parameters.contains_key("cls_token");
    let rename = |name: String| if transformer { vit(&name) } else { densenet(name) };
    parameters.into_iter().map(|(name, tensor)| (rename(name), tensor)).collect()
}

/// DataParallel, in which networks are trained on several GPUs, puts `module.` before every name.
fn without_wrapper<T>(parameters: BTreeMap<String, T>) -> BTreeMap<String, T> {
    const WRAPPER: &str = "module.";
    if !parameters.keys().all(|name| name.starts_with(WRAPPER)) {
        return parameters;
    }
    let unwrapped = |name: String| name.strip_prefix(WRAPPER).unwrap_or(&name).to_owned();
    parameters.into_iter().map(|(name, tensor)| (unwrapped(name), tensor)).collect()
}

/// DenseNet's file of 2017 says `denselayer1.norm.1.weight` where torchvision now says
/// `denselayer1.norm1.weight`.
fn densenet(name: String) -> String {
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
        None => name,
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

    fn renamed(names: &[&str]) -> Vec<String> {
        let parameters = names.iter().map(|name| (name.to_string(), ())).collect();
        torchvisions(parameters).into_keys().collect()
    }

    #[test]
    fn densenets_old_names() {
        assert_eq!(
            renamed(&[
                "features.denseblock1.denselayer12.norm.2.running_mean",
                "features.transition1.norm.weight",
                "layer1.0.conv1.weight",
            ]),
            [
                "features.denseblock1.denselayer12.norm2.running_mean",
                "features.transition1.norm.weight",
                "layer1.0.conv1.weight",
            ]
        );
    }

    #[test]
    fn transformers_names_change_only_in_transformers() {
        let block = "encoder.layers.encoder_layer_11";
        assert_eq!(
            renamed(&["cls_token", "blocks.11.attn.qkv.bias", "head.weight", "other"]),
            [
                "class_token",
                &format!("{block}.self_attention.in_proj_bias"),
                "heads.head.weight",
                "other"
            ]
        );
        assert_eq!(renamed(&["head.weight"]), ["head.weight"]);
    }
}
