//! Repositories of Hugging Face's hub, from its cache.

use std::fs;
use std::path::{Path, PathBuf};

use convscope::prelude::*;

use crate::helpers::{Tested, difference, in_child, is_child, painted, scratch};
use crate::oracle::Script;

/// Runs a test in a process that has a folder of its own for weights and for Hugging Face's cache, and no
/// network.
fn at_home(test: &str, run: impl FnOnce(&Path) -> Tested) -> Tested {
    if is_child() {
        let home = std::env::var_os("CONVSCOPE_HOME").map(PathBuf::from).ok_or("no home")?;
        return run(&home);
    }
    let home = scratch(test);
    let cache = home.join("cache");
    let variables = [
        ("CONVSCOPE_HOME", home.as_path()),
        ("HF_HUB_CACHE", &cache),
        ("CONVSCOPE_OFFLINE", Path::new("1")),
    ];
    let said = in_child(&format!("hub::{test}"), &variables);
    assert!(said.contains("1 passed"), "{said}");
    Ok(())
}

/// A snapshot of a repository as Hugging Face's programs lay it into their cache.
fn snapshot(home: &Path, repository: &str, config: &str) -> std::io::Result<PathBuf> {
    const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";
    let folder = home.join("cache").join(format!("models--{}", repository.replace('/', "--")));
    fs::create_dir_all(folder.join("refs"))?;
    fs::write(folder.join("refs/main"), REVISION)?;
    let snapshot = folder.join("snapshots").join(REVISION);
    fs::create_dir_all(&snapshot)?;
    fs::write(snapshot.join("config.json"), config)?;
    Ok(snapshot)
}

const RESNET: &str = r#"{"architecture": "resnet18", "num_classes": 1000, "global_pool": "avg",
    "pretrained_cfg": {"input_size": [3, 160, 160], "crop_pct": 0.95, "crop_mode": "center",
    "interpolation": "bicubic", "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}"#;

#[test]
fn a_repository_in_the_cache_is_opened_with_its_own_preparation() -> Tested {
    at_home("a_repository_in_the_cache_is_opened_with_its_own_preparation", |home| {
        let folder = snapshot(home, "timm/resnet18.a1_in1k", RESNET)?;
        let weights = zoo::untrained("resnet18")?;
        weights.save_weights(folder.join("model.safetensors"))?;
        let net = zoo::hub("timm/resnet18.a1_in1k")?;
        assert_eq!(net.name(), "timm/resnet18.a1_in1k");
        assert_eq!((net.preprocess().input_shape(), net.classes().len()), ([3, 160, 160], 1000));
        let input = net.prepare(&painted(301, 219))?;
        assert_eq!(input.size(), [1, 3, 160, 160]);
        assert_eq!(difference(&net.forward(&input)?, &weights.forward(&input)?), 0.0);
        let plain = Preprocess::plain([3, 160, 160])
            .resize(Resize::ShorterSide(168))
            .interpolation(convscope::network::Interpolation::Bicubic)
            .normalize(&[0.5, 0.4, 0.3], &[0.2, 0.3, 0.4]);
        let expected = weights.with_preprocess(plain)?.prepare(&painted(301, 219))?;
        assert_eq!(difference(&input, &expected), 0.0);
        Ok(())
    })
}

#[test]
fn what_the_zoo_lacks_is_refused_by_name_with_a_way() -> Tested {
    at_home("what_the_zoo_lacks_is_refused_by_name_with_a_way", |home| {
        for (name, config, said) in [
            ("a/swin", r#"{"architecture": "swin_tiny_patch4_window7_224"}"#, "swin_tiny_patch4"),
            ("a/t", r#"{"model_type": "bert", "architectures": ["BertModel"]}"#, "BertModel"),
            ("a/none", "{}", "names neither"),
            ("a/broken", "{", "no JSON"),
            ("a/number", "7", "names neither"),
            (
                "a/args",
                r#"{"architecture": "resnet18", "model_args": {"stem_width": 32}}"#,
                "stem_width=32",
            ),
            ("a/pool", r#"{"architecture": "vit_tiny_patch16_224", "global_pool": "avg"}"#, "avg"),
            (
                "a/crop",
                r#"{"architecture": "resnet18", "pretrained_cfg": {"input_size": [3, 224, 224],
                "crop_pct": 1e-9}}"#,
                "crop",
            ),
            (
                "a/lanczos",
                r#"{"architecture": "resnet18", "pretrained_cfg": {"input_size": [3, 224, 224],
                "interpolation": "lanczos"}}"#,
                "lanczos",
            ),
        ] {
            let folder = snapshot(home, name, config)?;
            fs::write(folder.join("preprocessor_config.json"), "{}")?;
            let error = zoo::hub(name).expect_err(name).to_string();
            assert!(error.contains(said), "{name}: {error}");
        }
        let error = zoo::hub("a/swin").expect_err("not in the zoo").to_string();
        assert!(error.contains("from_onnx"), "{error}");
        let error = zoo::hub("timm/nowhere").expect_err("offline").to_string();
        assert!(error.contains("hf download timm/nowhere"), "{error}");
        for name in ["resnet18", "../../etc/x", ""] {
            let error = zoo::hub(name).expect_err("no repository").to_string();
            assert!(error.contains("timm/resnet18.a1_in1k"), "{error}");
        }
        Ok(())
    })
}

#[test]
fn timms_and_transformers_networks_give_their_outputs() -> Tested {
    let test = "timms_and_transformers_networks_give_their_outputs";
    if !is_child() {
        let home = scratch("hub_parity");
        let photo = home.join("p.png");
        painted(419, 301).pixels().save(&photo)?;
        let Some(oracle) =
            Script::new("hub.py").needs(&["timm", "transformers"]).file(&photo).run_unkept(&home)
        else {
            return Ok(());
        };
        let (cache, expected) = (oracle.file("cache"), oracle.file("expected.safetensors"));
        let variables = [
            ("CONVSCOPE_HOME", home.as_path()),
            ("HF_HUB_CACHE", &cache),
            ("HUB_EXPECTED", &expected),
            ("CONVSCOPE_OFFLINE", Path::new("1")),
        ];
        let said = in_child(&format!("hub::{test}"), &variables);
        assert!(said.contains("1 passed"), "{said}");
        return Ok(());
    }
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).ok_or("not set");
    let photo = Photo::open(variable("CONVSCOPE_HOME")?.join("p.png"))?;
    let arrays = Tensor::read_safetensors(variable("HUB_EXPECTED")?)?;
    let array = |name: &str| arrays.iter().find(|(key, _)| key == name).map(|(_, t)| t);
    for (key, theirs) in &arrays {
        let Some(name) = key.strip_suffix(".output") else { continue };
        let net = zoo::hub(name)?;
        let input = array(&format!("{name}.input")).ok_or("no input")?;
        // timm prepares by Pillow, which is ours to the last bit; transformers by libtorch, which isn't
        // Pillow's.
        let allowed = if name.starts_with("timm/") { 1e-6 } else { 0.05 };
        let off = difference(&net.prepare(&photo)?, input);
        assert!(off < allowed, "{name}: prepared by {off}");
        let off = difference(&net.forward(input)?, theirs) / theirs.abs().max().double_value(&[]);
        assert!(off < 1e-5, "{name}: {off}");
    }
    Ok(())
}
