//! Pickle's stack machine, as far as a state_dict needs it.

use std::rc::Rc;

use super::Described;
use super::callable::{Callable, callable};
use crate::network::ops::MOST_DIMS;

/// Texts are those of the file; containers and tensors are kept apart and named by index. So nothing
/// here is recursive, and a value can be copied as often as a file recalls it: a hostile one can't
/// overflow the stack or multiply what it holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// None, booleans, floats: nothing that describes a tensor.
    Other,
    Int(i64),
    Text(&'a str),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Callable(Callable),
    Storage(usize),
    Tensor(usize),
}

/// No state_dict has as many parts, nor a training checkpoint around it: 30 are needed for a tensor.
const MOST_VALUES: usize = 1 << 21;

#[derive(Default)]
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    /// How many values were put on the stack or remembered so far.
    count: usize,
    stack: Vec<Value<'a>>,
    /// Where the stack stood at each open mark.
    marks: Vec<usize>,
    memo: std::collections::HashMap<u32, Value<'a>>,
    /// Tuples and lists as they are; dictionaries as key, value, key, value.
    pub(super) containers: Vec<Vec<Value<'a>>>,
    /// The kinds and keys of storages.
    storages: Vec<(&'static str, &'a str)>,
    pub(super) tensors: Vec<Rc<Described<'a>>>,
}

impl<'a> Machine<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<(Machine<'a>, Value<'a>), String> {
        let mut machine = Machine { bytes, ..Machine::default() };
        let root = machine.run()?;
        Ok((machine, root))
    }

    fn run(&mut self) -> Result<Value<'a>, String> {
        loop {
            let opcode = self.byte()?;
            match opcode {
                0x80 => match self.byte()? {
                    2..=4 => {}
                    other => return Err(format!("pickle protocol {other} is not known")),
                },
                b'.' => return self.pop(),
                b'(' => {
                    self.counted()?;
                    self.marks.push(self.stack.len());
                }
                b'N' | 0x88 | 0x89 => self.push(Value::Other)?,
                b'G' => {
                    self.take(8)?;
                    self.push(Value::Other)?;
                }
                b'K' => self.int::<1>(|b| i64::from(b[0]))?,
                b'M' => self.int::<2>(|b| i64::from(u16::from_le_bytes(b)))?,
                b'J' => self.int::<4>(|b| i64::from(i32::from_le_bytes(b)))?,
                0x8a => self.long()?,
                b'X' => self.text()?,
                b'}' => self.open(Value::Dict, Vec::new())?,
                b']' => self.open(Value::List, Vec::new())?,
                b')' => self.open(Value::Tuple, Vec::new())?,
                b't' => {
                    let items = self.since_mark()?;
                    self.open(Value::Tuple, items)?;
                }
                0x85..=0x87 => {
                    let count = usize::from(opcode) - 0x84;
                    let start = self.stack.len().checked_sub(count).ok_or_else(damaged)?;
                    let items = self.stack.split_off(start);
                    self.open(Value::Tuple, items)?;
                }
                b'q' => self.remember(1)?,
                b'r' => self.remember(4)?,
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Value::Callable(callable(&module, &name)?))?;
                }
                b'Q' => self.storage()?,
                b'R' => self.call()?,
                // What follows is an attribute (`_metadata`), which no tensor needs.
                b'b' => {
                    self.pop()?;
                }
                b's' => {
                    let start = self.stack.len().checked_sub(2).ok_or_else(damaged)?;
                    let items = self.stack.split_off(start);
                    self.extend(items)?;
                }
                b'u' | b'e' => {
                    let items = self.since_mark()?;
                    self.extend(items)?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.extend(vec![item])?;
                }
                other => {
                    return Err(format!("pickle operation 0x{other:02x} is not known here"));
                }
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or("the pickle ends in the middle: the file is truncated")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| damaged())
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Counts what is going to be kept.
    fn counted(&mut self) -> Result<(), String> {
        self.count += 1;
        match self.count <= MOST_VALUES {
            true => Ok(()),
            false => Err(format!("it holds more than {MOST_VALUES} values: no state_dict does")),
        }
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), String> {
        self.counted()?;
        self.stack.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<Value<'a>, String> {
        self.stack.pop().ok_or_else(damaged)
    }

    fn int<const N: usize>(&mut self, read: fn([u8; N]) -> i64) -> Result<(), String> {
        let bytes = self.array::<N>()?;
        self.push(Value::Int(read(bytes)))
    }

    /// An integer of any length, of which 8 bytes are enough for any size.
    fn long(&mut self) -> Result<(), String> {
        let count = usize::from(self.byte()?);
        let bytes = self.take(count)?;
        if count > 8 {
            // The magic number of PyTorch's old files.
            return self.push(Value::Other);
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..count].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(wide)))
    }

    fn text(&mut self) -> Result<(), String> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| "a text is not UTF-8")?;
        self.push(Value::Text(text))
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or_else(damaged)?;
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(line)
    }

    fn open(&mut self, kind: fn(usize) -> Value<'a>, items: Vec<Value<'a>>) -> Result<(), String> {
        self.containers.push(items);
        self.push(kind(self.containers.len() - 1))
    }

    fn since_mark(&mut self) -> Result<Vec<Value<'a>>, String> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len()).ok_or_else(damaged)?;
        Ok(self.stack.split_off(mark))
    }

    fn extend(&mut self, items: Vec<Value<'a>>) -> Result<(), String> {
        match self.stack.last() {
            Some(&(Value::Dict(id) | Value::List(id))) => {
                self.containers[id].extend(items);
                Ok(())
            }
            _ => Err(damaged()),
        }
    }

    fn slot(&mut self, width: usize) -> Result<u32, String> {
        match width {
            1 => self.byte().map(u32::from),
            _ => self.array().map(u32::from_le_bytes),
        }
    }

    fn remember(&mut self, width: usize) -> Result<(), String> {
        let slot = self.slot(width)?;
        let value = *self.stack.last().ok_or_else(damaged)?;
        self.counted()?;
        self.memo.insert(slot, value);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), String> {
        let slot = self.slot(width)?;
        let value = *self.memo.get(&slot).ok_or_else(damaged)?;
        self.push(value)
    }

    /// A reference to a storage: ("storage", type, key, device, length).
    fn storage(&mut self) -> Result<(), String> {
        let Value::Tuple(id) = self.pop()? else { return Err(damaged()) };
        match self.containers[id].as_slice() {
            &[
                Value::Text("storage"),
                Value::Callable(Callable::Storage(storage)),
                Value::Text(key),
                ..,
            ] => {
                self.storages.push((storage, key));
                self.push(Value::Storage(self.storages.len() - 1))
            }
            _ => Err("a reference that is no tensor's storage".to_owned()),
        }
    }

    fn call(&mut self) -> Result<(), String> {
        let Value::Tuple(arguments) = self.pop()? else { return Err(damaged()) };
        let Value::Callable(callable) = self.pop()? else { return Err(damaged()) };
        let arguments = &self.containers[arguments];
        let result = match (callable, arguments.as_slice()) {
            (Callable::OrderedDict, _) => {
                self.containers.push(Vec::new());
                Value::Dict(self.containers.len() - 1)
            }
            (Callable::RebuildParameter, &[tensor @ Value::Tensor(_), ..]) => tensor,
            (
                Callable::RebuildTensor,
                &[
                    Value::Storage(id),
                    Value::Int(offset),
                    Value::Tuple(size),
                    Value::Tuple(stride),
                    ..,
                ],
            ) => {
                let (storage, key) = self.storages[id];
                let (size, stride) = (self.sizes(size)?, self.sizes(stride)?);
                let described = Described { storage, key, offset, size, stride };
                self.tensors.push(Rc::new(described));
                Value::Tensor(self.tensors.len() - 1)
            }
            _ => return Err("a tensor is described in an unknown way".to_owned()),
        };
        self.push(result)
    }

    /// A tensor's sizes or strides.
    fn sizes(&self, tuple: usize) -> Result<Vec<i64>, String> {
        let values = &self.containers[tuple];
        if values.len() > MOST_DIMS {
            return Err(format!(
                "a tensor of {} dimensions, expected at most {MOST_DIMS}",
                values.len()
            ));
        }
        let integer = |value: &Value| match value {
            Value::Int(value) => Ok(*value),
            _ => Err(damaged()),
        };
        values.iter().map(integer).collect()
    }
}

pub(super) fn damaged() -> String {
    "the pickle is damaged".to_owned()
}
