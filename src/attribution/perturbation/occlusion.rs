//! Occlusion: how much the score drops when a patch of the image is covered.
//!
//! Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2013
//! ([arXiv:1311.2901](https://arxiv.org/abs/1311.2901)). Only the region that a patch can change is
//! recomputed ([`crate::network`]'s regions), which gives the same values in less time.

use tch::{Kind, TchError, Tensor};

use super::Measure;
use super::patches::{Patches, baseline};
use super::variants::{Variants, stopped};
use crate::attribution::figure::{ALONE, input_size};
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::{Network, Windows};
use crate::view::{Guess, Occlusion, PatchGrid};
use crate::{Error, Result};

/// What covering each place did to one image.
struct Covered {
    /// How far the measure drops at each place that was reached, row by row.
    pub drops: Tensor,
    /// The scored row of classes at each of these places, `[places, classes]`; empty where no class is
    /// explained.
    pub outputs: Vec<Tensor>,
    size: [i64; 2],
    rows: Vec<[i64; 2]>,
    columns: Vec<[i64; 2]>,
}

/// Covers the image place by place and shows how much the target's score drops: in the interactive form
/// the patch is dragged over the image, and the top predictions at that place follow. Several sizes can
/// be switched between.
///
/// The drops are in the score's own unit, logits for a class, or in probability ([`Patches::measure`],
/// the same for all sizes); negative where covering helps.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let figure = occlusion(&net, &data::digit(4, 2)?, Target::Top, &[Patches::new(6)])?;
/// assert_eq!(figure.grids()[0].drops().shape(), [9, 9]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// Patches larger than the image, not square, or of different measures; an unknown class.
pub fn occlusion(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
    patches: &[Patches],
) -> Result<Occlusion> {
    let run = Run::of(net, input, target)?;
    let targets = run.targets()?;
    let measure = patches.first().map_or(Measure::Score, |patches| patches.measure);
    if patches.iter().any(|patches| patches.measure != measure) {
        return Err(Error::Argument(
            "one occlusion figure has one measure: give all its patches the same".to_owned(),
        ));
    }
    let mut unfinished = Vec::new();
    let grids = patches.iter().map(|&patches| {
        let square = |[height, width]: [i64; 2]| {
            u32::try_from(height).ok().filter(|_| height == width).ok_or_else(|| {
                Error::Argument(format!(
                    "the figure shows square patches and strides, not [{height}, {width}]; \
                     `Patches::explain` takes any"
                ))
            })
        };
        let (size, stride) = (square(patches.size)?, square(patches.stride)?);
        let covered = cover(&run, patches)?;
        if let Some(stopped) = covered.stopped() {
            unfinished.push(format!("patch {size}: {stopped}"));
        }
        let drops = covered.grid(&covered.drops, f64::NAN).map_err(failed)?;
        // Predictions only where classes are explained.
        let guesses = match targets.class(0) {
            Some(_) => {
                covered.guesses(&net.clone().with_output(&net.nodes()[targets.node].name)?)?
            }
            None => Vec::new(),
        };
        PatchGrid::new(size, stride, &drops, guesses)
    });
    let grids = grids.collect::<Result<Vec<PatchGrid>>>()?;
    let base = targets.measured(run.output()?, measure)?.f_double_value(&[0]).map_err(failed)?;
    let title = format!("Occlusion for {} in {}", targets.name(net, 0), input.title());
    let picture = input.shown(net, ALONE)?;
    let figure = Occlusion::new(title, targets.unit(0, measure), picture, base, grids)?;
    let [height, width] = input_size(run.input());
    Ok(unfinished.into_iter().fold(figure.input_size(height, width), Occlusion::note))
}

impl Attribution for Patches {
    fn name(&self) -> String {
        format!("Occlusion by {}×{}", self.size[0], self.size[1])
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let (maps, stopped) = run.each(|one| {
            let covered = cover(one, *self)?;
            Ok((covered.map().map_err(failed)?, covered.stopped()))
        })?;
        let unit = format!("drop of {}", run.targets()?.unit(0, self.measure));
        let found = Attributions::signed(maps, unit).readings(
            "covering red regions lowers its score, covering blue ones raises it",
            "covering bright regions lowers its score",
        );
        Ok(Attributions { stopped: stopped.into_iter().flatten().next(), ..found })
    }
}

/// Covers each place of the run's only image.
fn cover(run: &Run<'_>, patches: Patches) -> Result<Covered> {
    let input = run.input();
    let [_, _, height, width] = input.size()[..] else {
        return Err(Error::Internal("occlusion without an image [1, C, H, W]".to_owned()));
    };
    patches.check(height, width)?;
    let (net, targets, []) = run.fast([])?;
    let base = net.baseline_activations(input, targets.node)?;
    let filler = baseline(input, patches.baseline).map_err(failed)?;
    let (rows, columns) = (patches.places(0, height), patches.places(1, width));
    let places: Vec<[[i64; 2]; 2]> =
        rows.iter().flat_map(|&row| columns.iter().map(move |&column| [row, column])).collect();
    let score = targets.measured(&base[targets.node], patches.measure)?;
    let (mut outputs, mut drops) = (Vec::new(), Vec::new());
    let classes = targets.class(0).is_some();
    let mut variants =
        Variants::new("Occlusion", places.len(), net, &input.size(), input.kind(), false)?;
    variants.most = net.variants_at_once(&base, patches.size)?.clamp(8, 256);
    variants.time_limit(patches.time_limit).run(|range| {
        let batch = places.get(range).unwrap_or_default();
        let windows = covered(input, &filler, batch, patches.size).map_err(failed)?;
        let output = tch::no_grad(|| net.run_regions(&base, &windows, targets.node))?;
        let scores = targets.repeated(batch.len()).measured(&output, patches.measure)?;
        drops.push(score.f_sub(&scores).map_err(failed)?);
        // A map for each class, at each place, would fill the memory.
        if classes {
            outputs.push(output);
        }
        Ok(())
    })?;
    let drops = Tensor::f_cat(&drops, 0).map_err(failed)?;
    Ok(Covered { drops, outputs, size: [height, width], rows, columns })
}

impl Covered {
    fn places(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    fn reached(&self) -> usize {
        self.drops.numel()
    }

    /// What is said of places that were not reached.
    fn stopped(&self) -> Option<String> {
        let stopped = stopped(self.reached(), self.places())?;
        Some(format!("{stopped}; the rest is blank"))
    }

    /// Values at the places that were reached as `[rows, columns]`, with `rest` at the others.
    fn grid(&self, values: &Tensor, rest: f64) -> Result<Tensor, TchError> {
        let left = (self.places() - self.reached()) as i64;
        let rest = Tensor::f_full([left], rest, (values.kind(), values.device()))?;
        let shape = [self.rows.len() as i64, self.columns.len() as i64];
        Tensor::f_cat(&[values, &rest], 0)?.f_view(shape)
    }

    /// The top five predictions at each place; where none was made, as many that say so.
    fn guesses(&self, net: &Network) -> Result<Vec<Vec<Guess>>> {
        const BEST: usize = 5;
        let outputs = Tensor::f_cat(&self.outputs, 0).map_err(failed)?;
        let guess = |row| net.guesses(&outputs.f_narrow(0, row, 1).map_err(failed)?, BEST);
        let mut guesses =
            (0..self.reached() as i64).map(guess).collect::<Result<Vec<Vec<Guess>>>>()?;
        let classes = outputs.size().get(1).map_or(0, |&classes| classes as usize);
        let none = Guess { class: classes, name: "not reached".to_owned(), probability: 0.0 };
        guesses.resize(self.places(), vec![none; BEST.min(classes)]);
        Ok(guesses)
    }

    /// `[H, W]`: at each pixel the mean drop of the patches that cover it, 0 where none does.
    fn map(&self) -> Result<Tensor, TchError> {
        // Which places cover which pixel, per direction; the sum over both is a product of matrices.
        let matrix = |places: &[[i64; 2]], size: i64| {
            let covers = |pixel: i64| {
                places
                    .iter()
                    .map(move |[from, to]| f64::from(u8::from((*from..*to).contains(&pixel))))
            };
            let values: Vec<f64> = (0..size).flat_map(covers).collect();
            Tensor::f_from_slice(&values)?.f_view([size, places.len() as i64])
        };
        let (rows, columns) =
            (matrix(&self.rows, self.size[0])?, matrix(&self.columns, self.size[1])?);
        let spread = |drops: &Tensor| rows.f_matmul(drops)?.f_matmul(&columns.f_transpose(0, 1)?);
        let drops = self.drops.f_to_device(tch::Device::Cpu)?.f_to_kind(Kind::Double)?;
        let covers = self.grid(&drops.f_ones_like()?, 0.0)?;
        spread(&self.grid(&drops, 0.0)?)?
            .f_div(&spread(&covers)?.f_clamp_min(1)?)?
            .f_to_kind(self.drops.kind())
    }
}

/// The covered windows of the input, all of the patch's size; where the border cuts a patch, the rest
/// of its window is the image.
fn covered(
    input: &Tensor,
    filler: &Tensor,
    places: &[[[i64; 2]; 2]],
    size: [i64; 2],
) -> Result<Windows, TchError> {
    let shape = input.size();
    let full = [shape[2], shape[3]];
    let mut values = Vec::with_capacity(places.len());
    let mut starts = Vec::with_capacity(places.len());
    for place in places {
        let start = [0, 1].map(|d| place[d][0].min(full[d] - size[d]));
        let cut =
            |x: &Tensor, d: usize, from: i64, length: i64| x.f_narrow(2 + d as i64, from, length);
        let window =
            cut(&cut(input, 0, start[0], size[0])?, 1, start[1], size[1])?.f_detach_copy()?;
        let [rows, columns] = *place;
        let part = |x: &Tensor, origin: [i64; 2]| {
            let x = cut(x, 0, rows[0] - origin[0], rows[1] - rows[0])?;
            cut(&x, 1, columns[0] - origin[1], columns[1] - columns[0])
        };
        part(&window, start)?.f_copy_(&part(filler, [0, 0])?)?;
        values.push(window);
        starts.push(start);
    }
    Ok(Windows { values: Tensor::f_cat(&values, 0)?, starts })
}

fn failed(error: TchError) -> Error {
    Error::torch("covering the image")(error)
}
