//! Occlusion beside a loop of batches through the folded network in PyTorch, and Captum.
//!
//! Ours computes what a patch changes; places are fewer for larger patches.

use convscope::prelude::*;

use crate::Outcome;
use crate::attribution::values;
use crate::peer::Peer;
use crate::race::{Side, Table};

pub fn run(peer: &Peer, table: &Table) -> Outcome {
    for name in ["resnet18", "vgg16", "mobilenet_v2", "resnet50"] {
        let (net, input) = peer.open(name, 1)?;
        let logit = net.forward(&input)?.abs().max().double_value(&[]);
        for size in [16, 32, 64] {
            let along = (224 - size) / 16 + 1;
            let what = format!("occlusion, {name}, patch {size}, {} places", along * along);
            let patches = Patches::new(size).stride(16);
            let ours = || values(&patches, &net, &input);
            let found = ours()?;
            let mut opponents = vec![("loop, folded", format!("occlusion.loop {size}"))];
            if name == "resnet18" {
                opponents.push(("Captum", format!("occlusion.by_captum {size}")));
            }
            let mut sides = vec![Side::ours("Patches", ours)];
            for (opponent, question) in opponents {
                peer.check_beside(logit, &what, &found, &question)?;
                sides.push(peer.side(opponent, &question));
            }
            table.race(&what, sides)?;
        }
    }
    Ok(())
}
