//! Class activation maps beside pytorch-grad-cam and torchcam, before they are brought to 0..1 and
//! enlarged.

use std::path::PathBuf;

use convscope::prelude::*;

use crate::helpers::{Tested, real, scratch, values_of};
use crate::oracle::{Arrays, Script};
use crate::parity::{filled, relative};

/// Ours by the name under which the script saved theirs.
fn ours(
    net: &Network,
    method: &str,
    input: &Tensor,
    layer: &str,
    targets: &[Target],
) -> convscope::Result<Tensor> {
    let by = |method: &dyn Attribution| values_of(method, net, input, targets);
    match method {
        "GradCam" => by(&GradCam::at(layer)),
        "GradCamPlusPlus" => by(&GradCamPlusPlus::at(layer)),
        "XGradCam" => by(&XGradCam::at(layer)),
        "HiResCam" => by(&HiResCam::at(layer)),
        "LayerCam" => by(&LayerCam::at(layer)),
        "FinerCam" => by(&FinerCam::at(layer)),
        "score" => by(&ScoreCam::at(layer).measure(Measure::Score)),
        "score_probability" => by(&ScoreCam::at(layer)),
        "ablation" => by(&AblationCam::at(layer)),
        other => panic!("the script saved {other}"),
    }
}

fn compare(
    package: &str,
    net: &Network,
    name: &str,
    method: &str,
    ours: &Tensor,
    theirs: &Arrays,
) -> Tested {
    let theirs = &theirs[&format!("{name}.{method}")];
    assert!(theirs.max().double_value(&[]) > 0.0, "{package} {name} {method}: nothing to compare");
    let off = relative(ours, theirs);
    println!("{package} {} {method}: {off:.1e}", net.name());
    assert!(off < 1e-4, "{package} {name} {method}: {off}");
    Ok(())
}

fn methods<'a>(theirs: &'a Arrays, name: &'a str) -> impl Iterator<Item = &'a str> {
    let data = ["class", "scored", "input", "small"];
    let own = theirs.keys().filter_map(move |key| key.strip_prefix(name)?.strip_prefix('.'));
    own.filter(move |key| !data.contains(key))
}

/// Name, layer for gradients, layer for scores, and the two as the Python side calls them.
const NETWORKS: [[&str; 4]; 5] = [
    ["resnet18", "layer3", "layer1", "resnet18:layer3:layer1"],
    // Maps as large as the input: nothing to enlarge, which each package does in its own way.
    ["vgg16_bn", "features.42", "features.2", "vgg16_bn:features.42:features.2"],
    [
        "densenet121",
        "features.denseblock3",
        "features.relu0",
        "densenet121:features.denseblock3:features.relu0",
    ],
    [
        "deit_tiny",
        "encoder.layers.encoder_layer_11.ln_1",
        "encoder.layers.encoder_layer_11.ln_1",
        "deit_tiny:blocks.11.norm1:blocks.11.norm1",
    ],
    // Layers that have their channels last.
    [
        "convnext_tiny",
        "features.5.8.block.5",
        "features.1.0.block.2",
        "convnext_tiny:features.5.8.block.5:features.1.0.block.2",
    ],
];

fn random_networks(package: &'static str) -> Tested {
    let mut script = Script::new("cams.py").needs(&[package, "captum"]).word(package);
    for network in NETWORKS {
        script = script.word(network[3]);
    }
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();
    for [name, layer, scored_layer, _] in NETWORKS {
        let number = |key: &str| theirs[&format!("{name}.{key}")].int64_value(&[0]) as usize;
        let agree = |net: &Network, methods: &[&str], layer, input, class| -> Tested {
            let input = &theirs[&format!("{name}.{input}")];
            let targets = vec![Target::Class(number(class)); input.size()[0] as usize];
            for method in methods {
                let ours = ours(net, method, input, layer, &targets)?;
                compare(package, net, name, method, &ours, &theirs)?;
            }
            Ok(())
        };
        let (gradients, scores): (Vec<&str>, Vec<&str>) =
            methods(&theirs, name).partition(|method| method.starts_with(char::is_uppercase));
        let net = filled(name)?;
        agree(&net, &scores, scored_layer, "small", "scored")?;
        agree(&net.to_kind(Kind::Double)?, &gradients, layer, "input", "class")?;
    }
    Ok(())
}

fn real_network(package: &'static str) -> Tested {
    let (Some(weights), Some(photo)) =
        (real("weights/resnet18.safetensors"), real("images/hub_dog.jpg"))
    else {
        return Ok(());
    };
    let folder = scratch(&format!("parity_real_{package}"));
    let net = zoo::untrained("resnet18")?.load_weights(&weights)?;
    let input =
        net.prepare(&Photo::open(photo)?)?.narrow(2, 60, 128).narrow(3, 30, 160).contiguous();
    let path: PathBuf = folder.join("input.safetensors");
    Tensor::write_safetensors(&[("input", &input)], &path)?;
    let script = Script::new("cams.py").needs(&[package, "captum"]).word(package);
    let Some(oracle) = script.file(&weights).file(path).run() else { return Ok(()) };
    let theirs = oracle.arrays();
    for method in methods(&theirs, "resnet18") {
        let ours = ours(&net, method, &input, "layer4", &[Target::Top])?;
        compare(package, &net, "resnet18", method, &ours, &theirs)?;
    }
    Ok(())
}

#[test]
fn maps_equal_pytorch_grad_cams() -> Tested {
    random_networks("pytorch_grad_cam")
}

#[test]
fn maps_equal_torchcams() -> Tested {
    random_networks("torchcam")
}

#[test]
fn maps_of_a_real_photo_equal_pytorch_grad_cams() -> Tested {
    real_network("pytorch_grad_cam")
}

#[test]
fn maps_of_a_real_photo_equal_torchcams() -> Tested {
    real_network("torchcam")
}
