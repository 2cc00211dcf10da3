//! The GPU beside PyTorch on the same GPU: in single precision, and the forward pass in half.

use convscope::prelude::*;

use crate::Outcome;
use crate::attribution::values;
use crate::peer::Peer;
use crate::race::{Side, Table};

pub fn run(peer: &Peer, table: &Table) -> Outcome {
    if !tch::Cuda::is_available() {
        println!("skipped: the rows for GPUs: libtorch finds no CUDA device");
        return Ok(());
    }
    for name in ["resnet18", "vgg16", "mobilenet_v2", "resnet50", "vit_b_16"] {
        for kind in [Kind::Float, Kind::Half] {
            let (net, input) = open(peer, name, 32, kind)?;
            let net = net.for_inference()?;
            let what = format!("CUDA, forward, {name}, batch 32, {kind:?}");
            let sides = vec![
                Side::ours("", || synchronized(|| Ok(net.forward(&input)?))),
                peer.side("PyTorch eager", "forward.run eager"),
                peer.side("PyTorch compiled", "forward.run compiled"),
            ];
            table.race(&what, sides)?;
        }
    }
    let (net, input) = open(peer, "resnet18", 1, Kind::Float)?;
    for (what, method, question) in [
        (
            "Grad-CAM",
            &GradCam::at("layer4") as &dyn Attribution,
            "attribution.by_hand layer4.1.relu",
        ),
        ("occlusion, patch 32", &Patches::new(32).stride(16), "occlusion.loop 32"),
    ] {
        let ours = Side::ours("", || synchronized(|| values(method, &net, &input)));
        let theirs = peer.side("by hand, folded", question);
        table.race(&format!("CUDA, {what}, resnet18"), vec![ours, theirs])?;
    }
    Ok(())
}

/// The network and its input on the GPU, on both sides.
fn open(peer: &Peer, name: &str, batch: i64, kind: Kind) -> Outcome<(Network, Tensor)> {
    let (net, input) = peer.open(name, batch)?;
    peer.ask(&format!(
        "shared.to_cuda {}",
        if kind == Kind::Half { "float16" } else { "float32" }
    ))?;
    let net = net.to_device(Device::Cuda(0))?.to_kind(kind)?;
    Ok((net, input.to_device(Device::Cuda(0)).to_kind(kind)))
}

fn synchronized<T>(action: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let result = action();
    tch::Cuda::synchronize(0);
    result
}
