//! What the scripts of tests/parity compute, kept under `$CONVSCOPE_DIR/oracles`.
//!
//! They are functions of their text, their arguments and the packages' versions, so Python runs when one
//! of these is new, and not again. `CONVSCOPE_ORACLES=recompute` runs all of them, and compares what they
//! write now with what is kept. Python is CONVSCOPE_PYTHON, or the set-up's; where there is none, tests
//! whose oracle isn't kept say "skipped".

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use convscope::prelude::*;

use crate::helpers::{difference, root, skip};

pub type Arrays = BTreeMap<String, Tensor>;

/// A script of tests/parity with its arguments. Before these it gets the folder that it writes into.
pub struct Script {
    name: &'static str,
    needs: Vec<&'static str>,
    arguments: Vec<Argument>,
}

enum Argument {
    Word(String),
    /// What counts is its content, not where it lies.
    File(PathBuf),
}

/// The folder that a script wrote. Nobody else writes there.
pub struct Oracle {
    pub folder: PathBuf,
}

impl Oracle {
    pub fn arrays(&self) -> Arrays {
        read(&self.folder.join("expected.safetensors"))
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Script {
    pub fn new(name: &'static str) -> Self {
        Self { name, needs: Vec::new(), arguments: Vec::new() }
    }

    /// Python's packages that it imports beside torch and torchvision.
    pub fn needs(mut self, packages: &[&'static str]) -> Self {
        self.needs.extend(packages);
        self
    }

    pub fn word(mut self, word: impl ToString) -> Self {
        self.arguments.push(Argument::Word(word.to_string()));
        self
    }

    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.arguments.push(Argument::File(path.into()));
        self
    }

    /// What it wrote, now or some day; `None` after saying that the test is skipped.
    pub fn run(self) -> Option<Oracle> {
        let folder = store().join(format!("{}-{:016x}", self.stem(), self.key()));
        let recomputed = lock_of(&folder);
        let mut recomputed = recomputed.lock().unwrap_or_else(PoisonError::into_inner);
        if !folder.is_dir() || (recompute() && !*recomputed) {
            let python = self.python()?;
            self.compute(&python, &folder);
            *recomputed = true;
        }
        // So that it is known to be in use.
        let _ = fs::File::open(&folder).and_then(|file| file.set_modified(SystemTime::now()));
        Some(Oracle { folder })
    }

    /// For what is too large to be kept: only where everything is recomputed, into the folder given.
    pub fn run_unkept(self, folder: &Path) -> Option<Oracle> {
        if !recompute() {
            skip(&format!("{} in full size (CONVSCOPE_ORACLES=recompute makes it)", self.stem()));
            return None;
        }
        let python = self.python()?;
        self.write_into(&python, folder);
        Some(Oracle { folder: folder.to_owned() })
    }

    fn stem(&self) -> &str {
        self.name.trim_end_matches(".py")
    }

    fn python(&self) -> Option<PathBuf> {
        let given = std::env::var_os("CONVSCOPE_PYTHON").map(PathBuf::from);
        let python = given.unwrap_or_else(|| root().join(".convscope/venv/bin/python"));
        if !python.is_file() {
            skip("no Python with torchvision and captum (`make setup` installs one)");
            return None;
        }
        // Only looked for, not imported, which takes seconds.
        let found =
            "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))";
        let found = Command::new(&python).args(["-c", found]).args(&self.needs).output();
        if !found.is_ok_and(|output| output.status.success()) {
            skip(&format!("Python has no {}", self.needs.join(" and ")));
            return None;
        }
        Some(python)
    }

    /// All that decides about the numbers.
    fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for module in modules(self.name) {
            let text = fs::read(parity().join(&module)).expect("a script of tests/parity");
            (module, text).hash(&mut hasher);
        }
        versions().hash(&mut hasher);
        for argument in &self.arguments {
            match argument {
                Argument::Word(word) => ("word", word).hash(&mut hasher),
                Argument::File(path) => {
                    let content =
                        fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                    ("file", path.extension(), content).hash(&mut hasher);
                }
            }
        }
        hasher.finish()
    }

    /// Into a folder beside, which then takes the place.
    fn compute(&self, python: &Path, folder: &Path) {
        let name = folder.file_name().expect("a name").to_string_lossy();
        let fresh = store().join(format!(".{name}.{}", std::process::id()));
        let _ = fs::remove_dir_all(&fresh);
        fs::create_dir_all(&fresh).expect("a folder for the script");
        self.write_into(python, &fresh);
        if folder.is_dir() {
            let found = differences(folder, &fresh);
            assert!(
                found.is_empty(),
                "{} does not give what it gave:\n{}\nIf the new numbers in {} are right, remove {}.",
                self.name,
                found.join("\n"),
                fresh.display(),
                folder.display(),
            );
        }
        publish(&fresh, folder).expect("keeping what the script wrote");
        remove_unused();
    }

    fn write_into(&self, python: &Path, folder: &Path) {
        let mut command = Command::new(python);
        command.arg(parity().join(self.name)).arg(folder);
        for argument in &self.arguments {
            match argument {
                Argument::Word(word) => command.arg(word),
                Argument::File(path) => command.arg(path),
            };
        }
        let output = command.output().expect("running Python");
        if !output.status.success() {
            let _ = fs::remove_dir_all(folder);
            panic!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        }
    }
}

pub fn recompute() -> bool {
    match std::env::var("CONVSCOPE_ORACLES").as_deref() {
        Ok("recompute") => true,
        Ok("") | Err(_) => false,
        Ok(other) => panic!("CONVSCOPE_ORACLES is {other}, but only `recompute` means something"),
    }
}

fn parity() -> PathBuf {
    root().join("tests/parity")
}

fn store() -> PathBuf {
    let given = std::env::var_os("CONVSCOPE_DIR").filter(|given| !given.is_empty());
    root().join(given.unwrap_or_else(|| ".convscope".into())).join("oracles")
}

/// The versions of what scripts may import: not of the browser and the tests' own programs.
fn versions() -> Vec<String> {
    const OTHERS: [&str; 3] = ["playwright", "psutil", "pytest"];
    let lines = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        text.lines().map(|line| line.trim().to_owned()).collect()
    };
    let torch = lines("kernel/versions.env").into_iter().filter(|line| line.starts_with("TORCH"));
    let packages = lines("scripts/requirements-tests.txt").into_iter().filter(|line| {
        let said = !line.is_empty() && !line.starts_with('#');
        said && !OTHERS.iter().any(|other| line.starts_with(other))
    });
    torch.chain(packages).collect()
}

/// The script and the modules beside it that it imports, and that these import.
pub fn modules(script: &str) -> BTreeSet<String> {
    let (mut found, mut rest) = (BTreeSet::new(), vec![script.to_owned()]);
    while let Some(module) = rest.pop() {
        let text = fs::read_to_string(parity().join(&module)).expect("a script of tests/parity");
        for line in text.lines().map(str::trim_start) {
            let Some(names) = line.strip_prefix("from ").or(line.strip_prefix("import ")) else {
                continue;
            };
            let names = names.split(" import ").next().unwrap_or_default();
            let files = names.split(',').filter_map(|name| name.split_whitespace().next());
            let files = files.map(|name| format!("{name}.py"));
            rest.extend(files.filter(|file| parity().join(file).is_file()));
        }
        found.insert(module);
        rest.retain(|module| !found.contains(module));
    }
    found
}

/// One a folder, so that two tests that want the same don't compute it twice; whether it was recomputed
/// by this process.
fn lock_of(folder: &Path) -> Arc<Mutex<bool>> {
    static LOCKS: Mutex<BTreeMap<PathBuf, Arc<Mutex<bool>>>> = Mutex::new(BTreeMap::new());
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    locks.entry(folder.to_owned()).or_default().clone()
}

/// By renaming: whoever looks sees all of it or nothing.
fn publish(fresh: &Path, folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        let old = fresh.with_extension("old");
        fs::rename(folder, &old)?;
        fs::remove_dir_all(old)?;
    }
    match fs::rename(fresh, folder) {
        // Another process was quicker.
        Err(_) if folder.is_dir() => fs::remove_dir_all(fresh),
        done => done,
    }
}

/// Scripts change, and leave behind what nobody asks for again.
fn remove_unused() {
    const LONG: Duration = Duration::from_secs(30 * 24 * 3600);
    for entry in fs::read_dir(store()).into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|metadata| metadata.modified());
        if used.is_ok_and(|used| used.elapsed().is_ok_and(|since| since > LONG)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn read(path: &Path) -> Arrays {
    let arrays = Tensor::read_safetensors(path);
    arrays.unwrap_or_else(|e| panic!("{}: {e}", path.display())).into_iter().collect()
}

/// The names of all files in a folder and in those inside it.
fn files(folder: &Path, inside: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder.join(inside)).expect("a folder").flatten() {
        let path = inside.join(entry.file_name());
        if folder.join(&path).is_dir() {
            found.extend(files(folder, &path));
        } else {
            found.insert(path);
        }
    }
    found
}

/// What differs between two runs of a script beyond rounding, in words.
pub fn differences(kept: &Path, fresh: &Path) -> Vec<String> {
    let (before, after) = (files(kept, Path::new("")), files(fresh, Path::new("")));
    let mut found = Vec::new();
    for file in before.symmetric_difference(&after) {
        let when = if before.contains(file) { "only before" } else { "only now" };
        found.push(format!("{}: {when}", file.display()));
    }
    let both = before.intersection(&after);
    for file in both.filter(|file| file.extension().is_some_and(|end| end == "safetensors")) {
        let (before, after) = (read(&kept.join(file)), read(&fresh.join(file)));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let why = match (before.get(name), after.get(name)) {
                (Some(before), Some(after)) => unlike(before, after),
                (Some(_), None) => Some("only before".to_owned()),
                _ => Some("only now".to_owned()),
            };
            found.extend(why.map(|why| format!("{}: {name}: {why}", file.display())));
        }
    }
    found
}

fn unlike(before: &Tensor, after: &Tensor) -> Option<String> {
    let (kind, size) = (before.kind(), before.size());
    if (kind, &size) != (after.kind(), &after.size()) {
        return Some(format!("{kind:?} {size:?} became {:?} {:?}", after.kind(), after.size()));
    }
    let allowed = match kind {
        Kind::Double => 1e-9,
        Kind::Float => 1e-5,
        _ => 0.0,
    };
    if before.numel() == 0 || before.equal(after) {
        return None;
    }
    let largest = before.to_kind(Kind::Double).abs().max().double_value(&[]);
    let off = difference(before, after) / largest;
    // NaN is no number that is small enough.
    let alike = off <= allowed;
    (!alike).then(|| format!("off by {off:.1e} of the largest value, allowed {allowed:.0e}"))
}
