//! Layers that keep their channels last, and tokens among others on grids that are not square: maps
//! everywhere.

use convscope::network::ops::{Concat, Flatten, Permute};
use convscope::prelude::*;

use crate::golden::golden;
use crate::helpers::{Tested, cpu, difference, painted, values_of};

/// ConvNeXt's kind of block on 3×12×20 pixels: `last` has its channels last, `first` is the same with them
/// first.
fn channels_last() -> convscope::Result<Network> {
    let mut b = Network::builder("last", [3, 12, 20]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(6, 3).padding(1));
    let x = b.op("turned", Permute { order: vec![0, 2, 3, 1] }, &[x]);
    let x = b.layer_norm(x, "norm", 1e-6);
    let x = b.linear(x, "mix", 5);
    let last = b.relu(x, "last");
    let first = b.op("first", Permute { order: vec![0, 3, 1, 2] }, &[last]);
    let x = b.global_avg_pool(first, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 4);
    b.build()?.to_kind(Kind::Double)
}

/// Patches of 4×4 of 3×12×20 pixels, a class token and two registers before them: `norm` has all tokens,
/// `map` the patches' alone.
fn with_registers() -> convscope::Result<Network> {
    let mut b = Network::builder("registers", [3, 12, 20]);
    let map = b.conv2d(b.input(), "map", Conv2d::new(6, 4).stride(4));
    let x = b.op("flat", Flatten { from: 2 }, &[map]);
    let x = b.op("patches", Permute { order: vec![0, 2, 1] }, &[x]);
    let class = b.parameter("class", &[1, 1, 6], 1.0);
    let registers = b.parameter("register", &[1, 2, 6], 1.0);
    let x = b.op("tokens", Concat { dim: 1 }, &[class, registers, x]);
    let x = b.self_attention(x, "attention", 2);
    let x = b.layer_norm(x, "norm", 1e-6);
    let x = b.op("read", convscope::network::ops::Select { dim: 1, index: 0 }, &[x]);
    b.linear(x, "fc", 4);
    b.build()?.to_kind(Kind::Double)
}

fn input(count: i64) -> Tensor {
    (Tensor::arange(count * 720, cpu(Kind::Double)) * 0.3).sin().view([count, 3, 12, 20])
}

#[test]
fn channels_last_are_explained_as_the_same_layer_with_channels_first() -> Tested {
    let net = channels_last()?;
    for images in [1, 2, 3] {
        let targets: Vec<Target> = (0..images as usize).map(Target::Class).collect();
        let methods = |layer: &str| -> Vec<Box<dyn Attribution>> {
            vec![
                Box::new(GradCam::at(layer)),
                Box::new(LayerCam::at(layer)),
                Box::new(ScoreCam::at(layer)),
                Box::new(AblationCam::at(layer)),
            ]
        };
        for (last, first) in methods("last").iter().zip(methods("first")) {
            let last = values_of(last.as_ref(), &net, &input(images), &targets)?;
            let first = values_of(first.as_ref(), &net, &input(images), &targets)?;
            assert_eq!(last.size(), [images, 12, 20]);
            assert!(difference(&last, &first) < 1e-12);
        }
    }
    let pooled = |layer| net.features_tensor(&input(2), layer, Pooling::Max);
    assert!(difference(&pooled("last")?, &pooled("first")?) < 1e-12);
    let gradient = |target: Target| values_of(&Saliency::default(), &net, &input(1), &[target]);
    // One that ReLU leaves.
    let values = net.activations(&input(1), &["first"])?.remove(0);
    let at = values.argmax(None, false).int64_value(&[]) as usize;
    let (channel, place) = (at / 240, [at / 20 % 12, at % 20]);
    for unit in [Unit::channel("last", channel), Unit::neuron("last", channel, place)] {
        let first = Unit { layer: "first".to_owned(), ..unit.clone() };
        let (last, first) = (gradient(unit.into())?, gradient(first.into())?);
        assert!(difference(&last, &first) < 1e-12 && last.max().double_value(&[]) > 0.0);
    }
    assert!(gradient(Unit::neuron("last", 3, [12, 0]).into()).is_err());
    Ok(())
}

#[test]
fn figures_show_channels_last_as_maps() -> Tested {
    let (net, photo) = (channels_last()?.to_kind(Kind::Float)?, painted(40, 24));
    let maps = |layer| net.feature_maps(&photo, layer);
    assert_eq!(maps("last")?.values().shape(), [5, 12, 20]);
    assert_eq!(maps("last")?.values().numbers(), maps("first")?.values().numbers());
    let journey = net.journey(&photo, &["conv", "norm"])?;
    assert_eq!(journey.values()[1].1.shape(), [6, 12, 20]);
    let both = net.feature_maps_batch(&[photo.clone(), painted(33, 20)], "norm")?;
    assert_eq!(both.values().shape(), [2, 6, 12, 20]);
    // A linear network's pooled layer, whose channels are last: its map's mean and the bias are the logit.
    let mut b = Network::builder("pooled", [3, 12, 20]);
    let x = b.op("turned", Permute { order: vec![0, 2, 3, 1] }, &[b.input()]);
    let x = b.linear(x, "mix", 5);
    let mean = convscope::network::ops::Reduction::Mean;
    let dims = vec![1, 2];
    let x =
        b.op("mean", convscope::network::ops::Reduce { by: mean, dims, keep_dims: false }, &[x]);
    b.linear(x, "fc", 4);
    let net = b.build()?;
    let (x, targets) = (input(2).to_kind(Kind::Float), [Target::Class(1), Target::Class(3)]);
    let map = values_of(&Cam, &net, &x, &targets)?.mean_dim([1_i64, 2].as_slice(), false, None);
    let (_, bias) = net.state_dict().pop().ok_or("no parameters")?;
    let logits = net.forward(&x)?.gather(1, &Tensor::from_slice(&[1_i64, 3]).unsqueeze(1), false);
    let bias = bias.index_select(0, &Tensor::from_slice(&[1_i64, 3]));
    assert!(difference(&(map + bias), &logits.squeeze_dim(1)) < 1e-5);
    Ok(())
}

#[test]
fn tokens_are_maps_without_class_and_registers() -> Tested {
    let net = with_registers()?;
    let x = input(2);
    let tokens = &net.activations(&x, &["norm"])?[0];
    assert_eq!(tokens.size(), [2, 18, 6]);
    let patches = tokens.narrow(1, 3, 15);
    let pooled = net.features_tensor(&x, "norm", Pooling::Mean)?;
    let expected = patches.mean_dim([1_i64].as_slice(), false, Kind::Double);
    assert!(difference(&pooled, &expected) < 1e-14);
    let all = net.features_tensor(&x, "norm", Pooling::Flatten)?;
    assert_eq!(all.size(), [2, 18 * 6]);
    // Grad-CAM by hand: the tokens on a grid of 3×5, their gradient's mean as weights.
    let run = net.gradients(&x, &["tokens"], |out| out.f_select(1, 2)?.f_sum(Kind::Double))?;
    let map = |value: &Tensor| value.narrow(1, 3, 15).transpose(1, 2).reshape([2, 6, 3, 5]);
    let weights = map(&run.gradients[0]).mean_dim([2_i64, 3].as_slice(), true, None);
    let value = map(&net.activations(&x, &["tokens"])?[0]);
    let expected = (value * weights).sum_dim_intlist([1_i64].as_slice(), false, None).relu();
    let found = values_of(&GradCam::at("tokens"), &net, &x, &[Target::Class(2), Target::Class(2)])?;
    assert!(difference(&found, &expected) < 1e-12);
    // A channel is a feature of the tokens at all patches, a neuron at one of them.
    let one = x.narrow(0, 0, 1);
    let gradient = |target: Target| values_of(&Saliency::default(), &net, &one, &[target]);
    let seen = gradient(Unit::neuron("patches", 4, [2, 1]).into())?.abs().amax([0, 1], false);
    assert!(seen.narrow(0, 8, 4).narrow(1, 4, 4).min().double_value(&[]) > 0.0);
    assert_eq!(seen.count_nonzero(None::<i64>).int64_value(&[]), 16);
    assert!(gradient(Unit::channel("norm", 6).into()).is_err());
    let maximized = Maximize::classic()
        .steps(2)
        .quiet()
        .run(&net.to_kind(Kind::Float)?, Unit::neuron("norm", 5, [2, 4]))?;
    assert!(maximized.image()?.width() > 0);
    Ok(())
}

#[test]
fn what_is_no_map_is_refused_by_its_shape() -> Tested {
    let net = with_registers()?;
    let photo = painted(40, 24);
    let error = grad_cam(&net, &photo, "read", 1).expect_err("a row of features").to_string();
    assert!(error.contains("`read`") && error.contains("[N, h, w, C]"), "{error}");
    Ok(())
}

#[test]
fn colors_of_patches_golden() -> Tested {
    manual_seed(4);
    let net = with_registers()?.to_kind(Kind::Float)?;
    let options = cpu(Kind::Float);
    for (index, (_, tensor)) in (0_i64..).zip(net.parameters()) {
        let wave = (Tensor::arange(tensor.numel() as i64, options) * 0.7 + index).sin() * 0.4;
        tensor.shallow_clone().copy_(&wave.view_as(&tensor));
    }
    let photos = [painted(60, 36), painted(44, 30), painted(90, 36)];
    let colors = net.patch_colors(&photos, "norm")?;
    assert_eq!(colors.values()[2].shape(), [3, 5, 3]);
    assert!(colors.values()[0].numbers().iter().all(|value| (0.0..=1.0).contains(value)));
    assert!(colors.variance_ratio().windows(2).all(|pair| pair[0] >= pair[1]));
    golden("patch_colors", &colors)?;
    // A convolution's maps have colors too; the photos share them, so one alone has others.
    assert_eq!(net.patch_colors(&photos, "map")?.values()[0].shape(), [3, 5, 3]);
    let alone = net.patch_colors(&photos[..1], "norm")?;
    assert_ne!(alone.values()[0].numbers(), colors.values()[0].numbers());
    let none: [Photo; 0] = [];
    for (photos, layer) in [(&photos[..], "read"), (&photos, "nowhere"), (&none, "norm")] {
        assert!(net.patch_colors(photos, layer).is_err(), "{layer}");
    }
    Ok(())
}
