//! Data sets: IDX and CIFAR-10's archive where the library looks for them, safetensors, folders.

mod seeds;

use std::io::Read;
use std::path::Path;

use convscope::data::{Folder, Samples};
use convscope::prelude::*;
use flate2::read::GzDecoder;

use crate::bytes;
use crate::files::{Files, Seeds, Target};
use crate::random::Random;
use crate::verdict::Witness;
use crate::weights;

pub struct Data;

impl Target for Data {
    fn name(&self) -> &'static str {
        "data"
    }

    fn seeds(&self) -> Seeds {
        Seeds { sound: seeds::sound(), hostile: seeds::hostile() }
    }

    fn mutate(&self, files: &mut Files, random: &mut Random) {
        let at = random.below(files.0.len());
        let Some((name, bytes)) = files.0.get_mut(at) else { return };
        if name.starts_with("photos") && random.once_in(3) {
            let new = String::from_utf8_lossy(&random.text()).replace(['/', '\0'], "");
            let new: String = new.chars().take(60).collect();
            *name = format!("photos/{}.png", new.replace("..", ""));
            return;
        }
        match random.below(4) {
            0 => bytes::damage(bytes, random),
            _ => inner(name, bytes, random),
        }
    }

    fn open(&self, folder: &Path, witness: &mut Witness) -> bool {
        let set = if folder.join(seeds::IMAGES).exists() || folder.join(seeds::LABELS).exists() {
            witness.saw("mnist", data::mnist(Split::Test))
        } else if folder.join(seeds::ARCHIVE).exists() {
            witness.saw("cifar10", data::cifar10(Split::Test))
        } else if folder.join("photos").exists() {
            let folder = witness.saw("Folder::open", Folder::open(folder.join("photos")));
            return folder.is_some_and(|folder| look(&folder, witness));
        } else {
            witness.saw("ImageSet::open", ImageSet::open(folder.join(seeds::STORED)))
        };
        set.is_some_and(|set| look(&set, witness))
    }
}

/// Changes what lies below a compression or in a header.
fn inner(name: &str, bytes: &mut Vec<u8>, random: &mut Random) {
    if name == seeds::STORED {
        if let Some(changed) = weights::safetensors(bytes, random) {
            *bytes = changed;
        }
        return;
    }
    let mut plain = Vec::new();
    let packed = GzDecoder::new(&bytes[..]).take(1 << 26).read_to_end(&mut plain).is_ok();
    if !packed {
        plain.clone_from(bytes);
    }
    // The beginning says what there is; the rest is pixels.
    let rest = plain.split_off(plain.len().min(512));
    bytes::damage(&mut plain, random);
    plain.extend(rest);
    if name == seeds::ARCHIVE && !random.once_in(4) {
        seeds::signed(&mut plain);
    }
    *bytes = if packed { seeds::gzip(&plain) } else { plain };
}

/// The first images and labels, through a network.
fn look(samples: &impl Samples, witness: &mut Witness) -> bool {
    let count = samples.len().min(3);
    for index in 0..count {
        witness.saw("photo", samples.photo(index).map(drop));
        let _ = (samples.label(index), samples.caption(index));
    }
    let _ = (samples.class_names(), samples.title());
    if let (true, Some(net)) = (samples.len() < 50, witness.saw("digits", zoo::digits())) {
        if let Some(figure) = witness.saw("predict", net.predict(samples)) {
            witness.saw("drawing", figure.image());
        }
        witness.saw("prepare", Dataset::prepare(&net, samples));
    }
    true
}
