//! The fused `Attention`, taken apart, so that its maps are activations like any other.

use tch::{Kind, Tensor};

use super::import::Importer;
use super::message::Node;
use super::rearrange::emit_reshape;
use super::sizes::Size;
use super::value::{Outcome, Value, torch};
use crate::network::Op;
use crate::network::ops::{IndexSelect, MatMul, Permute, Pointwise, Softmax};

pub(super) fn attention<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    if node.inputs.iter().skip(4).any(|name| !name.is_empty()) {
        return Err("keys and values of earlier calls are not supported".to_owned());
    }
    if ["left_window_size", "right_window_size"].iter().any(|side| node.int(side, -1) != -1) {
        return Err("attention within windows is not supported".to_owned());
    }
    let query = importer.input(node, 0)?;
    let tokens = importer.shape(&query).sizes.len() == 3;
    let (query_heads, heads) = (node.int("q_num_heads", 0), node.int("kv_num_heads", 0));
    let query = in_heads(importer, query, query_heads)?;
    let key = importer.input(node, 1)?;
    let key = in_heads(importer, key, heads)?;
    let value = importer.input(node, 2)?;
    let value = in_heads(importer, value, heads)?;
    let (key, value) = (repeated(importer, &query, key)?, repeated(importer, &query, value)?);

    let size = importer.shape(&query).sizes.last().copied().unwrap_or(1);
    let factor = node.float("scale", 1.0 / (size.max(1) as f64).sqrt());
    let query = importer.emit(Pointwise::Scale { factor }, vec![query])?;
    let key = importer.emit(Permute { order: vec![0, 1, 3, 2] }, vec![key])?;
    let mut scores = importer.emit(MatMul, vec![query, key])?;
    let cap = node.float("softcap", 0.0);
    if cap > 0.0 {
        let steps = [
            Pointwise::Scale { factor: 1.0 / cap },
            Pointwise::Tanh,
            Pointwise::Scale { factor: cap },
        ];
        scores = steps.into_iter().try_fold(scores, |x, step| importer.emit(step, vec![x]))?;
    }
    if let Some(mask) = mask(importer, node, &scores)? {
        let all = mask.f_amax([-1], false).and_then(|most| most.f_isneginf()?.f_any());
        if all.and_then(|all| all.f_int64_value(&[])).map_err(torch)? != 0 {
            return Err("its mask hides all tokens from one of them".to_owned());
        }
        scores = importer.emit(Op::ADD, vec![scores, Value::Constant(mask, "")])?;
    }
    let maps = importer.emit(Softmax { dim: 3 }, vec![scores])?;
    let mixed = importer.emit(MatMul, vec![maps, value])?;
    if !tokens {
        return Ok(mixed);
    }
    // [N, heads, T, E] to [N, T, heads·E]
    let mixed = importer.emit(Permute { order: vec![0, 2, 1, 3] }, vec![mixed])?;
    let shape = importer.shape(&mixed);
    let [images, count, heads, size] = shape.symbolic()[..] else {
        return Err("its heads are no four dimensions".to_owned());
    };
    let width = Size::fixed(heads.count.checked_mul(size.count).ok_or("too many features")?);
    let joined = shape.reshaped(&[images, count, width], importer.dynamic)?;
    emit_reshape(importer, mixed, &shape, joined)
}

/// Tokens `[N, T, heads·E]` as `[N, heads, T, E]`.
fn in_heads<'a>(importer: &mut Importer<'a>, x: Value<'a>, heads: i64) -> Outcome<Value<'a>> {
    let shape = importer.shape(&x);
    let [images, count, width] = shape.symbolic()[..] else {
        return match shape.sizes.len() {
            4 => Ok(x),
            other => Err(format!("tokens of {other} dimensions, expected 3 or 4")),
        };
    };
    let size = width.count.checked_div(heads).filter(|size| heads > 0 && *size > 0);
    let size = Size::fixed(size.ok_or_else(|| format!("{heads} heads of {}", width.count))?);
    let parted = shape.reshaped(&[images, count, Size::fixed(heads), size], importer.dynamic)?;
    let parted = emit_reshape(importer, x, &shape, parted)?;
    importer.emit(Permute { order: vec![0, 2, 1, 3] }, vec![parted])
}

/// Where several heads of the query share a key or value: those for each.
fn repeated<'a>(
    importer: &mut Importer<'a>,
    query: &Value<'a>,
    x: Value<'a>,
) -> Outcome<Value<'a>> {
    let heads = |value: &Value| importer.shape(value).sizes.get(1).copied().unwrap_or_default();
    let (wanted, have) = (heads(query), heads(&x));
    let each = wanted.checked_div(have).unwrap_or_default();
    if wanted == have || each < 1 {
        return Ok(x);
    }
    importer.budget.spend(&[wanted])?;
    let indices = (0..wanted).filter_map(|head| head.checked_div(each)).collect();
    importer.emit(IndexSelect { dim: 1, indices }, vec![x])
}

/// What is added to the scores: minus infinity where a token is not looked at.
fn mask<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
    scores: &Value<'a>,
) -> Outcome<Option<Tensor>> {
    let given = match importer.optional(node, 3)? {
        None => None,
        Some(Value::Node(_)) => return Err("a mask computed from the images".to_owned()),
        Some(value) => Some(value.tensor()?),
    };
    let [.., rows, columns] = importer.shape(scores).sizes[..] else { return Ok(None) };
    let mut add: Option<Tensor> = None;
    if let Some(given) = given {
        importer.budget.spend(&given.size())?;
        // Truth values are whole numbers here.
        add = Some(match given.kind() {
            Kind::Int64 => hidden(&given.f_eq(0).map_err(torch)?)?,
            _ => given,
        });
    }
    if node.int("is_causal", 0) != 0 {
        importer.budget.spend(&[rows, columns])?;
        let ones = Tensor::f_ones([rows, columns], (Kind::Float, tch::Device::Cpu));
        let later = ones.and_then(|ones| ones.f_triu(1)?.f_ne(0)).map_err(torch)?;
        let causal = hidden(&later)?;
        add = Some(match add {
            Some(given) => given.f_add(&causal).map_err(torch)?,
            None => causal,
        });
    }
    Ok(add)
}

fn hidden(where_true: &Tensor) -> Outcome<Tensor> {
    let zeros = Tensor::f_zeros(where_true.size(), (Kind::Float, tch::Device::Cpu));
    zeros.and_then(|zeros| zeros.f_masked_fill(where_true, f64::NEG_INFINITY)).map_err(torch)
}
