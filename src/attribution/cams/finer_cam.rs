//! Finer-CAM: Grad-CAM of what sets a class apart from those that look most like it.
//!
//! Zhang et al., "Finer-CAM: Spotting the Difference Reveals Finer Details for Visual Explanation", 2025
//! ([arXiv:2501.11309](https://arxiv.org/abs/2501.11309)).

use tch::{Kind, TchError, Tensor};

use super::GradCam;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::limits::position;
use crate::network::{Network, OutputScale};
use crate::view::Heatmap;
use crate::{Error, Result};

/// How many classes the target is told apart from.
const NEAREST: i64 = 3;

/// Finer-CAM at a layer: maps `[N, h, w]` of the layer, at least 0.
///
/// Grad-CAM of the mean difference between the class's logit and those of the three classes whose logits
/// are nearest to it, weighted by their probabilities: the parts that the classes have in common cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinerCam {
    layer: String,
}

impl FinerCam {
    /// At a layer: a name of [`Network::layer_names`] or a prefix.
    pub fn at(layer: &str) -> FinerCam {
        FinerCam { layer: layer.to_owned() }
    }
}

impl Attribution for FinerCam {
    fn name(&self) -> String {
        format!("Finer-CAM at {}", self.layer)
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let targets = run.targets()?;
        let (scale, output) = (targets.scale, &run.network().nodes()[targets.node].name);
        let differences = (0..run.images()).map(|index| {
            let class = targets.class(index).ok_or_else(|| {
                Error::Argument(
                    "Finer-CAM tells classes apart; `grad_cam` explains any target".to_owned(),
                )
            })?;
            let difference = move |logits: &Tensor| difference(logits, position(class), scale);
            Ok(Target::score("the class and its like", difference).of(output))
        });
        let differences = differences.collect::<Result<Vec<Target>>>()?;
        let finer = Run::new(run.network(), run.input(), &differences)?;
        let found = GradCam::at(&self.layer).attribute(&finer)?;
        Ok(found.reading("bright regions set it apart from the classes most like it"))
    }
}

/// Σ pⱼ (y − yⱼ) / Σ pⱼ over the classes j whose logits are nearest to the class's, of one image's
/// `[1, classes]`.
fn difference(logits: &Tensor, class: i64, scale: OutputScale) -> Result<Tensor, TchError> {
    const TINY: f64 = 1e-9;
    let (own, others) = (logits.f_narrow(1, class, 1)?, logits.size()[1] - 1);
    // The class itself, at no distance, is left out; another may tie with it.
    let order = logits.f_sub(&own)?.f_abs()?.f_detach()?.f_argsort(1, false)?;
    let order = order.f_reshape([-1])?;
    let near = order.f_index_select(0, &order.f_ne(class)?.f_nonzero()?.f_reshape([-1])?)?;
    let near = near.f_narrow(0, 0, NEAREST.min(others))?;
    let weights = scale.probabilities(logits, None)?.f_index_select(1, &near)?;
    let differences = own.f_sub(&logits.f_index_select(1, &near)?)?;
    let sum = weights.f_mul(&differences)?.f_sum(None::<Kind>)?;
    sum.f_div(&weights.f_sum(None::<Kind>)?.f_add_scalar(TINY)?)
}

/// [`FinerCam`] as a figure: values `[h, w]` of the layer, at least 0.
///
/// ```
/// use convscope::prelude::*;
/// let map = finer_cam(&zoo::digits()?, &data::digit(4, 2)?, "relu2", Target::Top)?;
/// assert_eq!(map.values().shape(), [8, 8]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// As [`grad_cam`](super::grad_cam); a target that is no class.
pub fn finer_cam(
    net: &Network,
    input: &impl Input,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    FinerCam::at(layer).explain(net, input, target)
}
