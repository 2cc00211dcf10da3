//! ONNX's messages, as far as an import needs them
//! ([onnx.proto](https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) numbers their fields).
//! They borrow the file's bytes.

use super::wire::Fields;
use crate::error::short;

/// A whole file.
#[derive(Default)]
pub(super) struct Model<'a> {
    pub ir_version: i64,
    /// Operator sets with their versions.
    pub opsets: Vec<(&'a str, i64)>,
    pub graph: Option<Graph<'a>>,
}

#[derive(Default)]
pub(super) struct Graph<'a> {
    pub nodes: Vec<Node<'a>>,
    pub initializers: Vec<Array<'a>>,
    pub inputs: Vec<ValueInfo<'a>>,
    pub outputs: Vec<ValueInfo<'a>>,
}

#[derive(Default)]
pub(super) struct Node<'a> {
    pub name: &'a str,
    pub op: &'a str,
    pub domain: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub attributes: Vec<Attribute<'a>>,
    /// The modules it stands in, as PyTorch's newer exporter writes them down.
    pub scopes: &'a str,
}

#[derive(Default)]
pub(super) struct Attribute<'a> {
    pub name: &'a str,
    pub int: i64,
    pub float: f32,
    pub text: &'a [u8],
    pub ints: Vec<i64>,
    pub floats: Vec<f32>,
    pub array: Option<Box<Array<'a>>>,
}

/// A tensor's description, with its data or where they lie.
#[derive(Default)]
pub(super) struct Array<'a> {
    pub name: &'a str,
    pub kind: i64,
    pub dims: Vec<i64>,
    pub raw: Option<&'a [u8]>,
    pub floats: Vec<f32>,
    pub ints: Vec<i64>,
    pub doubles: Vec<f64>,
    /// Whether its data lie in another file.
    pub external: bool,
    /// `location`, `offset`, `length` there.
    pub entries: Vec<(&'a str, &'a str)>,
}

impl Node<'_> {
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute<'_>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.int)
    }

    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).map_or(default, |attribute| f64::from(attribute.float))
    }

    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    pub(super) fn text(&self, name: &str, default: &'static str) -> String {
        self.attribute(name).map_or(default.into(), |attribute| {
            String::from_utf8_lossy(attribute.text).into_owned()
        })
    }

    /// As messages name it: by its name or, where it has none, by what it gives.
    pub(super) fn title(&self) -> String {
        let outputs = || self.outputs.first().copied().unwrap_or_default();
        let name = if self.name.is_empty() { outputs() } else { self.name };
        format!("node `{}` ({})", short(name), short(self.op))
    }
}

/// A graph's input or output.
#[derive(Default)]
pub(super) struct ValueInfo<'a> {
    pub name: &'a str,
    /// Sizes; `None` for one that is free. No shape at all if none is declared.
    pub shape: Option<Vec<Option<i64>>>,
}

// Two bytes of a file can become a struct of a hundred, so that their number is bounded. Networks
// have some hundreds of nodes, deep ones some thousands; operators a dozen attributes at most, and
// some dozens of inputs where they join them.
const MOST_NODES: usize = 20_000;
const MOST_NAMES: usize = 1024;
const MOST_PARTS: usize = 32;

fn bounded(count: usize, most: usize, what: &str) -> Parsed<()> {
    if count <= most {
        return Ok(());
    }
    Err(format!("it has more than {most} {what}: refused"))
}

type Parsed<T> = Result<T, String>;

pub(super) fn model(bytes: &[u8]) -> Parsed<Model<'_>> {
    let mut model = Model::default();
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => model.ir_version = value.integer(),
            (7, value) => graph(model.graph.get_or_insert_default(), value.bytes())?,
            (8, value) => model.opsets.push(opset(value.bytes())?),
            _ => {}
        }
        bounded(model.opsets.len(), MOST_PARTS, "operator sets")?;
    }
    Ok(model)
}

fn opset(bytes: &[u8]) -> Parsed<(&str, i64)> {
    let mut opset = ("", 0);
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => opset.0 = value.text()?,
            (2, value) => opset.1 = value.integer(),
            _ => {}
        }
    }
    Ok(opset)
}

fn graph<'a>(graph: &mut Graph<'a>, bytes: &'a [u8]) -> Parsed<()> {
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => graph.nodes.push(node(value.bytes())?),
            (5, value) => {
                let mut initializer = Array::default();
                array(&mut initializer, value.bytes())?;
                graph.initializers.push(initializer);
            }
            (11, value) => graph.inputs.push(value_info(value.bytes())?),
            (12, value) => graph.outputs.push(value_info(value.bytes())?),
            _ => continue,
        }
        bounded(graph.nodes.len(), MOST_NODES, "nodes")?;
        bounded(graph.initializers.len(), MOST_NODES, "initializers")?;
        bounded(graph.inputs.len(), MOST_NODES, "inputs")?;
        bounded(graph.outputs.len(), MOST_NODES, "outputs")?;
    }
    Ok(())
}

fn node(bytes: &[u8]) -> Parsed<Node<'_>> {
    let mut node = Node::default();
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => node.inputs.push(value.text()?),
            (2, value) => node.outputs.push(value.text()?),
            (3, value) => node.name = value.text()?,
            (4, value) => node.op = value.text()?,
            (5, value) => node.attributes.push(attribute(value.bytes())?),
            (7, value) => node.domain = value.text()?,
            (9, value) => {
                if let ("pkg.torch.onnx.name_scopes", scopes) = entry(value.bytes())? {
                    node.scopes = scopes;
                }
            }
            _ => {}
        }
        bounded(node.attributes.len(), MOST_PARTS, "attributes of one node")?;
        bounded(node.inputs.len(), MOST_NAMES, "inputs of one node")?;
        bounded(node.outputs.len(), MOST_NAMES, "outputs of one node")?;
    }
    Ok(node)
}

/// A graph within an attribute (of `If`, `Loop`) is not read: no operator that has one is supported.
fn attribute(bytes: &[u8]) -> Parsed<Attribute<'_>> {
    let mut attribute = Attribute::default();
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => attribute.name = value.text()?,
            (2, value) => attribute.float = value.float(),
            (3, value) => attribute.int = value.integer(),
            (4, value) => attribute.text = value.bytes(),
            (5, value) => array(attribute.array.get_or_insert_default(), value.bytes())?,
            (7, value) => value.floats(&mut attribute.floats),
            (8, value) => value.integers(&mut attribute.ints)?,
            _ => {}
        }
    }
    Ok(attribute)
}

fn array<'a>(array: &mut Array<'a>, bytes: &'a [u8]) -> Parsed<()> {
    const EXTERNAL: i64 = 1;
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => value.integers(&mut array.dims)?,
            (2, value) => array.kind = value.integer(),
            (4, value) => value.floats(&mut array.floats),
            (5 | 7 | 11, value) => value.integers(&mut array.ints)?,
            (8, value) => array.name = value.text()?,
            (9, value) => array.raw = Some(value.bytes()),
            (10, value) => value.doubles(&mut array.doubles),
            (13, value) => array.entries.push(entry(value.bytes())?),
            (14, value) => array.external = value.integer() == EXTERNAL,
            _ => {}
        }
        bounded(array.entries.len(), MOST_PARTS, "entries on where a tensor's data lie")?;
    }
    Ok(())
}

/// A key and its value.
fn entry(bytes: &[u8]) -> Parsed<(&str, &str)> {
    let mut entry = ("", "");
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => entry.0 = value.text()?,
            (2, value) => entry.1 = value.text()?,
            _ => {}
        }
    }
    Ok(entry)
}

fn value_info(bytes: &[u8]) -> Parsed<ValueInfo<'_>> {
    let mut info = ValueInfo::default();
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => info.name = value.text()?,
            (2, kind) => shape(&mut info.shape, kind.bytes())?,
            _ => {}
        }
    }
    Ok(info)
}

/// The shape within TypeProto: its tensor_type's shape, a row of dimensions.
fn shape(sizes: &mut Option<Vec<Option<i64>>>, kind: &[u8]) -> Parsed<()> {
    for tensor in messages(kind, 1) {
        for shape in messages(tensor?, 2) {
            let sizes = sizes.get_or_insert_default();
            for dimension in messages(shape?, 1) {
                let mut size = None;
                for field in Fields::of(dimension?) {
                    if let (1, value) = field? {
                        size = Some(value.integer());
                    }
                }
                sizes.push(size);
                bounded(sizes.len(), MOST_PARTS, "dimensions")?;
            }
        }
    }
    Ok(())
}

/// The fields of that number. A message that stands twice is one in two parts.
fn messages(message: &[u8], number: u64) -> impl Iterator<Item = Parsed<&[u8]>> {
    Fields::of(message).filter_map(move |field| match field {
        Ok((at, value)) => (at == number).then(|| Ok(value.bytes())),
        Err(error) => Some(Err(error)),
    })
}
