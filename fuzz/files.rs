//! What a case is made of, and what makes cases.

use std::path::{Path, PathBuf};

use crate::Fallible;
use crate::random::Random;
use crate::verdict::Witness;

/// Files by their names; those of a seed, or of a case.
#[derive(Clone, Default)]
pub struct Files(pub Vec<(String, Vec<u8>)>);

impl Files {
    pub fn one(name: &str, bytes: Vec<u8>) -> Files {
        Files(vec![(name.to_owned(), bytes)])
    }

    /// Writes them into a folder that holds nothing else afterwards.
    pub fn write(&self, folder: &Path) -> Fallible<()> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        for (name, bytes) in &self.0 {
            let path = folder.join(name);
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(path, bytes)?;
        }
        Ok(())
    }

    /// All files of a folder and those below, in the order of their names.
    pub fn read(folder: &Path) -> Fallible<Files> {
        let mut files = Files::default();
        files.read_below(folder, "")?;
        Ok(files)
    }

    fn read_below(&mut self, folder: &Path, below: &str) -> Fallible<()> {
        let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = entries.collect::<Result<Vec<_>, _>>()?;
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match path.is_dir() {
                true => self.read_below(&path, &format!("{below}{name}/"))?,
                false => self.0.push((format!("{below}{name}"), std::fs::read(&path)?)),
            }
        }
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|(_, bytes)| bytes.len()).sum()
    }
}

/// Where damage begins. Each is also a case by itself.
pub struct Seeds {
    pub sound: Vec<Files>,
    /// What is made to hurt.
    pub hostile: Vec<Files>,
}

impl Seeds {
    /// Of files that are called by one name, and what lies in `fuzz/corpus/TARGET`.
    pub fn new(target: &str, name: &str, sound: Vec<Vec<u8>>, hostile: Vec<Vec<u8>>) -> Seeds {
        let named = |all: Vec<Vec<u8>>| all.into_iter().map(|bytes| Files::one(name, bytes));
        let sound = named(sound).chain(corpus(target)).collect();
        Seeds { sound, hostile: named(hostile).collect() }
    }

    pub fn len(&self) -> usize {
        self.sound.len() + self.hostile.len()
    }
}

/// One kind of file: what sound ones and known bad ones look like, how they are damaged, and what the
/// library is asked to do with them.
pub trait Target {
    fn name(&self) -> &'static str;

    fn seeds(&self) -> Seeds;

    fn mutate(&self, files: &mut Files, random: &mut Random);

    /// Opens the case in this folder, and uses what was opened. Whether it opened.
    fn open(&self, folder: &Path, witness: &mut Witness) -> bool;

    /// A file with something left out, in many ways, each smaller than it was.
    fn smaller(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        crate::bytes::without_parts(bytes)
    }
}

/// The first file of a folder.
pub fn first(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).min()
}

/// The files that lie in `fuzz/corpus/TARGET`, one a seed.
fn corpus(target: &str) -> Vec<Files> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = Files::read(&folder).unwrap_or_default();
    files.0.into_iter().map(|file| Files(vec![file])).collect()
}

/// The case of this number: the seeds as they are, then one of them with a few changes.
pub fn case(target: &dyn Target, seeds: &Seeds, number: u64) -> Files {
    let mut all = seeds.sound.iter().chain(&seeds.hostile);
    if let Some(seed) = usize::try_from(number).ok().and_then(|number| all.nth(number)) {
        return seed.clone();
    }
    let mut random = Random::new(number);
    // Most hostile files take long.
    let hostile = !seeds.hostile.is_empty() && random.once_in(10);
    let mut files = random.pick(if hostile { &seeds.hostile } else { &seeds.sound }).clone();
    for _ in 0..=random.below(4) {
        target.mutate(&mut files, &mut random);
    }
    files
}
