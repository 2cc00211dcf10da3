//! Activation maximization beside the loop of torch-lucent 0.1.8, and a batch beside single runs.

use convscope::prelude::*;

use crate::Outcome;
use crate::peer::Peer;
use crate::race::{Side, Table};

const STEPS: usize = 12;
const UNITS: usize = 16;

pub fn run(peer: &Peer, table: &Table) -> Outcome {
    for (name, layer) in [("googlenet", "inception4a"), ("resnet18", "layer3")] {
        let (net, _) = peer.open(name, 1)?;
        let lucid = Maximize::lucid().steps(STEPS).frames(1).quiet();
        let ours = Side::ours("", || Ok(lucid.run(&net, Unit::channel(layer, 17))?));
        let theirs = peer.side("lucent's loop", &format!("maximize.lucent {layer} {STEPS}"));
        table.race(&format!("maximize, {name} {layer}, {STEPS} steps"), vec![ours, theirs])?;
    }
    for (name, layer, steps) in [("resnet18", "layer3", 4), ("cifar_resnet20", "layer3", 24)] {
        let net = zoo::untrained(name)?;
        let sides = vec![
            Side::ours("", || together(&net, layer, steps)),
            Side::ours("16 runs of ours", || alone(&net, layer, steps)),
        ];
        table.race(&format!("maximize, {name} {layer}, 16 at once"), sides)?;
    }
    Ok(())
}

/// Sixteen units one after the other.
fn alone(net: &Network, layer: &str, steps: usize) -> Outcome {
    for unit in 0..UNITS {
        Maximize::lucid().steps(steps).frames(1).quiet().units(net, layer, &[unit])?;
    }
    Ok(())
}

/// Sixteen units as one batch.
fn together(net: &Network, layer: &str, steps: usize) -> Outcome {
    let units: Vec<usize> = (0..UNITS).collect();
    Maximize::lucid().steps(steps).frames(1).quiet().units(net, layer, &units)?;
    Ok(())
}
