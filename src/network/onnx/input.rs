//! The file's one input: images, however it lays them out.

use std::collections::{HashMap, HashSet};

use super::message::{Graph, Node};
use crate::error::{listed, short};

/// What a file says of its images.
pub(super) struct ImageInput<'a> {
    pub name: &'a str,
    /// Of `[N, C, H, W]`; `None` for sizes that are free.
    pub sizes: [Option<i64>; 4],
    pub layout: Layout,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Layout {
    ChannelsFirst,
    /// `[N, H, W, C]`, as Keras has it.
    ChannelsLast,
    /// `[N, H, W, C]` that the file turns to `[N, C, H, W]` before anything else.
    TurnedAtOnce,
}

/// The one input that is no initializer.
pub(super) fn find<'a>(graph: &Graph<'a>, order: &[usize]) -> Result<ImageInput<'a>, String> {
    let initialized: HashSet<_> = graph.initializers.iter().map(|array| array.name).collect();
    let inputs: Vec<_> =
        graph.inputs.iter().filter(|input| !initialized.contains(input.name)).collect();
    let [input] = inputs.as_slice() else {
        let names: Vec<String> = inputs.iter().map(|input| short(input.name).into()).collect();
        return Err(format!(
            "it takes {} inputs ({}); a network here takes one, images [N, C, H, W]",
            inputs.len(),
            listed(&names)
        ));
    };
    // No shape at all leaves every size free.
    let sizes = <[_; 4]>::try_from(input.shape.clone().unwrap_or(vec![None; 4]));
    let sizes = sizes.map_err(|shape| {
        let name = short(input.name);
        format!("its input `{name}` is declared {shape:?}, expected [N, C, H, W]")
    })?;
    let layout = layout(graph, order, input.name, sizes);
    let [n, c, h, w] = sizes;
    let sizes = if layout == Layout::ChannelsFirst { sizes } else { [n, w, c, h] };
    Ok(ImageInput { name: input.name, sizes, layout })
}

/// Channels are last if so few are declared there and not in their usual place, and the file turns
/// what it made of them number by number.
fn layout(graph: &Graph, order: &[usize], input: &str, sizes: [Option<i64>; 4]) -> Layout {
    const MOST_STEPS: usize = 32;
    let few = |size: Option<i64>| size.is_some_and(|size| (1..=4).contains(&size));
    if few(sizes[1]) || !few(sizes[3]) {
        return Layout::ChannelsFirst;
    }
    let mut readers: HashMap<&str, Vec<&Node>> = HashMap::new();
    for node in order.iter().map(|&index| &graph.nodes[index]) {
        for name in &node.inputs {
            readers.entry(name).or_default().push(node);
        }
    }
    let of = |name: &str| readers.get(name).map(Vec::as_slice).unwrap_or_default();
    let turns = |node: &&Node| node.op == "Transpose" && node.ints("perm") == Some(&[0, 3, 1, 2]);
    if !of(input).is_empty() && of(input).iter().all(turns) {
        return Layout::TurnedAtOnce;
    }
    let mut value = input;
    for _ in 0..MOST_STEPS {
        if of(value).iter().any(turns) {
            return Layout::ChannelsLast;
        }
        let step = of(value).iter().find(|node| {
            matches!(node.op, "Add" | "Sub" | "Mul" | "Div" | "Cast" | "Identity" | "Pad")
        });
        match step.and_then(|node| node.outputs.first()) {
            Some(next) => value = next,
            None => return Layout::ChannelsFirst,
        }
    }
    Layout::ChannelsFirst
}
