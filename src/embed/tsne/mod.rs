//! t-SNE: a map on which what is alike lies together.
//!
//! Van der Maaten, Hinton, "Visualizing data using t-SNE", 2008; the learning rate after Belkina et
//! al., "Automated optimized parameters for t-SNE", 2019.

mod affinities;
mod exact;
mod interpolated;
mod model;
mod optimizer;
mod place;
mod rows;
mod run;
mod spread;

use std::time::Duration;

use tch::{Device, Kind, Tensor};

use super::features::{Features, check_varied};
use super::{Embedding, neighbors};
use crate::limits::check_count;
use crate::{Error, Result};

use model::Model;
pub(super) use place::place;
use run::Run;

/// Fewer points make no map.
const FEWEST: usize = 4;
/// Neighbors that are kept of each point, for each unit of the perplexity.
const NEIGHBORS: f64 = 3.0;
/// Up to so many points all pairs are as fast as the grid.
const FEW: i64 = 600;
/// Up to so many points the divergence is that of all pairs.
const ALL_PAIRS: i64 = 4000;

/// Where the points start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// At their first two principal components: large distances then mean more than from a random
    /// start. Kobak and Linderman, 2021. The seed only loosens points that coincide.
    #[default]
    Pca,
    /// At random by the seed.
    Random,
}

/// How the forces between points are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TsneMethod {
    /// Exact up to 600 points, else interpolated.
    #[default]
    Auto,
    /// All pairs attract and repel. Time and memory grow as the square of the number of points: some
    /// thousands.
    Exact,
    /// Nearest neighbors attract, and repulsion goes through a grid, with an error below 1 %.
    Interpolated,
}

/// How t-SNE is done.
///
/// ```
/// use convscope::prelude::*;
/// let features = Features::new(&Tensor::rand([90, 5], (Kind::Float, Device::Cpu)))?;
/// let options = Tsne::default().perplexities([5.0, 20.0]).iterations(100);
/// let maps = options.run(&features)?;
/// assert_eq!(maps.layouts().len(), 2);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tsne {
    perplexities: Vec<f64>,
    pub(super) iterations: usize,
    early_exaggeration: f64,
    learning_rate: Option<f64>,
    start: Start,
    seed: u64,
    method: TsneMethod,
    record: usize,
    time_limit: Option<Duration>,
    quiet: bool,
}

impl Tsne {
    /// Sets how many neighbors each point has, in effect: 5 to 50 is usual (30 unless set), at most a
    /// third of the number of points. Of several, each gives a map; they share the search for neighbors.
    #[must_use]
    pub fn perplexities(mut self, perplexities: impl IntoIterator<Item = f64>) -> Tsne {
        self.perplexities = perplexities.into_iter().collect();
        self
    }

    /// Sets how often the points move, 1000 times unless set, at most a million; those of the early
    /// exaggeration count.
    #[must_use]
    pub fn iterations(mut self, iterations: usize) -> Tsne {
        self.iterations = iterations;
        self
    }

    /// Sets how many times as strong attraction is for a quarter of the iterations, at most 250, so that
    /// groups find together; 12 unless set.
    #[must_use]
    pub fn early_exaggeration(mut self, factor: f64) -> Tsne {
        self.early_exaggeration = factor;
        self
    }

    /// Sets the learning rate; else it is max(N / early exaggeration, 50) for N points, after Belkina et
    /// al. The gradient has its factor of 4: a rate of scikit-learn's means the same here, and its own
    /// choice is a quarter of this one, which takes more iterations.
    #[must_use]
    pub fn learning_rate(mut self, rate: f64) -> Tsne {
        self.learning_rate = Some(rate);
        self
    }

    /// Sets where the points start.
    #[must_use]
    pub fn start(mut self, start: Start) -> Tsne {
        self.start = start;
        self
    }

    /// Sets the seed. With one seed (and one number of threads) a map repeats bit for bit on the CPU. A
    /// GPU adds in no fixed order.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Tsne {
        self.seed = seed;
        self
    }

    /// Sets how forces are computed.
    #[must_use]
    pub fn method(mut self, method: TsneMethod) -> Tsne {
        self.method = method;
        self
    }

    /// Keeps the points after every `every` iterations, for [`Embedding::film`]; 0 keeps none.
    #[must_use]
    pub fn record(mut self, every: usize) -> Tsne {
        self.record = every;
        self
    }

    /// After this time each map stays as it is, and its figure says so. It does not cut short the
    /// search for neighbors.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> Tsne {
        self.time_limit = Some(time);
        self
    }

    /// Says and shows nothing while it runs.
    #[must_use]
    pub fn quiet(mut self) -> Tsne {
        self.quiet = true;
        self
    }
}

impl Default for Tsne {
    fn default() -> Self {
        Tsne {
            perplexities: vec![30.0],
            iterations: 1000,
            early_exaggeration: 12.0,
            learning_rate: None,
            start: Start::default(),
            seed: 0,
            method: TsneMethod::default(),
            record: 0,
            time_limit: None,
            quiet: false,
        }
    }
}

/// How well a map's distances fit the features' probabilities; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Divergence {
    /// The Kullback-Leibler divergence, in natural logarithms, of the final map without exaggeration.
    pub value: f64,
    /// Whether all pairs were compared, as up to 4,000 points. Else the probabilities are those of
    /// the nearest neighbors and the sum over all pairs is interpolated, to about 0.1 %.
    pub all_pairs: bool,
}

/// A map while it forms.
#[derive(Debug)]
#[non_exhaustive]
pub struct Step {
    /// Iterations done, and those there are to be.
    pub iteration: usize,
    /// See [`Tsne::iterations`].
    pub iterations: usize,
    /// The map's perplexity.
    pub perplexity: f64,
    /// `[N, 2]`.
    pub points: Tensor,
    /// The divergence, by the method's own probabilities.
    pub divergence: f64,
}

/// A t-SNE map of features with the options of [`Tsne::default`], but for a perplexity of a third of
/// the points where these are fewer than 90.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let features = net.features(&data::digits(120, 1)?, "relu3", Pooling::Mean)?;
/// let map = tsne(&features)?;
/// assert_eq!(map.layouts()[0].points.size(), [120, 2]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`Tsne::run`].
pub fn tsne(features: &Features) -> Result<Embedding> {
    let perplexity = largest_perplexity(features.len()).min(30);
    Tsne::default().perplexities([perplexity as f64]).run(features)
}

/// For so many points; at least 1.
fn largest_perplexity(count: usize) -> usize {
    (count / NEIGHBORS as usize).max(1)
}

/// The divergence of any map `[N, 2]` of features `[N, D]` for a perplexity: to compare maps that
/// were made in different ways.
///
/// # Errors
///
/// Shapes that don't fit, fewer points than 3 × perplexity, numbers that are not finite.
pub fn divergence(features: &Tensor, map: &Tensor, perplexity: f64) -> Result<Divergence> {
    let options = Tsne::default().perplexities([perplexity]);
    let features = Features::new(features)?;
    options.check(&features)?;
    let (values, count) = (features.values(), features.len() as i64);
    let map = super::features::checked(map, "a map")?;
    if map.size() != [count, 2] {
        return Err(Error::Shape {
            at: "the divergence of a map".to_owned(),
            expected: format!("[{count}, 2], a place for each of the features"),
            got: crate::error::shape_text(&map.size()),
            remedy: "Give the features and the points of one embedding.".to_owned(),
        });
    }
    let all_pairs = count <= ALL_PAIRS;
    let model = if all_pairs {
        Model::all_pairs(values, perplexity)
    } else {
        let k = options.neighbors(count as usize, perplexity);
        Model::interpolated(&neighbors::among(values, k)?, k, perplexity)
    };
    let value = model.and_then(|mut model| {
        let map = map.f_to_device(values.device())?.f_to_kind(Kind::Float)?;
        model.divergence(&model.ordered(&map.f_transpose(0, 1)?.f_contiguous()?)?)
    });
    let value = value.map_err(Error::torch("computing the divergence of a map"))?;
    Ok(Divergence { value, all_pairs })
}

impl Tsne {
    /// Maps the features, on their device.
    ///
    /// With `k` = 3 · perplexity neighbors of each of N points, the interpolated method takes about
    /// 100 · N · k bytes, the exact one 12 · N², the features `[N, D]` another 24 · N · D, and each map
    /// recorded 8 · N; where that is not free, nothing is begun.
    ///
    /// # Errors
    ///
    /// Fewer points than 3 × perplexity, features that are all alike, options that make no
    /// sense, too little memory, points that fly apart because of the learning rate.
    pub fn run(&self, features: &Features) -> Result<Embedding> {
        self.run_with(features, usize::MAX, |_| true)
    }

    /// The same, and after every `every` iterations `watch` sees the map; it stays as it is when
    /// `watch` answers `false`.
    pub fn run_with(
        &self,
        features: &Features,
        every: usize,
        watch: impl FnMut(&Step) -> bool,
    ) -> Result<Embedding> {
        self.check(features)?;
        let values = features.values();
        let most = self.perplexities.iter().copied().fold(0.0, f64::max);
        let k = self.neighbors(features.len(), most);
        self.check_memory(values, k)?;
        let near = neighbors::among_reported(values, k, self.quiet)?;
        let mut layouts = Vec::new();
        let mut run = Run::new(self, features, every, watch);
        for &perplexity in &self.perplexities {
            let mut layout = run.map(perplexity, &near)?;
            layout.of = features.title.clone();
            layout.note = layout.reading(self);
            layouts.push(layout);
        }
        Embedding::new(features, layouts, Some(&near.indices))
    }

    fn neighbors(&self, count: usize, perplexity: f64) -> i64 {
        ((NEIGHBORS * perplexity) as i64).clamp(1, count as i64 - 1)
    }

    fn is_exact(&self, count: i64) -> bool {
        match self.method {
            TsneMethod::Auto => count <= FEW,
            TsneMethod::Exact => true,
            TsneMethod::Interpolated => false,
        }
    }

    fn check(&self, features: &Features) -> Result<()> {
        let refuse = |what: String| Err(Error::Argument(format!("t-SNE: {what}")));
        let count = features.len();
        if count < FEWEST {
            return refuse(format!(
                "a map needs at least {FEWEST} points, and the features have {count}. Give more, or \
                 use `pca`, which takes 2"
            ));
        }
        if self.perplexities.is_empty() {
            return refuse("at least one perplexity is needed, such as 30".to_owned());
        }
        check_count("iterations of t-SNE", self.iterations, 1000)?;
        for &perplexity in &self.perplexities {
            if !(perplexity.is_finite() && perplexity >= 1.0) {
                return refuse(format!("a perplexity of {perplexity:?}, expected 1 or more"));
            }
            if (count as f64) < NEIGHBORS * perplexity {
                return refuse(format!(
                    "{count} points are too few for a perplexity of {perplexity:?}, which needs 3 \
                     times as many. Use a perplexity of at most {}",
                    largest_perplexity(count)
                ));
            }
        }
        if !(self.early_exaggeration.is_finite() && self.early_exaggeration >= 1.0) {
            let got = self.early_exaggeration;
            return refuse(format!("an early exaggeration of {got:?}, expected 1 or more"));
        }
        if let Some(rate) = self.learning_rate.filter(|rate| !(rate.is_finite() && *rate > 0.0)) {
            return refuse(format!("a learning rate of {rate:?}, expected a positive number"));
        }
        check_varied(features.values(), "t-SNE")
    }

    /// Refuses what would not fit in memory.
    fn check_memory(&self, values: &Tensor, k: i64) -> Result<()> {
        let [n, d] = [values.size()[0] as u64, values.size()[1] as u64];
        let recorded =
            self.iterations.checked_div(self.record).map_or(0, |frames| frames as u64 * 8 * n);
        let needed = match self.is_exact(n as i64) {
            true => 12 * n * n,
            false => 100 * n * k as u64,
        } + 24 * n * d
            + recorded;
        let device: Device = values.device();
        let free = crate::batching::free(device);
        if needed <= free {
            return Ok(());
        }
        let gigabytes = |bytes: u64| bytes as f64 / (1u64 << 30) as f64;
        Err(Error::Argument(format!(
            "t-SNE of {n} points with {k} neighbors each needs about {:.1} GiB, and {device:?} has \
             {:.1} GiB free. Take fewer points or a smaller perplexity{}{}",
            gigabytes(needed),
            gigabytes(free),
            if self.method == TsneMethod::Exact { ", or the interpolated method" } else { "" },
            if self.record > 0 { ", or record fewer maps" } else { "" }
        )))
    }
}
