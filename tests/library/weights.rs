//! Weights files that don't fit, and those that are not there.

use std::fs;
use std::path::Path;

use convscope::prelude::*;

use crate::helpers::{Tested, cpu, in_child, is_child, scratch};

fn refused(path: &Path) -> String {
    zoo::untrained("resnet18")
        .and_then(|net| net.load_weights(path))
        .expect_err("not resnet18's weights")
        .to_string()
}

#[test]
fn what_is_no_weights_file_is_said_to_be_none() -> Tested {
    let folder = scratch("no_weights");
    let path = folder.join("w.safetensors");
    for (content, word) in [
        (&b""[..], "empty"),
        (b"<html>a proxy's page</html>", "neither safetensors nor a state_dict"),
        (&[0x80, 2, 0x8a, 10, 1, 2, 3, 4, 5, 6], "truncated"),
        (b"PK\x03\x04 and nothing more", "truncated"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f{", "broken or truncated"),
        (b"x", "neither"),
    ] {
        fs::write(&path, content)?;
        let error = refused(&path);
        assert!(error.contains(word) && error.contains("w.safetensors"), "{error}");
    }
    assert!(refused(&folder.join("absent.pth")).contains("absent.pth"));
    assert!(refused(&folder).contains("no_weights"), "a folder is no file");
    Ok(())
}

#[test]
fn a_truncated_safetensors_file_is_refused() -> Tested {
    let path = scratch("truncated").join("resnet18.safetensors");
    Tensor::write_safetensors(
        &[("conv1.weight", Tensor::zeros([64, 3, 7, 7], cpu(Kind::Float)))],
        &path,
    )?;
    let whole = fs::read(&path)?;
    fs::write(&path, &whole[..whole.len() - 100])?;
    assert!(refused(&path).contains("truncated"));
    Ok(())
}

#[test]
fn another_networks_file_is_refused_with_every_misfit() -> Tested {
    let path = scratch("other_network").join("w.safetensors");
    let tensors = [
        ("conv1.weight", Tensor::zeros([64, 1, 7, 7], cpu(Kind::Float))),
        ("head.bias", Tensor::zeros([3], cpu(Kind::Float))),
    ];
    Tensor::write_safetensors(&tensors, &path)?;
    let error = refused(&path);
    assert!(error.contains("`conv1.weight` should be [64, 3, 7, 7], is [64, 1, 7, 7]"), "{error}");
    assert!(error.contains("`bn1.weight` is missing"), "{error}");
    assert!(error.contains("… and "), "the rest is counted: {error}");
    Ok(())
}

#[test]
fn offline_and_absent_names_file_folder_and_address() {
    if is_child() {
        println!("{}", zoo::resnet18().expect_err("no weights in an empty home"));
        return;
    }
    let home = scratch("offline_home");
    let text = in_child(
        "weights::offline_and_absent_names_file_folder_and_address",
        &[("CONVSCOPE_HOME", &home), ("CONVSCOPE_OFFLINE", Path::new("1"))],
    );
    let weights = home.join("weights").display().to_string();
    for word in ["resnet18.safetensors", &weights, "https://", "resnet18-f37072fd.pth", "OFFLINE"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}
