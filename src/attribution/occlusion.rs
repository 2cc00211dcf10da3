//! Occlusion: how much the score drops when a patch of the picture is covered.
//!
//! Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2013
//! ([arXiv:1311.2901](https://arxiv.org/abs/1311.2901)). Only the region that a patch can change is
//! computed anew ([`crate::network`]'s regions), which gives the same values in less time.

use tch::{Kind, TchError, Tensor};

use super::Target;
use super::aim::Aim;
use super::explained::question;
use crate::network::{Network, Windows};
use crate::random::Random;
use crate::view::{Occlusion, PatchGrid};
use crate::{Error, Photo, Result};

/// What patches are filled with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fill {
    /// 0 in the network's normalised input: ImageNet's mean colour for its networks.
    #[default]
    Zero,
    /// The picture's own mean colour.
    Mean,
    /// The picture, blurred.
    Blur,
    /// Noise of the picture's mean and deviation, by this seed.
    Noise(u64),
}

/// How a picture is occluded. Sizes are `[height, width]` in the network's input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patches {
    /// The patch.
    pub size: [i64; 2],
    /// From one place to the next.
    pub stride: [i64; 2],
    /// What covers the picture.
    pub fill: Fill,
}

impl Patches {
    /// Square patches, each half a patch from the last.
    pub fn new(size: i64) -> Patches {
        Patches { size: [size; 2], stride: [(size / 2).max(1); 2], fill: Fill::Zero }
    }

    /// Sets the distance from one place to the next.
    pub fn stride(mut self, stride: i64) -> Patches {
        self.stride = [stride; 2];
        self
    }

    /// Sets what covers the picture.
    pub fn fill(mut self, fill: Fill) -> Patches {
        self.fill = fill;
        self
    }

    /// The places along one direction: each patch's first and last pixel but one. The last patch may
    /// be cut by the border, so that no pixel is left out.
    fn places(&self, d: usize, size: i64) -> Vec<[i64; 2]> {
        let count =
            (size - self.size[d] + self.stride[d] - 1).div_euclid(self.stride[d]).max(0) + 1;
        let place = |i: i64| [i * self.stride[d], (i * self.stride[d] + self.size[d]).min(size)];
        (0..count).map(place).filter(|[from, to]| from < to).collect()
    }

    fn check(&self, height: i64, width: i64) -> Result<()> {
        let fits = self.size[0] <= height && self.size[1] <= width;
        if fits && self.size.iter().chain(&self.stride).all(|&n| n >= 1) {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "a patch of {:?} every {:?} pixels on a picture of [{height}, {width}]: \
             give sizes from 1 to the picture's",
            self.size, self.stride
        )))
    }
}

/// What covering each place did to one picture.
pub(super) struct Covered {
    /// The drop of the score at each place, `[rows, columns]`.
    pub drops: Tensor,
    /// The scored node's value at each place, row by row, `[rows · columns, …]`.
    pub outputs: Tensor,
    size: [i64; 2],
    rows: Vec<[i64; 2]>,
    columns: Vec<[i64; 2]>,
}

/// Covers the picture place by place and shows how much the target's score drops: in the interactive
/// form the patch is dragged over the picture, and the best guesses at that place follow. Several
/// sizes can be switched between.
///
/// The drops are in the score's own unit, logits for a class; negative where covering helps.
///
/// ```
/// use convscope::attribution::Patches;
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let figure = occlusion(&net, &data::digit(4, 2)?, Target::Top, &[Patches::new(6)])?;
/// assert_eq!(figure.grids()[0].drops().size(), [9, 9]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn occlusion(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    patches: &[Patches],
) -> Result<Occlusion> {
    let (input, aim) = question(net, photo, target)?;
    let output = net.value(&input, aim.node)?;
    let aim = aim.fixed(&output)?;
    let fast = net.for_inference()?;
    let grids = patches.iter().map(|&patches| {
        let square = |[height, width]: [i64; 2]| {
            u32::try_from(height).ok().filter(|_| height == width).ok_or_else(|| {
                Error::Argument(format!(
                    "the figure shows square patches and strides, not [{height}, {width}]; \
                     `occlusion_tensor` takes any"
                ))
            })
        };
        let (size, stride) = (square(patches.size)?, square(patches.stride)?);
        let covered = cover(net, &fast, &input, &aim, patches)?;
        // Guesses only where classes are explained.
        let rows = aim.class(0).map_or(0, |_| covered.outputs.size()[0]);
        let guesses = (0..rows)
            .map(|row| net.guesses(&covered.outputs.f_narrow(0, row, 1).map_err(failed)?, 5));
        PatchGrid::new(size, stride, &covered.drops, guesses.collect::<Result<_>>()?)
    });
    let grids = grids.collect::<Result<Vec<PatchGrid>>>()?;
    let base = aim.scores(&output)?.f_double_value(&[0]).map_err(failed)?;
    let zoom = net.preprocess().sharp_zoom(photo, 448);
    let picture = net.preprocess().view(photo, zoom)?;
    let [_, height, width] = net.preprocess().input_shape().map(|size| size.max(1) as u32);
    let unit = if aim.class(0).is_some() { "logit" } else { "score" };
    let title = format!("Occlusion for {} in {}", aim.name(net, 0), photo.title());
    Ok(Occlusion::new(title, unit, picture, base, grids)?.input_size(height, width))
}

/// The drop of each picture's score, `[N, H, W]` as the input: at each pixel the mean over the
/// patches that cover it. Positive where the picture speaks for the target.
///
/// ```
/// use convscope::attribution::{Patches, occlusion_tensor};
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let input = net.prepare(&data::digit(4, 2)?)?;
/// let map = occlusion_tensor(&net, &input, &[Target::Top], Patches::new(6))?;
/// assert_eq!(map.size(), [1, 28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn occlusion_tensor(
    net: &Network,
    input: &Tensor,
    targets: &[Target],
    patches: Patches,
) -> Result<Tensor> {
    let aim = Aim::new(net, input, targets)?;
    let output = net.value(input, aim.node)?;
    let aim = aim.fixed(&output)?;
    let fast = net.for_inference()?;
    let maps: Vec<Tensor> = (0..targets.len())
        .map(|index| {
            let one = input.f_narrow(0, index as i64, 1).map_err(failed)?;
            cover(net, &fast, &one, &aim.one(index), patches)?.map().map_err(failed)
        })
        .collect::<Result<_>>()?;
    Tensor::f_stack(&maps, 0).map_err(failed)
}

/// Covers each place of one picture `[1, C, H, W]`. `fast` is `net`'s inference form.
pub(super) fn cover(
    net: &Network,
    fast: &Network,
    input: &Tensor,
    aim: &Aim,
    patches: Patches,
) -> Result<Covered> {
    let [_, _, height, width] = input.size()[..] else {
        return Err(Error::Argument("occlusion needs a picture [1, C, H, W]".to_owned()));
    };
    patches.check(height, width)?;
    // A folded node may be the one that is scored: then the network as it is must do.
    let name = &net.nodes()[aim.node].name;
    let (net, node) = match fast.find(name) {
        Ok(node) => (fast, node),
        Err(_) => (net, aim.node),
    };
    let input = net.admit(input)?;
    let base = net.unchanged(&input, node)?;
    let filler = filler(&input, patches.fill).map_err(failed)?;
    let (rows, columns) = (patches.places(0, height), patches.places(1, width));
    let places: Vec<[[i64; 2]; 2]> =
        rows.iter().flat_map(|&row| columns.iter().map(move |&column| [row, column])).collect();
    let score = aim.scores(&base[node])?;
    let (mut outputs, mut drops) = (Vec::new(), Vec::new());
    for batch in places.chunks(net.variants_at_once(&base, patches.size)?.clamp(8, 256)) {
        let windows = covered(&input, &filler, batch, patches.size).map_err(failed)?;
        let output = tch::no_grad(|| net.run_regions(&base, &windows, node))?;
        let scores = aim.repeated(batch.len()).scores(&output)?;
        drops.push(score.f_sub(&scores).map_err(failed)?);
        outputs.push(output);
    }
    let shape = [rows.len() as i64, columns.len() as i64];
    let drops = Tensor::f_cat(&drops, 0).and_then(|drops| drops.f_view(shape)).map_err(failed)?;
    let outputs = Tensor::f_cat(&outputs, 0).map_err(failed)?;
    Ok(Covered { drops, outputs, size: [height, width], rows, columns })
}

impl Covered {
    /// `[H, W]`: at each pixel the mean drop of the patches that cover it, 0 where none does.
    pub(super) fn map(&self) -> Result<Tensor, TchError> {
        // Which places cover which pixel, per direction; the sum over both is a product of matrices.
        let matrix = |places: &[[i64; 2]], size: i64| {
            let covers = |pixel: i64| {
                places
                    .iter()
                    .map(move |[from, to]| f64::from(u8::from((*from..*to).contains(&pixel))))
            };
            let values: Vec<f64> = (0..size).flat_map(covers).collect();
            Tensor::f_from_slice(&values)?.f_view([size, places.len() as i64])
        };
        let (rows, columns) =
            (matrix(&self.rows, self.size[0])?, matrix(&self.columns, self.size[1])?);
        let spread = |drops: &Tensor| rows.f_matmul(drops)?.f_matmul(&columns.f_transpose(0, 1)?);
        let drops = self.drops.f_to_device(tch::Device::Cpu)?.f_to_kind(Kind::Double)?;
        spread(&drops)?
            .f_div(&spread(&drops.f_ones_like()?)?.f_clamp_min(1)?)?
            .f_to_kind(self.drops.kind())
    }
}

/// A picture of what covers the picture, of its shape.
fn filler(input: &Tensor, fill: Fill) -> Result<Tensor, TchError> {
    let mean = || input.f_mean_dim([2_i64, 3].as_slice(), true, None::<Kind>);
    match fill {
        Fill::Zero => input.f_zeros_like(),
        Fill::Mean => mean()?.f_expand_as(input)?.f_contiguous(),
        Fill::Blur => {
            // Three boxes make nearly a Gaussian.
            const BOX: i64 = 11;
            let blur =
                |x: &Tensor| x.f_avg_pool2d([BOX; 2], [1, 1], [BOX / 2; 2], false, false, None);
            blur(&blur(&blur(input)?)?)
        }
        Fill::Noise(seed) => {
            let deviation = input.f_sub(&mean()?)?.f_square()?;
            let deviation = deviation.f_mean_dim([2_i64, 3].as_slice(), true, None::<Kind>)?;
            Random(seed).normal(input)?.f_mul(&deviation.f_sqrt()?)?.f_add(&mean()?)
        }
    }
}

/// The covered windows of the input, all of the patch's size; where the border cuts a patch, the rest
/// of its window is the picture.
fn covered(
    input: &Tensor,
    filler: &Tensor,
    places: &[[[i64; 2]; 2]],
    size: [i64; 2],
) -> Result<Windows, TchError> {
    let shape = input.size();
    let full = [shape[2], shape[3]];
    let mut values = Vec::with_capacity(places.len());
    let mut starts = Vec::with_capacity(places.len());
    for place in places {
        let start = [0, 1].map(|d| place[d][0].min(full[d] - size[d]));
        let cut =
            |x: &Tensor, d: usize, from: i64, length: i64| x.f_narrow(2 + d as i64, from, length);
        let window =
            cut(&cut(input, 0, start[0], size[0])?, 1, start[1], size[1])?.f_detach_copy()?;
        let [rows, columns] = *place;
        let part = |x: &Tensor, origin: [i64; 2]| {
            let x = cut(x, 0, rows[0] - origin[0], rows[1] - rows[0])?;
            cut(&x, 1, columns[0] - origin[1], columns[1] - columns[0])
        };
        part(&window, start)?.f_copy_(&part(filler, [0, 0])?)?;
        values.push(window);
        starts.push(start);
    }
    Ok(Windows { values: Tensor::f_cat(&values, 0)?, starts })
}

fn failed(error: TchError) -> Error {
    Error::torch("covering the picture")(error)
}
