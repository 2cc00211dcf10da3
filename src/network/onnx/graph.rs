//! Is this a graph that can be imported? Everything that can be said before its first operator.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use super::input::{self, ImageInput};
use super::message::{Graph, Model, Node};
use super::operators;
use crate::error::short;

/// A graph whose names and order are sound.
pub(super) struct Checked<'a> {
    pub graph: Graph<'a>,
    /// The version of ONNX's operators that it is written in.
    pub opset: i64,
    /// The nodes that the outputs need, each after those it reads.
    pub order: Vec<usize>,
    pub input: ImageInput<'a>,
}

/// The operator sets supported. Where the meaning of an operator changed within them, its converter
/// asks for the version.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=23;

pub(super) fn check(model: Model) -> Result<Checked, String> {
    let graph = model.graph.filter(|_| model.ir_version > 0);
    let graph = graph.ok_or("it holds no ONNX graph")?;
    let opset = opset(&model.opsets)?;
    let producers = producers(&graph)?;
    let order = order(&graph, &producers)?;
    unsupported(order.iter().map(|&index| &graph.nodes[index]))?;
    let input = input::find(&graph, &order)?;
    Ok(Checked { opset, order, input, graph })
}

fn opset(opsets: &[(&str, i64)]) -> Result<i64, String> {
    let (first, last) = (OPSETS.start(), OPSETS.end());
    match opsets.iter().find(|(domain, _)| is_onnx(domain)) {
        Some((_, version)) if OPSETS.contains(version) => Ok(*version),
        Some((_, version)) => {
            let nearest = version.clamp(&13, last);
            Err(format!(
                "it is of operator set {version}, supported are {first} to {last}: in Python, \
                 `onnx.version_converter.convert_version(model, {nearest})` brings it there, or \
                 export it with `opset_version=18`"
            ))
        }
        None => Err(format!(
            "it does not say which version of ONNX's operators it is written in: its \
             `opset_import` must name one, from {first} to {last}"
        )),
    }
}

fn is_onnx(domain: &str) -> bool {
    ["", "ai.onnx"].contains(&domain)
}

/// Which node gives each value; `None` for inputs and initializers.
fn producers<'a>(graph: &Graph<'a>) -> Result<HashMap<&'a str, Option<usize>>, String> {
    let mut producers = HashMap::new();
    for array in &graph.initializers {
        if producers.insert(array.name, None).is_some() {
            return Err(format!("two initializers are named `{}`", short(array.name)));
        }
    }
    for input in &graph.inputs {
        producers.insert(input.name, None); // an initializer may be listed as an input, too
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|name| !name.is_empty()) {
            if producers.insert(*output, Some(index)).is_some() {
                let (output, second) = (short(output), node.title());
                return Err(format!("two nodes give `{output}`, the second is {second}"));
            }
        }
    }
    Ok(producers)
}

/// The nodes needed, in an order in which each stands after those it reads (Kahn's algorithm); the
/// file's own order wherever that is one.
fn order(graph: &Graph, producers: &HashMap<&str, Option<usize>>) -> Result<Vec<usize>, String> {
    let outputs: Vec<_> = graph.outputs.iter().map(|output| output.name).collect();
    let given = |name: &str, by: &dyn Fn() -> String| {
        let producer = producers.get(name);
        let nothing = || format!("{} reads `{}`, which nothing gives", by(), short(name));
        producer.copied().ok_or_else(nothing)
    };
    let mut needed = vec![false; graph.nodes.len()];
    let mut open = Vec::new();
    for output in outputs {
        open.extend(given(output, &|| "the graph's output".to_owned())?);
    }
    let mut waiting = vec![0_usize; graph.nodes.len()];
    let mut readers = vec![Vec::new(); graph.nodes.len()];
    while let Some(index) = open.pop() {
        if std::mem::replace(&mut needed[index], true) {
            continue;
        }
        let node = &graph.nodes[index];
        for input in node.inputs.iter().filter(|name| !name.is_empty()) {
            if let Some(before) = given(input, &|| node.title())? {
                waiting[index] += 1;
                readers[before].push(index);
                open.push(before);
            }
        }
    }
    let ready = |index: &usize| needed[*index] && waiting[*index] == 0;
    let mut heap: BinaryHeap<_> = (0..graph.nodes.len()).filter(ready).map(Reverse).collect();
    let mut order = Vec::new();
    while let Some(Reverse(index)) = heap.pop() {
        order.push(index);
        for &reader in &readers[index] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                heap.push(Reverse(reader));
            }
        }
    }
    let stuck: Vec<_> =
        (0..graph.nodes.len()).filter(|&index| needed[index] && waiting[index] > 0).collect();
    if stuck.is_empty() {
        return Ok(order);
    }
    let titles: Vec<_> = stuck.iter().take(5).map(|&index| graph.nodes[index].title()).collect();
    Err(format!("its nodes read one another in a circle, among them {}", titles.join(", ")))
}

/// All operators that are not supported at once, with where they stand.
fn unsupported<'a>(nodes: impl Iterator<Item = &'a Node<'a>>) -> Result<(), String> {
    const SHOWN: usize = 3;
    const OPERATORS: usize = 20;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut hint = "";
    for node in nodes {
        let known = is_onnx(node.domain) && operators::is_supported(node.op);
        if !known {
            let domain = if is_onnx(node.domain) { "" } else { node.domain };
            let separator = if domain.is_empty() { "" } else { "." };
            let title = node.title();
            let operator = format!("{}{separator}{}", short(domain), short(node.op));
            found.entry(operator).or_default().push(title);
            hint = match (domain, hint) {
                _ if quantized(node.op) => QUANTIZED,
                (domain, "") if domain.starts_with("com.microsoft") => FUSED,
                _ => hint,
            };
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let mut text = "these operators are not supported:".to_owned();
    for (operator, titles) in found.iter().take(OPERATORS) {
        let more = if titles.len() > SHOWN { ", …" } else { "" };
        let shown = titles[..titles.len().min(SHOWN)].join(", ");
        text.push_str(&format!("\n  {operator}, {} times: {shown}{more}", titles.len()));
    }
    if found.len() > OPERATORS {
        text.push_str(&format!("\n  and {} more", found.len() - OPERATORS));
    }
    Err(text + hint)
}

const QUANTIZED: &str = "\nThe network was quantized, to whole numbers of 8 bits: take the file \
    with floating-point weights from before that, or one quantized by pairs of `QuantizeLinear` and \
    `DequantizeLinear` (QDQ)";
const FUSED: &str = "\nA runtime has optimized the file for itself, and put operators of its own \
    into it: take the file that was exported, from before that";

fn quantized(operator: &str) -> bool {
    let known = ["DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"];
    known.contains(&operator) || operator.starts_with("QLinear")
}
