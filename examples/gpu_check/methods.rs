//! The methods: each once in single precision, where a GPU rounds its convolutions to TF32, and for
//! one network in double precision, where nothing excuses a difference.

use convscope::attribution::{
    attention_rollout_tensor, attention_tensor, cam_tensor, gradient_attention_tensor,
    guided_backprop_tensor, integrated_gradients_tensor, occlusion_tensor, smooth_grad_tensor,
};
use convscope::prelude::*;

use crate::table::{Outcome, Row};

/// Of the largest value. TF32 keeps 10 bits of the mantissa, and errors add up over the layers.
const SINGLE: f64 = 1e-2;
const DOUBLE: f64 = 1e-10;

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
    }
    network("resnet18", "layer3", Kind::Double, device, rows)
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
        let data = Dataset::from_photos(&net, &data::digits(640, 1)?)?;
        let fit = Fit::new(1).optimiser(Optimiser::Sgd { momentum: 0.9, nesterov: false });
        net.fit(&data, fit.learning_rate(0.02).quiet())?;
        Ok(net.forward(data.images())?)
    };
    rows.push(Row::measure("fit, 10 batches of 64, double", device, 1e-6, run)?);
    Ok(())
}

fn network(name: &str, layer: &str, kind: Kind, device: Device, rows: &mut Vec<Row>) -> Outcome {
    let (allowed, precision) =
        if kind == Kind::Double { (DOUBLE, ", double") } else { (SINGLE, "") };
    let pair = Pair::new(name, kind, device)?;
    let fast = Pair { here: pair.here.for_inference()?, there: pair.there.for_inference()? };
    tch::manual_seed(2);
    let input = Tensor::randn([BATCH, 3, 224, 224], (kind, Device::Cpu));

    let mut row = |method: &str, run: &dyn Fn(Device) -> Outcome<Tensor>| -> Outcome {
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
    row("Grad-CAM", &|at| Ok(cam_tensor(Cam::GradCam, pair.on(at), &input, layer, &targets)?))?;
    row("integrated gradients", &|at| {
        let options = IntegratedGradients { steps: 3, baseline: None };
        Ok(integrated_gradients_tensor(pair.on(at), &input, &targets, &options)?.shares)
    })?;
    row("SmoothGrad", &|at| {
        let options = SmoothGrad { samples: 3, ..SmoothGrad::default() };
        Ok(smooth_grad_tensor(pair.on(at), &input, &targets, options)?)
    })?;
    row("occlusion", &|at| Ok(occlusion_tensor(pair.on(at), &input, &targets, Patches::new(64))?))?;
    if name == "deit_tiny" {
        row("attention", &|at| Ok(attention_tensor(pair.on(at), &input)?))?;
        row("attention rollout", &|at| {
            Ok(attention_rollout_tensor(pair.on(at), &input, Rollout::default())?)
        })?;
        row("gradient-weighted attention", &|at| {
            Ok(gradient_attention_tensor(pair.on(at), &input, &targets)?)
        })?;
    } else {
        row("guided backpropagation", &|at| {
            Ok(guided_backprop_tensor(pair.on(at), &input, &targets)?)
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
