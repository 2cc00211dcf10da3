//! The ascent of images that run as one batch.

use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;
use tch::{Device, Kind, TchError, Tensor};

use super::ascent::Climber;
use super::goal::Goal;
use super::image::{Images, Noise, mixed};
use super::penalty;
use super::pictures::pictures;
use super::start::started;
use super::{Ascent, Maximize, Objective};
use crate::error::shape_text;
use crate::limits::check_memory;
use crate::live::Progress;
use crate::network::ops::count;
use crate::network::{Network, backward, leaf};
use crate::picture::fit;
use crate::{Error, Result};

/// So often, images that no unit answers to are given noise, each time twice as strong.
const WAKING: i32 = 8;

/// What an ascent holds at least for each number of an image: itself, what is drawn and moved of it, the
/// gradient, the best, in single precision.
const IMAGE_BYTES: u64 = 5 * 4;

/// The images as they were at a step, without movement.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub step: usize,
    pub scores: Vec<f64>,
    /// The mean absolute difference between neighboring pixels.
    pub variations: Vec<f64>,
    /// Reduced where there are many.
    pub pictures: Vec<RgbImage>,
}

/// Images that ran as one batch, and what is needed to go on.
#[derive(Debug)]
pub(super) struct Group {
    /// The best of all moments, `[N, C, H, W]`, on the CPU, and their scores.
    pub best: Tensor,
    pub scores: Vec<f64>,
    pub moments: Vec<Arc<Moment>>,
    /// The mean score at each step, of the images as they were moved for it.
    pub course: Vec<f64>,
    pub seconds: f64,
    /// Why it ended before its steps were done.
    pub ended: Option<String>,
    /// Whether the scores are what ReLUs give, so that one below 0 says that they are silent.
    pub rectified: bool,
    parameters: Tensor,
    climber: Climber,
}

impl Clone for Group {
    /// The same numbers and pictures, not a copy of them.
    fn clone(&self) -> Group {
        Group {
            best: self.best.shallow_clone(),
            scores: self.scores.clone(),
            moments: self.moments.clone(),
            course: self.course.clone(),
            seconds: self.seconds,
            ended: self.ended.clone(),
            rectified: self.rectified,
            parameters: self.parameters.shallow_clone(),
            climber: self.climber.clone(),
        }
    }
}

/// A run under way.
struct Run<'a> {
    options: &'a Maximize,
    goal: Goal,
    images: Images,
    /// The number of the first image among all that are made.
    first: usize,
    group: Group,
    start: Instant,
    progress: Progress,
    /// Is shown the images at each moment.
    watch: &'a mut dyn FnMut(&Group),
    /// Steps that an earlier run did.
    before: usize,
    /// How often images were given stronger noise.
    woken: i32,
}

impl Group {
    /// Runs the ascent. `first` is the number of the first image among all; `watch` is shown the images
    /// whenever they are looked at.
    pub(super) fn run(
        net: &Network,
        objectives: &[Objective],
        options: &Maximize,
        first: usize,
        earlier: Option<&Group>,
        progress: Progress,
        watch: &mut dyn FnMut(&Group),
    ) -> Result<Group> {
        let [channels, height, width] = net.preprocess().input_shape();
        let [height, width] = options.size.map_or([height, width], |size| size.map(i64::from));
        let goal = Goal::new(net, objectives, options.robust.seen([height, width]))?;
        // Also without movement the images must fit.
        let shape = [objectives.len() as i64, channels, height, width];
        goal.layers.net.shapes(&shape)?;
        check_memory("maximizing", count(&shape).saturating_mul(IMAGE_BYTES), net.device())?;
        let kind = image_kind(net);
        let images = Images::new(options.parameters, options.color, shape, kind)?;
        let parameters = match earlier {
            Some(earlier) => earlier.parameters_for(&images)?,
            None => started(net, options, &images, shape, first, kind)?,
        };
        let group = Group {
            best: Tensor::new(),
            scores: Vec::new(),
            moments: earlier.map_or_else(Vec::new, |earlier| earlier.moments.clone()),
            course: earlier.map_or_else(Vec::new, |earlier| earlier.course.clone()),
            seconds: 0.0,
            ended: None,
            rectified: goal.layers.are_rectified() && objectives.iter().all(Objective::is_of_units),
            parameters,
            climber: earlier.map_or_else(|| Ok(Climber::default()), |e| e.climber.copy())?,
        };
        let mut run = Run {
            options,
            goal,
            images,
            first,
            before: group.course.len(),
            woken: 0,
            group,
            start: Instant::now(),
            progress,
            watch,
        };
        if let Some(earlier) = earlier {
            run.group.best = earlier.best.f_detach_copy().map_err(failed)?;
            run.group.scores.clone_from(&earlier.scores);
            run.group.moments.pop(); // seen again as the first moment of this run
        }
        run.climb()?;
        Ok(run.group)
    }

    fn parameters_for(&self, images: &Images) -> Result<Tensor> {
        let expected = images.parameter_shape();
        if self.parameters.size() != expected {
            return Err(Error::Shape {
                at: "images to continue from".to_owned(),
                expected: format!("parameters {}", shape_text(&expected)),
                got: shape_text(&self.parameters.size()),
                remedy:
                    "Continue with as many images of the same size and parameters, or start again \
                         from them: `.start(Start::images(earlier.values()))`."
                        .to_owned(),
            });
        }
        self.parameters.f_detach_copy().map_err(failed)
    }

    /// The best score of an image.
    pub(super) fn score(&self, image: usize) -> f64 {
        self.scores.get(image).copied().unwrap_or(f64::NAN)
    }

    /// Whether an image had one score at all moments, but for rounding.
    pub(super) fn is_constant(&self, image: usize) -> bool {
        const ROUNDING: f64 = 1e-6;
        let scores = || self.moments.iter().filter_map(|moment| moment.scores.get(image).copied());
        let low = scores().fold(f64::INFINITY, f64::min);
        let high = scores().fold(self.score(image), f64::max);
        scores().count() > 1 && high - low <= ROUNDING * low.abs().max(high.abs())
    }

    /// How many steps were done in all.
    pub(super) fn steps(&self) -> usize {
        self.course.len()
    }
}

impl Run<'_> {
    fn climb(&mut self) -> Result<()> {
        let steps = self.options.steps;
        let moments = self.options.frames.clamp(1, steps.max(1));
        let passed = |step: usize| step * moments / steps.max(1);
        let is_moment = |step: usize| step == 0 || passed(step) > passed(step - 1);
        for step in 0..=steps {
            let over = self.progress.is_over();
            if is_moment(step) || over {
                self.look()?;
            }
            if step == steps {
                break;
            }
            if over {
                let why = self.progress.reason();
                self.group.ended = Some(format!("{why} after {step} of {steps} steps"));
                break;
            }
            if is_moment(step) && self.is_flat() {
                self.group.ended = Some(format!("no more growth after {step} of {steps} steps"));
                break;
            }
            self.step()?;
            self.say(step + 1);
        }
        self.group.seconds = self.start.elapsed().as_secs_f64();
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        let (score, gradient, variation) = tch::with_grad(|| self.gradients())?;
        let smooths = self.smooths();
        let group = &mut self.group;
        let step = group.course.len();
        if !score.is_finite() {
            return Err(Error::Argument(format!(
                "the score is no longer a finite number after step {step}; take a smaller rate, by a \
                 factor of 10, say"
            )));
        }
        group.course.push(score);
        tch::no_grad(|| {
            if self.woken < WAKING {
                let strength = 2f64.powi(self.woken + 1);
                let seed = self.options.seed ^ strength.to_bits();
                let noise = Noise { seed, first: self.first, strength };
                self.woken += i32::from(self.images.wake(&group.parameters, &gradient, noise)?);
            }
            let (climber, ascent) = (&mut group.climber, self.options.ascent);
            climber.step(ascent, &group.parameters, &gradient, variation.as_ref())?;
            if smooths {
                climber.smooth(&group.parameters, self.options.tv)?;
            }
            if self.images.is_plain() {
                let _ = group.parameters.f_clamp_(0.0, 1.0).map_err(failed)?;
            }
            Ok(())
        })
    }

    /// Whether the total variation is taken out of the pixels after each step, and not climbed.
    fn smooths(&self) -> bool {
        matches!(self.options.ascent, Ascent::Plain { .. })
            && self.images.is_plain()
            && self.options.tv > 0.0
    }

    /// The mean score of the images as they are moved at this step, the gradient of the sum, and that
    /// of the total variation where it is climbed.
    fn gradients(&self) -> Result<(f64, Tensor, Option<Tensor>)> {
        let leaf = leaf(&self.group.parameters)?;
        let images = self.images.draw(&leaf)?;
        let batch = images.size().first().copied().unwrap_or(1) as usize;
        let step = self.group.course.len() as u64;
        let seed = |image| mixed(self.options.seed ^ 0x5EED, (step << 24) ^ image as u64);
        let mut random: Vec<_> = (self.first..self.first + batch).map(seed).collect();
        let moved = self.options.robust.apply(&images, &mut random)?;
        let input = self.goal.layers.net.preprocess().normalized(&moved)?;
        let scores = self.goal.scores(&images, &input)?;
        let total = scores.f_sum(scores.kind()).map_err(failed)?;
        let score = total.f_double_value(&[]).map_err(failed)? / batch as f64;
        let climbs_variation = self.options.tv > 0.0 && !self.smooths();
        let slope = |total: &Tensor, keep: bool| -> Result<Tensor> {
            let slope = backward(total, &[&leaf], keep)?.pop().flatten();
            slope.map_or_else(|| leaf.f_zeros_like().map_err(failed), Ok)
        };
        let gradient = slope(&total, climbs_variation)?;
        if !climbs_variation {
            return Ok((score, gradient, None));
        }
        let variation = penalty::total_variation(&images)
            .and_then(|each| each.f_sum(each.kind())?.f_mul_scalar(self.options.tv));
        Ok((score, gradient, Some(slope(&variation.map_err(failed)?, false)?)))
    }

    /// Looks at the images without movement, and keeps the best.
    fn look(&mut self) -> Result<()> {
        let (images, scores) = tch::no_grad(|| -> Result<_> {
            let images = self.images.draw(&self.group.parameters)?;
            let input = self.goal.layers.net.preprocess().normalized(&images)?;
            let scores = self.goal.scores(&images, &input)?;
            Ok((images, scores))
        })?;
        let images = images.f_to_device(Device::Cpu).map_err(failed)?;
        let numbers = |tensor: &Tensor| -> Result<Vec<f64>, TchError> {
            Vec::try_from(tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?)
        };
        let scores = numbers(&scores).map_err(failed)?;
        let count = images.numel().max(1) / scores.len().max(1);
        let variations = penalty::total_variation(&images)
            .and_then(|sums| numbers(&sums.f_div_scalar(count.max(1) as f64)?));
        let side = match scores.len() {
            1 => 480,
            2..=16 => 112,
            _ => 56,
        };
        let all = pictures(&images)?;
        let step = self.group.course.len();
        self.group.moments.push(Arc::new(Moment {
            step,
            variations: variations.map_err(failed)?,
            pictures: all.iter().map(|picture| fit(picture, side)).collect(),
            scores: scores.clone(),
        }));
        self.keep(&images, scores).map_err(failed)?;
        self.group.seconds = self.start.elapsed().as_secs_f64();
        (self.watch)(&self.group);
        Ok(())
    }

    fn keep(&mut self, images: &Tensor, scores: Vec<f64>) -> Result<(), TchError> {
        if self.group.scores.is_empty() {
            self.group.best = images.f_detach_copy()?;
            self.group.scores = scores;
            return Ok(());
        }
        for (at, (best, score)) in self.group.scores.iter_mut().zip(scores).enumerate() {
            if score > *best {
                *best = score;
                let mut kept = self.group.best.f_get(at as i64)?;
                kept.f_copy_(&images.f_get(at as i64)?)?;
            }
        }
        Ok(())
    }

    /// Whether the best mean score grew by less than 0.5 % in the last steps of patience.
    fn is_flat(&self) -> bool {
        let Some(patience) = self.options.patience else { return false };
        let now = self.group.course.len();
        let since = now.saturating_sub(patience);
        if now < self.before + patience || patience == 0 {
            return false;
        }
        let best = |until: usize| {
            let moments = self.group.moments.iter().filter(|moment| moment.step <= until);
            moments.map(|m| mean(&m.scores)).fold(f64::NEG_INFINITY, f64::max)
        };
        let (earlier, latest) = (best(since), best(now));
        earlier.is_finite() && latest - earlier <= 0.005 * earlier.abs()
    }

    fn say(&mut self, step: usize) {
        let (steps, group) = (self.options.steps, &self.group);
        self.progress.step(step, steps, || {
            let score = group.course.last().copied().unwrap_or_default();
            let variation = group.moments.last().map_or(0.0, |moment| mean(&moment.variations));
            format!("step {step} of {steps}, score {score:.3}, TV {variation:.4}")
        });
    }
}

/// The precision and the device of images for a network. Those for a network in half precision are in
/// single precision: libtorch has no Fourier transform in half on the CPU, and small steps would be lost.
fn image_kind(net: &Network) -> (Kind, Device) {
    match net.kind_and_device() {
        (Kind::Half | Kind::BFloat16, device) => (Kind::Float, device),
        other => other,
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn failed(error: TchError) -> Error {
    Error::torch("maximizing")(error)
}
