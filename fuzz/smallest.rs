//! A smaller case of the same fault.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::Fallible;
use crate::child::Child;
use crate::files::{Files, Target};
use crate::verdict::{Kind, Verdict};

/// How long it is looked for.
const LIMIT: Duration = Duration::from_secs(15);

/// Leaves out one part after the other for as long as the fault stays, writes what is left, and gives
/// its length.
pub fn smallest(
    target: &dyn Target,
    child: &mut Child,
    mut files: Files,
    verdict: &Verdict,
    place: &Path,
) -> Fallible<usize> {
    let (began, key) = (Instant::now(), verdict.key());
    // Each try of a hang would take as long as the hang.
    let hang = matches!(verdict, Verdict::Fault(Kind::Hang, _));
    let order = format!("files {}", place.display());
    let mut went_on = !hang;
    while std::mem::take(&mut went_on) {
        for index in 0..files.0.len() {
            let mut candidates = target.smaller(&files.0[index].1).into_iter();
            while let Some(candidate) = candidates.next() {
                if began.elapsed() > LIMIT {
                    files.write(place)?;
                    return Ok(files.len());
                }
                let mut less = files.clone();
                less.0[index].1 = candidate;
                less.write(place)?;
                if child.ask(&order)?.key() == key {
                    candidates = target.smaller(&less.0[index].1).into_iter();
                    (files, went_on) = (less, true);
                }
            }
        }
    }
    files.write(place)?;
    Ok(files.len())
}
