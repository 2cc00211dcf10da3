//! Pictures: decoded, and prepared for a network.

mod parts;
mod seeds;

use std::path::Path;
use std::sync::OnceLock;

use convscope::prelude::*;

use crate::bytes;
use crate::files::{self, Files, Seeds};
use crate::random::Random;
use crate::verdict::Witness;

/// Of pictures that are prepared, not only decoded.
const MOST_PIXELS: u64 = 1 << 22;

#[derive(Default)]
pub struct Images {
    net: OnceLock<Option<Network>>,
}

impl files::Target for Images {
    fn name(&self) -> &'static str {
        "images"
    }

    fn seeds(&self) -> Seeds {
        Seeds::new(self.name(), "picture", seeds::sound(), seeds::hostile())
    }

    fn mutate(&self, files: &mut Files, random: &mut Random) {
        let Some((_, bytes)) = files.0.first_mut() else { return };
        let whole = if random.once_in(4) { None } else { parts::mutate(bytes, random) };
        match whole {
            Some(changed) => *bytes = changed,
            None => bytes::damage(bytes, random),
        }
    }

    fn open(&self, folder: &Path, witness: &mut Witness) -> bool {
        let Some(path) = files::first(folder) else { return false };
        let Some(photo) = witness.saw("Photo::open", Photo::open(path)) else { return false };
        let Some(net) = self.net.get_or_init(|| zoo::digits().ok()) else { return false };
        // Without optimization, what is done with each pixel of large ones takes too long.
        if u64::from(photo.width()) * u64::from(photo.height()) <= MOST_PIXELS {
            witness.saw("prepare", net.prepare(&photo));
        }
        if photo.width().max(photo.height()) < 2_000
            && let Some(figure) = witness.saw("classify", net.classify(&photo))
        {
            witness.saw("drawing", figure.image());
        }
        true
    }
}

/// A sound picture.
pub fn small() -> Vec<u8> {
    seeds::sound().swap_remove(0)
}
