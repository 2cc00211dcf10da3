//! Tensors that only the state shows which an object is given after its making: NumPy's arrays, whose
//! bytes lie in the pickle itself, and what PyTorch wrote in its first months.

use super::element::Element;
use super::machine::Machine;
use super::value::{Described, Object, Value};

impl<'a> Machine<'a> {
    /// The tensor that an object is, if it is one.
    pub(super) fn late_tensor(&mut self, mut id: usize) -> Option<usize> {
        // A parameter that holds a tensor: nothing lies deeper.
        for _ in 0..2 {
            let object = self.objects[id];
            let state = match object.state {
                Some(Value::Tuple(state)) => self.containers[state].as_slice(),
                _ => &[],
            };
            let described = match self.globals[object.class?] {
                ("torch.nn.parameter", "Parameter") | ("torch.autograd.variable", "Variable") => {
                    match *state.first()? {
                        Value::Tensor(tensor) => return Some(tensor),
                        Value::Object(inner) => id = inner,
                        _ => return None,
                    }
                    continue;
                }
                ("torch" | "torch.cuda", name) if name.ends_with("Tensor") => {
                    self.strided(state, false).ok()?
                }
                _ => self.array(&object)?,
            };
            self.tensors.push(described);
            return self.tensors.len().checked_sub(1);
        }
        None
    }

    /// The array that an object is: `_reconstruct` with the state
    /// `(version, shape, type, by columns, bytes)`, or, since protocol 5, `_frombuffer(bytes, type, shape, order)`.
    /// `None` for any other object, and for arrays of what isn't numbers.
    fn array(&self, object: &Object<'a>) -> Option<Described<'a>> {
        let (module, name) = self.globals[object.class?];
        if !module.starts_with("numpy") {
            return None;
        }
        let (shape, element, by_columns, bytes) = match (name, object.state) {
            ("_reconstruct", Some(Value::Tuple(state))) => {
                match *self.containers[state].as_slice() {
                    [_, shape, element, Value::Bool(by_columns), bytes] => {
                        (shape, element, by_columns, bytes)
                    }
                    _ => return None,
                }
            }
            ("_frombuffer", _) => match *self.containers[object.arguments].as_slice() {
                [bytes, element, shape, order] => {
                    (shape, element, order.text() == Some("F"), bytes)
                }
                _ => return None,
            },
            _ => return None,
        };
        let (Value::Tuple(shape), Value::Object(element)) = (shape, element) else { return None };
        let size = self.sizes(shape).ok()?;
        Some(Described {
            element: self.element(&self.objects[element])?,
            numbers: bytes.numbers()?,
            offset: 0,
            stride: strides(&size, by_columns)?,
            size,
        })
    }

    /// `numpy.dtype('f4', …)` with the state `(version, '<', …)`.
    fn element(&self, object: &Object<'a>) -> Option<Element<'a>> {
        let (_, name) = self.globals[object.class?];
        let code = self.containers[object.arguments].first()?.text()?;
        let order = match object.state {
            Some(Value::Tuple(state)) => self.containers[state].get(1).and_then(|v| v.text()),
            _ => None,
        };
        (name == "dtype").then(|| Element::of_numpy(code, order == Some(">")))
    }
}

/// How far apart an array's neighbors lie, in elements.
fn strides(size: &[i64], by_columns: bool) -> Option<Vec<i64>> {
    let mut strides = vec![1; size.len()];
    let mut step = 1_i64;
    for at in 0..size.len() {
        let dim = if by_columns { at } else { size.len().checked_sub(1)?.checked_sub(at)? };
        strides[dim] = step;
        step = step.checked_mul(size[dim].max(1))?;
    }
    Some(strides)
}
