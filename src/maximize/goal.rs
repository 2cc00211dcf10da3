//! Objectives made ready for a network: the number they make of each image.

use tch::{Kind, TchError, Tensor};

use super::layers::{Layers, Value};
use super::objective::{Objective, Pattern, Term};
use super::penalty;
use crate::attribution::{ClassChoice, by_name};
use crate::error::shape_text;
use crate::limits::position;
use crate::network::Network;
use crate::{Error, Result};

/// The objectives of a batch, one an image. What is linear in a layer's values is one product with
/// weights; every other term is evaluated once for all images that have it.
pub(super) struct Goal {
    pub layers: Layers,
    linear: Vec<Linear>,
    other: Vec<Other>,
}

struct Linear {
    read: usize,
    view: View,
    /// `[N, C, 1, 1]` for means, else `[N, C, h, w]`.
    weights: Tensor,
}

/// What of a layer is weighted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Means,
    Values,
    /// Before the ReLU where there is one, since behind it a silent neuron has no slope.
    Neurons,
}

struct Other {
    read: usize,
    term: Term,
    /// `[N]`
    factors: Tensor,
}

/// Where a term of the batch stands.
#[derive(Clone, Copy)]
struct Place {
    image: i64,
    batch: i64,
    factor: f64,
    read: usize,
}

impl Goal {
    /// `size` is that of the images that the network gets.
    pub(super) fn new(net: &Network, objectives: &[Objective], size: [i64; 2]) -> Result<Goal> {
        let nodes = nodes(net, objectives)?;
        let mut terms = objectives.iter().flat_map(|objective| &objective.terms);
        if let Some((factor, term)) = terms.find(|(factor, _)| !factor.is_finite()) {
            return Err(Error::Argument(format!("the factor {factor} of {term} is not finite")));
        }
        let layers = Layers::new(net, &nodes, size)?;
        let mut goal = Goal { layers, linear: Vec::new(), other: Vec::new() };
        let batch = objectives.len() as i64;
        for (image, objective) in (0..).zip(objectives) {
            for &(factor, ref term) in &objective.terms {
                let node = layer(net, term)?.and_then(|node| net.nodes().get(node));
                let read = node.and_then(|node| goal.layers.place(&node.name));
                let place = Place { image, batch, factor, read: read.unwrap_or_default() };
                goal.add(net, term, place)?;
            }
        }
        Ok(goal)
    }

    fn add(&mut self, net: &Network, term: &Term, place: Place) -> Result<()> {
        let shape = self.layers.shape(place.read);
        match term {
            Term::Class(class) => {
                let class = class_index(net, class)?;
                if position(class) >= shape[0] {
                    return Err(Error::UnknownClass(format!(
                        "{} has no class {class}; its {} classes are numbered from 0",
                        net.name(),
                        shape[0]
                    )));
                }
                self.weigh(View::Means, place, |weights| one(weights, [class, 0, 0], place.factor))
            }
            Term::Unit(unit) => {
                let [y, x] = unit.position.unwrap_or_default();
                let at = [unit.channel.unwrap_or_default(), y, x];
                if at.iter().zip(shape).any(|(&at, size)| position(at) >= size) {
                    return Err(Error::Argument(format!(
                        "there is no {unit}: the layer has {} channels of {}×{}; channels, rows and \
                         columns count from 0",
                        shape[0], shape[1], shape[2]
                    )));
                }
                match (unit.channel, unit.position) {
                    (None, _) => self.share(term, place),
                    (_, None) => self.weigh(View::Means, place, |w| one(w, at, place.factor)),
                    (_, Some(_)) => self.weigh(View::Neurons, place, |w| one(w, at, place.factor)),
                }
            }
            Term::Dot(pattern) => {
                let (view, values) = pattern_of(pattern, shape)?;
                self.weigh(view, place, |weights| {
                    let values = values.f_to_device(weights.device())?.f_to_kind(weights.kind())?;
                    weights.shallow_clone().f_add_(&values.f_mul_scalar(place.factor)?)
                })
            }
            Term::Cosine(pattern) => {
                let _ = pattern_of(pattern, shape)?;
                self.share(term, place)
            }
            _ => self.share(term, place),
        }
    }

    /// Adds to the weights of an image.
    fn weigh(
        &mut self,
        view: View,
        place: Place,
        add: impl FnOnce(&Tensor) -> Result<Tensor, TchError>,
    ) -> Result<()> {
        let known = |linear: &Linear| linear.read == place.read && linear.view == view;
        let index = match self.linear.iter().position(known) {
            Some(index) => index,
            None => {
                let [channels, height, width] = self.layers.shape(place.read);
                let [height, width] = if view == View::Means { [1, 1] } else { [height, width] };
                let options = self.layers.net.kind_and_device();
                let weights = Tensor::f_zeros([place.batch, channels, height, width], options);
                let weights = weights.map_err(failed)?;
                self.linear.push(Linear { read: place.read, view, weights });
                self.linear.len() - 1
            }
        };
        if let Some(linear) = self.linear.get(index) {
            let image = linear.weights.f_get(place.image).map_err(failed)?;
            let _ = add(&image).map_err(failed)?;
        }
        Ok(())
    }

    /// Adds to the factors of a term.
    fn share(&mut self, term: &Term, place: Place) -> Result<()> {
        let index = match self.other.iter().position(|other| other.term.is_same(term)) {
            Some(index) => index,
            None => {
                let options = self.layers.net.kind_and_device();
                let factors = Tensor::f_zeros([place.batch], options).map_err(failed)?;
                self.other.push(Other { read: place.read, term: term.clone(), factors });
                self.other.len() - 1
            }
        };
        if let Some(other) = self.other.get(index) {
            let mut factor = other.factors.f_get(place.image).map_err(failed)?;
            let _ = factor.f_add_scalar_(place.factor).map_err(failed)?;
        }
        Ok(())
    }

    /// The score of each image, `[N]`. `images` hold values from 0 to 1, which penalties look at;
    /// `input` is what the network gets of them.
    pub(super) fn scores(&self, images: &Tensor, input: &Tensor) -> Result<Tensor> {
        let values = self.layers.values(input)?;
        let mut scores: Option<Tensor> = None;
        let mut add = |score: Tensor| -> Result<(), TchError> {
            scores = Some(match scores.take() {
                Some(scores) => scores.f_add(&score)?,
                None => score,
            });
            Ok(())
        };
        let lacks = || Error::Argument("an objective's layer has no value".to_owned());
        for linear in &self.linear {
            let value = values.get(linear.read).ok_or_else(lacks)?;
            linear.score(value).and_then(&mut add).map_err(failed)?;
        }
        for other in &self.other {
            let score = other.score(values.get(other.read), images);
            score.and_then(|score| add(score.f_mul(&other.factors)?)).map_err(failed)?;
        }
        scores.ok_or_else(lacks)
    }
}

impl Linear {
    fn score(&self, value: &Value) -> Result<Tensor, TchError> {
        let values = match self.view {
            View::Means => value.live()?.f_mean_dim([2_i64, 3].as_slice(), true, None::<Kind>)?,
            View::Values => value.live()?,
            View::Neurons => value.before.shallow_clone(),
        };
        penalty::sum(&values.f_mul(&self.weights)?)
    }
}

impl Other {
    fn score(&self, value: Option<&Value>, images: &Tensor) -> Result<Tensor, TchError> {
        let value = || value.map_or_else(|| Ok(images.shallow_clone()), Value::plain);
        match &self.term {
            Term::Unit(unit) => {
                let value = value()?;
                let part = match unit.position {
                    Some([y, x]) => value.f_narrow(2, y as i64, 1)?.f_narrow(3, x as i64, 1)?,
                    None => value,
                };
                let squares = part.f_square()?.f_flatten(1, -1)?;
                squares.f_mean_dim([1_i64].as_slice(), false, None::<Kind>)
            }
            Term::Cosine(pattern) => {
                let value = value()?.f_flatten(1, -1)?;
                let wanted = pattern
                    .values
                    .f_detach()?
                    .f_to_device(value.device())?
                    .f_to_kind(value.kind())?;
                Tensor::f_cosine_similarity(&value, &wanted.f_view([1, -1])?, 1, 1e-8)
            }
            Term::Diversity(_) => diversity(&value()?),
            Term::TotalVariation => penalty::total_variation(images),
            Term::L1 => penalty::l1(images),
            Term::L2 => penalty::l2(images),
            Term::Blur => penalty::blur(images),
            Term::Class(_) | Term::Dot(_) => Err(TchError::Shape("not a shared term".to_owned())),
        }
    }
}

/// Minus the mean cosine between each image's Gram matrix and the others'.
fn diversity(value: &Tensor) -> Result<Tensor, TchError> {
    let flat = value.f_flatten(2, -1)?;
    let grams = flat.f_bmm(&flat.f_transpose(1, 2)?)?.f_flatten(1, -1)?;
    let length = grams.f_norm_scalaropt_dim(2.0, [1_i64].as_slice(), true)?;
    let grams = grams.f_div(&length.f_clamp_min(1e-10)?)?;
    let cosines = grams.f_matmul(&grams.f_transpose(0, 1)?)?;
    let others = (value.size().first().copied().unwrap_or(1) - 1).max(1) as f64;
    let alone = cosines.f_diagonal(0, 0, 1)?;
    let row = cosines.f_sum_dim_intlist([1_i64].as_slice(), false, None)?;
    alone.f_sub(&row)?.f_div_scalar(others)
}

/// The nodes that objectives read.
///
/// # Errors
///
/// An unknown layer; nothing but penalties.
pub(super) fn nodes(net: &Network, objectives: &[Objective]) -> Result<Vec<usize>> {
    let terms = objectives.iter().flat_map(|objective| &objective.terms);
    let nodes = terms.filter_map(|(_, term)| layer(net, term).transpose());
    let nodes = nodes.collect::<Result<Vec<usize>>>()?;
    if nodes.is_empty() {
        return Err(Error::Argument(
            "an objective needs a class, a unit or another value of the network; penalties alone say \
             nothing to look for"
                .to_owned(),
        ));
    }
    Ok(nodes)
}

/// The node that a term reads; none for penalties.
fn layer(net: &Network, term: &Term) -> Result<Option<usize>> {
    let layer = match term {
        Term::Class(_) => &net.output().name,
        Term::Unit(unit) => &unit.layer,
        Term::Dot(pattern) | Term::Cosine(pattern) => &pattern.layer,
        Term::Diversity(layer) => layer,
        Term::TotalVariation | Term::L1 | Term::L2 | Term::Blur => return Ok(None),
    };
    let node = net.find(layer)?;
    net.check_dependence(node, 0)?;
    Ok(Some(node))
}

/// The class's number.
pub(super) fn class_index(net: &Network, class: &ClassChoice) -> Result<usize> {
    match class {
        ClassChoice::Index(class) => Ok(*class),
        ClassChoice::Name(name) => by_name(net, name),
    }
}

/// Adds to one weight of an image.
fn one(weights: &Tensor, at: [usize; 3], factor: f64) -> Result<Tensor, TchError> {
    let [c, y, x] = at.map(|at| at as i64);
    weights.f_get(c)?.f_get(y)?.f_get(x)?.f_add_scalar_(factor)
}

/// The weights that a direction (of length 1) or an activation (over its positions) stands for.
fn pattern_of(pattern: &Pattern, shape: [i64; 3]) -> Result<(View, Tensor)> {
    if !pattern.values.defined() {
        return Err(Error::Argument(format!(
            "a pattern of layer `{}` is an undefined tensor; `net.activations(&input, &[layer])` gives one",
            pattern.layer
        )));
    }
    let values = pattern.values.f_detach().map_err(failed)?;
    let size = values.size();
    let whole = size.strip_prefix(&[1]).unwrap_or(&size);
    let area = (shape[1] * shape[2]) as f64;
    if values.dim() == 1 && size[..] == shape[..1] {
        let length = values.f_norm().and_then(|n| n.f_clamp_min(1e-30)).map_err(failed)?;
        let unit = values.f_div(&length).and_then(|unit| unit.f_view([-1, 1, 1]));
        return Ok((View::Means, unit.map_err(failed)?));
    }
    if whole == shape || (whole == &shape[..1] && area == 1.0) {
        let scaled = values.f_div_scalar(area).and_then(|values| values.f_view(shape));
        return Ok((View::Values, scaled.map_err(failed)?));
    }
    Err(Error::Shape {
        at: format!("a pattern of layer `{}`", pattern.layer),
        expected: format!("{shape:?} of an activation, or [{}] of a direction", shape[0]),
        got: shape_text(&size),
        remedy:
            "`net.activations(&input, &[layer])` gives an image's activation; the image has the \
                 size of the one to be made."
                .to_owned(),
    })
}

pub(super) fn failed(error: TchError) -> Error {
    Error::torch("making the score of an objective")(error)
}
