//! What is to be explained.

use tch::{Kind, Tensor};

use crate::network::{Network, nearest, quoted};
use crate::{Error, Result};

/// The output that a method explains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// The class with the highest logit.
    #[default]
    Top,
    /// A class by its index.
    Class(usize),
    /// A class by its name, upper and lower case alike.
    Name(String),
}

impl From<usize> for Target {
    fn from(class: usize) -> Target {
        Target::Class(class)
    }
}

impl From<&str> for Target {
    fn from(name: &str) -> Target {
        Target::Name(name.to_owned())
    }
}

impl Target {
    /// The class meant, given the logits `[1, classes]`.
    pub(crate) fn resolve(&self, network: &Network, logits: &Tensor) -> Result<usize> {
        let classes = logits.size().last().copied().unwrap_or_default();
        match self {
            Target::Top => {
                let top = logits.f_to_kind(Kind::Double).and_then(|l| l.f_argmax(None, false));
                let top = top.and_then(|top| top.f_int64_value(&[]));
                Ok(top.map_err(Error::torch("finding the top class"))? as usize)
            }
            Target::Class(class) if (*class as i64) < classes => Ok(*class),
            Target::Class(class) => Err(Error::UnknownClass(format!(
                "{} has no class {class}; its {classes} classes are numbered from 0",
                network.name()
            ))),
            Target::Name(name) => by_name(network, name),
        }
    }
}

fn by_name(network: &Network, name: &str) -> Result<usize> {
    let names = network.classes();
    if let Some(class) = names.iter().position(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(class);
    }
    let near = nearest(name, names.iter().map(String::as_str), 3);
    let hint = match near.as_slice() {
        [] => "It has no class names; give the class's number.".to_owned(),
        near => format!("Nearest: {}.", quoted(near)),
    };
    Err(Error::UnknownClass(format!("{} has no class `{name}`. {hint}", network.name())))
}
