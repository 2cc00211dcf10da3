//! The same weights and inputs through torchvision and Captum: independent implementations.

use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, painted, real, scratch};
use crate::oracle::{Arrays, Script};

/// Relative to the largest value there is.
pub fn relative(ours: &Tensor, theirs: &Tensor) -> f64 {
    difference(ours, theirs) / theirs.abs().max().double_value(&[])
}

/// `exact` is `net` in double precision, for gradients: in single, the last bit of a ReLU's input can
/// decide about a whole path.
fn compare(net: &Network, exact: &Network, photo: &Photo, theirs: &Arrays) -> Tested {
    let prepared = net.prepare(photo)?;
    // Normalized values: one step of 1/255 is about 0.0175 of them.
    let off = (&prepared - &theirs["prepared"]).abs().mean(Kind::Double).double_value(&[]);
    assert!(
        off * 0.225 < 0.1 / 255.0,
        "preprocessing: mean error {:.3} of 1/255",
        off * 0.225 * 255.0
    );

    for input in ["prepared", "odd"] {
        let logits = if input == "odd" { "odd_logits" } else { "logits" };
        let off = difference(&net.forward(&theirs[input])?, &theirs[logits]);
        assert!(off < 1e-4, "{logits}: {off}");
    }
    let off = difference(&net.forward(&prepared)?, &theirs["logits"]);
    assert!(off < 1e-4, "logits from our own preprocessing: {off}");

    for layer in ["relu", "layer1", "layer2", "layer4"] {
        let ours = net.activations(&theirs["prepared"], &[layer])?;
        let off = relative(&ours[0], &theirs[&format!("activation.{layer}")]);
        assert!(off < 1e-5, "{layer}: {off}");
    }

    let top = theirs["logits"].argmax(None, false).int64_value(&[]);
    let run = exact.gradients(&theirs["prepared"], &["input"], |out| out.f_get(0)?.f_get(top))?;
    let off = relative(&run.gradients[0].abs(), &theirs["saliency"]);
    assert!(off < 1e-8, "saliency: {off}");
    let figure = saliency(exact, photo, Target::Top)?;
    let off = relative(&figure.values().tensor(), &theirs["saliency"].amax([1], false).get(0));
    assert!(off < 1e-3, "the saliency figure, own preprocessing: {off}");

    let sum = |out: &Tensor| out.f_get(0)?.f_get(7)?.f_add(&out.f_get(1)?.f_get(700)?);
    let run = exact.gradients(&theirs["odd"], &["input"], sum)?;
    let off = relative(&run.gradients[0].abs(), &theirs["odd_saliency"]);
    assert!(off < 1e-8, "saliency of a batch that is not square: {off}");
    Ok(())
}

#[test]
fn resnet18_with_random_weights_from_a_pth_file() -> Tested {
    let photo = scratch("parity_random").join("painted.png");
    painted(419, 301).pixels().save(&photo)?;
    let Some(oracle) = Script::new("resnet18.py").file(&photo).run() else { return Ok(()) };
    let loaded = |name: &str| zoo::untrained("resnet18")?.load_weights(oracle.file(name));
    let (net, exact) = (loaded("random.pth")?, loaded("random.pth")?.to_kind(Kind::Double)?);
    compare(&net, &exact, &Photo::open(&photo)?, &oracle.arrays())?;

    let legacy = loaded("legacy.pth")?;
    for ((name, modern), (_, old)) in net.state_dict().iter().zip(legacy.state_dict()) {
        assert_eq!(
            difference(modern, &old),
            0.0,
            "{name} of a file as PyTorch wrote it before 2020"
        );
    }
    Ok(())
}

#[test]
fn resnet18_with_real_weights_on_a_real_photo() -> Tested {
    let (Some(weights), Some(photo)) =
        (real("weights/resnet18.safetensors"), real("images/hub_dog.jpg"))
    else {
        return Ok(());
    };
    // As PNG, so that both decode the same pixels; the JPEG decoder is compared below.
    let lossless = scratch("parity_real").join("dog.png");
    let photo = Photo::open(photo)?;
    photo.pixels().save(&lossless)?;
    let script = Script::new("resnet18.py").file(lossless).file(&weights);
    let Some(oracle) = script.run() else { return Ok(()) };
    let net = || zoo::untrained("resnet18")?.load_weights(&weights);
    compare(&net()?, &net()?.to_kind(Kind::Double)?, &photo, &oracle.arrays())
}

/// The formula of tests/parity/formula.py.
pub fn wave(shape: &[i64], phase: f64) -> Tensor {
    let count: i64 = shape.iter().product();
    (Tensor::arange(count, cpu(Kind::Double)) * 12.9898 + phase).sin().view(shape)
}

pub fn parameter(name: &str, shape: &[i64]) -> Tensor {
    let phase = (1..).zip(name.bytes()).map(|(place, byte)| f64::from(place * u32::from(byte)));
    // Beyond a million the numbers come again: six VGGs have 800 million.
    const MOST: i64 = 1_048_573;
    let count: i64 = shape.iter().product();
    let sine = wave(&[count.min(MOST)], phase.sum());
    let numbers = match shape {
        [_, rest @ ..] if !rest.is_empty() => {
            sine * 2.0 / (rest.iter().product::<i64>() as f64).sqrt()
        }
        _ if name.ends_with("running_var") => sine * 0.5 + 1.0,
        _ if name.ends_with("weight") => sine * 0.3 + 1.0,
        _ => sine * 0.1,
    };
    let numbers = numbers.to_kind(Kind::Float);
    if count <= MOST {
        return numbers.view(shape);
    }
    numbers.repeat([count / MOST + 1]).narrow(0, 0, count).view(shape)
}

/// The name that DeiT's authors gave a parameter.
fn authors_name(name: &str) -> String {
    let pairs = [
        ("encoder.layers.encoder_layer_", "blocks."),
        ("encoder.pos_embedding", "pos_embed"),
        ("encoder.ln.", "norm."),
        ("conv_proj.", "patch_embed.proj."),
        ("class_token", "cls_token"),
        ("heads.head.", "head."),
        ("ln_1.", "norm1."),
        ("ln_2.", "norm2."),
        ("mlp.0.", "mlp.fc1."),
        ("mlp.3.", "mlp.fc2."),
        ("self_attention.in_proj_", "attn.qkv."),
        ("self_attention.out_proj.", "attn.proj."),
    ];
    pairs.iter().fold(name.to_owned(), |name, (ours, theirs)| name.replace(ours, theirs))
}

/// A network of the zoo with the formula's parameters. The Python side has DeiT under its authors'
/// names, which the formula depends on.
pub fn filled(name: &str) -> convscope::Result<Network> {
    let net = zoo::untrained(name)?;
    for (key, tensor) in net.state_dict() {
        let key = if name == "deit_tiny" { authors_name(&key) } else { key };
        tensor.shallow_clone().copy_(&parameter(&key, &tensor.size()));
    }
    Ok(net)
}

#[test]
fn every_network_of_the_zoo_gives_torchvisions_logits() -> Tested {
    // The same functions make the larger ones; their sizes are tested elsewhere.
    let larger = ["convnext_small", "convnext_base", "deit_small", "deit_base"];
    let mut names = zoo::names();
    names.retain(|name| !larger.contains(name) && !name.starts_with("dinov2_vitb14"));
    let script = names.iter().fold(Script::new("zoo.py"), Script::word);
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();
    for name in names {
        let net = filled(name)?.to_kind(Kind::Double)?;
        for suffix in ["", ".odd"] {
            let shape: Vec<i64> = Vec::try_from(&theirs[&format!("{name}{suffix}.shape")])?;
            let ours = net.forward(&wave(&shape, 0.5))?;
            let theirs = &theirs[&format!("{name}{suffix}")];
            let spread = theirs.std(false).double_value(&[]);
            assert!(spread > 1e-3, "{name}{suffix}: logits without spread compare nothing");
            let off = relative(&ours, theirs);
            println!("{name}{suffix}: {off:.1e}, spread {spread:.1e}");
            assert!(off < 1e-10, "{name}{suffix}: {off}");
        }
    }
    Ok(())
}

#[test]
fn attributions_equal_captums() -> Tested {
    use convscope::attribution::Run;
    let networks = [
        ("resnet18", "layer3"),
        ("vgg16_bn", "features.42"),
        ("densenet121", "features.denseblock3"),
        ("deit_tiny", ""),
    ];
    let mut script = Script::new("attribution.py").needs(&["captum"]);
    for (name, layer) in networks {
        script = script.word(format!("{name}:{layer}"));
    }
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();
    for (name, layer) in networks {
        let net = filled(name)?.to_kind(Kind::Double)?;
        let input = &theirs[&format!("{name}.input")];
        let class = theirs[&format!("{name}.class")].int64_value(&[0]) as usize;
        let targets = [Target::Class(class), Target::Class(class)];
        let run = Run::new(&net, input, &targets)?;
        let by = |method: &dyn Attribution| method.attribute(&run).map(|found| found.values);
        let gradient = by(&Saliency::default())?;
        let integrated = by(&IntegratedGradients::default().steps(6))?;
        let mut ours = vec![
            ("input_x_gradient", &gradient * input),
            ("saliency", gradient),
            ("integrated", integrated),
        ];
        if !layer.is_empty() {
            ours.push(("guided", by(&GuidedBackprop)?));
            ours.push(("deconvolution", by(&Deconvolution)?));
            ours.push(("grad_cam", by(&GradCam::at(layer))?));
            ours.push(("guided_grad_cam", by(&GuidedGradCam::at(layer))?));
        }
        for (method, ours) in ours {
            let off = relative(&ours, &theirs[&format!("{name}.{method}")]);
            println!("{name} {method}: {off:.1e}");
            // Captum holds the points of the integral in single precision.
            let allowed = if method == "integrated" { 1e-4 } else { 1e-8 };
            assert!(off < allowed, "{name} {method}: {off}");
        }
    }
    Ok(())
}
