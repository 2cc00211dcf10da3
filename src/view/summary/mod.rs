//! An architecture: which layer reads which, beside a table of what each makes and costs.

mod blocks;
mod drawing;
mod layout;
mod places;
mod scene;
mod table;
mod vega;

use image::RgbImage;

use super::sheet::Sheet;
use super::{Bundle, Figure};
use crate::Result;
use crate::error::shape_text;
use crate::layer_kind::LayerKind;
use scene::Scene;
use table::{compact, plain, thousands};

/// A network with more layers than this is shown by blocks at first.
const FEW: usize = 40;

/// A layer, or a block of layers, of a [`Summary`].
#[derive(Clone, Debug)]
pub struct LayerRow {
    /// The layer's name, or that of the block: `layer1.0`.
    pub name: String,
    /// What it does, in a few words: `Conv2d 3×3 /2`.
    pub operation: String,
    /// What it is; of a block, its weightiest layer.
    pub kind: LayerKind,
    /// The shape of its output: `[N, C, H, W]`, or what else it is.
    pub shape: Vec<i64>,
    /// How many numbers training changes, without buffers such as a batch normalization's running
    /// statistics.
    pub parameters: u64,
    /// Multiply-adds of convolutions, linear layers and matrix products.
    pub multiply_adds: u64,
    /// How many pixels of the input one unit can see, `[height, width]`; `None` where that may be
    /// all. Padding counts, so it can be more than the picture has.
    pub receptive_field: [Option<i64>; 2],
    /// The rows it reads, by index.
    pub inputs: Vec<usize>,
}

/// The architecture of a network: a picture of its branches and skips beside a table.
///
/// Boxes are layers, colored by kind and the wider the larger their maps; lines run from top to
/// bottom. By blocks, a table row is a block (`layer1.0`) and a box is a layer together with the
/// normalization, activation or rearrangement that only it feeds. In JupyterLab, hovering over a box
/// shows its numbers.
#[derive(Clone)]
pub struct Summary {
    /// What the figure is called.
    pub title: String,
    layers: Vec<LayerRow>,
    by_blocks: bool,
}

impl Summary {
    /// A figure of layers in the order they are computed; `inputs` that do not come before their
    /// reader are passed over.
    pub fn new(title: impl Into<String>, mut layers: Vec<LayerRow>) -> Summary {
        for (index, layer) in layers.iter_mut().enumerate() {
            layer.inputs.retain(|&input| input < index);
        }
        let by_blocks = layers.len() > FEW;
        Summary { title: title.into(), layers, by_blocks }
    }

    /// Shows every layer in a row of its own.
    #[must_use]
    pub fn layers(mut self) -> Self {
        self.by_blocks = false;
        self
    }

    /// Shows a row a block, by the names: `layer1.0`, `inception3a`.
    #[must_use]
    pub fn blocks(mut self) -> Self {
        self.by_blocks = true;
        self
    }

    /// The rows as they are shown: layers, or blocks.
    pub fn rows(&self) -> Vec<LayerRow> {
        blocks::rows(&self.layers, &self.groups())
    }

    /// How many numbers training changes, in all.
    pub fn parameters(&self) -> u64 {
        self.layers.iter().map(|layer| layer.parameters).fold(0, u64::saturating_add)
    }

    /// Multiply-adds of convolutions, linear layers and matrix products, in all.
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(|layer| layer.multiply_adds).fold(0, u64::saturating_add)
    }

    /// The table as text with aligned columns, in full.
    pub fn text(&self) -> String {
        format!("{}\n\n{}", self.description(), table::text(&self.rows(), self.totals()))
    }

    fn totals(&self) -> [u64; 2] {
        [self.parameters(), self.multiply_adds()]
    }

    fn groups(&self) -> Vec<blocks::Block> {
        match self.by_blocks {
            true => blocks::by_names(&self.layers),
            false => blocks::each(&self.layers),
        }
    }

    fn figures(&self) -> String {
        let input = self.layers.iter().find(|layer| layer.kind == LayerKind::Input);
        let input =
            input.map_or(String::new(), |input| format!("input {}, ", shape_text(&input.shape)));
        let count = self.layers.iter().filter(|layer| layer.kind != LayerKind::Input).count();
        format!(
            "{input}{count} layers, {} parameters, {} multiply-adds",
            thousands(self.parameters()),
            compact(self.multiply_adds())
        )
    }

    fn notes(&self, scene: &Scene) -> Vec<String> {
        let mut notes = vec![self.figures()];
        if self.by_blocks {
            notes.push(
                "a row is a block; a box is a layer with its normalization and activation, the \
                 wider the larger its maps"
                    .to_owned(),
            );
        } else {
            notes.push("a box is a layer, the wider the larger its maps".to_owned());
        }
        if scene.left_out > 0 {
            let shorter = if self.by_blocks { "" } else { ", `.blocks()` is shorter" };
            notes.push(format!(
                "{} more rows are not drawn: `.text()` has them all{shorter}",
                scene.left_out
            ));
        }
        notes
    }

    fn scene(&self) -> Scene {
        Scene::new(&self.layers, &self.groups(), self.totals())
    }
}

impl Figure for Summary {
    fn image(&self) -> Result<RgbImage> {
        let scene = self.scene();
        let title = plain(&self.title);
        let sheet = Sheet { title: &title, notes: self.notes(&scene), bar: None, unit: "" };
        let (mut canvas, x, y) = sheet.canvas(scene.width, scene.height)?;
        drawing::draw(&scene, &mut canvas, x, y);
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        format!("{}: {}", plain(&self.title), self.figures())
    }

    fn bundle(&self) -> Result<Bundle> {
        let scene = self.scene();
        let mut still = Bundle::still(&self.image()?, &self.description())?;
        still.text = self.text();
        still.with_themed(vega::specification(self, &scene)?)
    }
}
