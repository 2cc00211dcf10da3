//! Ways of running a network: overwriting, starting in the middle, other outputs, the inference form.

use convscope::network::ops::{
    Arithmetic, Flatten, Pad, Permute, Pointwise, Reduce, Reduction, Reshape, Select, Slice,
};
use convscope::network::{Builder, Op};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, set};

/// Every operation that the builder and the zoo know, over tensors of three kinds of shape.
fn every_operation() -> Network {
    tch::manual_seed(3);
    let mut b = Network::builder("every operation", [2, 8, 12]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 3).padding(1));
    let x = b.batch_norm(x, "bn");
    let x = functions(&mut b, x);
    let padded = b.op("pad", Pad::zeros(vec![[0, 0], [1, 1], [0, 0], [-1, 1]]), &[x]);
    let cut = b.op("cut", Slice { dim: 1, start: 1, end: -1, step: 1 }, &[padded]);
    let gate =
        b.op("mean", Reduce { by: Reduction::Mean, dims: vec![2, 3], keep_dims: true }, &[cut]);
    let x = b.mul(x, gate, "gated");
    let x = b.op("sub", Arithmetic::Sub, &[x, cut]);
    let half = b.pointwise(gate, "exp", Pointwise::Exp);
    let x = b.op("div", Arithmetic::Div, &[x, half]);
    let p = b.max_pool(x, "pool", Pool::new(3, 2).padding(1));
    let q = b.avg_pool(x, "average", Pool::new(3, 2).padding(1));
    let x = b.concat(&[p, q], "concat");
    let x = b.adaptive_avg_pool(x, "adaptive", [2, 3]);
    let x = b.op("flat", Flatten { from: 2 }, &[x]);
    let x = b.op("tokens", Permute { order: vec![0, 2, 1] }, &[x]);
    let class = b.parameter("class_token", &[1, 1, 8], 0.02);
    let x = b.concat(&[class, x], "with_class");
    let x = b.layer_norm(x, "ln", 1e-6);
    let x = b.self_attention(x, "attention", 2);
    let x = b.dropout(x, "dropout", 0.3);
    let x = b.op("class", Select { dim: 1, index: 0 }, &[x]);
    let x = b.op("reshape", Reshape { shape: vec![-1, 2, 4] }, &[x]);
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 3);
    b.build().expect("a sound network")
}

/// One function after another, each kept within bounds for the next.
fn functions(b: &mut Builder, mut x: convscope::network::NodeId) -> convscope::network::NodeId {
    let functions = [
        Pointwise::Gelu,
        Pointwise::GeluTanh,
        Pointwise::Silu,
        Pointwise::HardSwish,
        Pointwise::LeakyRelu { slope: 0.2 },
        Pointwise::Shift { term: 0.5 },
        Pointwise::Scale { factor: 3.0 },
        Pointwise::Tanh,
        Pointwise::Erf,
        Pointwise::Neg,
        Pointwise::Sigmoid,
        Pointwise::Log,
        Pointwise::Abs,
        Pointwise::Sqrt,
        Pointwise::Pow { exponent: 1.5 },
        Pointwise::HardSigmoid,
        Pointwise::Clamp { low: 0.1, high: 0.9 },
        Pointwise::Relu6,
        Pointwise::Relu,
    ];
    for (index, function) in functions.into_iter().enumerate() {
        x = b.pointwise(x, &format!("function{index}"), function);
    }
    x
}

/// Residual blocks in the layout in which activations are overwritten: conv, add, ReLU.
fn residual() -> Network {
    tch::manual_seed(9);
    let mut b = Network::builder("residual", [3, 12, 10]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(6, 3).padding(1));
    let x = b.batch_norm(x, "bn");
    let mut x = b.relu(x, "relu");
    for block in 0..2 {
        let y = b.conv2d(x, &format!("{block}.conv1"), Conv2d::new(6, 3).padding(1).no_bias());
        let y = b.batch_norm(y, &format!("{block}.bn1"));
        let y = b.pointwise(y, &format!("{block}.relu6"), Pointwise::Relu6);
        let y = b.conv2d(y, &format!("{block}.conv2"), Conv2d::new(6, 1));
        // Two readers: neither may write over it.
        let view = b.op(&format!("{block}.view"), Reshape { shape: vec![-1, 6, 12, 10] }, &[y]);
        let y = b.relu(y, &format!("{block}.relu"));
        let y = b.add(y, view, &format!("{block}.twice"));
        x = b.add(y, x, &format!("{block}.add"));
        x = b.relu(x, &format!("{block}.out"));
    }
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 4);
    let net = b.build().expect("a sound network");
    let some = |mean: f64| Tensor::rand([6], cpu(Kind::Float)) + mean;
    for norm in ["bn", "0.bn1", "1.bn1"] {
        set(
            &net,
            &[
                (&format!("{norm}.weight"), &some(0.5)),
                (&format!("{norm}.bias"), &some(-0.5)),
                (&format!("{norm}.running_mean"), &some(-0.5)),
                (&format!("{norm}.running_var"), &some(0.5)),
            ],
        );
    }
    net
}

fn input(net: &Network, batch: i64) -> Tensor {
    let [c, h, w] = net.preprocess().input_shape();
    Tensor::randn([batch, c, h, w], cpu(Kind::Float))
}

#[test]
fn every_operations_shape_is_known_beforehand() -> Tested {
    let net = every_operation();
    for batch in [1, 3] {
        let input = input(&net, batch);
        let shapes = net.shapes(&input.size())?;
        let values = net.activations(&input, &net.layer_names())?;
        for ((name, value), shape) in net.layer_names().iter().zip(&values).zip(&shapes) {
            assert_eq!(value.size(), *shape, "{name}");
            assert!(bool::try_from(value.isfinite().all())?, "{name}");
        }
    }
    Ok(())
}

#[test]
fn every_operation_is_differentiated() -> Tested {
    let net = every_operation().to_kind(Kind::Double)?;
    let input = input(&net, 2).to_kind(Kind::Double);
    let score = |output: &Tensor| output.f_get(1)?.f_get(2);
    let run = net.gradients(&input, &["input"], score)?;
    let direction = Tensor::randn(input.size(), cpu(Kind::Double));
    let step = 1e-6;
    let value = |by: f64| net.forward(&(&input + &direction * by));
    let slope = (score(&value(step)?)? - score(&value(-step)?)?).double_value(&[]) / (2.0 * step);
    let expected = (&run.gradients[0] * &direction).sum(Kind::Double).double_value(&[]);
    assert!((slope - expected).abs() < 1e-6 * slope.abs().max(1.0), "{slope} against {expected}");
    assert!(slope.abs() > 1e-6, "a score that depends on nothing shows nothing");
    Ok(())
}

#[test]
fn what_is_overwritten_was_nobodys() -> Tested {
    for net in [residual(), every_operation()] {
        let input = input(&net, 2);
        let before = input.copy();
        let all = net.activations(&input, &net.layer_names())?;
        for (name, together) in net.layer_names().iter().zip(&all) {
            let alone = net.activations(&input, &[name])?.remove(0);
            assert_eq!(difference(&alone, together), 0.0, "{name}");
        }
        assert_eq!(difference(&net.forward(&input)?, &all[all.len() - 1]), 0.0);
        assert_eq!(difference(&input, &before), 0.0, "the caller's input");
    }
    Ok(())
}

#[test]
fn a_run_starts_at_any_layer_that_determines_the_output() -> Tested {
    let net = residual();
    let input = input(&net, 2);
    let whole = net.forward(&input)?;
    for layer in ["input", "relu", "0.out", "1.out", "avgpool", "fc"] {
        let activation = net.activations(&input, &[layer])?.remove(0);
        let before = activation.copy();
        // Given activations lie in memory otherwise than computed ones, so sums have another order.
        let off = difference(&net.forward_from(layer, &activation)?, &whole);
        assert!(off < 1e-6, "{layer}: {off}");
        assert_eq!(difference(&activation, &before), 0.0, "{layer}: the caller's activation");
    }
    let inside = net.activations(&input, &["1.conv1"])?.remove(0);
    let error = net.forward_from("1.conv1", &inside).expect_err("a skip goes past it").to_string();
    assert!(error.contains("`1.conv1`") && error.contains("skip"), "{error}");
    let error = net.forward_from("0.out", &input).expect_err("the input's shape").to_string();
    assert!(error.contains("[1, 6, 12, 10]") && error.contains("[2, 3, 12, 10]"), "{error}");
    Ok(())
}

#[test]
fn another_layer_can_be_the_output() -> Tested {
    let net = residual();
    let input = input(&net, 1);
    let features = net.activations(&input, &["flatten"])?.remove(0);
    let net = net.with_output("flatten")?;
    assert_eq!(net.output().name, "flatten");
    assert_eq!(difference(&net.forward(&input)?, &features), 0.0);
    Ok(())
}

#[test]
fn the_inference_form_gives_the_same() -> Tested {
    for net in [residual(), every_operation(), zoo::untrained("googlenet")?] {
        let fast = net.for_inference()?;
        let input = input(&net, 2);
        let off = difference(&net.forward(&input)?, &fast.forward(&input)?);
        assert!(off < 1e-5, "{}: {off}", net.name());
        // Names that are left mean what they meant.
        let names = fast.layer_names();
        let (ours, folded) = (net.activations(&input, &names)?, fast.activations(&input, &names)?);
        for ((name, ours), folded) in names.iter().zip(&ours).zip(&folded) {
            let off = difference(ours, folded);
            assert!(off < 1e-4 * ours.abs().max().double_value(&[]).max(1.0), "{name}: {off}");
        }
        assert!(
            fast.nodes()
                .iter()
                .all(|node| { !matches!(node.op, Op::BatchNorm2d(_) | Op::Dropout(_)) })
        );
    }
    Ok(())
}
