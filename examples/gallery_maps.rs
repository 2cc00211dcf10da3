//! The figures of filters and feature maps, for the browser's tests: each as `FOLDER/NAME.json`, its
//! mime bundle, and `FOLDER/NAME.png`.
//!
//! ```text
//! cargo run --example gallery_maps -- FOLDER                  # the digits network
//! cargo run --example gallery_maps -- FOLDER PHOTO PHOTO      # ResNet-18 on two photos
//! ```

use std::path::{Path, PathBuf};

use convscope::prelude::*;
use convscope::view::Bundle;

type Done = Result<(), Box<dyn std::error::Error>>;

fn main() -> Done {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("usage: gallery_maps FOLDER [PHOTO PHOTO]")?;
    std::fs::create_dir_all(&folder)?;
    let photos: Vec<Photo> = arguments.map(Photo::open).collect::<Result<_, _>>()?;
    match photos.as_slice() {
        [] => digits(&folder),
        [first, second] => resnet(&folder, first, second),
        _ => Err("two photos are needed".into()),
    }
}

fn digits(folder: &Path) -> Done {
    let net = zoo::digits()?;
    let (three, eight) = (data::digit(3, 1)?, data::digit(8, 1)?);
    keep(folder, "filters", net.filters("conv1")?)?;
    keep(folder, "filters_deep", net.filters("conv2")?)?;
    keep(folder, "feature_maps", net.feature_maps(&three, "relu1")?)?;
    keep(folder, "journey", net.journey(&eight, &["relu1", "pool1", "relu2"])?.mean())?;
    keep(folder, "difference", net.feature_maps_difference(&three, &eight, "relu1")?)?;
    keep(folder, "batch", net.feature_maps_batch(&[three, eight], "relu2")?)
}

fn resnet(folder: &Path, first: &Photo, second: &Photo) -> Done {
    let net = zoo::resnet18()?;
    keep(folder, "filters", net.filters("conv1")?)?;
    keep(folder, "filters_deep", net.filters("layer1.0.conv1")?)?;
    keep(folder, "filters_grey", net.filters("layer1.0.conv1")?.colour_map(ColourMap::Grey))?;
    keep(folder, "feature_maps", net.feature_maps(first, "layer1")?)?;
    keep(folder, "strongest", net.feature_maps(first, "layer1")?.strongest(8).smooth())?;
    keep(folder, "many", net.feature_maps(first, "layer4")?)?;
    let layers = ["relu", "layer1", "layer2", "layer3", "layer4"];
    keep(folder, "journey", net.journey(first, &layers)?)?;
    let difference = net.feature_maps_difference(first, second, "layer2")?;
    keep(folder, "difference", difference.strongest(32))?;
    let both = [first.clone(), second.clone()];
    keep(folder, "batch", net.feature_maps_batch(&both, "layer2")?)
}

fn keep(folder: &Path, name: &str, figure: impl Figure) -> Done {
    let bundle: Bundle = figure.bundle()?;
    let sizes: Vec<String> = bundle
        .entries()
        .iter()
        .map(|(mime, content)| format!("{mime} {}", content.len()))
        .collect();
    println!("{name}: {}\n  {}", sizes.join(", "), bundle.text);
    std::fs::write(folder.join(format!("{name}.png")), &bundle.png)?;
    let entries = bundle.entries().into_iter().map(|(mime, content)| {
        let json = mime.ends_with("json").then(|| bundle.vega.clone()).flatten();
        (mime.to_owned(), json.unwrap_or_else(|| content.into()))
    });
    let json = serde_json::Value::Object(entries.collect());
    std::fs::write(folder.join(format!("{name}.json")), json.to_string())?;
    Ok(())
}
