//! RISE: the mean of many random masks, each weighted by the score of the image seen through it. Only
//! the network's answers are used.
//!
//! Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", 2018
//! ([arXiv:1806.07421](https://arxiv.org/abs/1806.07421)).

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use super::Measure;
use super::variants::Variants;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::limits::check_count;
use crate::live::stopped;
use crate::network::Network;
use crate::random::Random;
use crate::view::Heatmap;
use crate::{Error, Result};

/// RISE: maps `[N, H, W]` of the input's size, signed, in the measure's unit: how much more of it the
/// masks leave that show a pixel than masks do on average.
///
/// By default 4000 masks of 7×7 cells, each shown with probability 0.5, weighted by the class's
/// probability. A mask's cells are drawn at random, enlarged bilinearly to one cell more than the image
/// and cut out at a random place. 4000 runs of the network: seconds for a small one, minutes for a large
/// one on a CPU; [`Rise::time_limit`] bounds that. All images of a batch see the same masks.
///
/// ```
/// use convscope::prelude::*;
/// let method = Rise::default().masks(100);
/// let map = method.explain(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// assert_eq!(map.values().shape(), [28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
    masks: usize,
    cells: usize,
    probability: f64,
    seed: u64,
    measure: Measure,
    time_limit: Option<Duration>,
}

impl Default for Rise {
    fn default() -> Self {
        let measure = Measure::Probability;
        Rise { masks: 4000, cells: 7, probability: 0.5, seed: 0, measure, time_limit: None }
    }
}

/// The masks of one image, weighted by their scores.
struct Weighted {
    /// The sum of the masks, each times its score: `[H, W]`, double.
    sum: Tensor,
    /// The sum of the scores.
    scores: f64,
    /// How many masks.
    done: usize,
}

impl Rise {
    /// Sets the number of masks. The map's noise falls with their square root.
    #[must_use]
    pub fn masks(mut self, masks: usize) -> Rise {
        self.masks = masks;
        self
    }

    /// Sets the cells of a mask along each direction, before it is enlarged.
    #[must_use]
    pub fn cells(mut self, cells: usize) -> Rise {
        self.cells = cells;
        self
    }

    /// Sets the probability that a cell shows the image, above 0 and up to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Rise {
        self.probability = probability;
        self
    }

    /// Sets the seed; one seed always gives the same masks.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Rise {
        self.seed = seed;
        self
    }

    /// Sets what the masks are weighted by.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Rise {
        self.measure = measure;
        self
    }

    /// After this time the masks that are done must do; the figure says how many. For each image of a
    /// batch.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> Rise {
        self.time_limit = Some(time);
        self
    }

    /// The paper's maps, `[N, H, W]`, which all have the mean score in them.
    ///
    /// # Errors
    ///
    /// No masks or cells, a probability that is none.
    pub fn mean_scores(&self, run: &Run<'_>) -> Result<Tensor> {
        Ok(run.each(|one| Ok((self.mean_score(&self.weigh(one)?, one)?, ())))?.0)
    }

    fn mean_score(&self, weighted: &Weighted, run: &Run<'_>) -> Result<Tensor> {
        let map = weighted.sum.f_div_scalar(self.probability * weighted.done as f64);
        map.and_then(|map| map.f_to_kind(run.input().kind())).map_err(failed)
    }

    /// The same less what masks score on average, `[H, W]`.
    fn above_mean(&self, weighted: &Weighted, run: &Run<'_>) -> Result<Tensor> {
        let mean = weighted.scores / weighted.done as f64;
        self.mean_score(weighted, run)?.f_sub_scalar(mean).map_err(failed)
    }

    /// Of maps `[N, H, W]`.
    fn found(&self, maps: Tensor, done: usize, run: &Run<'_>) -> Result<Attributions> {
        let unit = format!("{} above the mean", run.targets()?.unit(0, self.measure));
        let found = Attributions::signed(maps, unit).readings(
            "red pixels raise it where they are seen, blue ones lower it",
            "bright pixels raise it where they are seen",
        );
        Ok(Attributions { notes: vec![format!("{done} masks")], ..found })
    }

    /// For the run's only image.
    fn weigh(&self, run: &Run<'_>) -> Result<Weighted> {
        let Rise { masks: count, cells, probability, measure, .. } = *self;
        // A mask is made at a size of all its cells and one more.
        const MOST_CELLS: usize = 1000;
        check_count("masks of RISE", count, 4000)?;
        if !((1..=MOST_CELLS).contains(&cells) && probability > 0.0 && probability <= 1.0) {
            return Err(Error::Argument(format!(
                "RISE with masks of {cells}×{cells} cells, each seen with probability {probability}: 1 to \
                 {MOST_CELLS} cells and a probability above 0 and up to 1 are needed, such as 7 and 0.5"
            )));
        }
        let (net, targets, []) = run.fast([])?;
        let input = run.input();
        let [_, _, height, width] = input.size()[..] else {
            return Err(Error::Internal("RISE without an image [1, C, H, W]".to_owned()));
        };
        let mut random = Random(self.seed);
        let sum = Tensor::f_zeros([height, width], (Kind::Double, input.device()));
        let mut weighted = Weighted { sum: sum.map_err(failed)?, scores: 0.0, done: 0 };
        let variants = Variants::new("RISE", count, net, &input.size(), input.kind(), false)?;
        variants.time_limit(self.time_limit).run(|range| {
            let mut random_here = Random(random.0);
            let masks =
                masks(input, range.len(), cells, probability, &mut random_here).map_err(failed)?;
            let output = net.value(&input.f_mul(&masks).map_err(failed)?, targets.node)?;
            let scores = targets.repeated(range.len()).measured(&output, measure)?;
            let more = scores
                .f_to_kind(Kind::Double)
                .and_then(|s| s.f_matmul(&masks.f_flatten(1, -1)?.f_to_kind(Kind::Double)?))
                .and_then(|more| weighted.sum.f_add(&more.f_view([height, width])?));
            let total = scores.f_sum(Kind::Double).and_then(|s| s.f_double_value(&[]));
            weighted = Weighted {
                sum: more.map_err(failed)?,
                scores: weighted.scores + total.map_err(failed)?,
                done: weighted.done + range.len(),
            };
            random = random_here;
            run.show(|| {
                let map = self.above_mean(&weighted, run)?.f_unsqueeze(0).map_err(failed)?;
                self.found(map, weighted.done, run)
            });
            Ok(())
        })?;
        Ok(weighted)
    }
}

impl Attribution for Rise {
    fn name(&self) -> String {
        "RISE".to_owned()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let (maps, done) = run.each(|one| {
            let weighted = self.weigh(one)?;
            Ok((self.above_mean(&weighted, one)?, weighted.done))
        })?;
        let done = done.into_iter().min().unwrap_or_default();
        Ok(Attributions { stopped: stopped(done, self.masks), ..self.found(maps, done, run)? })
    }
}

/// `count` masks `[K, 1, H, W]` from 0 to 1 for an image. For each mask the generator gives its cells
/// row by row, then the row and the column at which it is cut out.
fn masks(
    input: &Tensor,
    count: usize,
    cells: usize,
    probability: f64,
    random: &mut Random,
) -> Result<Tensor, TchError> {
    let size = input.size();
    let picture = [2, 3].map(|d| size.get(d).copied().unwrap_or(1));
    let cell = picture.map(|side| (side + cells as i64 - 1) / cells as i64);
    let (mut seen, mut places) = (Vec::with_capacity(count * cells * cells), Vec::new());
    for _ in 0..count {
        let cells = (0..cells * cells).map(|_| f64::from(random.unit()) < probability);
        seen.extend(cells.map(|seen| f32::from(u8::from(seen))));
        places.push(cell.map(|side| (random.bits() % side as u64) as i64));
    }
    let side = cells as i64;
    let options = (input.kind(), input.device());
    let small = Tensor::f_from_slice(&seen)?.f_view([count as i64, 1, side, side])?;
    let small = small.f_to_device(options.1)?.f_to_kind(options.0)?;
    let whole = cell.map(|cell| (side + 1) * cell);
    let large = small.f_upsample_bilinear2d(whole, false, None, None)?;
    let cut = |(row, place): (i64, [i64; 2])| {
        let mask = large.f_narrow(0, row, 1)?.f_narrow(2, place[0], picture[0])?;
        mask.f_narrow(3, place[1], picture[1])
    };
    let cuts = (0..).zip(places).map(cut).collect::<Result<Vec<_>, _>>()?;
    Tensor::f_cat(&cuts, 0)
}

fn failed(error: TchError) -> Error {
    Error::torch("masking the image")(error)
}

/// [`Rise`] with its defaults, as a figure: values `[H, W]` of the network's input.
///
/// # Errors
///
/// An unknown class; an input that doesn't fit the network.
pub fn rise(net: &Network, input: &impl Input, target: impl Into<Target>) -> Result<Heatmap> {
    Rise::default().explain(net, input, target)
}
