//! Constants computed from constants, with operators that need no layer of the network for it: index
//! tables, masks, shapes. What is made and looked at is counted before ([`Budget`]).

mod elementwise;
mod indexing;
mod making;
mod reductions;

use tch::{Kind, Tensor};

use super::budget::Budget;
use super::import::Importer;
use super::message::Node;
use super::value::{Outcome, Value, torch};
use crate::network::ops::count;

/// A node whose inputs are all known. Numbers are float32 or int64; booleans are 0 and 1.
struct Known<'k> {
    node: &'k Node<'k>,
    inputs: Vec<Option<Tensor>>,
    budget: &'k mut Budget,
}

type Compute = fn(&mut Known) -> Outcome<Tensor>;

fn find(operator: &str) -> Option<Compute> {
    Some(match operator {
        "Add" | "Sub" | "Mul" | "Div" | "Mod" | "Pow" | "Max" | "Min" | "Sum" | "And" | "Or"
        | "Xor" | "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" => {
            elementwise::several
        }
        "Not" | "Ceil" | "Floor" | "Round" | "Sign" | "Neg" | "Abs" | "IsNaN" | "IsInf" | "Sin"
        | "Cos" | "Tan" | "Asin" | "Acos" | "Atan" | "Sinh" | "Cosh" | "Asinh" | "Acosh"
        | "Atanh" => elementwise::one,
        "Where" => elementwise::choose,

        "Gather" => indexing::gather,
        "GatherElements" => indexing::gather_elements,
        "GatherND" => indexing::gather_nd,
        "ScatterND" => indexing::scatter_nd,
        "ScatterElements" => indexing::scatter_elements,
        "Slice" => indexing::slice,
        "NonZero" => indexing::non_zero,

        "Range" => making::range,
        "Tile" => making::tile,
        "Trilu" => making::trilu,
        "CumSum" => making::cum_sum,
        "OneHot" => making::one_hot,
        "EyeLike" => making::eye_like,

        "ReduceSum" | "ReduceProd" | "ReduceMax" | "ReduceMin" => reductions::reduce,
        "ArgMax" | "ArgMin" => reductions::arg,
        _ => return None,
    })
}

/// Whether an operator is computed where all its inputs are known, if nowhere else.
pub(super) fn is_known(operator: &str) -> bool {
    find(operator).is_some()
}

/// What the node gives where all its inputs are known and don't depend on the batch.
pub(super) fn compute<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Option<Tensor>> {
    let Some(compute) = find(node.op) else { return Ok(None) };
    let mut inputs = Vec::new();
    for index in 0..node.inputs.len() {
        let value = importer.optional(node, index)?;
        if matches!(value, Some(Value::Node(_))) {
            return Ok(None);
        }
        match value.map(|value| value.tensor()).transpose() {
            Ok(tensor) => inputs.push(tensor),
            Err(_) => return Ok(None),
        }
    }
    compute(&mut Known { node, inputs, budget: &mut importer.budget }).map(Some)
}

impl Known<'_> {
    fn optional(&self, index: usize) -> Option<Tensor> {
        self.inputs.get(index)?.as_ref().map(Tensor::shallow_clone)
    }

    fn input(&self, index: usize) -> Outcome<Tensor> {
        self.optional(index).ok_or_else(|| format!("input {index} is missing"))
    }

    /// An input's whole numbers.
    fn numbers(&mut self, index: usize) -> Outcome<Option<Vec<i64>>> {
        let Some(tensor) = self.optional(index) else { return Ok(None) };
        self.numbers_in(&tensor).map(Some)
    }

    fn numbers_in(&mut self, tensor: &Tensor) -> Outcome<Vec<i64>> {
        self.budget.work(tensor.numel() as u64)?;
        let row = tensor.f_to_kind(Kind::Int64).and_then(|row| row.f_reshape(-1)).map_err(torch)?;
        Vec::try_from(row).map_err(torch)
    }

    /// The numbers of an attribute in older operator sets, of an input in newer ones.
    fn numbers_of(&mut self, attribute: &str, index: usize) -> Outcome<Option<Vec<i64>>> {
        match self.node.ints(attribute) {
            Some(numbers) => Ok(Some(numbers.to_vec())),
            None => self.numbers(index),
        }
    }

    /// Counts a result of that shape, for which `inputs` are looked at.
    fn count(&mut self, shape: &[i64], inputs: &[&Tensor]) -> Outcome<()> {
        if !shape.contains(&0) {
            self.budget.spend(shape)?;
        }
        let read = inputs.iter().map(|tensor| tensor.numel() as u64);
        self.budget.work(read.fold(count(shape), u64::saturating_add))
    }
}
