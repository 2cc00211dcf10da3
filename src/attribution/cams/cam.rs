//! The original class activation map: the linear layer's weights, applied before the pooling.
//!
//! Zhou et al., "Learning Deep Features for Discriminative Localization", 2015
//! ([arXiv:1512.04150](https://arxiv.org/abs/1512.04150)).

use tch::{Kind, Tensor};

use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::ops::{Linear, Reduction};
use crate::network::{Network, Node, Op};
use crate::view::Heatmap;
use crate::{Error, Result};

/// CAM of the layer that is pooled, for networks that end in global average pooling and one linear
/// layer, such as ResNet, DenseNet and GoogLeNet. Maps `[N, h, w]`, signed, in logits: a map's mean
/// plus the bias is the class's logit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cam;

impl Attribution for Cam {
    fn name(&self) -> String {
        "CAM".to_owned()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let net = run.network();
        let (targets, input) = (run.targets()?, run.input());
        let output = &net.nodes()[targets.node];
        let at = pooled_layer(net, output, &input.size())?;
        let activation = net.maps(at, &input.size())?.of(&net.value(input, at)?)?;
        let Op::Linear(Linear { weight, .. }) = &output.op else {
            return Err(Error::Argument(format!("{} ends in no linear layer", net.name())));
        };
        let classes = (0..run.images()).map(|index| targets.class(index).map(|class| class as i64));
        let classes = classes.collect::<Option<Vec<i64>>>().ok_or_else(|| {
            Error::Argument("CAM explains classes only; `grad_cam` explains any target".to_owned())
        })?;
        let maps = || {
            let classes = Tensor::f_from_slice(&classes)?.f_to_device(weight.device())?;
            let rows = weight.f_detach()?.f_index_select(0, &classes)?;
            let rows = rows.f_unsqueeze(-1)?.f_unsqueeze(-1)?;
            activation.f_mul(&rows)?.f_sum_dim_intlist([1_i64].as_slice(), false, None::<Kind>)
        };
        let maps = maps().map_err(Error::torch("weighting the channels by the linear layer"))?;
        Ok(Attributions::signed(maps, "logit")
            .reading("regions above 0 increase its score, regions below decrease it"))
    }
}

/// The node that is pooled: what global average pooling reads in a network that ends in pooling and
/// one linear layer.
fn pooled_layer(net: &Network, output: &Node, input: &[i64]) -> Result<usize> {
    let refuse = |why: String| {
        Error::Argument(format!(
            "{}: CAM needs a network that ends in global average pooling and one linear layer, \
             but {why}. Use `grad_cam`, which needs neither.",
            net.name()
        ))
    };
    let mut node = output;
    if !matches!(node.op, Op::Linear(_)) {
        return Err(refuse(format!("its output `{}` is a {}", node.name, node.op.name())));
    }
    loop {
        let Some(before) = node.inputs.first().and_then(|&i| net.nodes().get(i)) else {
            return Err(refuse("there is no pooling".to_owned()));
        };
        let pools = match &before.op {
            Op::AdaptiveAvgPool2d(pool) if pool.output == [1, 1] => true,
            Op::Reduce(mean) if mean.by == Reduction::Mean => match before.inputs.first() {
                Some(&at) => {
                    net.find_maps(at, input)?.is_some_and(|maps| maps.lie_along(&mean.dims))
                }
                None => false,
            },
            Op::Flatten(_) | Op::Dropout(_) | Op::Reshape(_) => false,
            other => {
                let (name, kind) = (&before.name, other.name());
                return Err(refuse(format!("before the linear layer there is `{name}`, a {kind}")));
            }
        };
        if pools {
            let pooled = before.inputs.first().copied();
            return pooled.ok_or_else(|| refuse("the pooling reads nothing".to_owned()));
        }
        node = before;
    }
}

/// [`Cam`] as a figure: values `[h, w]` of the pooled layer, signed, in logits.
///
/// # Errors
///
/// A network that doesn't end in global average pooling and one linear layer; a target that is no
/// class.
pub fn cam(net: &Network, input: &impl Input, target: impl Into<Target>) -> Result<Heatmap> {
    Cam.explain(net, input, target)
}
