//! The activations of all layers in one run, beside torchlens and torchvision's extractor.

use convscope::prelude::*;

use crate::Outcome;
use crate::peer::Peer;
use crate::race::{Side, Table};

pub fn run(peer: &Peer, table: &Table) -> Outcome {
    for (name, compared) in [
        ("resnet18", ["layer1.0.conv1", "layer3.0.downsample.1", "layer4.1.bn2"]),
        ("vgg16", ["features.0", "features.14", "features.29"]),
    ] {
        let (net, input) = peer.open(name, 1)?;
        let layers = net.layer_names();
        let what = format!("activations of all {} layers, {name}", layers.len() - 1);
        let some = net.activations(&input, &compared)?;
        let some =
            Tensor::cat(&some.iter().map(|values| values.flatten(0, -1)).collect::<Vec<_>>(), 0);
        peer.check(&what, &some, &format!("activations.some {}", compared.join(" ")))?;
        let sides = vec![
            Side::ours("activations", || Ok(net.activations(&input, &layers)?)),
            peer.side("torchvision's extractor", "activations.extractor"),
            peer.side("torchlens", "activations.torchlens"),
        ];
        table.race(&what, sides)?;
    }
    Ok(())
}
