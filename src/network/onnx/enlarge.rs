//! Operators that make maps larger or smaller.

use super::dims::Shape;
use super::import::Importer;
use super::layers::kernel;
use super::message::Node;
use super::rearrange::axes;
use super::sizes::Size;
use super::value::{Outcome, Value};
use super::windows::{Border, Window, pair, planes, unplaned};
use crate::error::short;
use crate::network::ops::{
    ConvTranspose2d, Extent, Pad, PixelShuffle, PixelUnshuffle, Placing, Resize, ResizeMode,
    Rounding,
};

pub(super) fn resize<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    // Operator set 10 has no region of interest between the input and the scales.
    let old = node.inputs.len() == 2;
    let scales = scales(importer, node, if old { 1 } else { 2 })?;
    let sizes = if old { None } else { importer.optional(node, 3)? };
    let sizes = sizes.map(|value| value.sizes().ok_or("its sizes are computed from the images"));
    let sizes = sizes.transpose()?.map(|sizes| sizes.values).filter(|sizes| !sizes.is_empty());
    let rank = importer.shape(&x).sizes.len();
    let named = match node.ints("axes") {
        Some(list) => axes(list, rank)?,
        None => (0..rank).collect(),
    };
    let dims = match (scales, sizes) {
        (Some(scales), None) => {
            named.into_iter().zip(scales.into_iter().map(Extent::Scale)).collect()
        }
        (None, Some(sizes)) => wanted(node, &importer.shape(&x), &named, &sizes)?,
        _ => return Err("neither scales nor sizes alone are given".to_owned()),
    };
    let place = match node.text("coordinate_transformation_mode", "half_pixel").as_str() {
        _ if old => Placing::Asymmetric,
        "half_pixel" => Placing::HalfPixel,
        "pytorch_half_pixel" => Placing::PytorchHalfPixel,
        "half_pixel_symmetric" => Placing::HalfPixelSymmetric,
        "align_corners" => Placing::AlignCorners,
        "asymmetric" => Placing::Asymmetric,
        other => return Err(format!("coordinates by {} are not supported", short(other))),
    };
    let rounding = match node.text("nearest_mode", "round_prefer_floor").as_str() {
        _ if old => Rounding::Floor,
        "round_prefer_floor" => Rounding::PreferFloor,
        "round_prefer_ceil" => Rounding::PreferCeil,
        "floor" => Rounding::Floor,
        "ceil" => Rounding::Ceil,
        other => return Err(format!("rounding by {} is not supported", short(other))),
    };
    let mode = match node.text("mode", "nearest").as_str() {
        "nearest" => ResizeMode::Nearest(rounding),
        "linear" => ResizeMode::Linear,
        "cubic" => ResizeMode::Cubic {
            coefficient: node.float("cubic_coeff_a", -0.75),
            exclude_outside: node.int("exclude_outside", 0) != 0,
        },
        other => return Err(format!("mode {} is not supported", short(other))),
    };
    let antialias = node.int("antialias", 0) != 0;
    emit(importer, x, Resize { dims, mode, place, antialias })
}

/// `Resize`'s predecessor, with its scales as an attribute or as an input.
pub(super) fn upsample<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let scales = match node.attribute("scales") {
        Some(attribute) => attribute.floats.iter().map(|&scale| f64::from(scale)).collect(),
        None => scales(importer, node, 1)?.ok_or("its scales are missing")?,
    };
    let mode = match node.text("mode", "nearest").as_str() {
        "nearest" => ResizeMode::Nearest(Rounding::Floor),
        "linear" | "bilinear" => ResizeMode::Linear,
        other => return Err(format!("mode {} is not supported", short(other))),
    };
    let dims = scales.into_iter().map(Extent::Scale).enumerate().collect();
    emit(importer, x, Resize { dims, mode, place: Placing::Asymmetric, antialias: false })
}

fn emit<'a>(importer: &mut Importer<'a>, x: Value<'a>, mut resize: Resize) -> Outcome<Value<'a>> {
    let shape = importer.shape(&x);
    let stays = |&(dim, to): &(usize, Extent)| match to {
        Extent::Scale(scale) => scale == 1.0,
        Extent::Size(size) => shape.sizes.get(dim) == Some(&size),
    };
    resize.dims.retain(|dim| !stays(dim));
    if resize.dims.is_empty() {
        return Ok(x);
    }
    if shape.batch.is_some_and(|batch| resize.dims.iter().any(|(dim, _)| *dim == batch.dim)) {
        return Err("it changes the number of images".to_owned());
    }
    importer.emit(resize, vec![x])
}

/// The scales of an input; none where it is empty, as exporters leave out what is not given.
fn scales<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
    index: usize,
) -> Outcome<Option<Vec<f64>>> {
    const MOST: usize = 16;
    match importer.reals(node, index)? {
        Some(scales) if scales.len() > MOST => Err(format!("{} scales", scales.len())),
        scales => Ok(scales.filter(|scales| !scales.is_empty())),
    }
}

/// The sizes given, or those that keep the picture's shape within them.
fn wanted(
    node: &Node,
    old: &Shape,
    dims: &[usize],
    sizes: &[Size],
) -> Outcome<Vec<(usize, Extent)>> {
    let symbolic = old.symbolic();
    let mut changed = Vec::new();
    for (&dim, size) in dims.iter().zip(sizes) {
        match size.batch {
            false => changed.push((dim, size.count)),
            true if symbolic.get(dim) == Some(size) => {}
            true => return Err("it changes the number of images".to_owned()),
        }
    }
    let ratios = changed.iter().map(|&(dim, new)| new as f64 / old.sizes[dim] as f64);
    let scale = match node.text("keep_aspect_ratio_policy", "stretch").as_str() {
        "stretch" => {
            let size = |(dim, size)| (dim, Extent::Size(size));
            return Ok(changed.into_iter().map(size).collect());
        }
        "not_larger" => ratios.fold(f64::INFINITY, f64::min),
        "not_smaller" => ratios.fold(0.0, f64::max),
        other => return Err(format!("the policy {} is not supported", short(other))),
    };
    let size = |&(dim, _): &(usize, i64)| {
        // A size beyond any picture's is refused with the shape.
        #[allow(clippy::cast_possible_truncation, reason = "it saturates")]
        let size = (old.sizes[dim] as f64 * scale).round() as i64;
        (dim, Extent::Size(size))
    };
    Ok(changed.iter().map(size).collect())
}

pub(super) fn conv_transpose<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let (x, row) = planes(importer, x)?;
    let (weight, name, kernel) = kernel(importer, node, row)?;
    let bias = importer.weight(node, 2)?.map(|(bias, _)| bias);
    let window = Window::of(node, kernel, row)?;
    let Window { stride, dilation, .. } = window;
    let output_padding = pair(node, "output_padding", row, 0)?;
    let output_padding = if row { [output_padding[0], 0] } else { output_padding };
    let whole = ConvTranspose2d {
        weight,
        bias,
        stride,
        padding: [0, 0],
        output_padding,
        dilation,
        groups: node.int("group", 1),
    };
    let sizes = importer.shape(&x).sizes;
    let sides = match (node.ints("output_shape"), node.text("auto_pad", "NOTSET").as_str()) {
        (None, "NOTSET" | "VALID" | "") => match window.border(node, row)? {
            Border::Fixed(sides) => sides,
            Border::Same { .. } => return Err("its border depends on the picture".to_owned()),
        },
        (shape, auto) => {
            let out = crate::network::Op::from(whole.clone()).shape(&[&sizes]);
            let out = out.map_err(|misfit| misfit.expected)?;
            let cut = |d: usize| {
                let wanted = match shape {
                    // All dimensions, or those of the map alone.
                    Some(shape) => *shape
                        .get(shape.len().checked_sub(if row { 1 } else { 2 })?.checked_add(d)?)?,
                    None => sizes.get(d.checked_add(2)?)?.checked_mul(stride[d])?,
                };
                let all = out.get(d.checked_add(2)?)?.checked_sub(wanted)?;
                let (less, more) = (all.div_euclid(2), all.checked_sub(all.div_euclid(2))?);
                Some(if auto == "SAME_UPPER" { [less, more] } else { [more, less] })
            };
            let columns = if row { Some([0, 0]) } else { cut(1) };
            let cuts = cut(0).zip(columns).map(|(rows, columns)| [rows, columns]);
            cuts.ok_or("its output shape does not fit")?
        }
    };
    let even = sides.iter().all(|[before, after]| before == after && *before >= 0);
    let enlarged = if even {
        let padding = sides.map(|[before, _]| before);
        importer.emit_layer(ConvTranspose2d { padding, ..whole }, vec![x], name)?
    } else {
        let enlarged = importer.emit_layer(whole, vec![x], name)?;
        let cut = sides.map(|side| side.map(|side| side.saturating_neg()));
        let amounts = vec![[0, 0], [0, 0], cut[0], cut[1]];
        importer.emit(Pad::zeros(amounts), vec![enlarged])?
    };
    unplaned(importer, enlarged, row)
}

/// Channels made places, or places channels.
pub(super) fn shuffle<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let factor = node.int("blocksize", 0);
    let places_first = node.text("mode", "DCR") != "CRD";
    match node.op {
        "DepthToSpace" => importer.emit(PixelShuffle { factor, places_first }, vec![x]),
        _ => importer.emit(PixelUnshuffle { factor, places_first }, vec![x]),
    }
}
