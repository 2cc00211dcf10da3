//! The walk through the graph: each value of the file is known now, or becomes a node.

use std::collections::HashMap;
use std::path::Path;

use tch::{Kind, Tensor};

use super::dims::{Shape, product};
use super::graph::Checked;
use super::message::{Array, Node as OnnxNode};
use super::operators::{self, Convert};
use super::tensor::{self, Folder};
use super::value::{Outcome, Value, torch};
use crate::network::ops::{Input, Parameter};
use crate::network::{Node, Op};

/// Where a node of the network comes from: what it is named after.
pub(super) struct Origin<'a> {
    /// The file's node; none for the input and for parameters.
    pub node: Option<&'a OnnxNode<'a>>,
    /// The initializer that holds its weight, or itself.
    pub weight: &'a str,
}

pub(super) struct Importer<'a> {
    folder: Folder,
    initializers: HashMap<&'a str, &'a Array<'a>>,
    pub values: HashMap<&'a str, Value<'a>>,
    /// How many nodes read each value.
    readers: HashMap<&'a str, usize>,
    pub nodes: Vec<Node>,
    pub shapes: Vec<Shape>,
    pub origins: Vec<Origin<'a>>,
    /// The node of the file that is being converted.
    current: Option<&'a OnnxNode<'a>>,
    /// How many numbers folding may still make: about as many as were read. A file that makes much
    /// of little is a bomb.
    budget: i64,
    /// Whether the file is made for any batch, or for one image.
    pub dynamic: bool,
}

/// Folding may make as many numbers of nothing.
const ALWAYS: i64 = 1 << 24;

impl<'a> Importer<'a> {
    /// The state at the beginning, for images `[C, H, W]`.
    pub(super) fn new(checked: &'a Checked<'a>, folder: &Path, image: [i64; 3]) -> Self {
        let mut readers: HashMap<&str, usize> = HashMap::new();
        for input in checked.order.iter().flat_map(|&index| &checked.graph.nodes[index].inputs) {
            *readers.entry(input).or_default() += 1;
        }
        for output in &checked.graph.outputs {
            *readers.entry(output.name).or_default() += 1;
        }
        let [c, h, w] = image;
        let batch = Some(super::dims::Batch { dim: 0, before: 1 });
        Importer {
            folder: Folder::new(folder),
            initializers: checked.graph.initializers.iter().map(|a| (a.name, a)).collect(),
            values: HashMap::from([(checked.input, Value::Node(0))]),
            readers,
            nodes: vec![Node { name: String::new(), op: Op::Input(Input), inputs: Vec::new() }],
            shapes: vec![Shape { sizes: vec![1, c, h, w], batch }],
            origins: vec![Origin { node: None, weight: "input" }],
            current: None,
            budget: ALWAYS,
            dynamic: checked.sizes[0].is_none(),
        }
    }

    pub(super) fn convert(&mut self, node: &'a OnnxNode<'a>) -> Outcome<()> {
        self.current = Some(node);
        let values = match operators::find(node.op) {
            Some(Convert::One(convert)) => vec![convert(self, node)?],
            Some(Convert::Several(convert)) => convert(self, node)?,
            None => return Err("not supported".to_owned()),
        };
        let named = node.outputs.iter().zip(values).filter(|(name, _)| !name.is_empty());
        self.values.extend(named.map(|(name, value)| (*name, value)));
        Ok(())
    }

    /// The value of that name.
    pub(super) fn value(&mut self, name: &'a str) -> Outcome<Value<'a>> {
        if !self.values.contains_key(name)
            && let Some(&array) = self.initializers.get(name)
        {
            let value = Value::Constant(self.read(array)?, name);
            self.values.insert(name, value);
        }
        let value = self.values.get(name).map(Value::share);
        value.ok_or_else(|| format!("reads `{name}`, an output that is not supported"))
    }

    /// A tensor written out in a node.
    pub(super) fn read(&mut self, array: &Array) -> Outcome<Tensor> {
        let tensor = tensor::read(array, &mut self.folder)?;
        self.budget = self.budget.saturating_add(tensor.numel() as i64);
        Ok(tensor)
    }

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
                let tensor = tensor.f_to_kind(Kind::Float).map_err(torch)?;
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

    /// The shape of any value.
    pub(super) fn shape(&self, value: &Value) -> Shape {
        let sizes = match value {
            Value::Node(index) => return self.shapes[*index].clone(),
            Value::Constant(tensor, _) => tensor.size(),
            Value::Sizes(sizes) if sizes.scalar => Vec::new(),
            Value::Sizes(sizes) => vec![sizes.values.len() as i64],
        };
        Shape { sizes, batch: None }
    }

    /// Adds an operation without weights: a node, or its result where all inputs are known.
    pub(super) fn emit(&mut self, op: impl Into<Op>, inputs: Vec<Value<'a>>) -> Outcome<Value<'a>> {
        self.emit_layer(op, inputs, "")
    }

    /// Adds an operation; `weight` is the initializer that names it.
    pub(super) fn emit_layer(
        &mut self,
        op: impl Into<Op>,
        inputs: Vec<Value<'a>>,
        weight: &'a str,
    ) -> Outcome<Value<'a>> {
        let op = op.into();
        let shapes: Vec<Shape> = inputs.iter().map(|value| self.shape(value)).collect();
        let shape = inferred(&op, &shapes)?;
        if !inputs.iter().any(|value| matches!(value, Value::Node(_))) {
            return self.fold(&op, &inputs, &shape);
        }
        let inputs = inputs.into_iter().map(|value| self.node(value));
        let inputs = inputs.collect::<Outcome<Vec<usize>>>()?;
        Ok(self.push(op, inputs, shape, Origin { node: self.current, weight }))
    }

    fn push(&mut self, op: Op, inputs: Vec<usize>, shape: Shape, origin: Origin<'a>) -> Value<'a> {
        self.nodes.push(Node { name: String::new(), op, inputs });
        self.shapes.push(shape);
        self.origins.push(origin);
        Value::Node(self.nodes.len() - 1)
    }

    fn fold(&mut self, op: &Op, inputs: &[Value], shape: &Shape) -> Outcome<Value<'a>> {
        let tensors = inputs.iter().map(Value::tensor).collect::<Outcome<Vec<Tensor>>>()?;
        self.spend(&shape.sizes)?;
        let tensor = op.compute(&tensors.iter().collect::<Vec<_>>(), false).map_err(torch)?;
        Ok(Value::Constant(tensor, ""))
    }

    /// Counts what is made of constants.
    pub(super) fn spend(&mut self, sizes: &[i64]) -> Outcome<()> {
        self.budget -= product(sizes)?;
        if self.budget < 0 {
            return Err(format!("constants of {sizes:?}, far larger than the file: refused"));
        }
        Ok(())
    }

    /// The node of a value; a constant becomes a parameter.
    fn node(&mut self, value: Value<'a>) -> Outcome<usize> {
        if let Value::Node(index) = value {
            return Ok(index);
        }
        let name = if let Value::Constant(_, name) = value { name } else { "" };
        let known = |origin: &Origin| origin.node.is_none() && origin.weight == name;
        if !name.is_empty()
            && let Some(index) = self.origins.iter().position(known)
            && matches!(self.nodes[index].op, Op::Parameter(_))
        {
            return Ok(index);
        }
        let shape = self.shape(&value);
        let value = value.tensor()?.f_to_kind(Kind::Float).map_err(torch)?;
        let node = if name.is_empty() { self.current } else { None };
        self.push(Parameter { value }.into(), Vec::new(), shape, Origin { node, weight: name });
        Ok(self.nodes.len() - 1)
    }

    /// Whether a single node of the file reads the value of that name, and no other value is the
    /// same node of the network.
    pub(super) fn reads_alone(&self, name: &str, index: usize) -> bool {
        let same = |value: &&Value| matches!(value, Value::Node(other) if *other == index);
        self.readers.get(name) == Some(&1) && self.values.values().filter(same).count() == 1
    }
}

/// The shape of an operation's result for any batch.
fn inferred(op: &Op, inputs: &[Shape]) -> Outcome<Shape> {
    let at = |n: i64| {
        let shapes = inputs.iter().map(|shape| shape.at(n)).collect::<Outcome<Vec<_>>>()?;
        let shapes: Vec<&[i64]> = shapes.iter().map(Vec::as_slice).collect();
        op.shape(&shapes).map_err(|misfit| {
            let images = if n == 1 { "" } else { " for two images: export it for a dynamic batch" };
            format!("expected {}, got {}{images}", misfit.expected, misfit.got)
        })
    };
    let (one, two) = (at(1)?, at(2)?);
    Shape::found(one, &two, &inputs.iter().collect::<Vec<_>>())
}
