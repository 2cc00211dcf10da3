//! Oracles are computed once, and again when something they depend on changes or somebody asks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use convscope::prelude::*;

use crate::helpers::{Tested, in_child, is_child, numbers, scratch};
use crate::oracle::{Script, differences, modules};

#[test]
fn a_script_depends_on_what_it_imports() {
    let all = |script| modules(script).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(all("resnet18.py"), "resnet18.py");
    assert_eq!(all("zoo.py"), "definitions.py formula.py zoo.py");
    // By way of attribution_models.py.
    assert_eq!(all("cams.py"), "attribution_models.py cams.py definitions.py formula.py");
}

/// In a child process: runs a script on the file GIVEN, and prints what it has of it.
fn run_and_print() {
    let given = std::env::var_os("GIVEN").expect("a file");
    let found = catch_unwind(|| {
        let oracle = Script::new("prepare.py").file(given).run()?;
        Some(numbers(&oracle.arrays()["a"])[0])
    });
    match found {
        Ok(Some(value)) => println!("oracle: {value}"),
        Ok(None) => {}
        Err(panic) => println!("panic: {}", panic.downcast_ref::<String>().expect("a text")),
    }
}

/// A Python that writes `next.safetensors`, and a line into `calls` each time.
struct Workshop {
    folder: PathBuf,
    given: PathBuf,
}

impl Workshop {
    fn new() -> std::io::Result<Self> {
        let folder = scratch("oracle_kept");
        let python = folder.join("python");
        let script = "#!/bin/sh\nif [ \"$1\" = -c ]; then exit 0; fi\nhere=$(dirname \"$0\")\n\
                      echo call >> \"$here/calls\"\n\
                      cp \"$here/next.safetensors\" \"$2/expected.safetensors\"\n";
        fs::write(&python, script)?;
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755))?;
        let given = folder.join("given.png");
        fs::write(&given, "a photo")?;
        Ok(Self { folder, given })
    }

    fn next(&self, value: f64) -> Tested {
        let path = self.folder.join("next.safetensors");
        Ok(Tensor::write_safetensors(&[("a", Tensor::from_slice(&[value, 2.0]))], path)?)
    }

    fn said_with(&self, python: &str, mode: &str) -> String {
        let python = self.folder.join(python);
        let variables = [
            ("CONVSCOPE_DIR", self.folder.as_path()),
            ("CONVSCOPE_PYTHON", &python),
            ("CONVSCOPE_ORACLES", Path::new(mode)),
            ("GIVEN", &self.given),
        ];
        in_child("oracle_kept::what_a_script_wrote_is_kept", &variables)
    }

    /// What a process finds, or says.
    fn said(&self) -> String {
        self.said_with("python", "")
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.folder.join("calls")).map_or(0, |calls| calls.lines().count())
    }

    fn kept(&self) -> std::io::Result<usize> {
        Ok(fs::read_dir(self.folder.join("oracles"))?.count())
    }
}

#[test]
fn what_a_script_wrote_is_kept() -> Tested {
    if is_child() {
        run_and_print();
        return Ok(());
    }
    let mut at = Workshop::new()?;
    let found = |said: String, words: &str| assert!(said.contains(words), "{words}: {said}");

    // It fails at first, and leaves nothing that looks like an oracle.
    found(at.said(), "panic: prepare.py: ");
    found(at.said_with("nothing", ""), "skipped: no Python");
    at.next(1.0)?;
    found(at.said(), "oracle: 1\n");
    assert_eq!(at.calls(), 2);
    at.next(7.0)?;
    found(at.said(), "oracle: 1\n");
    found(at.said_with("nothing", ""), "oracle: 1\n");
    assert_eq!(at.calls(), 2, "it is kept, and needs no Python");

    // The same file elsewhere is the same, another one isn't.
    let elsewhere = at.folder.join("elsewhere.png");
    fs::rename(&at.given, &elsewhere)?;
    at.given = elsewhere;
    found(at.said(), "oracle: 1\n");
    fs::write(&at.given, "another photo")?;
    found(at.said(), "oracle: 7\n");
    assert_eq!((at.calls(), at.kept()?), (3, 2));

    // Recomputed: rounding is renewed, more is an error, and nothing is lost.
    at.next(7.0 + 1e-12)?;
    found(at.said_with("python", "recompute"), "oracle: 7.000000000001\n");
    assert_eq!((at.calls(), at.kept()?), (4, 2));
    at.next(7.1)?;
    let said = at.said_with("python", "recompute");
    found(said, "expected.safetensors: a: off by 1.4e-2 of the largest value, allowed 1e-9");
    found(at.said(), "oracle: 7.000000000001\n");
    found(at.said_with("python", "recomptue"), "panic: CONVSCOPE_ORACLES is recomptue");
    Ok(())
}

#[test]
fn every_difference_between_two_runs_is_named() -> Tested {
    let folder = scratch("oracle_differences");
    let write = |run: &str, file: &str, arrays: &[(&str, Tensor)]| -> Tested {
        let path = folder.join(run).join(file);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        Ok(Tensor::write_safetensors(arrays, path)?)
    };
    let one = || Tensor::from_slice(&[1f32, -4.0]);
    let many = Tensor::arange(6, (Kind::Int64, Device::Cpu));
    write("kept", "in/a.safetensors", &[("gone", one()), ("as it was", one())])?;
    write("fresh", "in/a.safetensors", &[("new", one()), ("as it was", one() * (1.0 + 1e-6))])?;
    let kept = [("number", many.shallow_clone()), ("size", many.shallow_clone()), ("nan", one())];
    write("kept", "b.safetensors", &kept)?;
    let fresh =
        [("number", &many + many.eq(3)), ("size", many.view([2, 3])), ("nan", one() + f64::NAN)];
    write("fresh", "b.safetensors", &fresh)?;
    fs::write(folder.join("kept/gone.onnx"), "")?;
    fs::write(folder.join("fresh/new.pth"), "")?;

    assert_eq!(differences(&folder.join("kept"), &folder.join("kept")), Vec::<String>::new());
    assert_eq!(
        differences(&folder.join("kept"), &folder.join("fresh")),
        [
            "gone.onnx: only before",
            "new.pth: only now",
            "b.safetensors: nan: off by NaN of the largest value, allowed 1e-5",
            "b.safetensors: number: off by 2.0e-1 of the largest value, allowed 0e0",
            "b.safetensors: size: Int64 [6] became Int64 [2, 3]",
            "in/a.safetensors: gone: only before",
            "in/a.safetensors: new: only now",
        ]
    );
    Ok(())
}
