//! A layer's values as maps, whether they are channels or a vision transformer's tokens.

use tch::Tensor;

use crate::error::shape_text;
use crate::network::Network;
use crate::{Error, Result};

/// `[N, C, h, w]` as it is; tokens `[N, T, E]` as `[N, E, h, w]`, without the class token, on the
/// grid of patches that the picture was cut into.
pub(super) fn as_map(net: &Network, at: usize, input: &Tensor, value: &Tensor) -> Result<Tensor> {
    let refuse = |expected: String| Error::Shape {
        at: format!("{}'s layer `{}`", net.name(), net.nodes()[at].name),
        expected,
        got: shape_text(&value.size()),
        remedy: "Choose a convolutional layer, or a vision transformer's layer of tokens; \
                 `net.layer_names()` lists all."
            .to_owned(),
    };
    match *value.size() {
        [_, _, _, _] => Ok(value.shallow_clone()),
        [n, tokens, width] => {
            let shapes = net.shapes(&input.size())?;
            // The last layer before it that still is a picture: the patches.
            let patches = shapes[..at].iter().rev().find_map(|shape| match **shape {
                [_, _, h, w] if h * w == tokens || h * w + 1 == tokens => Some([h, w]),
                _ => None,
            });
            let [h, w] = patches.ok_or_else(|| {
                refuse("tokens [N, T, E] for each patch, with or without a class token".to_owned())
            })?;
            let map = value
                .f_narrow(1, tokens - h * w, h * w)
                .and_then(|tokens| tokens.f_transpose(1, 2)?.f_reshape([n, width, h, w]));
            map.map_err(Error::torch("arranging the tokens as a map"))
        }
        _ => Err(refuse("maps [N, C, h, w] or tokens [N, T, E]".to_owned())),
    }
}
