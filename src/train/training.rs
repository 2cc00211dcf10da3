//! The loop: `net.fit(&data, Fit::new(3))`

use std::time::Instant;

use tch::{COptimizer, TchError, Tensor};

use super::accuracy::Tally;
use super::course::Course;
use super::lesson::Lesson;
use super::{Dataset, Epoch, Fit, History, Score};
use crate::error::shape_text;
use crate::live::Progress;
use crate::network::{Cut, Network, Op, OutputScale};
use crate::random::Random;
use crate::{Error, Result};

impl Network {
    /// Trains the network to tell the classes of `data` apart: cross-entropy of its output
    /// `[N, classes]` (logits, or what a softmax at its end makes of them), over shuffled batches. Loss and
    /// accuracy are shown while it runs (elsewhere than under the `convscope` kernel a line an epoch, and some
    /// in long ones). The stop button keeps what was learned until then.
    ///
    /// The parameters change in place. Gradients and marks don't stay behind.
    ///
    /// # Errors
    ///
    /// Data that don't fit the network, labels beyond its classes, options that make no
    /// sense, a network without parameters; batches that leave batch normalization one value a
    /// channel; an augmentation that fails; a loss that is no longer finite ([`Error::Diverged`]).
    /// After any of them parameters and running statistics are those from before that epoch.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let mut net = zoo::digits_untrained()?;
    /// let data = Dataset::prepare(&net, &data::digits(200, 1)?)?;
    /// let history = net.fit(&data, Fit::new(2).batch(20))?;
    /// assert!(history.epochs()[1].train.loss < history.epochs()[0].train.loss);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn fit(&mut self, data: &Dataset, fit: Fit) -> Result<History> {
        fit.check()?;
        for data in [Some(data), fit.validation.as_ref()].into_iter().flatten() {
            self.check_labeled(data)?;
        }
        if self.output_scale() == OutputScale::Independent {
            return Err(Error::Argument(format!(
                "{} ends in a sigmoid, which says of each class by itself whether it is there; `fit` trains \
                 to tell classes apart. End it with the layer before, or with a softmax.",
                self.name()
            )));
        }
        self.unpack();
        let cut = self.cut_behind(fit.frozen.as_deref())?;
        // Fresh leaves, so that no tensor in the caller's hands is marked.
        self.detach_parameters()?;
        let outcome = tch::with_grad(|| Training::new(self, &cut, data, &fit)?.run());
        self.detach_parameters()?;
        outcome
    }

    fn detach_parameters(&mut self) -> Result<()> {
        self.replace_parameters(|name, tensor| {
            tensor.f_detach().map_err(Error::torch(format!("detaching {name}")))
        })
    }
}

/// One call of `fit`.
struct Training<'a> {
    net: &'a Network,
    /// Behind it is what is trained.
    cut: &'a Cut,
    data: Lesson<'a>,
    validation: Option<Lesson<'a>>,
    fit: &'a Fit,
    optimizer: COptimizer,
    random: Random,
    /// Batches in an epoch, and those done in all.
    batches: usize,
    done: usize,
    course: Course<'a>,
    progress: Progress,
}

impl<'a> Training<'a> {
    fn new(
        net: &'a Network,
        cut: &'a Cut,
        data: &'a Dataset,
        fit: &'a Fit,
    ) -> Result<Training<'a>> {
        let parameters = net.tensors_behind(cut, false);
        if parameters.is_empty() {
            return Err(Error::Argument(match &fit.frozen {
                Some(layer) => format!(
                    "freezing {} up to `{layer}` leaves nothing to train; freeze up to an earlier layer",
                    net.name()
                ),
                None => format!(
                    "{} has no parameters to train; add a convolution or a linear layer",
                    net.name()
                ),
            }));
        }
        fit.check_rates(net, &parameters)?;
        let batches = data.len().div_ceil(fit.batch);
        check_statistics(net, cut, data, batches)?;
        for (_, parameter) in &parameters {
            let _ = parameter.f_set_requires_grad(true).map_err(failed)?;
        }
        tch::manual_seed(fit.seed as i64);
        Ok(Training {
            net,
            cut,
            data: Lesson::new(net, cut, data),
            validation: fit.validation.as_ref().map(|data| Lesson::new(net, cut, data)),
            fit,
            optimizer: fit.optimizer_of(&parameters).map_err(failed)?,
            random: Random(fit.seed),
            batches,
            done: 0,
            course: Course::new(net.name(), fit),
            progress: Progress::new("training").time_limit(fit.time_limit).quiet(fit.quiet),
        })
    }

    fn run(mut self) -> Result<History> {
        self.freeze()?;
        let mut epochs = Vec::new();
        while self.done < self.all() && !self.progress.is_over() {
            let start = Instant::now();
            let saved = self.saved()?;
            let scores = self.epoch().and_then(|train| {
                Ok((train, self.validation.as_ref().map(Lesson::score).transpose()?))
            });
            let (train, validation) = match scores {
                Ok(scores) => scores,
                Err(error) => {
                    self.restore(&saved)?;
                    return Err(error);
                }
            };
            let at = self.at();
            let epoch = Epoch { at, train, validation, seconds: start.elapsed().as_secs_f64() };
            let line = format!("epoch {} of {}: {epoch}", at.ceil(), self.fit.epochs);
            self.progress.reached(self.done, self.all(), &line);
            epochs.push(epoch);
            self.course.add(at, self.progress.seconds(), train, validation);
        }
        let ended = (self.done < self.all()).then(|| self.progress.reason());
        Ok(History::new(self.net.name(), epochs, self.fit, ended))
    }

    /// How many epochs are done.
    fn at(&self) -> f64 {
        self.done as f64 / self.batches as f64
    }

    /// Says what is frozen, and runs that once if its values can be kept.
    fn freeze(&mut self) -> Result<()> {
        let Some(layer) = &self.fit.frozen else { return Ok(()) };
        let count = |parameters: &[(String, Tensor)]| {
            parameters.iter().map(|(_, tensor)| tensor.numel()).sum::<usize>()
        };
        let all = count(&self.net.parameters());
        let trained = count(&self.net.tensors_behind(self.cut, false));
        self.progress
            .say(&format!("{trained} of {all} parameters; all up to `{layer}` stays as it is"));
        if self.fit.augment.is_some() {
            return Ok(());
        }
        let lessons = [Some(&mut self.data), self.validation.as_mut()];
        lessons.into_iter().flatten().try_for_each(|lesson| lesson.keep(&mut self.progress))
    }

    /// Once through the data, or until time is up.
    fn epoch(&mut self) -> Result<Score> {
        let count = self.data.data.len();
        let order = self.random.order(count as i64);
        let mut tally = Tally::new(self.net);
        for batch in 0..self.batches {
            // The batches are as equal as whole numbers can be.
            let bound = |batch: usize| count * batch / self.batches;
            self.step(&order[bound(batch)..bound(batch + 1)], &mut tally)?;
            self.done += 1;
            if batch + 1 < self.batches {
                if self.progress.is_over() {
                    break;
                }
                self.say_now_and_then(batch + 1, &tally);
                self.course.add(self.at(), self.progress.seconds(), tally.score(), None);
            }
        }
        let trained = self.net.tensors_behind(self.cut, true);
        let broken = trained.into_iter().map(|(_, tensor)| is_finite(&tensor));
        if broken.collect::<Result<Vec<bool>>>()?.contains(&false) {
            return Err(self.diverged("a parameter", self.done - 1));
        }
        Ok(tally.score())
    }

    /// Learns from the images of these indices.
    fn step(&mut self, chosen: &[i64], tally: &mut Tally) -> Result<()> {
        let (values, labels) = self.data.batch(chosen, |batch| self.augmented(batch.images()))?;
        let logits = self.net.run_behind(self.cut, &values, true)?;
        let loss = tally.add(&logits, &labels)?;
        if !tally.is_finite() {
            return Err(self.diverged("the loss", self.done));
        }
        let progress = self.done as f64 / self.all() as f64;
        let factor = self.fit.schedule.factor(progress);
        let mut learn = || {
            self.optimizer.zero_grad()?;
            loss.f_backward()?;
            self.fit.set_rates(&mut self.optimizer, factor)?;
            self.optimizer.step()
        };
        learn().map_err(failed)
    }

    /// A batch's images as they are learned from.
    fn augmented(&self, images: &Tensor) -> Result<Tensor> {
        let changed = match self.fit.augment {
            Some(change) => tch::no_grad(|| change(images))
                .map_err(Error::torch("augmenting a batch (`Fit::augment`)"))?,
            None => images.shallow_clone(),
        };
        if changed.size().first() != images.size().first() {
            return Err(Error::Shape {
                at: "`Fit::augment`".to_owned(),
                expected: format!("as many images as came, {}", shape_text(&images.size())),
                got: shape_text(&changed.size()),
                remedy: "Change images without adding or leaving out any.".to_owned(),
            });
        }
        Ok(changed)
    }

    /// How many batches there would be in all epochs.
    fn all(&self) -> usize {
        self.fit.epochs.saturating_mul(self.batches)
    }

    fn diverged(&self, what: &'static str, step: usize) -> Error {
        let (epoch, batch) = (step / self.batches + 1, step % self.batches + 1);
        Error::Diverged { what, epoch, batch, learning_rate: self.fit.learning_rate }
    }

    /// Copies of all parameters and buffers that training changes.
    fn saved(&self) -> Result<Vec<Tensor>> {
        let trained = self.net.tensors_behind(self.cut, true).into_iter();
        trained.map(|(_, tensor)| tensor.f_detach_copy().map_err(failed)).collect()
    }

    fn restore(&self, saved: &[Tensor]) -> Result<()> {
        for ((_, tensor), saved) in self.net.tensors_behind(self.cut, true).into_iter().zip(saved) {
            tch::no_grad(|| tensor.shallow_clone().f_copy_(saved)).map_err(failed)?;
        }
        Ok(())
    }

    /// A line within an epoch, now and then.
    fn say_now_and_then(&mut self, batch: usize, tally: &Tally) {
        let (epoch, epochs, batches) =
            (self.done / self.batches + 1, self.fit.epochs, self.batches);
        self.progress.step(self.done, self.all(), || {
            let loss = tally.score().loss;
            format!("epoch {epoch} of {epochs}, {batch} of {batches} batches, loss {loss:.4}")
        });
    }
}

/// Refuses batches in which a batch normalization would get one value a channel: it has no variance.
fn check_statistics(net: &Network, cut: &Cut, data: &Dataset, batches: usize) -> Result<()> {
    let smallest = data.len() / batches;
    let mut size = data.images().size();
    size[0] = smallest as i64;
    // Its output is as large as what it normalizes.
    let nodes = net.nodes().iter().enumerate().filter(|(index, _)| cut.is_behind(*index));
    let shapes = net.shapes(&size)?;
    let alone = nodes.map(|(index, node)| (node, &shapes[index])).find(|(node, shape)| {
        let of_a_channel = shape.iter().enumerate().filter(|(axis, _)| *axis != 1);
        matches!(node.op, Op::BatchNorm2d(_))
            && of_a_channel.map(|(_, &size)| size).product::<i64>() < 2
    });
    match alone {
        Some((node, _)) => Err(Error::Argument(format!(
            "`{}` normalizes each channel by a batch's values, and a batch of one image has a single \
             one there. Train with at least 2 images a batch: {} images make {batches} batches, the \
             smallest of {smallest} (`Fit::batch`)",
            node.name,
            data.len()
        ))),
        None => Ok(()),
    }
}

fn is_finite(tensor: &Tensor) -> Result<bool> {
    let all = tensor.f_isfinite().and_then(|finite| finite.f_all()?.f_int64_value(&[]));
    Ok(all.map_err(failed)? == 1)
}

fn failed(error: TchError) -> Error {
    Error::torch("training")(error)
}
