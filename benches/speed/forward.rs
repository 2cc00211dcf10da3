//! The inference form beside inference engines and PyTorch's eager forward: same weights, same logits.

use crate::Outcome;
use crate::peer::Peer;
use crate::race::{Side, Table};

const ENGINES: [(&str, &str); 3] =
    [("ONNX Runtime", "onnxruntime"), ("OpenVINO", "openvino"), ("PyTorch eager", "eager")];

pub fn run(peer: &Peer, table: &Table) -> Outcome {
    for (name, batch) in [
        ("resnet18", 1),
        ("resnet18", 32),
        ("vgg16", 1),
        ("mobilenet_v2", 1),
        ("resnet50", 1),
        ("vit_b_16", 1),
    ] {
        let (net, input) = peer.open(name, batch)?;
        let net = net.for_inference()?;
        let what = format!("forward, {name}, batch {batch}");
        // As in a loop over many pictures: after so many runs the form is planned.
        let before = if table.smoke { 0 } else { 100 };
        let mut logits = net.forward(&input)?;
        for _ in 0..before {
            logits = net.forward(&input)?;
        }
        let mut sides = vec![Side::ours("for_inference", || Ok(net.forward(&input)?))];
        for (engine, word) in ENGINES {
            let question = format!("forward.run {word}");
            peer.check(&what, &logits, &question)?;
            sides.push(peer.side(engine, &question));
        }
        table.race(&what, sides)?;
    }
    Ok(())
}
