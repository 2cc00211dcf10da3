//! The zoo's networks on real data.

use convscope::prelude::*;

use crate::helpers::{Tested, difference, real, scratch};

#[test]
fn the_digits_network_reads_drawn_digits() -> Tested {
    let net = zoo::digits()?;
    let samples = data::digits(500, 11)?;
    let mut right = 0;
    for (photo, label) in &samples {
        right += usize::from(net.classify(photo)?.best().class == *label);
    }
    assert!(right >= 490, "{right} of 500");
    Ok(())
}

#[test]
fn the_digits_network_reads_mnist() -> Tested {
    let Some(file) = real("data/mnist_test.safetensors") else { return Ok(()) };
    let arrays = Tensor::read_safetensors(file)?;
    let array =
        |name| arrays.iter().find(|(known, _)| known == name).map(|(_, t)| t).expect("array");
    let images = (array("images").to_kind(Kind::Float) / 255.0 - 0.1307) / 0.3081;
    let logits = zoo::digits()?.forward(&images)?;
    let right = logits.argmax(-1, false).eq_tensor(array("labels"));
    let right = right.sum(Kind::Int64).int64_value(&[]);
    assert_eq!(array("labels").numel(), 10_000);
    assert!(right >= 9_900, "{right} of 10,000");
    Ok(())
}

#[test]
fn embedded_weights_are_small() -> Tested {
    let bytes: usize = zoo::digits()?.parameters().iter().map(|(_, t)| 4 * t.numel()).sum();
    assert!(bytes <= 300_000, "{bytes} bytes");
    Ok(())
}

#[test]
fn resnet18_recognises_real_photos() -> Tested {
    if real("weights/resnet18.safetensors").is_none() {
        return Ok(());
    }
    let net = zoo::resnet18()?;
    assert_eq!((net.nodes().len(), net.classes().len()), (70, 1000));
    for (photo, class, probability) in
        [("hub_dog.jpg", "Samoyed", 0.81), ("openimages_parrot.jpg", "macaw", 0.96)]
    {
        let Some(photo) = real(&format!("images/{photo}")) else { continue };
        let guess = net.classify(&Photo::open(photo)?)?;
        assert_eq!(guess.best().name, class);
        assert!((guess.best().probability - probability).abs() < 0.01, "{:?}", guess.best());
    }
    Ok(())
}

#[test]
fn squeezenet_recognises_a_real_photo() -> Tested {
    let (Some(_), Some(photo)) =
        (real("weights/squeezenet1_0.safetensors"), real("images/hub_dog.jpg"))
    else {
        return Ok(());
    };
    let guess = zoo::squeezenet1_0()?.classify(&Photo::open(photo)?)?;
    assert_eq!(guess.best().name, "Samoyed");
    assert!((guess.best().probability - 0.99).abs() < 0.01, "{:?}", guess.best());
    Ok(())
}

#[test]
fn a_network_that_is_not_in_the_zoo_is_answered_with_the_nearest() {
    let error = zoo::untrained("resnet_18").expect_err("no such network").to_string();
    assert!(error.contains("`resnet18`"), "{error}");
}

#[test]
fn weights_are_saved_and_loaded() -> Tested {
    let path = scratch("save_weights").join("w.safetensors");
    let (photo, net) = (data::digit(4, 4)?, zoo::digits()?);
    net.save_weights(&path)?;
    let again = zoo::digits_untrained()?.load_weights(&path)?;
    let input = net.prepare(&photo)?;
    assert_eq!(difference(&net.forward(&input)?, &again.forward(&input)?), 0.0);
    assert!(net.save_weights(path.join("below_a_file")).is_err());
    Ok(())
}

#[test]
fn digits_are_ten_and_seeded() -> Tested {
    assert_eq!(data::digit(3, 9)?.pixels(), data::digit(3, 9)?.pixels());
    assert_ne!(data::digit(3, 9)?.pixels(), data::digit(3, 10)?.pixels());
    assert!(data::digit(10, 0).expect_err("not a digit").to_string().contains("0 to 9"));
    let labels: Vec<usize> = data::digits(12, 0)?.iter().map(|(_, label)| *label).collect();
    assert_eq!(labels, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    Ok(())
}
