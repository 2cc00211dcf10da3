//! Explanations leave nothing behind: no marks on parameters, no memory.

use convscope::prelude::*;

use crate::helpers::{Tested, difference};
#[cfg(target_os = "linux")]
use crate::helpers::{in_child, is_child};

/// One of each kind.
fn explain(net: &Network, photo: &Photo) -> convscope::Result<()> {
    saliency(net, photo, Target::Top)?;
    guided_backprop(net, photo, Target::Top)?;
    guided_grad_cam(net, photo, "relu2", Target::Top)?;
    grad_cam(net, photo, "relu2", Target::Top)?;
    occlusion(net, photo, Target::Top, &[Patches::new(14)])?;
    Ok(())
}

/// Those of which a single one runs the network many times.
fn explain_at_length(net: &Network, photo: &Photo) -> convscope::Result<()> {
    SmoothGrad::default().samples(20).explain(net, photo, 2usize)?;
    integrated_gradients(net, photo, Target::Top)?;
    score_cam(net, photo, "relu2", Target::Top)?;
    ablation_cam(net, photo, "relu2", Target::Top)?;
    Rise::default().masks(40).explain(net, photo, Target::Top)?;
    Ok(())
}

#[test]
fn explanations_leave_parameters_as_they_were() -> Tested {
    let net = zoo::digits()?;
    let photo = data::digit(2, 2)?;
    let before: Vec<Tensor> = net.state_dict().iter().map(|(_, tensor)| tensor.copy()).collect();
    explain(&net, &photo)?;
    explain_at_length(&net, &photo)?;
    for ((name, now), before) in net.state_dict().iter().zip(&before) {
        assert!(!now.requires_grad() && !now.grad().defined(), "{name}");
        assert_eq!(difference(now, before), 0.0, "{name}");
    }
    Ok(())
}

/// In a process of its own, since other tests take memory beside it.
#[test]
#[cfg(target_os = "linux")]
fn two_hundred_explanations_take_no_more_memory_than_a_few() -> Tested {
    if !is_child() {
        let test = "leaks::two_hundred_explanations_take_no_more_memory_than_a_few";
        assert!(in_child(test, &[]).contains("pages before"), "the child ran nothing");
        return Ok(());
    }
    // Of 4 KiB, or more where pages are larger.
    let pages = || -> Result<u64, Box<dyn std::error::Error>> {
        let statm = std::fs::read_to_string("/proc/self/statm")?;
        Ok(statm.split(' ').nth(1).ok_or("no resident size")?.parse()?)
    };
    let net = zoo::digits()?;
    let photos = (0..10).map(|digit| data::digit(digit, 3)).collect::<Result<Vec<_>, _>>()?;
    for photo in photos.iter().cycle().take(5) {
        explain(&net, photo)?;
        explain_at_length(&net, photo)?;
    }
    let before = pages()?;
    for photo in photos.iter().cycle().take(40) {
        explain(&net, photo)?; // five a round
    }
    for photo in photos.iter().cycle().take(4) {
        explain_at_length(&net, photo)?;
    }
    let after = pages()?;
    println!("{before} pages before, {after} after");
    // One activation of relu1 kept by each explanation would be 5 MiB; the heap's own ups and downs are
    // below 2.
    let grown = after.saturating_sub(before);
    assert!(grown < 1000, "{before} pages before, {after} after");
    Ok(())
}
