//! Attribution beside Captum and pytorch-grad-cam.

use convscope::attribution::Run;
use convscope::prelude::*;

use crate::Outcome;
use crate::peer::Peer;

const CLASS: [Target; 1] = [Target::Class(7)];

/// What a method finds from a prepared input on: everything that it takes, each time anew.
fn values(method: &dyn Attribution, net: &Network, input: &Tensor) -> Outcome<Tensor> {
    Ok(method.attribute(&Run::new(net, input, &CLASS)?)?.values)
}

pub fn run(peer: &mut Peer, wants: &dyn Fn(&str) -> bool) -> Outcome {
    let parts = ["cam", "gradients", "occlusion"].map(|part| wants(&format!("attribution-{part}")));
    if parts == [false; 3] {
        return Ok(());
    }
    for (name, layer) in [("resnet18", "layer4"), ("vgg16", "features.29")] {
        let (net, input) = peer.open(name, 1)?;
        let [cams, gradients_too, occlusions] = parts;
        if cams {
            let ours = || values(&GradCam::at(layer), &net, &input);
            let question = format!("grad_cam {layer}");
            compare(peer, &format!("Grad-CAM, {name}"), &question, 15, ours)?;
            if name == "resnet18" {
                // The peer enlarges the channels another way: there is nothing to compare but the time.
                let method = ScoreCam::at(layer).measure(Measure::Score);
                let ours = || values(&method, &net, &input).map(drop);
                let what = "Score-CAM, resnet18, 512 channels";
                peer.compare(what, &format!("score_cam {layer} 16"), 1, ours)?;
            }
        }
        if gradients_too && name == "resnet18" {
            gradients(peer, &net, &input)?;
        }
        if occlusions {
            occlusion(peer, &net, &input, if name == "vgg16" { 1 } else { 3 })?;
        }
    }
    Ok(())
}

fn gradients(peer: &mut Peer, net: &Network, input: &Tensor) -> Outcome {
    const STEPS: usize = 20;
    let ours = || {
        let found = values(&IntegratedGradients::default().steps(STEPS), net, input)?;
        Ok(found.select(1, 0))
    };
    let what = format!("integrated gradients, resnet18, {STEPS} steps");
    compare(peer, &what, &format!("integrated_gradients {STEPS}"), 3, ours)?;
    // Each side draws noise of its own, so there is nothing to compare but the time.
    let ours = || values(&SmoothGrad::default().samples(STEPS), net, input).map(drop);
    let what = format!("SmoothGrad, resnet18, {STEPS} samples");
    peer.compare(&what, &format!("smooth_grad {STEPS}"), 3, ours)
}

/// The cost follows the area that a patch changes; places are fewer for larger patches.
fn occlusion(peer: &mut Peer, net: &Network, input: &Tensor, rounds: usize) -> Outcome {
    for size in [8_usize, 16, 32, 64] {
        let along = (224 - size).div_ceil(16) + 1;
        let patches = Patches::new(size).stride(16);
        let ours = || values(&patches, net, input);
        let what = format!("occlusion, {}, patch {size}, {} places", net.name(), along * along);
        if size < 16 {
            // Captum refuses gaps between patches.
            peer.compare(&what, "nothing", rounds, || ours().map(drop))?;
        } else {
            compare(peer, &what, &format!("occlusion {size}"), rounds, ours)?;
        }
    }
    Ok(())
}

/// Times both after their results were found to be the same.
fn compare(
    peer: &mut Peer,
    what: &str,
    question: &str,
    rounds: usize,
    ours: impl Fn() -> Outcome<Tensor>,
) -> Outcome {
    peer.ask(question)?;
    let theirs = Tensor::read_safetensors(peer.folder.join("result.safetensors"))?.remove(0).1;
    // A map may be 0 everywhere where nothing speaks for the class.
    let largest = theirs.abs().max().double_value(&[]).max(f64::MIN_POSITIVE);
    let off = (ours()? - &theirs).abs().max().double_value(&[]) / largest;
    if off > 1e-4 {
        return Err(format!("{what}: results differ by {off:.1e} of the largest").into());
    }
    peer.compare(what, question, rounds, || ours().map(drop))
}
