//! The tour as an ordinary program: figures written to a folder.
//!
//! ```text
//! cargo run --example look -- FOLDER           # the digits network; README's pictures
//! cargo run --example look -- FOLDER PHOTO     # ResNet-18 on a photo
//! ```

use std::path::{Path, PathBuf};

use convscope::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(folder) = arguments.next() else {
        return Err("usage: look FOLDER [PHOTO]".into());
    };
    std::fs::create_dir_all(&folder)?;
    match arguments.next() {
        Some(photo) => {
            look(&zoo::resnet18()?, &Photo::open(photo)?, ["layer1", "layer4"], &folder)?
        }
        None => look(&zoo::digits()?, &data::digit(7, 1)?, ["relu1", "relu2"], &folder)?,
    }
    println!("figures are in {}", folder.display());
    Ok(())
}

fn look(
    net: &Network,
    photo: &Photo,
    layers: [&str; 2],
    folder: &Path,
) -> Result<(), convscope::Error> {
    println!("{net:?}\n{photo:?}");
    net.summary()?.save(folder.join("summary.png"))?;
    net.classify(photo)?.save(folder.join("classify.png"))?;
    net.filters("conv1")?.save(folder.join("filters.png"))?;
    for layer in layers {
        net.feature_maps(photo, layer)?.save(folder.join(format!("{layer}.png")))?;
    }
    saliency(net, photo, Target::Top)?.save(folder.join("saliency.png"))
}
