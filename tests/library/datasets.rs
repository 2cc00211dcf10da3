//! Data sets as networks get them, official and of one's own.

use std::fs;

use convscope::Error;
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, numbers, real, scratch};

#[test]
fn mnist_as_it_is() -> Tested {
    let files = ["train", "test"].map(|part| real(&format!("data/mnist_{part}.safetensors")));
    if files.iter().any(Option::is_none) {
        return Ok(());
    }
    let (train, test) = (data::mnist(Split::Train)?, data::mnist(Split::Test)?);
    assert_eq!(train.images().size(), [60_000, 1, 28, 28]);
    assert_eq!(test.images().size(), [10_000, 1, 28, 28]);
    let counts = |set: &ImageSet| numbers(&set.labels().bincount::<Tensor>(None, 10));
    assert_eq!(counts(&test), [980., 1135., 1032., 1010., 982., 892., 958., 1028., 974., 1009.]);
    assert_eq!(
        counts(&train),
        [5923., 6742., 5958., 6131., 5842., 5421., 5918., 6265., 5851., 5949.]
    );
    // The mean and deviation that everybody normalizes with.
    let values = train.images().to_kind(Kind::Float) / 255.0;
    assert!((values.mean(Kind::Float).double_value(&[]) - 0.1307).abs() < 5e-5);
    assert!((values.std(true).double_value(&[]) - 0.3081).abs() < 5e-5);
    assert_eq!(format!("{test:?}"), "MNIST test: 10000 images [1, 28, 28], 10 classes");
    Ok(())
}

/// Through the network's own preprocessing, and yet what a tensor's arithmetic gives.
#[test]
fn a_set_is_made_ready_for_a_network() -> Tested {
    if real("data/mnist_test.safetensors").is_none() {
        return Ok(());
    }
    let (net, set) = (zoo::digits()?, data::mnist(Split::Test)?.first(1500)?);
    let ready = Dataset::prepare(&net, &set)?;
    let by_hand = (set.images().to_kind(Kind::Float) / 255.0 - 0.1307) / 0.3081;
    assert!(difference(ready.images(), &by_hand) < 1e-6);
    assert!(ready.labels().equal(set.labels()));
    let photo = |index: usize| Ok((set.photo(index)?, set.label(index).expect("a label")));
    let samples = (0..set.len()).map(photo).collect::<convscope::Result<Vec<_>>>()?;
    assert!(ready.images().equal(Dataset::prepare(&net, &samples)?.images()), "bit for bit");
    assert!(net.accuracy(&ready)? > 0.98);
    assert_eq!(net.predict(&samples[..60])?.accuracy(), Some(1.0));

    // Gray into colors, and larger.
    let mut b = Network::builder("color", [3, 32, 40]);
    let x = b.flatten(b.input(), "flatten");
    b.linear(x, "fc", 10);
    let wide = Dataset::prepare(&b.build()?, &set.first(2)?)?;
    assert_eq!(wide.images().size(), [2, 3, 32, 40]);
    assert!(wide.images().select(1, 0).equal(&wide.images().select(1, 2)));
    Ok(())
}

#[test]
fn what_does_not_fit_into_memory_is_refused_before_it_is_made() -> Tested {
    let path = scratch("too_large").join("a.safetensors");
    let images = Tensor::zeros([60_000, 1, 1, 1], cpu(Kind::Uint8));
    let labels = Tensor::zeros([60_000], cpu(Kind::Uint8));
    Tensor::write_safetensors(&[("images", images), ("labels", labels)], &path)?;
    let set = ImageSet::open(&path)?;
    let mut b = Network::builder("large", [3, 4096, 4096]);
    b.global_avg_pool(b.input(), "pool");
    let error = Dataset::prepare(&b.build()?, &set).expect_err("12 TB of numbers").to_string();
    assert!(error.contains("12079.6 GB") && error.contains(".first("), "{error}");
    Ok(())
}

#[test]
fn files_of_ones_own() -> Tested {
    let folder = scratch("own_set");
    let path = folder.join("shapes.safetensors");
    let write = |images: &Tensor, labels: &Tensor| {
        Tensor::write_safetensors(&[("images", images), ("labels", labels)], &path)
    };
    // Not square, in color.
    let images = Tensor::arange(2 * 3 * 2 * 5, cpu(Kind::Uint8)).view([2, 3, 2, 5]);
    write(&images, &Tensor::from_slice(&[3i64, 0]))?;
    let set = ImageSet::open(&path)?;
    assert_eq!((set.name(), set.len(), set.classes().len()), ("shapes", 2, 4));
    assert_eq!(format!("{set:?}"), "shapes: 2 images [3, 2, 5], 4 classes");
    let photo = set.photo(1)?;
    assert_eq!((photo.width(), photo.height(), photo.title()), (5, 2, "shapes 1"));
    assert_eq!(photo.pixels().get_pixel(4, 1).0, [39, 49, 59]);
    assert_eq!([set.label(0), set.label(1)], [Some(3), Some(0)]);
    assert_eq!(set.first(1)?.images().size(), [1, 3, 2, 5]);
    assert_eq!(set.first(7)?.len(), 2);
    assert!(set.first(0).is_err());
    assert!(set.photo(2).expect_err("two images").to_string().contains("no image 2"));

    let refused = || ImageSet::open(&path).expect_err("refused").to_string();
    let (bytes, labels) = (cpu(Kind::Uint8), Tensor::from_slice(&[0u8, 1]));
    for (images, labels, word) in [
        (images.to_kind(Kind::Float), labels.shallow_clone(), "(Float)"),
        (Tensor::zeros([2, 4, 2, 2], bytes), labels.shallow_clone(), "[N, 1 or 3, H, W]"),
        (Tensor::zeros([2, 2, 2], bytes), labels.shallow_clone(), "[2, 2, 2]"),
        (Tensor::zeros([2, 1, 0, 2], bytes), labels.shallow_clone(), "[2, 1, 0, 2]"),
        (Tensor::zeros([3, 1, 2, 2], bytes), labels.shallow_clone(), "labels [2]"),
        (Tensor::zeros([0, 1, 2, 2], bytes), Tensor::zeros([0], bytes), "at least 1"),
        (images.shallow_clone(), Tensor::from_slice(&[0i64, -1]), "label -1"),
        (
            images.shallow_clone(),
            Tensor::from_slice(&[0i64, i64::MAX]),
            "label 9223372036854775807",
        ),
        (images.shallow_clone(), Tensor::from_slice(&[0f32, 1.]), "whole numbers"),
    ] {
        write(&images, &labels)?;
        let error = refused();
        assert!(error.contains(word) && error.contains("shapes.safetensors"), "{error}");
    }
    Tensor::write_safetensors(&[("pixels", &images)], &path)?;
    assert!(refused().contains("no `images`, only: pixels"), "{}", refused());
    fs::write(&path, b"<html>")?;
    assert!(refused().contains("no safetensors file"), "{}", refused());
    assert!(matches!(ImageSet::open(folder.join("none")), Err(Error::Io { .. })));
    Ok(())
}

#[test]
fn classes_are_named_by_the_file() -> Tested {
    let Some(file) = real("data/cifar10_train2000_lossless.safetensors") else { return Ok(()) };
    let set = ImageSet::open(file)?;
    assert_eq!(set.len(), 2000);
    assert_eq!(set.classes()[6], "frog");
    assert_eq!(set.classes(), zoo::untrained("cifar_resnet20")?.classes());
    Ok(())
}
