//! Maps of features: what PCA and t-SNE give.

use image::RgbImage;
use tch::Tensor;

use super::features::{Features, PointMetadata, checked};
use super::tsne::{Divergence, Step, Tsne, place};
use super::{Quality, neighbors};
use crate::error::shape_text;
use crate::view::{self, Bundle, Figure, Film, Panel, Scatter, Series};
use crate::{Error, Result};

/// Neighbors that are marked under the pointer.
const MARKED: i64 = 5;
/// Up to so many points they are looked for: among more, the interactive form marks none.
const MOST_MARKED: usize = 30_000;

/// One map of the features.
#[derive(Debug)]
#[non_exhaustive]
pub struct Layout {
    /// What the features are called.
    pub of: String,
    /// `[N, 2]`, on the features' device.
    pub points: Tensor,
    /// Of t-SNE.
    pub perplexity: Option<f64>,
    /// Of t-SNE.
    pub divergence: Option<Divergence>,
    /// How well it preserves neighborhoods; none for fewer than 21 points.
    pub quality: Option<Quality>,
    /// How often the points moved.
    pub iterations: usize,
    /// What the figure says of it.
    pub note: String,
    /// What it is a map of, `[N, D]`.
    pub(super) features: Tensor,
    pub(super) frames: Vec<Frame>,
}

/// A map on its way.
#[derive(Debug)]
pub(super) struct Frame {
    iteration: usize,
    points: Tensor,
    divergence: f64,
}

impl Frame {
    pub(super) fn of(step: &Step) -> Frame {
        let Step { iteration, divergence, .. } = *step;
        Frame { iteration, points: step.points.shallow_clone(), divergence }
    }
}

/// Maps of features in the plane: a figure, in which several are chosen from, and the numbers.
///
/// Only neighborhoods have a meaning in a t-SNE map: neither its axes have, nor the sizes of groups,
/// nor the distances between them.
pub struct Embedding {
    title: String,
    count: usize,
    layouts: Vec<Layout>,
    metadata: PointMetadata,
    neighbors: Vec<Vec<usize>>,
}

impl Embedding {
    /// Maps of features; `near`, `[N, k]`, are each one's neighbors, if they are known already.
    pub(super) fn new(
        features: &Features,
        layouts: Vec<Layout>,
        near: Option<&Tensor>,
    ) -> Result<Embedding> {
        let k = MARKED.min(features.len() as i64 - 1);
        let neighbors = match (features.len(), near) {
            (2..=MOST_MARKED, Some(near)) => lists(near, k)?,
            (2..=MOST_MARKED, None) => lists(&neighbors::among(features.values(), k)?.indices, k)?,
            _ => Vec::new(),
        };
        Ok(Embedding {
            title: features.title.clone(),
            count: features.len(),
            layouts,
            metadata: features.metadata.clone(),
            neighbors,
        })
    }

    /// What the figure is called.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The class of each point, `[N]`, numbered from 0, and the classes' names.
    ///
    /// # Errors
    ///
    /// Another number of classes, or a negative one.
    pub fn classes<S: AsRef<str>>(mut self, classes: &Tensor, names: &[S]) -> Result<Self> {
        self.metadata.set_classes(self.count as i64, classes, names)?;
        Ok(self)
    }

    /// A text for each point, shown under the pointer.
    ///
    /// # Errors
    ///
    /// Another number of texts.
    pub fn labels<S: AsRef<str>>(mut self, labels: &[S]) -> Result<Self> {
        self.metadata.set_labels(self.count, labels)?;
        Ok(self)
    }

    /// These maps and those of another embedding of as many things, in one figure: PCA beside t-SNE,
    /// or one layer beside the next. Classes, labels, pictures and what is marked as a point's
    /// neighbors are this one's.
    ///
    /// # Errors
    ///
    /// Another number of points.
    pub fn beside(mut self, other: Embedding) -> Result<Self> {
        if self.count != other.count {
            return Err(Error::Shape {
                at: "maps side by side".to_owned(),
                expected: format!("the same {} points", self.count),
                got: format!("{} points", other.count),
                remedy: "Take both from the same pictures.".to_owned(),
            });
        }
        if self.title != other.title {
            self.title = format!("{}, {}", self.title, other.title);
        }
        self.layouts.extend(other.layouts);
        Ok(self)
    }

    /// The maps.
    pub fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// Where other things belong on the last map, a t-SNE map: `features` `[M, D]` from the same
    /// layer give `[M, 2]`. The map stays as it is, and the new points don't move one another.
    ///
    /// # Errors
    ///
    /// Features of another width, numbers that are not finite.
    pub fn place(&self, features: &Tensor) -> Result<Tensor> {
        let features = checked(features, "new points")?;
        let Some(layout) = self.layouts.iter().rev().find(|layout| layout.perplexity.is_some())
        else {
            return Err(Error::Argument(
                "new points are placed on a t-SNE map; for PCA use `Pca::fit` and `transform`"
                    .to_owned(),
            ));
        };
        let known = &layout.features;
        let width = known.size()[1];
        if features.size()[1] != width {
            return Err(Error::Shape {
                at: "placing new points on a map".to_owned(),
                expected: format!("features [M, {width}], as wide as the map's"),
                got: shape_text(&features.size()),
                remedy: "Take them from the same layer, pooled in the same way.".to_owned(),
            });
        }
        let failed = Error::torch("placing new points on a map");
        let features = features.f_to_device(known.device());
        let features = features.and_then(|f| f.f_to_kind(known.kind())).map_err(failed)?;
        place(known, &layout.points, &features)
    }

    /// The scatter plot that this is as a figure, for its setters.
    pub fn figure(&self) -> Result<Scatter> {
        let points: Vec<(String, &Tensor)> =
            self.layouts.iter().map(|layout| (self.name(layout), &layout.points)).collect();
        let points: Vec<(&str, &Tensor)> =
            points.iter().map(|(name, points)| (name.as_str(), *points)).collect();
        let mut scatter = self.metadata.apply_to(Scatter::layouts(&self.title, &points)?)?;
        scatter = match self.is_choice() {
            true => scatter.choice("perplexity"),
            false if self.layouts.len() > 1 && self.layouts.len() <= 3 => {
                scatter.choice("").side_by_side()
            }
            false => scatter.choice(""),
        };
        if !self.neighbors.is_empty() {
            scatter = scatter.neighbors(&self.neighbors)?;
        }
        for note in self.notes() {
            scatter = scatter.note(note);
        }
        Ok(scatter)
    }

    /// How the last map formed, from what [`Tsne::record`] kept: a film beside the divergence.
    ///
    /// # Errors
    ///
    /// Nothing was recorded.
    pub fn film(&self) -> Result<Film> {
        let recorded = self.layouts.iter().rev().find(|layout| !layout.frames.is_empty());
        let Some(layout) = recorded else {
            return Err(Error::Argument(
                "nothing was recorded; run t-SNE with `Tsne::default().record(25)`".to_owned(),
            ));
        };
        let picture = |frame: &Frame| {
            let scatter = self.metadata.color(Scatter::new("", &frame.points)?)?;
            Ok(view::Frame::new(frame.iteration as u64, scatter.image()?))
        };
        let frames = layout.frames.iter().map(picture).collect::<Result<Vec<_>>>()?;
        let curve = layout.frames.iter().map(|frame| (frame.iteration as f64, frame.divergence));
        let curve = Series::new("divergence", curve.collect());
        let film = Film::new(format!("{}: {}", layout.of, layout.method()), frames)?;
        Ok(film.curves(vec![Panel::new("KL divergence", vec![curve])]).step_label("iteration"))
    }

    /// Whether all maps are of the same features.
    fn is_of_one(&self) -> bool {
        self.layouts.windows(2).all(|pair| matches!(pair, [a, b] if a.of == b.of))
    }

    /// Whether they are so for several perplexities.
    fn is_choice(&self) -> bool {
        let tsne = self.layouts.iter().all(|layout| layout.perplexity.is_some());
        self.layouts.len() > 1 && tsne && self.is_of_one()
    }

    fn name(&self, layout: &Layout) -> String {
        match layout.perplexity {
            Some(perplexity) if self.is_choice() => perplexity.to_string(),
            _ if self.is_of_one() => layout.method(),
            _ => format!("{}: {}", layout.of, layout.method()),
        }
    }

    fn notes(&self) -> impl Iterator<Item = String> {
        let note = |layout: &Layout| match self.is_of_one() {
            true => layout.note.clone(),
            false => format!("{}, {}", layout.of, layout.note),
        };
        self.layouts.iter().map(note)
    }
}

impl Layout {
    /// How it was made.
    fn method(&self) -> String {
        self.perplexity.map_or("PCA".to_owned(), |number| format!("t-SNE, perplexity {number}"))
    }

    /// How good a map of t-SNE is, in a line.
    pub(super) fn reading(&self, options: &Tsne) -> String {
        let mut words = self.method();
        if let Some(divergence) = self.divergence {
            let of = if divergence.all_pairs { "" } else { " (of neighbors)" };
            words.push_str(&format!(": KL divergence {:.3}{of}", divergence.value));
        }
        if let Some(quality) = self.quality {
            words.push_str(&format!(
                ", trustworthiness {:.3}, {:.0} % of 10 neighbors kept",
                quality.trustworthiness,
                100.0 * quality.neighbors_kept
            ));
        }
        if self.iterations < options.iterations {
            let all = options.iterations;
            words.push_str(&format!("; stopped after {} of {all} iterations", self.iterations));
        }
        words
    }
}

/// The first `k` of each row of point numbers, or as many as there are.
fn lists(indices: &Tensor, k: i64) -> Result<Vec<Vec<usize>>> {
    let k = indices.size().get(1).map_or(1, |&most| k.min(most).max(1));
    let flat: Vec<i64> = indices
        .f_narrow(1, 0, k)
        .and_then(|near| near.f_reshape([-1]))
        .and_then(Vec::try_from)
        .map_err(Error::torch("reading neighbors"))?;
    Ok(flat
        .chunks(k as usize)
        .map(|row| row.iter().map(|&point| point as usize).collect())
        .collect())
}

impl Figure for Embedding {
    fn image(&self) -> Result<RgbImage> {
        self.figure()?.image()
    }

    fn description(&self) -> String {
        self.figure().map_or_else(|error| error.to_string(), |scatter| scatter.description())
    }

    fn bundle(&self) -> Result<Bundle> {
        self.figure()?.bundle()
    }
}

crate::view::figures!(Embedding);
