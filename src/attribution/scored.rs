//! The value that targets read, and what each target means for it.

use std::sync::Arc;

use super::object::ObjectScore;
use super::pick::Pick;
use super::region::RegionScore;
use super::target::Unit;
use super::{ClassChoice, Region, Target};
use crate::class_names::class_name;
use crate::error::{quoted, shape_text, short};
use crate::limits::position;
use crate::network::{Detector, Maps, Network, OutputScale, nearest};
use crate::{Error, Result};

/// The value that targets read.
pub(super) struct Scored<'a> {
    pub net: &'a Network,
    pub node: usize,
    /// Its shape, and that of the images.
    pub shape: &'a [i64],
    pub input: &'a [i64],
    pub scale: OutputScale,
}

impl Scored<'_> {
    /// What a target means.
    pub(super) fn pick(&self, target: &Target) -> Result<Pick> {
        match target {
            Target::Top => self.top(),
            Target::Class(class) => self.class(*class),
            Target::Name(name) => self.class(self.by_name(name)?),
            Target::Unit(unit) => Ok(Pick::Unit(unit.clone(), self.maps_for(unit)?)),
            Target::Score(score) => Ok(Pick::Score(score.clone())),
            Target::Region(of) => self.region(self.chosen(&of.class)?, &of.region),
            Target::Object(object) => self.object(self.chosen(&object.class)?, object.place),
            Target::At(_) => {
                Err(Error::Argument("a target is of one output: say `.of(output)` once".to_owned()))
            }
        }
    }

    /// How the value is maps, if a unit is a part of it.
    fn maps_for(&self, unit: &Unit) -> Result<Option<Maps>> {
        match (unit.position, unit.channel) {
            (Some(_), _) => self.net.maps(self.node, self.input).map(Some),
            (None, Some(_)) => self.net.units(self.node, self.input).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn top(&self) -> Result<Pick> {
        match self.dims() {
            2 => Ok(Pick::Top),
            _ => Err(self.refusal()),
        }
    }

    fn class(&self, class: usize) -> Result<Pick> {
        match self.dims() {
            2 => self.check(class).map(|()| Pick::Class(class, self.class_name(class))),
            4 => self.region(class, &Region::Own),
            _ => Err(self.refusal()),
        }
    }

    fn region(&self, class: usize, region: &Region) -> Result<Pick> {
        if self.dims() != 4 {
            return Err(self.refusal());
        }
        self.check(class)?;
        let name = self.class_name(class);
        let region = RegionScore::new(class, name, region, self.scale, [self.shape, self.input])?;
        Ok(Pick::Region(region))
    }

    fn object(&self, class: usize, place: [f64; 4]) -> Result<Pick> {
        let detector = self.net.reads_boxes(self.node)?;
        let [_, _, height, width] = self.input else {
            return Err(Error::Internal("boxes in an input that is no picture".to_owned()));
        };
        let name = self.class_name(class);
        Ok(Pick::Object(ObjectScore::new(class, name, place, detector, [*height, *width])?))
    }

    /// How many dimensions classes have: 2 in a row, 4 as maps, 0 where there are none to choose from.
    fn dims(&self) -> usize {
        if self.net.before_numbers(self.node).is_some() { 0 } else { self.shape.len() }
    }

    fn detector(&self) -> Option<&Arc<Detector>> {
        self.net.detector_at(self.node)
    }

    fn check(&self, class: usize) -> Result<()> {
        let classes = self.classes();
        if position(class) < classes {
            return Ok(());
        }
        Err(Error::UnknownClass(format!(
            "{}{} has no class {class}; its {classes} classes are numbered from 0",
            self.net.name(),
            at_output(self.net, self.node)
        )))
    }

    fn chosen(&self, class: &ClassChoice) -> Result<usize> {
        match class {
            ClassChoice::Index(class) => Ok(*class),
            ClassChoice::Name(name) => self.by_name(name),
        }
    }

    fn by_name(&self, name: &str) -> Result<usize> {
        if self.named() || self.net.classes().is_empty() {
            return by_name(self.net, name);
        }
        Err(Error::UnknownClass(format!(
            "the names of {}'s classes are those of its output {}, not of {}: give the class's number",
            short(self.net.name()),
            quoted(&[&self.net.output().name]),
            quoted(&[&self.net.nodes()[self.node].name])
        )))
    }

    fn class_name(&self, class: usize) -> String {
        class_name(if self.named() { self.net.classes() } else { &[] }, class)
    }

    /// Whether the network's names are of this value's classes.
    fn named(&self) -> bool {
        position(self.net.classes().len()) == self.classes()
    }

    fn classes(&self) -> i64 {
        let labels = self.detector().map(|detector| detector.labels);
        labels.or_else(|| self.shape.get(1).copied()).unwrap_or_default()
    }

    /// Why this value has no row of classes, and what to do.
    fn refusal(&self) -> Error {
        let way = match (self.net.before_numbers(self.node), self.shape) {
            (Some(before), _) => format!("numbers of classes, which have no gradient; {before}"),
            _ if self.detector().is_some() => {
                "boxes with labels; each of `net.detect(&photo)?.objects()` is a target".to_owned()
            }
            (None, [_, _, _, _]) => {
                "a map for each class; give a class (over its own pixels) or `Target::region(class, region)`; \
                 `net.segment(&photo)` shows which classes there are. `Target::score` explains any number"
                    .to_owned()
            }
            _ => "not logits of classes; give a `Target::score`".to_owned(),
        };
        let (net, shape) = (self.net.name(), shape_text(self.shape));
        let output = at_output(self.net, self.node);
        Error::UnknownClass(format!("{net}'s output{output} is {shape}, {way}"))
    }
}

/// ` of parity` for a value other than the network's result.
pub(super) fn at_output(net: &Network, node: usize) -> String {
    match &net.nodes()[node].name {
        name if *name == net.output().name => String::new(),
        name => format!(" of {}", short(name)),
    }
}

/// The class of that name, upper and lower case alike.
pub(crate) fn by_name(network: &Network, name: &str) -> Result<usize> {
    if let Some(class) = network.class_index(name)? {
        return Ok(class);
    }
    let near = nearest(name, network.classes().iter().map(String::as_str), 3);
    let hint = match near.as_slice() {
        [] => "It has no class names; give the class's number.".to_owned(),
        near => format!("Nearest: {}.", quoted(near)),
    };
    let (network, name) = (short(network.name()), short(name));
    Err(Error::UnknownClass(format!("{network} has no class `{name}`. {hint}")))
}
