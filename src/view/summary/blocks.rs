//! From layers to rows and boxes: blocks by the names, and layers drawn as one box.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::LayerRow;
use crate::layer_kind::LayerKind;

/// A module of more layers than this is no block but a sequence of such.
const LARGEST: usize = 24;

/// One row: a run of layers, divided into units, each of which is one box.
pub(super) struct Block {
    /// The block's name, where it is not its first layer's.
    pub name: Option<String>,
    pub layers: Range<usize>,
    /// Indices of layers: a head, and what only it feeds.
    pub units: Vec<Vec<usize>>,
}

/// A row and a box for each layer.
pub(super) fn each(layers: &[LayerRow]) -> Vec<Block> {
    let block = |index| Block { name: None, layers: index..index + 1, units: vec![vec![index]] };
    (0..layers.len()).map(block).collect()
}

/// A row for each block, as the names divide the network.
pub(super) fn by_names(layers: &[LayerRow]) -> Vec<Block> {
    let modules = Modules::of(layers);
    let readers = readers(layers);
    let mut blocks: Vec<Block> = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let name = modules.block(&layer.name);
        let follows = follows(layers, &readers, index);
        if let Some(last) = blocks.last_mut() {
            // A layer of no block stays with the one it follows, if both are of one module.
            let joins = match (name, &last.name) {
                (Some(name), Some(known)) => name == known,
                (None, None) => {
                    let before = &layers[last.layers.start].name;
                    follows == Some(index - 1) && parent(before) == parent(&layer.name)
                }
                _ => false,
            };
            if joins {
                let unit = follows
                    .and_then(|head| last.units.iter_mut().find(|unit| unit.last() == Some(&head)));
                match unit {
                    Some(unit) => unit.push(index),
                    None => last.units.push(vec![index]),
                }
                last.layers.end = index + 1;
                continue;
            }
        }
        let name = name.map(str::to_owned);
        blocks.push(Block { name, layers: index..index + 1, units: vec![vec![index]] });
    }
    blocks
}

/// What each block shows in the table.
pub(super) fn rows(layers: &[LayerRow], blocks: &[Block]) -> Vec<LayerRow> {
    let mut row_of = vec![0; layers.len()];
    for (row, block) in blocks.iter().enumerate() {
        row_of[block.layers.clone()].fill(row);
    }
    let row = |(index, block): (usize, &Block)| {
        let members: Vec<usize> = block.layers.clone().collect();
        let mut row = joined(layers, &members);
        if let Some(name) = &block.name {
            row.name.clone_from(name);
        }
        if block.units.len() > 1 {
            row.operation = composition(&layers[block.layers.clone()]);
        }
        let inputs = row.inputs.iter().map(|&input| row_of[input]);
        row.inputs = inputs.filter(|&input| input != index).collect();
        row.inputs.dedup();
        row
    };
    blocks.iter().enumerate().map(row).collect()
}

/// Several layers as one: the last one's shape and field, the sum of the costs.
pub(super) fn joined(layers: &[LayerRow], members: &[usize]) -> LayerRow {
    let all = || members.iter().filter_map(|&member| layers.get(member));
    let (Some(first), Some(last)) = (all().next(), all().next_back()) else {
        return LayerRow {
            name: String::new(),
            operation: String::new(),
            kind: LayerKind::Other,
            shape: Vec::new(),
            parameters: 0,
            multiply_adds: 0,
            receptive_field: [Some(0); 2],
            inputs: Vec::new(),
        };
    };
    let operations: Vec<&str> = all().map(|layer| layer.operation.as_str()).collect();
    let mut inputs: Vec<usize> = all().flat_map(|layer| layer.inputs.iter().copied()).collect();
    inputs.sort_unstable();
    inputs.dedup();
    LayerRow {
        name: first.name.clone(),
        operation: operations.join(", "),
        kind: all().map(|layer| layer.kind).min_by_key(|&kind| weight(kind)).unwrap_or(first.kind),
        shape: last.shape.clone(),
        parameters: all().map(|layer| layer.parameters).fold(0, u64::saturating_add),
        multiply_adds: all().map(|layer| layer.multiply_adds).fold(0, u64::saturating_add),
        receptive_field: last.receptive_field,
        inputs,
    }
}

/// What a block is made of: `2 Conv2d, Add`. Only what has weight, unless there is nothing else.
fn composition(layers: &[LayerRow]) -> String {
    let weighty = |layer: &&LayerRow| !passes_on(layer.kind);
    let some = layers.iter().any(|layer| weighty(&layer));
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for layer in layers.iter().filter(|layer| !some || weighty(layer)) {
        let word = layer.operation.split([' ', ',']).next().unwrap_or_default();
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let part = |(word, count): (&str, usize)| match count {
        1 => word.to_owned(),
        count => format!("{count} {word}"),
    };
    counts.into_iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The layer whose only reader this one is, where this one only passes it on.
fn follows(layers: &[LayerRow], readers: &[usize], index: usize) -> Option<usize> {
    match layers[index].inputs[..] {
        [input] if passes_on(layers[index].kind) && readers[input] == 1 => Some(input),
        _ => None,
    }
}

fn passes_on(kind: LayerKind) -> bool {
    matches!(kind, LayerKind::Normalization | LayerKind::Activation | LayerKind::Other)
}

fn readers(layers: &[LayerRow]) -> Vec<usize> {
    let mut readers = vec![0; layers.len()];
    for &input in layers.iter().flat_map(|layer| &layer.inputs) {
        readers[input] += 1;
    }
    readers
}

/// Of several layers, the one with the least number gives the color.
fn weight(kind: LayerKind) -> u8 {
    match kind {
        LayerKind::Convolution => 0,
        LayerKind::Linear => 1,
        LayerKind::Attention => 2,
        LayerKind::Pooling => 3,
        LayerKind::Join => 4,
        LayerKind::Input => 5,
        LayerKind::Parameter => 6,
        LayerKind::Normalization => 7,
        LayerKind::Activation => 8,
        LayerKind::Other => 9,
    }
}

/// The modules that the names speak of: every prefix that ends at a dot.
struct Modules<'a> {
    /// How many layers each has.
    sizes: HashMap<&'a str, usize>,
    /// Those that are sequences of numbered modules: `layer1`, whose `layer1.1` reads `layer1.0`.
    sequences: HashSet<&'a str>,
}

impl<'a> Modules<'a> {
    fn of(layers: &'a [LayerRow]) -> Modules<'a> {
        let (mut sizes, mut sequences) = (HashMap::new(), HashSet::new());
        for layer in layers {
            for module in prefixes(&layer.name) {
                *sizes.entry(module).or_insert(0) += 1;
            }
            for input in layer.inputs.iter().filter_map(|&input| layers.get(input)) {
                if let Some(module) = neighbors(&input.name, &layer.name) {
                    sequences.insert(module);
                }
            }
        }
        Modules { sizes, sequences }
    }

    /// The block a layer belongs to: the largest module around it that is no sequence of others.
    fn block<'b>(&self, layer: &'b str) -> Option<&'b str> {
        let small = |module: &&str| {
            self.sizes.get(module).is_some_and(|&size| size <= LARGEST)
                && !self.sequences.contains(module)
        };
        prefixes(layer).find(small)
    }
}

/// `a`, `a.b` of `a.b.c`.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').map(|(dot, _)| &name[..dot])
}

fn parent(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(parent, _)| parent)
}

/// The module in which the two layers lie in two modules whose names differ by their number alone.
fn neighbors<'a>(a: &str, b: &'a str) -> Option<&'a str> {
    let same = prefixes(b)
        .filter(|module| a.strip_prefix(module).is_some_and(|rest| rest.starts_with('.')));
    let module = same.last()?;
    let child = |name: &'_ str| {
        let (child, _) = name.get(module.len() + 1..)?.split_once('.')?;
        Some(child.to_owned())
    };
    let (a, b) = (child(a)?, child(b)?);
    let stem = |child: &str| child.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let numbered = stem(&a) < a.len() && a != b && a[..stem(&a)] == b[..stem(&b)];
    numbered.then_some(module)
}
