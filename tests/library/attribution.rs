//! Attribution: published figures, identities, targets, and what is refused.

use convscope::attribution::{Run, explain};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, network_o, numbers, painted, values_of};

/// Rows of numbers as they are written in a paper's table.
fn rows(text: &str) -> Vec<f64> {
    text.split([' ', '/']).filter_map(|number| number.parse().ok()).collect()
}

pub fn close(found: &Tensor, expected: &str) {
    let (found, expected) = (numbers(found), rows(expected));
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(&expected) {
        assert!((a - b).abs() < 1e-4, "{found:?}, expected {expected:?}");
    }
}

/// Captum's figures for Network O.
#[test]
fn network_o_has_its_published_attributions() -> Tested {
    let (net, input) = network_o();
    let target = [Target::Class(0)];
    close(
        &values_of(&GuidedBackprop, &net, &input, &target)?,
        "0 1 1 1 / 1 3 3 2 / 1 3 3 2 / 1 2 2 1",
    );
    close(
        &values_of(&Deconvolution, &net, &input, &target)?,
        "2 3 3 1 / 3 5 5 2 / 3 5 5 2 / 1 2 2 1",
    );
    let cam = |layer| values_of(&GradCam::at(layer), &net, &input, &target);
    close(&cam("conv")?, "11.25 13.5 / 20.25 22.5");
    close(&cam("relu1")?, "0 4 / 28 32.5");
    close(
        &values_of(&GuidedGradCam::at("relu1"), &net, &input, &target)?,
        "0 0 4 4 / 0 0 12 8 / 28 84 97.5 65 / 28 56 65 32.5",
    );
    Ok(())
}

/// Convolution, ReLU, global average pooling, linear: where the methods are known to agree.
fn pooled(size: [i64; 2], relu: bool) -> (Network, Tensor) {
    tch::manual_seed(11);
    let [h, w] = size;
    let mut b = Network::builder("pooled", [2, h, w]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(5, 3).padding(1));
    let x = if relu { b.relu(x, "relu") } else { x };
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 4);
    let net = b.build().and_then(|net| net.to_kind(Kind::Double)).expect("a network");
    (net, Tensor::randn([3, 2, h, w], cpu(Kind::Double)))
}

#[test]
fn class_activation_maps_obey_their_identities() -> Tested {
    let (net, input) = pooled([7, 12], true);
    let targets = [Target::Class(2), Target::Class(0), Target::Class(3)];
    let map = |method: &dyn Attribution| values_of(method, &net, &input, &targets);
    let cam = map(&Cam)?;
    assert_eq!(cam.size(), [3, 7, 12]);

    let logits = net.forward(&input)?;
    let bias = net.state_dict().into_iter().find(|(name, _)| name == "fc.bias").expect("bias").1;
    for (row, class) in [2, 0, 3].into_iter().enumerate() {
        let mean = cam.get(row as i64).mean(Kind::Double).double_value(&[]);
        let logit = logits.double_value(&[row as i64, class]);
        assert!((mean + bias.double_value(&[class]) - logit).abs() < 1e-12);
    }
    // Grad-CAM is at least 0, and its weights carry the pooling's division.
    let rectified = cam.relu() / 84.0;
    assert!(difference(&map(&GradCam::at("relu"))?, &rectified) < 1e-14);
    assert!(difference(&map(&HiResCam::at("relu"))?, &rectified) < 1e-14);
    let x_grad_cam = map(&XGradCam::at("relu"))?;
    assert!(difference(&x_grad_cam, &rectified) < 1e-8, "but for its tiny constant");
    assert!(difference(&map(&LayerCam::at("relu"))?, &rectified) > 1e-4, "another method");
    assert!(difference(&map(&GradCamPlusPlus::at("relu"))?, &rectified) > 1e-4, "another method");
    Ok(())
}

#[test]
fn on_a_linear_network_shares_are_weight_times_input() -> Tested {
    let (net, input) = pooled([5, 8], false);
    let targets = [Target::Class(1), Target::Class(2), Target::Class(3)];
    let expected = values_of(&Saliency::default(), &net, &input, &targets)? * &input;
    let run = Run::new(&net, &input, &targets)?;
    let found = IntegratedGradients::default().integrate(&run)?;
    assert!(difference(&found.values, &expected) < 1e-13);
    assert!(found.convergence_delta.abs().max().double_value(&[]) < 1e-12);
    let method = SmoothGrad::default().samples(3);
    let smooth = method.attribute(&run)?.values * &input;
    assert!(difference(&smooth, &expected) < 1e-13, "noise changes nothing");
    let variance = method.aggregation(Aggregation::Variance).attribute(&run)?.values;
    assert!(variance.max().double_value(&[]) < 1e-16);
    Ok(())
}

/// A network without kinks: the shares add up to the difference of the scores.
#[test]
fn integrated_gradients_are_complete_on_a_smooth_network() -> Tested {
    use convscope::network::Pointwise;
    tch::manual_seed(3);
    let mut b = Network::builder("smooth", [1, 6, 9]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 3));
    let x = b.pointwise(x, "tanh", Pointwise::Tanh);
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 3);
    let net = b.build()?.to_kind(Kind::Double)?;
    let input = Tensor::randn([2, 1, 6, 9], cpu(Kind::Double)) * 2.0;
    let baseline = Tensor::full([1], 0.3, cpu(Kind::Double));
    let run = Run::new(&net, &input, &[Target::Top, Target::Class(0)])?;
    let delta = |steps| -> Result<f64, convscope::Error> {
        let method = IntegratedGradients::default().steps(steps).baseline(&baseline);
        Ok(method.integrate(&run)?.convergence_delta.abs().max().double_value(&[]))
    };
    let (coarse, fine) = (delta(10)?, delta(100)?);
    assert!(fine < 1e-4 && fine < coarse / 50.0, "{coarse} at 10 steps, {fine} at 100");
    // A network with kinks keeps a residual, and says so.
    let (net, input) = network_o();
    let run = Run::new(&net, &input, &[Target::Class(0)])?;
    let found = IntegratedGradients::default().steps(200).integrate(&run)?;
    let delta = found.convergence_delta.double_value(&[0]).abs();
    assert!((0.2..0.5).contains(&delta), "{delta}");
    Ok(())
}

#[test]
fn each_picture_of_a_batch_is_explained_as_if_alone() -> Tested {
    let (net, input) = pooled([6, 10], true);
    let targets = [Target::Class(1), Target::Top, Target::channel("relu", 3)];
    assert!(values_of(&Saliency::default(), &net, &input, &targets).is_err(), "one layer for all");
    let targets = [Target::Class(1), Target::Top, Target::Class(0)];
    let together = [
        values_of(&Saliency::default(), &net, &input, &targets)?,
        values_of(&GuidedBackprop, &net, &input, &targets)?,
        values_of(&GradCamPlusPlus::at("conv"), &net, &input, &targets)?,
    ];
    for (row, target) in targets.iter().enumerate() {
        let (one, target) = (input.narrow(0, row as i64, 1), [target.clone()]);
        let alone = [
            values_of(&Saliency::default(), &net, &one, &target)?,
            values_of(&GuidedBackprop, &net, &one, &target)?,
            values_of(&GradCamPlusPlus::at("conv"), &net, &one, &target)?,
        ];
        for (together, alone) in together.iter().zip(&alone) {
            assert!(difference(&together.narrow(0, row as i64, 1), alone) < 1e-14);
        }
    }
    let error = values_of(&Saliency::default(), &net, &input, &targets[..2])
        .expect_err("two targets")
        .to_string();
    assert!(error.contains("2 targets for 3 images"), "{error}");
    Ok(())
}

#[test]
fn units_and_scores_are_explained_too() -> Tested {
    let (net, input) = pooled([6, 10], true);
    let one = input.narrow(0, 0, 1);
    let gradient = |target: Target| values_of(&Saliency::default(), &net, &one, &[target]);
    // A neuron of the convolution sees its own 3×3 window and nothing else.
    let seen = gradient(Target::neuron("conv", 2, [1, 7]))?.abs().sum_dim_intlist(
        [0_i64, 1].as_slice(),
        false,
        Kind::Double,
    );
    let inside = seen.narrow(0, 0, 3).narrow(1, 6, 3);
    assert!(inside.min().double_value(&[]) > 0.0);
    assert_eq!(seen.count_nonzero(None::<i64>).int64_value(&[]), 9);
    // A channel is the sum of its neurons, a layer the sum of its channels.
    let channels: Vec<Tensor> = (0..5)
        .map(|channel| gradient(Target::channel("relu", channel)))
        .collect::<Result<_, _>>()?;
    let sum = channels.iter().fold(channels[0].zeros_like(), |sum, g| sum + g);
    assert!(difference(&sum, &gradient(Target::layer("relu"))?) < 1e-13);
    let difference_of_two =
        Target::score("1 rather than 2", |out| out.f_select(1, 1)?.f_sub(&out.f_select(1, 2)?));
    let expected = gradient(Target::Class(1))? - gradient(Target::Class(2))?;
    assert!(difference(&gradient(difference_of_two)?, &expected) < 1e-14);

    for target in [
        Target::channel("relu", 5),
        Target::neuron("relu", 0, [6, 0]),
        Target::neuron("relu", 0, [0, 10]),
        Target::neuron("fc", 0, [0, 0]),
        Target::channel("nowhere", 0),
        Target::score("no number", |out| out.f_add(out)),
    ] {
        let error = gradient(target.clone()).expect_err("refused").to_string();
        assert!(error.len() > 30, "{target:?}: {error}");
    }
    Ok(())
}

#[test]
fn what_a_method_cannot_do_is_refused_with_a_way_out() -> Tested {
    let digits = zoo::digits()?;
    let photo = data::digit(3, 1)?;
    let error = cam(&digits, &photo, Target::Top).expect_err("two linear layers").to_string();
    assert!(error.contains("relu3") && error.contains("grad_cam"), "{error}");
    let error = grad_cam(&digits, &photo, "fc1", Target::Top).expect_err("no map").to_string();
    assert!(error.contains("`fc1`") && error.contains("[N, C, h, w]"), "{error}");
    let vit = zoo::untrained("deit_tiny")?;
    let error = guided_backprop(&vit, &photo, Target::Top).expect_err("no ReLU").to_string();
    assert!(error.contains("Softmax") && error.contains("saliency"), "{error}");
    let misfit = Tensor::zeros([3, 5], cpu(Kind::Float));
    let refused: [&dyn Attribution; 3] = [
        &SmoothGrad::default().samples(0),
        &IntegratedGradients::default().steps(0),
        &IntegratedGradients::default().baseline(&misfit),
    ];
    for method in refused {
        assert!(explain(&digits, &photo, Target::Top, method).is_err(), "{}", method.name());
    }
    Ok(())
}

/// Guided backpropagation through skips, concatenations, pooling and shared inputs equals the plain
/// gradient where nothing negative comes back.
#[test]
fn guided_gradients_add_up_at_skips_and_concatenations() -> Tested {
    tch::manual_seed(8);
    let mut b = Network::builder("branches", [2, 8, 11]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(3, 3).padding(1));
    let a = b.relu(x, "a");
    let y = b.conv2d(a, "conv2", Conv2d::new(3, 3).padding(1));
    let z = b.add(x, y, "add");
    let r = b.relu(z, "r");
    let p = b.max_pool(r, "pool", Pool::new(2, 2));
    let q = b.max_pool(z, "pool2", Pool::new(2, 2));
    let c = b.concat(&[p, q], "concat");
    let s = b.relu(c, "s");
    let g = b.global_avg_pool(s, "avgpool");
    let f = b.flatten(g, "flatten");
    b.linear(f, "fc", 2);
    let net = b.build()?.to_kind(Kind::Double)?;
    let input = Tensor::rand([1, 2, 8, 11], cpu(Kind::Double));
    let target = [Target::Class(0)];
    let plain = values_of(&Saliency::default(), &net, &input, &target)?;
    let guided = values_of(&GuidedBackprop, &net, &input, &target)?;
    assert!(difference(&guided, &plain) > 1e-6, "with weights of both signs it differs");
    for (_, parameter) in net.state_dict() {
        let _ = parameter.shallow_clone().abs_();
    }
    let plain = values_of(&Saliency::default(), &net, &input, &target)?;
    let guided = values_of(&GuidedBackprop, &net, &input, &target)?;
    assert!(difference(&guided, &plain) < 1e-13, "positive weights: nothing to hold back");
    assert!(plain.abs().max().double_value(&[]) > 1e-3);
    Ok(())
}

#[test]
fn vision_transformers_have_maps_on_their_grid_of_patches() -> Tested {
    let net = zoo::untrained("deit_tiny")?;
    let photo = painted(300, 260);
    let layer = "encoder.layers.encoder_layer_11.ln_1";
    let map = grad_cam(&net, &photo, layer, 5usize)?;
    assert_eq!(map.values().shape(), [14, 14]);
    // By hand: the class token dropped, patches row by row.
    let input = net.prepare(&photo)?;
    let run = net.gradients(&input, &[layer], |logits| logits.f_get(0)?.f_get(5))?;
    let weights =
        run.gradients[0].narrow(1, 1, 196).mean_dim([1_i64].as_slice(), true, None::<Kind>);
    let expected = (run.activations[0].narrow(1, 1, 196) * weights).sum_dim_intlist(
        [2_i64].as_slice(),
        false,
        None::<Kind>,
    );
    let expected = expected.relu().view([14, 14]);
    assert!(
        difference(&map.values().tensor(), &expected)
            < 1e-5 * expected.max().double_value(&[]).max(1e-9)
    );
    Ok(())
}

#[test]
fn a_seed_gives_one_map() -> Tested {
    let (net, photo) = (zoo::digits()?, data::digit(2, 2)?);
    let again = || smooth_grad(&net, &photo, 2usize);
    assert_eq!(difference(&again()?.values().tensor(), &again()?.values().tensor()), 0.0);
    Ok(())
}

#[test]
fn saliency_is_the_largest_absolute_gradient_of_the_channels() -> Tested {
    let net = zoo::digits()?;
    let photo = data::digit(5, 3)?;
    let map = saliency(&net, &photo, 5usize)?;
    let input = net.prepare(&photo)?;
    let run = net.gradients(&input, &["input"], |logits| logits.f_get(0)?.f_get(5))?;
    let expected = run.gradients[0].abs().amax([1], false).get(0);
    assert_eq!(difference(&map.values().tensor(), &expected), 0.0);
    assert!(map.values().tensor().min().double_value(&[]) >= 0.0);
    assert!(map.title.contains("Saliency for 5"), "{}", map.title);
    Ok(())
}

#[test]
fn targets_by_top_number_and_name_agree() -> Tested {
    let net = zoo::digits()?;
    let photo = data::digit(7, 1)?;
    let top = saliency(&net, &photo, Target::Top)?;
    let by_number = saliency(&net, &photo, 7usize)?;
    let by_name = saliency(&net, &photo, "7")?;
    assert_eq!(difference(&top.values().tensor(), &by_number.values().tensor()), 0.0);
    assert_eq!(difference(&top.values().tensor(), &by_name.values().tensor()), 0.0);
    let other = saliency(&net, &photo, 2usize)?;
    assert!(
        difference(&top.values().tensor(), &other.values().tensor()) > 0.0,
        "the target matters"
    );
    Ok(())
}

#[test]
fn unknown_classes_are_refused_with_the_nearest() -> Tested {
    let net = zoo::digits()?;
    let photo = data::digit(7, 1)?;
    let number = saliency(&net, &photo, 10usize).expect_err("ten classes").to_string();
    assert!(number.contains("no class 10") && number.contains("10 classes"), "{number}");
    let name = saliency(&net, &photo, "seven").expect_err("not a name").to_string();
    assert!(name.contains("`seven`") && name.contains("Nearest"), "{name}");
    Ok(())
}

#[test]
fn any_photo_fits_a_network_whatever_its_size() -> Tested {
    let net = zoo::digits()?;
    for (width, height) in [(1, 1), (300, 7), (7, 300), (28, 28), (1001, 997)] {
        let map = saliency(&net, &painted(width, height), Target::Top)?;
        assert_eq!(map.values().shape(), [28, 28], "{width}×{height}");
    }
    Ok(())
}
