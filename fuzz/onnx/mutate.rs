//! Changes to an ONNX file that leave it a file.

use super::message::{Kind, Message, Value};
use super::words::{LISTS, NUMBERS, OPERATORS};
use super::write::{Attributes, node};
use crate::bytes;
use crate::random::Random;

/// Changes one thing of the tree.
pub fn mutate(model: &mut Message, random: &mut Random) {
    let any = random.below(model.count(None));
    match random.below(12) {
        0 => model.change(None, any, |message| {
            let at = random.below(message.fields.len());
            if at < message.fields.len() {
                message.fields.remove(at);
            }
        }),
        1 => model.change(None, any, |message| repeat(message, random)),
        2 => model.change(None, any, |message| {
            let (a, b) = (random.below(message.fields.len()), random.below(message.fields.len()));
            if !message.fields.is_empty() {
                message.fields.swap(a, b);
            }
        }),
        3 => attribute(model, random),
        4 => insert(model, random),
        5 => resize(model, random),
        6 => swap_inputs(model, random),
        7 => {
            let (kind, count) = (Kind::Dim, model.count(Some(Kind::Dim)));
            let index = random.below(count);
            model.change(Some(kind), index, |dim| {
                dim.fields = vec![(1, Value::Varint(random.number(8) as u64))];
            });
        }
        _ => leaf(model, any, random),
    }
}

fn repeat(message: &mut Message, random: &mut Random) {
    if message.fields.is_empty() {
        return;
    }
    let at = random.below(message.fields.len());
    let field = message.fields[at].clone();
    let times = if random.once_in(10) { random.scale(12) } else { 1 };
    message.fields.splice(at..at, std::iter::repeat_n(field, times));
}

/// Changes a value that is no message.
fn leaf(model: &mut Message, index: usize, random: &mut Random) {
    let names = [model.texts(Kind::Node, 2), model.texts(Kind::Tensor, 8)].concat();
    model.change(None, index, |message| {
        let kind = message.kind;
        let leaves: Vec<&mut (u64, Value)> = message
            .fields
            .iter_mut()
            .filter(|(_, value)| !matches!(value, Value::Message(_)))
            .collect();
        let at = random.below(leaves.len());
        let Some((field, value)) = leaves.into_iter().nth(at) else { return };
        match value {
            Value::Varint(number) => *number = random.number(*number as i64) as u64,
            Value::Four(four) => *four = random.float().to_le_bytes(),
            Value::Eight(eight) => *eight = f64::from(random.float()).to_le_bytes(),
            Value::Bytes(text) => match (kind, *field) {
                (Kind::Node, 1 | 2) if !random.once_in(6) && !names.is_empty() => {
                    *text = random.pick(&names).clone();
                }
                (Kind::Node, 4) if !random.once_in(6) => {
                    *text = random.pick(&OPERATORS).as_bytes().to_vec()
                }
                (Kind::Tensor, 9) => constant(text, random),
                _ => *text = random.text(),
            },
            Value::Message(_) => {}
        }
    });
}

/// Changes one of a constant's numbers, or its length.
fn constant(raw: &mut Vec<u8>, random: &mut Random) {
    let at = 8 * random.below(raw.len() / 8);
    match raw.get_mut(at..at + 8) {
        Some(eight) if !random.once_in(4) => {
            let was = i64::from_le_bytes(*eight.first_chunk().unwrap_or(&[0; 8]));
            eight.copy_from_slice(&random.number(was).to_le_bytes());
        }
        Some(eight) if !random.once_in(3) => {
            eight[..4].copy_from_slice(&random.float().to_le_bytes())
        }
        _ => bytes::damage(raw, random),
    }
}

/// Gives a node one more attribute, or one instead of its own.
fn attribute(model: &mut Message, random: &mut Random) {
    let index = random.below(model.count(Some(Kind::Node)));
    model.change(Some(Kind::Node), index, |node| {
        if random.once_in(2) {
            node.fields.retain(|(field, _)| *field != 5);
        }
        let plain = Message { kind: node.kind, fields: std::mem::take(&mut node.fields) };
        *node = match random.below(3) {
            0 => {
                let name = *random.pick(&NUMBERS);
                let value = random.number(1);
                plain.with_int(name, value)
            }
            1 => {
                let name = *random.pick(&LISTS);
                let values: Vec<i64> = (0..random.below(6)).map(|_| random.number(1)).collect();
                plain.with_ints(name, &values)
            }
            _ => {
                let name = *random.pick(&["epsilon", "alpha", "beta", "value_float", "ratio"]);
                let value = random.float();
                plain.with_float(name, value)
            }
        };
    });
}

/// Puts a node between a node and what it reads.
fn insert(model: &mut Message, random: &mut Random) {
    let names = [model.texts(Kind::Node, 2), model.texts(Kind::Tensor, 8)].concat();
    let index = random.below(model.count(Some(Kind::Node)));
    let name = format!("inserted{}", random.below(1_000));
    let mut from = None;
    model.change(Some(Kind::Node), index, |node| {
        let input = node.fields.iter_mut().find(|(field, _)| *field == 1);
        if let Some((_, Value::Bytes(text))) = input {
            from = Some(std::mem::replace(text, name.clone().into_bytes()));
        }
    });
    let Some(from) = from else { return };
    let from = String::from_utf8_lossy(&from).into_owned();
    let others = (0..random.below(3)).filter(|_| !names.is_empty());
    let others: Vec<String> = others
        .map(|_| String::from_utf8_lossy(random.pick::<Vec<u8>>(&names)).into_owned())
        .collect();
    let inputs: Vec<&str> = std::iter::once(&from).chain(&others).map(String::as_str).collect();
    let inserted = node(random.pick::<&str>(&OPERATORS), &inputs, &[&name]);
    model.change(Some(Kind::Graph), 0, |graph| graph.fields.push((1, Value::Message(inserted))));
}

/// Gives a tensor another shape, and as many numbers as it needs.
fn resize(model: &mut Message, random: &mut Random) {
    let index = random.below(model.count(Some(Kind::Tensor)));
    model.change(Some(Kind::Tensor), index, |tensor| {
        let sizes: Vec<u64> = (0..random.below(6)).map(|_| random.below(6) as u64).collect();
        let count: u64 = sizes.iter().product();
        let wide = tensor
            .fields
            .iter()
            .any(|(field, value)| *field == 2 && matches!(value, Value::Varint(7)));
        tensor.fields.retain(|(field, _)| *field != 1);
        tensor.fields.extend(sizes.iter().map(|&size| (1, Value::Varint(size))));
        for (field, value) in &mut tensor.fields {
            if let (9, Value::Bytes(raw)) = (*field, value) {
                let length = count as usize * if wide { 8 } else { 4 };
                *raw = raw.iter().copied().cycle().take(length).collect();
                raw.resize(length, 0);
            }
        }
    });
}

/// Lets a node read something else, or the same in another order.
fn swap_inputs(model: &mut Message, random: &mut Random) {
    let names =
        [model.texts(Kind::Node, 2), model.texts(Kind::Tensor, 8), vec![b"x".to_vec()]].concat();
    let index = random.below(model.count(Some(Kind::Node)));
    model.change(Some(Kind::Node), index, |node| {
        let input = (1, Value::Bytes(random.pick(&names).clone()));
        let places: Vec<usize> =
            (0..node.fields.len()).filter(|&at| node.fields[at].0 == 1).collect();
        match places.is_empty() || random.once_in(3) {
            true => node.fields.push(input),
            false => node.fields[*random.pick(&places)] = input,
        }
    });
}
