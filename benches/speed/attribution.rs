//! Attribution beside Captum.

use convscope::attribution::{Cam, Patches, cam_tensor, occlusion_tensor};
use convscope::prelude::*;

use crate::Outcome;
use crate::peer::Peer;

pub fn run(peer: &mut Peer) -> Outcome {
    for (name, layer) in [("resnet18", "layer4"), ("vgg16", "features.29")] {
        tch::manual_seed(1);
        let net = zoo::untrained(name)?;
        net.save_weights(peer.folder.join("weights.safetensors"))?;
        let input = Tensor::randn([1, 3, 224, 224], (Kind::Float, Device::Cpu));
        let path = peer.folder.join("input.safetensors");
        Tensor::write_safetensors(&[("input", &input)], path)?;
        peer.ask(&format!("open {name}"))?;
        let target = [Target::Class(7)];

        let cam = || cam_tensor(Cam::GradCam, &net, &input, layer, &target);
        peer.ask(&format!("grad_cam {layer}"))?;
        agree(peer, &cam()?)?;
        peer.compare(&format!("Grad-CAM, {name}"), &format!("grad_cam {layer}"), 15, || {
            let _ = cam()?;
            Ok(())
        })?;
        for size in [8, 16, 32, 64] {
            let occlude = || occlusion_tensor(&net, &input, &target, Patches::new(size).stride(16));
            if size == 32 {
                peer.ask("occlusion 32")?;
                agree(peer, &occlude()?)?;
            }
            // Captum refuses gaps between patches.
            let question =
                if size < 16 { "nothing".to_owned() } else { format!("occlusion {size}") };
            peer.compare(
                &format!("occlusion, {name}, patch {size}, stride 16"),
                &question,
                if name == "vgg16" { 1 } else { 3 },
                || {
                    let _ = occlude()?;
                    Ok(())
                },
            )?;
        }
    }
    Ok(())
}

/// The peer's last result is the same.
fn agree(peer: &Peer, ours: &Tensor) -> Outcome {
    let theirs = Tensor::read_safetensors(peer.folder.join("result.safetensors"))?.remove(0).1;
    // A map may be 0 everywhere where nothing speaks for the class.
    let largest = theirs.abs().max().double_value(&[]).max(f64::MIN_POSITIVE);
    let off = (ours - &theirs).abs().max().double_value(&[]) / largest;
    if off < 1e-4 {
        Ok(())
    } else {
        Err(format!("results differ by {off:.1e} of the largest").into())
    }
}
