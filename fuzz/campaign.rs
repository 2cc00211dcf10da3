//! Cases for as long as there is time, and what was found.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::child::Child;
use crate::files::{Seeds, Target, case};
use crate::smallest::smallest;
use crate::verdict::{Kind, Verdict};
use crate::{Fallible, folder, target};

/// How many different faults are kept with their files.
const KEPT: usize = 20;

pub struct Campaign {
    target: Box<dyn Target>,
    seeds: Seeds,
    first: u64,
    child: Child,
}

impl Campaign {
    pub fn new(name: &str, first: u64) -> Fallible<Campaign> {
        let target = target(name)?;
        let folder = folder(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let (seeds, child) = (target.seeds(), Child::start(name)?);
        Ok(Campaign { target, seeds, first, child })
    }

    /// The cases from the first one on; the lowest numbers are the seeds.
    pub fn run(&mut self, time: Duration) -> Fallible<Counts> {
        let mut counts = Counts { target: self.target.name(), ..Counts::default() };
        let mut found: HashMap<String, usize> = HashMap::new();
        let began = Instant::now();
        // All seeds are tried, however long it takes, where the first case is one.
        let seeds = self.seeds.len() as u64;
        for number in self.first.. {
            let mut verdict = self.child.ask(&format!("case {number}"))?;
            if let (true, Verdict::Refused(words)) =
                (number < self.seeds.sound.len() as u64, &verdict)
            {
                verdict = Verdict::Fault(Kind::Words, format!("a sound file is refused: {words}"));
            }
            counts.add(&verdict);
            if verdict.is_fault() {
                let times = found.entry(verdict.key()).or_default();
                *times += 1;
                if *times == 1 && found.len() <= KEPT {
                    self.keep(number, &verdict, found.len())?;
                }
            }
            if number >= seeds && began.elapsed() > time {
                counts.last = number;
                break;
            }
        }
        counts.seconds = began.elapsed().as_secs();
        for (key, times) in found.iter().filter(|(_, times)| **times > 1) {
            println!("{}: {times} times {key}", self.target.name());
        }
        Ok(counts)
    }

    /// Keeps a fault's files, and the smallest that show it.
    fn keep(&mut self, number: u64, verdict: &Verdict, index: usize) -> Fallible<()> {
        let name = self.target.name();
        let place = folder(name).join(format!("fault-{index}"));
        let files = case(&*self.target, &self.seeds, number);
        files.write(&place.join("files"))?;
        println!("FAULT {name}:{number}, {} bytes: {verdict}", files.len());
        let less =
            smallest(&*self.target, &mut self.child, files, verdict, &place.join("smallest"))?;
        let said = std::fs::read_to_string(folder(name).join("stderr")).unwrap_or_default();
        std::fs::write(place.join("verdict"), format!("{name}:{number}\n{verdict}\n{said}"))?;
        println!("  smallest: {less} bytes in {}", place.join("smallest").display());
        Ok(())
    }
}

/// How many cases came to which end.
#[derive(Default)]
pub struct Counts {
    target: &'static str,
    accepted: u64,
    refused: u64,
    faults: [u64; Kind::ALL.len()],
    last: u64,
    seconds: u64,
}

impl Counts {
    pub const HEADER: &str = "target      cases  accepted   refused  panics  deaths   hangs   words  \
                              seconds  last case";

    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Accepted => self.accepted += 1,
            Verdict::Refused(_) => self.refused += 1,
            Verdict::Fault(kind, _) => self.faults[*kind as usize] += 1,
        }
    }

    pub fn clean(&self) -> bool {
        self.faults.iter().all(|&count| count == 0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [panics, deaths, hangs, words] = self.faults;
        let cases = self.accepted + self.refused + self.faults.iter().sum::<u64>();
        write!(
            f,
            "{:8} {cases:8}  {:8}  {:8}  {panics:6}  {deaths:6}  {hangs:6}  {words:6}  {:7}  {}",
            self.target, self.accepted, self.refused, self.seconds, self.last
        )
    }
}
