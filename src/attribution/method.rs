//! What a method is, and what it gives.

use tch::{Kind, Tensor};

use super::figure::figure;
use super::{Input, Run, Target};
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Error, Result};

/// A method of attribution: which parts of an input drove a prediction.
///
/// A method is a struct of its options, and computes its values for a [`Run`], which holds the network,
/// the input and the resolved targets. Figures, comparisons and checks work with any method, those of
/// other crates and notebooks among them:
///
/// ```
/// use convscope::attribution::{Attribution, Attributions, Run};
/// use convscope::prelude::*;
///
/// /// The gradient times its own magnitude.
/// struct SignedSquare;
///
/// impl Attribution for SignedSquare {
///     fn name(&self) -> String {
///         "Signed square".to_owned()
///     }
///
///     fn attribute(&self, run: &Run<'_>) -> convscope::Result<Attributions> {
///         let gradient = run.gradients(&["input"])?.gradients.remove(0);
///         Ok(Attributions::signed(gradient.f_mul(&gradient.f_abs()?)?, "gradient²"))
///     }
/// }
///
/// let map = SignedSquare.explain(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// assert_eq!(map.values().shape(), [28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub trait Attribution {
    /// As titles and labels have it, with the layer if there is one: `Grad-CAM at layer4`.
    fn name(&self) -> String;

    /// The values for each image of the run.
    ///
    /// # Errors
    ///
    /// Options, a layer or a network that the method can't work with.
    fn attribute(&self, run: &Run<'_>) -> Result<Attributions>;

    /// The map over the input, as a figure. Its values are `[H, W]` of the input's size or, for class
    /// activation maps and attention, `[h, w]` of the layer's.
    ///
    /// # Errors
    ///
    /// Those of [`Attribution::attribute`]; an unknown class; an input that doesn't fit the network.
    fn explain(
        &self,
        net: &Network,
        input: &impl Input,
        target: impl Into<Target>,
    ) -> Result<Heatmap>
    where
        Self: Sized,
    {
        explain(net, input, target, self)
    }
}

impl<M: Attribution + ?Sized> Attribution for &M {
    fn name(&self) -> String {
        (**self).name()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        (**self).attribute(run)
    }
}

impl<M: Attribution + ?Sized> Attribution for Box<M> {
    fn name(&self) -> String {
        (**self).name()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        (**self).attribute(run)
    }
}

/// [`Attribution::explain`] for a method whose type isn't known: `&dyn Attribution`.
///
/// # Errors
///
/// Those of the method; an unknown class; an input that doesn't fit the network.
pub fn explain(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
    method: &dyn Attribution,
) -> Result<Heatmap> {
    let run = Run::of(net, input, target)?.shown(input, method);
    figure(&run, input, method, &method.attribute(&run)?)
}

/// What a method found, for each image of a [`Run`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Attributions {
    /// `[N, C, H, W]` as the input, or maps `[N, h, w]` of the input's size or of a layer's.
    pub values: Tensor,
    /// How the channels of `[N, C, H, W]` become one map.
    pub channels: Channels,
    /// What the map's values are, for the color bar.
    pub unit: String,
    /// How to read the map, to end a sentence with.
    pub reading: String,
    /// The same of a signed map without negative values, which is not drawn in red and blue.
    pub(crate) reading_if_positive: Option<String>,
    /// Further lines for the figure.
    pub notes: Vec<String>,
    /// How a time limit ended the run early, if it did.
    pub stopped: Option<String>,
}

impl Attributions {
    /// Signed values: what raises the score, and what lowers it. Channels are summed.
    pub fn signed(values: Tensor, unit: impl Into<String>) -> Attributions {
        Attributions::new(values, Channels::Sum, unit, "").readings(
            "red regions raise its score, blue ones lower it",
            "bright regions raise its score",
        )
    }

    /// Values of at least 0. Of the channels the largest magnitude counts.
    pub fn positive(values: Tensor, unit: impl Into<String>) -> Attributions {
        let reading = "bright regions increase its score";
        Attributions::new(values, Channels::LargestAbsolute, unit, reading)
    }

    fn new(
        values: Tensor,
        channels: Channels,
        unit: impl Into<String>,
        reading: &str,
    ) -> Attributions {
        Attributions {
            values,
            channels,
            unit: unit.into(),
            reading: reading.to_owned(),
            reading_if_positive: None,
            notes: Vec::new(),
            stopped: None,
        }
    }

    /// Sets how to read the map, to end a sentence with.
    #[must_use]
    pub fn reading(mut self, reading: impl Into<String>) -> Attributions {
        self.reading = reading.into();
        self.reading_if_positive = None;
        self
    }

    /// Sets how to read the map in red and blue, and where no value is negative, from black to yellow.
    #[must_use]
    pub(crate) fn readings(self, signed: &str, positive: &str) -> Attributions {
        Attributions { reading_if_positive: Some(positive.to_owned()), ..self.reading(signed) }
    }

    /// One map for each image, `[N, h, w]`.
    ///
    /// # Errors
    ///
    /// Values that are neither `[N, C, H, W]` nor `[N, h, w]`.
    pub fn maps(&self) -> Result<Tensor> {
        match self.values.dim() {
            3 => Ok(self.values.shallow_clone()),
            _ => self.channels.reduce(&self.values),
        }
    }

    /// The maps at another size, `[N, height, width]`: bilinear, corners not aligned.
    ///
    /// # Errors
    ///
    /// As [`Attributions::maps`].
    pub fn maps_at(&self, size: [i64; 2]) -> Result<Tensor> {
        enlarged(&self.maps()?, size)
    }
}

/// How channels become one value per pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channels {
    /// The largest absolute value: how strongly the pixel matters, at least 0.
    #[default]
    LargestAbsolute,
    /// The sum: signed, whether more light in the pixel raises the score.
    Sum,
    /// The sum of absolute values, at least 0.
    SumAbsolute,
}

impl Channels {
    /// `[N, C, H, W]` to `[N, H, W]`.
    fn reduce(self, values: &Tensor) -> Result<Tensor> {
        let sum =
            |values: &Tensor| values.f_sum_dim_intlist([1_i64].as_slice(), false, None::<Kind>);
        let reduced = match self {
            Channels::LargestAbsolute => values.f_abs().and_then(|v| v.f_amax([1], false)),
            Channels::Sum => sum(values),
            Channels::SumAbsolute => values.f_abs().and_then(|v| sum(&v)),
        };
        reduced.map_err(Error::torch("reducing the channels"))
    }
}

/// Maps `[N, h, w]` at another size; as they are if they have it.
fn enlarged(maps: &Tensor, size: [i64; 2]) -> Result<Tensor> {
    if maps.size().get(1..) == Some(&size) {
        return Ok(maps.shallow_clone());
    }
    let enlarged = maps
        .f_unsqueeze(1)
        .and_then(|maps| maps.f_upsample_bilinear2d(size, false, None, None)?.f_squeeze_dim(1));
    enlarged.map_err(Error::torch("enlarging the maps"))
}

/// The only map of a batch of one.
pub(super) fn single(maps: &Tensor) -> Result<Tensor> {
    maps.f_get(0).map_err(Error::torch("reading the map"))
}
