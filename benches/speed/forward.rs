//! The inference form beside PyTorch's eager forward.

use convscope::prelude::*;

use crate::Outcome;
use crate::peer::Peer;

pub fn run(peer: &mut Peer) -> Outcome {
    for (name, batch, rounds) in [
        ("resnet18", 1, 41),
        ("resnet18", 32, 9),
        ("vgg16", 1, 15),
        ("mobilenet_v2", 1, 31),
        ("vit_b_16", 1, 9),
    ] {
        let (net, input) = peer.open(name, batch)?;

        let fast = net.for_inference()?;
        let theirs = Tensor::read_safetensors(peer.folder.join("output.safetensors"))?.remove(0).1;
        let off = (fast.forward(&input)? - &theirs).abs().max().double_value(&[])
            / theirs.abs().max().double_value(&[]);
        if off > 1e-4 {
            return Err(format!("{name}: the logits differ by {off:.1e} of the largest").into());
        }
        for (form, net) in [("as it is", &net), ("for_inference", &fast)] {
            peer.compare(
                &format!("forward {name}, batch {batch}, {form}"),
                "forward",
                rounds,
                || {
                    let _ = net.forward(&input)?;
                    Ok(())
                },
            )?;
        }
    }
    Ok(())
}
