//! The walk through the graph: each value of the file is known now, or becomes a node.

use std::collections::HashMap;
use std::path::Path;

use tch::{Kind, Tensor};

use super::budget::Budget;
use super::dims::{Batch, Shape, inferred};
use super::graph::Checked;
use super::input::Layout;
use super::known;
use super::message::{Array, Node as OnnxNode};
use super::operators::{self, Convert};
use super::tensor::{self, Folder};
use super::value::{Outcome, Value, torch};
use crate::error::{shape_text, short};
use crate::network::ops::{Input, Parameter, Permute};
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
    /// The data types of constants that are no initializers, where the file tells them.
    pub types: HashMap<&'a str, i64>,
    /// How many nodes read each value.
    readers: HashMap<&'a str, usize>,
    /// How many nodes are still to read it.
    waiting: HashMap<&'a str, usize>,
    /// How many values each node of the network is.
    holders: HashMap<usize, usize>,
    pub nodes: Vec<Node>,
    pub shapes: Vec<Shape>,
    pub origins: Vec<Origin<'a>>,
    /// The parameters among the nodes, by their initializers' names.
    parameters: HashMap<&'a str, usize>,
    /// Matrices that were transposed, by the same names.
    transposed: HashMap<&'a str, Tensor>,
    /// The node of the file that is being converted.
    current: Option<&'a OnnxNode<'a>>,
    pub budget: Budget,
    /// The version of the operator set that the file is written in.
    pub opset: i64,
    /// Whether the file is made for any batch, or for one image.
    pub dynamic: bool,
    /// How many images the file is made for, where it is for a fixed number.
    pub images: i64,
    /// The input that the file holds to be channels-last until it is turned, which it is already.
    pub turned: Option<&'a str>,
}

/// A node of the file becomes one of the network or a few, and a file has 20,000 at most.
const MOST_NODES: usize = 100_000;

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
        let images = checked.input.sizes[0].unwrap_or(1);
        let batch = Some(Batch { dim: 0, before: 1, images });
        Importer {
            folder: Folder::new(folder),
            initializers: checked.graph.initializers.iter().map(|a| (a.name, a)).collect(),
            values: HashMap::from([(checked.input.name, Value::Node(0))]),
            types: HashMap::new(),
            waiting: readers.clone(),
            readers,
            holders: HashMap::from([(0, 1)]),
            nodes: vec![Node { name: String::new(), op: Op::Input(Input), inputs: Vec::new() }],
            shapes: vec![Shape { sizes: vec![images, c, h, w], batch }],
            origins: vec![Origin { node: None, weight: "input" }],
            parameters: HashMap::new(),
            transposed: HashMap::new(),
            current: None,
            budget: Budget::new(),
            opset: checked.opset,
            dynamic: checked.input.sizes[0].is_none(),
            images,
            turned: (checked.input.layout == Layout::TurnedAtOnce).then_some(checked.input.name),
        }
    }

    /// Images as the file lays them out, where it reads them so.
    pub(super) fn lay_out_input(&mut self, layout: Layout, name: &'a str) -> Outcome<()> {
        if layout == Layout::ChannelsLast {
            let turned = self.emit(Permute { order: vec![0, 2, 3, 1] }, vec![Value::Node(0)])?;
            self.values.insert(name, turned);
        }
        Ok(())
    }

    pub(super) fn convert(&mut self, node: &'a OnnxNode<'a>) -> Outcome<()> {
        self.current = Some(node);
        let values = match (known::compute(self, node)?, operators::find(node.op)) {
            (Some(tensor), _) => vec![Value::Constant(tensor, "")],
            (None, Some(Convert::One(convert))) => vec![convert(self, node)?],
            (None, Some(Convert::Several(convert))) => convert(self, node)?,
            (None, None) if known::is_known(node.op) => {
                return Err("supported on constants only, not on activations".to_owned());
            }
            (None, None) => return Err("not supported".to_owned()),
        };
        for (name, value) in node.outputs.iter().zip(values).filter(|(name, _)| !name.is_empty()) {
            match &value {
                // Tensors' numbers are counted where they are made, shapes' here: they are larger.
                Value::Sizes(sizes) => self.budget.spend(&[4, (1 + sizes.values.len()) as i64])?,
                Value::Node(index) => *self.holders.entry(*index).or_default() += 1,
                Value::Constant(..) => {}
            }
            self.values.insert(name, value);
        }
        for name in &node.inputs {
            self.release(name);
        }
        Ok(())
    }

    /// Lets go of a constant that no other node reads.
    fn release(&mut self, name: &'a str) {
        if let Some(waiting) = self.waiting.get_mut(name) {
            *waiting = waiting.saturating_sub(1);
            if *waiting == 0 && matches!(self.values.get(name), Some(Value::Constant(..))) {
                self.values.remove(name);
            }
        }
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
        value.ok_or_else(|| format!("reads `{}`, an output that is not supported", short(name)))
    }

    /// The data type of a constant, as the file numbers them; here all whole numbers are int64.
    pub(super) fn data_type(&self, name: &str) -> Option<i64> {
        let initializer = self.initializers.get(name).map(|array| array.kind);
        initializer.or_else(|| self.types.get(name).copied())
    }

    /// A tensor written out in a node.
    pub(super) fn read(&mut self, array: &Array) -> Outcome<Tensor> {
        let tensor = tensor::read(array, &mut self.folder)?;
        self.budget.earn(tensor.numel());
        Ok(tensor)
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
        self.push(op, inputs, shape, Origin { node: self.current, weight }).map(Value::Node)
    }

    fn push(
        &mut self,
        op: Op,
        inputs: Vec<usize>,
        shape: Shape,
        origin: Origin<'a>,
    ) -> Outcome<usize> {
        if self.nodes.len() == MOST_NODES {
            return Err(format!("the network has more than {MOST_NODES} nodes: refused"));
        }
        self.nodes.push(Node { name: String::new(), op, inputs });
        self.shapes.push(shape);
        self.origins.push(origin);
        Ok(self.nodes.len() - 1)
    }

    fn fold(&mut self, op: &Op, inputs: &[Value], shape: &Shape) -> Outcome<Value<'a>> {
        let tensors = inputs.iter().map(Value::tensor).collect::<Outcome<Vec<Tensor>>>()?;
        let sizes: Vec<Vec<i64>> = tensors.iter().map(Tensor::size).collect();
        let inputs: Vec<&[i64]> = sizes.iter().map(Vec::as_slice).collect();
        self.budget.spend(&shape.sizes)?;
        self.budget.work(op.work(&inputs, &shape.sizes))?;
        let tensor = op.compute(&tensors.iter().collect::<Vec<_>>(), false).map_err(torch)?;
        Ok(Value::Constant(tensor, ""))
    }

    /// A constant in that precision: itself, or a copy.
    pub(super) fn cast(&mut self, tensor: &Tensor, kind: Kind) -> Outcome<Tensor> {
        if tensor.kind() != kind {
            self.budget.spend(&tensor.size())?;
        }
        tensor.f_to_kind(kind).map_err(torch)
    }

    /// A matrix with rows for columns. `name` is its initializer's, which several layers may share.
    pub(super) fn transposed(&mut self, matrix: &Tensor, name: &'a str) -> Outcome<Tensor> {
        if let Some(known) = self.transposed.get(name) {
            return Ok(known.shallow_clone());
        }
        let size = matrix.size();
        if size.len() != 2 {
            return Err(format!("weights {}, expected a matrix", shape_text(&size)));
        }
        self.budget.spend(&size)?;
        let turned = matrix.f_permute([1, 0]).and_then(|turned| turned.f_contiguous());
        let turned = turned.map_err(torch)?;
        if !name.is_empty() {
            self.transposed.insert(name, turned.shallow_clone());
        }
        Ok(turned)
    }

    /// The node of a value; a constant becomes a parameter.
    fn node(&mut self, value: Value<'a>) -> Outcome<usize> {
        if let Value::Node(index) = value {
            return Ok(index);
        }
        let name = if let Value::Constant(_, name) = value { name } else { "" };
        if let Some(&index) = self.parameters.get(name) {
            return Ok(index);
        }
        let shape = self.shape(&value);
        let value = self.cast(&value.tensor()?, Kind::Float)?;
        let node = if name.is_empty() { self.current } else { None };
        let origin = Origin { node, weight: name };
        let index = self.push(Parameter { value }.into(), Vec::new(), shape, origin)?;
        if !name.is_empty() {
            self.parameters.insert(name, index);
        }
        Ok(index)
    }

    /// Whether a single node of the file reads the value of that name, and no other value is the
    /// same node of the network.
    pub(super) fn reads_alone(&self, name: &str, index: usize) -> bool {
        self.readers.get(name) == Some(&1) && self.holders.get(&index) == Some(&1)
    }

    /// From now on there is no value of that name, which was the network's node `index`.
    pub(super) fn forget(&mut self, name: &str, index: usize) {
        self.values.remove(name);
        self.holders.remove(&index);
    }
}
