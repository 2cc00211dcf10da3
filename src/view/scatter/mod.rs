//! Points in the plane, colored by class: what PCA and t-SNE give.

mod classes;
mod still;
mod thumbnails;
mod vega;

use image::RgbImage;

use super::values::{IntoClasses, IntoValues, Values};
use super::{Bundle, Figure};
use crate::{Error, Result};
use classes::Classes;
use thumbnails::small;

/// Points in the plane with classes, labels and thumbnails, in one layout or several.
///
/// In a notebook: the wheel zooms, dragging moves, a double click shows all again; a click on a class
/// hides or shows it, a double click shows it alone; the pointer on a point shows its class, label,
/// number and thumbnail, and what its nearest neighbors are. Of several layouts one is chosen, or they stand
/// [`side_by_side`](Scatter::side_by_side). The still shows all of them.
///
/// Up to 70,000 points are in the interactive form (1.3 MB), of two layouts 50,000, side by side 35,000; of more, a
/// fair sample, and the figure says so. While one zooms or moves, 5,000 of them are drawn, and all again
/// once the hand rests.
///
/// Both axes of a layout have one scale, without numbers: distances can be compared within a layout,
/// not between two. Points whose position is not finite are left out, and the figure says how many.
///
/// ```
/// use convscope::prelude::*;
/// use convscope::view::Scatter;
///
/// let points = Tensor::from_slice(&[0.0, 0.0, 1.0, 0.5, 0.9, 0.6]).view([3, 2]);
/// let labels = Tensor::from_slice(&[0i64, 1, 1]);
/// let scatter = Scatter::new("Three points", &points)?.classes(&labels, &["cat", "dog"])?;
/// assert_eq!(scatter.description(), "Three points: 3 points, 2 classes: cat, dog");
/// scatter.image()?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Scatter {
    /// What the figure is called.
    pub title: String,
    notes: Vec<String>,
    layouts: Vec<Positions>,
    choice: String,
    side_by_side: bool,
    classes: Option<Classes>,
    labels: Vec<String>,
    thumbnails: Vec<RgbImage>,
    neighbors: Vec<Vec<usize>>,
}

/// One layout of the points.
#[derive(Clone, Debug)]
pub struct Positions {
    /// What it is called, such as `t-SNE`; empty where it is the only one.
    pub name: String,
    /// `[N, 2]`.
    pub points: Values,
}

impl Scatter {
    /// A figure of `points`, `[N, 2]`.
    ///
    /// # Errors
    ///
    /// Another shape, or no points.
    pub fn new(title: impl Into<String>, points: impl IntoValues) -> Result<Scatter> {
        Scatter::layouts(title, &[("", &points.into_values()?)])
    }

    /// A figure of several layouts of the same points, each with its name and `[N, 2]`: PCA beside
    /// t-SNE, or one perplexity after the other.
    ///
    /// # Errors
    ///
    /// Another shape, no points, or layouts that differ in their number.
    pub fn layouts(
        title: impl Into<String>,
        layouts: &[(&str, impl IntoValues + Copy)],
    ) -> Result<Scatter> {
        let mut count = 0;
        let mut all = Vec::new();
        for (name, points) in layouts {
            let points = points.into_values()?;
            if all.is_empty() {
                count = points.size(0);
            }
            if points.shape() != [count, 2] || count == 0 {
                return Err(Error::Shape {
                    at: format!("a scatter plot{}", of(name)),
                    expected: match all.len() {
                        0 => "points [N, 2], N at least 1".to_owned(),
                        _ => format!("points [{count}, 2], as in the first layout"),
                    },
                    got: points.shape_text(),
                    remedy: "Reduce other features to two dimensions first.".to_owned(),
                });
            }
            all.push(Positions { name: (*name).to_owned(), points });
        }
        if all.is_empty() {
            return Err(Error::Argument("a scatter plot needs at least one layout".to_owned()));
        }
        Ok(Scatter {
            title: title.into(),
            notes: Vec::new(),
            layouts: all,
            choice: "layout".to_owned(),
            side_by_side: false,
            classes: None,
            labels: Vec::new(),
            thumbnails: Vec::new(),
            neighbors: Vec::new(),
        })
    }

    /// Colors the points by class. `labels`, `[N]`, are class numbers from 0; a class without a name
    /// is called by its number.
    ///
    /// Up to 30 classes have an entry in the legend, ten colors in three shapes; of more, the 29 most
    /// frequent ones.
    ///
    /// # Errors
    ///
    /// Another number of labels than points, or a negative one.
    pub fn classes<S: AsRef<str>>(mut self, labels: impl IntoClasses, names: &[S]) -> Result<Self> {
        let numbers = labels.into_classes()?;
        self.one_each("classes", numbers.len())?;
        let names = names.iter().map(|name| name.as_ref().to_owned()).collect();
        self.classes = Some(Classes::new(&numbers, names)?);
        Ok(self)
    }

    /// A text for each point, shown under the pointer: a file's name, say. 400 KB of them go into a notebook; the
    /// figure says if that is not all.
    ///
    /// # Errors
    ///
    /// Another number of texts than points.
    pub fn labels<S: AsRef<str>>(mut self, labels: &[S]) -> Result<Self> {
        self.one_each("labels", labels.len())?;
        self.labels = labels.iter().map(|label| label.as_ref().to_owned()).collect();
        Ok(self)
    }

    /// A picture for each point, shown under the pointer. They are kept reduced to 48 pixels, and as
    /// many go into a notebook as fit 350 KB (some 700 digits or 300 photos); the figure says how many.
    ///
    /// # Errors
    ///
    /// Another number of pictures than points, or a picture without pixels.
    pub fn thumbnails(mut self, pictures: &[RgbImage]) -> Result<Self> {
        self.one_each("thumbnails", pictures.len())?;
        if let Some(empty) = pictures.iter().position(|picture| picture.is_empty()) {
            return Err(Error::Argument(format!("thumbnail {empty} has no pixels")));
        }
        self.thumbnails = pictures.iter().map(small).collect();
        Ok(self)
    }

    /// The nearest neighbors of each point, nearest first: they are marked when the pointer is on it, in figures
    /// of up to 30,000 points.
    ///
    /// # Errors
    ///
    /// Another number of lists than points, or a point that there is not.
    pub fn neighbors(mut self, lists: &[Vec<usize>]) -> Result<Self> {
        self.one_each("lists of neighbors", lists.len())?;
        if let Some(point) = lists.iter().flatten().find(|&&point| point >= self.count()) {
            let count = self.count();
            return Err(Error::Argument(format!(
                "no point {point}: a scatter plot of {count} points"
            )));
        }
        self.neighbors = lists.to_vec();
        Ok(self)
    }

    /// What is chosen when a layout is: `perplexity`, say.
    #[must_use]
    pub fn choice(mut self, what: impl Into<String>) -> Self {
        self.choice = what.into();
        self
    }

    /// Shows all layouts in a notebook at once instead of one at a time; classes are hidden, and a
    /// point is marked, in all of them.
    #[must_use]
    pub fn side_by_side(mut self) -> Self {
        self.side_by_side = true;
        self
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The layouts with their positions.
    pub fn values(&self) -> &[Positions] {
        &self.layouts
    }

    /// How many points there are, those among them that can't be drawn.
    pub fn count(&self) -> usize {
        self.layouts.first().map_or(0, |layout| layout.points.size(0))
    }

    fn one_each(&self, what: &str, got: usize) -> Result<()> {
        match self.count() {
            count if count == got => Ok(()),
            count => Err(Error::Argument(format!(
                "a scatter plot of {count} points needs {count} {what}, one each; got {got}"
            ))),
        }
    }

    /// Where the points are, and which of them can be drawn.
    fn placed(&self) -> Result<Placed> {
        let mut layouts = Vec::new();
        for layout in &self.layouts {
            layouts.push(layout.points.numbers().to_vec());
        }
        let finite = |&point: &usize| {
            let pair =
                |layout: &Vec<f32>| Some((*layout.get(2 * point)?, *layout.get(2 * point + 1)?));
            layouts.iter().all(|l| pair(l).is_some_and(|(x, y)| x.is_finite() && y.is_finite()))
        };
        let drawn: Vec<usize> = (0..self.count()).filter(finite).collect();
        let layouts = layouts.iter().map(|layout| squared(layout, &drawn)).collect();
        Ok(Placed { drawn, layouts })
    }

    fn all_notes(&self, placed: &Placed) -> Vec<String> {
        let mut notes = self.notes.clone();
        let lost = self.count() - placed.drawn.len();
        if lost > 0 {
            notes.push(format!("left out, position not finite: {}", points_text(lost)));
        }
        notes
    }
}

/// Positions ready to be drawn.
struct Placed {
    /// The points whose position is finite in all layouts.
    drawn: Vec<usize>,
    /// For each layout, and each of `drawn`: x and y within -1 to 1.
    layouts: Vec<Vec<[f64; 2]>>,
}

/// The points of a layout moved and scaled, x as much as y, so that they fill -1 to 1.
fn squared(layout: &[f32], drawn: &[usize]) -> Vec<[f64; 2]> {
    let at = |&point: &usize| match layout.get(2 * point..2 * point + 2) {
        Some(&[x, y]) => [f64::from(x), f64::from(y)],
        _ => [0.0; 2],
    };
    let points: Vec<[f64; 2]> = drawn.iter().map(at).collect();
    let ends = |axis: usize| {
        let all = points.iter().map(|point| point[axis]);
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ends = [ends(0), ends(1)];
    let middle = ends.map(|(low, high)| (low + high) / 2.0);
    let reach = ends.map(|(low, high)| (high - low) / 2.0).into_iter().fold(0.0, f64::max);
    let reach = if reach > 0.0 { reach } else { 1.0 };
    let scaled = |[x, y]: [f64; 2]| [(x - middle[0]) / reach, (y - middle[1]) / reach];
    points.into_iter().map(scaled).collect()
}

impl Figure for Scatter {
    fn image(&self) -> Result<RgbImage> {
        self.still(&self.placed()?)
    }

    fn description(&self) -> String {
        let mut words = format!("{}: {}", self.title, points_text(self.count()));
        if let Some(classes) = &self.classes {
            let (count, keys) = (classes.names.len(), classes.keys().join(", "));
            words.push_str(&format!(", {count} classes: {keys}"));
        }
        let names: Vec<&str> = self.layouts.iter().map(|layout| layout.name.as_str()).collect();
        if names.len() > 1 {
            let what = if self.choice.is_empty() { "layouts" } else { &self.choice };
            words.push_str(&format!("; {what}: {}", names.join(", ")));
        }
        for note in &self.notes {
            words.push_str(&format!("; {note}"));
        }
        words
    }

    fn bundle(&self) -> Result<Bundle> {
        let placed = self.placed()?;
        let mut still = Bundle::still(&self.still(&placed)?, &self.description())?;
        if placed.drawn.is_empty() {
            return Ok(still);
        }
        let (spec, notes) = self.vega(&placed)?;
        for note in notes {
            still.text.push_str(&format!("; {note}"));
        }
        still.with_themed(spec)
    }
}

fn points_text(count: usize) -> String {
    format!("{count} {}", if count == 1 { "point" } else { "points" })
}

fn of(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(", layout {name}") }
}
