//! ONNX's messages, as far as an import needs them
//! ([onnx.proto](https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) numbers their fields).
//! They borrow the file's bytes.

use super::wire::Fields;

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
    /// `location`, `offset`, `length` of data in another file.
    pub external: Option<Vec<(&'a str, &'a str)>>,
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
        format!("node `{name}` ({})", self.op)
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
// have some hundreds of nodes, deep ones some thousands; operators a dozen attributes at most.
const MOST_NODES: usize = 20_000;
const MOST_ATTRIBUTES: usize = 32;

fn bounded(count: usize, most: usize) -> Parsed<()> {
    if count <= most {
        return Ok(());
    }
    Err(format!("it has more than {most} nodes, tensors or attributes of one node: refused"))
}

type Parsed<T> = Result<T, String>;

pub(super) fn model(bytes: &[u8]) -> Parsed<Model<'_>> {
    let mut model = Model::default();
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => model.ir_version = value.integer(),
            (7, value) => model.graph = Some(graph(value.bytes())?),
            (8, value) => model.opsets.push(opset(value.bytes())?),
            _ => {}
        }
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

fn graph(bytes: &[u8]) -> Parsed<Graph<'_>> {
    let mut graph = Graph::default();
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => graph.nodes.push(node(value.bytes())?),
            (5, value) => graph.initializers.push(array(value.bytes())?),
            (11, value) => graph.inputs.push(value_info(value.bytes())?),
            (12, value) => graph.outputs.push(value_info(value.bytes())?),
            _ => continue,
        }
        bounded(graph.nodes.len(), MOST_NODES)?;
        bounded(graph.initializers.len(), MOST_NODES)?;
        bounded(graph.inputs.len(), MOST_NODES)?;
        bounded(graph.outputs.len(), MOST_NODES)?;
    }
    Ok(graph)
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
        bounded(node.attributes.len(), MOST_ATTRIBUTES)?;
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
            (5, value) => attribute.array = Some(Box::new(array(value.bytes())?)),
            (7, value) => value.floats(&mut attribute.floats),
            (8, value) => value.integers(&mut attribute.ints)?,
            _ => {}
        }
    }
    Ok(attribute)
}

fn array(bytes: &[u8]) -> Parsed<Array<'_>> {
    const EXTERNAL: i64 = 1;
    let mut array = Array::default();
    let mut entries = Vec::new();
    let mut location = 0;
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => value.integers(&mut array.dims)?,
            (2, value) => array.kind = value.integer(),
            (4, value) => value.floats(&mut array.floats),
            (5 | 7, value) => value.integers(&mut array.ints)?,
            (8, value) => array.name = value.text()?,
            (9, value) => array.raw = Some(value.bytes()),
            (10, value) => value.doubles(&mut array.doubles),
            (13, value) => entries.push(entry(value.bytes())?),
            (14, value) => location = value.integer(),
            _ => {}
        }
    }
    array.external = (location == EXTERNAL).then_some(entries);
    Ok(array)
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
            (2, kind) => info.shape = shape(kind.bytes())?,
            _ => {}
        }
    }
    Ok(info)
}

/// The shape within TypeProto: its tensor_type's shape, a row of dimensions.
fn shape(kind: &[u8]) -> Parsed<Option<Vec<Option<i64>>>> {
    let Some(tensor) = last(kind, 1)? else { return Ok(None) };
    let Some(shape) = last(tensor, 2)? else { return Ok(None) };
    let mut sizes = Vec::new();
    for field in Fields::of(shape) {
        if let (1, dimension) = field? {
            let mut size = None;
            for field in Fields::of(dimension.bytes()) {
                if let (1, value) = field? {
                    size = Some(value.integer());
                }
            }
            sizes.push(size);
        }
    }
    Ok(Some(sizes))
}

fn last(message: &[u8], number: u64) -> Parsed<Option<&[u8]>> {
    let mut found = None;
    for field in Fields::of(message) {
        match field? {
            (at, value) if at == number => found = Some(value.bytes()),
            _ => {}
        }
    }
    Ok(found)
}
