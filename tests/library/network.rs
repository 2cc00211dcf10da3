//! Building, running, differentiating, and what is refused.

use convscope::prelude::*;
use convscope::{Error, network::Op};

use crate::helpers::{Tested, cpu, difference, network_o, numbers};

/// A network with a skip, a concatenation, a pool and odd sizes, for a non-square input.
fn branching() -> Network {
    tch::manual_seed(5);
    let mut b = Network::builder("branching", [2, 9, 13]);
    let a = b.conv2d(b.input(), "block.conv1", Conv2d::new(3, 3).padding(1));
    let r = b.relu(a, "block.relu");
    let s = b.add(a, r, "block.add");
    let p = b.max_pool(s, "pool", Pool::new(3, 2).padding(1));
    let q = b.avg_pool(s, "mean", Pool::new(3, 2).padding(1));
    let c = b.concat(&[p, q], "concat");
    let n = b.batch_norm(c, "bn");
    let g = b.global_avg_pool(n, "avgpool");
    let f = b.flatten(g, "flatten");
    b.linear(f, "fc", 4);
    b.build().expect("a sound network")
}

fn input(net: &Network, batch: i64) -> Tensor {
    let [c, h, w] = net.preprocess().input_shape();
    Tensor::randn([batch, c, h, w], cpu(Kind::Double))
}

#[test]
fn shapes_without_running_equal_shapes_of_a_run() -> Tested {
    let net = branching().to_kind(Kind::Double)?;
    let input = input(&net, 3);
    let names = net.layer_names();
    let shapes = net.shapes(&input.size())?;
    for (activation, shape) in net.activations(&input, &names)?.iter().zip(&shapes) {
        assert_eq!(activation.size(), *shape);
    }
    assert_eq!(shapes.last(), Some(&vec![3, 4]));
    Ok(())
}

#[test]
fn a_prefix_means_its_last_node_and_a_run_can_stop_there() -> Tested {
    let net = branching();
    let input = input(&net, 1);
    let [by_prefix, by_name] = &net.activations(&input, &["block", "block.add"])?[..] else {
        panic!("two activations")
    };
    assert_eq!(difference(by_prefix, by_name), 0.0);
    assert!(net.layer("bloc").is_err(), "a prefix ends at a dot");
    Ok(())
}

#[test]
fn gradients_agree_with_finite_differences_everywhere() -> Tested {
    let net = branching().to_kind(Kind::Double)?;
    let input = input(&net, 1);
    let score = |output: &Tensor| output.f_get(0)?.f_get(2);
    let run = net.gradients(&input, &["input", "pool"], score)?;
    let value = |x: &Tensor| -> Result<f64, Error> {
        Ok(score(&net.forward(x)?).map(|s| s.double_value(&[])).expect("a score"))
    };
    let gradient = numbers(&run.gradients[0]);
    let step = 1e-6;
    for at in [0, 17, 100, 233] {
        let nudge = Tensor::zeros([input.numel() as i64], cpu(Kind::Double));
        let _ = nudge.get(at as i64).fill_(step);
        let nudge = nudge.view_as(&input);
        let slope = (value(&(&input + &nudge))? - value(&(&input - &nudge))?) / (2.0 * step);
        assert!((slope - gradient[at]).abs() < 1e-6, "{slope} against {}", gradient[at]);
    }
    assert_eq!(run.gradients[1].size(), run.activations[1].size());
    Ok(())
}

#[test]
fn nothing_is_left_on_the_network_or_the_input() -> Tested {
    let net = branching();
    let input = input(&net, 1).to_kind(Kind::Float);
    let before: Vec<Tensor> = net.state_dict().iter().map(|(_, tensor)| tensor.copy()).collect();
    for _ in 0..3 {
        net.gradients(&input, &["input"], |output| output.f_sum(Kind::Float))?;
    }
    assert!(!input.requires_grad());
    for ((name, now), before) in net.state_dict().iter().zip(&before) {
        assert!(!now.requires_grad() && !now.grad().defined(), "{name}");
        assert_eq!(difference(now, before), 0.0, "{name}");
    }
    assert!(!net.forward(&input)?.requires_grad(), "and a plain run records nothing");
    Ok(())
}

#[test]
fn gradients_work_inside_no_grad() -> Tested {
    let net = branching();
    let input = input(&net, 1);
    let run = tch::no_grad(|| net.gradients(&input, &["input"], |out| out.f_sum(Kind::Float)))?;
    assert!(run.gradients[0].abs().max().double_value(&[]) > 0.0);
    Ok(())
}

/// Network O of Captum's tests: figures computed there.
#[test]
fn network_o_has_its_published_output_and_saliency() -> Tested {
    let (net, input) = network_o();
    let run = net.gradients(&input, &["input"], |out| out.f_get(0)?.f_get(0))?;
    assert_eq!(numbers(&run.output), [54.0; 4]);
    let saliency = [0., 1., 1., 1., 0., 1., 1., 1., 0., 1., 1., 1., 0., 0., 0., 0.];
    assert_eq!(numbers(&run.gradients[0].abs()), saliency);
    let times_input = [0., 1., 2., 3., 0., 5., 6., 7., 0., 9., 10., 11., 0., 0., 0., 0.];
    assert_eq!(numbers(&(&run.gradients[0] * &input)), times_input);
    Ok(())
}

#[test]
fn a_wrong_layer_names_the_nearest() {
    let error =
        branching().activations(&Tensor::zeros([1, 2, 9, 13], cpu(Kind::Float)), &["block.conv"]);
    let error = error.expect_err("no such layer").to_string();
    assert!(error.contains("`block.conv`") && error.contains("`block.conv1`"), "{error}");
    let error = branching().filters("pool").expect_err("no filters").to_string();
    assert!(error.contains("MaxPool2d") && error.contains("block.conv1"), "{error}");
}

#[test]
fn wrong_tensors_are_refused_with_the_shapes() {
    let net = branching();
    let message = |shape: &[i64]| {
        net.forward(&Tensor::zeros(shape, cpu(Kind::Float))).expect_err("misfit").to_string()
    };
    let channels = message(&[1, 3, 9, 13]);
    assert!(channels.contains("[N, 2, H, W]") && channels.contains("[1, 3, 9, 13]"), "{channels}");
    assert!(message(&[2, 9, 13]).contains("unsqueeze"));
    let digits = zoo::digits().expect("digits");
    let small = digits.forward(&Tensor::zeros([1, 1, 20, 28], cpu(Kind::Float)));
    let small = small.expect_err("too small for fc1").to_string();
    assert!(small.contains("`fc1`") && small.contains("[N, 1, 28, 28]"), "{small}");
    let tiny = digits.forward(&Tensor::zeros([1, 1, 3, 3], cpu(Kind::Float)));
    let tiny = tiny.expect_err("smaller than a kernel").to_string();
    assert!(tiny.contains("`conv1`") && tiny.contains("5×5"), "{tiny}");
    let bytes = digits.forward(&Tensor::zeros([1, 1, 28, 28], cpu(Kind::Uint8)));
    assert!(bytes.expect_err("bytes").to_string().contains("floating-point"));
}

#[test]
fn building_mistakes_come_back_from_build() {
    let mut b = Network::builder("b", [1, 8, 8]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(2, 9));
    b.relu(x, "relu");
    let error = b.build().expect_err("kernel larger than the picture").to_string();
    assert!(error.contains("`conv`") && error.contains("9×9"), "{error}");

    let mut b = Network::builder("b", [1, 8, 8]);
    let x = b.relu(b.input(), "twice");
    b.relu(x, "twice");
    assert!(b.build().expect_err("one name twice").to_string().contains("`twice`"));

    let mut b = Network::builder("b", [1, 8, 8]);
    b.conv2d(b.input(), "conv", Conv2d::new(2, 3).stride(0));
    assert!(b.build().expect_err("stride 0").to_string().contains("stride"));

    let mut b = Network::builder("b", [1, 8, 8]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(2, 3));
    b.add(x, b.input(), "add");
    assert!(b.build().expect_err("misfit").to_string().contains("one shape"));

    for conv in [
        Conv2d::new(-3, 3),
        Conv2d::new(3, -1),
        Conv2d::new(0, 3),
        Conv2d { groups: 0, ..Conv2d::new(2, 3) },
    ] {
        let mut b = Network::builder("b", [1, 8, 8]);
        b.conv2d(b.input(), "conv", conv);
        assert!(b.build().is_err());
    }
    let mut b = Network::builder("b", [1, 8, 8]);
    let x = b.flatten(b.input(), "flatten");
    b.linear(x, "fc", -2);
    assert!(b.build().is_err());
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    let absent = Device::Cuda(tch::Cuda::device_count() as usize);
    let error = branching().to_device(absent).expect_err("no such GPU").to_string();
    assert!(error.contains("Device::cuda_if_available"), "{error}");
}

#[test]
fn nodes_can_be_read_as_data() {
    let net = branching();
    assert_eq!(net.layer_names()[..3], ["input", "block.conv1", "block.relu"]);
    let pools = net.nodes().iter().filter(|node| matches!(node.op, Op::MaxPool2d(_))).count();
    assert_eq!(pools, 1);
    let debug = format!("{net:?}");
    assert!(debug.contains("branching") && debug.contains("[N, 2, 9, 13]"), "{debug}");
}
