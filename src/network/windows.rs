//! Where in a layer the variants of a picture differ from it: windows, what they reach, and crops of
//! them from one layer to the next.

use tch::{TchError, Tensor};

use super::ops::{Reach, repeated};

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
    pub(super) fn groups(&self, base: &[Tensor]) -> Vec<Vec<i64>> {
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
pub(super) enum Value {
    /// As on the unchanged picture.
    Same,
    Windows(Windows),
    /// `[K, …]`, computed as a whole.
    Whole(Tensor),
}

/// The windows of the output that the input's windows can change, all of one size.
pub(super) fn reached(x: &Windows, reach: &Reach, size: [i64; 2]) -> (Vec<[i64; 2]>, [i64; 2]) {
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
pub(super) fn union(values: &[&Value], size: [i64; 2]) -> (Vec<[i64; 2]>, [i64; 2]) {
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
pub(super) fn crop(
    value: &Value,
    base: &Tensor,
    starts: &[[i64; 2]],
    window: [i64; 2],
    border: f64,
) -> Result<Tensor, TchError> {
    if let Value::Windows(x) = value
        && x.starts == starts
        && x.values.size()[2..] == window
    {
        return Ok(x.values.shallow_clone());
    }
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
pub(super) fn whole(value: &Value, base: &Tensor, count: usize) -> Result<Tensor, TchError> {
    match value {
        Value::Whole(value) => Ok(value.shallow_clone()),
        Value::Windows(_) => {
            let size = base.size();
            crop(value, base, &vec![[0, 0]; count], [size[2], size[3]], 0.0)
        }
        Value::Same => repeated(base, count as i64),
    }
}
