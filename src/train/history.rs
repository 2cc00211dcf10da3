//! What a training went through, epoch by epoch.

use std::fmt;

use image::RgbImage;

use super::Fit;
use crate::Result;
use crate::view::{Bundle, Curves, Figure, Panel, Series};

/// Mean cross-entropy, and the share of images classified rightly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The mean cross-entropy, 0 or more.
    pub loss: f64,
    /// 0 to 1.
    pub accuracy: f64,
}

/// One epoch of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Epoch {
    /// How many epochs had been done at its end: 1, 2, 3 …, or part of one where a time limit or the
    /// stop button ended it, such as 2.37.
    pub at: f64,
    /// On the training images as they were learned from, before each step.
    pub train: Score,
    /// On the validation images, after the epoch's last step.
    pub validation: Option<Score>,
    /// How long it took, validation included.
    pub seconds: f64,
}

/// What [`Network::fit`](crate::network::Network::fit) returns: a figure of loss and accuracy per epoch, and
/// the numbers ([`epochs`](History::epochs)).
#[derive(Clone)]
pub struct History {
    network: String,
    epochs: Vec<Epoch>,
    wanted: usize,
    /// The layer up to which nothing changed.
    frozen: Option<String>,
    /// Why it ended early, if it did.
    ended: Option<&'static str>,
}

impl History {
    pub(super) fn new(
        network: &str,
        epochs: Vec<Epoch>,
        fit: &Fit,
        ended: Option<&'static str>,
    ) -> History {
        let frozen = fit.frozen.clone();
        History { network: network.to_owned(), epochs, wanted: fit.epochs, frozen, ended }
    }

    /// The numbers of each epoch.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The last epoch's numbers.
    pub fn last(&self) -> Option<&Epoch> {
        self.epochs.last()
    }

    /// Loss and accuracy as a figure, to change its title, say.
    pub fn curves(&self) -> Curves {
        let series = |name: &str, value: &dyn Fn(&Epoch) -> Option<f64>| {
            Series::new(name, self.epochs.iter().filter_map(|e| Some((e.at, value(e)?))).collect())
        };
        let panel = |label: &str, value: fn(&Score) -> f64| {
            let train = series("training", &|epoch| Some(value(&epoch.train)));
            let validation = series("validation", &|epoch| epoch.validation.as_ref().map(value));
            let both = [train, validation].into_iter();
            Panel::new(label, both.filter(|series| !series.points.is_empty()).collect())
        };
        let panels = vec![
            panel("loss", |score| score.loss),
            panel("accuracy in %", |score| 100.0 * score.accuracy),
        ];
        Curves::new(format!("Training of {}", self.network), "epoch", panels).note(self.outcome())
    }

    /// The last epoch in words.
    fn outcome(&self) -> String {
        let Some(last) = self.last() else {
            let why = self.ended.unwrap_or_default();
            return format!("no batch was learned from: {why}");
        };
        let seconds: f64 = self.epochs.iter().map(|epoch| epoch.seconds).sum();
        let epochs = if self.wanted == 1 { "epoch" } else { "epochs" };
        let done = match (last.at < self.wanted as f64, self.ended) {
            (true, Some(why)) => {
                format!("{:.2} of {} {epochs}, until {why},", last.at, self.wanted)
            }
            (true, None) => format!("{:.2} of {} {epochs} so far", last.at, self.wanted),
            (false, _) => format!("{} {epochs}", self.wanted),
        };
        let frozen = self.frozen.as_ref();
        let frozen = frozen.map(|layer| format!(", frozen up to `{layer}`")).unwrap_or_default();
        format!("{done} in {seconds:.1} s{frozen}; at last {}", last.scores())
    }
}

impl Epoch {
    fn scores(&self) -> String {
        match self.validation {
            Some(validation) => format!("{}; validation {validation}", self.train),
            None => self.train.to_string(),
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:.4}, accuracy {:.2} %", self.loss, 100.0 * self.accuracy)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:.1} s)", self.scores(), self.seconds)
    }
}

impl Figure for History {
    fn image(&self) -> Result<RgbImage> {
        self.curves().image()
    }

    fn description(&self) -> String {
        format!("Training of {}: {}", self.network, self.outcome())
    }

    fn bundle(&self) -> Result<Bundle> {
        self.curves().bundle()
    }
}

crate::view::figures!(History);
