//! Each layer's and each head's map of attention as it is.

use tch::Tensor;

use super::{Attention, failed};
use crate::attribution::Input;
use crate::attribution::figure::{AMONG_OTHERS, input_size};
use crate::network::Network;
use crate::view::{Heatmap, Heatmaps};
use crate::{Error, Result};

/// Which maps of attention a figure shows: by default the mean of the heads of every layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttentionMaps {
    layers: Vec<usize>,
    heads: Heads,
}

/// The heads of a layer in a figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Heads {
    /// Their mean, one map per layer.
    #[default]
    Mean,
    /// Each, a row of maps a layer.
    Each,
    /// These, counted from 0, a row of maps a layer.
    Only(Vec<usize>),
}

impl AttentionMaps {
    /// Sets the heads of each layer.
    #[must_use]
    pub fn heads(mut self, heads: Heads) -> AttentionMaps {
        self.heads = heads;
        self
    }

    /// Sets the layers, counted from 0; all where none is chosen.
    #[must_use]
    pub fn layers(mut self, layers: impl IntoIterator<Item = usize>) -> AttentionMaps {
        self.layers = layers.into_iter().collect();
        self
    }
}

/// What the class token of a vision transformer reads, layer by layer: values `[h, w]` for the
/// patches, from 0 to 1, all on one scale. What it reads of itself is left out, so that a map's sum is
/// below 1.
///
/// A map shows where a layer looks, not what that is worth for a class:
/// [`gradient_attention`](super::gradient_attention) asks for that.
///
/// ```no_run
/// use convscope::prelude::*;
///
/// let (net, photo) = (zoo::deit_tiny()?, Photo::open("dog.jpg")?);
/// attention(&net, &photo, AttentionMaps::default())?;           // one map per layer
/// attention(&net, &photo, AttentionMaps::default().heads(Heads::Each).layers(9..12))? // a row of heads a layer
/// # ; Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// A network without self-attention of all tokens; layers or heads that it hasn't.
pub fn attention(net: &Network, image: &impl Input, options: AttentionMaps) -> Result<Heatmaps> {
    let input = image.tensor(net)?;
    let found = Attention::of(net, &input.size(), net.find(&net.output().name)?)?;
    let layers = match options.layers.as_slice() {
        [] => (0..found.layers.len()).collect(),
        some => chosen("layers", some, found.layers.len())?,
    };
    let heads = match &options.heads {
        Heads::Mean => None,
        Heads::Each => Some((0..found.heads as usize).collect()),
        Heads::Only(some) => Some(chosen("heads", some, found.heads as usize)?),
    };
    let nodes: Vec<usize> = layers.iter().map(|&layer| found.layers[layer]).collect();
    let maps = read(net, &found, &input, &nodes)?.f_select(0, 0).map_err(failed)?;

    let title = format!("Attention of {} in {}", net.name(), image.title());
    let picture = image.shown(net, AMONG_OTHERS)?;
    let [height, width] = input_size(&input);
    let map = |values: std::result::Result<Tensor, tch::TchError>| -> Result<Heatmap> {
        let values = values.map_err(failed)?;
        let heatmap = Heatmap::new(title.clone(), "attention", picture.clone(), &values)?;
        Ok(heatmap.input_size(height, width))
    };
    let layer = |index: usize| maps.f_select(0, index as i64);
    let figure = match heads {
        None => {
            let mean = |index: usize| layer(index)?.f_mean_dim([0_i64].as_slice(), false, None);
            let labeled =
                |(index, layer): (usize, &usize)| Ok((format!("layer {layer}"), map(mean(index))?));
            let maps: Vec<_> = layers.iter().enumerate().map(labeled).collect::<Result<_>>()?;
            // The picture and 12 layers make three rows of these.
            Heatmaps::new(title.clone(), maps)?
                .columns(5)
                .note("what the class token reads, mean of the heads")
        }
        Some(heads) => {
            let row = |(index, name): (usize, &usize)| {
                let head =
                    |&head: &usize| map(layer(index).and_then(|l| l.f_select(0, head as i64)));
                let maps: Vec<Heatmap> = heads.iter().map(head).collect::<Result<_>>()?;
                Ok((format!("layer {name}"), maps))
            };
            let rows = layers.iter().enumerate().map(row).collect::<Result<_>>()?;
            let columns: Vec<String> = heads.iter().map(|head| format!("head {head}")).collect();
            Heatmaps::grid(title.clone(), columns, rows)?.note("what the class token reads")
        }
    };
    Ok(figure.note(found.first(net)))
}

/// What the class token reads in each layer and head, `[N, layers, heads, h, w]`, each value from 0
/// to 1; of a network without class token, the mean over all tokens. `input` is `[N, C, H, W]`; the
/// grid of patches follows its height and width.
///
/// # Errors
///
/// A network without self-attention of all tokens.
pub fn attention_tensor(net: &Network, input: &Tensor) -> Result<Tensor> {
    let found = Attention::of(net, &input.size(), net.find(&net.output().name)?)?;
    read(net, &found, input, &found.layers)
}

/// The maps of these nodes on the picture, `[N, layers, heads, h, w]`.
fn read(net: &Network, found: &Attention, input: &Tensor, nodes: &[usize]) -> Result<Tensor> {
    let maps = net.values(input, nodes)?;
    let maps = maps.iter().map(|maps| found.on_the_picture(maps)).collect::<Result<Vec<_>, _>>();
    maps.and_then(|maps| Tensor::f_stack(&maps, 1)).map_err(failed)
}

fn chosen(what: &str, wanted: &[usize], count: usize) -> Result<Vec<usize>> {
    match wanted.iter().find(|&&index| index >= count) {
        None if !wanted.is_empty() => Ok(wanted.to_vec()),
        None => {
            Err(Error::Argument(format!("no {what} are chosen; give some of 0 to {}", count - 1)))
        }
        Some(beyond) => Err(Error::Argument(format!(
            "there is no {beyond} among the {what}; they are numbered from 0 to {}",
            count - 1
        ))),
    }
}
