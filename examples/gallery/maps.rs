//! Filters and feature maps.

use std::path::{Path, PathBuf};

use convscope::prelude::*;

use super::{Done, write};

pub fn draw(folder: &Path, files: &[PathBuf]) -> Done {
    match files {
        [] => digits(folder),
        [first, second] => resnet(folder, &Photo::open(first)?, &Photo::open(second)?),
        _ => Err("two photos are needed".into()),
    }
}

fn digits(folder: &Path) -> Done {
    let net = zoo::digits()?;
    let (three, eight) = (data::digit(3, 1)?, data::digit(8, 1)?);
    write(folder, "filters", &net.filters("conv1")?)?;
    write(folder, "filters_deep", &net.filters("conv2")?)?;
    write(folder, "feature_maps", &net.feature_maps(&three, "relu1")?)?;
    write(folder, "journey", &net.journey(&eight, &["relu1", "pool1", "relu2"])?.mean())?;
    write(folder, "difference", &net.feature_maps_difference(&three, &eight, "relu1")?)?;
    write(folder, "batch", &net.feature_maps_batch(&[three, eight], "relu2")?)
}

fn resnet(folder: &Path, first: &Photo, second: &Photo) -> Done {
    let net = zoo::resnet18()?;
    write(folder, "filters", &net.filters("conv1")?)?;
    write(folder, "filters_deep", &net.filters("layer1.0.conv1")?)?;
    write(folder, "filters_gray", &net.filters("layer1.0.conv1")?.color_map(ColorMap::Gray))?;
    write(folder, "feature_maps", &net.feature_maps(first, "layer1")?)?;
    write(folder, "strongest", &net.feature_maps(first, "layer1")?.strongest(8).smooth())?;
    write(folder, "many", &net.feature_maps(first, "layer4")?)?;
    let layers = ["relu", "layer1", "layer2", "layer3", "layer4"];
    write(folder, "journey", &net.journey(first, &layers)?)?;
    let difference = net.feature_maps_difference(first, second, "layer2")?;
    write(folder, "difference", &difference.strongest(32))?;
    let both = [first.clone(), second.clone()];
    write(folder, "batch", &net.feature_maps_batch(&both, "layer2")?)
}
