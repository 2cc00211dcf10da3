//! Fine-tuning: another head, frozen layers, learning rates of layers.

use convscope::data::Folder;
use convscope::image::{Rgb, RgbImage};
use convscope::network::{Arithmetic, Head, ops};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, numbers, random, real, scratch, set};
use crate::oracle::Script;
use crate::parity::{filled, parameter, wave};

fn held(net: &Network) -> Vec<(String, Tensor)> {
    net.state_dict().into_iter().map(|(name, tensor)| (name, tensor.copy())).collect()
}

/// Which parameters and buffers differ.
fn changed(net: &Network, before: &[(String, Tensor)]) -> Vec<String> {
    let now = net.state_dict().into_iter().zip(before);
    now.filter(|((_, now), (_, before))| !now.equal(before)).map(|((name, _), _)| name).collect()
}

#[test]
fn every_network_of_the_zoo_takes_another_head() -> Tested {
    for (name, weight) in [
        ("alexnet", "classifier.6.weight"),
        ("vgg11", "classifier.6.weight"),
        ("resnet18", "fc.weight"),
        ("densenet121", "classifier.weight"),
        ("googlenet", "fc.weight"),
        ("squeezenet1_0", "classifier.1.weight"),
        ("mobilenet_v2", "classifier.1.weight"),
        ("vit_b_16", "heads.head.weight"),
        ("deit_tiny", "heads.head.weight"),
        ("cifar_resnet20", "linear.weight"),
    ] {
        let net = zoo::untrained(name)?;
        let (old, shapes) = (net.state_dict(), net.preprocess().input_shape());
        let tuned = net.with_head(["cat", "dog", "owl", "fox", "hen"])?;
        assert_eq!(tuned.classes().len(), 5);
        let [c, h, w] = shapes;
        assert_eq!(tuned.shapes(&[2, c, h, w])?.last().expect("an output"), &[2, 5], "{name}");
        for ((key, new), (before, old)) in tuned.state_dict().iter().zip(&old) {
            assert_eq!(key, before);
            let is_head = key.trim_end_matches("bias") == weight.trim_end_matches("weight");
            if key != weight && !is_head {
                assert_eq!(new.data_ptr(), old.data_ptr(), "{name}: {key} is shared");
                continue;
            }
            assert_eq!(new.size()[0], 5, "{name}: {key}");
            let fan_in: i64 = tuned_fan_in(&tuned, weight);
            let bound = 1.0 / (fan_in as f64).sqrt();
            let most = new.abs().max().double_value(&[]);
            assert!(most <= bound && most > 0.1 * bound, "{name}: {key} {most} {bound}");
        }
    }
    Ok(())
}

fn tuned_fan_in(net: &Network, weight: &str) -> i64 {
    let all = net.state_dict();
    let (_, tensor) = all.iter().find(|(name, _)| name == weight).expect(weight);
    tensor.size()[1..].iter().product()
}

#[test]
fn a_head_goes_by_number_too_and_runs() -> Tested {
    let net = zoo::digits()?;
    let tuned = net.clone().with_head(3)?;
    assert!(tuned.classes().is_empty());
    let input = net.prepare(&data::digit(3, 1)?)?;
    assert_eq!(tuned.forward(&input)?.size(), [1, 3]);
    assert_eq!(net.forward(&input)?.size(), [1, 10], "the network it came from stays");
    assert_eq!(
        difference(
            &net.activations(&input, &["relu2"])?[0],
            &tuned.activations(&input, &["relu2"])?[0]
        ),
        0.0
    );
    let names = vec!["a".to_owned(), "b".to_owned()];
    for head in
        [Head::from(&names), names.as_slice().into(), names.clone().into(), ["a", "b"].into()]
    {
        assert_eq!(net.clone().with_head(head)?.classes(), names);
    }
    let double = net.to_kind(Kind::Double)?.with_head(1)?;
    assert_eq!(double.forward(&input)?.kind(), Kind::Double);
    Ok(())
}

/// A linear layer whose bias is a sum of its own, as ONNX files have it; a softmax behind it.
#[test]
fn a_product_and_a_sum_are_a_head() -> Tested {
    let mut b = Network::builder("product", [1, 4, 6]);
    let x = b.flatten(b.input(), "flatten");
    let x = b.op(
        "product",
        ops::Linear { weight: Tensor::ones([7, 24], cpu(Kind::Float)), bias: None },
        &[x],
    );
    let shift = b.parameter("shift", &[7], 1.0);
    let x = b.op("sum", Arithmetic::Add, &[shift, x]);
    b.op("softmax", ops::Softmax { dim: 1 }, &[x]);
    let net = b.build()?.with_head(2)?;
    let output = net.forward(&random(&[3, 1, 4, 6], 1))?;
    assert_eq!(output.size(), [3, 2]);
    assert!(
        numbers(&output.sum_dim_intlist(1, false, Kind::Float))
            .iter()
            .all(|sum| (sum - 1.0).abs() < 1e-6)
    );
    Ok(())
}

#[test]
fn what_has_no_head_is_refused_by_name() -> Tested {
    let refused = |net: convscope::Result<Network>, head: Head, words: &[&str]| -> Tested {
        let error = net?.with_head(head).expect_err("no head").to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
        Ok(())
    };
    let ends = |end: &dyn Fn(&mut convscope::network::Builder, convscope::network::NodeId)| {
        let mut b = Network::builder("odd", [1, 6, 8]);
        let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 3));
        let x = b.relu(x, "relu");
        end(&mut b, x);
        b.build()
    };
    refused(zoo::digits(), 0.into(), &["no classes"])?;
    refused(zoo::digits(), usize::MAX.into(), &["making a head of 9223372036854775807 classes"])?;
    let flat = ends(&|b, x| {
        b.flatten(x, "flatten");
    });
    refused(flat, 3.into(), &["odd has no last layer", "[1, 96]", "`conv`"])?;
    let two = ends(&|b, x| {
        b.concat(&[x, x], "both");
    });
    refused(two, 3.into(), &["`both` (Concat)"])?;
    let normed = ends(&|b, x| {
        b.batch_norm(x, "bn");
    });
    refused(normed, 3.into(), &["`bn` (BatchNorm2d)"])?;
    let scaled = ends(&|b, x| {
        let scale = b.parameter("scale", &[4, 1, 1], 1.0);
        b.mul(x, scale, "scaled");
    });
    refused(
        scaled,
        3.into(),
        &["after its last layer `conv` come operations made for the 4 values"],
    )
}

/// The same head, images and optimizer in PyTorch.
#[test]
fn fine_tuning_is_pytorch_s() -> Tested {
    let weights = real("weights/resnet18.safetensors");
    for weights in [None, weights] {
        let mut script = Script::new("fine_tune.py");
        if let Some(weights) = &weights {
            script = script.file(weights);
        }
        let Some(oracle) = script.run() else { return Ok(()) };
        let theirs = oracle.arrays();
        // In double precision, or Adam makes much of the last bit of small gradients.
        let images = wave(&[6, 3, 64, 48], 0.5);
        let data = Dataset::new(images, Tensor::arange(6, cpu(Kind::Int64)).remainder(3))?;
        let fit = Fit::new(3).batch(6).schedule(Schedule::Constant).quiet();
        let sgd = Optimizer::Sgd { momentum: 0.9, nesterov: true };
        for (layer, fit) in [
            (
                "avgpool",
                fit.clone().optimizer(sgd).learning_rate(0.01).learning_rate_of("fc", 0.02),
            ),
            (
                "layer3",
                fit.clone().learning_rate(1e-4).weight_decay(0.01).learning_rate_of("fc", 1e-3),
            ),
            (
                "conv1",
                fit.optimizer(Optimizer::AdamW)
                    .learning_rate(1e-4)
                    .weight_decay(0.01)
                    .learning_rate_of("fc", 1e-3),
            ),
        ] {
            let net = match &weights {
                Some(weights) => zoo::untrained("resnet18")?.load_weights(weights)?,
                None => filled("resnet18")?,
            };
            let mut net = net.with_head(3)?.to_kind(Kind::Double)?;
            let head = [("fc.weight", vec![3, 512]), ("fc.bias", vec![3])];
            for (name, shape) in head {
                set(&net, &[(name, &parameter(name, &shape))]);
            }
            let history = net.fit(&data, fit.freeze(layer))?;
            let losses: Vec<f64> = history.epochs().iter().map(|epoch| epoch.train.loss).collect();
            let expected = numbers(&theirs[&format!("{layer}.losses")]);
            for (ours, theirs) in losses.iter().zip(&expected) {
                assert!(
                    (ours - theirs).abs() < 1e-7 * theirs.max(1.0),
                    "{layer}: {losses:?} {expected:?}"
                );
            }
            let logits = net.forward(data.images())?;
            let expected = &theirs[&format!("{layer}.logits")];
            let off = difference(&logits, expected) / expected.abs().max().double_value(&[]);
            assert!(off < 1e-6, "{layer}: logits differ by {off}");
        }
    }
    Ok(())
}

/// A network with a skip past the place where it is cut.
fn skipping() -> convscope::Result<Network> {
    let mut b = Network::builder("skipping", [1, 12, 10]);
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(4, 3).padding(1).no_bias());
    let x = b.batch_norm(x, "bn1");
    let skip = b.relu(x, "relu1");
    let x = b.conv2d(skip, "conv2", Conv2d::new(4, 3).padding(1));
    let x = b.batch_norm(x, "bn2");
    let x = b.add(x, skip, "add");
    let x = b.dropout(x, "dropout", 0.3);
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 3);
    let net = b.build()?;
    for (at, (name, tensor)) in net.state_dict().into_iter().enumerate() {
        if !name.starts_with("bn") {
            set(&net, &[(&name, &(random(&tensor.size(), at as u64) - 0.5))]);
        }
    }
    Ok(net)
}

fn pictures(count: i64) -> convscope::Result<Dataset> {
    let images = random(&[count, 1, 12, 10], 3).to_kind(Kind::Float);
    Dataset::new(images, Tensor::arange(count, cpu(Kind::Int64)).remainder(3))
}

#[test]
fn frozen_layers_and_their_statistics_stay() -> Tested {
    let data = pictures(20)?;
    for (layer, trained) in [
        ("avgpool", vec!["fc"]),
        ("flatten", vec!["fc"]),
        ("conv2", vec!["bn2", "fc"]),
        ("relu1", vec!["conv2", "bn2", "fc"]),
        ("input", vec!["conv1", "bn1", "conv2", "bn2", "fc"]),
    ] {
        let mut net = skipping()?;
        let before = held(&net);
        let fit = Fit::new(2).batch(7).weight_decay(0.1).freeze(layer).validate(&data).quiet();
        let history = net.fit(&data, fit)?;
        let changed = changed(&net, &before);
        let expected: Vec<&String> = before
            .iter()
            .map(|(name, _)| name)
            .filter(|name| trained.iter().any(|layer| name.starts_with(&format!("{layer}."))))
            .collect();
        assert_eq!(changed.iter().collect::<Vec<_>>(), expected, "{layer}");
        let last = history.last().and_then(|epoch| epoch.validation).expect("a validation");
        assert_eq!(last.accuracy, net.accuracy(&data)?);
        assert!(format!("{history:?}").contains(&format!("frozen up to `{layer}`")), "{history:?}");
        assert!(net.state_dict().iter().all(|(_, tensor)| !tensor.requires_grad()));
    }
    Ok(())
}

/// What the frozen layers make is kept, or computed for each batch where images are augmented.
#[test]
fn kept_values_change_nothing() -> Tested {
    let data = pictures(20)?;
    // In the middle of a block, so that a skip goes past the cut.
    let losses = |fit: Fit| -> convscope::Result<Vec<f64>> {
        let history = skipping()?.fit(&data, fit)?;
        let scores =
            history.epochs().iter().flat_map(|epoch| [Some(epoch.train), epoch.validation]);
        Ok(scores.flatten().map(|score| score.loss).collect())
    };
    for layer in ["conv2", "bn2", "flatten"] {
        let fit = || Fit::new(3).batch(6).freeze(layer).validate(&data).seed(5).quiet();
        // Dropout behind the cut draws its numbers from libtorch's generator, which other tests use.
        let [kept, run] =
            [losses(fit())?, losses(fit().augment(|images| images.f_mul_scalar(1.0)))?];
        assert_eq!(kept.len(), 6);
        if layer == "flatten" {
            for (kept, run) in kept.iter().zip(&run) {
                assert!((kept - run).abs() < 1e-5, "{kept:?} {run:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn what_can_t_be_frozen_is_refused() -> Tested {
    let data = pictures(20)?;
    let mut net = skipping()?;
    let before = held(&net);
    for (fit, words) in [
        (Fit::new(1).freeze("fc"), "freezing skipping up to `fc` leaves nothing to train"),
        (Fit::new(1).freeze("layer4"), "layer4"),
        (Fit::new(1).learning_rate_of("fc", f64::NAN), "a learning rate of NaN"),
        (Fit::new(1).learning_rate_of("nothing", 0.1), "nothing"),
        (Fit::new(1).learning_rate_of("relu1", 0.1), "`relu1`, which has no parameters"),
        (
            Fit::new(1).freeze("relu1").learning_rate_of("conv1", 0.1),
            "`conv1`, which has no parameters",
        ),
    ] {
        let error = net.fit(&data, fit.quiet()).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
        assert!(changed(&net, &before).is_empty());
    }
    // A breakdown brings back what was trained.
    let fit = Fit::new(1).batch(5).freeze("relu1").learning_rate(1e30).quiet();
    assert!(net.fit(&data, fit).is_err());
    assert!(changed(&net, &before).is_empty());
    Ok(())
}

#[test]
fn a_layer_has_a_learning_rate_of_its_own() -> Tested {
    let (data, mut net) = (pictures(12)?, skipping()?);
    let before = held(&net);
    let sgd = Optimizer::Sgd { momentum: 0.0, nesterov: false };
    let fit = Fit::new(1).batch(12).optimizer(sgd).learning_rate(1e-30).learning_rate_of("fc", 0.5);
    net.fit(&data, fit.schedule(Schedule::Constant).quiet())?;
    let off = |name: &str| {
        let of = |all: &[(String, Tensor)]| {
            all.iter().find(|(known, _)| known == name).expect(name).1.shallow_clone()
        };
        difference(&of(&net.state_dict()), &of(&before))
    };
    assert!(off("fc.weight") > 1e-4 && off("conv1.weight") < 1e-12 && off("conv2.bias") < 1e-12);
    Ok(())
}

/// A folder with a subfolder for each class, as people have them: discs and crosses.
fn shapes(test: &str) -> Result<std::path::PathBuf, Box<dyn std::error::Error>> {
    let root = scratch(test);
    for (class, name) in ["cross", "disc"].into_iter().enumerate() {
        std::fs::create_dir_all(root.join(name))?;
        for at in 0..24_u32 {
            let (x0, y0) = (10 + at * 7 % 13, 9 + at * 5 % 11);
            let inside = |x: u32, y: u32| {
                let (x, y) = (x.abs_diff(x0), y.abs_diff(y0));
                if class == 1 { x * x + y * y < 36 } else { (x < 2 && y < 8) || (y < 2 && x < 8) }
            };
            let shade = 180 + (at % 5) as u8 * 15;
            let ink = |x, y| Rgb([if inside(x, y) { shade } else { 12 }; 3]);
            RgbImage::from_fn(33, 29, ink).save(root.join(name).join(format!("{at:02}.png")))?;
        }
    }
    Ok(root)
}

/// The whole job: a head, a folder, a training, a file, and the network anew from the file.
#[test]
fn a_folder_is_learned_saved_and_explained() -> Tested {
    let root = shapes("train_head_folder")?;
    let folder = Folder::open(&root)?;
    manual_seed(1);
    let mut net = zoo::digits()?.with_head(folder.class_names())?;
    let before = held(&net);
    let (train, test) = Dataset::prepare(&net, &folder)?.split(0.75)?;
    let fit = Fit::new(20).batch(12).learning_rate(0.01).freeze("relu2").validate(&test).quiet();
    let history = net.fit(&train, fit)?;
    let accuracy = net.accuracy(&test)?;
    assert!(accuracy >= 0.9, "{accuracy}: {history:?}");
    assert!(changed(&net, &before).iter().all(|name| name.starts_with("fc")));

    let file = root.join("shapes.safetensors");
    net.save_weights(&file)?;
    let again = zoo::digits_untrained()?.with_head(["cross", "disc"])?.load_weights(&file)?;
    assert!(changed(&again, &held(&net)).is_empty());
    let photo = Photo::open(root.join("disc").join("03.png"))?;
    let map = grad_cam(&again, &photo, "relu2", "disc")?;
    assert!(map.description().contains("disc"), "{}", map.description());
    Ok(())
}
