//! Every type of figure, with names that try to be anything but text: titles, classes, layers, units and
//! files may hold what they like.

use std::path::{Path, PathBuf};

use convscope::prelude::*;
use convscope::view::{
    CheckPlot, Curves, Detected, Detections, Film, Frame, Gallery, GalleryCard, GalleryRow,
    Heatmap, MapReport, Matrix, Panel, Scatter, Segmentation, Series, Values,
};

use super::{Done, write};

/// Ways out of HTML, of attributes, of JSON, of Vega's expressions and of a terminal. Whatever runs sets
/// `window.hacked` or asks for something of `hostile.invalid`.
const PARTS: [&str; 8] = [
    "</script><script>window.hacked = 1</script>",
    "\" onload=\"window.hacked = 1\" '><img src=http://hostile.invalid/a onerror='window.hacked = 1'>",
    "\"}], \"signals\": [{\"name\": \"x\", \"update\": \"warn('hacked')\"}], \"z\": [{\"y\": \"",
    "' + warn('hacked') + '\\' + datum['x'] + \"",
    "{\"signal\": \"warn('hacked')\"}",
    "${window.hacked = 1} {{ constructor.constructor('window.hacked = 1')() }}",
    "[a](javascript:window.hacked=1) ![b](http://hostile.invalid/c) <a href=javascript:window.hacked=1>",
    "\u{1b}]8;;http://hostile.invalid\u{7}\u{1b}[31m\u{0}\u{202e}\r\nEVCXR_END_CONTENT\nEVCXR_BEGIN_CONTENT text/html\n<script>window.hacked = 1</script>",
];

/// A name with all of it; `what` tells it from others.
fn name(what: &str) -> String {
    format!("{}{what}", PARTS.join(" "))
}

pub fn draw(folder: &Path, files: &[PathBuf]) -> Done {
    let hostile = Hostile { folder, vega: files.first() };
    let net = network()?;
    let photo = |digit: u8| -> convscope::Result<Photo> {
        Photo::from_image(data::digit(digit, 1)?.pixels().clone(), &name(&digit.to_string()))
    };
    let (three, eight) = (photo(3)?, photo(8)?);
    let (relu, conv) = (name("relu"), name("conv"));
    explained(&hostile, &net, &three, &relu)?;

    hostile.write("Photo", &three)?;
    hostile.write("FilterGrid", &net.filters(&conv)?)?;
    hostile.write("FeatureMaps", &net.feature_maps_difference(&three, &eight, &relu)?)?;
    hostile.write(
        "FeatureMapsBatch",
        &net.feature_maps_batch(&[three.clone(), eight.clone()], &relu)?,
    )?;
    hostile.write("Journey", &net.journey(&three, &[conv.as_str(), relu.as_str()])?)?;
    hostile.write("TopK", &net.classify(&three)?)?;
    hostile.write("Predictions", &net.predict(&[three.clone(), eight.clone()])?)?;
    hostile.write("Alive", &net.alive(&[three.clone(), eight.clone()])?.titled(name("alive")))?;
    hostile.write("Summary", &net.summary()?)?;
    hostile.write("Occlusion", &occlusion(&net, &three, Target::Top, &[Patches::new(14)])?)?;

    let maximized = Maximize::classic().steps(2).quiet().run(&net, Unit::channel(&relu, 1))?;
    hostile.write("Maximized", &maximized)?;
    let photos = [three.clone(), eight.clone()];
    hostile.write("Examples", &dataset_examples(&net, Unit::channel(&relu, 1), &photos, 2)?)?;
    hostile.write("PatchColors", &net.patch_colors(&photos, &relu)?)?;
    let mut pupil = network()?;
    let data = Dataset::prepare(&pupil, &data::digits(20, 1)?)?;
    hostile.write("History", &pupil.fit(&data, Fit::new(1).batch(10))?)?;

    let points = Tensor::randn([12, 4], (Kind::Float, Device::Cpu));
    let labels: Vec<String> = (0..12).map(|point| name(&point.to_string())).collect();
    let classes = Tensor::arange(12, (Kind::Int64, Device::Cpu)).remainder(3);
    let features = Features::new(&points)?.titled(name("features")).labels(&labels)?;
    let features = features.classes(&classes, &labels)?;
    hostile.write("Embedding", &pca(&features)?)?;
    drawn(&hostile, &labels)
}

/// What explains a prediction.
fn explained(hostile: &Hostile<'_>, net: &Network, photo: &Photo, relu: &str) -> Done {
    let map = grad_cam(net, photo, relu, 3)?;
    let given = BoundingBox::new(3, 3, 20, 20, name("box"));
    let map = map.boxes(Boxes::Given(vec![given])).note(name("note"));
    hostile.write("Heatmap", &map)?;
    let maps = Heatmaps::grid(name("maps"), vec![name("column")], vec![(name("row"), vec![map])])?;
    hostile.write("Heatmaps", &maps)?;
    let report = trust(net, photo, Target::Top, &GradCam::at(relu))?;
    hostile.write("Trust", &report)?;
    let stages = randomization(net, photo, Target::Top, &GradCam::at(relu))?;
    hostile.write("Randomization", &stages)?;
    let methods: [&dyn Attribution; 2] = [&GradCam::at(relu), &Saliency::default()];
    hostile.write("Agreement", &agreement(net, photo, Target::Top, &methods)?)
}

/// What has no network behind it.
fn drawn(hostile: &Hostile<'_>, labels: &[String]) -> Done {
    let picture = |side: u32| image::RgbImage::new(side, side);
    let line = Series::new(name("series"), vec![(0.0, 1.0), (1.0, 2.0)]);
    let panels = vec![Panel::new(name("panel"), vec![line])];
    let curves = Curves::new(name("curves"), name("x"), panels.clone()).note(name("note"));
    hostile.write("Curves", &curves)?;
    let frames = (0..3).map(|step| Frame::new(step, picture(28))).collect();
    let film = Film::new(name("film"), frames)?.note(name("note")).curves(panels.clone());
    hostile.write("Film", &film.step_label(name("step")))?;
    let card = GalleryCard::new(picture(28), name("label"), name("caption"));
    let rows = vec![GalleryRow::new(name("heading"), vec![card])];
    hostile.write("Gallery", &Gallery::new(name("gallery"), rows)?.note(name("note")))?;
    let values = Values::new([2, 2], vec![1.0, 0.5, 0.5, 1.0])?;
    let found = Detected::new(1, name("label"), 0.9, [2.0, 3.0, 20.0, 22.0]);
    let boxes = Detections::new(name("boxes"), picture(28), vec![found])?;
    hostile.write("Detections", &boxes.note(name("note")))?;
    let classes = [0_usize, 1, 2, 2];
    let map = Segmentation::new(name("map"), picture(28), &classes[..], &values, labels.to_vec())?;
    hostile.write("Segmentation", &map.note(name("note")))?;
    let matrix = Matrix::new(name("matrix"), name("unit"), labels[..2].to_vec(), &values)?;
    hostile.write("Matrix", &matrix.note(name("note")))?;
    let map = Heatmap::new(name("map"), name("unit"), picture(28), &values)?;
    let plot = CheckPlot { panel: panels[0].clone(), x_label: name("x") };
    let report = MapReport::new(name("report"), name("sentence"), map, vec![plot])?;
    hostile.write("MapReport", &report.note(name("note")))?;
    let layouts = [(labels[0].as_str(), &values), (labels[1].as_str(), &values)];
    let scatter = Scatter::layouts(name("scatter"), &layouts)?
        .choice(name("choice"))
        .classes(&Tensor::from_slice(&[0i64, 1]), labels)?
        .labels(&labels[..2])?
        .thumbnails(&[picture(28), picture(28)])?;
    hostile.write("Scatter", &scatter.note(name("note")))
}

/// The digits' shape, untrained.
fn network() -> convscope::Result<Network> {
    manual_seed(0);
    let mut b = Network::builder(&name("network"), [1, 28, 28]);
    let x = b.input();
    let x = b.conv2d(x, &name("conv"), Conv2d::new(4, 5));
    let x = b.relu(x, &name("relu"));
    let x = b.global_avg_pool(x, &name("pool"));
    let x = b.flatten(x, &name("flatten"));
    b.linear(x, &name("fc"), 10);
    b.classes((0..10).map(|class| name(&class.to_string())));
    b.build()
}

/// Writes a figure as a notebook holds it, as a page and, with Vega, as an interactive page.
struct Hostile<'a> {
    folder: &'a Path,
    vega: Option<&'a PathBuf>,
}

impl Hostile<'_> {
    fn write(&self, kind: &str, figure: &impl Figure) -> Done {
        write(self.folder, kind, figure)?;
        figure.save(self.folder.join(format!("{kind}.html")))?;
        if let (Some(vega), Some(_)) = (self.vega, figure.bundle()?.vega) {
            figure.save_page(self.folder.join(format!("{kind}_interactive.html")), vega)?;
        }
        Ok(())
    }
}
