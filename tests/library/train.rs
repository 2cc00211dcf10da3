//! Training: that it learns, repeats, stops in time, and leaves nothing behind.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use convscope::Error;
use convscope::prelude::*;
use convscope::train::History;

use crate::helpers::{Tested, cpu, difference, real, set};

/// A small network with batch normalization, whose parameters follow from the seed.
fn small(seed: i64) -> convscope::Result<Network> {
    let mut b = Network::builder("small", [1, 28, 28]);
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(8, 3).stride(2).no_bias());
    let x = b.batch_norm(x, "bn1");
    let x = b.relu(x, "relu1");
    let x = b.conv2d(x, "conv2", Conv2d::new(16, 3).stride(2).no_bias());
    let x = b.batch_norm(x, "bn2");
    let x = b.relu(x, "relu2");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 10);
    let net = b.build()?;
    // libtorch's own generator is shared by all tests that run at the same time.
    for (index, (name, tensor)) in net.state_dict().into_iter().enumerate() {
        if tensor.dim() > 1 || name == "fc.bias" {
            let fan_in = tensor.numel() as f64 / tensor.size()[0] as f64;
            let numbers = Tensor::arange(tensor.numel() as i64, cpu(Kind::Float)) + 1;
            let numbers = (numbers * (seed as f64 + index as f64 + 12.9898)).sin() * 43758.5453;
            let weight = (numbers.frac() / fan_in.sqrt()).view(tensor.size().as_slice());
            set(&net, &[(&name, &weight)]);
        }
    }
    Ok(net)
}

/// So many of the digits that these tests share, from the `first` on: drawing them takes longer than
/// training.
fn drawn(first: i64, count: i64) -> Result<Dataset, Error> {
    static ALL: Mutex<Option<Dataset>> = Mutex::new(None);
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    if all.is_none() {
        *all = Some(Dataset::prepare(&small(0)?, &data::digits(1500, 3)?)?);
    }
    let all = all.as_ref().expect("drawn above");
    Dataset::new(all.images().narrow(0, first, count), all.labels().narrow(0, first, count))
}

fn held(net: &Network) -> Vec<Tensor> {
    net.state_dict().into_iter().map(|(_, tensor)| tensor.copy()).collect()
}

#[test]
fn a_small_network_learns_drawn_digits() -> Tested {
    let mut net = small(1)?;
    let (train, test) = drawn(0, 1500)?.split(0.8)?;
    let history = net.fit(&train, Fit::new(4).batch(32).validate(&test))?;
    let accuracy = net.accuracy(&test)?;
    assert!(accuracy >= 0.95, "{accuracy}");
    let last = history.last().and_then(|epoch| epoch.validation).expect("a validation");
    assert_eq!(last.accuracy, accuracy, "measured as `accuracy` measures");
    assert_eq!(
        history.epochs().iter().map(|epoch| epoch.at).collect::<Vec<f64>>(),
        [1., 2., 3., 4.]
    );
    let said = format!("{history:?}");
    assert!(said.starts_with("Training of small: 4 epochs in ") && !said.contains('\n'), "{said}");
    let panels = history.curves();
    assert_eq!(panels.values()[0].series[1].points[3], (4.0, last.loss));
    assert_eq!(panels.values()[1].series[1].points[3], (4.0, 100.0 * accuracy));
    Ok(())
}

/// The real thing: a network that a class would write, two epochs.
#[test]
fn a_small_network_learns_mnist() -> Tested {
    let files = ["train", "test"].map(|part| real(&format!("data/mnist_{part}.safetensors")));
    if files.iter().any(Option::is_none) {
        return Ok(());
    }
    let mut b = Network::builder("strided", [1, 28, 28]);
    let mut x = b.input();
    for (index, channels) in [(1, 16), (2, 32)] {
        x = b.conv2d(x, &format!("conv{index}"), Conv2d::new(channels, 5).stride(2).no_bias());
        x = b.batch_norm(x, &format!("bn{index}"));
        x = b.relu(x, &format!("relu{index}"));
    }
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 10);
    let preprocess = Preprocess::plain([1, 28, 28]).normalize(&[0.1307], &[0.3081]);
    let mut net = b.build()?.with_preprocess(preprocess)?;
    let part = |split| Dataset::prepare(&net, &data::mnist(split)?);
    let (train, test) = (part(Split::Train)?, part(Split::Test)?);
    let history = net.fit(&train, Fit::new(2).validate(&test))?;
    let accuracy = net.accuracy(&test)?;
    assert!(accuracy >= 0.985, "{accuracy}: {history:?}");
    Ok(())
}

#[test]
fn a_seed_repeats_bit_for_bit() -> Tested {
    let data = drawn(500, 300)?;
    let train = |seed| -> Result<(Vec<Tensor>, History), Error> {
        let mut net = small(2)?;
        let history = net.fit(&data, Fit::new(2).batch(50).seed(seed).quiet())?;
        Ok((held(&net), history))
    };
    let ((first, history), (again, repeated), (other, _)) = (train(7)?, train(7)?, train(8)?);
    assert!(first.iter().zip(&again).all(|(a, b)| a.equal(b)), "the same numbers to the last bit");
    assert_eq!(history.last().map(|e| e.train), repeated.last().map(|e| e.train));
    assert!(!first[0].equal(&other[0]), "another seed, another order");
    Ok(())
}

#[test]
fn optimizers_and_schedules_learn() -> Tested {
    let data = drawn(600, 400)?;
    let sgd = Optimizer::Sgd { momentum: 0.9, nesterov: true };
    for fit in [
        Fit::new(3).optimizer(sgd).learning_rate(0.05),
        Fit::new(3).optimizer(Optimizer::AdamW).weight_decay(0.01),
        Fit::new(3).schedule(Schedule::Constant).learning_rate(1e-3),
    ] {
        let history = small(3)?.fit(&data, fit.clone().batch(20).quiet())?;
        let losses: Vec<f64> = history.epochs().iter().map(|epoch| epoch.train.loss).collect();
        assert!(losses[2] < 0.5 * losses[0], "{fit:?}: {losses:?}");
    }
    Ok(())
}

/// One step on one batch against the same computed by hand.
#[test]
fn a_step_is_the_gradient_s() -> Tested {
    let mut b = Network::builder("linear", [1, 2, 2]);
    let x = b.flatten(b.input(), "flatten");
    b.linear(x, "fc", 3);
    let mut net = b.build()?;
    let before = held(&net);
    let images = Tensor::arange(20, cpu(Kind::Float)).view([5, 1, 2, 2]) / 20.0;
    let labels = Tensor::from_slice(&[0i64, 2, 1, 1, 0]);
    let sgd = Optimizer::Sgd { momentum: 0.0, nesterov: false };
    let fit = Fit::new(1).batch(5).optimizer(sgd).learning_rate(0.5).schedule(Schedule::Constant);
    net.fit(&Dataset::new(images.shallow_clone(), labels.shallow_clone())?, fit.quiet())?;

    let flat = images.view([5, 4]);
    let share = (flat.matmul(&before[0].tr()) + &before[1]).softmax(-1, Kind::Float);
    let error = (share - labels.one_hot(3).to_kind(Kind::Float)) / 5.0;
    let after = held(&net);
    let expected = [
        &before[0] - error.tr().matmul(&flat) * 0.5,
        &before[1] - error.sum_dim_intlist(0, false, Kind::Float) * 0.5,
    ];
    for (got, expected) in after.iter().zip(&expected) {
        assert!(difference(got, expected) < 1e-6);
    }
    Ok(())
}

#[test]
fn time_is_kept_and_nothing_is_lost() -> Tested {
    let mut net = small(4)?;
    let before = held(&net);
    let data = drawn(500, 1000)?;
    let limited = |time| Fit::new(1000).batch(10).time_limit(time).quiet();
    let history = net.fit(&data, limited(Duration::from_millis(300)))?;
    let done = history.last().expect("an epoch").at;
    assert!(done > 0.0 && done < 1000.0, "{done}");
    assert!(format!("{history:?}").contains("of 1000 epochs, until time was over"), "{history:?}");
    assert!(difference(&held(&net)[0], &before[0]) > 1e-4, "what was learned stays");
    history.image()?;

    let endless = Fit::new(usize::MAX).time_limit(Duration::from_millis(50)).quiet();
    assert!(net.fit(&data, endless)?.last().is_some());
    let none = net.fit(&data, limited(Duration::ZERO))?;
    assert!(
        none.epochs().is_empty()
            && format!("{none:?}").contains("no batch was learned from: time was over")
    );
    none.image()?;
    Ok(())
}

#[test]
fn nothing_stays_behind() -> Tested {
    let mut net = small(5)?;
    let mine: Vec<Tensor> = net.state_dict().iter().map(|(_, t)| t.shallow_clone()).collect();
    let means =
        |net: &Network| net.state_dict()[2..6].iter().map(|(_, t)| t.copy()).collect::<Vec<_>>();
    let before = means(&net);
    let data = drawn(800, 40)?;
    tch::no_grad(|| net.fit(&data, Fit::new(1).quiet()))?;
    for (name, tensor) in net.state_dict() {
        assert!(!tensor.requires_grad() && !tensor.grad().defined(), "{name}");
    }
    assert!(
        mine.iter().all(|tensor| !tensor.requires_grad()),
        "the caller's tensors are not marked"
    );
    assert!(means(&net).iter().zip(&before).all(|(a, b)| !a.equal(b)), "running statistics move");
    let trained = held(&net);
    let _ = net.forward(data.images())?;
    net.accuracy(&data)?;
    assert!(held(&net).iter().zip(&trained).all(|(a, b)| a.equal(b)), "looking changes nothing");
    Ok(())
}

#[test]
fn a_breakdown_restores_the_last_good_epoch() -> Tested {
    let mut net = small(6)?;
    let before = held(&net);
    let error =
        net.fit(&drawn(900, 100)?, Fit::new(3).learning_rate(1e30).quiet()).expect_err("NaN");
    assert!(matches!(error, Error::Diverged { epoch: 1, .. }), "{error}");
    assert!(error.to_string().contains("Lower the learning rate"), "{error}");
    // A single step, after which no loss is computed any more.
    let once = Fit::new(1).batch(100).learning_rate(f64::MAX).schedule(Schedule::Constant).quiet();
    let error = net.fit(&drawn(900, 100)?, once).expect_err("infinite");
    let Error::Diverged { what, epoch, batch, .. } = error else { panic!("{error}") };
    assert_eq!((what, epoch, batch), ("a parameter", 1, 1));
    assert!(held(&net).iter().zip(&before).all(|(a, b)| a.equal(b)));
    assert!(net.state_dict().iter().all(|(_, tensor)| !tensor.requires_grad()));
    Ok(())
}

#[test]
fn any_error_leaves_the_network_as_it_was_before_the_epoch() -> Tested {
    static BATCHES: AtomicUsize = AtomicUsize::new(0);
    let mut net = small(9)?;
    let before = held(&net);
    // In the second batch, after the first has been learned from.
    let fails = |images: &Tensor| match BATCHES.fetch_add(1, Ordering::SeqCst) {
        1 => images.f_narrow(0, 0, 1_000_000),
        _ => images.f_neg(),
    };
    let fit = Fit::new(2).batch(20).augment(fails).quiet();
    let error = net.fit(&drawn(800, 60)?, fit).expect_err("the second batch").to_string();
    assert!(error.contains("augmenting") && BATCHES.load(Ordering::SeqCst) == 2, "{error}");
    let after = net.state_dict();
    for ((name, tensor), before) in after.iter().zip(&before) {
        assert!(tensor.equal(before) && !tensor.requires_grad(), "{name}");
    }
    Ok(())
}

#[test]
fn a_batch_normalization_of_single_values_is_named() -> Tested {
    let one = || {
        let mut b = Network::builder("one", [1, 8, 8]);
        let x = b.conv2d(b.input(), "conv", Conv2d::new(6, 8).no_bias());
        let x = b.batch_norm(x, "bn");
        let x = b.relu(x, "relu");
        let x = b.flatten(x, "flatten");
        b.linear(x, "fc", 2);
        b.build()
    };
    let images = |count: i64| {
        let labels = Tensor::arange(count, cpu(Kind::Int64)).remainder(2);
        Dataset::new(Tensor::rand([count, 1, 8, 8], cpu(Kind::Float)), labels)
    };
    let mut net = one()?;
    let before = held(&net);
    for (count, batch) in [(65, 1), (1, 64), (3, 2)] {
        let fit = Fit::new(2).batch(batch).quiet();
        let error = net.fit(&images(count)?, fit).expect_err("a single value").to_string();
        assert!(error.contains("`bn`") && error.contains("at least 2 images"), "{error}");
        assert!(!error.contains("learning rate"), "{error}");
        assert!(held(&net).iter().zip(&before).all(|(a, b)| a.equal(b)));
    }
    // A remainder of one image is none here, and one image is enough to be measured on.
    let fit = Fit::new(2).batch(64).validate(&images(1)?).quiet();
    let history = net.fit(&images(65)?, fit)?;
    assert!(history.epochs().iter().all(|epoch| epoch.train.loss.is_finite()));
    // Where maps are larger, a batch of one has values enough.
    assert!(small(1)?.fit(&drawn(0, 3)?, Fit::new(1).batch(1).quiet()).is_ok());
    Ok(())
}

#[test]
fn augmentation_sees_training_batches_only() -> Tested {
    let data = drawn(1000, 60)?;
    // Blank pictures can't be learned from, but the validation's are not touched.
    let mut net = small(7)?;
    let history = net.fit(&data, Fit::new(8).batch(20).augment(|x| x.f_zeros_like()).quiet())?;
    let blank = history.last().expect("an epoch").train;
    assert!(blank.accuracy < 0.3 && blank.loss > 2.0, "{blank:?}");

    let fewer = Fit::new(1).augment(|images| images.f_narrow(0, 0, 1)).quiet();
    let error = net.fit(&data, fewer).expect_err("fewer images").to_string();
    assert!(error.contains("as many images"), "{error}");
    let wrong = Fit::new(1).augment(|images| images.f_narrow(0, 0, 1000)).quiet();
    let error = net.fit(&data, wrong).expect_err("libtorch refuses").to_string();
    assert!(error.contains("augmenting"), "{error}");
    assert!(net.state_dict().iter().all(|(_, tensor)| !tensor.requires_grad()));
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Tested {
    let images = |count| Tensor::zeros([count, 1, 28, 28], cpu(Kind::Float));
    let labels = |numbers: &[i64]| Tensor::from_slice(numbers);
    let dataset =
        |images, labels| Dataset::new(images, labels).map(|_| ()).map_err(|e| e.to_string());
    for (images, labels, message) in [
        (images(2), labels(&[1]), "got images [2, 1, 28, 28], labels [1]"),
        (images(0), labels(&[]), "N at least 1"),
        (images(2).squeeze_dim(1), labels(&[1, 2]), ".unsqueeze(1)"),
        (images(2), labels(&[1, 2]).view([2, 1]), "labels [N]"),
        (images(2).to_kind(Kind::Uint8), labels(&[1, 2]), "images hold Uint8"),
        (images(2), labels(&[1, 2]).to_kind(Kind::Float), "labels hold Float"),
        (images(2), labels(&[1, -2]), "a label -2"),
        (Tensor::new(), labels(&[1]), "expected images [N, C, H, W]"),
    ] {
        let error = dataset(images, labels).expect_err(message);
        assert!(error.contains(message), "{error}");
    }
    let data = Dataset::new(images(3), labels(&[1, 9, 2]).to_kind(Kind::Uint8))?;
    assert_eq!(format!("{data:?}"), "Dataset: 3 images [3, 1, 28, 28], labels 1 to 9");
    for fraction in [0.0, 1.0, -1.0, f64::NAN, 0.1] {
        let error = data.split(fraction).expect_err("an empty part").to_string();
        assert!(error.contains("one part empty"), "{error}");
    }
    let (a, b) = data.split(0.7)?;
    assert_eq!((a.len(), b.len()), (2, 1));
    assert!(Dataset::prepare(&small(0)?, &Vec::<Photo>::new()).is_err());

    let refused = |net: &mut Network, data: &Dataset, fit: Fit, message: &str| {
        let error = net.fit(data, fit.quiet()).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    };
    let mut net = small(8)?;
    let sgd = |momentum, nesterov| Fit::new(1).optimizer(Optimizer::Sgd { momentum, nesterov });
    refused(&mut net, &data, Fit::new(0), "at least one epoch");
    refused(&mut net, &data, Fit::new(1).batch(0), "at least one image");
    refused(&mut net, &data, Fit::new(1).learning_rate(f64::NAN), "learning rate of NaN");
    refused(&mut net, &data, Fit::new(1).weight_decay(-1.0), "weight decay of -1");
    refused(&mut net, &data, sgd(1.5, false), "momentum of 1.5");
    refused(&mut net, &data, sgd(0.0, true), "needs a momentum");
    let beyond = Dataset::new(images(2), labels(&[3, 10]))?;
    refused(&mut net, &beyond, Fit::new(1), "label 10, but small has 10 classes, 0 to 9");
    refused(&mut net, &data, Fit::new(1).validate(&beyond), "label 10");
    assert!(net.accuracy(&beyond).is_err());
    let color = Dataset::new(Tensor::zeros([1, 3, 28, 28], cpu(Kind::Float)), labels(&[1]))?;
    refused(&mut net, &color, Fit::new(1), "[N, 1, H, W]");

    let mut b = Network::builder("bare", [1, 28, 28]);
    b.flatten(b.input(), "flatten");
    refused(&mut b.build()?, &data, Fit::new(1), "no parameters to train");
    let mut b = Network::builder("maps", [1, 28, 28]);
    b.conv2d(b.input(), "conv", Conv2d::new(2, 3));
    refused(&mut b.build()?, &data, Fit::new(1), "End the network with");
    Ok(())
}
