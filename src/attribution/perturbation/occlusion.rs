//! Occlusion: how much the score drops when a patch of the image is covered.
//!
//! Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2013
//! ([arXiv:1311.2901](https://arxiv.org/abs/1311.2901)). Only the region that a patch can change is
//! recomputed ([`crate::network`]'s regions), which gives the same values in less time.

use std::cell::RefCell;

use tch::{Kind, TchError, Tensor};

use super::Measure;
use super::patches::{Patches, baseline};
use super::variants::Variants;
use crate::attribution::figure::{ALONE, input_size};
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::live::{Preview, Progress, stopped};
use crate::network::{Network, Windows};
use crate::view::{Guess, Occlusion, PatchGrid};
use crate::{Error, Result};

/// What covering each place did to one image, batch by batch.
struct Covered {
    /// How far the measure drops at each place that was reached, row by row.
    drops: Vec<Tensor>,
    /// The scored row of classes at each of these places, `[places, classes]`; empty where no class is
    /// explained.
    outputs: Vec<Tensor>,
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
    let base = targets.measured(run.output()?, measure)?.f_double_value(&[0]).map_err(failed)?;
    let title = format!("Occlusion for {} in {}", targets.name(net, 0), input.title());
    let (unit, picture) = (targets.unit(0, measure), input.shown(net, ALONE)?);
    let [height, width] = input_size(run.input());
    let figure = |grids: Vec<PatchGrid>| {
        let figure = Occlusion::new(title.as_str(), unit, picture.clone(), base, grids)?;
        Ok(figure.input_size(height, width))
    };
    // One run for the stop button, also between two sizes.
    let _whole = Progress::new("Occlusion").quiet(true);
    let preview = RefCell::new(Preview::new(false));
    let (mut grids, mut unfinished) = (Vec::new(), Vec::new());
    for &patches in patches {
        let sides = [square(patches.size)?, square(patches.stride)?];
        let covered = cover(&run, patches, &|covered| {
            preview.borrow_mut().show(|| {
                let so_far = covered.patch_grid(sides, Vec::new())?;
                figure([grids.as_slice(), &[so_far]].concat())
            });
        })?;
        if let Some(stopped) = covered.stopped() {
            unfinished.push(format!("patch {}: {stopped}", sides[0]));
        }
        // Predictions only where classes are explained.
        let guesses = match targets.class(0) {
            Some(_) => {
                covered.guesses(&net.clone().with_output(&net.nodes()[targets.node].name)?)?
            }
            None => Vec::new(),
        };
        grids.push(covered.patch_grid(sides, guesses)?);
    }
    Ok(unfinished.into_iter().fold(figure(grids)?, Occlusion::note))
}

/// The side of a square.
fn square([height, width]: [i64; 2]) -> Result<u32> {
    u32::try_from(height).ok().filter(|_| height == width).ok_or_else(|| {
        Error::Argument(format!(
            "the figure shows square patches and strides, not [{height}, {width}]; \
             `Patches::explain` takes any"
        ))
    })
}

impl Attribution for Patches {
    fn name(&self) -> String {
        format!("Occlusion by {}×{}", self.size[0], self.size[1])
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let found = |maps: Tensor| -> Result<Attributions> {
            let unit = format!("drop of {}", run.targets()?.unit(0, self.measure));
            Ok(Attributions::signed(maps, unit).readings(
                "covering red regions lowers its score, covering blue ones raises it",
                "covering bright regions lowers its score",
            ))
        };
        let so_far = |covered: &Covered| {
            found(covered.map().and_then(|map| map.f_unsqueeze(0)).map_err(failed)?)
        };
        let (maps, stopped) = run.each(|one| {
            let covered = cover(one, *self, &|covered| one.show(|| so_far(covered)))?;
            Ok((covered.map().map_err(failed)?, covered.stopped()))
        })?;
        Ok(Attributions { stopped: stopped.into_iter().flatten().next(), ..found(maps)? })
    }
}

/// Covers each place of the run's only image. `shown` sees what is done after each batch.
fn cover(run: &Run<'_>, patches: Patches, shown: &dyn Fn(&Covered)) -> Result<Covered> {
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
    let (drops, outputs) = (Vec::new(), Vec::new());
    let mut covering = Covered { drops, outputs, size: [height, width], rows, columns };
    let classes = targets.class(0).is_some();
    let mut variants =
        Variants::new("Occlusion", places.len(), net, &input.size(), input.kind(), false)?;
    variants.most = net.variants_at_once(&base, patches.size)?.clamp(8, 256);
    variants.time_limit(patches.time_limit).run(|range| {
        let batch = places.get(range).unwrap_or_default();
        let windows = covered(input, &filler, batch, patches.size).map_err(failed)?;
        let output = tch::no_grad(|| net.run_regions(&base, &windows, targets.node))?;
        let scores = targets.repeated(batch.len()).measured(&output, patches.measure)?;
        covering.drops.push(score.f_sub(&scores).map_err(failed)?);
        // A map for each class, at each place, would fill the memory.
        if classes {
            covering.outputs.push(output);
        }
        shown(&covering);
        Ok(())
    })?;
    Ok(covering)
}

impl Covered {
    fn places(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    fn reached(&self) -> usize {
        self.drops.iter().map(Tensor::numel).sum()
    }

    /// The drops at the places that were reached, `[places]`.
    fn drops(&self) -> Result<Tensor, TchError> {
        Tensor::f_cat(&self.drops, 0)
    }

    /// The grid of a figure, for patches of this size and stride; places that were not reached have no number.
    fn patch_grid(&self, [size, stride]: [u32; 2], guesses: Vec<Vec<Guess>>) -> Result<PatchGrid> {
        let drops = self.drops().and_then(|drops| self.grid(&drops, f64::NAN));
        PatchGrid::new(size, stride, &drops.map_err(failed)?, guesses)
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
        let drops = self.drops()?;
        let kind = drops.kind();
        let drops = drops.f_to_device(tch::Device::Cpu)?.f_to_kind(Kind::Double)?;
        let covers = self.grid(&drops.f_ones_like()?, 0.0)?;
        spread(&self.grid(&drops, 0.0)?)?.f_div(&spread(&covers)?.f_clamp_min(1)?)?.f_to_kind(kind)
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
