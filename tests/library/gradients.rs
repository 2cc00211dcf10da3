//! Numbers without a gradient, and layers that take no part: refused in words, by every method.

use convscope::attribution::{Attribution, Run};
use convscope::prelude::*;

use crate::helpers::{Tested, methods_at, root};

fn refused<T>(outcome: convscope::Result<T>) -> String {
    outcome.map(drop).expect_err("to be refused").to_string()
}

#[test]
fn a_score_without_a_gradient_is_an_error() -> Tested {
    let (net, photo) = (zoo::digits()?, data::digit(4, 2)?);
    let scores = [
        Target::score("argmax", |y| y.f_argmax(1, false)),
        Target::score("detached", |y| y.f_detach()?.f_sum(None::<Kind>)),
        Target::score("constant", |_| Ok(Tensor::from(1.0_f32))),
        Target::score("compared", |y| y.f_gt(0.0)?.f_sum(Kind::Float)),
        Target::score("without grad", |y| tch::no_grad(|| y.f_sum(None::<Kind>))),
    ];
    let by_gradient: [Box<dyn Attribution>; 5] = [
        Box::new(Saliency::default()),
        Box::new(IntegratedGradients::default().steps(2)),
        Box::new(SmoothGrad::default().samples(2)),
        Box::new(GuidedBackprop),
        Box::new(GradCam::at("relu2")),
    ];
    for score in &scores {
        for method in &by_gradient {
            let words = refused(method.explain(&net, &photo, score));
            assert!(words.contains("the score has no gradient"), "{}: {words}", method.name());
        }
        // Methods without gradients need none.
        Patches::new(14).explain(&net, &photo, score)?;
    }
    let input = net.prepare(&photo)?;
    let words = refused(net.gradients(&input, &["input"], |y| y.f_detach()?.f_sum(None::<Kind>)));
    assert!(words.contains("`detach`"), "{words}");
    Ok(())
}

#[test]
fn a_layer_that_takes_no_part_is_named_with_the_one_that_is_explained() -> Tested {
    // Two heads on one stem: neither depends on the other.
    let net = Network::from_onnx(root().join("tests/golden/two_heads.onnx"))?;
    let input = Tensor::rand([1, 1, 12, 20], (Kind::Float, Device::Cpu));
    let run = Run::new(&net, &input, &[Target::Top])?;
    for method in methods_at("parity") {
        let words = refused(method.attribute(&run));
        let named = words.contains("`digit` does not depend on layer `logsoftmax`");
        assert!(named, "{}: {words}", method.name());
    }
    // Behind the target is no better.
    let digits = zoo::digits()?;
    let target = Target::channel("conv1", 3);
    for method in methods_at("relu2") {
        if method.name().starts_with("Finer") {
            continue; // explains classes only
        }
        let words = refused(method.explain(&digits, &data::digit(4, 2)?, &target));
        let named = words.contains("`conv1`") && words.contains("`relu2`");
        assert!(named, "{}: {words}", method.name());
    }
    Ok(())
}

#[test]
fn what_does_not_see_the_picture_can_be_neither_explained_nor_maximized() -> Tested {
    let mut b = Network::builder("token", [1, 8, 8]);
    let token = b.parameter("class_token", &[1, 3, 8, 8], 1.0);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(3, 3).padding(1));
    let x = b.add(x, token, "add");
    let x = b.global_avg_pool(x, "pool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 2);
    let net = b.build()?;
    let photo = data::digit(4, 2)?;
    let target = || Target::layer("class_token");
    for outcome in [
        saliency(&net, &photo, target()),
        rise(&net, &photo, target()),
        Patches::new(4).explain(&net, &photo, target()),
    ] {
        let words = refused(outcome);
        assert!(words.contains("`class_token` does not depend on the image"), "{words}");
    }
    for objective in [Objective::layer("class_token"), Objective::channel("class_token", 1)] {
        let words = refused(Maximize::lucid().steps(2).quiet().run(&net, objective));
        assert!(words.contains("`class_token` does not depend on the image"), "{words}");
    }
    Ok(())
}
