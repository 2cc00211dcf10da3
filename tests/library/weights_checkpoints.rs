//! The files that people have: training checkpoints, whole models, other protocols, arrays, wrappers.

use std::fs;
use std::path::PathBuf;

use convscope::prelude::*;

use crate::helpers::{Tested, difference, real};
use crate::oracle::{Oracle, Script};
use crate::weights::small;

/// The files that tests/parity/checkpoints.py wrote and whose names begin so.
fn files(oracle: &Oracle, begin: &str) -> Vec<(String, PathBuf)> {
    let mut files: Vec<_> = fs::read_dir(&oracle.folder)
        .expect("the oracle's folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path))
        .filter(|(name, _)| name.starts_with(begin))
        .collect();
    files.sort();
    files
}

#[test]
fn whatever_stands_beside_the_weights_they_are_found() -> Tested {
    let Some(oracle) = Script::new("checkpoints.py").run() else { return Ok(()) };
    let expected = oracle.arrays();
    let files = files(&oracle, "loads.");
    assert!(files.len() > 120, "{} files", files.len());
    let mut faults = Vec::new();
    for (name, path) in files {
        let numbers = name.split('.').nth(1).expect("what its numbers are");
        match small().load_weights(&path) {
            Ok(net) => {
                for (parameter, tensor) in net.state_dict() {
                    let off = difference(&tensor, &expected[&format!("{numbers}.{parameter}")]);
                    if off != 0.0 {
                        faults.push(format!("{name}: {parameter} is off by {off}"));
                    }
                }
            }
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[test]
fn what_cannot_be_had_is_refused_by_name() -> Tested {
    let Some(oracle) = Script::new("checkpoints.py").run() else { return Ok(()) };
    for (name, path) in files(&oracle, "refused.") {
        let words: &[&str] = match name.split('.').nth(1).expect("what is wrong") {
            "quantized" => &["`fc.weight` is a quantized tensor", "torch.save("],
            "sparse" => &["`fc.weight` is a sparse tensor"],
            "complex" => &["`fc.weight`", "Complex"],
            "float8" => &["`fc.weight`", "float8_e5m2"],
            "meta" => &["`fc.weight` is a tensor of the device `meta`"],
            "bytes" => &["`fc.weight`", "type S1"],
            "head" => &["but the head", "`fc` has 7 outputs", "3 in the network", "with_head(7)"],
            "deeper" => &["not of this network (1): conv2.weight"],
            "other_model" => &["a whole model", "torch.save(model.state_dict(), path)"],
            "optimizer" => &["missing (4)"],
            "nothing" => &["no tensors", "torch.save(model.state_dict(), path)"],
            "dumped" => &["is a tensor described in an unknown way", "torch.save("],
            other => panic!("{other} is not known here"),
        };
        let error = small().load_weights(&path).expect_err(&name).to_string();
        for word in words {
            assert!(error.contains(word), "{word}: {name}: {error}");
        }
    }
    Ok(())
}

#[test]
fn the_official_files_of_the_cifar_networks_open() -> Tested {
    for (name, file, photos) in [
        ("cifar_resnet20", "resnet20-12fca82f.th", 60),
        ("cifar_resnet56", "resnet56-4bfd9763.th", 20),
    ] {
        let (Some(path), Some(set)) = (
            real(&format!("weights/official/{file}")),
            real("data/cifar10_train2000_lossless.safetensors"),
        ) else {
            continue;
        };
        let net = zoo::untrained(name)?.load_weights(path)?;
        let set = ImageSet::open(set)?;
        let set = set.first(photos)?;
        let accuracy = net.accuracy(&Dataset::prepare(&net, &set)?)?;
        assert!(accuracy > 0.98, "{name}: {accuracy}");
    }
    Ok(())
}
