//! The attention of vision transformers: which tokens a token reads, layer by layer and head by head.
//!
//! A layer's maps are `[N, heads, T, T]`; row *t* says how much of each token goes into token *t*, and
//! sums to 1. What is shown are the rows of the class token, from which the class is read; of a network
//! without one, the mean of all rows. Class and register tokens are left out of the picture.

mod gradient;
mod maps;
mod rollout;

use tch::{TchError, Tensor};

pub use gradient::{GradientAttention, gradient_attention};
pub use maps::{AttentionMaps, Heads, attention, attention_tensor};
pub use rollout::{Fusion, Rollout, attention_rollout, attention_rollout_tensor};

use crate::network::ops::Softmax;
use crate::network::{Network, Op};
use crate::{Error, Result};

/// Where a network's attention is.
struct Attention {
    /// The nodes whose values are the maps, in order; one at least.
    layers: Vec<usize>,
    heads: i64,
    tokens: i64,
    /// Class and register tokens before the patches.
    before: i64,
    /// Rows and columns of patches.
    grid: [i64; 2],
}

impl Attention {
    /// The attention that node `until` may depend on, for an input of this shape.
    ///
    /// It is recognized by what it is, not by its name, so that networks from ONNX files have it too:
    /// a softmax over the last dimension of square maps that multiply values.
    fn of(net: &Network, input: &[i64], until: usize) -> Result<Attention> {
        let shapes = net.shapes(input)?;
        let nodes = net.nodes();
        let reads = |reader: &Op, inputs: &[usize], at: usize| {
            matches!(reader, Op::MatMul(_)) && inputs.first() == Some(&at)
        };
        let is_attention = |&at: &usize| match (&nodes[at].op, shapes[at].as_slice()) {
            (Op::Softmax(Softmax { dim: 3 }), [n, _, rows, columns]) => {
                let mixes = nodes.iter().any(|node| reads(&node.op, &node.inputs, at));
                input.first() == Some(n) && rows == columns && mixes
            }
            _ => false,
        };
        let layers: Vec<usize> = (0..until).filter(is_attention).collect();
        let refuse = |why: String| {
            let name = net.name();
            Error::Argument(format!(
                "{name}: {why}. `zoo::vit_b_16()` and `zoo::deit_tiny()` have maps of attention; for \
                 other networks use `grad_cam` or `occlusion`."
            ))
        };
        let Some(&first) = layers.first() else {
            let last = &nodes[until].name;
            return Err(refuse(format!("no self-attention of all tokens before `{last}`")));
        };
        if let Some(&other) = layers.iter().find(|&&at| shapes[at] != shapes[first]) {
            return Err(refuse(format!(
                "the maps of `{}` are {:?}, those of `{}` {:?}; they must all be of one shape",
                nodes[first].name, shapes[first], nodes[other].name, shapes[other]
            )));
        }
        let (heads, tokens) = (shapes[first][1], shapes[first][2]);
        let (before, grid) = net.tokens(first, input)?.ok_or_else(|| {
            refuse(format!("the {tokens} tokens of `{}` are no grid of patches", nodes[first].name))
        })?;
        Ok(Attention { layers, heads, tokens, before, grid })
    }

    /// What goes into the class token, on the picture: `[…, T, T]` to `[…, h, w]`.
    fn on_the_picture(&self, maps: &Tensor) -> Result<Tensor, TchError> {
        let [h, w] = self.grid;
        let row = match self.before {
            0 => maps.f_mean_dim([-2_i64].as_slice(), false, None)?,
            _ => maps.f_select(-2, 0)?,
        };
        let mut shape = row.size();
        shape.pop();
        shape.extend([h, w]);
        row.f_narrow(-1, self.before, h * w)?.f_reshape(shape)
    }

    /// Every token's own share, `[1, T, T]`.
    fn identity(&self, like: &Tensor) -> Result<Tensor, TchError> {
        Tensor::f_eye(self.tokens, (like.kind(), like.device()))?.f_unsqueeze(0)
    }

    /// Which layer counting begins with, for a note.
    fn first(&self, net: &Network) -> String {
        format!("layer 0 is `{}`", net.nodes()[self.layers[0]].name)
    }
}

fn failed(error: TchError) -> Error {
    Error::torch("following the attention")(error)
}
