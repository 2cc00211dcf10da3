//! A class over a part of the picture: what is explained of a segmentation.

use std::rc::Rc;

use tch::{Kind, TchError, Tensor};

use crate::error::{shape_text, short};
use crate::limits::position;
use crate::network::OutputScale;
use crate::view::{BoundingBox, IntoValues, Values};
use crate::{Error, Result};

/// Over which part of the picture a class's scores are summed.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Region {
    /// Where the class is the top class of the unchanged picture; of a single class, where it is more
    /// likely than not.
    #[default]
    Own,
    /// The whole picture.
    Everywhere,
    /// A rectangle, in pixels of the network's input.
    Box(BoundingBox),
    /// Weights `[h, w]` of the output's size or of the input's: 1 inside, 0 outside.
    Mask(Values),
}

impl Region {
    /// Weights `[h, w]`, of the output's size or of the input's: usually 1 inside and 0 outside.
    ///
    /// # Errors
    ///
    /// Weights of another number of dimensions, or that aren't finite.
    pub fn mask(weights: impl IntoValues) -> Result<Region> {
        let weights = weights.into_values()?;
        if weights.shape().len() != 2 || weights.numbers().iter().any(|value| !value.is_finite()) {
            let shape: Vec<i64> = weights.shape().iter().map(|&size| position(size)).collect();
            return Err(Error::Shape {
                at: "a region's mask".to_owned(),
                expected: "finite numbers [h, w]".to_owned(),
                got: shape_text(&shape),
                remedy: "Give one picture's mask, 1 inside and 0 outside.".to_owned(),
            });
        }
        Ok(Region::Mask(weights))
    }

    /// As titles have it.
    fn text(&self, classes: i64) -> String {
        match self {
            Region::Own if classes == 1 => "where it is more likely than not".to_owned(),
            Region::Own => "where it is the top class".to_owned(),
            Region::Everywhere => "over the whole picture".to_owned(),
            Region::Box(b) => format!("in x {}–{}, y {}–{}", b.left, b.right, b.top, b.bottom),
            Region::Mask(_) => "in the mask".to_owned(),
        }
    }
}

impl From<BoundingBox> for Region {
    fn from(area: BoundingBox) -> Region {
        Region::Box(area)
    }
}

impl From<&BoundingBox> for Region {
    fn from(area: &BoundingBox) -> Region {
        Region::Box(area.clone())
    }
}

/// A class over a region of a network's output `[N, K, h, w]`.
#[derive(Clone, Debug)]
pub(super) struct RegionScore {
    class: usize,
    class_name: String,
    region: Region,
    classes: i64,
    scale: OutputScale,
    /// The weights `[h, w]`; those of the class's own pixels once the unchanged picture's output is known.
    weights: Option<Rc<Tensor>>,
}

impl RegionScore {
    /// `output` is the scored value's shape, `input` that of the images.
    pub(super) fn new(
        class: usize,
        class_name: String,
        region: &Region,
        scale: OutputScale,
        [output, input]: [&[i64]; 2],
    ) -> Result<RegionScore> {
        let ([_, classes, height, width], [_, _, rows, columns]) = (output, input) else {
            return Err(Error::Internal("a region of an output without pixels".to_owned()));
        };
        let (grid, picture) = ([*height, *width], [*rows, *columns]);
        let weights = weights(region, grid, picture)?;
        let weights = weights.map(Rc::new);
        let region = region.clone();
        Ok(RegionScore { class, class_name, region, classes: *classes, scale, weights })
    }

    /// Whether the region is still to be found.
    pub(super) fn is_open(&self) -> bool {
        self.weights.is_none()
    }

    /// The same with the region found in the unchanged picture's output, `[1, K, h, w]`.
    pub(super) fn settled(&self, output: &Tensor) -> Result<RegionScore> {
        let weights = Some(self.weights(output)?);
        Ok(RegionScore { weights, ..self.clone() })
    }

    /// The sum of the class's scores, weighted, of one picture's output: `[1]`.
    pub(super) fn sum(&self, output: &Tensor) -> Result<Tensor> {
        let weights = self.weights(output)?;
        let sum = || self.own(output)?.f_mul(&weights)?.f_sum(output.kind())?.f_reshape([1]);
        sum().map_err(failed)
    }

    /// The mean of the class's probability over the region, of one picture's output: `[1]`.
    pub(super) fn mean_probability(&self, output: &Tensor) -> Result<Tensor> {
        let weights = self.weights(output)?;
        let mean = || {
            let own = self.own(&self.scale.probabilities(output, Kind::Float)?)?;
            let weights = weights.f_to_kind(Kind::Float)?;
            let sum = own.f_mul(&weights)?.f_sum(Kind::Float)?;
            sum.f_div(&weights.f_sum(Kind::Float)?)?.f_to_kind(output.kind())?.f_reshape([1])
        };
        mean().map_err(failed)
    }

    /// What share of the picture the region takes, 0 to 1.
    pub(super) fn share(&self, output: &Tensor) -> Result<f64> {
        let weights = self.weights(output)?;
        let share = weights.f_mean(Kind::Double).and_then(|mean| mean.f_double_value(&[]));
        share.map_err(failed)
    }

    /// What a sum of such scores is, for color bars.
    pub(super) fn unit(&self) -> &'static str {
        match self.scale {
            OutputScale::Logits => "sum of logits",
            OutputScale::LogProbabilities => "sum of log-probabilities",
            OutputScale::Probabilities | OutputScale::Independent => "sum of probabilities",
        }
    }

    /// As titles have it: `cat where it is the top class`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.class_name, self.region.text(self.classes))
    }

    /// The class's values `[h, w]` of one picture's output.
    fn own(&self, output: &Tensor) -> Result<Tensor, TchError> {
        output.f_select(0, 0)?.f_select(0, position(self.class))
    }

    fn weights(&self, output: &Tensor) -> Result<Rc<Tensor>> {
        if let Some(weights) = &self.weights {
            let weights = weights.f_to_device(output.device());
            let weights = weights.and_then(|weights| weights.f_to_kind(output.kind()));
            return weights.map(Rc::new).map_err(failed);
        }
        let top = || {
            let output = output.f_detach()?;
            match self.classes {
                1 => self.own(&self.scale.probabilities(&output, None)?)?.f_gt(0.5),
                _ => output.f_select(0, 0)?.f_argmax(0, false)?.f_eq(position(self.class)),
            }
        };
        let own = top().map_err(failed)?;
        let pixels = own.f_sum(Kind::Int64).and_then(|sum| sum.f_int64_value(&[]));
        if pixels.map_err(failed)? == 0 {
            return Err(Error::Argument(format!(
                "{} is nowhere the top class of this picture, so there is no region to sum over. \
                 `net.segment(&photo)` shows which classes there are; \
                 `Target::region(class, Region::Everywhere)` explains it all the same.",
                short(&self.class_name)
            )));
        }
        own.f_to_kind(output.kind()).map(Rc::new).map_err(failed)
    }
}

/// A region's weights on a grid over a picture, `[h, w]`; none where the output decides.
fn weights(region: &Region, grid: [i64; 2], picture: [i64; 2]) -> Result<Option<Tensor>> {
    let cpu = (Kind::Float, tch::Device::Cpu);
    let weights = match region {
        Region::Own => return Ok(None),
        Region::Everywhere => Tensor::f_ones(grid, cpu).map_err(failed)?,
        Region::Box(area) => in_box(area, grid, picture)?,
        Region::Mask(mask) => on_grid(&mask.tensor(), grid, picture)?,
    };
    let sum =
        weights.f_sum(Kind::Double).and_then(|sum| sum.f_double_value(&[])).map_err(failed)?;
    if sum == 0.0 {
        return Err(Error::Argument(format!(
            "the region ({}) covers no cell of the output, whose grid is {}×{} over a picture of {}×{}",
            region.text(0),
            grid[0],
            grid[1],
            picture[0],
            picture[1]
        )));
    }
    Ok(Some(weights))
}

/// 1 for each cell whose middle lies in the box.
fn in_box(area: &BoundingBox, grid: [i64; 2], picture: [i64; 2]) -> Result<Tensor> {
    let inside = |dim: usize, from: u32, to: u32| -> Result<Tensor, TchError> {
        let cells = Tensor::f_arange(grid[dim], (Kind::Double, tch::Device::Cpu))?;
        let middles =
            cells.f_add_scalar(0.5)?.f_mul_scalar(picture[dim] as f64 / grid[dim] as f64)?;
        let from = middles.f_ge(f64::from(from))?;
        from.f_logical_and(&middles.f_lt(f64::from(to))?)?.f_to_kind(Kind::Float)
    };
    let both = || {
        let rows = inside(0, area.top, area.bottom)?.f_unsqueeze(1)?;
        rows.f_mul(&inside(1, area.left, area.right)?.f_unsqueeze(0)?)
    };
    both().map_err(failed)
}

/// A mask of the output's size as it is; one of the input's as the mean of what each cell covers.
fn on_grid(mask: &Tensor, grid: [i64; 2], picture: [i64; 2]) -> Result<Tensor> {
    let size = mask.size();
    if size == grid {
        return Ok(mask.shallow_clone());
    }
    if size != picture {
        return Err(Error::Shape {
            at: "a region's mask".to_owned(),
            expected: format!(
                "{} as the output, or {} as the input",
                shape_text(&grid),
                shape_text(&picture)
            ),
            got: shape_text(&size),
            remedy: "`net.segment(&photo)?.mask(class)` is one.".to_owned(),
        });
    }
    let smaller =
        mask.f_unsqueeze(0).and_then(|mask| mask.f_adaptive_avg_pool2d(grid)?.f_squeeze_dim(0));
    smaller.map_err(failed)
}

fn failed(error: TchError) -> Error {
    Error::torch("summing a class over a region")(error)
}
