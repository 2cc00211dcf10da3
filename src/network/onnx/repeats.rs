//! Operators that repeat activations, or leave out a part of them.

use tch::{Device, Kind, Tensor};

use super::import::Importer;
use super::message::Node;
use super::sizes::Size;
use super::value::{Outcome, Value, torch};
use crate::network::ops::{Choose, IndexSelect, Unsqueeze};

/// Dimensions of 1 made as long as wanted; missing ones are added in front.
pub(super) fn expanded<'a>(
    importer: &mut Importer<'a>,
    mut x: Value<'a>,
    wanted: &[Size],
) -> Outcome<Value<'a>> {
    while importer.shape(&x).sizes.len() < wanted.len() {
        x = importer.emit(Unsqueeze { dim: 0 }, vec![x])?;
    }
    let from = importer.shape(&x).symbolic();
    let changed = from.iter().zip(wanted).enumerate().filter(|(_, (from, to))| from != to);
    changed.into_iter().try_fold(x, |x, (dim, (from, to))| {
        if from.count != 1 || from.batch || to.batch {
            return Err("it repeats values for the batch".to_owned());
        }
        importer.budget.spend(&[to.count])?;
        let count = usize::try_from(to.count).map_err(|_| "a negative size".to_owned())?;
        importer.emit(IndexSelect { dim, indices: vec![0; count] }, vec![x])
    })
}

pub(super) fn tile<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let mut x = importer.input(node, 0)?;
    let repeats = importer.numbers(node, 1)?.ok_or("its repeats are missing")?;
    let shape = importer.shape(&x);
    if repeats.len() != shape.sizes.len() {
        return Err(format!("{} repeats for {} dimensions", repeats.len(), shape.sizes.len()));
    }
    for (dim, (times, size)) in repeats.into_iter().zip(shape.sizes).enumerate() {
        if times == 1 {
            continue;
        }
        if shape.batch.is_some_and(|batch| batch.dim == dim) {
            return Err("it repeats the images of the batch".to_owned());
        }
        let once = 0..size;
        let times = usize::try_from(times).map_err(|_| format!("it repeats {times} times"))?;
        importer.budget.spend(&[size, times as i64])?;
        let indices = std::iter::repeat_n(once, times).flatten().collect();
        x = importer.emit(IndexSelect { dim, indices }, vec![x])?;
    }
    Ok(x)
}

/// Of each matrix the part above or below a diagonal; 0 elsewhere.
pub(super) fn trilu<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let diagonal = importer.numbers(node, 1)?.and_then(|row| row.first().copied()).unwrap_or(0);
    // Beyond a matrix nothing changes.
    let diagonal = diagonal.clamp(-(1 << 31), 1 << 31);
    let shape = importer.shape(&x);
    let [.., rows, columns] = shape.sizes[..] else {
        return Err("its input is no matrix".to_owned());
    };
    if shape.batch.is_some_and(|batch| batch.dim.saturating_add(2) >= shape.sizes.len()) {
        return Err("it would mix the images of a batch".to_owned());
    }
    importer.budget.spend(&[rows, columns])?;
    let ones = Tensor::f_ones([rows, columns], (Kind::Float, Device::Cpu));
    let upper = node.int("upper", 1) != 0;
    let part = ones.and_then(|ones| match upper {
        true => ones.f_triu(diagonal),
        false => ones.f_tril(diagonal),
    });
    let part = Value::Constant(part.map_err(torch)?, "");
    let zero = Tensor::f_zeros([1, 1], (Kind::Float, Device::Cpu)).map_err(torch)?;
    importer.emit(Choose, vec![part, x, Value::Constant(zero, "")])
}
