//! What is said about a file: what was done with it, or why it doesn't fit.

use super::super::names::NAMINGS;
use super::attempt::Attempt;
use crate::error::{shape_text, short};

/// How many names of a kind a message shows.
const SHOWN: usize = 5;

/// What was done beyond taking a file as it is; `other` are parameters that would have fitted too.
pub(super) fn done(best: &Attempt, other: Option<&Attempt>) -> Option<String> {
    let mut parts = Vec::new();
    let way = way(best);
    if !way.is_empty() {
        parts.push(way);
    }
    if let Some(other) = other {
        parts.push(format!("others would fit too ({})", self::way(other)));
    }
    let left: Vec<&str> = best.left_over().collect();
    if !left.is_empty() {
        parts.push(format!("not used {}", first(shown(&left))));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// How the parameters were found.
fn way(attempt: &Attempt) -> String {
    let mut parts = Vec::new();
    let place = short(&attempt.dict.place.join(".")).into_owned();
    match (attempt.dict.module, place.as_str()) {
        (true, "") => parts.push("from a whole model".to_owned()),
        (true, place) => parts.push(format!("from the whole model `{place}`")),
        (false, "") => {}
        (false, place) => parts.push(format!("from `{place}`")),
    }
    if !attempt.prefix.is_empty() {
        parts.push(format!("names without `{}`", short(attempt.prefix)));
    }
    if attempt.naming.whose != NAMINGS[0].whose {
        parts.push(format!("with the names of {}", attempt.naming.whose));
    }
    parts.join(", ")
}

/// Everything that doesn't fit, and what may help.
pub(super) fn misfits(network: &str, best: &Attempt) -> String {
    let way = match way(best) {
        way if way.is_empty() => way,
        way => format!(" ({way})"),
    };
    let missing: Vec<&str> = best.missing().collect();
    let foreign: Vec<&str> = best.left_over().collect();
    let misshapen: Vec<_> = best.misshapen().collect();
    let advice = match head(best, &misshapen) {
        Some((layer, found, expected)) if missing.is_empty() && best.foreign_parts().is_empty() => {
            return format!(
                "everything fits {network} but the head{way}: `{}` has {found} outputs in the file, \
                 {expected} in the network. Give the network such a head first: \
                 `net.with_head({found})?.load_weights(…)`.",
                short(&layer)
            );
        }
        _ if best.dict.module => {
            "It holds a whole model, of which only the weights are read, without executing anything. \
             Where they are another network's, build that one; else save the weights alone: \
             `torch.save(model.state_dict(), path)`."
        }
        _ => "Is it another network's file?",
    };
    let shapes = misshapen.iter().map(|(name, shape, found)| {
        format!("{} (should be {}, is {})", short(name), shape_text(shape), shape_text(found))
    });
    format!(
        "it does not fit {network}, which has {} parameters with torchvision's names{way}:{}{}{}\n{advice}",
        best.expected.len(),
        line("missing", shown(&missing)),
        line("not of this network", shown(&foreign)),
        line("of another shape", shapes.collect()),
    )
}

fn line(what: &str, names: Vec<String>) -> String {
    match names.len() {
        0 => String::new(),
        _ => format!("\n  {what} {}", first(names)),
    }
}

fn shown(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| short(name).into_owned()).collect()
}

/// The count of the names, and the first of them.
fn first(names: Vec<String>) -> String {
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("({}): {}{more}", names.len(), names[..names.len().min(SHOWN)].join(", "))
}

/// Where all that is misshapen is one layer's parameters, of another number of outputs: the layer, the
/// number in the file and the network's.
fn head(best: &Attempt, misshapen: &[(&str, &[i64], &[i64])]) -> Option<(String, i64, i64)> {
    let (first, shape, found) = misshapen.first()?;
    let layer = first.rsplit_once('.')?.0;
    let alike = misshapen.iter().all(|(name, to, from)| {
        let same_layer = name.rsplit_once('.').is_some_and(|(of, _)| of == layer);
        same_layer
            && to.len() == from.len()
            && to.first() == shape.first()
            && from.first() == found.first()
            && to.get(1..) == from.get(1..)
    });
    let of_layer = best.expected.keys().filter(|name| name.starts_with(&format!("{layer}.")));
    (alike && of_layer.count() == misshapen.len())
        .then(|| Some((layer.to_owned(), *found.first()?, *shape.first()?)))?
}
