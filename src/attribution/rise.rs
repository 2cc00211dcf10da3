//! RISE: the mean of many random masks, each weighted by the score of the picture seen through it. Only
//! the network's answers are used.
//!
//! Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", 2018
//! ([arXiv:1806.07421](https://arxiv.org/abs/1806.07421)).

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use super::aim::Aim;
use super::explained::{Explained, question};
use super::variants::{Variants, in_form, stopped};
use super::{Measure, Target};
use crate::network::Network;
use crate::random::Random;
use crate::view::Heatmap;
use crate::{Error, Photo, Result};

/// How RISE is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
    /// How many masks. The map's noise falls with their square root.
    pub masks: usize,
    /// Cells of a mask along each direction, before it is enlarged.
    pub cells: usize,
    /// The probability that a cell shows the picture, above 0 and up to 1.
    pub probability: f64,
    /// One seed always gives the same masks.
    pub seed: u64,
    /// What the masks are weighted by.
    pub measure: Measure,
    /// After this time the masks that are done must do; the figure says how many. For each picture of a
    /// batch.
    pub at_most: Option<Duration>,
}

impl Default for Rise {
    fn default() -> Self {
        let measure = Measure::Probability;
        Rise { masks: 4000, cells: 7, probability: 0.5, seed: 0, measure, at_most: None }
    }
}

/// RISE for the target: values `[H, W]` of the network's input, in the measure's unit, signed: how much
/// more of it the masks leave that let the pixel through than masks do on average. ([`rise_tensor`] gives
/// the paper's values, which all have that average in them.)
///
/// A mask's cells are drawn at random, enlarged bilinearly to one cell more than the picture and cut out
/// at a random place. 4000 runs of the network: seconds for a small one, minutes for a large one on a
/// CPU; `at_most` bounds that.
///
/// Errors: no masks or cells, a probability that is none; an unknown class.
///
/// ```
/// use convscope::prelude::*;
/// let options = Rise { masks: 100, ..Rise::default() };
/// let map = rise(&zoo::digits()?, &data::digit(4, 2)?, Target::Top, options)?;
/// assert_eq!(map.values().size(), [28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn rise(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    options: Rise,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let (aim, output) = aim.settled(net, &input)?;
    let (values, mean, done) = masked_mean(net, &net.for_inference()?, &input, &aim, options)?;
    let values = values.f_sub_scalar(mean).map_err(failed)?;
    let unit = match aim.unit(0, options.measure) {
        "probability" => "probability above the mean",
        "logit" => "logit above the mean",
        _ => "score above the mean",
    };
    let reading = "red pixels raise it where they are seen, blue ones lower it";
    let figure =
        Explained { values, output, aim, method: "RISE", unit, reading }.figure(net, photo)?;
    Ok(figure.note(format!("{done} masks")).unfinished(stopped(done, options.masks)))
}

/// RISE of each picture, `[N, H, W]` as the input; one target a picture. All see the same masks.
pub fn rise_tensor(
    net: &Network,
    input: &Tensor,
    targets: &[Target],
    options: Rise,
) -> Result<Tensor> {
    let (aim, _) = Aim::new(net, input, targets)?.settled(net, input)?;
    let fast = net.for_inference()?;
    let one = |index: usize| {
        let picture = input.f_narrow(0, index as i64, 1).map_err(failed)?;
        Ok(masked_mean(net, &fast, &picture, &aim.one(index), options)?.0)
    };
    let maps = (0..targets.len()).map(one).collect::<Result<Vec<_>>>()?;
    Tensor::f_stack(&maps, 0).map_err(failed)
}

/// The map `[H, W]` of one picture, the masks' mean score, and of how many masks. `fast` is `net`'s inference form.
fn masked_mean(
    net: &Network,
    fast: &Network,
    input: &Tensor,
    aim: &Aim,
    options: Rise,
) -> Result<(Tensor, f64, usize)> {
    let Rise { masks: count, cells, probability, measure, .. } = options;
    // A mask is made at a size of all its cells and one more.
    const MOST_CELLS: usize = 1000;
    if count == 0
        || !(1..=MOST_CELLS).contains(&cells)
        || !(probability > 0.0 && probability <= 1.0)
    {
        return Err(Error::Argument(format!(
            "RISE with {count} masks of {cells}×{cells} cells, each seen with probability \
             {probability}: at least 1 mask, 1 to {MOST_CELLS} cells and a probability above 0 and \
             up to 1 are needed, such as 4000, 7 and 0.5"
        )));
    }
    let (net, aim, []) = in_form(net, fast, aim, []);
    let input = net.admit(input)?;
    let [_, _, height, width] = input.size()[..] else {
        return Err(Error::Argument("RISE needs a picture [1, C, H, W]".to_owned()));
    };
    let mut random = Random(options.seed);
    let sum = Tensor::f_zeros([height * width], (Kind::Double, input.device()));
    let (mut sum, mut total) = (sum.map_err(failed)?, 0.0);
    let variants = Variants::new("RISE", count, net, &input.size(), input.kind(), false)?;
    let done = variants.at_most(options.at_most).run(|range| {
        let mut random_here = Random(random.0);
        let masks =
            masks(&input, range.len(), cells, probability, &mut random_here).map_err(failed)?;
        let output = net.value(&input.f_mul(&masks).map_err(failed)?, aim.node)?;
        let scores = aim.repeated(range.len()).measured(&output, measure)?;
        let more = scores
            .f_to_kind(Kind::Double)
            .and_then(|s| s.f_matmul(&masks.f_flatten(1, -1)?.f_to_kind(Kind::Double)?));
        total += scores.f_sum(Kind::Double).and_then(|s| s.f_double_value(&[])).map_err(failed)?;
        sum = more.and_then(|more| sum.f_add(&more)).map_err(failed)?;
        random = random_here;
        Ok(())
    })?;
    let map = sum
        .f_div_scalar(probability * done as f64)
        .and_then(|mean| mean.f_view([height, width])?.f_to_kind(input.kind()));
    Ok((map.map_err(failed)?, total / done as f64, done))
}

/// So many masks `[K, 1, H, W]` from 0 to 1 for a picture. For each mask the generator gives its cells
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
    Error::torch("looking at the picture through masks")(error)
}
