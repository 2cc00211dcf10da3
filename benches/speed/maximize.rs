//! Activation maximisation beside the loop of torch-lucent 0.1.8, and a batch beside single runs.

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
    batch("resnet18", "layer3", 4)?;
    batch("cifar_resnet20", "layer3", 24)
}

/// Sixteen units as one batch beside sixteen runs of one unit.
fn batch(name: &str, layer: &str, steps: usize) -> Outcome {
    tch::manual_seed(1);
    let net = zoo::untrained(name)?;
    let lucid = Maximize::lucid().steps(steps).frames(1).quiet();
    let units: Vec<usize> = (0..UNITS).collect();
    let alone = || {
        let start = Instant::now();
        for &unit in &units {
            lucid.units(&net, layer, &[unit])?;
        }
        Ok(start.elapsed().as_secs_f64())
    };
    let together = || Ok(lucid.units(&net, layer, &units).map(drop)?);
    let what = format!("maximize, {name} {layer}, 16 at once; 16 runs");
    in_turn(&what, 3, alone, together)
}
