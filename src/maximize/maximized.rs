//! What a run gives: images, scores, and a figure of how they formed.

use image::{Rgb, RgbImage, imageops};
use tch::{TchError, Tensor};

use super::group::{Group, mean};
use super::pictures::pictures;
use crate::view::{Bundle, Figure, Film, Frame, Gallery, GalleryCard, GalleryRow, Panel, Series};
use crate::{Error, Photo, Result};

/// Images that [`maximize`](super::maximize()) made. As a figure it is the film of how a single image
/// formed, beside the curves of its score and total variation; of several, the images with their
/// units and scores.
pub struct Maximized {
    pub(super) title: String,
    pub(super) network: String,
    /// What each image was made for.
    pub(super) labels: Vec<String>,
    /// The probability of its class, where an image was made for one.
    pub(super) probabilities: Vec<Option<f64>>,
    pub(super) groups: Vec<Group>,
    /// Whether the images were moved at each step.
    pub(super) moved: bool,
}

/// The images at a step, looked at without movement; means over the images.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// How many steps had been done.
    pub step: usize,
    /// The score.
    pub score: f64,
    /// The mean absolute difference between neighboring pixels, 0 to 1.
    pub variation: f64,
}

impl Maximized {
    /// The best images of all moments that were looked at, `[N, C, H, W]`, values from 0 to 1, on the
    /// CPU.
    pub fn values(&self) -> Result<Tensor> {
        let all: Vec<&Tensor> = self.groups.iter().map(|group| &group.best).collect();
        Tensor::f_cat(&all, 0).map_err(failed)
    }

    /// The first image as a photo.
    pub fn photo(&self) -> Result<Photo> {
        let first = self.photos()?.into_iter().next();
        first.ok_or_else(|| Error::Argument("there is no image".to_owned()))
    }

    /// All images as photos, called by what they were made for.
    pub fn photos(&self) -> Result<Vec<Photo>> {
        let pictures = pictures(&self.values()?)?.into_iter().zip(&self.labels);
        pictures.map(|(picture, label)| Photo::from_image(picture, label)).collect()
    }

    /// The score of each image.
    pub fn scores(&self) -> Vec<f64> {
        self.groups.iter().flat_map(|group| group.scores.iter().copied()).collect()
    }

    /// The score of the image, the mean of several.
    pub fn score(&self) -> f64 {
        mean(&self.scores())
    }

    /// The probability that the network gives the first image's class; `None` where it was not made
    /// for a class.
    pub fn probability(&self) -> Option<f64> {
        self.probabilities.first().copied().flatten()
    }

    /// The same for each image.
    pub fn probabilities(&self) -> &[Option<f64>] {
        &self.probabilities
    }

    /// How many steps were done, those of earlier runs among them.
    pub fn steps(&self) -> usize {
        self.groups.iter().map(|group| group.steps()).min().unwrap_or_default()
    }

    /// The course of score and total variation.
    pub fn history(&self) -> Vec<Step> {
        let moments = (0..self.moments()).filter_map(|at| {
            let all = || self.groups.iter().filter_map(move |group| group.moments.get(at));
            let gather = |values: fn(&super::group::Moment) -> &Vec<f64>| -> Vec<f64> {
                all().flat_map(|moment| values(moment).iter().copied()).collect()
            };
            Some(Step {
                step: all().next()?.step,
                score: mean(&gather(|moment| &moment.scores)),
                variation: mean(&gather(|moment| &moment.variations)),
            })
        });
        moments.collect()
    }

    /// How the image formed: a slider over its frames, beside the curves. Of several images, all side
    /// by side.
    ///
    /// [`Film::max_frames`] bounds the frames; `save("x.gif")` and `save("x.apng")` write a moving picture.
    pub fn film(&self) -> Result<Film> {
        self.film_from(0, self.notes())
    }

    /// The images as they are now, while they form, beside the curves so far.
    pub(super) fn now(&self) -> Result<Film> {
        let [how_far, score] = self.course_notes();
        self.film_from(self.moments().saturating_sub(1), vec![how_far, score])
    }

    /// The frames from a moment on.
    fn film_from(&self, first: usize, notes: Vec<String>) -> Result<Film> {
        let history = self.history();
        let frame = |(at, step): (usize, &Step)| {
            let moments = self.groups.iter().filter_map(|group| group.moments.get(at));
            let pictures: Vec<&RgbImage> = moments.flat_map(|moment| &moment.pictures).collect();
            Frame::new(step.step as u64, side_by_side(&pictures))
        };
        let curve = |value: fn(&Step) -> f64| -> Vec<(f64, f64)> {
            history.iter().map(|step| (step.step as f64, value(step))).collect()
        };
        let image = if self.labels.len() > 1 { "mean of the images" } else { "the image" };
        let score = Series::new(image, curve(|step| step.score));
        let moved = self.moved.then(|| Series::new("moved at random", self.course()));
        let variation = Series::new(image, curve(|step| step.variation));
        let panels = vec![
            Panel::new("score", [Some(score), moved].into_iter().flatten().collect()),
            Panel::new("total variation per value", vec![variation]),
        ];
        let frames = history.iter().enumerate().skip(first).map(frame).collect();
        let film = Film::new(self.title.as_str(), frames)?.curves(panels);
        Ok(notes.into_iter().fold(film, Film::note))
    }

    /// The images with what they were made for and their scores.
    pub fn gallery(&self) -> Result<Gallery> {
        let mut gallery = Gallery::new(self.title.as_str(), vec![self.row("")?])?;
        for note in self.notes() {
            gallery = gallery.note(note);
        }
        Ok(gallery)
    }

    /// The images under a heading.
    pub(super) fn row(&self, heading: &str) -> Result<GalleryRow> {
        let scores = self.scores();
        let cards = pictures(&self.values()?)?.into_iter().enumerate().map(|(at, picture)| {
            let label = self.labels.get(at).map_or("", String::as_str);
            let caption = match self.probabilities.get(at).copied().flatten() {
                Some(probability) => percent(probability),
                None => format!("{:.2}", scores.get(at).copied().unwrap_or_default()),
            };
            GalleryCard::new(picture, label, caption)
        });
        Ok(GalleryRow::new(heading, cards.collect()))
    }

    /// How long it took, how far it went, and what the network says.
    fn notes(&self) -> Vec<String> {
        let [how_far, mut score] = self.course_notes();
        let mut notes = vec![how_far];
        if let [only] = &self.groups[..]
            && let Some(ended) = &only.ended
        {
            notes.push(ended.clone());
        } else if let Some(ended) = self.groups.iter().find_map(|group| group.ended.as_ref()) {
            notes.push(format!("part of the images: {ended}"));
        }
        if let [Some(probability)] = self.probabilities[..] {
            score.push_str(&format!("; predicted as it with {}", percent(probability)));
        }
        notes.push(score);
        notes.extend(self.silent());
        notes
    }

    /// How far it went in how long, and the scores.
    fn course_notes(&self) -> [String; 2] {
        let seconds: f64 = self.groups.iter().map(|group| group.seconds).sum();
        let steps = self.steps();
        let start = self.history().first().map_or(0.0, |step| step.score);
        let mean = if self.labels.len() > 1 { "mean score" } else { "score" };
        [
            format!("{}; {steps} steps in {seconds:.1} s", self.network),
            format!("{mean} {start:.3} at the start, {:.3} at its best", self.score()),
        ]
    }

    /// Images that show nothing: no image changed the unit, or none woke it.
    fn silent(&self) -> Vec<String> {
        let constant = self.those(Group::is_constant).map(|units| {
            format!(
                "no image that was tried changes {units}: what is shown is noise, not what it looks for"
            )
        });
        let asleep = self.those(|group, image| group.rectified && group.score(image) <= 0.0);
        let asleep = asleep.map(|units| {
            format!(
                "no image that was tried wakes {units}: the ReLU gives 0, and the score is what goes \
                 into it"
            )
        });
        constant.into_iter().chain(asleep).collect()
    }

    /// What the images of this kind were made for, in words.
    fn those(&self, of_this_kind: impl Fn(&Group, usize) -> bool) -> Option<String> {
        /// More names than a reader takes in.
        const NAMED: usize = 12;
        let of_this_kind = &of_this_kind;
        let all = self
            .groups
            .iter()
            .flat_map(|group| (0..group.scores.len()).map(move |image| of_this_kind(group, image)));
        let names = self.labels.iter().zip(all).filter(|(_, is)| *is);
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        match names.len() {
            0 => None,
            1..=NAMED => Some(names.join(", ")),
            count => Some(format!("{} and {} more", names[..NAMED].join(", "), count - NAMED)),
        }
    }

    /// The mean score of every step.
    fn course(&self) -> Vec<(f64, f64)> {
        let at = |step: usize| {
            let all = self.groups.iter().filter_map(|group| group.course.get(step));
            (step as f64, mean(&all.copied().collect::<Vec<f64>>()))
        };
        (0..self.steps()).map(at).collect()
    }

    fn moments(&self) -> usize {
        self.groups.iter().map(|group| group.moments.len()).min().unwrap_or_default()
    }
}

fn percent(probability: f64) -> String {
    format!("{:.1} %", 100.0 * probability)
}

/// Pictures of one size on white, about as many columns as rows.
fn side_by_side(pictures: &[&RgbImage]) -> RgbImage {
    const GAP: u32 = 2;
    let [first, _, ..] = pictures else {
        return pictures.first().map_or(RgbImage::new(1, 1), |one| (*one).clone());
    };
    let (width, height) = first.dimensions();
    let count = pictures.len() as u32;
    let columns = (1..).find(|columns| columns * columns >= count).unwrap_or(1);
    let rows = count.div_ceil(columns);
    let size = (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP);
    let mut sheet = RgbImage::from_pixel(size.0, size.1, Rgb([255; 3]));
    for (at, picture) in (0..).zip(pictures) {
        let (x, y) = (at % columns * (width + GAP), at / columns * (height + GAP));
        imageops::replace(&mut sheet, *picture, i64::from(x), i64::from(y));
    }
    sheet
}

crate::view::figures!(Maximized);

impl Figure for Maximized {
    fn image(&self) -> Result<RgbImage> {
        match self.labels.len() {
            1 => self.film()?.image(),
            _ => self.gallery()?.image(),
        }
    }

    fn description(&self) -> String {
        format!("{}: {}", self.title, self.notes().join("; "))
    }

    fn bundle(&self) -> Result<Bundle> {
        match self.labels.len() {
            1 => self.film()?.bundle(),
            _ => self.gallery()?.bundle(),
        }
    }

    fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        match self.labels.len() {
            1 => self.film()?.save(path),
            _ => self.gallery()?.save(path),
        }
    }
}

fn failed(error: TchError) -> Error {
    Error::torch("gathering images")(error)
}
