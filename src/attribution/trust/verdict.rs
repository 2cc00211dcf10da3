//! From what the checks found to a verdict in words.

use super::{PixelCurves, Randomization};

/// The fraction of layers that are re-initialized, and the rank correlation from which on the map counts
/// as hardly changed by that. [`Trust`](super::Trust) says why.
const TOP: f64 = 0.25;
const SURVIVES: f64 = 0.8;

/// How many moved maps there are.
pub(super) const MOVED: usize = 3;

/// How far to believe a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The score follows the map, and the map depends on the parameters.
    Believe,
    /// One of deletion and insertion is against it, or a check found no time or nothing to compare.
    Partly,
    /// Neither deletion nor insertion supports it, it hardly changes with the network's top layers,
    /// or it is the same everywhere.
    Doubt,
}

/// What the checks found; `None` where there was no time.
pub(super) struct Findings {
    deletion: Vec<f64>,
    insertion: Vec<f64>,
    /// The rank correlation with the map of a network whose top layers are re-initialized; NaN where
    /// one of the two is blank.
    similarity: Option<f64>,
    /// Whether the map is the same everywhere, and so says nothing.
    is_blank: bool,
}

impl Findings {
    pub(super) fn of(curves: &PixelCurves, randomization: &Randomization) -> Findings {
        let top = randomization.stages().iter().find(|stage| stage.share >= TOP);
        Findings {
            deletion: curves.deletion_auc(),
            insertion: curves.insertion_auc(),
            similarity: top.map(|stage| stage.rank_correlation),
            is_blank: randomization.is_blank,
        }
    }

    /// Whether the first area is better than those of all moved maps.
    fn is_best(areas: &[f64], better: fn(&f64, &f64) -> bool) -> Option<bool> {
        let (own, others) = areas.split_first()?;
        let moved = others.get(..MOVED)?;
        Some(moved.iter().all(|other| better(own, other)))
    }

    fn falls(&self) -> Option<bool> {
        Findings::is_best(&self.deletion, f64::lt)
    }

    fn rises(&self) -> Option<bool> {
        Findings::is_best(&self.insertion, f64::gt)
    }

    /// Whether the map depends on the parameters, where that is known.
    fn depends(&self) -> Option<bool> {
        let defined = self.similarity.filter(|correlation| !correlation.is_nan());
        defined.map(|correlation| correlation.abs() < SURVIVES)
    }

    pub(super) fn verdict(&self) -> Verdict {
        if self.is_blank {
            return Verdict::Doubt;
        }
        match (self.falls(), self.rises(), self.depends()) {
            (_, _, Some(false)) | (Some(false), Some(false), _) => Verdict::Doubt,
            (Some(true), Some(true), Some(true)) => Verdict::Believe,
            _ => Verdict::Partly,
        }
    }

    pub(super) fn sentence(&self) -> String {
        if self.is_blank {
            return "Do not rely on this map: it is the same everywhere, so it ranks no pixels, and \
                    there is nothing to check."
                .to_owned();
        }
        let follows = match (self.falls(), self.rises()) {
            (Some(true), Some(true)) => {
                "the score falls and rises with the pixels that it ranks first"
            }
            (Some(true), Some(false)) => {
                "the score falls without the pixels that it ranks first, but they alone do not \
                 bring it back sooner than others"
            }
            (Some(false), Some(true)) => {
                "the pixels that it ranks first bring the score, but it does not fall sooner \
                 without them than without others"
            }
            (Some(false), Some(false)) => {
                "the score follows the pixels that it ranks first no better than those of the same \
                 map at another place"
            }
            _ => "there was no time to compare it with moved maps",
        };
        let depends = match self.depends() {
            Some(true) => "it depends on what the network has learned",
            Some(false) => {
                "it hardly changes when the network's top layers are re-initialized, so it shows \
                 the image more than what decided"
            }
            None if self.similarity.is_some() => {
                "whether it depends on the parameters can't be told, since the map of the \
                 re-initialized network is blank"
            }
            None => "there was no time to see whether it depends on the parameters",
        };
        match self.verdict() {
            Verdict::Believe => format!("Believe where this map points: {follows}, and {depends}."),
            Verdict::Partly => format!("Believe this map in part: {follows}; {depends}."),
            Verdict::Doubt => format!("Do not rely on this map: {follows}; {depends}."),
        }
    }

    pub(super) fn notes(&self, randomization: &Randomization) -> Vec<String> {
        let areas = |name: &str, better: &str, areas: &[f64]| {
            let own = areas.first().copied().unwrap_or(f64::NAN);
            let mut words = format!("{name}: area {own:.3}, {better} is better");
            let moved = areas.iter().skip(1).take(MOVED).map(|area| format!("{area:.3}"));
            let moved: Vec<String> = moved.collect();
            if !moved.is_empty() {
                words.push_str(&format!("; the map moved elsewhere: {}", moved.join(", ")));
            }
            if let Some(random) = areas.get(1 + MOVED) {
                words.push_str(&format!("; single pixels at random: {random:.3}"));
            }
            words
        };
        let similarity = match self.similarity {
            None => String::new(),
            Some(undefined) if undefined.is_nan() => "; with the top quarter re-initialized the \
                map's rank correlation is undefined, as one of the two maps is blank"
                .to_owned(),
            Some(correlation) => format!(
                "; with the top quarter re-initialized the map's rank correlation is {correlation:.2}, \
                 {SURVIVES} or more is against it"
            ),
        };
        vec![
            areas("Deletion", "lower", &self.deletion),
            areas("Insertion", "higher", &self.insertion),
            format!("Randomization: {}{similarity}", randomization.note()),
        ]
    }
}
