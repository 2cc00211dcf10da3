//! A network that answers in the page while one draws: `net.alive(&samples)`.

mod bounds;
mod nodes;
mod page;
mod weights;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use serde_json::{Value, json};
use tch::Tensor;

use self::nodes::Plan;
use self::weights::Weights;
use crate::data::{Samples, labels_for};
use crate::layer_kind::LayerKind;
use crate::network::{Network, OutputScale};
use crate::view::{Bundle, Figure, Guess, IntoValues, Response, Values, visible};
use crate::{Error, Photo, Result};

/// The version of `page/src/format.ts`.
const FORMAT: u32 = 1;
/// How many pictures travel with the page.
const EXAMPLES: usize = 24;
const GUESSES: usize = 5;
/// How many layers the still shows.
const SHOWN: usize = 8;

/// A network in a page: every layer answers while one draws.
///
/// In a notebook this is an interactive figure, as a file a page that needs nothing but itself. Where
/// scripts don't run, an untrusted notebook or GitHub, stands a picture of what the network makes of the
/// first example.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let alive = net.alive(&data::digits(10, 1)?)?.titled("Draw a digit");
/// alive.save(std::env::temp_dir().join("digits.html"))?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Alive {
    /// What the figure is called.
    pub title: String,
    /// Everything else that the page gets.
    model: Value,
    /// What the still shows, and of which picture.
    response: Response,
    example: String,
}

impl Alive {
    /// Another title.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Leaves a drawing where it is drawn. Otherwise an input of 28×28 gray pixels gets drawings as MNIST
    /// has its digits: fitted into 20×20, with their center of mass in the middle.
    #[must_use]
    pub fn uncentered(mut self) -> Self {
        self.model["input"]["drawing"]["centering"] = json!("none");
        self
    }

    fn model(&self) -> Value {
        let mut model = self.model.clone();
        model["title"] = json!(visible(&self.title));
        model
    }

    fn notes(&self) -> Vec<String> {
        vec![format!(
            "{} and what the network makes of it; in a trusted notebook, or as a page, it answers while you draw",
            self.example
        )]
    }
}

impl Figure for Alive {
    fn image(&self) -> Result<RgbImage> {
        self.response.image(&self.title, self.notes())
    }

    fn description(&self) -> String {
        let guess = |guess: &Guess| format!("{} {:.1} %", guess.name, 100.0 * guess.probability);
        let guesses: Vec<String> = self.response.guesses.iter().map(guess).collect();
        format!("{}: {}: {}", self.title, self.notes().join("; "), guesses.join(", "))
    }

    fn bundle(&self) -> Result<Bundle> {
        let bundle = Bundle::still(&self.image()?, &self.description())?;
        let page = page::page(&self.title, &self.model(), None);
        let still = page::still(&bundle.png, &bundle.text);
        let html = page::framed(&self.title, &page, &still);
        Ok(bundle.with_html(html))
    }

    fn page(&self) -> Result<String> {
        let bundle = Bundle::still(&self.image()?, &self.description())?;
        let still = page::still(&bundle.png, &bundle.text);
        Ok(page::page(&self.title, &self.model(), Some(&still)))
    }
}

crate::view::figures!(Alive);

impl Network {
    /// The network in a page, where it answers while one draws, erases, drops a picture or chooses one of
    /// `samples`, of which the first 24 travel with the page; there may be none.
    ///
    /// Everything is computed in the page, on the reader's machine, without a kernel and offline. All
    /// layers' values are libtorch's within 1e-4; networks of more than 300,000 parameters travel with 16
    /// bits a number, and are as exact beside each layer's largest value.
    ///
    /// # Errors
    ///
    /// A network that is too large for that (2 million parameters, 160 million multiply-adds), whose input
    /// is no gray or color picture, whose output is no row of classes, or that has an operation which the
    /// page doesn't: all of these are named. An image that can't be read or prepared.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let net = zoo::digits()?;
    /// net.alive(&data::digits(10, 1)?)?.save(std::env::temp_dir().join("digits.html"))?;
    ///
    /// let error = zoo::untrained("resnet18")?.alive(&data::digits(1, 1)?).unwrap_err();
    /// assert!(error.to_string().contains("too large to be alive in a page"));
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn alive(&self, samples: &(impl Samples + ?Sized)) -> Result<Alive> {
        let [channels, height, width] = self.preprocess().input_shape();
        if channels != 1 && channels != 3 {
            return Err(Error::Argument(format!(
                "{} takes {channels} channels; in a page one draws gray or color pictures, of 1 or 3",
                crate::error::short(self.name())
            )));
        }
        let plan = Plan::of(self)?;
        let parameters = bounds::check(self, &plan)?;
        let (nodes, weights) = plan.nodes(Weights::new(parameters))?;
        let labels = labels_for(self, samples)?;
        let (mut examples, mut first) = (Vec::new(), None);
        for index in 0..samples.len().min(EXAMPLES) {
            let photo = samples.photo(index)?;
            let name = samples.caption(index).unwrap_or_else(|| format!("picture {}", index + 1));
            let pixels = STANDARD.encode(self.preprocess().bytes(&photo)?);
            let mut example = json!({"name": visible(&name), "pixels": pixels});
            if let Some(label) = labels.as_ref().and_then(|labels| labels.get(index)) {
                example["label"] = json!(label);
            }
            examples.push(example);
            first.get_or_insert_with(|| (name, photo.into_owned()));
        }
        let (example, photo) = match first {
            Some(first) => first,
            None => {
                let blank = RgbImage::new(width as u32, height as u32);
                ("an empty picture".to_owned(), Photo::from_image(blank, "an empty picture")?)
            }
        };
        let response = self.response(&photo, &plan)?;
        let (mean, std) = self.preprocess().mean_and_std();
        let centering = if (channels, height, width) == (1, 28, 28) { "mnist" } else { "none" };
        let classes: Vec<_> = self.classes().iter().map(|name| visible(name)).collect();
        let model = json!({
            "format": FORMAT,
            "name": visible(self.name()),
            "input": {
                "channels": channels, "height": height, "width": width, "mean": mean, "std": std,
                "drawing": {
                    "paper": vec![0; channels as usize],
                    "ink": vec![255; channels as usize],
                    "centering": centering,
                },
            },
            "classes": classes,
            "output": {
                "node": plan.place(self.output_index()),
                "kind": match self.output_scale() {
                    OutputScale::Logits => "logits",
                    OutputScale::LogProbabilities => "log-probabilities",
                    OutputScale::Probabilities => "probabilities",
                    OutputScale::Independent => "independent",
                },
            },
            "nodes": nodes,
            "weights": STANDARD.encode(&weights.bytes),
            "examples": examples,
        });
        Ok(Alive { title: format!("{}, alive", self.name()), model, response, example })
    }

    /// What the network makes of a picture.
    fn response(&self, photo: &Photo, plan: &Plan<'_>) -> Result<Response> {
        let shown = self.shown(plan);
        let mut wanted = shown.clone();
        wanted.push(self.output_index());
        let mut values = self.values(&self.prepare(photo)?, &wanted)?;
        let output = crate::network::only(values.split_off(shown.len()))?;
        let guesses = self.guesses(&output, GUESSES)?;
        let layer = |(&at, value): (&usize, &Tensor)| -> Result<(String, Values)> {
            let one = value.f_get(0).map_err(Error::torch("selecting the picture"))?;
            Ok((self.nodes()[at].name.clone(), one.into_values()?))
        };
        let layers = shown.iter().zip(&values).map(layer).collect::<Result<Vec<_>>>()?;
        Ok(Response { picture: self.preprocess().sharp_view(photo, 336)?, guesses, layers })
    }

    /// The layers of the still: of each convolution, pooling and linear layer that everything goes through
    /// what its activation function makes of it, at even distances.
    fn shown(&self, plan: &Plan<'_>) -> Vec<usize> {
        use LayerKind::{Activation, Convolution, Linear, Normalization, Pooling};
        let (mut ends, mut earliest, mut next) = (Vec::new(), usize::MAX, None);
        for &index in plan.chosen.iter().rev() {
            let node = &self.nodes()[index];
            let kind = node.op.operation().kind();
            let layer = matches!(kind, Convolution | Normalization | Activation | Pooling | Linear);
            let goes_on = matches!(next, Some(Normalization | Activation));
            if layer && !goes_on && earliest >= index {
                ends.push(index);
            }
            // What later nodes read from before this one goes past it.
            earliest = node.inputs.iter().copied().fold(earliest, usize::min);
            next = Some(kind);
        }
        if ends.is_empty() {
            ends.push(self.output_index());
        }
        let (count, last) = (SHOWN.min(ends.len()), ends.len() - 1);
        (0..count).rev().map(|at| ends[at * last / (count - 1).max(1)]).collect()
    }
}
