//! Feature vectors, and what goes with them.

use image::RgbImage;
use tch::{Device, Kind, Tensor};

use crate::error::shape_text;
use crate::limits::check_device;
use crate::network::{Network, Op};
use crate::view::Scatter;
use crate::{Error, Result};

/// Features of `N` things, `[N, D]`, with what a map of them shows: classes, labels, thumbnails.
///
/// They come from a network ([`Network::features`]), from a classifier's last layer
/// ([`class_vectors`]), or from any tensor.
///
/// ```
/// use convscope::prelude::*;
/// let features = Features::new(&Tensor::rand([4, 8], (Kind::Float, Device::Cpu)))?
///     .titled("Noise")
///     .labels(&["a", "b", "c", "d"])?;
/// assert_eq!(features.len(), 4);
/// # Ok::<(), convscope::Error>(())
/// ```
pub struct Features {
    pub(super) title: String,
    values: Tensor,
    pub(super) metadata: PointMetadata,
}

/// What goes with points besides their place.
#[derive(Default)]
pub(super) struct PointMetadata {
    classes: Option<(Tensor, Vec<String>)>,
    labels: Vec<String>,
    thumbnails: Vec<RgbImage>,
}

impl Features {
    /// `values` are `[N, D]`, numbers of any kind, on any device, where they stay; flatten what has
    /// more dimensions (`.flatten(1, -1)`).
    ///
    /// # Errors
    ///
    /// Another shape, none, or numbers that are not finite, complex, or in double precision above 1e100.
    pub fn new(values: &Tensor) -> Result<Features> {
        let values = checked(values, "features")?;
        Ok(Features { title: "Features".to_owned(), values, metadata: PointMetadata::default() })
    }

    /// What figures call them.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The class of each, `[N]`, numbered from 0, and the classes' names.
    ///
    /// # Errors
    ///
    /// Another number of classes, or a negative one.
    pub fn classes<S: AsRef<str>>(mut self, classes: &Tensor, names: &[S]) -> Result<Self> {
        self.metadata.set_classes(self.values.size()[0], classes, names)?;
        Ok(self)
    }

    /// A text for each: a file's name, say.
    ///
    /// # Errors
    ///
    /// Another number of texts.
    pub fn labels<S: AsRef<str>>(mut self, labels: &[S]) -> Result<Self> {
        self.metadata.set_labels(self.len(), labels)?;
        Ok(self)
    }

    /// A picture for each.
    ///
    /// # Errors
    ///
    /// Another number of pictures.
    pub fn thumbnails(mut self, pictures: &[RgbImage]) -> Result<Self> {
        one_each("thumbnails", self.len(), pictures.len())?;
        self.metadata.thumbnails = pictures.to_vec();
        Ok(self)
    }

    /// The numbers, `[N, D]`, float32 (or double, where they came so).
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// The classes, `[N]`, `Kind::Int64`, where there are any.
    pub fn class_numbers(&self) -> Option<&Tensor> {
        self.metadata.classes.as_ref().map(|(numbers, _)| numbers)
    }

    /// How many things there are.
    #[allow(clippy::len_without_is_empty)] // there is at least one
    pub fn len(&self) -> usize {
        self.values.size().first().map_or(0, |&count| count as usize)
    }

    /// The same on another device; maps are computed where the features are.
    pub fn to_device(mut self, device: Device) -> Result<Self> {
        check_device(device)?;
        self.values = self.values.f_to_device(device).map_err(Error::torch("moving features"))?;
        Ok(self)
    }
}

impl std::fmt::Debug for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: features {}", self.title, shape_text(&self.values.size()))?;
        match &self.metadata.classes {
            Some((_, names)) => write!(f, ", {} class names", names.len()),
            None => Ok(()),
        }
    }
}

impl Clone for Features {
    /// The same numbers, not a copy of them.
    fn clone(&self) -> Self {
        let (title, values) = (self.title.clone(), self.values.shallow_clone());
        Features { title, values, metadata: self.metadata.clone() }
    }
}

impl Clone for PointMetadata {
    fn clone(&self) -> Self {
        let classes =
            self.classes.as_ref().map(|(numbers, names)| (numbers.shallow_clone(), names.clone()));
        PointMetadata { classes, labels: self.labels.clone(), thumbnails: self.thumbnails.clone() }
    }
}

impl PointMetadata {
    pub(super) fn set_classes<S: AsRef<str>>(
        &mut self,
        count: i64,
        classes: &Tensor,
        names: &[S],
    ) -> Result<()> {
        one_each("classes", count as usize, classes.numel())?;
        let read = || {
            let given = classes.f_reshape([-1])?;
            let numbers = given.f_to_kind(Kind::Int64)?;
            let whole = given.f_eq_tensor(&numbers)?.f_all()?.f_int64_value(&[])? == 1;
            let least = numbers.f_min()?.f_int64_value(&[])?;
            Ok((numbers, whole, least))
        };
        let (numbers, whole, least) =
            read().map_err(Error::torch("reading the classes of features"))?;
        if !whole {
            let got = classes.kind();
            return Err(Error::Argument(format!(
                "the classes of features: expected whole numbers, got {got:?} with others among them"
            )));
        }
        if least < 0 {
            return Err(Error::Argument(format!(
                "the classes of features: there is a class {least}; classes are numbered from 0"
            )));
        }
        self.classes = Some((numbers, names.iter().map(|name| name.as_ref().to_owned()).collect()));
        Ok(())
    }

    pub(super) fn set_labels<S: AsRef<str>>(&mut self, count: usize, labels: &[S]) -> Result<()> {
        one_each("labels", count, labels.len())?;
        self.labels = labels.iter().map(|label| label.as_ref().to_owned()).collect();
        Ok(())
    }

    /// The scatter plot with all of it.
    pub(super) fn apply_to(&self, mut scatter: Scatter) -> Result<Scatter> {
        if let Some((numbers, names)) = &self.classes {
            scatter = scatter.classes(numbers, names)?;
        }
        if !self.labels.is_empty() {
            scatter = scatter.labels(&self.labels)?;
        }
        if !self.thumbnails.is_empty() {
            scatter = scatter.thumbnails(&self.thumbnails)?;
        }
        Ok(scatter)
    }

    /// The same with classes alone: frames show neither labels nor pictures.
    pub(super) fn color(&self, scatter: Scatter) -> Result<Scatter> {
        match &self.classes {
            Some((numbers, names)) => scatter.classes(numbers, names),
            None => Ok(scatter),
        }
    }
}

fn one_each(what: &str, count: usize, got: usize) -> Result<()> {
    if count == got {
        return Ok(());
    }
    Err(Error::Argument(format!("{count} features need {count} {what}, one each; got {got}")))
}

/// The vector that a classifier holds of each class: rows of the last linear layer, `[classes, D]`,
/// labeled with the classes' names. Classes whose vectors point the same way are told apart with
/// difficulty.
///
/// ```
/// # use convscope::prelude::*;
/// let vectors = class_vectors(&zoo::digits()?)?;
/// assert_eq!(vectors.values().size(), [10, 64]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// A network without a linear layer.
pub fn class_vectors(net: &Network) -> Result<Features> {
    let weight = net.nodes().iter().rev().find_map(|node| match &node.op {
        Op::Linear(linear) => Some(&linear.weight),
        _ => None,
    });
    let Some(weight) = weight else {
        return Err(Error::Argument(format!(
            "{} has no linear layer, whose rows would be the vectors of its classes",
            net.name()
        )));
    };
    let count = weight.size()[0] as usize;
    let names: Vec<String> = (0..count).map(|class| net.class_name(class)).collect();
    Features::new(weight)?.titled(format!("The classes of {}", net.name())).labels(&names)
}

/// Refuses features, `[N, D]`, whose rows are all the same: nothing tells them apart.
pub(super) fn check_varied(values: &Tensor, at: &str) -> Result<()> {
    let alike = || values.f_eq_tensor(&values.f_narrow(0, 0, 1)?)?.f_all()?.f_int64_value(&[]);
    match alike().map_err(Error::torch("reading features"))? {
        1 => Err(Error::Argument(format!(
            "{at}: all rows of the features are alike, so nothing tells them apart; look at the layer \
             before"
        ))),
        _ => Ok(()),
    }
}

/// Features as they are computed with: `[N, D]`, floating-point, detached, contiguous, all finite.
pub(super) fn checked(values: &Tensor, at: &str) -> Result<Tensor> {
    if values.dim() != 2 || values.numel() == 0 {
        return Err(Error::Shape {
            at: at.to_owned(),
            expected: "[N, D], at least one row and one column".to_owned(),
            got: shape_text(&values.size()),
            remedy: "Flatten what has more dimensions: `.flatten(1, -1)`.".to_owned(),
        });
    }
    if values.is_complex() {
        let got = values.kind();
        let problem = format!("{at}: complex numbers ({got:?}); take `.abs()` or `.real()`");
        return Err(Error::Argument(problem));
    }
    let kind = if values.kind() == Kind::Double { Kind::Double } else { Kind::Float };
    let read = || {
        let values = values.f_detach()?.f_to_kind(kind)?.f_contiguous()?;
        // A sum is finite only if all are; but large numbers' sum may overflow where none is wrong.
        let wrong = values.f_isfinite()?.f_logical_not()?.f_any_dim(1, false)?;
        let count = wrong.f_sum(Kind::Int64)?.f_int64_value(&[])?;
        let first = wrong.f_to_kind(Kind::Int64)?.f_argmax(None, false)?.f_int64_value(&[])?;
        Ok((values, count, first))
    };
    let (values, count, first) = read().map_err(Error::torch(format!("reading {at}")))?;
    if count > 0 {
        return Err(Error::Argument(format!(
            "{at}: {count} of {} rows hold NaN or infinite numbers, the first is row {first}; leave \
             them out, or look for what made them",
            values.size()[0]
        )));
    }
    check_squares(&values, at)?;
    Ok(values)
}

/// Refuses numbers whose squares, and so whose distances, would overflow in double precision.
fn check_squares(values: &Tensor, at: &str) -> Result<()> {
    const MOST: f64 = 1e100;
    if values.kind() != Kind::Double {
        return Ok(());
    }
    let most = || values.f_abs()?.f_max()?.f_double_value(&[]);
    match most().map_err(Error::torch(format!("reading {at}")))? {
        most if most <= MOST => Ok(()),
        most => Err(Error::Argument(format!(
            "{at}: there are numbers as large as {most:e}, too large for distances between rows; \
             divide all by {most:.0e}"
        ))),
    }
}
