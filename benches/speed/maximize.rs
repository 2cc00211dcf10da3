//! Activation maximization beside the loop of torch-lucent 0.1.8, as it is and through the folded network
//! up to the layer, and a batch beside single runs.

use convscope::prelude::*;

use crate::Outcome;
use crate::peer::Peer;
use crate::race::{Side, Table};

const STEPS: usize = 12;
const UNITS: usize = 16;
const UNIT: usize = 17;

pub fn run(peer: &Peer, table: &Table) -> Outcome {
    to_equal_score(peer, table)?;
    for (name, layer) in [("googlenet", "inception4a"), ("resnet18", "layer3")] {
        let (net, _) = peer.open(name, 1)?;
        let ours = Side::ours("", || Ok(lucid(STEPS).run(&net, Unit::channel(layer, UNIT))?));
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

fn lucid(steps: usize) -> Maximize {
    Maximize::lucid().steps(steps).frames(1).quiet()
}

/// Until images are as good as those of the loop at its end, by their scores without movement, in the mean
/// over seeds: our run has so many steps, and is timed as a whole.
fn to_equal_score(peer: &Peer, table: &Table) -> Outcome {
    const THEIR_STEPS: usize = 64;
    const MOST_STEPS: usize = 160;
    const SEEDS: u64 = 5;
    let layer = "layer3";
    let net = zoo::resnet18().or_else(|_| zoo::untrained("resnet18"))?;
    let _ = peer.share(&net, 1)?;
    let unit = || Unit::channel(layer, UNIT);

    let mut wanted = 0.0;
    let mut ours = vec![0.0; MOST_STEPS + 1];
    for seed in 0..SEEDS {
        let image = peer.result(&format!("maximize.cut {layer} {THEIR_STEPS} {seed}"))?;
        let maps = net.activations(&net.preprocess().normalized(&image)?, &[layer])?.remove(0);
        wanted += maps.select(1, UNIT as i64).mean(Kind::Double).double_value(&[]);
        let run = lucid(MOST_STEPS).frames(MOST_STEPS).seed(seed).run(&net, unit())?;
        run.history().iter().for_each(|moment| ours[moment.step] += moment.score);
    }
    let steps = ours.iter().position(|&score| score >= wanted);
    let steps = steps.ok_or(format!("{MOST_STEPS} steps are not enough"))?;
    let sides = vec![
        Side::ours("", || Ok(lucid(steps).run(&net, unit())?)),
        peer.side("lucent's loop, cut and folded", &format!("maximize.cut {layer} {THEIR_STEPS}")),
        peer.side("lucent's loop", &format!("maximize.lucent {layer} {THEIR_STEPS}")),
    ];
    let score = wanted / SEEDS as f64;
    let what = format!("maximize, resnet18 {layer}, to a score of {score:.2}: {steps} steps");
    table.race(&format!("{what}, theirs {THEIR_STEPS}"), sides)
}

/// Sixteen units one after the other.
fn alone(net: &Network, layer: &str, steps: usize) -> Outcome {
    for unit in 0..UNITS {
        lucid(steps).units(net, layer, &[unit])?;
    }
    Ok(())
}

/// Sixteen units as one batch.
fn together(net: &Network, layer: &str, steps: usize) -> Outcome {
    lucid(steps).units(net, layer, &(0..UNITS).collect::<Vec<_>>())?;
    Ok(())
}
