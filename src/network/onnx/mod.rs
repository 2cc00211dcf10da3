//! Networks from ONNX files, which is how any classifier that PyTorch can export comes here.
//!
//! The file is read ([`wire`], [`message`]), its graph checked ([`graph`]), and walked through once
//! ([`import`]): each of its values is a constant, a shape, or a node of the network. Where the
//! batch stands in a value is followed on the way ([`dims`]), so that a file exported for one image
//! takes any number of them.
//!
//! A file is not trusted: whatever it holds, the answer is a network or an error, in time and memory
//! in proportion to its size.

// Sizes are what a file says.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]

mod attention;
mod budget;
mod choices;
mod constants;
mod dims;
mod einsum;
mod enlarge;
mod graph;
mod import;
mod input;
mod known;
mod layers;
mod message;
mod names;
mod norms;
mod operators;
mod outputs;
mod parts;
mod pointwise;
mod quantized;
mod reading;
mod rearrange;
mod reductions;
mod repeats;
mod sizes;
mod tensor;
mod value;
mod windows;
mod wire;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tch::Device;

use super::{Network, Preprocess};
use crate::error::short;
use crate::live::{Progress, stopped};
use crate::{Error, Result};
use import::Importer;
use value::Value;

/// Protocol buffers are no larger; the weights of larger networks lie in a file beside.
const LARGEST_FILE: u64 = 1 << 31;

impl Network {
    /// Opens an ONNX file of operator set 7 to 23, on the GPU where there is one: as `torch.onnx.export`
    /// writes it with either of its exporters, from a collection of older ones, or converted from
    /// Keras. Weights in a file beside it are read, too.
    ///
    /// Inputs are `[N, C, H, W]` for any N, also where the file was exported for one image or for 32,
    /// and where its own input is `[N, H, W, C]`. H and W may differ from the file's where no reshape
    /// fixes them. Weights become float32.
    ///
    /// **Layers** have PyTorch's names where the file tells them: after their weights
    /// (`layer1.0.conv1`) or their modules (`layer1.0.relu_1`, `layer4` for the last one under it).
    /// The file's own names of nodes and of values find a layer as well, among them those of further
    /// outputs: `net.with_output("parity")` has that head as its result. Exporters fold a batch
    /// normalization into the convolution before it: that layer then gives the normalized value, and
    /// a state_dict, which still has both, does not fit; it does where nothing was folded.
    ///
    /// **Outputs** that are maps with their channels last, `[N, h, w, K]` as Keras has them, come as
    /// `[N, K, h, w]`.
    ///
    /// **What is tried**: torchvision's classifiers and segmentation networks, 64 architectures of timm,
    /// files of model collections; [COVERAGE.md] counts them.
    ///
    /// Einsum and fused attention become the nodes that they stand for. Networks quantized by pairs of
    /// `QuantizeLinear` and `DequantizeLinear` round as the file says and pass gradients straight
    /// through. Recurrent networks and those of text are refused by their operators' names.
    ///
    /// [COVERAGE.md]: https://github.com/convscope/convscope/blob/main/docs/COVERAGE.md
    ///
    /// **Pictures** are resized to the input, with values from 0 to 1, and classes have numbers:
    /// [`with_preprocess`](Network::with_preprocess) and [`with_classes`](Network::with_classes) say
    /// what the network was trained with.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let net = Network::from_onnx("tests/golden/two_heads.onnx")?;
    /// let images = Tensor::zeros([3, 1, 12, 20], (Kind::Float, Device::Cpu));
    /// assert_eq!(net.forward(&images)?.size(), [3, 10]);
    /// let parity = net.with_output("parity")?.with_classes(["even", "odd"])?;
    /// assert_eq!(parity.forward(&images)?.size(), [3, 2]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A file that is none, or broken; operators that are not supported, all of them at
    /// once; several inputs or one that is no image; weights outside the file's folder.
    pub fn from_onnx(path: impl AsRef<Path>) -> Result<Network> {
        open(path.as_ref(), None)
    }

    /// The same with the usual input `[C, H, W]` given: for a file that leaves height and width
    /// free, or for pictures of another size than the file declares.
    pub fn from_onnx_with(path: impl AsRef<Path>, input: [i64; 3]) -> Result<Network> {
        open(path.as_ref(), Some(input))
    }
}

fn open(path: &Path, image: Option<[i64; 3]>) -> Result<Network> {
    let refuse = |problem: String| Error::Onnx { path: path.to_owned(), problem };
    let bytes = contents(path)?;
    if bytes.len() as u64 == LARGEST_FILE {
        return Err(refuse("it is larger than an ONNX file can be (2 GiB)".to_owned()));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let network = read(&bytes, folder, &name, image).map_err(refuse)?;
    network.to_device(Device::cuda_if_available())
}

/// What the file holds, as far as an ONNX file can reach.
fn contents(path: &Path) -> Result<Vec<u8>> {
    const PIECE: u64 = 1 << 24;
    let failed = || Error::io("read", path);
    let mut file = File::open(path).map_err(failed())?.take(LARGEST_FILE);
    let megabytes = |bytes: u64| usize::try_from(bytes >> 20).unwrap_or(usize::MAX);
    let all = megabytes(file.get_ref().metadata().map_err(failed())?.len());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut progress = Progress::new(format!("reading {}", short(&name)));
    let mut bytes = Vec::new();
    while file.by_ref().take(PIECE).read_to_end(&mut bytes).map_err(failed())? > 0 {
        let done = megabytes(bytes.len() as u64);
        progress.step(done, all, || format!("{done} of {all} MB"));
        progress.check(done, all)?;
    }
    Ok(bytes)
}

fn read(
    bytes: &[u8],
    folder: &Path,
    name: &str,
    image: Option<[i64; 3]>,
) -> std::result::Result<Network, String> {
    let checked = graph::check(message::model(bytes)?)?;
    let image = image_size(checked.input.sizes, image)?;
    let mut importer = Importer::new(&checked, folder, image);
    importer.lay_out_input(checked.input.layout, checked.input.name)?;
    let mut progress = Progress::new(format!("importing {}", short(name)));
    let all = checked.order.len();
    for (done, &index) in (1..).zip(&checked.order) {
        let node = &checked.graph.nodes[index];
        importer.convert(node).map_err(|problem| format!("{}: {problem}", node.title()))?;
        progress.step(done, all, || format!("{done} of {all} nodes"));
        if let Some(stopped) = stopped(done, all).filter(|_| progress.is_over()) {
            return Err(format!("{stopped} nodes"));
        }
    }
    let mut outputs = checked.graph.outputs.iter();
    let first = outputs.next().ok_or("its graph has no output")?;
    let output = match importer.value(first.name)? {
        Value::Node(output) => output,
        _ => {
            return Err(format!(
                "its output `{}` does not depend on the images",
                short(first.name)
            ));
        }
    };
    let batch = importer.shapes[output].batch;
    let rows = |batch: dims::Batch| {
        (batch.dim, batch.before) == (0, 1)
            && importer.shapes[output].sizes.first() == Some(&batch.images)
    };
    if !batch.is_some_and(rows) {
        let shape = sizes::Size::text(&importer.shapes[output].symbolic());
        return Err(format!(
            "its output `{}` is {shape}, expected one row for each image, [N, …]: export it with a \
             dynamic batch",
            short(first.name)
        ));
    }
    let outputs = outputs::named(&importer, &checked);
    names::assign(&mut importer.nodes, &importer.origins, &outputs);
    let mut network = Network {
        name: name.to_owned(),
        aliases: outputs::aliases(&importer, &checked),
        nodes: importer.nodes,
        output,
        heads: outputs.iter().map(|(_, index)| *index).collect(),
        preprocess: Preprocess::plain(image),
        classes: Vec::new(),
        detection: None,
        packed: None,
    };
    network.lay_out().map_err(|error| error.to_string())?;
    let [c, h, w] = image;
    for n in 1..=3 {
        network.shapes(&[n, c, h, w]).map_err(|error| error.to_string())?;
    }
    outputs::channels_first(&mut network, &outputs).map_err(|error| error.to_string())?;
    Ok(network)
}

/// The usual input: as asked, as declared, or ImageNet's where the file leaves it free.
fn image_size(
    declared: [Option<i64>; 4],
    asked: Option<[i64; 3]>,
) -> std::result::Result<[i64; 3], String> {
    const LARGEST: i64 = 1 << 16;
    // 8 GiB as float32.
    const MOST_VALUES: i64 = 1 << 31;
    let [batch, c, h, w] = declared;
    if batch.is_some_and(|count| !(1..=LARGEST).contains(&count)) {
        return Err(format!("it is made for {batch:?} images, expected 1 to {LARGEST}"));
    }
    let free = |size: Option<i64>| size.is_none();
    let image = match (asked, c) {
        (Some(asked), Some(c)) if asked[0] != c => {
            return Err(format!("it takes {c} channels, not {}", asked[0]));
        }
        (Some(asked), _) => asked,
        (None, Some(c)) if c == 3 || !(free(h) || free(w)) => {
            [c, h.unwrap_or(224), w.unwrap_or(224)]
        }
        _ => {
            return Err("it leaves its input's size free; \
                        `Network::from_onnx_with(path, [channels, height, width])` says it"
                .to_owned());
        }
    };
    let images = batch.unwrap_or(1);
    let counted = image.iter().try_fold(images, |all: i64, &size| all.checked_mul(size));
    if image.iter().any(|size| !(1..=LARGEST).contains(size))
        || counted.is_none_or(|count| count > MOST_VALUES)
    {
        return Err(format!(
            "its input is {image:?}, expected sizes from 1 to {LARGEST} and at most {MOST_VALUES} \
             values in all"
        ));
    }
    Ok(image)
}
