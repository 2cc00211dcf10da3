//! Checkpoints: zip archives with a pickle, PyTorch's older files, safetensors; loaded into a network.

mod first_year;
mod pickle;
mod seeds;

pub use seeds::with_header;

use std::io::{Cursor, Read};
use std::path::Path;

use convscope::prelude::*;
use serde_json::Value;
use zip::ZipArchive;

use crate::bytes;
use crate::files::{self, Files, Seeds};
use crate::random::Random;
use crate::verdict::Witness;

pub struct Weights;

impl files::Target for Weights {
    fn name(&self) -> &'static str {
        "weights"
    }

    fn seeds(&self) -> Seeds {
        Seeds::new(self.name(), "w.pth", seeds::sound(), seeds::hostile())
    }

    fn mutate(&self, files: &mut Files, random: &mut Random) {
        let Some((_, bytes)) = files.0.first_mut() else { return };
        // What is very long is changed as it is: parsing it for each case takes too long.
        match bytes.len() < 100_000 && !random.once_in(8) {
            true => *bytes = mutated(bytes, random).unwrap_or_else(|| bytes.clone()),
            false => bytes::damage(bytes, random),
        }
    }

    fn open(&self, folder: &Path, witness: &mut Witness) -> bool {
        let Some(path) = files::first(folder) else { return false };
        let Some(net) = witness.saw("building", network()) else { return false };
        let Some(net) = witness.saw("load_weights", net.load_weights(&path)) else { return false };
        let zeros = Tensor::f_zeros([1, 1, 6, 6], (Kind::Float, Device::Cpu));
        if let Ok(zeros) = zeros {
            witness.saw("forward", net.forward(&zeros));
        }
        witness.saw("filters", net.filters("conv"));
        true
    }

    fn smaller(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let Some(entries) = entries(bytes) else { return bytes::without_parts(bytes) };
        let mut smaller = Vec::new();
        for index in 0..entries.len() {
            let mut less = entries.clone();
            let (name, content) = less.remove(index);
            smaller.push(seeds::archive(&less));
            if name.ends_with(".pkl") {
                for content in without_operations(&content) {
                    let mut less = entries.clone();
                    less[index].1 = content;
                    smaller.push(seeds::archive(&less));
                }
            }
        }
        smaller
    }
}

/// The network whose parameters the seeds have.
fn network() -> convscope::Result<Network> {
    let mut b = Network::builder("small", [1, 6, 6]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(2, 3));
    let x = b.batch_norm(x, "bn");
    let x = b.global_avg_pool(x, "pool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 3);
    b.build()
}

fn mutated(bytes: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if let Some(mut entries) = entries(bytes) {
        entry(&mut entries, random);
        return Some(seeds::archive(&entries));
    }
    if bytes.first() == Some(&0x80) {
        return Some(legacy(bytes, random));
    }
    if bytes.get(257..262) == Some(b"ustar") {
        let mut changed = bytes.to_vec();
        bytes::damage(&mut changed, random);
        return Some(changed);
    }
    safetensors(bytes, random)
}

/// The files of a zip archive.
fn entries(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).ok()?;
        let name = entry.name().to_owned();
        let mut content = Vec::new();
        entry.take(1 << 24).read_to_end(&mut content).ok()?;
        entries.push((name, content));
    }
    Some(entries)
}

/// Mostly the pickle, sometimes another file of the archive.
fn entry(entries: &mut Vec<(String, Vec<u8>)>, random: &mut Random) {
    if entries.is_empty() {
        return;
    }
    let any = random.below(entries.len());
    match random.below(8) {
        0 => drop(entries.remove(any)),
        1 => {
            let (name, _) = entries[random.below(entries.len())].clone();
            entries[any].0 = name;
        }
        2 => bytes::damage(&mut entries[any].1, random),
        _ => {
            if let Some((_, content)) = entries.iter_mut().find(|(name, _)| name.ends_with(".pkl"))
            {
                let (mut ops, rest) = pickle::parse(content);
                pickle::mutate(&mut ops, random);
                *content = [&pickle::write(&ops), rest].concat();
            }
        }
    }
}

/// One of the five pickles, or what follows; the one that is all.
fn legacy(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let (which, mut rest, mut file) = (random.below(7), bytes, Vec::new());
    for index in 0..5 {
        let (mut ops, after) = pickle::parse(rest);
        let alone = index == 0 && after.is_empty();
        if index == which || (which > 5 && index == 3) || alone {
            pickle::mutate(&mut ops, random);
        }
        file.extend(pickle::write(&ops));
        rest = after;
    }
    let mut storages = rest.to_vec();
    if which == 5 {
        bytes::damage(&mut storages, random);
    }
    file.extend(storages);
    file
}

/// The header of safetensors, as JSON.
pub fn safetensors(bytes: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let (header, data) = bytes.get(8..)?.split_at_checked(length)?;
    let mut header: Value = serde_json::from_slice(header).ok()?;
    let entries = header.as_object_mut()?;
    let names: Vec<String> = entries.keys().cloned().collect();
    let name = names.get(random.below(names.len()))?;
    let dtypes = ["F32", "F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "X"];
    match random.below(6) {
        0 => drop(entries.remove(name)),
        1 => {
            let entry = entries.get(name)?.clone();
            entries.insert(String::from_utf8_lossy(&random.text()).into_owned(), entry);
        }
        2 => {
            let dtype = Value::from(*random.pick(&dtypes));
            entries.get_mut(name)?.as_object_mut()?.insert("dtype".to_owned(), dtype);
        }
        which => {
            let key = if which == 3 { "data_offsets" } else { "shape" };
            let numbers = entries.get_mut(name)?.get_mut(key)?.as_array_mut()?;
            let at = random.below(numbers.len());
            match numbers.get_mut(at) {
                Some(number) if !random.once_in(5) => {
                    *number = Value::from(random.number(number.as_i64().unwrap_or_default()));
                }
                _ => numbers.push(Value::from(random.number(1))),
            }
        }
    }
    Some(seeds::with_header(&header.to_string(), data))
}

/// A pickle without some of its operations.
fn without_operations(content: &[u8]) -> Vec<Vec<u8>> {
    let (ops, rest) = pickle::parse(content);
    let mut smaller = Vec::new();
    let mut length = ops.len().div_ceil(2);
    while length > 0 && smaller.len() < 1_000 {
        for at in (0..ops.len()).step_by(length) {
            let end = (at + length).min(ops.len());
            let less = [&ops[..at], &ops[end..]].concat();
            smaller.push([&pickle::write(&less), rest].concat());
        }
        length /= 2;
    }
    smaller
}
