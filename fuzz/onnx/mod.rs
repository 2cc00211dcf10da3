//! ONNX files: imported, run, explained.

mod maps;
mod message;
mod mutate;
mod seeds;
mod words;
mod write;

use std::path::Path;
use std::time::Duration;

use convscope::prelude::*;

use crate::bytes;
use crate::files::{self, Files, Seeds};
use crate::random::Random;
use crate::verdict::Witness;
use message::{Kind as MessageKind, Message};

/// What a network may cost that is run here, beyond which it is imported only: the values of all its
/// layers for one image, and its multiplications.
const MOST_VALUES: i64 = 1 << 22;
const MOST_MULTIPLICATIONS: u64 = 1 << 28;
/// Layers that are explained.
const LAYERS: usize = 4;

pub struct Onnx;

impl files::Target for Onnx {
    fn name(&self) -> &'static str {
        "onnx"
    }

    fn seeds(&self) -> Seeds {
        let golden = include_bytes!("../../tests/golden/two_heads.onnx").to_vec();
        let sound = seeds::sound().into_iter().chain(maps::sound()).chain([golden]).collect();
        Seeds::new(self.name(), "model.onnx", sound, seeds::hostile())
    }

    fn mutate(&self, files: &mut Files, random: &mut Random) {
        let Some((_, bytes)) = files.0.first_mut() else { return };
        match Message::parse(MessageKind::Model, bytes) {
            Some(mut model) if !random.once_in(10) => {
                mutate::mutate(&mut model, random);
                *bytes = model.bytes();
            }
            _ => bytes::damage(bytes, random),
        }
    }

    fn open(&self, folder: &Path, witness: &mut Witness) -> bool {
        let Some(path) = files::first(folder) else { return false };
        let net = match witness.saw("from_onnx", Network::from_onnx(&path)) {
            Some(net) => net,
            // Files that leave height and width free.
            None => {
                match witness.saw("from_onnx_with", Network::from_onnx_with(&path, [3, 8, 8])) {
                    Some(net) => net,
                    None => return false,
                }
            }
        };
        let [c, h, w] = net.preprocess().input_shape();
        let shapes = witness.saw("shapes", net.shapes(&[1, c, h, w])).unwrap_or_default();
        let values = shapes.iter().map(|shape| shape.iter().product::<i64>()).sum::<i64>();
        let cost = witness.saw("summary", net.summary()).map_or(u64::MAX, |s| s.multiply_adds());
        if values <= MOST_VALUES && cost <= MOST_MULTIPLICATIONS {
            explain(&net, witness);
        }
        true
    }

    fn smaller(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let Some(mut model) = Message::parse(MessageKind::Model, bytes) else {
            return bytes::without_parts(bytes);
        };
        let mut smaller = Vec::new();
        for index in 0..model.count(None) {
            let mut fields = 0;
            model.change(None, index, |message| fields = message.fields.len());
            for at in (0..fields).rev().take(200) {
                let mut less = model.clone();
                less.change(None, index, |message| drop(message.fields.remove(at)));
                smaller.push(less.bytes());
            }
        }
        smaller
    }
}

fn explain(net: &Network, witness: &mut Witness) {
    let [c, h, w] = net.preprocess().input_shape();
    let zeros = Tensor::f_zeros([2, c, h, w], (Kind::Float, Device::Cpu));
    if let Ok(zeros) = zeros {
        witness.saw("forward", net.forward(&zeros));
    }
    let names = net.layer_names();
    let step = names.len().div_ceil(LAYERS).max(1);
    let Some(photo) = witness.saw("digit", data::digit(3, 1)) else { return };
    if let Some(figure) = witness.saw("classify", net.classify(&photo)) {
        witness.saw("drawing classify", figure.image());
    }
    witness.saw("saliency", saliency(net, &photo, Target::Top));
    witness.saw("saliency of a class", saliency(net, &photo, Target::Class(1)));
    for layer in names.iter().rev().step_by(step) {
        witness.saw("feature_maps", net.feature_maps(&photo, layer));
        witness.saw("grad_cam", grad_cam(net, &photo, layer, Target::Top));
        witness.saw("saliency of a layer", saliency(net, &photo, Target::layer(layer)));
    }
    let side = usize::try_from(h.min(w)).unwrap_or(1).div_ceil(2);
    let patches = Patches::new(side).time_limit(Duration::from_secs(2));
    witness.saw("occlusion", occlusion(net, &photo, Target::Top, &[patches]));
}
