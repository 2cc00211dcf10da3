//! From a network and objectives to images.

use std::time::{Duration, Instant};

use super::goal::{class_index, nodes};
use super::group::Group;
use super::objective::Term;
use super::{Maximize, Maximized, Objective, Robust};
use crate::batching::Batches;
use crate::limits::check_count;
use crate::live::{Preview, Progress};
use crate::network::{Network, ReceptiveField};
use crate::view::{Gallery, GalleryRow};
use crate::{Error, Result};

/// More images at once run no faster.
const BATCH: usize = 64;

/// An image that the unit, the class or any other [`Objective`] answers to, by
/// [`Maximize::lucid`]: [`Maximize::run`] with other options.
///
/// The image and its curves are shown while they form. Runs on the network's device.
///
/// # Errors
///
/// An unknown layer or class, a unit that the layer doesn't have.
///
/// ```no_run
/// use convscope::prelude::*;
/// let net = zoo::resnet18()?;
/// maximize(&net, Unit::channel("layer3", 17))?.save("unit.gif")?;
/// maximize(&net, "Samoyed")?.photo()?;
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn maximize(net: &Network, objective: impl Into<Objective>) -> Result<Maximized> {
    Maximize::lucid().run(net, objective)
}

/// An image for each of several channels of a layer, by [`Maximize::lucid`], as one batch.
pub fn maximize_units(net: &Network, layer: &str, channels: &[usize]) -> Result<Maximized> {
    Maximize::lucid().units(net, layer, channels)
}

/// An image for each channel of a layer, by [`Maximize::lucid`].
pub fn maximize_layer(net: &Network, layer: &str) -> Result<Maximized> {
    Maximize::lucid().layer(net, layer)
}

impl Maximize {
    /// An image that answers to the objective, or several ([`Maximize::images`]).
    pub fn run(&self, net: &Network, objective: impl Into<Objective>) -> Result<Maximized> {
        let objective = objective.into();
        let name = named(net, &objective);
        let count = self.images.max(1);
        check_count("images", count, 4)?;
        let labels = match count {
            1 => vec![name.clone()],
            _ => (1..=count).map(|image| format!("image {image}")).collect(),
        };
        self.all(net, &vec![objective; count], labels, name)
    }

    /// An image for each objective, as one batch where memory allows.
    pub fn each(&self, net: &Network, objectives: &[Objective]) -> Result<Maximized> {
        let labels = objectives.iter().map(|objective| named(net, objective)).collect();
        self.all(net, objectives, labels, format!("{} objectives", objectives.len()))
    }

    /// An image for each of these classes.
    pub fn classes(&self, net: &Network, classes: &[usize]) -> Result<Maximized> {
        let objectives: Vec<Objective> = classes.iter().map(|&class| class.into()).collect();
        let labels = classes.iter().map(|&class| net.class_name(class)).collect();
        self.all(net, &objectives, labels, format!("{} classes", classes.len()))
    }

    /// An image for each of these channels of a layer.
    pub fn units(&self, net: &Network, layer: &str, channels: &[usize]) -> Result<Maximized> {
        let unit = |&channel: &usize| Objective::channel(layer, channel);
        let objectives: Vec<Objective> = channels.iter().map(unit).collect();
        let labels = channels.iter().map(|channel| channel.to_string()).collect();
        let many = if channels.len() == 1 { "channel" } else { "channels" };
        self.all(net, &objectives, labels, format!("{} {many} of {layer}", channels.len()))
    }

    /// An image for each channel of a layer.
    pub fn layer(&self, net: &Network, layer: &str) -> Result<Maximized> {
        let node = net.find(layer)?;
        let [channels, height, width] = net.preprocess().input_shape();
        let [height, width] = self.size.map_or([height, width], |size| size.map(i64::from));
        let shapes = net.until(&[node]).shapes(&[1, channels, height, width])?;
        let count = match shapes.get(node).map(Vec::as_slice) {
            Some(&[_, _, width]) => width,
            Some(&[_, channels, ..]) => channels,
            _ => 0,
        };
        self.units(net, layer, &(0..count.max(0) as usize).collect::<Vec<_>>())
    }

    /// How features grow with depth: for each layer its chosen channels, from the first layer to the
    /// last, with what of the image a unit can see. A time limit is shared among the layers.
    ///
    /// ```
    /// use convscope::prelude::*;
    /// let net = zoo::digits()?;
    /// let depth = [("conv1", vec![0, 1, 2]), ("conv2", vec![3, 8, 9])];
    /// Maximize::lucid().steps(20).depth(&net, &depth)?.save(std::env::temp_dir().join("depth.png"))?;
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn depth(&self, net: &Network, layers: &[(&str, Vec<usize>)]) -> Result<Gallery> {
        let [channels, height, width] = net.preprocess().input_shape();
        let fields = net.receptive_fields(&[1, channels, height, width])?;
        let start = Instant::now();
        let mut rows: Vec<GalleryRow> = Vec::new();
        for (index, (layer, units)) in layers.iter().enumerate() {
            let mut options = self.clone();
            options.earlier = Vec::new();
            options.time_limit = share(self.time_limit, start, 1, layers.len() - index);
            let made = options.units(net, layer, units)?;
            let field = fields.get(net.find(layer)?).map_or(ReceptiveField::Whole, |both| both[0]);
            let sees = match field.size() {
                Some(size) => format!("a unit sees {size} pixels each way"),
                None => "a unit sees all".to_owned(),
            };
            let ended = made.groups.iter().find_map(|group| group.ended.as_ref());
            let ended = ended.map(|ended| format!("; {ended}")).unwrap_or_default();
            rows.push(made.row(&format!("{layer}: {sees}{ended}"))?);
        }
        let gallery = Gallery::new(format!("What units of {} look for", net.name()), rows)?;
        Ok(gallery.note("channel and score at each image"))
    }

    fn all(
        &self,
        net: &Network,
        objectives: &[Objective],
        labels: Vec<String>,
        what: String,
    ) -> Result<Maximized> {
        self.check(objectives)?;
        let start = Instant::now();
        let title = format!("Maximizing {what} in {}", net.name());
        let (network, moved) = (net.name().to_owned(), self.robust != Robust::NONE);
        let mut groups: Vec<Group> = Vec::new();
        let mut preview = Preview::new(self.quiet);
        let mut run = |first: usize, end: usize, earlier: Option<&Group>| -> Result<Group> {
            let part = objectives.get(first..end).unwrap_or_default();
            let time = share(self.time_limit, start, end - first, objectives.len() - first);
            let progress =
                Progress::new(format!("maximizing {what}")).time_limit(time).quiet(self.quiet);
            let mut watch = |group: &Group| {
                preview.show(|| {
                    let so_far = Maximized {
                        title: title.clone(),
                        network: network.clone(),
                        labels: labels.get(first..end).unwrap_or_default().to_vec(),
                        probabilities: vec![None; part.len()],
                        groups: vec![group.clone()],
                        moved,
                    };
                    so_far.now()
                });
            };
            Group::run(net, part, self, first, earlier, progress, &mut watch)
        };
        if self.earlier.is_empty() {
            let mut batches = self.batches(net, objectives)?;
            while let Some(group) = batches.next(|range| run(range.start, range.end, None))? {
                groups.push(group);
            }
        } else {
            let made: usize = self.earlier.iter().map(|group| group.scores.len()).sum();
            if made != objectives.len() {
                return Err(Error::Argument(format!(
                    "{made} images can't be continued for {} objectives; give the same ones",
                    objectives.len()
                )));
            }
            let mut first = 0;
            for earlier in &self.earlier {
                let end = first + earlier.scores.len();
                groups.push(run(first, end, Some(earlier))?);
                first = end;
            }
        }
        let probabilities = probabilities(net, objectives, &groups)?;
        Ok(Maximized { title, network, labels, probabilities, groups, moved })
    }

    /// As many images at once as there is memory for.
    fn batches(&self, net: &Network, objectives: &[Objective]) -> Result<Batches> {
        let (kind, device) = net.kind_and_device();
        let [channels, height, width] = net.preprocess().input_shape();
        let [height, width] = self.size.map_or([height, width], |size| size.map(i64::from));
        let [height, width] = self.robust.seen([height, width]);
        let part = net.until(&nodes(net, objectives)?);
        let bytes = part.bytes(&[1, channels, height, width], kind, true)?;
        Ok(Batches::new(objectives.len(), bytes, BATCH, device))
    }
}

/// Of the time left, the share of `count` among the `left` that are to be done.
fn share(
    time_limit: Option<Duration>,
    start: Instant,
    count: usize,
    left: usize,
) -> Option<Duration> {
    let rest = time_limit?.saturating_sub(start.elapsed()).as_secs_f64();
    let share = Duration::try_from_secs_f64(rest * count as f64 / left.max(1) as f64);
    Some(share.unwrap_or(Duration::MAX))
}

/// An objective's name, with the class's.
fn named(net: &Network, objective: &Objective) -> String {
    match &objective.terms[..] {
        [(1.0, Term::Class(class))] => class_index(net, class)
            .map_or_else(|_| objective.to_string(), |class| net.class_name(class)),
        _ => objective.to_string(),
    }
}

/// For images made for a single class alone, the probability that the network gives it.
fn probabilities(
    net: &Network,
    objectives: &[Objective],
    groups: &[Group],
) -> Result<Vec<Option<f64>>> {
    let class = |objective: &Objective| {
        let mut classes = objective.terms.iter().filter_map(|(factor, term)| match term {
            Term::Class(class) if *factor > 0.0 => class_index(net, class).ok(),
            _ => None,
        });
        classes.next().filter(|_| classes.next().is_none())
    };
    let images =
        groups.iter().flat_map(|group| (0..group.scores.len() as i64).map(move |i| (group, i)));
    let probability = |(objective, (group, image)): (&Objective, (&Group, i64))| {
        let Some(class) = class(objective) else { return Ok(None) };
        let image = group.best.f_narrow(0, image, 1).map_err(failed)?;
        let input = net.preprocess().normalized(&image)?;
        let logits = tch::no_grad(|| net.forward(&input))?;
        Ok(Some(net.probability(&logits, class)?.probability))
    };
    objectives.iter().zip(images).map(probability).collect()
}

fn failed(error: tch::TchError) -> Error {
    Error::torch("reading an image")(error)
}
