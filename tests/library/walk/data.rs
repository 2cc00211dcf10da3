//! Pictures, collections and training.

use convscope::data::Folder;
use convscope::prelude::*;

use super::{COUNTS, REALS, TIMES, folder, names, tensors, walk};

#[test]
fn pictures() {
    walk("data::pictures", |walk| {
        for digit in [0, 9, 10, u8::MAX] {
            walk.call(format!("digit {digit}"), || data::digit(digit, u64::MAX));
        }
        let set = pictured()?;
        for count in COUNTS {
            walk.call(format!("first {count}"), || set.first(count)?.photo(count));
            walk.call(format!("photo {count}"), || set.photo(count));
            walk.call(format!("{count} digits"), || data::digits(count, count as u64));
        }
        for name in names() {
            walk.call(format!("Photo::open {name:.20}"), || Photo::open(&name));
            walk.call(format!("ImageSet::open {name:.20}"), || ImageSet::open(&name));
            walk.call(format!("folder {name:.20}"), || Folder::open(&name)?.verified());
            walk.call(format!("bytes {name:.20}"), || Photo::from_bytes(name.as_bytes(), &name));
            walk.figure(format!("title {name:.20}"), || {
                let photo = Photo::from_image(convscope::image::RgbImage::new(9, 9), &name)?;
                zoo::digits()?.classify(&photo)
            });
        }
        walk.call("an empty picture", || {
            Photo::from_image(convscope::image::RgbImage::new(0, 7), "empty")
        });
        Ok(())
    });
}

#[test]
fn training() {
    walk("data::training", |walk| {
        for (name, tensor) in tensors() {
            let labels = Tensor::zeros([1], (Kind::Int64, Device::Cpu));
            walk.call(format!("images {name}"), || {
                let data = Dataset::new(tensor.shallow_clone(), labels.shallow_clone())?;
                let mut net = zoo::digits_untrained()?;
                let _ = net.fit(&data, Fit::new(1).quiet());
                net.accuracy(&data)
            });
            walk.call(format!("labels {name}"), || {
                let images = Tensor::rand([1, 1, 28, 28], (Kind::Float, Device::Cpu));
                Dataset::new(images, tensor.shallow_clone())
            });
        }
        let net = zoo::digits_untrained()?;
        let data = Dataset::prepare(&net, &data::digits(8, 1)?)?;
        for real in REALS {
            walk.call(format!("split {real}"), || data.split(real).map(drop));
        }
        let mut flat = Network::builder("flat", [1, 28, 28]);
        flat.flatten(flat.input(), "flatten");
        let mut flat = flat.build()?;
        walk.call("nothing to learn", || flat.fit(&data, Fit::new(1).quiet()));
        let mut try_all = |name: String, fit: Fit| {
            walk.call(name, || {
                let mut net = zoo::digits_untrained()?;
                net.fit(&data, fit.quiet())
            });
        };
        for count in COUNTS {
            try_all(format!("{count} epochs"), Fit::new(count).time_limit(TIMES[0]));
            try_all(format!("batch {count}"), Fit::new(1).batch(count));
            try_all(format!("seed {count}"), Fit::new(1).seed(count as u64));
        }
        for real in REALS {
            try_all(format!("rate {real}"), Fit::new(1).learning_rate(real));
            try_all(format!("decay {real}"), Fit::new(1).weight_decay(real));
            try_all(format!("head's rate {real}"), Fit::new(1).learning_rate_of("fc2", real));
        }
        for time in TIMES {
            try_all(format!("{time:?}"), Fit::new(1).time_limit(time).validate(&data));
        }
        for layer in names().iter().map(String::as_str).chain(["input", "relu2", "fc1", "fc2"]) {
            let name = |what: &str| format!("{what} {layer:.20}");
            try_all(name("freeze"), Fit::new(1).freeze(layer).validate(&data));
            try_all(name("rate of"), Fit::new(1).learning_rate_of(layer, 0.1));
        }
        try_all("augment".to_owned(), Fit::new(1).augment(|x| x.f_narrow(0, 0, 1)));
        try_all("no augment".to_owned(), Fit::new(1).augment(|_| Ok(Tensor::new())));
        Ok(())
    });
}

/// A set of three images in a file.
fn pictured() -> convscope::Result<ImageSet> {
    let path = folder("set").join("set.safetensors");
    let images = Tensor::zeros([3, 1, 4, 4], (Kind::Uint8, Device::Cpu));
    let labels = Tensor::from_slice(&[0_i64, 1, 2]);
    Tensor::write_safetensors(&[("images", images), ("labels", labels)], &path)?;
    ImageSet::open(path)
}
