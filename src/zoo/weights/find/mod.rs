//! Which of a file's tensors are a network's parameters: of all dictionaries in the file, under all
//! prefixes that wrappers put before names, by all namings, those that fit best.

mod attempt;
mod report;

use std::collections::BTreeMap;

use super::contents::{Contents, Dict, Wanted};
use super::names::NAMINGS;
use crate::network::Network;
use attempt::Attempt;

/// What the network wants: shapes by its names.
pub(super) type Expected = BTreeMap<String, Vec<i64>>;

/// What the network gets.
pub(super) struct Found {
    /// For each of its parameters the file's tensors that it is made of, joined along the first dimension.
    pub(super) sources: BTreeMap<String, Vec<usize>>,
    /// These tensors' names.
    pub(super) wanted: Wanted,
    /// What was done beyond taking the file as it is, in words.
    pub(super) done: Option<String>,
}

/// Finds the parameters, or says what doesn't fit.
pub(super) fn find(network: &Network, contents: &Contents) -> Result<Found, String> {
    let expected: Expected =
        network.state_dict().into_iter().map(|(name, tensor)| (name, tensor.size())).collect();
    let attempts = attempts(&expected, contents);
    let Some(best) = attempts.iter().min_by_key(|attempt| attempt.rank()) else {
        return Err("it holds no tensors that have names. Save the weights alone: \
                    `torch.save(model.state_dict(), path)`."
            .to_owned());
    };
    if !best.is_whole() || !best.foreign_parts().is_empty() {
        return Err(report::misfits(network.name(), best));
    }
    let others = attempts.iter().filter(|other| other.is_whole() && other.differs(best));
    let done = report::done(best, others.min_by_key(|attempt| attempt.rank()));
    let (sources, wanted) = best.sources();
    Ok(Found { sources, wanted, done })
}

/// The best attempt at each dictionary by each naming. Other namings than the zoo's own are tried only
/// where by that one nothing fits.
fn attempts<'c>(expected: &'c Expected, contents: &'c Contents) -> Vec<Attempt<'c>> {
    let mut attempts: Vec<Attempt> = Vec::new();
    for naming in &NAMINGS {
        let tried = |dict: &'c Dict| Attempt::best(expected, &contents.shapes, dict, naming);
        attempts.extend(contents.dicts.iter().map(tried));
        if attempts.iter().any(Attempt::is_whole) {
            break;
        }
    }
    attempts
}
