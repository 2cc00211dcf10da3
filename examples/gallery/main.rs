//! The figures that `tests/browser` looks at, by topic. Of each it writes `FOLDER/NAME.json`, the mime
//! bundle as a notebook stores it, and the still `FOLDER/NAME.png`.
//!
//! ```text
//! cargo run --example gallery -- alive FOLDER ONNX CIFAR    # with what libtorch says of every layer
//! cargo run --example gallery -- heat FOLDER                # the digits network
//! cargo run --example gallery -- heat FOLDER PHOTO          # ResNet-18 on a photo
//! cargo run --example gallery -- maps FOLDER
//! cargo run --example gallery -- maps FOLDER PHOTO PHOTO
//! cargo run --example gallery -- hostile FOLDER VEGA        # every type, with names that are no names
//! cargo run --example gallery -- motion FOLDER
//! cargo run --example gallery -- motion FOLDER VEGA         # and pages with this build of Vega
//! cargo run --example gallery -- outputs FOLDER             # maps of classes, boxes
//! ```

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use convscope::prelude::*;
use serde_json::{Map, Value};

mod alive;
mod heat;
mod hostile;
mod maps;
mod motion;
mod outputs;

type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(topic), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: gallery alive|heat|hostile|maps|motion|outputs FOLDER [FILE...]".into());
    };
    let folder = PathBuf::from(folder);
    let files: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    fs::create_dir_all(&folder)?;
    match topic.to_str() {
        Some("alive") => alive::draw(&folder, &files)?,
        Some("heat") => heat::draw(&folder, &files)?,
        Some("hostile") => hostile::draw(&folder, &files)?,
        Some("maps") => maps::draw(&folder, &files)?,
        Some("motion") => motion::draw(&folder, &files)?,
        Some("outputs") => outputs::draw(&folder, &files)?,
        _ => {
            return Err(format!(
                "no topic {topic:?}; there are alive, heat, hostile, maps, motion and outputs"
            )
            .into());
        }
    }
    println!("figures are in {}", folder.display());
    Ok(())
}

fn write(folder: &Path, name: &str, figure: &impl Figure) -> Done {
    let bundle = figure.bundle()?;
    let mut forms = Map::new();
    for (mime, content) in bundle.entries() {
        let form = if mime.ends_with("json") { content.parse()? } else { content.into() };
        forms.insert(mime.to_owned(), form);
    }
    let json = Value::Object(forms).to_string();
    println!("{name}: {} kB; {}", json.len() / 1000, bundle.text);
    fs::write(folder.join(format!("{name}.json")), json)?;
    fs::write(folder.join(format!("{name}.png")), &bundle.png)?;
    Ok(())
}
