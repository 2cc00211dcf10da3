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
    if real("data/mnist_test.safetensors").is_none() {
        return Ok(());
    }
    let net = zoo::digits()?;
    let test = Dataset::prepare(&net, &data::mnist(Split::Test)?)?;
    assert_eq!(test.len(), 10_000);
    let accuracy = net.accuracy(&test)?;
    assert!(accuracy >= 0.99, "{accuracy}");
    Ok(())
}

#[test]
fn embedded_weights_are_small() -> Tested {
    let bytes: usize = zoo::digits()?.state_dict().iter().map(|(_, t)| 4 * t.numel()).sum();
    assert!(bytes <= 300_000, "{bytes} bytes");
    Ok(())
}

#[test]
fn resnet18_recognizes_real_photos() -> Tested {
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
fn squeezenet_recognizes_a_real_photo() -> Tested {
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
fn deit_recognizes_a_real_photo() -> Tested {
    let (Some(weights), Some(photo)) =
        (real("weights/deit_tiny_patch16_224.safetensors"), real("images/hub_dog.jpg"))
    else {
        return Ok(());
    };
    let net = zoo::untrained("deit_tiny")?.load_weights(weights)?;
    let photo = Photo::open(photo)?;
    let guess = net.classify(&photo)?;
    assert_eq!(guess.best().name, "Samoyed");
    assert!((guess.best().probability - 0.76).abs() < 0.03, "{:?}", guess.best());

    let maps = "encoder.layers.encoder_layer_5.self_attention.attention";
    let maps = net.activations(&net.prepare(&photo)?, &[maps])?.remove(0);
    assert_eq!(maps.size(), [1, 3, 197, 197]);
    let sums = maps.sum_dim_intlist(-1, false, Kind::Double);
    assert!(difference(&sums, &sums.ones_like()) < 1e-5);
    Ok(())
}

#[test]
fn resnet20_knows_its_cifar10_pictures() -> Tested {
    let (Some(weights), Some(file)) = (
        real("weights/cifar10_resnet20.safetensors"),
        real("data/cifar10_train2000_lossless.safetensors"),
    ) else {
        return Ok(());
    };
    let net = zoo::untrained("cifar_resnet20")?.load_weights(weights)?;
    let set = ImageSet::open(file)?;
    let guess = net.classify(&set.photo(0)?)?;
    assert_eq!(guess.best().class as i64, set.labels().int64_value(&[0]));
    let accuracy = net.accuracy(&Dataset::prepare(&net, &set)?)?;
    assert!(accuracy >= 0.995, "{accuracy}");
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
