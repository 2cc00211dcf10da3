//! Is an ONNX file's network right, and can it be explained? One line for each file.
//!
//! ```text
//! coverage NET.onnx …       # beside each NET.safetensors with `input` and `output`
//! coverage --forward …      # the output only, to 1e-3 as the `onnx` package's cases are meant
//! ```
//!
//! `scripts/coverage.py` writes the files, runs this, and makes a table of what it prints: fields
//! that tabs divide, the path first, then `step=ok` or `step=what went wrong`.

use std::path::Path;

use convscope::attribution::Run;
use convscope::network::Op;
use convscope::prelude::*;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Of the largest value of the reference; those of single operators are of half precision, some.
const ALLOWED: f64 = 1e-4;
const ALLOWED_FORWARD: f64 = 1e-3;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let forward_only = arguments.first().is_some_and(|first| first == "--forward");
    if forward_only {
        arguments.remove(0);
    }
    for path in &arguments {
        let steps = steps(Path::new(path), forward_only);
        let fields = steps.iter().map(|(step, outcome)| {
            let text = match outcome {
                Ok(()) => "ok".to_owned(),
                Err(error) => error.to_string().replace(['\n', '\t'], " "),
            };
            format!("\t{step}={text}")
        });
        println!("{path}{}", fields.collect::<String>());
    }
}

/// What was tried, up to the first step that all others need.
fn steps(path: &Path, forward_only: bool) -> Vec<(&'static str, Outcome<()>)> {
    let mut steps = Vec::new();
    let net = match Network::from_onnx(path) {
        Ok(net) => net,
        Err(error) => return vec![("open", Err(error.into()))],
    };
    steps.push(("open", Ok(())));
    let (input, output) = match reference(path, &net) {
        Ok(arrays) => arrays,
        Err(error) => {
            steps.push(("reference", Err(error)));
            return steps;
        }
    };
    if forward_only {
        steps.push(("output", agrees(&net, &input, &output, ALLOWED_FORWARD)));
        return steps;
    }
    steps.push(("output", agrees(&net, &input, &output, ALLOWED)));
    steps.push(("gradient", finite(&net, &input, &InputTimesGradient)));
    steps.push(("grad_cam", deepest_map(&net, &input)));
    steps.push((
        "summary",
        net.summary().and_then(|summary| summary.image().map(drop)).map_err(Into::into),
    ));
    let inference = net.for_inference().map_err(Into::into);
    steps.push((
        "inference",
        inference.and_then(|folded| agrees(&folded, &input, &output, ALLOWED)),
    ));
    let side = *input.size().last().unwrap_or(&1) as usize;
    let patches = Patches::new(side.div_ceil(3)).stride(side.div_ceil(2));
    steps.push(("occlusion", finite(&net, &input, &patches)));
    steps
}

fn reference(path: &Path, net: &Network) -> Outcome<(Tensor, Tensor)> {
    let arrays = Tensor::read_safetensors(path.with_extension("safetensors"))?;
    let array = |wanted: &str| {
        let found = arrays.iter().find(|(name, _)| name == wanted);
        let (_, array) = found.ok_or_else(|| format!("no `{wanted}` in the reference"))?;
        Ok::<Tensor, String>(array.to_kind(Kind::Float).to_device(net.device()))
    };
    Ok((array("input")?, array("output")?))
}

/// The output for the images together and for the first alone.
fn agrees(net: &Network, input: &Tensor, expected: &Tensor, allowed: f64) -> Outcome<()> {
    for n in [input.size()[0], 1] {
        let rows = |of: &Tensor| of.f_narrow(0, 0, n);
        // What is no number, or infinite, must be so on both sides.
        let finite = |of: Tensor| of.nan_to_num(0.5, 2e9, -2e9);
        let (ours, mut theirs) = (finite(net.forward(&rows(input)?)?), finite(rows(expected)?));
        if ours.dim() == 4 && ours.size() != theirs.size() {
            theirs = theirs.f_permute([0, 3, 1, 2])?; // maps with their channels last
        }
        if ours.size() != theirs.size() {
            return Err(format!("{:?}, expected {:?}", ours.size(), theirs.size()).into());
        }
        let largest = |of: &Tensor| of.abs().max().double_value(&[]);
        let off = largest(&(&ours - &theirs)) / largest(&theirs).max(1e-6);
        if off.is_nan() || off >= allowed {
            return Err(format!("off by {off:.1e} of the largest value").into());
        }
    }
    Ok(())
}

/// The sum of the output's part for one class, or of all of it.
fn target(net: &Network, input: &Tensor) -> Outcome<Target> {
    Ok(match net.shapes(&input.size())?.last().map_or(0, Vec::len) {
        2 => Target::Top,
        _ => Target::score("the output", |output| output.f_sum(Kind::Float)),
    })
}

/// Whether a method gives a finite map of the first image.
fn finite(net: &Network, input: &Tensor, method: &dyn Attribution) -> Outcome<()> {
    let image = input.f_narrow(0, 0, 1)?;
    let run = Run::new(net, &image, &[target(net, &image)?])?;
    let values = method.attribute(&run)?.values;
    if bool::try_from(values.isfinite().all())? {
        Ok(())
    } else {
        Err("values that are not finite".into())
    }
}

/// Grad-CAM at the last layer that has a map of several places.
fn deepest_map(net: &Network, input: &Tensor) -> Outcome<()> {
    let shapes = net.shapes(&input.size())?;
    let layer = |op: &Op| {
        matches!(
            op,
            Op::Conv2d(_)
                | Op::BatchNorm2d(_)
                | Op::LayerNorm(_)
                | Op::Pointwise(_)
                | Op::Arithmetic(_)
                | Op::Concat(_)
        )
    };
    let spatial = |shape: &[i64]| match *shape {
        [_, channels, h, w] => channels > 1 && h * w > 1,
        [_, tokens, features] => tokens > 1 && features > 1,
        _ => false,
    };
    let mut answer = Err("no layer with a map of several places".into());
    let nodes = net.nodes().iter().zip(&shapes).rev();
    for (node, _) in nodes.filter(|(node, shape)| layer(&node.op) && spatial(shape)).take(40) {
        answer = finite(net, input, &GradCam::at(&node.name));
        if answer.is_ok() {
            break;
        }
    }
    answer
}
