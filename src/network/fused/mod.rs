//! What a network made for inference computes in one call of oneDNN: a convolution or linear layer with the
//! sum and the function that follow it, on weights that were packed once; and a whole run, once it has come
//! often enough to be planned.
//!
//! Nothing of it is seen from outside: nodes, names and values stay. Where a value between them is wanted, or a
//! gradient is recorded, they are computed one by one.

mod graph;
mod onednn;
mod plans;
mod trace;

use std::fs;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tch::{Device, Kind, TchError, Tensor};

pub(super) use self::onednn::Then;
use self::onednn::{Function, Sum};
use self::plans::{Form, Plans};
use super::liveness::Liveness;
use super::ops::Linear;
use super::{Arithmetic, Network, Node, Op, Pointwise};
use crate::Result as Outcome;
use crate::allocator::give_back;
use crate::batching::free;

/// What oneDNN keeps of a network.
#[derive(Clone)]
pub(super) struct Packed {
    /// The weights of the layers in oneDNN's own order, each packed when it is first used.
    weights: Arc<Vec<Mutex<Option<Weight>>>>,
    plans: Arc<Plans>,
}

struct Weight {
    /// What it was packed from: a node whose weight is another by now does without.
    of: Tensor,
    /// Nothing where a parameter is not a finite number, or memory is short.
    packed: Option<Tensor>,
}

/// What is computed together with a layer.
pub(super) struct Fusion {
    sum: Option<Addition>,
    function: Function,
    /// The node whose value comes out.
    pub end: usize,
}

/// A sum, its other summand, and whether the result may take that one's memory.
struct Addition {
    at: usize,
    other: usize,
    over: bool,
}

impl Fusion {
    /// The function that follows right after the layer, and its node; nothing where a sum comes first.
    pub(super) fn function(&self) -> Option<(Function, usize)> {
        self.sum.is_none().then_some((self.function, self.end))
    }

    /// The layer at `index` and those computed with it.
    pub(super) fn nodes(&self, index: usize) -> impl Iterator<Item = usize> {
        let after = [self.sum.as_ref().map(|sum| sum.at), Some(self.end)];
        let after = after.into_iter().flatten().filter(move |&node| node != index);
        std::iter::once(index).chain(after)
    }
}

/// With fewer rows, a linear layer reads each weight too seldom for a second copy to pay: 400 MB for VGG-16's
/// first, to save a hundredth of a second.
const FEWEST_ROWS: i64 = 16;

/// A packed weight is a second copy: with less than this left beside it, in bytes, layers do without.
const ROOM: u64 = 512 << 20;

/// Whether oneDNN computes linear layers too. On Intel's processors its library, which libtorch has, is as
/// fast; on others oneDNN is 1.2 to 2.4 times as fast.
static LINEAR_TOO: LazyLock<bool> = LazyLock::new(|| {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    !processor.is_empty() && !processor.contains("GenuineIntel")
});

impl Packed {
    /// For a network of these nodes; nothing where oneDNN can't be asked.
    pub(super) fn of(nodes: &[Node], kind: Kind, device: Device) -> Option<Packed> {
        let usable = kind == Kind::Float && device == Device::Cpu && onednn::is_there();
        usable.then(|| Packed {
            weights: Arc::new(nodes.iter().map(|_| Mutex::default()).collect()),
            plans: Arc::default(),
        })
    }

    /// A run of one form: as it is planned, or as `run` does it layer by layer.
    pub(super) fn planned(
        &self,
        net: &Network,
        given: &[(usize, &Tensor)],
        wanted: usize,
        run: impl FnOnce() -> Outcome<Tensor>,
    ) -> Outcome<Tensor> {
        let form = Form::new(given, wanted);
        // Where it fails, memory may be short; layer by layer it needs less, or says so.
        if let Some(plan) = self.plans.get(net, &form)
            && let Ok(value) = plan.run(given)
        {
            return Ok(value);
        }
        let value = run()?;
        if self.plans.repeated(net, form, given, &value) {
            // The plan has its own.
            for weight in self.weights.iter().take(wanted + 1) {
                *weight.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            give_back();
        }
        Ok(value)
    }

    /// Computes the layer at `index` with what is fused to it, or nothing where it must be done one by one.
    /// A summand whose memory was taken is gone from `values`.
    pub(super) fn compute(
        &self,
        index: usize,
        node: &Node,
        fusion: &Fusion,
        values: &mut [Option<Tensor>],
    ) -> Result<Option<Tensor>, TchError> {
        // Where a gradient is recorded, libtorch must see each operation.
        let plain = |value: &&Tensor| !value.requires_grad();
        let value = |i: usize| values.get(i)?.as_ref().filter(plain).map(Tensor::shallow_clone);
        let Some(x) = node.inputs.first().and_then(|&i| value(i)) else { return Ok(None) };
        let then = match &fusion.sum {
            None => Then::Function(fusion.function),
            Some(sum) => {
                let shape = node.op.shape(&[&x.size()]).unwrap_or_default();
                match value(sum.other).filter(|other| other.size() == shape) {
                    Some(other) => {
                        let rectified = fusion.end != sum.at;
                        Then::Sum(Sum { other, over: sum.over, rectified })
                    }
                    None => return Ok(None),
                }
            }
        };
        let computed = self.layer(index, &node.op, &x, then)?;
        if let Some(sum) = fusion.sum.as_ref().filter(|sum| sum.over && computed.is_some()) {
            values[sum.other] = None;
        }
        Ok(computed)
    }

    /// A layer and what follows it, on any input that fits; `op` may pad otherwise than the node does.
    pub(super) fn layer(
        &self,
        index: usize,
        op: &Op,
        x: &Tensor,
        then: Then,
    ) -> Result<Option<Tensor>, TchError> {
        match op {
            Op::Conv2d(conv) => {
                let pack = || onednn::pack_convolution(conv, &x.size());
                let weight = self.weight(index, &conv.weight, conv.bias.as_ref(), pack)?;
                weight.map(|weight| onednn::convolution(conv, &weight, x, then))
            }
            Op::Linear(linear) => match rows(linear, x) {
                ..FEWEST_ROWS => None,
                rows => {
                    let pack = || onednn::pack_linear(linear, rows);
                    let weight = self.weight(index, &linear.weight, linear.bias.as_ref(), pack)?;
                    weight.map(|weight| onednn::linear(linear, &weight, x, then))
                }
            },
            _ => None,
        }
        .transpose()
    }

    /// A node's packed weight, from `pack` the first time.
    fn weight(
        &self,
        node: usize,
        weight: &Tensor,
        bias: Option<&Tensor>,
        pack: impl FnOnce() -> Result<Tensor, TchError>,
    ) -> Result<Option<Tensor>, TchError> {
        let fits = weight.kind() == Kind::Float && weight.device() == Device::Cpu;
        let Some(place) = self.weights.get(node).filter(|_| fits) else { return Ok(None) };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() {
            let bytes = (weight.numel() * size_of::<f32>()) as u64;
            let usable = free(Device::Cpu) >= ROOM.saturating_add(bytes)
                && is_finite(weight)?
                && bias.map_or(Ok(true), is_finite)?;
            let packed = if usable { Some(pack()?) } else { None };
            *place = Some(Weight { of: weight.shallow_clone(), packed });
        }
        let fitting = place.as_ref().filter(|known| known.of.data_ptr() == weight.data_ptr());
        Ok(fitting.and_then(|known| known.packed.as_ref()).map(Tensor::shallow_clone))
    }
}

/// How many rows a linear layer makes of this input.
fn rows(linear: &Linear, x: &Tensor) -> i64 {
    x.numel() as i64 / linear.weight.size()[1].max(1)
}

/// Whether all values are finite numbers: oneDNN's ReLU makes 0 of one that is none, and what is broken
/// would look whole.
pub(super) fn is_finite(values: &Tensor) -> Result<bool, TchError> {
    Ok(values.f_sum(Kind::Double)?.f_double_value(&[])?.is_finite())
}

/// What can be computed together in a run, by the node at which it begins.
pub(super) fn fusions(nodes: &[Node], live: &[Liveness]) -> Vec<Option<Fusion>> {
    (0..live.len()).map(|index| fusion(nodes, live, index)).collect()
}

fn fusion(nodes: &[Node], live: &[Liveness], index: usize) -> Option<Fusion> {
    let linear = match nodes[index].op {
        Op::Conv2d(_) => false,
        Op::Linear(_) if *LINEAR_TOO => true,
        _ => return None,
    };
    let alone = Fusion { sum: None, function: Function::NONE, end: index };
    let Some(next) = live[index].only_reader() else { return Some(alone) };
    match &nodes[next].op {
        Op::Pointwise(pointwise) => match Function::of(pointwise) {
            Some(function) => Some(Fusion { function, end: next, ..alone }),
            None => Some(alone),
        },
        Op::Arithmetic(Arithmetic::Add) => {
            let mut others = nodes[next].inputs.iter().copied().filter(|&i| i != index);
            // The sum is computed with the layer: what is not there yet is added later, and what a node between
            // the two reads may not be freed or written over.
            let between = &nodes[index + 1..next];
            let is_ready = |&other: &usize| {
                other < index && between.iter().all(|node| !node.inputs.contains(&other))
            };
            let Some(other) = others.next().filter(is_ready) else { return Some(alone) };
            let rectified = live[next].only_reader().filter(|&i| is_relu(&nodes[i].op));
            let over =
                !linear && live[other].is_free_at(next) && !nodes[index].inputs.contains(&other);
            let end = rectified.filter(|_| !linear).unwrap_or(next);
            Some(Fusion { sum: Some(Addition { at: next, other, over }), end, ..alone })
        }
        _ => Some(alone),
    }
}

fn is_relu(op: &Op) -> bool {
    matches!(op, Op::Pointwise(Pointwise::Relu))
}
