//! Comparisons, what depends on them, and indices of the largest values.

use super::import::Importer;
use super::message::Node;
use super::rearrange::axis;
use super::value::{Outcome, Value};
use super::{constants, sizes};
use crate::network::ops::{ArgMax, Arithmetic, Choose, Pointwise};

/// 1 where it holds, else 0.
pub(super) fn compare<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let (a, b) = (importer.input(node, 0)?, importer.input(node, 1)?);
    if let (Some(a), Some(b)) = (a.sizes(), b.sizes()) {
        return a.with(&b, |a, b| sizes::arithmetic(node.op, a, b)).map(Value::Sizes);
    }
    let comparison = match node.op {
        "Greater" => Arithmetic::Greater,
        "GreaterOrEqual" => Arithmetic::GreaterOrEqual,
        "Less" => Arithmetic::Less,
        "LessOrEqual" => Arithmetic::LessOrEqual,
        _ => Arithmetic::Equal,
    };
    importer.emit(comparison, vec![a, b])
}

/// Of truth values, which are 1 and 0.
pub(super) fn logic<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let a = importer.input(node, 0)?;
    if node.op == "Not" {
        let negative = importer.emit(Pointwise::Neg, vec![a])?;
        return importer.emit(Pointwise::Shift { term: 1.0 }, vec![negative]);
    }
    let both = vec![a, importer.input(node, 1)?];
    match node.op {
        "And" => importer.emit(Arithmetic::Min, both),
        "Or" => importer.emit(Arithmetic::Max, both),
        _ => {
            let difference = importer.emit(Arithmetic::Sub, both)?;
            importer.emit(Pointwise::Abs, vec![difference])
        }
    }
}

/// `Where`, of shapes or of activations.
pub(super) fn choose<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let inputs = (0..3).map(|index| importer.input(node, index)).collect::<Outcome<Vec<_>>>()?;
    if inputs.iter().all(|value| value.sizes().is_some()) {
        return constants::choose(importer, node);
    }
    importer.emit(Choose, inputs)
}

pub(super) fn arg<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let mut x = importer.input(node, 0)?;
    let dim = axis(node.int("axis", 0), importer.shape(&x).sizes.len())?;
    if node.op == "ArgMin" {
        x = importer.emit(Pointwise::Neg, vec![x])?;
    }
    let (keep_dim, last) = (node.int("keepdims", 1) != 0, node.int("select_last_index", 0) != 0);
    importer.emit(ArgMax { dim, keep_dim, last }, vec![x])
}
