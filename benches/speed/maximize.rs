//! Activation maximisation beside the loop of torch-lucent 0.1.8, and a batch beside single runs.

use std::time::Instant;

use convscope::prelude::*;

use crate::Outcome;
use crate::peer::{Peer, median};

const STEPS: usize = 12;
const UNITS: usize = 16;

pub fn run(peer: &mut Peer) -> Outcome {
    for (name, layer) in [("googlenet", "inception4a"), ("resnet18", "layer3")] {
        tch::manual_seed(1);
        let net = zoo::untrained(name)?;
        net.save_weights(peer.folder.join("weights.safetensors"))?;
        let input = Tensor::randn([1, 3, 224, 224], (Kind::Float, Device::Cpu));
        let path = peer.folder.join("input.safetensors");
        Tensor::write_safetensors(&[("input", &input)], path)?;
        peer.ask(&format!("open {name}"))?;

        let lucid = Maximize::lucid().steps(STEPS).frames(1).quiet();
        let what = format!("maximize, {name} {layer}, {STEPS} steps");
        let question = format!("maximize {layer} {STEPS}");
        peer.compare(&what, &question, 7, || {
            let _ = lucid.run(&net, Unit::channel(layer, 17))?;
            Ok(())
        })?;
    }
    batch("resnet18", "layer3", 4)?;
    batch("cifar_resnet20", "layer3", 24)
}

/// Sixteen units as one batch beside sixteen runs of one unit.
fn batch(name: &str, layer: &str, steps: usize) -> Outcome {
    tch::manual_seed(1);
    let net = zoo::untrained(name)?;
    let lucid = Maximize::lucid().steps(steps).frames(1).quiet();
    let units: Vec<usize> = (0..UNITS).collect();
    let (mut together, mut alone, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..4 {
        let start = Instant::now();
        for &unit in &units {
            lucid.units(&net, layer, &[unit])?;
        }
        let single = start.elapsed().as_secs_f64();
        let start = Instant::now();
        lucid.units(&net, layer, &units)?;
        let batch = start.elapsed().as_secs_f64();
        if round > 0 {
            together.push(batch);
            alone.push(single);
            ratios.push(single / batch);
        }
    }
    println!(
        "{:44} {:>9.1} ms {:>9.1} ms {:>8.2}  (16 runs of ours)",
        format!("maximize, {name} {layer}, 16 units"),
        1e3 * median(&mut together),
        1e3 * median(&mut alone),
        median(&mut ratios)
    );
    Ok(())
}
