//! From nothing to the first explanation: processes that start, read a network and a photo, draw one
//! Grad-CAM over it and end. The files were read before, so they lie in the system's memory.
//!
//! Ours is this program, started again. PyTorch reads no ONNX files, so its side has torchvision's network
//! and a weights file. ONNX Runtime has no gradients: it only computes the forward pass, in Python and, by
//! `ort`, in Rust (`benches/ort`, compiled here when it is wanted).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use convscope::prelude::*;

use crate::Outcome;
use crate::notebooks::SPINNING;
use crate::peer::{Peer, python, scripts};
use crate::race::{Table, median};

/// The word that makes this program such a process; the ONNX file, the photo and the result follow.
pub const WORD: &str = "be-cold";

const ROUNDS: usize = 5;
const CLASS: usize = 7;

pub fn run(peer: &Peer, table: &Table) -> Outcome {
    let _ = peer.open("resnet18", 1)?;
    let onnx = peer.ask("forward.exported")?;
    peer.ask("folder.pictures 1")?;
    let photo = peer.folder.join("pictures/all/0000.jpg");
    let weights = peer.folder.join("weights.safetensors");
    let result = peer.folder.join("cam.png");

    let (program, python, cold) = (std::env::current_exe()?, python(), scripts().join("cold.py"));
    let theirs = |word: &str, network: &Path| {
        let mut command = Command::new(&python);
        command.args([cold.as_os_str(), OsStr::new(word), network.as_os_str(), photo.as_os_str()]);
        SPINNING.iter().for_each(|name| {
            command.env_remove(name);
        });
        command
    };
    let mut sides = vec![
        ("", Command::new(program)),
        ("torch with grad-cam", theirs("torch", &weights)),
        ("onnxruntime in Python, forward alone", theirs("onnxruntime", Path::new(&onnx))),
    ];
    match ort() {
        Ok(program) => {
            let mut command = Command::new(program);
            command.arg(peer.ask("forward.onnxruntime_library")?).args([Path::new(&onnx), &photo]);
            sides.push(("ort in Rust, forward alone", command));
        }
        Err(why) => println!("skipped: ort: {why}"),
    }
    sides[0].1.arg(WORD).args([Path::new(&onnx), &photo]);
    sides.iter_mut().for_each(|(_, command)| {
        command.arg(&result);
    });

    let mut measured = vec![(Vec::new(), 0.0f64); sides.len()];
    for round in 0..=ROUNDS {
        for ((_, command), (seconds, peak)) in sides.iter().zip(&mut measured) {
            let (taken, memory) = measure(command)?;
            if round > 0 {
                seconds.push(taken);
                *peak = peak.max(memory);
            }
        }
    }
    let mut medians = measured.iter_mut().map(|(seconds, peak)| (median(seconds), *peak));
    let (ours, peak) = medians.next().ok_or("nothing was measured")?;
    let opponents = sides[1..].iter().zip(medians).map(|((name, _), (seconds, peak))| {
        (format!("{name} ({peak:.0} MiB)"), seconds, seconds / ours)
    });
    let what = format!("a file to its first Grad-CAM, ResNet-18, cold process ({peak:.0} MiB)");
    table.add(&what, ours, opponents.collect());
    Ok(())
}

/// The program of `benches/ort`, made anew if need be.
fn ort() -> Outcome<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/ort");
    let target = folder.join("target");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--quiet", "--locked", "--target-dir"]).arg(&target);
    cargo.arg("--manifest-path").arg(folder.join("Cargo.toml"));
    match cargo.status()?.success() {
        true => Ok(target.join("release/cold-ort")),
        false => Err("benches/ort does not compile, or its crates can't be fetched".into()),
    }
}

/// Seconds and the most memory in MiB, by a small process that starts it: the system counts what its
/// parent has taken as the child's own.
fn measure(command: &Command) -> Outcome<(f64, f64)> {
    let mut outer = Command::new(python());
    outer.args(["-I", "-S"]).arg(scripts().join("measured.py"));
    outer.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    let output = outer.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    match numbers[..] {
        [seconds, peak] if output.status.success() => Ok((seconds, peak)),
        _ => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

/// What such a process does.
pub fn be(words: &[String]) -> Outcome {
    let [onnx, photo, result] = words else { return Err("three paths are needed".into()) };
    let net = Network::from_onnx(onnx)?.with_preprocess(Preprocess::imagenet())?;
    // The last layer that still has places.
    let shapes = net.shapes(&[1, 3, 224, 224])?;
    let last = shapes.iter().rposition(|shape| shape.len() == 4 && shape[2] > 1);
    let layer = &net.layer_names()[last.ok_or("no layer has maps")?];
    grad_cam(&net, &Photo::open(photo)?, layer, CLASS)?.save(result)?;
    Ok(())
}
