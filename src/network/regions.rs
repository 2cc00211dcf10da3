//! Running many variants of one picture that differ in a small region each: only what a region can
//! reach is computed, exactly.
//!
//! Nakandala, Kumar, Papakonstantinou, "Incremental and Approximate Inference for Faster
//! Occlusion-based Deep CNN Explanations", SIGMOD 2019. Here all regions of a layer have one size, so
//! that they run as one batch; at the border they are moved inwards. Around its changed values, a
//! region gets the layer's values on the unchanged picture, of which one copy serves all variants.

use tch::{TchError, Tensor};

use super::{Network, Op, ReceptiveField};
use crate::{Error, Result};

/// From this share of a map on, the whole map is computed: a region costs more than its area.
const WORTHWHILE: f64 = 0.7;

/// As many variants as libtorch needs at once to be fast.
const GROUP: usize = 20;

/// Values of one node that differ from the unchanged picture's, one window a variant.
pub(crate) struct Windows {
    /// `[K, C, h, w]`
    pub values: Tensor,
    /// Row and column of each window's first value.
    pub starts: Vec<[i64; 2]>,
}

impl Windows {
    /// The variants by their windows' distance from the border, which cuts what they can reach: those
    /// alike together, so that the regions of a group can be as small as its own need.
    fn groups(&self, base: &[Tensor]) -> Vec<Vec<i64>> {
        let (window, full) = (self.values.size(), base.first().map(Tensor::size));
        let full = full.unwrap_or_else(|| window.clone());
        let distance = |k: i64, d: usize| {
            let start = self.starts[k as usize][d];
            start.min(full[2 + d] - window[2 + d] - start)
        };
        let mut all: Vec<i64> = (0..self.starts.len() as i64).collect();
        let parts = ((all.len() / GROUP) as f64).sqrt().max(1.0) as usize;
        all.sort_by_key(|&k| distance(k, 0));
        let mut groups = Vec::new();
        for rows in all.chunks(all.len().div_ceil(parts).max(1)) {
            let mut rows = rows.to_vec();
            rows.sort_by_key(|&k| distance(k, 1));
            groups.extend(rows.chunks(rows.len().div_ceil(parts)).map(<[i64]>::to_vec));
        }
        groups
    }
}

/// What is known of a node's value for the variants.
enum Value {
    /// As on the unchanged picture.
    Same,
    Windows(Windows),
    /// `[K, …]`, computed as a whole.
    Whole(Tensor),
}

/// How an operation's output windows read its input, per direction.
#[derive(Clone, Copy)]
struct Reach {
    span: [i64; 2],
    stride: [i64; 2],
    padding: [i64; 2],
    /// What stands beyond the border.
    border: f64,
}

impl Network {
    /// The values of all nodes up to `until` for the unchanged picture `[1, C, H, W]`, in the layout
    /// in which they were computed.
    pub(crate) fn unchanged(&self, input: &Tensor, until: usize) -> Result<Vec<Tensor>> {
        let all: Vec<usize> = (0..=until).collect();
        let input = self.admit(input)?;
        tch::no_grad(|| self.run_with(&[(0, &input)], &all, |op, inputs| op.apply(inputs, false)))
    }

    /// How many variants of a window of this size keep each layer's windows near the processor, at
    /// most.
    pub(crate) fn variants_at_once(&self, base: &[Tensor], window: [i64; 2]) -> Result<usize> {
        const VALUES: f64 = (1 << 24) as f64;
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
    /// to `wanted` for the unchanged picture ([`Network::unchanged`]).
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
        let uses = self.uses(&[(0, &input.values)], &[wanted])?;
        let mut values: Vec<Value> = Vec::with_capacity(wanted + 1);
        values.push(Value::Windows(input));
        for (index, node) in self.nodes.iter().enumerate().take(wanted + 1).skip(1) {
            let value = step(&node.op, &node.inputs, &values, base, base[index].size());
            let failed = format!("computing the changed region of `{}`", node.name);
            values.push(value.map_err(Error::torch(failed))?);
            for &i in &node.inputs {
                if uses[i].last == index {
                    values[i] = Value::Same;
                }
            }
        }
        whole(&values[wanted], &base[wanted], count)
            .map_err(Error::torch("putting the regions into the output"))
    }
}

fn step(
    op: &Op,
    inputs: &[usize],
    values: &[Value],
    base: &[Tensor],
    size: Vec<i64>,
) -> Result<Value, TchError> {
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
            && let Some(windows) = in_windows(op, inputs, &windows, base, [*h, *w])?
        {
            return Ok(Value::Windows(windows));
        }
    }
    let full: Vec<Tensor> = inputs
        .iter()
        .map(|&i| match &values[i] {
            // What no variant changes is broadcast over them.
            Value::Same if broadcasts(op) => Ok(base[i].shallow_clone()),
            value => whole(value, &base[i], count),
        })
        .collect::<Result<_, _>>()?;
    let full: Vec<&Tensor> = full.iter().collect();
    op.apply(&full, false).map(Value::Whole)
}

fn broadcasts(op: &Op) -> bool {
    matches!(op, Op::Arithmetic(_) | Op::MatMul)
}

/// The output's windows, or `None` where the operation has none or they are hardly smaller than the
/// whole map.
fn in_windows(
    op: &Op,
    inputs: &[usize],
    values: &[&Value],
    base: &[Tensor],
    size: [i64; 2],
) -> Result<Option<Windows>, TchError> {
    let small = |window: [i64; 2]| {
        ((window[0] * window[1]) as f64) < WORTHWHILE * (size[0] * size[1]) as f64
    };
    match (op, values) {
        (Op::Pointwise(_) | Op::BatchNorm2d { .. } | Op::Dropout { .. }, [Value::Windows(x)]) => {
            let values = op.apply(&[&x.values], false)?;
            Ok(Some(Windows { values, starts: x.starts.clone() }))
        }
        (Op::Arithmetic(_) | Op::Concat { dim: 1 }, _)
            if inputs.iter().all(|&i| base[i].size()[2..] == size) =>
        {
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
                [a, b] => op.apply_over(a.shallow_clone(), Some(b))?,
                _ => op.apply(&aligned.iter().collect::<Vec<_>>(), false)?,
            };
            Ok(Some(Windows { values, starts }))
        }
        (_, [value @ Value::Windows(x)]) => {
            let Some(reach) = reach(op) else { return Ok(None) };
            let (starts, window) = reached(x, reach, size);
            if !small(window) {
                return Ok(None);
            }
            let along = |d: usize| (window[d] - 1) * reach.stride[d] + reach.span[d];
            let first =
                |start: &[i64; 2]| [0, 1].map(|d| start[d] * reach.stride[d] - reach.padding[d]);
            let read: Vec<[i64; 2]> = starts.iter().map(first).collect();
            let crop = crop(value, &base[inputs[0]], &read, [along(0), along(1)], reach.border)?;
            Ok(Some(Windows { values: unpadded(op, &crop)?, starts }))
        }
        _ => Ok(None),
    }
}

/// How far the operation's windows reach, where they do not depend on the place.
fn reach(op: &Op) -> Option<Reach> {
    match op {
        Op::Conv2d { weight, stride, padding, dilation, .. } => {
            let [_, _, kh, kw] = weight.size()[..] else { return None };
            let span = [dilation[0] * (kh - 1) + 1, dilation[1] * (kw - 1) + 1];
            Some(Reach { span, stride: *stride, padding: *padding, border: 0.0 })
        }
        Op::MaxPool2d { kernel, stride, padding, .. } => {
            let border = f64::NEG_INFINITY;
            Some(Reach { span: *kernel, stride: *stride, padding: *padding, border })
        }
        // Where the border does not count, windows at the border divide by less.
        Op::AvgPool2d { kernel, stride, padding, ceil: false, count_padding }
            if *count_padding || *padding == [0, 0] =>
        {
            Some(Reach { span: *kernel, stride: *stride, padding: *padding, border: 0.0 })
        }
        _ => None,
    }
}

/// The operation on crops that hold their border already.
fn unpadded(op: &Op, x: &Tensor) -> Result<Tensor, TchError> {
    match op {
        Op::Conv2d { weight, bias, stride, dilation, groups, .. } => {
            x.f_conv2d(weight, bias.as_ref(), stride, [0, 0], dilation, *groups)
        }
        Op::MaxPool2d { kernel, stride, .. } => {
            x.f_max_pool2d(kernel, stride, [0, 0], [1, 1], false)
        }
        Op::AvgPool2d { kernel, stride, .. } => {
            x.f_avg_pool2d(kernel, stride, [0, 0], false, true, None)
        }
        _ => op.apply(&[x], false),
    }
}

/// The windows of the output that the input's windows can change, all of one size.
fn reached(x: &Windows, reach: Reach, size: [i64; 2]) -> (Vec<[i64; 2]>, [i64; 2]) {
    let window = x.values.size();
    let range = |start: &[i64; 2], d: usize| {
        let (from, to) = (start[d], start[d] + window[2 + d] - 1);
        let (stride, span, padding) = (reach.stride[d], reach.span[d], reach.padding[d]);
        // Output o reads from o·stride − padding on, over the span.
        let first = (from + padding - span + 1).div_euclid(stride)
            + i64::from((from + padding - span + 1).rem_euclid(stride) != 0);
        let last = (to + padding).div_euclid(stride);
        let first = first.clamp(0, size[d] - 1);
        (first, last.clamp(first, size[d] - 1))
    };
    fitted(x.starts.iter().map(|start| [range(start, 0), range(start, 1)]), size)
}

/// The smallest windows that hold all inputs' windows, all of one size.
fn union(values: &[&Value], size: [i64; 2]) -> (Vec<[i64; 2]>, [i64; 2]) {
    let windows: Vec<&Windows> = values
        .iter()
        .filter_map(|value| match value {
            Value::Windows(windows) => Some(windows),
            _ => None,
        })
        .collect();
    let count = windows.first().map_or(0, |windows| windows.starts.len());
    let range = |k: usize, d: usize| {
        let from = windows.iter().map(|x| x.starts[k][d]).min().unwrap_or_default();
        let to = windows.iter().map(|x| x.starts[k][d] + x.values.size()[2 + d] - 1).max();
        (from, to.unwrap_or_default())
    };
    fitted((0..count).map(|k| [range(k, 0), range(k, 1)]), size)
}

/// Ranges (first and last) widened to the size of the largest, and moved inwards at the border.
fn fitted(
    ranges: impl Iterator<Item = [(i64, i64); 2]>,
    size: [i64; 2],
) -> (Vec<[i64; 2]>, [i64; 2]) {
    let ranges: Vec<[(i64, i64); 2]> = ranges.collect();
    let largest = |d: usize| ranges.iter().map(|range| range[d].1 - range[d].0 + 1).max();
    let window = [0, 1].map(|d| largest(d).unwrap_or(1).min(size[d]));
    let start = |range: &[(i64, i64); 2]| [0, 1].map(|d| range[d].0.min(size[d] - window[d]));
    (ranges.iter().map(start).collect(), window)
}

/// Crops `[K, C, h, w]` at these places, which may reach over the border: changed values where there
/// are some, the unchanged picture's around them, `border` beyond.
fn crop(
    value: &Value,
    base: &Tensor,
    starts: &[[i64; 2]],
    window: [i64; 2],
    border: f64,
) -> Result<Tensor, TchError> {
    let shape = base.size();
    let (channels, size) = (shape[1], [shape[2], shape[3]]);
    // A row of channels for each place: the picture's, then the variants', then one for the border.
    let rows = |x: &Tensor| x.f_permute([0, 2, 3, 1])?.f_reshape([-1, channels]);
    let border = Tensor::f_full([1, channels], border, (base.kind(), base.device()))?;
    let (changed, old) = match value {
        Value::Windows(x) => (Some(x), x.values.size()),
        _ => (None, vec![0; 4]),
    };
    let table = match changed {
        Some(x) => Tensor::f_cat(&[rows(base)?, rows(&x.values)?, border], 0)?,
        None => Tensor::f_cat(&[rows(base)?, border], 0)?,
    };
    let places = size[0] * size[1];
    let last = table.size()[0] - 1;
    let mut index = Vec::with_capacity(starts.len() * (window[0] * window[1]) as usize);
    for (k, start) in starts.iter().enumerate() {
        let from = changed.and_then(|x| x.starts.get(k)).copied().unwrap_or_default();
        for y in start[0]..start[0] + window[0] {
            let row = y - from[0];
            for x in start[1]..start[1] + window[1] {
                let column = x - from[1];
                index.push(if !(0..size[0]).contains(&y) || !(0..size[1]).contains(&x) {
                    last
                } else if (0..old[2]).contains(&row) && (0..old[3]).contains(&column) {
                    places + (k as i64 * old[2] + row) * old[3] + column
                } else {
                    y * size[1] + x
                });
            }
        }
    }
    let index = Tensor::f_from_slice(&index)?.f_to_device(base.device())?;
    let crops = table.f_index_select(0, &index)?;
    let count = starts.len() as i64;
    crops.f_view([count, window[0], window[1], channels])?.f_permute([0, 3, 1, 2])
}

/// All of the node's values for each variant.
fn whole(value: &Value, base: &Tensor, count: usize) -> Result<Tensor, TchError> {
    match value {
        Value::Whole(value) => Ok(value.shallow_clone()),
        Value::Windows(_) => {
            let size = base.size();
            crop(value, base, &vec![[0, 0]; count], [size[2], size[3]], 0.0)
        }
        Value::Same => {
            let mut shape = base.size();
            if let Some(batch) = shape.first_mut() {
                *batch = count as i64;
            }
            base.f_expand(shape, false)
        }
    }
}
