//! One call of t-SNE: a map for each perplexity.

use tch::{Kind, Tensor};

use super::super::embedding::{Frame, Layout};
use super::super::neighbors::Neighbors;
use super::super::{Features, Pca, Quality, Torch};
use super::exact::AllPairs;
use super::model::Model;
use super::optimizer::Descent;
use super::{ALL_PAIRS, Divergence, Start, Step, Tsne};
use crate::live::{Preview, Progress};
use crate::random::Random;
use crate::view::Scatter;
use crate::{Error, Result};

/// The deviation of a start: so near that all points attract one another.
const CLOSE: f64 = 1e-4;
/// Momentum during the early exaggeration and after it.
const MOMENTA: [f64; 2] = [0.5, 0.8];

pub(super) struct Run<'a, W> {
    options: &'a Tsne,
    of: &'a Features,
    features: &'a Tensor,
    every: usize,
    watch: W,
    preview: Preview,
}

impl<'a, W: FnMut(&Step) -> bool> Run<'a, W> {
    pub(super) fn new(options: &'a Tsne, of: &'a Features, every: usize, watch: W) -> Self {
        let preview = Preview::new(options.quiet);
        Run { options, of, features: of.values(), every: every.max(1), watch, preview }
    }

    /// The map for one perplexity.
    pub(super) fn map(&mut self, perplexity: f64, near: &Neighbors) -> Result<Layout> {
        let options = self.options;
        let count = self.features.size()[0];
        let exact = options.is_exact(count);
        let k = options.neighbors(count as usize, perplexity);
        let model = match exact {
            true => Model::all_pairs(self.features, perplexity),
            false => Model::interpolated(near, k, perplexity),
        };
        let mut model = model.map_err(failed)?;
        let mut map = self.start().and_then(|map| model.ordered(&map).map_err(failed))?;
        let mut descent = Descent::new(&map).map_err(failed)?;
        let early = (options.iterations / 4).min(250);
        let what = format!("t-SNE, perplexity {perplexity}");
        let mut progress = Progress::new(&what).time_limit(options.time_limit).quiet(options.quiet);
        let mut frames = Vec::new();
        let mut done = 0;
        while done < options.iterations && !progress.is_over() {
            let exaggerated = done < early;
            if done == early {
                // What was gathered under other forces would carry on.
                descent = Descent::new(&map).map_err(failed)?;
            }
            self.step(&mut model, &mut map, &mut descent, exaggerated).map_err(failed)?;
            done += 1;
            let frame = options.record > 0 && done % options.record == 0;
            let watched = done % self.every == 0;
            if frame || watched {
                let step = self.seen(&mut model, &map, done, perplexity)?;
                if frame {
                    frames.push(Frame::of(&step));
                }
                if watched && !(self.watch)(&step) {
                    break;
                }
            }
            let all = options.iterations;
            self.preview.show(|| {
                let points = centered(&map).and_then(|map| model.restored(&map)).map_err(failed)?;
                let scatter = Scatter::new(format!("{}: {what}", self.of.title), &points)?;
                let scatter = self.of.metadata.color(scatter)?;
                Ok(scatter.note(format!("{done} of {all} iterations")))
            });
            progress.step(done, all, || format!("{done} of {all} iterations"));
        }
        let last = self.seen(&mut model, &map, done, perplexity)?;
        if options.record > 0 && done % options.record != 0 {
            frames.push(Frame::of(&last));
        }
        Ok(Layout {
            of: String::new(),
            divergence: Some(self.divergence(perplexity, &last, exact)?),
            quality: Quality::of(self.features, &last.points)?,
            points: last.points,
            perplexity: Some(perplexity),
            iterations: done,
            note: String::new(),
            features: self.features.shallow_clone(),
            frames,
        })
    }

    /// One iteration.
    fn step(
        &self,
        model: &mut Model,
        map: &mut Tensor,
        descent: &mut Descent,
        exaggerated: bool,
    ) -> Torch<()> {
        let [early, late] = MOMENTA;
        let (exaggeration, momentum) =
            if exaggerated { (self.options.early_exaggeration, early) } else { (1.0, late) };
        let forces = model.forces(map)?;
        let repulsion = forces.repulsion.f_div(&forces.sum)?;
        let mut force = forces.attraction.f_mul_scalar(4.0 * exaggeration)?;
        let force = force.f_add_(&repulsion.f_mul_scalar(4)?)?;
        descent.step(map, &force, self.rate(), momentum)
    }

    fn rate(&self) -> f64 {
        let count = self.features.size()[0] as f64;
        let recommended = (count / self.options.early_exaggeration).max(50.0);
        self.options.learning_rate.unwrap_or(recommended)
    }

    /// The start, `[2, N]`, with its larger deviation [`CLOSE`].
    fn start(&self) -> Result<Tensor> {
        let count = self.features.size()[0];
        let like = Tensor::f_zeros([2, count], (Kind::Float, self.features.device()));
        let noise =
            like.and_then(|like| Random(self.options.seed).normal(&like)).map_err(failed)?;
        let scaled = |map: &Tensor, by: f64| {
            let deviation = map.f_std_dim(1i64, true, true)?.f_max()?.f_clamp_min(1e-30)?;
            map.f_div(&deviation)?.f_mul_scalar(by)
        };
        let wide = self.features.size()[1] >= 2;
        match self.options.start {
            Start::Pca if wide => {
                let map = Pca::fit(self.features, 2)?.transform(self.features)?;
                let map = map.f_transpose(0, 1).and_then(|map| {
                    scaled(&map.f_to_kind(Kind::Float)?.f_contiguous()?, CLOSE)?
                        .f_add(&noise.f_mul_scalar(CLOSE / 100.0)?)
                });
                map.map_err(failed)
            }
            _ => scaled(&noise, CLOSE).map_err(failed),
        }
    }

    /// The map as it is now, centered, in the features' order.
    fn seen(
        &self,
        model: &mut Model,
        map: &Tensor,
        iteration: usize,
        perplexity: f64,
    ) -> Result<Step> {
        let read =
            |model: &mut Model| Ok((model.restored(&centered(map)?)?, model.divergence(map)?));
        let (points, divergence) = read(model).map_err(failed)?;
        if !divergence.is_finite() {
            return Err(Error::Argument(format!(
                "t-SNE: after {iteration} iterations the points have flown apart; lower the learning \
                 rate ({} now), by a factor of 10, say",
                self.rate()
            )));
        }
        let iterations = self.options.iterations;
        Ok(Step { iteration, iterations, perplexity, points, divergence })
    }

    /// The final map's divergence, by all pairs where they are few enough.
    fn divergence(&self, perplexity: f64, last: &Step, exact: bool) -> Result<Divergence> {
        if exact || self.features.size()[0] > ALL_PAIRS {
            return Ok(Divergence { value: last.divergence, all_pairs: exact });
        }
        let all = || {
            let map = last.points.f_transpose(0, 1)?.f_contiguous()?;
            AllPairs::new(self.features, perplexity)?.divergence(&map)
        };
        Ok(Divergence { value: all().map_err(failed)?, all_pairs: true })
    }
}

fn centered(map: &Tensor) -> Torch<Tensor> {
    map.f_sub(&map.f_mean_dim(1, true, Kind::Float)?)
}

fn failed(error: tch::TchError) -> Error {
    Error::torch("computing a t-SNE map")(error)
}
