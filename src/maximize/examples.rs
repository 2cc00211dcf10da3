//! Which images excite a unit most, and what in them.

use image::RgbImage;
use tch::{TchError, Tensor};

use crate::attribution::Unit;
use crate::data::{Samples, prepared};
use crate::limits::position;
use crate::live::{Preview, Progress};
use crate::network::{Network, ReceptiveField};
use crate::view::{BoundingBox, Bundle, Figure, Gallery, GalleryCard, GalleryRow};
use crate::{Error, Result};

/// How many photos go through the network at once.
const BATCH: usize = 16;
/// The longer side of a picture that is kept.
const SHOWN: u32 = 224;

/// A photo that excites a unit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Example {
    /// Which of the photos given it is, from 0; of a folder, in the order of the names.
    pub index: usize,
    /// The photo's title.
    pub title: String,
    /// The unit's activation where it is largest; for a whole layer the largest of all channels.
    pub score: f64,
    /// What the unit sees there, in pixels of the network's input; `None` where it sees all.
    pub region: Option<BoundingBox>,
    /// The photo as the network sees it.
    picture: RgbImage,
}

/// The photos of a collection that excite a unit most, the region framed that did.
#[derive(Clone)]
pub struct Examples {
    title: String,
    /// How many photos there are, and of how many the activations are known.
    photos: usize,
    looked_at: usize,
    examples: Vec<Example>,
    input: [u32; 2],
}

/// The `count` images that excite a unit most.
///
/// A channel's score is its largest activation, and the region is what the unit sees at that place
/// ([`Network::receptive_fields`]). An image is the better example the larger the score; of equal ones
/// the first comes first. Runs on the network's device, 16 images at once.
///
/// ```
/// use convscope::maximize::dataset_examples;
/// use convscope::prelude::*;
///
/// let net = zoo::digits()?;
/// let best = dataset_examples(&net, Unit::channel("conv2", 5), &data::digits(40, 1)?, 6)?;
/// assert!(best.examples()[0].score >= best.examples()[5].score);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// No image, or one that can't be read; an unknown layer; a unit that the layer doesn't have.
pub fn dataset_examples(
    net: &Network,
    unit: Unit,
    samples: &(impl Samples + ?Sized),
    count: usize,
) -> Result<Examples> {
    let all = samples.len();
    if all == 0 {
        return Err(Error::Argument("there is no image to look at".to_owned()));
    }
    let node = net.find(&unit.layer)?;
    let net_until = net.until(&[node]);
    let fast = net_until.for_inference()?;
    let [channels, height, width] = net.preprocess().input_shape();
    let input = [1, channels, height, width];
    let (maps, field) =
        (net.units(node, &input)?, net.receptive_fields(&input)?.get(node).copied());
    let field = field.unwrap_or([ReceptiveField::Whole; 2]);
    let size = [height, width].map(|size| size.max(1) as u32);
    let mut progress = Progress::new(format!("looking for photos that excite {unit}"));
    let mut preview = Preview::new(false);
    let title = format!("Photos that excite {unit} of {} most", net.name());
    let mut found =
        Examples { title, photos: all, looked_at: 0, examples: Vec::new(), input: size };
    let mut done = 0;
    while done < all {
        let (photos, inputs) = prepared(net, samples, done..(done + BATCH).min(all))?;
        let value = maps.of(&tch::no_grad(|| fast.forward(&inputs))?)?;
        for (row, photo) in photos.iter().enumerate() {
            let (score, place) = largest(&value, row as i64, &unit)?;
            let index = done + row;
            let best = &mut found.examples;
            let worst = best.last().map_or(f64::NEG_INFINITY, |example| example.score);
            if best.len() >= count.max(1) && score <= worst {
                continue;
            }
            let picture = net.preprocess().sharp_view(photo, SHOWN)?;
            let region = seen(field, place, size);
            let title = photo.title().to_owned();
            let at = best.partition_point(|example| example.score >= score);
            best.insert(at, Example { index, title, score, region, picture });
            best.truncate(count.max(1));
        }
        done += photos.len();
        found.looked_at = done;
        preview.show(|| Ok(&found));
        progress.step(done, all, || format!("{done} of {all} photos"));
        if progress.is_over() {
            break;
        }
    }
    Ok(found)
}

/// A unit's largest activation in a picture, and where it is; `maps` are `[N, C, h, w]`.
fn largest(maps: &Tensor, row: i64, unit: &Unit) -> Result<(f64, [usize; 2])> {
    let (_, channels, height, width) = maps.size4().map_err(failed)?;
    let beyond = |at: usize, size: i64| position(at) >= size;
    if unit.channel.is_some_and(|channel| beyond(channel, channels))
        || unit.position.is_some_and(|[y, x]| beyond(y, height) || beyond(x, width))
    {
        return Err(Error::Argument(format!(
            "there is no {unit}, the layer's maps are [{channels}, {height}, {width}]; channels, rows and \
             columns count from 0"
        )));
    }
    let find = || {
        let mut one = maps.f_narrow(0, row, 1)?;
        if let Some(channel) = unit.channel {
            one = one.f_narrow(1, position(channel), 1)?;
        }
        if let Some([y, x]) = unit.position {
            let one = one.f_narrow(2, position(y), 1)?.f_narrow(3, position(x), 1)?;
            return Ok((one.f_max()?.f_double_value(&[])?, [y, x]));
        }
        let map = one.f_amax([1], false)?.f_flatten(0, -1)?;
        let at = map.f_argmax(None, false)?.f_int64_value(&[])?;
        let place = [at / width.max(1), at % width.max(1)].map(|at| at as usize);
        Ok((map.f_max()?.f_double_value(&[])?, place))
    };
    find().map_err(failed)
}

/// What the unit at this place sees of the input; nothing where it sees all.
fn seen(field: [ReceptiveField; 2], place: [usize; 2], size: [u32; 2]) -> Option<BoundingBox> {
    let range = |direction: usize| {
        let (all, at) = (i64::from(size[direction]), place[direction] as i64);
        let ReceptiveField::Window { size, jump, start } = field[direction] else {
            return (0, all);
        };
        let from = start.saturating_add(at.saturating_mul(jump));
        (from.clamp(0, all), from.saturating_add(size).clamp(0, all))
    };
    let ((top, bottom), (left, right)) = (range(0), range(1));
    let all = top == 0 && left == 0 && bottom == i64::from(size[0]) && right == i64::from(size[1]);
    (!all).then(|| BoundingBox::new(left as u32, top as u32, right as u32, bottom as u32, ""))
}

impl Examples {
    /// The photos, the strongest first.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    fn gallery(&self) -> Result<Gallery> {
        let card = |example: &Example| {
            let score = format!("{:.2}", example.score);
            let card = GalleryCard::new(example.picture.clone(), example.title.as_str(), score);
            let scale = example.picture.height() / self.input[0].max(1);
            match &example.region {
                Some(region) => card.region(BoundingBox {
                    left: region.left * scale,
                    top: region.top * scale,
                    right: region.right * scale,
                    bottom: region.bottom * scale,
                    label: String::new(),
                }),
                None => card,
            }
        };
        let cards = self.examples.iter().map(card).collect();
        let gallery = Gallery::new(self.title.as_str(), vec![GalleryRow::new("", cards)])?;
        Ok(gallery.note(self.note()))
    }

    fn note(&self) -> String {
        let looked_at = match self.looked_at {
            all if all == self.photos => all.to_string(),
            first => format!("the first {first} of {}", self.photos),
        };
        format!(
            "{} of {looked_at} photos, each with the activation; framed is what the unit sees there",
            self.examples.len()
        )
    }
}

impl Figure for Examples {
    fn image(&self) -> Result<RgbImage> {
        self.gallery()?.image()
    }

    fn description(&self) -> String {
        format!("{}; {}", self.title, self.note())
    }

    fn bundle(&self) -> Result<Bundle> {
        self.gallery()?.bundle()
    }
}

crate::view::figures!(Examples);

fn failed(error: TchError) -> Error {
    Error::torch("looking for examples")(error)
}
