//! What a pickle calls: of all that Python has, what describes tensors and dictionaries is
//! understood; everything else becomes an [`Object`] that nobody makes.

use super::bytes::damaged;
use super::element::Element;
use super::machine::Machine;
use super::value::{Described, Numbers, Object, Storage, Value};
use crate::network::ops::MOST_DIMS;

impl<'a> Machine<'a> {
    /// One of the operations that name, call or complete an object.
    pub(super) fn object(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            b'c' => {
                let (module, name) = (self.bytes.line()?, self.bytes.line()?);
                self.global(module, name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let texts = module.text().zip(name.text());
                let (module, name) = texts.ok_or_else(damaged)?;
                self.global(module, name)
            }
            b'R' | 0x81 => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                self.call(class, arguments)
            }
            0x92 => {
                let (_keywords, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(class, arguments)
            }
            b'i' => {
                let (module, name) = (self.bytes.line()?, self.bytes.line()?);
                let arguments = self.since_mark()?;
                let arguments = Value::Tuple(self.open(arguments));
                self.global(module, name)?;
                let class = self.pop()?;
                self.call(class, arguments)
            }
            b'o' => {
                let mut arguments = self.since_mark()?;
                if arguments.is_empty() {
                    return Err(damaged());
                }
                let class = arguments.remove(0);
                let arguments = Value::Tuple(self.open(arguments));
                self.call(class, arguments)
            }
            b'b' => {
                let state = self.pop()?;
                // Of tensors and dictionaries the attributes (`_metadata`) are of no use.
                if let Value::Object(id) = self.top()? {
                    self.objects[id].state = Some(state);
                }
                Ok(())
            }
            b'P' => {
                let line = self.bytes.line()?;
                self.reference_in_words(line)
            }
            b'Q' => self.reference(),
            // From a registry of the writer's own.
            _ => {
                self.bytes.take(match opcode {
                    0x82 => 1,
                    0x83 => 2,
                    _ => 4,
                })?;
                self.push(Value::Other)
            }
        }
    }

    fn global(&mut self, module: &'a str, name: &'a str) -> Result<(), String> {
        self.globals.push((module, name));
        self.push(Value::Global(self.globals.len() - 1))
    }

    /// What a class or function would give for these arguments.
    fn call(&mut self, class: Value<'a>, arguments: Value<'a>) -> Result<(), String> {
        let Value::Tuple(arguments) = arguments else { return Err(damaged()) };
        let class = match class {
            Value::Global(id) => Some(id),
            _ => None,
        };
        let (module, name) = class.map_or(("", ""), |id| self.globals[id]);
        let result = match (module, name, self.containers[arguments].as_slice()) {
            (
                "torch._tensor" | "torch._utils",
                "_rebuild_from_type_v2" | "_rebuild_from_type",
                &[Value::Global(function), _, Value::Tuple(arguments), ..],
            ) => {
                let (module, name) = self.globals[function];
                self.tensor(module, name, arguments)?
            }
            ("collections", "OrderedDict" | "defaultdict" | "Counter", _)
            | ("builtins" | "__builtin__", "dict", _) => Some(self.dictionary(arguments)?),
            ("_codecs", "encode", &[Value::Text(text), Value::Text("latin1" | "latin-1"), ..]) => {
                Some(Value::Latin1(text))
            }
            ("torch.storage", "_load_from_bytes", &[Value::Bytes(bytes)]) => {
                // As much work as that.
                self.counted(64)?;
                let storage = self.embedded(bytes);
                storage.map(|storage| {
                    self.storages.push(storage);
                    Value::Storage(self.storages.len() - 1)
                })
            }
            // What Python writes of classes before it knows their parts.
            ("copyreg" | "copy_reg", "_reconstructor" | "__newobj__", &[Value::Global(id), ..]) => {
                Some(self.inert(Some(id), arguments))
            }
            _ => self.tensor(module, name, arguments)?,
        };
        let result = result.unwrap_or_else(|| self.inert(class, arguments));
        self.push(result)
    }

    fn inert(&mut self, class: Option<usize>, arguments: usize) -> Value<'a> {
        let entries = self.open(Vec::new());
        self.objects.push(Object { class, arguments, entries, state: None });
        Value::Object(self.objects.len() - 1)
    }

    /// A dictionary, with the pairs that Python 2 gives it at once.
    fn dictionary(&mut self, arguments: usize) -> Result<Value<'a>, String> {
        let mut items = Vec::new();
        if let [Value::List(pairs)] = *self.containers[arguments].as_slice() {
            for at in 0..self.containers[pairs].len() {
                self.counted(1)?;
                if let Value::List(pair) | Value::Tuple(pair) = self.containers[pairs][at]
                    && let &[key, value] = self.containers[pair].as_slice()
                {
                    items.extend([key, value]);
                }
            }
        }
        Ok(Value::Dict(self.open(items)))
    }

    /// The tensor that a function of PyTorch's makes of these arguments, if it is one that makes tensors.
    fn tensor(
        &mut self,
        module: &str,
        name: &str,
        arguments: usize,
    ) -> Result<Option<Value<'a>>, String> {
        let given = self.containers[arguments].as_slice();
        let first = given.first().copied().unwrap_or(Value::Other);
        let described = match (module, name) {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3") => {
                self.strided(given, name == "_rebuild_tensor_v3")?
            }
            // A parameter is its tensor. What an array is, is known when all of it has been read.
            (
                "torch._utils",
                "_rebuild_parameter"
                | "_rebuild_parameter_with_state"
                | "_rebuild_device_tensor_from_numpy"
                | "_rebuild_device_tensor_from_cpu_tensor"
                | "_rebuild_xla_tensor",
            )
            | ("torch.nn.parameter", "Parameter" | "Buffer")
            | ("torch.autograd.variable", "Variable") => {
                return Ok(matches!(first, Value::Tensor(_) | Value::Object(_)).then_some(first));
            }
            ("torch._utils", "_rebuild_qtensor") => nowhere("a quantized tensor"),
            ("torch._utils", "_rebuild_sparse_tensor") => nowhere("a sparse tensor"),
            ("torch._utils", "_rebuild_nested_tensor") => nowhere("a nested tensor"),
            ("torch._utils", "_rebuild_meta_tensor_no_storage") => {
                nowhere("a tensor of the device `meta`, which has no numbers")
            }
            ("torch._utils", "_rebuild_wrapper_subclass") => {
                nowhere("a tensor of a class of its own")
            }
            // Before there were functions for it.
            ("torch" | "torch.cuda", name) if name.ends_with("Tensor") && given.len() == 4 => {
                self.strided(given, false)?
            }
            _ => return Ok(None),
        };
        self.tensors.push(described);
        Ok(Some(Value::Tensor(self.tensors.len() - 1)))
    }

    /// `(storage, offset, size, stride[, requires_grad, hooks][, type][, metadata])`.
    pub(super) fn strided(
        &self,
        given: &[Value<'a>],
        typed: bool,
    ) -> Result<Described<'a>, String> {
        let (id, offset, size, stride) = match *given {
            [
                Value::Storage(id),
                Value::Int(offset),
                Value::Tuple(size),
                Value::Tuple(stride),
                ..,
            ] => (id, offset, size, stride),
            _ => return Ok(nowhere("a tensor described in an unknown way")),
        };
        let Storage { numbers, element, begin } = self.storages[id];
        let metadata = given.get(if typed { 7 } else { 6 });
        if matches!(metadata, Some(Value::Dict(id)) if !self.containers[*id].is_empty()) {
            return Ok(nowhere("a view that negates or conjugates its numbers"));
        }
        let element = match (typed, given.get(6)) {
            (true, Some(Value::Global(id))) => Element::of_dtype(self.globals[*id].1),
            (true, _) => return Err(damaged()),
            (false, _) => element,
        };
        Ok(Described {
            element,
            numbers,
            offset: offset.checked_add(begin).ok_or_else(damaged)?,
            size: self.sizes(size)?,
            stride: self.sizes(stride)?,
        })
    }

    /// A tensor's sizes or strides.
    pub(super) fn sizes(&self, tuple: usize) -> Result<Vec<i64>, String> {
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

/// A tensor that can't be had.
fn nowhere<'a>(why: &'static str) -> Described<'a> {
    let element = Element::of_dtype("");
    let numbers = Numbers::Nowhere(why);
    Described { element, numbers, offset: 0, size: Vec::new(), stride: Vec::new() }
}
