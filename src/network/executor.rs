//! The one way a network is run: in order, keeping what is asked for, stopping when it is there.

use tch::{TchError, Tensor};

use super::fused::{Packed, fusions, is_finite};
use super::gradient::leaf;
use super::liveness::Liveness;
use super::ops::{Misfit, count, countable};
use super::{Network, Node, Op, is_floating};
use crate::allocator::keep_large_blocks;
use crate::error::shape_text;
use crate::limits::check_memory;
use crate::{Error, Result};

impl Network {
    /// Runs the network.
    ///
    /// `input` is `[N, C, H, W]`, prepared as the network wants it ([`Network::prepare`]), on any
    /// device; the result is on the network's device. A gradient is recorded only where parameters
    /// or input ask for one (`set_requires_grad`); the zoo's don't.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.run(&[(0, &self.check_input(input)?)], &[self.output], false).and_then(only)
    }

    /// Runs the rest of the network from a layer's activation on.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let net = zoo::digits()?;
    /// let input = net.prepare(&data::digit(3, 0)?)?;
    /// let maps = net.activations(&input, &["relu1"])?.remove(0);
    /// let without_map_3 = maps.f_index_fill(1, &Tensor::from_slice(&[3_i64]), 0.0);
    /// # let without_map_3 = without_map_3.unwrap();
    /// assert_eq!(net.forward_from("relu1", &without_map_3)?.size(), [1, 10]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A layer that does not alone determine the output, because a skip or another branch
    /// goes past it; an activation of another shape than the layer's (but for the batch).
    pub fn forward_from(&self, layer: &str, activation: &Tensor) -> Result<Tensor> {
        let start = self.find(layer)?;
        let [c, h, w] = self.preprocess.input_shape();
        let nominal = self.shapes(&[1, c, h, w])?.swap_remove(start);
        let shape = activation.size();
        if shape.len() != nominal.len() || shape.get(1) != nominal.get(1) {
            return Err(Error::Shape {
                at: format!("{}, starting from `{}`", self.name, self.nodes[start].name),
                expected: format!("that layer's shape, usually {}", shape_text(&nominal)),
                got: shape_text(&shape),
                remedy: "`net.activations(&input, &[layer])` gives a fitting one.".to_owned(),
            });
        }
        self.run(&[(start, &self.to_own_device(activation)?)], &[self.output], false).and_then(only)
    }

    /// The activations of several layers in one run, which stops after the last of them.
    ///
    /// A layer is a name of [`Network::layer_names`] or a prefix: `layer4` is the last node under
    /// `layer4.`.
    pub fn activations(&self, input: &Tensor, layers: &[impl AsRef<str>]) -> Result<Vec<Tensor>> {
        self.values(input, &self.find_all(layers)?)
    }

    /// Runs what `wanted` needs, from the activations given on, and returns the wanted ones in that
    /// order, contiguous. Every other activation is freed after its last reader, or overwritten.
    pub(super) fn run(
        &self,
        given: &[(usize, &Tensor)],
        wanted: &[usize],
        training: bool,
    ) -> Result<Vec<Tensor>> {
        let packed = if training { None } else { self.packed_for(given)? };
        let layer_by_layer = || {
            let apply = |op: &Op, inputs: &[&Tensor]| op.compute(inputs, training);
            let values = self.run_through(given, wanted, packed, false, apply)?;
            values.iter().map(contiguous).collect::<Result<Vec<_>>>()
        };
        match (packed, wanted) {
            (Some(packed), &[one]) => {
                let value = packed.planned(self, given, one, || layer_by_layer().and_then(only))?;
                Ok(vec![value])
            }
            _ => layer_by_layer(),
        }
    }

    /// The same with another way to compute an operation's output, and in whatever layout.
    pub(super) fn run_with(
        &self,
        given: &[(usize, &Tensor)],
        wanted: &[usize],
        apply: impl FnMut(&Op, &[&Tensor]) -> std::result::Result<Tensor, TchError>,
    ) -> Result<Vec<Tensor>> {
        self.run_through(given, wanted, None, false, apply)
    }

    /// [`Network::run`], which makes leaves of the wanted values, so that gradients are recorded from them
    /// on; not of those that depend on one already.
    pub(super) fn run_marking(
        &self,
        given: &[(usize, &Tensor)],
        wanted: &[usize],
    ) -> Result<Vec<Tensor>> {
        let packed = self.packed_for(given)?;
        self.run_through(given, wanted, packed, true, |op, inputs| op.compute(inputs, false))
    }

    /// The one walk over the nodes. With `packed`, layers and what follows them are computed together; with
    /// `mark`, the wanted values become leaves.
    fn run_through(
        &self,
        given: &[(usize, &Tensor)],
        wanted: &[usize],
        packed: Option<&Packed>,
        mark: bool,
        mut apply: impl FnMut(&Op, &[&Tensor]) -> std::result::Result<Tensor, TchError>,
    ) -> Result<Vec<Tensor>> {
        keep_large_blocks();
        let mut live = self.liveness(given, wanted)?;
        let fusions = packed.map(|packed| (packed, fusions(&self.nodes, &live)));
        let freed = || self.broken("an activation was freed too early");
        let mut values: Vec<Option<Tensor>> = (0..live.len()).map(|_| None).collect();
        for (index, node) in self.nodes.iter().enumerate().take(live.len()) {
            if live[index].readers == 0 {
                continue;
            }
            let marked = |node: usize, value: Tensor| match mark && wanted.contains(&node) {
                true if !value.requires_grad() => leaf(&value),
                _ => Ok(value),
            };
            if let Some((_, tensor)) = given.iter().find(|(at, _)| *at == index) {
                values[index] = Some(marked(index, tensor.shallow_clone())?);
                continue;
            }
            let failed = |error| broken_at(node, error);
            if let Some((packed, fusions)) = &fusions
                && let Some(fusion) = &fusions[index]
                && let Some(value) =
                    packed.compute(index, node, fusion, &mut values).map_err(failed)?
            {
                for computed in fusion.nodes(index) {
                    live[computed].readers = 0;
                    self.free(computed, &live, &mut values);
                }
                values[fusion.end] = Some(marked(fusion.end, value)?);
                continue;
            }
            let spare = live[index].overwrites.and_then(|i| {
                let plain = |&i: &usize| values[i].as_ref().is_some_and(|v| !v.requires_grad());
                node.inputs.iter().all(plain).then(|| values[i].take())?
            });
            let inputs = node.inputs.iter().filter_map(|&i| values[i].as_ref()).collect::<Vec<_>>();
            let computed = match spare {
                Some(spare) => node.op.operation().compute_over(spare, inputs.first().copied()),
                None if inputs.len() < node.inputs.len() => return Err(freed()),
                None => apply(&node.op, &inputs),
            };
            values[index] = Some(marked(index, computed.map_err(failed)?)?);
            self.free(index, &live, &mut values);
        }
        let value = |&i: &usize| values[i].as_ref().map(Tensor::shallow_clone);
        wanted.iter().map(value).collect::<Option<_>>().ok_or_else(freed)
    }

    /// What computes layers together in a run from these values: nothing where something given takes a
    /// gradient, or isn't a number.
    pub(super) fn packed_for(&self, given: &[(usize, &Tensor)]) -> Result<Option<&Packed>> {
        let Some(packed) = &self.packed else { return Ok(None) };
        let mut parameters = self.nodes.iter().flat_map(|node| node.op.operation().parameters());
        let mut all = given.iter().map(|(_, value)| *value);
        if all.any(Tensor::requires_grad) || parameters.any(|(_, tensor)| tensor.requires_grad()) {
            return Ok(None);
        }
        let finite = given.iter().map(|(_, value)| is_finite(value));
        let finite = finite.collect::<std::result::Result<Vec<_>, _>>();
        let finite = finite.map_err(Error::torch("looking at the input"))?;
        Ok(finite.into_iter().all(|finite| finite).then_some(packed))
    }

    /// Drops what nobody needs once this node is computed.
    fn free(&self, node: usize, live: &[Liveness], values: &mut [Option<Tensor>]) {
        for &i in self.nodes[node].inputs.iter().filter(|&&i| live[i].last == node) {
            values[i] = None;
        }
    }

    /// Checks the input against every layer's needs, and brings it to the network's device and
    /// precision.
    pub(crate) fn check_input(&self, input: &Tensor) -> Result<Tensor> {
        let shapes = self.shapes(&input.size())?;
        let (kind, device) = self.kind_and_device();
        // No run needs less than its largest activation.
        let largest = shapes.iter().map(|shape| count(shape)).max().unwrap_or_default();
        let bytes = largest.saturating_mul(kind.elt_size_in_bytes() as u64);
        check_memory(&format!("running {}", self.name), bytes, device)?;
        self.to_own_device(input)
    }

    fn to_own_device(&self, input: &Tensor) -> Result<Tensor> {
        let (kind, device) = self.kind_and_device();
        if !is_floating(input.kind()) {
            return Err(Error::Argument(format!(
                "{}: the input holds {:?}, expected floating-point numbers as \
                 `net.prepare(&photo)` makes them",
                self.name,
                input.kind()
            )));
        }
        let moved = input.f_to_device(device).and_then(|input| input.f_to_kind(kind));
        moved.map_err(Error::torch("moving the input to the network's device"))
    }

    /// The values of some nodes; a gradient is recorded where the input asks for one.
    pub(crate) fn values_with_grad(&self, input: &Tensor, wanted: &[usize]) -> Result<Vec<Tensor>> {
        self.run(&[(0, &self.check_input(input)?)], wanted, false)
    }

    /// The values of some nodes, without a gradient.
    pub(crate) fn values(&self, input: &Tensor, wanted: &[usize]) -> Result<Vec<Tensor>> {
        tch::no_grad(|| self.run(&[(0, &self.check_input(input)?)], wanted, false))
    }

    /// The value of one node, without a gradient.
    pub(crate) fn value(&self, input: &Tensor, wanted: usize) -> Result<Tensor> {
        self.values(input, &[wanted]).and_then(only)
    }

    /// The output shape of every node for an input of this shape, without running anything.
    pub fn shapes(&self, input: &[i64]) -> Result<Vec<Vec<i64>>> {
        let [c, h, w] = self.preprocess.input_shape();
        if input.len() != 4 || input[1] != c || input.iter().any(|&size| size < 1) {
            return Err(Error::Shape {
                at: format!("{}'s input", self.name),
                expected: format!("[N, {c}, H, W], usually [1, {c}, {h}, {w}]"),
                got: shape_text(input),
                remedy: "`net.prepare(&photo)` makes a fitting one; a single image needs \
                         `.unsqueeze(0)`."
                    .to_owned(),
            });
        }
        let nominal = |misfit: Misfit| Error::Shape {
            at: format!("{}'s input", self.name),
            expected: misfit.expected,
            got: misfit.got,
            remedy: format!("Usual is [1, {c}, {h}, {w}]."),
        };
        let mut shapes: Vec<Vec<i64>> = vec![countable(input.to_vec()).map_err(nominal)?];
        for node in &self.nodes[1..] {
            let inputs: Vec<&[i64]> = node.inputs.iter().map(|&i| shapes[i].as_slice()).collect();
            let shape = node.op.shape(&inputs).map_err(|misfit| Error::Shape {
                at: format!(
                    "{} at `{}` ({}), for an input {}",
                    self.name,
                    node.name,
                    node.op.name(),
                    shape_text(input)
                ),
                expected: misfit.expected,
                got: misfit.got,
                remedy: format!("This network is made for [N, {c}, {h}, {w}]."),
            })?;
            shapes.push(shape);
        }
        Ok(shapes)
    }

    pub(crate) fn find_all(&self, layers: &[impl AsRef<str>]) -> Result<Vec<usize>> {
        layers.iter().map(|layer| self.find(layer.as_ref())).collect()
    }

    pub(super) fn broken(&self, what: &str) -> Error {
        Error::Internal(format!("{}: {what}; the node list is inconsistent", self.name))
    }
}

fn broken_at(node: &Node, error: TchError) -> Error {
    Error::torch(format!("computing `{}` ({})", node.name, node.op.name()))(error)
}

/// The same values, row by row: layouts are the executor's own affair.
pub(super) fn contiguous(tensor: &Tensor) -> Result<Tensor> {
    tensor.f_contiguous().map_err(Error::torch("laying out a layer's values"))
}

/// The one tensor that was asked for.
pub(crate) fn only(mut tensors: Vec<Tensor>) -> Result<Tensor> {
    tensors.pop().ok_or_else(|| Error::Argument("the network gave no output".to_owned()))
}
