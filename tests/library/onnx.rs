//! ONNX import against PyTorch. `onnx_files.py --golden tests/golden` writes the small file anew.

use std::path::PathBuf;

use convscope::prelude::*;

use crate::helpers::{Tested, difference, root, scratch};
use crate::oracle::{Arrays, Oracle, Script};

fn two_heads() -> PathBuf {
    root().join("tests/golden/two_heads.onnx")
}

fn relative(ours: &Tensor, theirs: &Tensor) -> f64 {
    difference(ours, theirs) / theirs.abs().max().double_value(&[])
}

#[test]
fn a_small_file_with_two_heads() -> Tested {
    let net = Network::from_onnx(two_heads())?;
    let golden = Tensor::read_safetensors(two_heads().with_extension("safetensors"))?;
    let golden: Arrays = golden.into_iter().collect();
    // The file is made for one image.
    for n in [1, 2, 5] {
        let first = |name: &str| golden[name].narrow(0, 0, n);
        assert!(relative(&net.forward(&first("input"))?, &first("digit")) < 1e-5);
        let parity = net.activations(&first("input"), &["parity"])?;
        assert!(relative(&parity[0], &first("parity")) < 1e-5);
    }
    assert_eq!(net.output().name, "digit");
    assert_eq!(net.preprocess().input_shape(), [1, 12, 20]);
    let names: Vec<String> = net.state_dict().into_iter().map(|(name, _)| name).collect();
    for name in ["wide.weight", "wide.bias", "norm.running_var", "hidden.weight", "digit.bias"] {
        assert!(names.iter().any(|known| known == name), "{name} of {names:?}");
    }
    // The file's own name, the module's, and the weight's.
    let maps = net.activations(&golden["input"], &["/wide/Conv", "wide", "stem.2", "stem"])?;
    assert_eq!(difference(&maps[0], &maps[1]), 0.0);
    assert_eq!(difference(&maps[2], &maps[3]), 0.0);
    let parity = net.with_output("parity")?.with_classes(["even", "odd"])?;
    assert_eq!(parity.forward(&golden["input"])?.size(), [5, 2]);
    assert_eq!(parity.class_name(1), "odd");
    Ok(())
}

#[test]
fn what_pytorch_exports_gives_its_logits() -> Tested {
    let script = Script::new("onnx_files.py").needs(&["onnx", "onnxscript"]);
    let Some(oracle) = script.run() else { return Ok(()) };
    let files = agree(&oracle)?;
    assert!(files > 20, "{files} files");
    Ok(())
}

/// Old operator sets, Keras' layout, files for whole batches, tables computed of constants.
#[test]
fn other_forms_of_files_give_the_reference_evaluators_outputs() -> Tested {
    let Some(oracle) = Script::new("onnx_forms.py").needs(&["onnx"]).run() else { return Ok(()) };
    let files = agree(&oracle)?;
    assert_eq!(files, 16);
    Ok(())
}

/// Those files that are kept with an eighth of the channels.
#[test]
fn large_files_give_pytorchs_logits() -> Tested {
    let script = Script::new("onnx_files.py").needs(&["onnx", "onnxscript"]).word("--full");
    let folder = scratch("onnx_full");
    let Some(oracle) = script.run_unkept(&folder) else { return Ok(()) };
    let files = agree(&oracle)?;
    assert_eq!(files, 8);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Compares the network of each file with the logits that PyTorch computed; how many there are.
fn agree(oracle: &Oracle) -> Result<usize, Box<dyn std::error::Error>> {
    let theirs = oracle.arrays();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&oracle.folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    files.sort();
    for path in &files {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = file.split('.').next().unwrap_or_default();
        let began = std::time::Instant::now();
        let net = Network::from_onnx(path)?;
        let (took, input) = (began.elapsed(), &theirs[&format!("{name}.input")]);
        for n in [1, input.size()[0]] {
            let theirs = &theirs[&format!("{name}.logits")].narrow(0, 0, n);
            let spread = theirs.std(false).double_value(&[]);
            assert!(spread > 1e-3, "{file}: logits without spread compare nothing");
            let off = relative(&net.forward(&input.narrow(0, 0, n))?, theirs);
            println!("{file}, {n} images: {off:.1e}, spread {spread:.1e}, opened in {took:?}");
            assert!(off < 1e-4, "{file}, {n} images: {off}");
        }
        if name == "resnet18" {
            resnet18_layers(&net, input, &theirs["resnet18.layer2"])?;
        }
    }
    Ok(files.len())
}

/// Layers are found as in PyTorch, whichever exporter wrote the file.
fn resnet18_layers(net: &Network, input: &Tensor, layer2: &Tensor) -> Tested {
    let found = net.activations(input, &["layer2", "layer2.1", "layer2.1.relu_1"])?;
    for ours in &found {
        assert!(relative(ours, layer2) < 1e-5, "{:?}", net.layer_names());
    }
    let known = zoo::untrained("resnet18")?;
    for name in known.layer_names() {
        let folded = name.contains("conv") || name.contains("bn") || name.contains("downsample");
        assert!(folded || net.layer(&name).is_ok(), "{name} of {:?}", net.layer_names());
    }
    Ok(())
}
