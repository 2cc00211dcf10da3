//! Attribution by gradients, beside what is written by hand in PyTorch, torchcam, Captum and
//! pytorch-grad-cam.

use convscope::attribution::Run;
use convscope::prelude::*;

use crate::Outcome;
use crate::peer::Peer;
use crate::race::{Side, Table};

const CLASS: [Target; 1] = [Target::Class(7)];

/// What a method finds from a prepared input on: everything that it takes, each time anew.
pub fn values(method: &dyn Attribution, net: &Network, input: &Tensor) -> Outcome<Tensor> {
    Ok(method.attribute(&Run::new(net, input, &CLASS)?)?.values)
}

/// Grad-CAM at the last layer with maps, and Score-CAM.
pub fn cams(peer: &Peer, table: &Table) -> Outcome {
    for (name, layer, leaf) in
        [("resnet18", "layer4", "layer4.1.relu"), ("vgg16", "features.29", "features.29")]
    {
        let (net, input) = peer.open(name, 1)?;
        // The opponent by hand is folded beforehand too.
        let net = net.for_inference()?;
        let what = format!("Grad-CAM, {name}");
        let ours = || values(&GradCam::at(layer), &net, &input);
        let found = ours()?;
        let mut sides = vec![Side::ours("GradCam", ours)];
        for (opponent, question) in [
            ("by hand, folded", format!("attribution.by_hand {leaf}")),
            ("torchcam", format!("attribution.torchcam {layer}")),
            ("Captum", format!("attribution.grad_cam {layer}")),
        ] {
            peer.check(&what, &found, &question)?;
            sides.push(peer.side(opponent, &question));
        }
        table.race(&what, sides)?;
    }
    let (net, input) = peer.open("resnet18", 1)?;
    // The peer enlarges the channels another way: there is nothing to compare but the time.
    let method = ScoreCam::at("layer4").measure(Measure::Score);
    let ours = Side::ours("ScoreCam", || values(&method, &net, &input));
    let theirs = peer.side("pytorch-grad-cam", "attribution.score_cam layer4 16");
    table.race("Score-CAM, resnet18, 512 channels", vec![ours, theirs])
}

pub fn gradients(peer: &Peer, table: &Table) -> Outcome {
    const STEPS: usize = 20;
    let (net, input) = peer.open("resnet18", 1)?;
    let ours =
        || Ok(values(&IntegratedGradients::default().steps(STEPS), &net, &input)?.select(1, 0));
    let what = format!("integrated gradients, resnet18, {STEPS} steps");
    let question = format!("attribution.integrated_gradients {STEPS}");
    peer.check(&what, &ours()?, &question)?;
    table.race(&what, vec![Side::ours("", ours), peer.side("Captum", &question)])?;
    // Each side draws noise of its own, so there is nothing to compare but the time.
    let ours = || values(&SmoothGrad::default().samples(STEPS), &net, &input);
    let theirs = peer.side("Captum", &format!("attribution.smooth_grad {STEPS}"));
    let what = format!("SmoothGrad, resnet18, {STEPS} samples");
    table.race(&what, vec![Side::ours("", ours), theirs])
}
