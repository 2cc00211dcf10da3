//! How an image is made: presets, and a setter for each thing.

use std::time::Duration;

use super::group::Group;
use super::image::{Color, Parameters};
use super::robust::Robust;
use super::start::Start;
use super::{Maximized, Objective};
use crate::limits::{PIXELS, check_count};
use crate::{Error, Result};

/// How the parameters follow the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ascent {
    /// x ← x + rate·∂a/∂x − λ·∇TV(x), with λ of [`Maximize::tv`]. Between neighbors that differ by less
    /// than such a step, they meet instead of passing each other, so a larger λ always means less
    /// variation (the proximal step; for pixels in red, green and blue).
    Plain {
        /// `None` chooses it once for each image, so that the first step with a slope moves the
        /// parameters by 0.02 (root mean square).
        rate: Option<f64>,
    },
    /// Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2014, upwards; the total variation
    /// times λ is part of what it climbs.
    Adam {
        /// The learning rate.
        rate: f64,
    },
}

/// How images are made that a unit, a class or any [`Objective`] answers to: a preset, and what is
/// changed of it.
///
/// ```
/// use convscope::prelude::*;
///
/// let net = zoo::digits()?;
/// let seven = Maximize::classic().steps(40).seed(3).run(&net, "7")?;
/// assert!(seven.probability() > Some(0.95));
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Maximize {
    pub(super) steps: usize,
    pub(super) size: Option<[u32; 2]>,
    pub(super) seed: u64,
    pub(super) start: Start,
    pub(super) parameters: Parameters,
    pub(super) color: Color,
    pub(super) robust: Robust,
    pub(super) ascent: Ascent,
    pub(super) tv: f64,
    pub(super) images: usize,
    pub(super) frames: usize,
    pub(super) patience: Option<usize>,
    pub(super) time_limit: Option<Duration>,
    pub(super) quiet: bool,
    pub(super) earlier: Vec<Group>,
}

impl Default for Maximize {
    fn default() -> Self {
        Maximize::lucid()
    }
}

impl Maximize {
    /// After Olah, Mordvintsev, Schubert, "Feature Visualization", 2017, and their program lucid: 512
    /// steps of Adam on Fourier coefficients in decorrelated colors, the image moved at each step.
    pub fn lucid() -> Maximize {
        Maximize {
            steps: 512,
            size: None,
            seed: 0,
            start: Start::Noise,
            parameters: Parameters::Fourier,
            color: Color::Decorrelated,
            robust: Robust::LUCID,
            ascent: Ascent::Adam { rate: 0.05 },
            tv: 0.0,
            images: 1,
            frames: 40,
            patience: None,
            time_limit: None,
            quiet: false,
            earlier: Vec::new(),
        }
    }

    /// As lessons teach it: from noise, 200 steps x ← x + rate·∂a/∂x − λ·∇TV(x) on the pixels, which
    /// are kept between 0 and 1. Erhan et al., "Visualizing Higher-Layer Features of a Deep Network",
    /// 2009; the total variation is from Mahendran, Vedaldi, 2014
    /// ([arXiv:1412.0035](https://arxiv.org/abs/1412.0035)).
    pub fn classic() -> Maximize {
        Maximize {
            steps: 200,
            parameters: Parameters::Pixels,
            color: Color::Rgb,
            robust: Robust::NONE,
            ascent: Ascent::Plain { rate: None },
            tv: 0.002,
            ..Maximize::lucid()
        }
    }

    /// Sets the number of steps.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// Sets the image's height and width; the network's own unless set. What lies beyond the layers
    /// that the objective reads doesn't matter.
    #[must_use]
    pub fn size(mut self, height: u32, width: u32) -> Self {
        self.size = Some([height, width]);
        self
    }

    /// Sets the seed of noise and movements. One seed always gives one image, on the CPU bit for bit.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets from what image the ascent starts.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Sets which numbers are changed.
    #[must_use]
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets what the planes of a color image stand for.
    #[must_use]
    pub fn color(mut self, color: Color) -> Self {
        self.color = color;
        self
    }

    /// Sets how the image is moved at each step.
    #[must_use]
    pub fn robust(mut self, robust: Robust) -> Self {
        self.robust = robust;
        self
    }

    /// Sets how the parameters follow the gradient.
    #[must_use]
    pub fn ascent(mut self, ascent: Ascent) -> Self {
        self.ascent = ascent;
        self
    }

    /// Sets λ, the weight of the total variation (the sum of absolute differences between
    /// neighboring pixels). More makes smoother images.
    #[must_use]
    pub fn tv(mut self, weight: f64) -> Self {
        self.tv = weight;
        self
    }

    /// Makes several images of the one objective, from different noise; with
    /// [`Objective::diversity`] they differ on purpose.
    #[must_use]
    pub fn images(mut self, count: usize) -> Self {
        self.images = count;
        self
    }

    /// Sets at how many moments, evenly spread, the image is looked at without movement: each gives
    /// a frame of the film and a point of its curves, and the best image is chosen of them. 40 unless
    /// set, at least 1.
    #[must_use]
    pub fn frames(mut self, count: usize) -> Self {
        self.frames = count;
        self
    }

    /// Stops early where the best score has grown by less than 0.5 % in so many steps.
    #[must_use]
    pub fn patience(mut self, steps: usize) -> Self {
        self.patience = Some(steps);
        self
    }

    /// Ends after this time with what there is, as the stop button does; the figure says so.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> Self {
        self.time_limit = Some(time);
        self
    }

    /// Says and shows nothing while it runs.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Goes on where an earlier run ended, for so many steps more: with the same options, 100 steps and
    /// 100 more give what 200 give.
    #[must_use]
    pub fn continue_from(mut self, earlier: &Maximized) -> Self {
        self.earlier = earlier.groups.clone();
        self
    }

    pub(super) fn check(&self, objectives: &[Objective]) -> Result<()> {
        let refuse = |what: String| Err(Error::Argument(what));
        if objectives.is_empty() {
            return refuse("nothing to maximize: name at least one unit or class".to_owned());
        }
        if let Some([height, width]) = self.size
            && !(1..=PIXELS).contains(&(u64::from(height) * u64::from(width)))
        {
            return refuse(format!(
                "an image of {height}×{width} can't be made: give a height and a width of at least 1 \
                 pixel, and of at most {PIXELS} pixels in all"
            ));
        }
        // None at all are a way to look at the start.
        check_count("steps", self.steps.max(1), 512)?;
        let rate = match self.ascent {
            Ascent::Plain { rate } => rate.unwrap_or(1.0),
            Ascent::Adam { rate } => rate,
        };
        const MOST: f64 = 1e6;
        if !(rate > 0.0 && rate <= MOST && (0.0..=MOST).contains(&self.tv)) {
            return refuse(format!(
                "a learning rate of {rate:e} and a total variation weighted by {:e}: the rate is above \
                 0 (0.05 for Adam), the weight at least 0, and both at most {MOST:e}",
                self.tv
            ));
        }
        self.robust.check()
    }
}
