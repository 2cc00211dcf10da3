//! What a node of the file reads: values, weights, whole numbers.

use tch::{Kind, Tensor};

use super::import::Importer;
use super::message::Node as OnnxNode;
use super::value::{Outcome, Value, torch};

impl<'a> Importer<'a> {
    /// An input that must be there.
    pub(super) fn input(&mut self, node: &OnnxNode<'a>, index: usize) -> Outcome<Value<'a>> {
        self.optional(node, index)?.ok_or_else(|| format!("input {index} is missing"))
    }

    pub(super) fn optional(
        &mut self,
        node: &OnnxNode<'a>,
        index: usize,
    ) -> Outcome<Option<Value<'a>>> {
        match node.inputs.get(index) {
            Some(&name) if !name.is_empty() => self.value(name).map(Some),
            _ => Ok(None),
        }
    }

    /// An input that must be known now, as float32: a weight.
    pub(super) fn weight(
        &mut self,
        node: &OnnxNode<'a>,
        index: usize,
    ) -> Outcome<Option<(Tensor, &'a str)>> {
        match self.optional(node, index)? {
            None => Ok(None),
            Some(Value::Constant(tensor, name)) => {
                let mut tensor = self.cast(&tensor, Kind::Float)?;
                // Rows of one number repeated: libtorch's batch normalization reads them as if all were in memory.
                if tensor.dim() == 1 && !tensor.is_contiguous() {
                    self.budget.spend(&tensor.size())?;
                    tensor = tensor.f_contiguous().map_err(torch)?;
                }
                Ok(Some((tensor, name)))
            }
            Some(_) => Err(format!("input {index} is computed, expected fixed weights")),
        }
    }

    pub(super) fn required(
        &mut self,
        node: &OnnxNode<'a>,
        index: usize,
    ) -> Outcome<(Tensor, &'a str)> {
        self.weight(node, index)?.ok_or_else(|| format!("input {index} is missing"))
    }

    /// Numbers known now, such as scales: an input.
    pub(super) fn reals(&mut self, node: &OnnxNode<'a>, index: usize) -> Outcome<Option<Vec<f64>>> {
        let Some((tensor, _)) = self.weight(node, index)? else { return Ok(None) };
        self.budget.spend(&tensor.size())?;
        let row = tensor.f_to_kind(Kind::Double).and_then(|row| row.f_reshape(-1));
        row.and_then(Vec::try_from).map(Some).map_err(torch)
    }

    /// Whole numbers known now, such as axes: an input.
    pub(super) fn numbers(
        &mut self,
        node: &OnnxNode<'a>,
        index: usize,
    ) -> Outcome<Option<Vec<i64>>> {
        let Some(value) = self.optional(node, index)? else { return Ok(None) };
        let numbers = value.sizes().and_then(|sizes| sizes.numbers());
        numbers.map(Some).ok_or_else(|| {
            format!(
                "input {index} is computed from the images or their number; exported for one image, \
                 it is fixed, and the network takes any number all the same"
            )
        })
    }

    /// The numbers of an attribute in older operator sets, of an input in newer ones.
    pub(super) fn numbers_of(
        &mut self,
        node: &OnnxNode<'a>,
        attribute: &str,
        index: usize,
    ) -> Outcome<Option<Vec<i64>>> {
        match node.ints(attribute) {
            Some(numbers) => Ok(Some(numbers.to_vec())),
            None => self.numbers(node, index),
        }
    }
}
