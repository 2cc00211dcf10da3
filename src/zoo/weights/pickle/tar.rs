//! Files of PyTorch's first year: a tar archive with the storages, the tensors, and a pickle that refers
//! to tensors by their numbers.

use std::collections::HashMap;

use super::bytes::{Bytes, damaged};
use super::element::Element;
use super::machine::Machine;
use super::value::{Described, Numbers, Value};
use super::{Pickled, pickled};
use crate::network::ops::MOST_DIMS;

/// The unit in which a tar archive is laid out.
const BLOCK: usize = 512;

/// Whether a file that begins like this is a tar archive.
pub(in crate::zoo::weights) fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// Reads such a file.
pub(in crate::zoo::weights) fn tar(bytes: &[u8]) -> Result<Pickled<'_>, String> {
    let members = members(bytes)?;
    let member = |name: &str| {
        let found = members.get(name).copied();
        found.ok_or_else(|| format!("the tar archive holds no `{name}`: PyTorch did not write it"))
    };
    let storages = storages(member("storages")?)?;
    let (mut machine, tensors) =
        (Machine::of(member("pickle")?), tensors(member("tensors")?, &storages)?);
    for (number, tensor) in tensors {
        machine.known.insert(number, machine.tensors.len());
        machine.tensors.push(tensor);
    }
    pickled(machine)
}

/// The files of a tar archive by their names.
fn members(bytes: &[u8]) -> Result<HashMap<&str, &[u8]>, String> {
    let (mut members, mut rest) = (HashMap::new(), Bytes::new(bytes));
    while let Ok(header) = rest.take(BLOCK) {
        let text = |range: std::ops::Range<usize>| {
            let field = header.get(range).unwrap_or_default();
            let field = field.split(|&byte| byte == 0).next().unwrap_or_default();
            std::str::from_utf8(field).unwrap_or_default().trim()
        };
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        let size = usize::from_str_radix(text(124..136), 8).map_err(|_| damaged())?;
        members.insert(text(0..100), rest.take(size)?);
        // What fills the last block may be missing at the end.
        let padding = size.next_multiple_of(BLOCK).saturating_sub(size);
        if rest.take(padding).is_err() {
            break;
        }
    }
    Ok(members)
}

/// A storage: what it holds, and its bytes.
type Storages<'a> = HashMap<i64, (Element<'a>, &'a [u8])>;

/// Their count; of each `(number, device, class)`, its length, its bytes; then views into others as
/// `(number, the other's, begin, length)`.
fn storages(bytes: &[u8]) -> Result<Storages<'_>, String> {
    let (mut storages, mut rest) = (Storages::new(), bytes);
    for _ in 0..count(&mut rest)? {
        let (machine, parts) = tuple(&mut rest)?;
        let [Value::Int(number), _, Value::Global(class)] = parts.as_slice() else {
            return Err(damaged());
        };
        let (module, name) = machine.globals[*class];
        let element = Element::of_storage(module, name).ok_or_else(damaged)?;
        let mut content = Bytes::new(rest);
        let count = usize::try_from(i64::from_le_bytes(content.array()?)).map_err(|_| damaged())?;
        let content = content.take(count.checked_mul(element.bytes).ok_or_else(damaged)?)?;
        storages.insert(*number, (element, content));
        rest = &rest[content.len().saturating_add(8)..];
    }
    let (machine, views) = value(&mut rest)?;
    let Value::List(views) = views else { return Err(damaged()) };
    for view in &machine.containers[views] {
        let Value::Tuple(view) = *view else { return Err(damaged()) };
        let &[Value::Int(number), Value::Int(other), Value::Int(begin), Value::Int(length)] =
            machine.containers[view].as_slice()
        else {
            return Err(damaged());
        };
        let &(element, content) = storages.get(&other).ok_or_else(damaged)?;
        let at = |count: i64| usize::try_from(count).ok()?.checked_mul(element.bytes);
        let part = at(begin).zip(begin.checked_add(length).and_then(at));
        let part = part.and_then(|(begin, end)| content.get(begin..end)).ok_or_else(damaged)?;
        storages.insert(number, (element, part));
    }
    Ok(storages)
}

/// Their count; of each `(number, storage's number, class)`, the number of dimensions in 8 bytes, sizes,
/// strides, and where in the storage it begins.
fn tensors<'a>(
    bytes: &'a [u8],
    storages: &Storages<'a>,
) -> Result<Vec<(i64, Described<'a>)>, String> {
    let (mut tensors, mut rest) = (Vec::new(), bytes);
    for _ in 0..count(&mut rest)? {
        let (_, parts) = tuple(&mut rest)?;
        let [Value::Int(number), Value::Int(storage), ..] = parts.as_slice() else {
            return Err(damaged());
        };
        let &(element, content) = storages.get(storage).ok_or_else(damaged)?;
        let mut numbers = Bytes::new(rest);
        let [a, b, c, d, ..] = numbers.array::<8>()?;
        let dims = usize::try_from(i32::from_le_bytes([a, b, c, d])).map_err(|_| damaged())?;
        if dims > MOST_DIMS {
            return Err(damaged());
        }
        let mut row = |count: usize| {
            (0..count)
                .map(|_| numbers.array().map(i64::from_le_bytes))
                .collect::<Result<Vec<_>, _>>()
        };
        let (size, stride, begin) = (row(dims)?, row(dims)?, row(1)?);
        let described =
            Described { element, numbers: Numbers::Here(content), offset: begin[0], size, stride };
        tensors.push((*number, described));
        rest = &rest[numbers.at..];
    }
    Ok(tensors)
}

/// The next of several pickles in a row.
fn value<'a>(rest: &mut &'a [u8]) -> Result<(Machine<'a>, Value<'a>), String> {
    let (machine, value) = Machine::read(rest)?;
    *rest = &rest[machine.bytes.at..];
    Ok((machine, value))
}

fn tuple<'a>(rest: &mut &'a [u8]) -> Result<(Machine<'a>, Vec<Value<'a>>), String> {
    match value(rest)? {
        (mut machine, Value::Tuple(id)) => {
            let parts = std::mem::take(&mut machine.containers[id]);
            Ok((machine, parts))
        }
        _ => Err(damaged()),
    }
}

fn count(rest: &mut &[u8]) -> Result<i64, String> {
    match value(rest)? {
        (_, Value::Int(count)) => Ok(count),
        _ => Err(damaged()),
    }
}
