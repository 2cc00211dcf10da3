//! One dictionary, under one prefix, by one naming.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::contents::{Dict, Wanted};
use super::super::names::{Naming, Place};
use super::Expected;

/// Keys under which training programs put weights, and prefixes that wrappers put before names; where
/// several fit alike, the first.
const USUAL: [&str; 20] = [
    "state_dict",
    "model_state_dict",
    "model",
    "module",
    "_orig_mod",
    "model_ema",
    "state_dict_ema",
    "ema",
    "net",
    "network",
    "weights",
    "params",
    "backbone",
    "encoder",
    "base_model",
    "teacher",
    "encoder_q",
    "online_network",
    "student",
    "generator",
];

/// How many of a name's components may be a prefix.
const LONGEST_PREFIX: usize = 6;

/// How many prefixes are tried in earnest, of those under which most names are known.
const PREFIXES_TRIED: usize = 4;

pub(super) struct Attempt<'c> {
    pub(super) expected: &'c Expected,
    shapes: &'c [Option<Vec<i64>>],
    pub(super) dict: &'c Dict,
    /// With the dot at its end; "" for none.
    pub(super) prefix: &'c str,
    pub(super) naming: &'static Naming,
    /// The file's names and tensors for each part of the network's parameters that it has.
    found: BTreeMap<&'c str, Vec<Option<(&'c str, usize)>>>,
    /// The file's names that have no place in the network.
    unused: Vec<&'c str>,
    /// How many parameters have all their parts, of the right shape.
    fits: usize,
}

impl<'c> Attempt<'c> {
    /// The attempt under the prefix by which most fits.
    pub(super) fn best(
        expected: &'c Expected,
        shapes: &'c [Option<Vec<i64>>],
        dict: &'c Dict,
        naming: &'static Naming,
    ) -> Attempt<'c> {
        let mut tally: HashMap<&str, (usize, usize)> = HashMap::new();
        for (name, &id) in &dict.names {
            let dots = name.match_indices('.').map(|(at, _)| at.saturating_add(1));
            for at in [0].into_iter().chain(dots.take(LONGEST_PREFIX)) {
                let (prefix, rest) = name.split_at(at);
                let Place { name, part } = (naming.place)(rest);
                if let Some(shape) = expected.get(&name) {
                    let (fits, named) = tally.entry(prefix).or_default();
                    *fits += usize::from(is_part(shapes[id].as_deref(), shape, part.1));
                    *named += 1;
                }
            }
        }
        let mut prefixes: Vec<_> = tally.into_iter().collect();
        prefixes.sort_by_key(|&(prefix, (fits, named))| (Reverse(fits), Reverse(named), prefix));
        // What lies beside the prefix counts too.
        let likely = prefixes.iter().take(PREFIXES_TRIED).map(|&(prefix, _)| prefix);
        let tried = likely.map(|prefix| Attempt::under(expected, shapes, dict, prefix, naming));
        tried
            .min_by_key(Attempt::rank)
            .unwrap_or_else(|| Attempt::under(expected, shapes, dict, "", naming))
    }

    fn under(
        expected: &'c Expected,
        shapes: &'c [Option<Vec<i64>>],
        dict: &'c Dict,
        prefix: &'c str,
        naming: &'static Naming,
    ) -> Attempt<'c> {
        let (mut found, mut unused) = (BTreeMap::new(), Vec::new());
        let under = |name: &&String| name.starts_with(prefix);
        // Names without the prefix fill what is still missing: a head beside the backbone, say.
        let order = dict.names.keys().filter(under).chain(dict.names.keys().filter(|n| !under(n)));
        for name in order {
            let rest = name.strip_prefix(prefix).unwrap_or(name);
            let Place { name: place, part: (at, of) } = (naming.place)(rest);
            let place = expected.get_key_value(&place).map(|(place, _)| place.as_str());
            let parts = place.map(|place| found.entry(place).or_insert_with(|| vec![None; of]));
            match parts.and_then(|parts| parts.get_mut(at)) {
                Some(part @ None) => *part = Some((name.as_str(), dict.names[name])),
                _ => unused.push(name.as_str()),
            }
        }
        let mut attempt =
            Attempt { expected, shapes, dict, prefix, naming, found, unused, fits: 0 };
        let misfits: BTreeSet<&str> = attempt.misshapen().map(|(name, ..)| name).collect();
        let whole = |(name, parts): (&&str, &Vec<Option<_>>)| {
            parts.iter().all(Option::is_some) && !misfits.contains(name)
        };
        attempt.fits = attempt.found.iter().filter(|&entry| whole(entry)).count();
        attempt
    }

    /// Less is better: what fits, then what has the right names, then the usual keys, then the zoo's own
    /// names.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        (Reverse(self.fits), Reverse(self.found.len()), ranks(self.path()), self.prefix.len())
    }

    /// The keys and prefixes that lead to the parameters.
    fn path(&self) -> impl Iterator<Item = &str> {
        let place = self.dict.place.iter().map(String::as_str);
        place.chain(self.prefix.split_terminator('.'))
    }

    /// Whether every parameter of the network is there.
    pub(super) fn is_whole(&self) -> bool {
        self.fits == self.expected.len()
    }

    /// Whether the parameters are other tensors than those of another attempt.
    pub(super) fn differs(&self, other: &Attempt) -> bool {
        self.sources().0 != other.sources().0
    }

    /// The tensors of each parameter, and their names.
    pub(super) fn sources(&self) -> (BTreeMap<String, Vec<usize>>, Wanted) {
        let (mut sources, mut wanted) = (BTreeMap::new(), Wanted::new());
        for (&place, parts) in &self.found {
            let parts = parts.iter().flatten();
            wanted.extend(parts.clone().map(|&(name, id)| (id, name.to_owned())));
            sources.insert(place.to_owned(), parts.map(|&(_, id)| id).collect());
        }
        (sources, wanted)
    }

    /// The network's parameters of which something is missing.
    pub(super) fn missing(&self) -> impl Iterator<Item = &str> {
        let whole = |name: &str| self.found.get(name).is_some_and(|parts| !parts.contains(&None));
        self.expected.keys().map(String::as_str).filter(move |name| !whole(name))
    }

    /// The network's parameters that are there in another shape: the shape there should be, the shape
    /// there is.
    pub(super) fn misshapen(&self) -> impl Iterator<Item = (&'c str, &'c [i64], &'c [i64])> {
        self.found.iter().filter_map(|(&place, parts)| {
            let shape = self.expected.get(place)?;
            let shapes = parts.iter().flatten().filter_map(|&(_, id)| self.shapes[id].as_deref());
            let mut wrong = shapes.filter(|found| !is_part(Some(found), shape, parts.len()));
            wrong.next().map(|found| (place, shape.as_slice(), found))
        })
    }

    /// The file's names that have no place in the network and aren't known to be for training only.
    pub(super) fn left_over(&self) -> impl Iterator<Item = &'c str> {
        self.unused.iter().copied().filter(|name| !for_training(self.short(name)))
    }

    /// Those names among them that show another network: of further layers within the blocks that this
    /// one has (`layer1.2` beside `layer1.1`, `conv3` beside `conv2`), and of further tokens. What lies
    /// beside a network, such as another head, changes nothing.
    pub(super) fn foreign_parts(&self) -> Vec<&'c str> {
        let used = self.found.values().flatten().flatten();
        let families: BTreeSet<String> = used.map(|(name, _)| family(self.short(name))).collect();
        let foreign = |name: &&str| {
            let within = name.starts_with(self.prefix);
            let short = self.short(name);
            let token = !short.contains('.') && short.contains("token");
            within && (token || families.contains(&family(short)))
        };
        self.left_over().filter(foreign).collect()
    }

    /// A file's name without the prefix.
    fn short<'n>(&self, name: &'n str) -> &'n str {
        name.strip_prefix(self.prefix).unwrap_or(name)
    }
}

/// The places in [`USUAL`] of a row of keys.
fn ranks<'k>(keys: impl Iterator<Item = &'k str>) -> Vec<usize> {
    let rank = |key| USUAL.iter().position(|usual| *usual == key).unwrap_or(USUAL.len());
    keys.map(rank).collect()
}

/// What a parameter belongs to, whatever its number: `layer` for `layer1.0.conv1.weight`.
fn family(name: &str) -> String {
    let first = name.split('.').next().unwrap_or_default();
    first.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The count of training batches, counts of operations that profilers leave behind, the token of masked
/// patches, and GoogLeNet's auxiliary classifiers.
fn for_training(name: &str) -> bool {
    ["num_batches_tracked", "total_ops", "total_params", "mask_token"]
        .iter()
        .any(|end| name.ends_with(end))
        || ["aux1.", "aux2."].iter().any(|begin| name.starts_with(begin))
}

/// Whether a tensor can be one of so many parts of a parameter along the first dimension. Dimensions of
/// 1 at the end may be left out. A tensor without a shape is one that can't be had, which is said when
/// it is asked for.
fn is_part(found: Option<&[i64]>, shape: &[i64], parts: usize) -> bool {
    let Some(found) = found else { return true };
    let bare = |shape: &[i64]| {
        let end =
            shape.iter().rposition(|&size| size != 1).map_or(0, |last| last.saturating_add(1));
        shape[..end].to_vec()
    };
    if parts <= 1 {
        return bare(found) == bare(shape);
    }
    match (found, shape) {
        ([first, rest @ ..], [all, other @ ..]) => {
            first.checked_mul(parts as i64) == Some(*all) && rest == other
        }
        _ => false,
    }
}
