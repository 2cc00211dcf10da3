//! Networks made for inference, which compute layers and what follows them in one call.

use convscope::network::{Builder, NodeId, Pointwise};
use convscope::prelude::*;

use crate::helpers::{Tested, difference, maps_of, numbers, random, set};
use crate::occlusion::covered_one_by_one;

/// Numbers to choose by, the same each time.
struct Dice(std::vec::IntoIter<f64>);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(numbers(&random(&[400], seed)).into_iter())
    }

    fn below(&mut self, count: usize) -> usize {
        (self.0.next().expect("enough numbers") * count as f64) as usize
    }
}

/// Those of networks that run often come first, and are planned.
const FUNCTIONS: [Pointwise; 14] = [
    Pointwise::Relu,
    Pointwise::Relu,
    Pointwise::Relu6,
    Pointwise::Clamp { low: -0.5, high: 0.5 },
    Pointwise::LeakyRelu { slope: 0.2 },
    Pointwise::Gelu,
    Pointwise::Silu,
    Pointwise::Sigmoid,
    Pointwise::Tanh,
    Pointwise::HardSigmoid,
    Pointwise::HardSwish,
    Pointwise::Clamp { low: 0.5, high: -0.5 },
    Pointwise::GeluTanh,
    Pointwise::Elu { alpha: 1.0 },
];
const PLANNED: usize = 11;

fn any_network(seed: u64) -> Network {
    network_of(seed, &FUNCTIONS)
}

fn network_of(seed: u64, functions: &[Pointwise]) -> Network {
    let mut b = Network::builder("any", [8, 9, 6]);
    any_layers(&mut b, seed, functions);
    b.build().expect("a sound network")
}

/// Layers, functions, sums and branches in any order, with skips from anywhere; all values that others read
/// are `[N, 8, 9, 6]`.
fn any_layers(b: &mut Builder, seed: u64, functions: &[Pointwise]) -> NodeId {
    let mut dice = Dice::new(seed);
    let mut last = b.input();
    let mut nodes = vec![last];
    for index in 0..24 {
        // Mostly the one before, so that chains come about.
        let from = if dice.below(4) > 0 { nodes.len() - 1 } else { dice.below(nodes.len()) };
        let (from, other) = (nodes[from], nodes[dice.below(nodes.len())]);
        let function = functions[dice.below(functions.len())];
        last = any_layer(b, function, from, other, &format!("layer{index}"), &mut dice);
        nodes.push(last);
    }
    last
}

fn any_layer(
    b: &mut Builder,
    function: Pointwise,
    from: NodeId,
    other: NodeId,
    name: &str,
    dice: &mut Dice,
) -> NodeId {
    let groups = [1, 1, 2, 8][dice.below(4)];
    match dice.below(14) {
        0..=2 => b.conv2d(from, name, Conv2d::new(8, 3).padding(1).groups(groups)),
        3 => b.conv2d(from, name, Conv2d::new(8, 1).no_bias()),
        4 => b.linear(from, name, 6),
        5 | 6 => b.add(from, other, name),
        7 => b.batch_norm(from, name),
        // No maximum: whose gradient goes where is chance among equals.
        8 => b.avg_pool(from, name, Pool::new(3, 1).padding(1)),
        9 => {
            let pooled = b.global_avg_pool(other, &format!("{name}.pool"));
            let gate = b.conv2d(pooled, &format!("{name}.gate"), Conv2d::new(8, 1));
            let gate = b.pointwise(gate, &format!("{name}.sigmoid"), Pointwise::Sigmoid);
            b.mul(from, gate, name)
        }
        10 => {
            let both = b.concat(&[from, other], &format!("{name}.both"));
            b.conv2d(both, name, Conv2d::new(8, 1))
        }
        _ => b.pointwise(from, name, function),
    }
}

fn close(what: &str, a: &Tensor, b: &Tensor) {
    let most = a.abs().max().double_value(&[]).max(1.0);
    assert!(difference(a, b) < 1e-5 * most, "{what}: off by {}", difference(a, b));
}

#[test]
fn any_network_gives_the_same() -> Tested {
    for seed in 0..150 {
        let net = any_network(seed);
        let fast = net.for_inference()?;
        for batch in [2, 1, 3] {
            let input = random(&[batch, 8, 9, 6], seed).to_kind(Kind::Float) - 0.5;
            let before = input.copy();
            let what = format!("network {seed}, batch {batch}");
            close(&what, &net.forward(&input)?, &fast.forward(&input)?);
            assert_eq!(difference(&input, &before), 0.0, "{what}: the input was written over");
            // Whatever is wanted in between, alone or with others.
            let names = fast.layer_names();
            for some in [names.iter().step_by(3).collect::<Vec<_>>(), names.iter().collect()] {
                let (ours, theirs) =
                    (net.activations(&input, &some)?, fast.activations(&input, &some)?);
                for ((name, ours), theirs) in some.iter().zip(&ours).zip(&theirs) {
                    close(&format!("{what}, {name}"), ours, theirs);
                }
            }
        }
    }
    Ok(())
}

/// A form of run that has come often enough is planned as a whole.
#[test]
fn any_network_gives_the_same_again_and_again() -> Tested {
    for seed in 0..24 {
        let net = network_of(seed, &FUNCTIONS[..PLANNED]);
        let fast = net.for_inference()?;
        let pictures = 1 + (seed % 3) as i64;
        for run in 0..104 {
            let input = random(&[pictures, 8, 9, 6], 1000 + run).to_kind(Kind::Float) - 0.5;
            let what = format!("network {seed}, {pictures} pictures, run {run}");
            let ours = net.forward(&input)?;
            let before = input.copy();
            close(&what, &ours, &fast.forward(&input)?);
            assert_eq!(difference(&input, &before), 0.0, "{what}: the input was written over");
        }
    }
    Ok(())
}

/// A sum is computed with the layer before it, so its other summand must not be written over where a node
/// between the two reads it.
#[test]
fn a_skip_that_another_branch_reads_stays() -> Tested {
    let mut b = Network::builder("skip", [4, 6, 6]);
    let same = || Conv2d::new(4, 3).padding(1);
    let first = b.conv2d(b.input(), "first", same());
    let second = b.conv2d(first, "second", same());
    let branch = b.relu(first, "branch");
    let sum = b.add(second, first, "sum");
    b.add(sum, branch, "all");
    let net = b.build()?;
    let input = random(&[1, 4, 6, 6], 1).to_kind(Kind::Float) - 0.5;
    close("skip", &net.forward(&input)?, &net.for_inference()?.forward(&input)?);
    Ok(())
}

/// Occlusion computes the regions that a patch changes, and from where they fill the maps on, the rest as any run.
#[test]
fn any_network_is_occluded_the_same() -> Tested {
    for seed in 0..60 {
        let mut b = Network::builder("any", [8, 9, 6]);
        let maps = any_layers(&mut b, seed, &FUNCTIONS);
        let pooled = b.global_avg_pool(maps, "pool");
        let flat = b.flatten(pooled, "flat");
        b.linear(flat, "fc", 3);
        let net = b.build()?;
        let input = random(&[1, 8, 9, 6], seed).to_kind(Kind::Float) - 0.5;
        let before = input.copy();
        let expected = covered_one_by_one(&net, &input, 1, [3, 2], [2, 2]);
        let patches = Patches::sized([3, 2]).stride(2);
        for net in [&net, &net.for_inference()?] {
            let found = maps_of(&patches, net, &input, &[Target::Class(1)])?;
            close(&format!("network {seed}"), &expected, &found.get(0).to_kind(Kind::Double));
            assert_eq!(
                difference(&input, &before),
                0.0,
                "network {seed}: the input was written over"
            );
        }
    }
    Ok(())
}

#[test]
fn gradients_from_any_layer_on_are_the_same() -> Tested {
    let mut compared = 0;
    for seed in 0..100 {
        let net = any_network(seed);
        let fast = net.for_inference()?;
        let input = random(&[2, 8, 9, 6], seed).to_kind(Kind::Float) - 0.5;
        let score = |output: &Tensor| output.f_square()?.f_sum(Kind::Float);
        let names = fast.layer_names();
        // One by one and several at once, of which one lies behind the other.
        for some in names.windows(1).chain(names.chunks(5)) {
            // Of layers on which the output doesn't depend there is no gradient.
            let Ok(ours) = net.gradients(&input, some, score) else { continue };
            let theirs = fast.gradients(&input, some, score)?;
            let pairs = ours.activations.iter().zip(&theirs.activations);
            let pairs = pairs.chain(ours.gradients.iter().zip(&theirs.gradients));
            for (ours, theirs) in pairs {
                close(&format!("network {seed}, {some:?}"), ours, theirs);
            }
            compared += 1;
        }
    }
    assert!(compared > 500, "{compared}");
    Ok(())
}

fn small() -> Network {
    let mut b = Network::builder("small", [3, 8, 8]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 3));
    let x = b.relu(x, "relu");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 2);
    b.build().expect("a sound network")
}

#[test]
fn what_is_no_number_stays_none() -> Tested {
    let net = small();
    let fast = net.for_inference()?;
    let nan = Tensor::full([1, 3, 8, 8], f64::NAN, (Kind::Float, Device::Cpu));
    assert!(fast.forward(&nan)?.isnan().all().int64_value(&[]) != 0, "NaN in, NaN out");
    let one = random(&[1, 3, 8, 8], 1).to_kind(Kind::Float);
    let _ = fast.forward(&one)?;

    let broken = small();
    set(&broken, &[("conv.bias", &Tensor::from_slice(&[0f32, f32::NAN, 0., 0.]))]);
    let fast = broken.for_inference()?;
    assert!(fast.forward(&one)?.isnan().any().int64_value(&[]) != 0, "a broken weight is seen");
    Ok(())
}

#[test]
fn gradients_training_and_other_precisions_do_without() -> Tested {
    let mut fast = small().for_inference()?;
    let one = random(&[1, 3, 8, 8], 1).to_kind(Kind::Float);
    let before = fast.forward(&one)?;
    let gradients = fast.gradients(&one, &["conv"], |logits| logits.f_get(0)?.f_get(1))?;
    assert!(gradients.gradients[0].abs().max().double_value(&[]) > 0.0);
    let leaf = one.copy().set_requires_grad(true);
    assert!(
        fast.forward(&leaf)?.requires_grad(),
        "a gradient that the caller asks for is recorded"
    );
    // In double precision nothing is packed, before the first run or after it.
    let never_run = small().for_inference()?.to_kind(Kind::Double)?;
    assert_eq!(never_run.forward(&one)?.kind(), Kind::Double);
    let exact = |net: &Network| net.clone().to_kind(Kind::Double)?.forward(&one);
    close("double", &before, &exact(&fast)?);

    // Trained, it computes with its new weights.
    let images = random(&[40, 3, 8, 8], 2).to_kind(Kind::Float);
    let labels: Vec<i64> = (0..40).map(|index| index % 2).collect();
    let data = Dataset::new(images, Tensor::from_slice(&labels))?;
    fast.fit(&data, Fit::new(2).batch(10).quiet())?;
    let after = fast.forward(&one)?;
    close("trained", &after, &exact(&fast)?);
    assert!(difference(&before, &after) > 1e-6);
    Ok(())
}
