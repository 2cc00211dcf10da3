//! The original class activation map: the linear layer's weights, applied before the pooling.

use tch::{Kind, Tensor};

use super::aim::Aim;
use crate::network::{Network, Op};
use crate::{Error, Result};

/// The layer that is pooled: what global average pooling reads in a network that ends in pooling and
/// one linear layer.
pub(super) fn pooled_layer(net: &Network) -> Result<String> {
    let refuse = |why: String| {
        Error::Argument(format!(
            "{}: CAM needs a network that ends in global average pooling and one linear layer, \
             but {why}. Use `grad_cam`, which needs neither.",
            net.name()
        ))
    };
    let mut node = net.output();
    if !matches!(node.op, Op::Linear { .. }) {
        return Err(refuse(format!("its output `{}` is a {}", node.name, node.op.name())));
    }
    loop {
        let Some(before) = node.inputs.first().and_then(|&i| net.nodes().get(i)) else {
            return Err(refuse("there is no pooling".to_owned()));
        };
        let pools = match &before.op {
            Op::AdaptiveAvgPool2d { output: [1, 1] } => true,
            Op::Mean { dims, .. } => *dims == [2, 3],
            Op::Flatten { .. } | Op::Dropout { .. } | Op::Reshape { .. } => false,
            other => {
                let (name, kind) = (&before.name, other.name());
                return Err(refuse(format!("before the linear layer there is `{name}`, a {kind}")));
            }
        };
        if pools {
            let pooled = before.inputs.first().and_then(|&i| net.nodes().get(i));
            let pooled = pooled.ok_or_else(|| refuse("the pooling reads nothing".to_owned()))?;
            return Ok(pooled.name.clone());
        }
        node = before;
    }
}

/// The map of each picture's class, `[N, h, w]`, from the pooled layer's activation `[N, C, h, w]`.
pub(super) fn values(net: &Network, at: usize, activation: &Tensor, aim: &Aim) -> Result<Tensor> {
    let expected = pooled_layer(net)?;
    if net.nodes()[at].name != expected {
        return Err(Error::Argument(format!(
            "CAM exists only at the layer that is pooled, `{expected}`, not at `{}`; \
             `grad_cam` takes any layer",
            net.nodes()[at].name
        )));
    }
    let Op::Linear { weight, .. } = &net.output().op else {
        return Err(Error::Argument(format!("{} ends in no linear layer", net.name())));
    };
    let classes: Option<Vec<i64>> = (0..activation.size()[0] as usize)
        .map(|i| aim.class(i).map(|class| class as i64))
        .collect();
    let classes = classes.ok_or_else(|| {
        Error::Argument("CAM explains classes only; `grad_cam` explains any target".to_owned())
    })?;
    let failed = || Error::torch("weighting the channels by the linear layer");
    let rows = Tensor::f_from_slice(&classes).and_then(|classes| {
        let rows = weight.f_detach()?.f_index_select(0, &classes.f_to_device(weight.device())?)?;
        rows.f_unsqueeze(-1)?.f_unsqueeze(-1)
    });
    let product = activation.f_mul(&rows.map_err(failed())?).map_err(failed())?;
    product.f_sum_dim_intlist([1_i64].as_slice(), false, None::<Kind>).map_err(failed())
}
