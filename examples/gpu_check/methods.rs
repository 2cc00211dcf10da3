//! The methods: each in single precision, where a GPU rounds its convolutions to TF32, and in double
//! precision, where nothing excuses a difference.

use convscope::attribution::{
    Disturbance, Run, attention_rollout_tensor, attention_tensor, confidence, infidelity,
    max_sensitivity, pixel_curves,
};
use convscope::prelude::*;

use crate::table::{Outcome, Row};

/// Of the largest value. TF32 keeps 10 bits of the mantissa, and errors add up over the layers.
const SINGLE: f64 = 1e-2;
const DOUBLE: f64 = 1e-10;
/// What is only timed in single precision: rounding moves values across the kinks of ReLUs, and the gradient
/// with them, by whole shares of it in a network with random weights; and drops of a score that such a
/// network hardly changes are all rounding.
const TIMED: f64 = f64::INFINITY;

const BATCH: i64 = 4;

pub fn networks(device: Device, rows: &mut Vec<Row>) -> Outcome {
    for (name, layer) in [
        ("resnet18", "layer3"),
        ("densenet121", "features.denseblock3"),
        ("googlenet", "inception4a"),
        ("mobilenet_v2", "features.10"),
        ("deit_tiny", "encoder.layers.encoder_layer_5"),
    ] {
        network(name, layer, Kind::Float, device, rows)?;
        network(name, layer, Kind::Double, device, rows)?;
    }
    Ok(())
}

/// A few steps of training in double precision, from the same parameters over the same batches: the
/// logits afterwards.
pub fn training(device: Device, rows: &mut Vec<Row>) -> Outcome {
    let kind = Kind::Double;
    let run = |at: Device| -> Outcome<Tensor> {
        tch::manual_seed(3);
        let mut b = Network::builder("small", [1, 28, 28]);
        let x = b.conv2d(b.input(), "conv", Conv2d::new(8, 5).stride(2).no_bias());
        let x = b.batch_norm(x, "bn");
        let x = b.relu(x, "relu");
        let x = b.flatten(x, "flatten");
        b.linear(x, "fc", 10);
        let mut net = b.build()?.to_kind(kind)?.to_device(at)?;
        let data = Dataset::prepare(&net, &data::digits(640, 1)?)?;
        let fit = Fit::new(1).optimizer(Optimizer::Sgd { momentum: 0.9, nesterov: false });
        net.fit(&data, fit.learning_rate(0.02).quiet())?;
        Ok(net.forward(data.images())?)
    };
    rows.push(Row::measure("fit, 10 batches of 64, double", device, 1e-6, run)?);
    Ok(())
}

/// A few steps of both presets from the same noise, in double precision: the images.
pub fn maximization(device: Device, rows: &mut Vec<Row>) -> Outcome {
    let pair = Pair::new("resnet18", Kind::Double, device)?;
    for (name, preset) in [("lucid", Maximize::lucid()), ("classic", Maximize::classic())] {
        let options = preset.steps(10).frames(1).quiet();
        let run = |at: Device| -> Outcome<Tensor> {
            Ok(options.units(pair.on(at), "layer3", &[3, 17, 100, 200])?.values()?)
        };
        let row = format!("resnet18 maximize, {name}, 10 steps, double");
        rows.push(Row::measure(&row, device, 1e-6, run)?);
    }
    Ok(())
}

/// Principal components and t-SNE's repulsion, neighbors and affinities: after so few iterations a
/// map has not yet become chaotic.
pub fn embeddings(device: Device, rows: &mut Vec<Row>) -> Outcome {
    tch::manual_seed(5);
    let middles = Tensor::randn([10, 40], (Kind::Float, Device::Cpu)) * 4.0;
    let points = middles.repeat([300, 1]) + Tensor::randn([3000, 40], (Kind::Float, Device::Cpu));
    let components = |at: Device| -> Outcome<Tensor> {
        let points = points.to_device(at);
        Ok(Pca::fit(&points, 5)?.transform(&points)?)
    };
    rows.push(Row::measure("PCA, 3,000 points", device, 1e-4, components)?);
    for method in [TsneMethod::Exact, TsneMethod::Interpolated] {
        let map = |at: Device| -> Outcome<Tensor> {
            let features = Features::new(&points.to_device(at))?;
            let options = Tsne::default().method(method).iterations(12).quiet();
            Ok(options.run(&features)?.layouts()[0].points.shallow_clone())
        };
        let name = format!("t-SNE, 3,000 points, 12 iterations, {method:?}");
        rows.push(Row::measure(&name, device, SINGLE, map)?);
    }
    Ok(())
}

fn network(name: &str, layer: &str, kind: Kind, device: Device, rows: &mut Vec<Row>) -> Outcome {
    let (allowed, by_gradients, precision) =
        if kind == Kind::Double { (DOUBLE, DOUBLE, ", double") } else { (SINGLE, TIMED, "") };
    let pair = Pair::new(name, kind, device)?;
    let fast = Pair { here: pair.here.for_inference()?, there: pair.there.for_inference()? };
    tch::manual_seed(2);
    let input = Tensor::randn([BATCH, 3, 224, 224], (kind, Device::Cpu));

    let mut row = |method: &str, run: &dyn Fn(Device) -> Outcome<Tensor>| -> Outcome {
        const SENSITIVE: [&str; 6] = [
            "gradients",
            "Grad-CAM",
            "integrated gradients",
            "SmoothGrad",
            "guided backpropagation",
            "occlusion",
        ];
        let allowed = if SENSITIVE.contains(&method) { by_gradients } else { allowed };
        rows.push(Row::measure(&format!("{name} {method}{precision}"), device, allowed, run)?);
        Ok(())
    };
    row("forward", &|at| Ok(pair.on(at).forward(&input)?))?;
    row("for_inference", &|at| Ok(fast.on(at).forward(&input)?))?;
    row("activations", &|at| Ok(pair.on(at).activations(&input, &[layer])?.remove(0)))?;
    row("gradients", &|at| {
        let score = |out: &Tensor| out.f_select(1, 3)?.f_sum(kind);
        let run = pair.on(at).gradients(&input, &["input", layer], score)?;
        let flat: Vec<Tensor> = run.gradients.iter().map(|g| g.reshape([-1])).collect();
        Ok(Tensor::cat(&flat, 0))
    })?;
    let targets: Vec<Target> = (0..BATCH as usize).map(Target::Class).collect();
    let of = |method: &dyn Attribution, at: Device| -> Outcome<Tensor> {
        Ok(method.attribute(&Run::new(pair.on(at), &input, &targets)?)?.values)
    };
    row("Grad-CAM", &|at| of(&GradCam::at(layer), at))?;
    row("integrated gradients", &|at| of(&IntegratedGradients::default().steps(3), at))?;
    row("SmoothGrad", &|at| of(&SmoothGrad::default().samples(3), at))?;
    let score_cam = ScoreCam::at(layer).channels(8).measure(Measure::Score);
    row("Score-CAM", &|at| of(&score_cam, at))?;
    row("Ablation-CAM", &|at| of(&AblationCam::at(layer).channels(8), at))?;
    row("RISE", &|at| of(&Rise::default().masks(8).measure(Measure::Score), at))?;
    row("occlusion", &|at| of(&Patches::new(64), at))?;
    if name == "deit_tiny" {
        row("attention", &|at| Ok(attention_tensor(pair.on(at), &input)?))?;
        row("attention rollout", &|at| {
            Ok(attention_rollout_tensor(pair.on(at), &input, Rollout::default())?)
        })?;
        row("gradient-weighted attention", &|at| of(&GradientAttention, at))?;
    } else {
        row("guided backpropagation", &|at| of(&GuidedBackprop, at))?;
    }
    // The same maps on both sides: two that differ by rounding can order their pixels differently.
    let here = Run::new(pair.on(Device::Cpu), &input, &targets)?;
    let found = Saliency::default().attribute(&here)?;
    let (maps, gradient) = (found.maps()?, found.values);
    let disturbances = Disturbance::default().samples(3).radius(0.1).seed(1).of(&input)?;
    let run = |at: Device| Run::new(pair.on(at), &input, &targets);
    row("deletion and insertion", &|at| {
        let curves = pixel_curves(&run(at)?, &maps, PixelSteps::default().steps(4))?;
        Ok(Tensor::from_slice(&[curves.deletion.concat(), curves.insertion.concat()].concat()))
    })?;
    row("average drop", &|at| Ok(Tensor::from_slice(&confidence(&run(at)?, &maps)?.explained)))?;
    // Differences of small differences: rounding to TF32 leaves nothing of them.
    if kind == Kind::Double {
        row("infidelity", &|at| Ok(infidelity(&run(at)?, &gradient, &disturbances)?))?;
        row("max-sensitivity", &|at| {
            Ok(max_sensitivity(&run(at)?, &GradCam::at(layer), &disturbances)?)
        })?;
    }
    Ok(())
}

/// One network on the CPU and, with the same parameters, on the device.
struct Pair {
    here: Network,
    there: Network,
}

impl Pair {
    fn new(name: &str, kind: Kind, device: Device) -> Outcome<Pair> {
        let open = || {
            tch::manual_seed(1);
            zoo::untrained(name)?.to_kind(kind)
        };
        Ok(Pair { here: open()?, there: open()?.to_device(device)? })
    }

    fn on(&self, device: Device) -> &Network {
        if device == Device::Cpu { &self.here } else { &self.there }
    }
}
