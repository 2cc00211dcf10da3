//! How to train: the options of [`Network::fit`](crate::network::Network::fit).

use std::time::Duration;

use tch::{COptimizer, TchError, Tensor};

use super::Dataset;
use crate::network::Network;
use crate::{Error, Result};

/// How a network is trained; each setter changes one thing.
///
/// ```no_run
/// # use convscope::prelude::*;
/// # fn train(mut net: Network, train: &Dataset, test: &Dataset) -> convscope::Result<()> {
/// let fit = Fit::new(10)
///     .batch(128)
///     .optimizer(Optimizer::Sgd { momentum: 0.9, nesterov: true })
///     .learning_rate(0.1)
///     .weight_decay(5e-4)
///     .augment(|images| images.f_flip([3]))
///     .validate(test);
/// let history = net.fit(train, fit)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fit {
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) optimizer: Optimizer,
    pub(super) learning_rate: f64,
    /// Layers with learning rates of their own.
    pub(super) rates: Vec<(String, f64)>,
    /// The layer up to which nothing changes.
    pub(super) frozen: Option<String>,
    pub(super) schedule: Schedule,
    pub(super) weight_decay: f64,
    pub(super) augment: Option<Augment>,
    pub(super) validation: Option<Dataset>,
    pub(super) time_limit: Option<Duration>,
    pub(super) seed: u64,
    pub(super) quiet: bool,
}

/// A change made to each batch of training images, `[N, C, H, W]`.
pub(super) type Augment = fn(&Tensor) -> std::result::Result<Tensor, TchError>;

/// The rule by which gradients change the parameters; libtorch's own implementations.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// Stochastic gradient descent. Its learning rate is larger than Adam's: try 0.05.
    Sgd {
        /// How much of the last step goes on into the next, 0 to below 1; 0.9 is usual.
        momentum: f64,
        /// Nesterov's form of the momentum, which looks ahead.
        nesterov: bool,
    },
    /// Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2014. Weight decay is part of
    /// the gradient.
    #[default]
    Adam,
    /// Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2017: Adam with the weight
    /// decay apart from the gradient.
    AdamW,
}

/// How the learning rate changes during training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// Always the same.
    Constant,
    /// From a tenth up to the full rate in the first quarter, then down to nothing along a cosine.
    /// Smith and Topin, "Super-Convergence", 2018.
    #[default]
    OneCycle,
}

impl Schedule {
    /// The factor of the learning rate when this share of the steps, 0 to 1, is done.
    pub(super) fn factor(self, progress: f64) -> f64 {
        const RISE: f64 = 0.25;
        match self {
            Schedule::Constant => 1.0,
            Schedule::OneCycle if progress < RISE => 0.1 + 0.9 * progress / RISE,
            Schedule::OneCycle => {
                let fall = (progress - RISE) / (1.0 - RISE);
                0.5 * (1.0 + (std::f64::consts::PI * fall).cos())
            }
        }
    }
}

impl Fit {
    /// `epochs` times through the data in batches of 64, with Adam and a learning rate that rises
    /// to 0.003 and falls to nothing.
    pub fn new(epochs: usize) -> Self {
        Fit {
            epochs,
            batch: 64,
            optimizer: Optimizer::default(),
            learning_rate: 3e-3,
            rates: Vec::new(),
            frozen: None,
            schedule: Schedule::default(),
            weight_decay: 0.0,
            augment: None,
            validation: None,
            time_limit: None,
            seed: 0,
            quiet: false,
        }
    }

    /// Sets the largest number of images in a batch. An epoch's batches differ by at most one
    /// image, so that no small remainder upsets batch normalization.
    #[must_use]
    pub fn batch(mut self, images: usize) -> Self {
        self.batch = images;
        self
    }

    /// Sets the optimizer.
    #[must_use]
    pub fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.optimizer = optimizer;
        self
    }

    /// Sets the learning rate; under [`Schedule::OneCycle`] its peak.
    #[must_use]
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.learning_rate = rate;
        self
    }

    /// Sets another learning rate for one layer and those under its name: a fresh head's, say, larger
    /// than that of layers which know much already. It changes as the other does. Of several names that
    /// hold a layer the last counts.
    #[must_use]
    pub fn learning_rate_of(mut self, layer: impl Into<String>, rate: f64) -> Self {
        self.rates.push((layer.into(), rate));
        self
    }

    /// Keeps a layer and all that it depends on as they are: parameters, and batch normalization's
    /// running statistics, by which it then normalizes as outside training. Dropout before it does
    /// nothing. `freeze("avgpool")` trains ResNet's last layer alone, `freeze("layer3")` its last
    /// stage too.
    ///
    /// What the frozen layers make of each image is computed once and kept where it fits into half of the
    /// free memory; with [`augment`](Fit::augment) it is computed for each batch anew. Either way the
    /// training is the same, but for rounding.
    #[must_use]
    pub fn freeze(mut self, layer: impl Into<String>) -> Self {
        self.frozen = Some(layer.into());
        self
    }

    /// Sets how the learning rate changes.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Sets how strongly parameters are drawn to 0 (default 0, not at all).
    #[must_use]
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }

    /// Changes each batch of training images, `[N, C, H, W]`, before the network sees it: flipped,
    /// shifted, noisy. What is drawn at random with libtorch repeats with the [`seed`](Fit::seed).
    pub fn augment(mut self, change: fn(&Tensor) -> std::result::Result<Tensor, TchError>) -> Self {
        self.augment = Some(change);
        self
    }

    /// Measures loss and accuracy on these data after each epoch. They are not learned from.
    #[must_use]
    pub fn validate(mut self, data: &Dataset) -> Self {
        self.validation = Some(data.clone());
        self
    }

    /// Stops after the batch in which this time is over, and keeps what was learned until then.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> Self {
        self.time_limit = Some(time);
        self
    }

    /// Sets the seed of the batches' order and, through `tch::manual_seed`, of dropout and
    /// augmentation. With one seed and one number of threads training repeats bit for bit on the
    /// CPU.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Says and shows nothing while it runs.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Refuses options that make no sense, by name.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::Argument(format!("Fit: {what}")));
        if self.epochs == 0 || self.batch == 0 {
            return refuse(
                "at least one epoch and a batch of at least one image are needed".into(),
            );
        }
        let own = self.rates.iter().map(|(_, rate)| *rate);
        for rate in own.chain([self.learning_rate]) {
            if !(rate.is_finite() && rate > 0.0) {
                return refuse(format!("a learning rate of {rate:?}, expected a positive number"));
            }
        }
        let decay = self.weight_decay;
        if !(decay.is_finite() && decay >= 0.0) {
            return refuse(format!("a weight decay of {decay:?}, expected 0 or more"));
        }
        match self.optimizer {
            Optimizer::Sgd { momentum, .. } if !(0.0..1.0).contains(&momentum) => {
                refuse(format!("a momentum of {momentum:?}, expected 0 to below 1"))
            }
            Optimizer::Sgd { momentum: 0.0, nesterov: true } => {
                refuse("Nesterov's form needs a momentum, such as 0.9".into())
            }
            _ => Ok(()),
        }
    }

    /// Refuses a learning rate for a layer that has nothing to train.
    pub(super) fn check_rates(&self, net: &Network, trained: &[(String, Tensor)]) -> Result<()> {
        for (layer, _) in &self.rates {
            let node = net.layer(layer)?;
            if !trained.iter().any(|(name, _)| is_under(name, layer)) {
                return Err(Error::Argument(format!(
                    "Fit: a learning rate for `{}`, which has no parameters that are trained; give a \
                     layer with parameters that isn't frozen",
                    node.name
                )));
            }
        }
        Ok(())
    }

    /// libtorch's optimizer of these parameters.
    pub(super) fn optimizer_of(
        &self,
        parameters: &[(String, Tensor)],
    ) -> std::result::Result<COptimizer, TchError> {
        const BETAS: (f64, f64) = (0.9, 0.999);
        const EPS: f64 = 1e-8;
        let (rate, decay) = (self.learning_rate, self.weight_decay);
        let mut optimizer = match self.optimizer {
            Optimizer::Sgd { momentum, nesterov } => {
                COptimizer::sgd(rate, momentum, 0.0, decay, nesterov)
            }
            Optimizer::Adam => COptimizer::adam(rate, BETAS.0, BETAS.1, decay, EPS, false),
            Optimizer::AdamW => COptimizer::adamw(rate, BETAS.0, BETAS.1, decay, EPS, false),
        }?;
        for (name, parameter) in parameters {
            optimizer.add_parameters(parameter, self.group_of(name))?;
        }
        Ok(optimizer)
    }

    /// Sets the learning rates of a step, whose factor this is.
    pub(super) fn set_rates(
        &self,
        optimizer: &mut COptimizer,
        factor: f64,
    ) -> std::result::Result<(), TchError> {
        let own = self.rates.iter().map(|(_, rate)| *rate);
        let rates = std::iter::once(self.learning_rate).chain(own);
        rates
            .enumerate()
            .try_for_each(|(group, rate)| optimizer.set_learning_rate_group(group, rate * factor))
    }

    /// Where a parameter's learning rate stands: 0 for that of all, from 1 on those of layers.
    pub(super) fn group_of(&self, parameter: &str) -> usize {
        self.rates.iter().rposition(|(layer, _)| is_under(parameter, layer)).map_or(0, |at| at + 1)
    }
}

/// Whether a parameter is one of this layer's, or of one under its name.
fn is_under(parameter: &str, layer: &str) -> bool {
    parameter
        .strip_prefix(layer)
        .is_some_and(|rest| matches!(rest, "" | "_weight" | "_bias") || rest.starts_with('.'))
}
