//! A layer's values as maps, whether they are channels or a vision transformer's tokens.

use tch::Tensor;

use crate::error::shape_text;
use crate::network::{Network, Op};
use crate::{Error, Result};

/// Class, distillation and register tokens, all before the patches, are at most so many.
const MOST_EXTRA: i64 = 16;

/// Rows and columns of the patches among `tokens`, from the last convolution or pooling before node
/// `at`: that is what was cut into patches. `shapes` are those of [`Network::shapes`].
pub(super) fn grid(net: &Network, at: usize, tokens: i64, shapes: &[Vec<i64>]) -> Option<[i64; 2]> {
    let before = net.nodes().iter().zip(shapes).take(at).rev();
    let size = before
        .filter(|(node, _)| matches!(node.op, Op::Conv2d(_) | Op::MaxPool2d(_) | Op::AvgPool2d(_)));
    let [h, w] = size.map(|(_, shape)| <[i64; 2]>::try_from(shape.get(2..)?).ok()).next()??;
    (0..=MOST_EXTRA).contains(&(tokens - h * w)).then_some([h, w])
}

/// `[N, C, h, w]` as it is; tokens `[N, T, E]` as `[N, E, h, w]`, without class and register tokens,
/// on the grid of patches that the picture was cut into.
pub(super) fn as_map(net: &Network, at: usize, input: &Tensor, value: &Tensor) -> Result<Tensor> {
    let refuse = |expected: &str| Error::Shape {
        at: format!("{}'s layer `{}`", net.name(), net.nodes()[at].name),
        expected: expected.to_owned(),
        got: shape_text(&value.size()),
        remedy: "Choose a convolutional layer, or a vision transformer's layer of tokens; \
                 `net.layer_names()` lists all."
            .to_owned(),
    };
    match *value.size() {
        [_, _, _, _] => Ok(value.shallow_clone()),
        [n, tokens, width] => {
            let [h, w] = grid(net, at, tokens, &net.shapes(&input.size())?).ok_or_else(|| {
                refuse("tokens [N, T, E], one for each patch and a few before them")
            })?;
            let map = value
                .f_narrow(1, tokens - h * w, h * w)
                .and_then(|tokens| tokens.f_transpose(1, 2)?.f_reshape([n, width, h, w]));
            map.map_err(Error::torch("arranging the tokens as a map"))
        }
        _ => Err(refuse("maps [N, C, h, w] or tokens [N, T, E]")),
    }
}
