//! The tour as an ordinary program: figures of ResNet-18 on a photo, written to a folder.
//!
//! ```text
//! cargo run --example look -- PHOTO FOLDER
//! ```

use std::path::PathBuf;

use convscope::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(photo), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: look PHOTO FOLDER".into());
    };
    std::fs::create_dir_all(&folder)?;

    let net = zoo::resnet18()?;
    let photo = Photo::open(photo)?;
    println!("{net:?}\n{photo:?}");
    net.filters("conv1")?.save(folder.join("filters.png"))?;
    net.filters("layer1.0.conv1")?.save(folder.join("filters_deep.png"))?;
    for layer in ["conv1", "layer1", "layer2", "layer4"] {
        net.feature_maps(&photo, layer)?.save(folder.join(format!("{layer}.png")))?;
    }
    net.classify(&photo)?.save(folder.join("classify.png"))?;
    saliency(&net, &photo, Target::Top)?.save(folder.join("saliency.png"))?;
    saliency(&net, &photo, Target::Top)?.save(folder.join("saliency.html"))?;
    println!("figures are in {}", folder.display());
    Ok(())
}
