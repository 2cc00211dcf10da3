//! Methods of attribution, their options and the checks of their maps.

use convscope::attribution::{
    Attribution, Attributions, Cascade, Checks, Disturbance, Run, attention_rollout_tensor,
    attention_tensor, confidence, infidelity, max_sensitivity, pixel_curves, randomization_with,
    trust_with,
};
use convscope::prelude::*;

use super::{COUNTS, REALS, TIMES, Walk, names, tensors, walk};
use crate::helpers::methods_at;

fn methods(layer: &str) -> Vec<Box<dyn Attribution>> {
    let mut all: Vec<Box<dyn Attribution>> = vec![
        Box::new(Saliency::default()),
        Box::new(InputTimesGradient),
        Box::new(IntegratedGradients::default().steps(2)),
        Box::new(SmoothGrad::default().samples(2)),
        Box::new(GuidedBackprop),
        Box::new(Deconvolution),
        Box::new(Cam),
        Box::new(Patches::new(14)),
        Box::new(Rise::default().masks(3)),
        Box::new(GradientAttention),
    ];
    all.extend(methods_at(layer));
    all
}

#[test]
fn targets() {
    walk("attribution::targets", |walk| {
        let (net, photo) = (zoo::digits()?, data::digit(4, 2)?);
        let mut targets = vec![Target::Top];
        for count in COUNTS {
            targets.extend([
                Target::Class(count),
                Target::channel("conv2", count),
                Target::from(Unit::channel("fc", count)),
                Unit::neuron("conv2", 0, [count, 0]).into(),
                Target::neuron("relu1", 1, [0, count]),
                Unit::neuron("fc", count, [count; 2]).into(),
            ]);
        }
        for name in names() {
            targets.extend([Target::from(&name), Target::layer(&name), Unit::layer(&name).into()]);
        }
        for (at, (name, _)) in tensors().iter().enumerate() {
            targets.push(Target::score(name, move |_| Ok(tensors().swap_remove(at).1)));
        }
        targets.push(Target::score("argmax", |y| y.f_argmax(1, false)));
        targets.push(Target::score("detached", |y| y.f_detach()?.f_sum(None::<Kind>)));
        targets.push(Target::score("compared", |y| y.f_gt(0.0)?.f_sum(Kind::Float)));
        targets.push(Target::score("without grad", |y| tch::no_grad(|| y.f_sum(None::<Kind>))));
        targets.push(Target::score("refused", |y| y.f_matmul(&y.f_view([-1, 1])?.f_view([5, 2])?)));
        for target in &targets {
            for method in methods("relu2") {
                walk.figure(format!("{} of {target:.40?}", method.name()), || {
                    convscope::attribution::explain(&net, &photo, target, &*method)
                });
            }
        }
        for name in names() {
            for method in methods(&name) {
                walk.figure(format!("{:.60}", method.name()), || {
                    convscope::attribution::explain(&net, &photo, 4, &*method)
                });
            }
        }
        functions(walk, &net, &photo)
    });
}

/// The forms that are functions.
fn functions(walk: &mut Walk, net: &Network, photo: &Photo) -> convscope::Result<()> {
    for layer in names().iter().map(String::as_str).chain(["input", "fc", "relu1"]) {
        walk.figure("grad_cam", || grad_cam(net, photo, layer, 4));
        walk.figure("grad_cam++", || grad_cam_plus_plus(net, photo, layer, 4));
        walk.figure("x_grad_cam", || x_grad_cam(net, photo, layer, 4));
        walk.figure("hires_cam", || hires_cam(net, photo, layer, 4));
        walk.figure("layer_cam", || layer_cam(net, photo, layer, 4));
        walk.figure("finer_cam", || finer_cam(net, photo, layer, 4));
        walk.figure("guided_grad_cam", || guided_grad_cam(net, photo, layer, 4));
        walk.figure("score_cam", || score_cam(net, photo, layer, 4));
        walk.figure("ablation_cam", || ablation_cam(net, photo, layer, 4));
    }
    Ok(())
}

#[test]
fn inputs() {
    walk("attribution::inputs", |walk| {
        let net = zoo::digits()?;
        for (name, tensor) in tensors() {
            let Ok(image) = TensorImage::new(&name, &tensor) else {
                walk.call(format!("TensorImage {name}"), || TensorImage::new(&name, &tensor));
                continue;
            };
            for method in methods("relu2") {
                walk.figure(format!("{} of {name}", method.name()), || {
                    convscope::attribution::explain(&net, &image, Target::Top, &*method)
                });
            }
            for count in COUNTS {
                walk.call(format!("channel {count} of {name}"), || image.clone().channel(count));
                for real in REALS {
                    walk.call(format!("window {real} of {name}"), || {
                        image.clone().window(count, real as f32, real as f32)
                    });
                }
            }
            walk.call(format!("false colors of {name}"), || image.clone().false_colors([0, 1, 9]));
            walk.figure(format!("all methods on {name}"), || {
                compare_methods(&net, &image, 3, &[&Saliency::default(), &GradCam::at("relu1")])
            });
        }
        for (name, tensor) in tensors() {
            walk.call(format!("Run of {name}"), || {
                Run::new(&net, &tensor, &[Target::Top]).map(drop)
            });
            walk.call(format!("Run of {name}, no targets"), || {
                Run::new(&net, &tensor, &[]).map(drop)
            });
            walk.call(format!("attention of {name}"), || attention_tensor(&net, &tensor));
            walk.call(format!("rollout of {name}"), || {
                attention_rollout_tensor(&net, &tensor, Rollout::default())
            });
            walk.call(format!("attributions {name}"), || {
                let found = Attributions::signed(tensor.shallow_clone(), "unit").reading("reads");
                let other = Attributions::positive(tensor.shallow_clone(), "unit");
                let _ = (found.maps(), other.maps_at([0, -1]), other.maps_at([1 << 40, 1 << 40]));
                other.maps_at([i64::MAX, i64::MIN])
            });
        }
        Ok(())
    });
}

#[test]
fn options() {
    walk("attribution::options", |walk| {
        let (net, photo) = (zoo::digits()?, data::digit(4, 2)?);
        let mut try_all = |name: String, method: &dyn Attribution| {
            walk.figure(name, || convscope::attribution::explain(&net, &photo, 4, method));
        };
        for count in COUNTS {
            try_all(format!("IG {count}"), &IntegratedGradients::default().steps(count));
            try_all(format!("SmoothGrad {count}"), &SmoothGrad::default().samples(count));
            try_all(format!("RISE {count}"), &Rise::default().masks(count));
            try_all(format!("RISE cells {count}"), &Rise::default().masks(2).cells(count));
            try_all(format!("Score-CAM {count}"), &ScoreCam::at("relu2").channels(count));
            try_all(format!("Ablation-CAM {count}"), &AblationCam::at("relu2").channels(count));
            try_all(format!("patches {count}"), &Patches::new(count));
            try_all(format!("flat patches {count}"), &Patches::sized([count, 7]));
            try_all(format!("stride {count}"), &Patches::new(9).stride(count));
            try_all(format!("strides {count}"), &Patches::new(9).strides([9, count]));
        }
        for real in REALS {
            try_all(format!("noise {real}"), &SmoothGrad::default().samples(2).noise(real));
            try_all(format!("p {real}"), &Rise::default().masks(2).probability(real));
        }
        for (name, tensor) in tensors() {
            let method = IntegratedGradients::default().steps(2).baseline(&tensor);
            try_all(format!("baseline {name}"), &method);
            try_all(format!("seed {name}"), &SmoothGrad::default().samples(2).seed(u64::MAX));
        }
        for time in TIMES {
            try_all("IG".to_owned(), &IntegratedGradients::default().time_limit(time));
            try_all("SmoothGrad".to_owned(), &SmoothGrad::default().time_limit(time));
            try_all("RISE".to_owned(), &Rise::default().masks(40).time_limit(time));
            try_all("Score-CAM".to_owned(), &ScoreCam::at("relu2").time_limit(time));
            try_all("Ablation-CAM".to_owned(), &AblationCam::at("relu2").time_limit(time));
            try_all("occlusion".to_owned(), &Patches::new(9).time_limit(time));
        }
        for count in COUNTS {
            walk.figure(format!("occlusion {count}"), || {
                occlusion(&net, &photo, 4, &[Patches::new(count), Patches::new(9).stride(count)])
            });
        }
        walk.figure("occlusion of nothing", || occlusion(&net, &photo, 4, &[]));
        let vit = small_transformer()?;
        for count in COUNTS {
            walk.figure(format!("attention layer {count}"), || {
                attention(&vit, &photo, AttentionMaps::default().layers([count]))
            });
            walk.figure(format!("attention head {count}"), || {
                attention(&vit, &photo, AttentionMaps::default().heads(Heads::Only(vec![count])))
            });
        }
        for real in REALS {
            walk.figure(format!("rollout {real}"), || {
                attention_rollout(
                    &vit,
                    &photo,
                    Rollout::default().fusion(Fusion::Max).discard(real),
                )
            });
        }
        walk.figure("gradient attention", || gradient_attention(&vit, &photo, 0));
        Ok(())
    });
}

fn small_transformer() -> convscope::Result<Network> {
    let mut b = Network::builder("small", [1, 8, 8]);
    let x = b.conv2d(b.input(), "patches", Conv2d::new(8, 4).stride(4));
    let x = b.op("tokens", convscope::network::ops::Flatten { from: 2 }, &[x]);
    let x = b.op("permute", convscope::network::ops::Permute { order: vec![0, 2, 1] }, &[x]);
    let x = b.self_attention(x, "attention", 2);
    let x = b.op("first", convscope::network::ops::Select { dim: 1, index: 0 }, &[x]);
    b.linear(x, "fc", 3);
    b.build()
}

#[test]
fn checks() {
    walk("attribution::checks", |walk| {
        let (net, photo) = (zoo::digits()?, data::digit(4, 2)?);
        let run = Run::of(&net, &photo, 4)?;
        let method = Saliency::default();
        for (name, tensor) in tensors() {
            walk.call(format!("confidence {name}"), || confidence(&run, &tensor));
            walk.call(format!("curves {name}"), || {
                pixel_curves(&run, &tensor, PixelSteps::default())
            });
            walk.call(format!("infidelity {name}"), || infidelity(&run, &tensor, &tensor));
            walk.call(format!("sensitivity {name}"), || max_sensitivity(&run, &method, &tensor));
            walk.call(format!("disturbances of {name}"), || Disturbance::default().of(&tensor));
            walk.call(format!("scores of {name}"), || run.scores(&tensor));
        }
        let map = method.attribute(&run)?.maps()?;
        for count in COUNTS {
            walk.call(format!("curves in {count}"), || {
                pixel_curves(&run, &map, PixelSteps::default().steps(count))
            });
            walk.call(format!("{count} disturbances"), || {
                Disturbance::default().samples(count).of(run.input())
            });
            walk.figure(format!("{count} stages"), || {
                randomization_with(&net, &photo, 4, &method, Cascade::default().stages(count))
            });
            walk.figure(format!("trust in {count}"), || {
                let checks = Checks::default().stages(count).pixels(PixelSteps::default().steps(2));
                trust_with(&net, &photo, 4, &method, checks.seed(u64::MAX))
            });
        }
        for real in REALS {
            walk.call(format!("radius {real}"), || {
                Disturbance::default().samples(2).radius(real).of(run.input())
            });
        }
        for time in TIMES {
            walk.figure("randomization", || {
                randomization_with(&net, &photo, 4, &method, Cascade::default().time_limit(time))
            });
            walk.figure("trust", || {
                trust_with(&net, &photo, 4, &method, Checks::default().time_limit(time))
            });
        }
        walk.call("gradients of no layer", || run.gradients(&[]).map(drop));
        Ok(())
    });
}
