//! Pickle's stack machine, of all protocols. It executes nothing: what a file would have called is
//! noted down as an [`Object`].

use std::collections::HashMap;

use super::bytes::{Bytes, damaged};
use super::value::{Described, Object, Storage, Value};

/// No state_dict has as many parts, nor a training checkpoint around it: 30 are needed for a tensor.
const MOST_VALUES: usize = 1 << 21;

#[derive(Default)]
pub(super) struct Machine<'a> {
    pub(super) bytes: Bytes<'a>,
    /// How many values were put on the stack or remembered so far.
    count: usize,
    stack: Vec<Value<'a>>,
    /// Where the stack stood at each open mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    /// Tuples and lists as they are; dictionaries as key, value, key, value.
    pub(super) containers: Vec<Vec<Value<'a>>>,
    pub(super) globals: Vec<(&'a str, &'a str)>,
    pub(super) objects: Vec<Object<'a>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<Described<'a>>,
    /// Tensors that the pickle refers to by number, as in the first files.
    pub(super) known: HashMap<i64, usize>,
    /// Whether this pickle lies within a value of another.
    pub(super) embedded: bool,
}

impl<'a> Machine<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Machine<'a> {
        Machine { bytes: Bytes::new(bytes), ..Machine::default() }
    }

    pub(super) fn read(bytes: &'a [u8]) -> Result<(Machine<'a>, Value<'a>), String> {
        let mut machine = Machine::of(bytes);
        let root = machine.run()?;
        Ok((machine, root))
    }

    pub(super) fn run(&mut self) -> Result<Value<'a>, String> {
        loop {
            let opcode = self.bytes.byte()?;
            match opcode {
                b'.' => return self.pop(),
                0x80 => match self.bytes.byte()? {
                    0..=5 => {}
                    other => return Err(format!("pickle protocol {other} is not known")),
                },
                // The length of a frame, which only helps to read ahead.
                0x95 => drop(self.bytes.take(8)?),
                // A buffer is made read-only.
                0x98 => {}
                b'(' => {
                    self.counted(1)?;
                    self.marks.push(self.stack.len());
                }
                b'0' => match self.marks.last() {
                    Some(&mark) if mark == self.stack.len() => drop(self.marks.pop()),
                    _ => drop(self.pop()?),
                },
                b'1' => drop(self.since_mark()?),
                b'2' => self.push(*self.stack.last().ok_or_else(damaged)?)?,
                b'p' | b'q' | b'r' | 0x94 => self.remember(opcode)?,
                b'g' | b'h' | b'j' => self.recall(opcode)?,
                b'}' | b']' | b')' | 0x8f | b't' | b'l' | b'd' | 0x91 | 0x85..=0x87 => {
                    self.container(opcode)?;
                }
                b's' => {
                    let items = self.last(2)?;
                    self.extend(items)?;
                }
                b'a' => {
                    let item = self.last(1)?;
                    self.extend(item)?;
                }
                b'u' | b'e' | 0x90 => {
                    let items = self.since_mark()?;
                    self.extend(items)?;
                }
                b'c'
                | 0x93
                | b'R'
                | 0x81
                | 0x92
                | b'i'
                | b'o'
                | b'b'
                | 0x82..=0x84
                | b'P'
                | b'Q' => self.object(opcode)?,
                _ => {
                    let value = self.plain(opcode)?;
                    self.push(value)?;
                }
            }
        }
    }

    /// Numbers, texts and bytes.
    fn plain(&mut self, opcode: u8) -> Result<Value<'a>, String> {
        let bytes = &mut self.bytes;
        Ok(match opcode {
            b'N' => Value::Other,
            0x88 | 0x89 => Value::Bool(opcode == 0x88),
            b'G' => {
                bytes.take(8)?;
                Value::Other
            }
            b'F' => {
                bytes.line()?;
                Value::Other
            }
            b'I' | b'L' => match bytes.line()? {
                "00" => Value::Bool(false),
                "01" => Value::Bool(true),
                number => number.trim_end_matches('L').parse().map_or(Value::Other, Value::Int),
            },
            b'K' => Value::Int(i64::from(bytes.byte()?)),
            b'M' => Value::Int(i64::from(u16::from_le_bytes(bytes.array()?))),
            b'J' => Value::Int(i64::from(i32::from_le_bytes(bytes.array()?))),
            0x8a => long(bytes.counted(1)?),
            0x8b => long(bytes.counted(4)?),
            b'X' => Value::Text(bytes.text(4)?),
            0x8c => Value::Text(bytes.text(1)?),
            0x8d => Value::Text(bytes.text(8)?),
            b'U' | b'C' => Value::Bytes(bytes.counted(1)?),
            b'T' | b'B' => Value::Bytes(bytes.counted(4)?),
            0x8e | 0x96 => Value::Bytes(bytes.counted(8)?),
            b'V' | b'S' => line_of_text(bytes.line()?),
            other => return Err(format!("pickle operation 0x{other:02x} is not known")),
        })
    }

    fn container(&mut self, opcode: u8) -> Result<(), String> {
        let items = match opcode {
            b'}' | b']' | b')' | 0x8f => Vec::new(),
            0x85..=0x87 => self.last(usize::from(opcode & 3))?,
            _ => self.since_mark()?,
        };
        let id = self.open(items);
        self.push(match opcode {
            b'}' | b'd' => Value::Dict(id),
            b']' | b'l' | 0x8f | 0x91 => Value::List(id),
            _ => Value::Tuple(id),
        })
    }

    /// Counts what is going to be kept.
    pub(super) fn counted(&mut self, values: usize) -> Result<(), String> {
        self.count += values;
        match self.count <= MOST_VALUES {
            true => Ok(()),
            false => Err(format!("it holds more than {MOST_VALUES} values: no checkpoint does")),
        }
    }

    pub(super) fn push(&mut self, value: Value<'a>) -> Result<(), String> {
        self.counted(1)?;
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<Value<'a>, String> {
        self.stack.pop().ok_or_else(damaged)
    }

    pub(super) fn top(&mut self) -> Result<Value<'a>, String> {
        self.stack.last().copied().ok_or_else(damaged)
    }

    /// The last values of the stack.
    fn last(&mut self, count: usize) -> Result<Vec<Value<'a>>, String> {
        let start = self.stack.len().checked_sub(count).ok_or_else(damaged)?;
        Ok(self.stack.split_off(start))
    }

    pub(super) fn since_mark(&mut self) -> Result<Vec<Value<'a>>, String> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len()).ok_or_else(damaged)?;
        Ok(self.stack.split_off(mark))
    }

    pub(super) fn open(&mut self, items: Vec<Value<'a>>) -> usize {
        self.containers.push(items);
        self.containers.len() - 1
    }

    /// Puts items into what is on top of the stack.
    fn extend(&mut self, items: Vec<Value<'a>>) -> Result<(), String> {
        match self.top()? {
            Value::Dict(id) | Value::List(id) => self.containers[id].extend(items),
            Value::Object(id) => {
                let entries = self.objects[id].entries;
                // Single items are a list's, in which nobody looks for a state_dict.
                if items.len().is_multiple_of(2) {
                    self.containers[entries].extend(items);
                }
            }
            _ => return Err(damaged()),
        }
        Ok(())
    }

    fn remember(&mut self, opcode: u8) -> Result<(), String> {
        let slot = match opcode {
            b'p' => self.bytes.line()?.parse().map_err(|_| damaged())?,
            b'q' => u32::from(self.bytes.byte()?),
            b'r' => u32::from_le_bytes(self.bytes.array()?),
            _ => u32::try_from(self.memo.len()).map_err(|_| damaged())?,
        };
        let value = self.top()?;
        self.counted(1)?;
        self.memo.insert(slot, value);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Result<(), String> {
        let slot = match opcode {
            b'g' => self.bytes.line()?.parse().map_err(|_| damaged())?,
            b'h' => u32::from(self.bytes.byte()?),
            _ => u32::from_le_bytes(self.bytes.array()?),
        };
        let value = *self.memo.get(&slot).ok_or_else(damaged)?;
        self.push(value)
    }
}

/// An integer of any length, of which 8 bytes are enough for any size.
fn long<'a>(bytes: &[u8]) -> Value<'a> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    match wide.get_mut(..bytes.len()) {
        Some(low) => low.copy_from_slice(bytes),
        None => return Value::Other,
    }
    Value::Int(i64::from_le_bytes(wide))
}

/// A text on a line of its own, in quotes if Python 2 wrote it. Names of parameters have nothing that
/// is written with a backslash; what has is left unread.
fn line_of_text(line: &str) -> Value<'_> {
    match line.contains('\\') {
        true => Value::Other,
        false => Value::Text(line.trim_matches(['\'', '"'])),
    }
}
