//! Classes: probabilities of every kind of output, and names that several have, or none.

use convscope::network::{Builder, NodeId, Pointwise, ops};
use convscope::prelude::*;

use crate::helpers::Tested;

/// A network whose logits for any picture are these, with more behind them.
fn net(logits: &[f32], end: impl FnOnce(&mut Builder, NodeId)) -> convscope::Result<Network> {
    let mut b = Network::builder("ending", [1, 4, 4]);
    let x = b.global_avg_pool(b.input(), "pool");
    let x = b.flatten(x, "flatten");
    let x = b.linear(x, "fc", logits.len() as i64);
    end(&mut b, x);
    let net = b.build()?;
    let bias = Tensor::from_slice(logits);
    let weight = Tensor::zeros([logits.len() as i64, 1], (Kind::Float, Device::Cpu));
    net.load_tensors([("fc.weight", weight), ("fc.bias", bias)])
}

#[test]
fn a_network_that_ends_in_a_softmax_gets_no_second_one() -> Tested {
    let logits = [9f32.ln(), 0.0];
    let plain = net(&logits, |_, _| {})?;
    let softened = net(&logits, |b, x| {
        let x = b.op("softmax", ops::Softmax { dim: 1 }, &[x]);
        b.flatten(x, "arranged");
    })?;
    let logged = net(&logits, |b, x| {
        b.op("log", ops::LogSoftmax { dim: 1 }, &[x]);
    })?;
    let sigmoid = net(&logits, |b, x| {
        b.pointwise(x, "sigmoid", Pointwise::Sigmoid);
    })?;
    let alone = net(&[9f32.ln()], |_, _| {})?;
    let photo = data::digit(4, 2)?;
    let wanted = 0.9;
    for net in [&plain, &softened, &logged, &sigmoid, &alone] {
        let best = net.classify(&photo)?.best().probability;
        assert!((best - wanted).abs() < 1e-6, "{best} of {net:?}");
        let predicted = net.predict(std::slice::from_ref(&photo))?;
        let guess = &predicted.predictions()[0].guesses[0];
        assert!((guess.probability - wanted).abs() < 1e-6, "{guess:?}");
        // What is computed with probabilities gives the same for all.
        let scores = Rise::default().masks(4).explain(net, &photo, 0)?;
        assert!(scores.values().numbers().iter().all(|value| value.is_finite()));
    }
    let two = sigmoid.classify(&photo)?;
    assert!((two.guesses()[1].probability - 0.5).abs() < 1e-6, "each class by itself");
    Ok(())
}

#[test]
fn training_takes_the_output_for_what_it_is() -> Tested {
    let data = Dataset::new(
        Tensor::rand([6, 1, 4, 4], (Kind::Float, Device::Cpu)),
        Tensor::from_slice(&[0_i64, 1, 1, 0, 1, 1]),
    )?;
    let logits = [0.3, -0.4];
    let fit = || Fit::new(3).batch(6).learning_rate(0.1).seed(2).quiet();
    let mut plain = net(&logits, |_, _| {})?;
    let wanted = plain.fit(&data, fit())?.last().expect("an epoch").train.loss;
    let ends: [convscope::network::Op; 2] =
        [ops::Softmax { dim: 1 }.into(), ops::LogSoftmax { dim: 1 }.into()];
    for end in ends {
        let mut same = net(&logits, |b, x| {
            b.op("end", end, &[x]);
        })?;
        let loss = same.fit(&data, fit())?.last().expect("an epoch").train.loss;
        assert!((loss - wanted).abs() < 1e-5, "{loss}, not {wanted}");
        assert!((same.accuracy(&data)? - plain.accuracy(&data)?).abs() < 1e-9);
    }
    let mut sigmoid = net(&logits, |b, x| {
        b.pointwise(x, "sigmoid", Pointwise::Sigmoid);
    })?;
    let error = sigmoid.fit(&data, fit()).expect_err("a sigmoid").to_string();
    assert!(error.contains("ends in a sigmoid"), "{error}");
    let error = net(&[0.5], |_, _| {})?.accuracy(&data).expect_err("one output").to_string();
    assert!(error.contains("at least 2 classes"), "{error}");
    Ok(())
}

#[test]
fn a_name_of_several_classes_is_not_guessed() -> Tested {
    let crane = ["crane", "heron", "crane", "Heron", "HERON"];
    let net = net(&[0.0; 5], |_, _| {})?.with_classes(crane)?;
    let photo = data::digit(4, 2)?;
    let error = saliency(&net, &photo, "crane").expect_err("two of them").to_string();
    assert!(error.contains("2 classes named `crane`: 0, 2"), "{error}");
    // Upper and lower case decide where they can.
    assert!(Patches::new(2).explain(&net, &photo, "HERON")?.description().contains("HERON"));
    let error = saliency(&net, &photo, "hErOn").expect_err("three of them").to_string();
    assert!(error.contains("1, 3, 4"), "{error}");
    assert!(maximize(&net, "crane").is_err());
    Ok(())
}

#[test]
fn names_for_another_number_of_classes_are_refused() -> Tested {
    let digits = zoo::digits()?;
    let error = digits.clone().with_classes(["a", "b"]).expect_err("10 classes").to_string();
    assert!(error.contains("has 10 classes") && error.contains("not 2"), "{error}");
    let none: [&str; 0] = [];
    assert!(digits.clone().with_classes(none)?.classes().is_empty());
    let mut b = Network::builder("named", [1, 4, 4]);
    let x = b.flatten(b.input(), "flatten");
    b.linear(x, "fc", 3);
    b.classes(["one", "two"]);
    assert!(b.build().expect_err("3 classes").to_string().contains("not 2"));
    // A class without a name has its number.
    let named = digits.with_classes(["", " ", "c", "d", "e", "f", "g", "h", "i", "j"])?;
    assert_eq!([0, 1, 2].map(|class| named.class_name(class)), ["class 0", "class 1", "c"]);
    Ok(())
}
