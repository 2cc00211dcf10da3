//! One image's target, resolved against a network: which number it makes of the scored value.

use tch::{Kind, TchError, Tensor};

use super::Measure;
use super::object::ObjectScore;
use super::region::RegionScore;
use super::target::{Score, Unit};
use crate::error::shape_text;
use crate::limits::position;
use crate::network::{Maps, Network, OutputScale, one_number};
use crate::{Error, Result};

#[derive(Clone, Debug)]
pub(super) enum Pick {
    /// The top class of whatever value is scored, until it is settled.
    Top,
    Class(usize, String),
    /// With how the layer's value is maps, unless all of it is explained.
    Unit(Unit, Option<Maps>),
    Score(Score),
    Region(RegionScore),
    Object(ObjectScore),
}

impl Pick {
    /// Whether something is still to be found in the unchanged picture's value.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Pick::Top => true,
            Pick::Region(region) => region.is_open(),
            Pick::Object(object) => object.is_open(),
            _ => false,
        }
    }

    /// The same with all found that is to be found in the value of the unchanged picture, `[1, …]`.
    pub(super) fn settled(&self, net: &Network, value: &Tensor) -> Result<Pick> {
        Ok(match self {
            Pick::Top => {
                let class = top_class(value)?;
                Pick::Class(class, net.class_name(class))
            }
            Pick::Region(region) if region.is_open() => Pick::Region(region.settled(value)?),
            Pick::Object(object) if object.is_open() => Pick::Object(object.settled(value)?),
            other => other.clone(),
        })
    }

    /// The score, `[1]`, made of one image's value.
    pub(super) fn score(
        &self,
        one: &Tensor,
        measure: Measure,
        scale: OutputScale,
    ) -> Result<Tensor> {
        let of_class = |of: &dyn Fn(&Tensor) -> Result<Tensor, TchError>| match measure {
            Measure::Probability => scale.probabilities(one, None).and_then(|one| of(&one)),
            Measure::Score => of(one),
        };
        let score = match self {
            Pick::Top => of_class(&|one| one.f_amax([1], false)),
            Pick::Class(class, _) => of_class(&|one| one.f_select(1, position(*class))),
            Pick::Unit(unit, maps) => return unit_sum(one, unit, maps.as_ref()),
            Pick::Score(score) => score.of(one),
            Pick::Region(region) if measure == Measure::Probability => {
                return region.mean_probability(one);
            }
            Pick::Region(region) => return region.sum(one),
            Pick::Object(object) => return object.score(one),
        };
        one_number(score.map_err(failed)?)?.f_reshape([1]).map_err(failed)
    }

    /// What a measure gives, for color bars.
    pub(super) fn unit(&self, measure: Measure, scale: OutputScale) -> &'static str {
        match (self, measure) {
            (Pick::Class(..), Measure::Probability) => "probability",
            (Pick::Class(..), Measure::Score) => scale.unit(),
            (Pick::Region(_), Measure::Probability) => "mean probability",
            (Pick::Region(region), Measure::Score) => region.unit(),
            _ => "score",
        }
    }

    /// What is explained, for titles.
    pub(super) fn name(&self) -> String {
        match self {
            Pick::Top => "the top class".to_owned(),
            Pick::Class(_, name) => name.clone(),
            Pick::Unit(unit, _) => unit.to_string(),
            Pick::Score(score) => score.name().to_owned(),
            Pick::Region(region) => region.name(),
            Pick::Object(object) => object.name(),
        }
    }

    /// What the network gives it, to begin a note with, of one image's value.
    pub(super) fn given(&self, net: &str, one: &Tensor, scale: OutputScale) -> Result<String> {
        let number = |score: Result<Tensor>| score?.f_double_value(&[0]).map_err(failed);
        let probability = || number(self.score(one, Measure::Probability, scale));
        Ok(match self {
            Pick::Class(..) => format!("{net} gives it {:.1} %", 100.0 * probability()?),
            Pick::Region(region) => format!(
                "{net} gives it {:.1} % there, on average, in {:.1} % of the picture",
                100.0 * probability()?,
                100.0 * region.share(one)?
            ),
            Pick::Object(object) => format!(
                "{net} gives its box a score of {:.3}: probability plus overlap (IoU)",
                number(object.score(one))?
            ),
            _ => format!("for {net}"),
        })
    }
}

/// The sum of a unit's activations, `[1]`, in one image's layer.
fn unit_sum(value: &Tensor, unit: &Unit, maps: Option<&Maps>) -> Result<Tensor> {
    let mut part = maps.map_or_else(|| Ok(value.shallow_clone()), |maps| maps.of(value))?;
    let [row, column] = unit.position.map_or([None; 2], |at| at.map(Some));
    for (dim, at) in (1..).zip([unit.channel, row, column]) {
        let Some(at) = at else { continue };
        let shape = part.size();
        if shape.get(dim).is_none_or(|&size| position(at) >= size) {
            return Err(Error::Argument(format!(
                "there is no {unit:?} in `{}`, whose maps are {}; channels, rows and columns count from 0",
                unit.layer,
                shape_text(&shape)
            )));
        }
        part = part.f_narrow(dim as i64, position(at), 1).map_err(failed)?;
    }
    let sum = part.f_sum(part.kind()).and_then(|sum| sum.f_reshape([1]));
    sum.map_err(failed)
}

/// The class with the highest logit of `[1, classes]`.
fn top_class(logits: &Tensor) -> Result<usize> {
    let top = logits.f_to_kind(Kind::Double).and_then(|logits| logits.f_argmax(1, false));
    let top = top.and_then(|top| top.f_int64_value(&[0]));
    top.map(|class| class as usize).map_err(Error::torch("finding the top class"))
}

fn failed(error: TchError) -> Error {
    Error::torch("making the score of a target")(error)
}
