//! Running many variants of one picture that differ in a small region each: only what a region can
//! reach is computed, exactly.
//!
//! Nakandala, Kumar, Papakonstantinou, "Incremental and Approximate Inference for Faster
//! Occlusion-based Deep CNN Explanations", SIGMOD 2019. Here all regions of a layer have one size, so
//! that they run as one batch; at the border they are moved inwards. Around its changed values, a
//! region gets the layer's values on the unchanged image, of which one copy serves all variants.

use tch::{TchError, Tensor};

use super::executor::only;
use super::fused::{Then, fusions};
use super::ops::Spread;
use super::windows::{Value, Windows, crop, reached, union, whole};
use super::{Network, Node, Op, ReceptiveField};
use crate::{Error, Result};

/// From this share of a map on, the whole map is computed: a region costs more than its area.
const WORTHWHILE: f64 = 0.7;

impl Network {
    /// The values of all nodes up to `until` for the unchanged image `[1, C, H, W]`, in the layout
    /// in which they were computed.
    pub(crate) fn baseline_activations(&self, input: &Tensor, until: usize) -> Result<Vec<Tensor>> {
        let all: Vec<usize> = (0..=until).collect();
        let input = self.check_input(input)?;
        tch::no_grad(|| self.run_with(&[(0, &input)], &all, |op, inputs| op.compute(inputs, false)))
    }

    /// How many variants of a window of this size keep each layer's windows near the processor, at
    /// most.
    pub(crate) fn variants_at_once(&self, base: &[Tensor], window: [i64; 2]) -> Result<usize> {
        const VALUES: f64 = (1 << 23) as f64;
        let Some(input) = base.first().map(Tensor::size) else { return Ok(1) };
        let fields = self.receptive_fields(&input)?;
        let changed = |(value, field): (&Tensor, &[ReceptiveField; 2])| {
            let share = |d: usize| match field[d] {
                ReceptiveField::Window { size, .. } => {
                    ((window[d] + size) as f64 / input[2 + d] as f64).min(1.0)
                }
                _ => 1.0,
            };
            value.numel() as f64 * share(0) * share(1)
        };
        let largest = base.iter().zip(&fields).map(changed).fold(1.0, f64::max);
        Ok((VALUES / largest) as usize)
    }

    /// The value of node `wanted` for each variant, `[K, …]`. `base` holds the values of all nodes up
    /// to `wanted` for the unchanged image ([`Network::baseline_activations`]).
    pub(crate) fn run_regions(
        &self,
        base: &[Tensor],
        input: &Windows,
        wanted: usize,
    ) -> Result<Tensor> {
        let failed = || Error::torch("grouping the regions");
        let (mut order, mut values) = (Vec::new(), Vec::new());
        for group in input.groups(base) {
            let at = Tensor::f_from_slice(&group).map_err(failed())?;
            let at = at.f_to_device(input.values.device()).map_err(failed())?;
            let windows = Windows {
                values: input.values.f_index_select(0, &at).map_err(failed())?,
                starts: group.iter().map(|&k| input.starts[k as usize]).collect(),
            };
            values.push(self.run_group(base, windows, wanted)?);
            order.push(at);
        }
        let back = Tensor::f_cat(&order, 0).and_then(|order| order.f_argsort(0, false));
        let values = Tensor::f_cat(&values, 0);
        back.and_then(|back| values?.f_index_select(0, &back)).map_err(failed())
    }

    fn run_group(&self, base: &[Tensor], input: Windows, wanted: usize) -> Result<Tensor> {
        let count = input.starts.len();
        let live = self.liveness(&[(0, &input.values)], &[wanted])?;
        let packed = self.packed_for(&[(0, &base[0]), (0, &input.values)])?;
        let fusions = packed.map(|packed| (packed, fusions(&self.nodes, &live)));
        let mut values: Vec<Value> = (0..=wanted).map(|_| Value::Same).collect();
        values[0] = Value::Windows(input);
        for (index, node) in self.nodes.iter().enumerate().take(wanted + 1).skip(1) {
            // The function after a layer was computed with it.
            if live[index].readers == 0 || !matches!(values[index], Value::Same) {
                continue;
            }
            let fused = fusions.as_ref().and_then(|(packed, fusions)| {
                let (function, end) = fusions[index].as_ref()?.function()?;
                Some((packed, function, end))
            });
            let end = fused.map_or(index, |(.., end)| end);
            let compute = |op: &Op, inputs: &[&Tensor]| {
                if let (Some((packed, function, _)), [x]) = (fused, inputs)
                    && let Some(value) = packed.layer(index, op, x, Then::Function(function))?
                {
                    return Ok(value);
                }
                let value = op.compute(inputs, false)?;
                if end == index { Ok(value) } else { self.nodes[end].op.compute(&[&value], false) }
            };
            let value =
                step(node, &compute, &values, base, base[index].size(), live[index].overwrites);
            let failed = format!("computing the changed region of `{}`", node.name);
            values[end] = value.map_err(Error::torch(failed))?;
            for &i in &node.inputs {
                if live[i].last == index {
                    values[i] = Value::Same;
                }
            }
            // Nothing is a region any more: what remains is a run like any other, with all its shortcuts.
            if let Some(given) = all_whole(&values).filter(|_| end < wanted) {
                return self.run(&given, &[wanted], false).and_then(only);
            }
        }
        whole(&values[wanted], &base[wanted], count)
            .map_err(Error::torch("putting the regions into the output"))
    }
}

/// The values that are still needed, if there are any and all are whole.
fn all_whole(values: &[Value]) -> Option<Vec<(usize, &Tensor)>> {
    let changed = values.iter().enumerate().filter(|(_, value)| !matches!(value, Value::Same));
    let whole = changed.map(|(node, value)| match value {
        Value::Whole(value) => Some((node, value)),
        _ => None,
    });
    whole.collect::<Option<Vec<_>>>().filter(|whole| !whole.is_empty())
}

/// Whether a crop of these values lies in memory of its own.
fn is_new(crop: &Tensor, values: &Value) -> bool {
    !matches!(values, Value::Windows(windows) if windows.values.data_ptr() == crop.data_ptr())
}

/// Computes a node's operation, or the same operation with another padding.
type Compute<'a> = dyn Fn(&Op, &[&Tensor]) -> Result<Tensor, TchError> + 'a;

fn step(
    node: &Node,
    compute: &Compute<'_>,
    values: &[Value],
    base: &[Tensor],
    size: Vec<i64>,
    overwrites: Option<usize>,
) -> Result<Value, TchError> {
    let Node { op, inputs, .. } = node;
    let changed = |&&i: &&usize| !matches!(values[i], Value::Same);
    let Some(first) = inputs.iter().find(changed) else { return Ok(Value::Same) };
    let count = match &values[*first] {
        Value::Windows(windows) => windows.starts.len(),
        Value::Whole(value) => value.size()[0] as usize,
        Value::Same => 0,
    };
    if let ([_, _, h, w], true) = (&size[..], inputs.iter().all(|&i| base[i].dim() == 4)) {
        let windows: Option<Vec<&Value>> = inputs
            .iter()
            .map(|&i| Some(&values[i]).filter(|value| !matches!(value, Value::Whole(_))))
            .collect();
        if let Some(windows) = windows
            && let Some(windows) = in_windows(node, compute, &windows, base, [*h, *w], overwrites)?
        {
            return Ok(Value::Windows(windows));
        }
    }
    let full: Vec<Tensor> = inputs
        .iter()
        .map(|&i| match &values[i] {
            // What no variant changes is broadcast over them.
            Value::Same if op.operation().broadcasts() => Ok(base[i].shallow_clone()),
            value => whole(value, &base[i], count),
        })
        .collect::<Result<_, _>>()?;
    let full: Vec<&Tensor> = full.iter().collect();
    compute(op, &full).map(Value::Whole)
}

/// The output's windows, or `None` where the operation has none or they are hardly smaller than the
/// whole map.
fn in_windows(
    node: &Node,
    compute: &Compute<'_>,
    values: &[&Value],
    base: &[Tensor],
    size: [i64; 2],
    overwrites: Option<usize>,
) -> Result<Option<Windows>, TchError> {
    let Node { op, inputs, .. } = node;
    let small = |window: [i64; 2]| {
        ((window[0] * window[1]) as f64) < WORTHWHILE * (size[0] * size[1]) as f64
    };
    match (op.operation().spread(), values) {
        (Spread::Stays, [Value::Windows(x)]) => {
            let values = match overwrites {
                Some(_) => op.operation().compute_over(x.values.shallow_clone(), None)?,
                None => compute(op, &[&x.values])?,
            };
            Ok(Some(Windows { values, starts: x.starts.clone() }))
        }
        (Spread::Aligned, _) if inputs.iter().all(|&i| base[i].size()[2..] == size) => {
            let (starts, window) = union(values, size);
            if !small(window) {
                return Ok(None);
            }
            let aligned: Vec<Tensor> = inputs
                .iter()
                .zip(values)
                .map(|(&i, value)| crop(value, &base[i], &starts, window, 0.0))
                .collect::<Result<_, _>>()?;
            let values = match &aligned[..] {
                [a, b] if op.operation().works_in_place() => {
                    // Where nothing was cropped, a value is what other nodes may read.
                    let spare =
                        |k: usize| overwrites == Some(inputs[k]) || is_new(&aligned[k], values[k]);
                    match (spare(0), spare(1)) {
                        (true, _) => op.operation().compute_over(a.shallow_clone(), Some(b))?,
                        (_, true) => op.operation().compute_over(b.shallow_clone(), Some(a))?,
                        _ => compute(op, &[a, b])?,
                    }
                }
                _ => compute(op, &aligned.iter().collect::<Vec<_>>())?,
            };
            Ok(Some(Windows { values, starts }))
        }
        (Spread::Windows(reach), [value @ Value::Windows(x)]) => {
            let (starts, window) = reached(x, &reach, size);
            if !small(window) {
                return Ok(None);
            }
            let along = |d: usize| (window[d] - 1) * reach.stride[d] + reach.span[d];
            let first =
                |start: &[i64; 2]| [0, 1].map(|d| start[d] * reach.stride[d] - reach.padding[d]);
            let read: Vec<[i64; 2]> = starts.iter().map(first).collect();
            let crop = crop(value, &base[inputs[0]], &read, [along(0), along(1)], reach.border)?;
            Ok(Some(Windows { values: compute(&reach.unpadded, &[&crop])?, starts }))
        }
        _ => Ok(None),
    }
}
