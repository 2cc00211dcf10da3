//! Activation maximization beside the loop of torch-lucent 0.1.8, and a batch beside single runs.

use std::time::Instant;

use convscope::prelude::*;

use crate::Outcome;
use crate::peer::{Peer, in_turn};

const STEPS: usize = 12;
const UNITS: usize = 16;

pub fn run(peer: &mut Peer) -> Outcome {
    for (name, layer) in [("googlenet", "inception4a"), ("resnet18", "layer3")] {
        let (net, _) = peer.open(name, 1)?;

        let lucid = Maximize::lucid().steps(STEPS).frames(1).quiet();
        let what = format!("maximize, {name} {layer}, {STEPS} steps");
        let question = format!("maximize {layer} {STEPS}");
        peer.compare(&what, &question, 7, || {
            let _ = lucid.run(&net, Unit::channel(layer, 17))?;
            Ok(())
        })?;
    }
    for (name, layer, steps) in [("resnet18", "layer3", 4), ("cifar_resnet20", "layer3", 24)] {
        let net = zoo::untrained(name)?;
        let what = format!("maximize, {name} {layer}, 16 at once; 16 runs");
        in_turn(&what, 3, || alone(&net, layer, steps), || together(&net, layer, steps))?;
    }
    let (net, _) = peer.open("resnet18", 1)?;
    let loops = || (0..UNITS).map(|_| Ok(peer.ask("maximize layer3 4")?.parse::<f64>()?)).sum();
    let what = "maximize, resnet18 layer3, 16 at once; 16 loops";
    in_turn(what, 3, loops, || together(&net, "layer3", 4))
}

/// Seconds that sixteen units take one after the other.
fn alone(net: &Network, layer: &str, steps: usize) -> Outcome<f64> {
    let start = Instant::now();
    for unit in 0..UNITS {
        Maximize::lucid().steps(steps).frames(1).quiet().units(net, layer, &[unit])?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Sixteen units as one batch.
fn together(net: &Network, layer: &str, steps: usize) -> Outcome {
    let units: Vec<usize> = (0..UNITS).collect();
    Maximize::lucid().steps(steps).frames(1).quiet().units(net, layer, &units)?;
    Ok(())
}
