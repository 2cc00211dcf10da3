//! The form in which a network runs fastest when only its result is wanted.

use tch::{Kind, Tensor};

use super::{Network, Node, Op};
use crate::{Error, Result};

impl Network {
    /// The same network made for speed: batch normalisations folded into the convolutions before
    /// them, dropouts gone.
    ///
    /// Results agree within about 1e-5 of the largest logit. The original stays as it is. A folded
    /// convolution has the name of the batch normalisation, since it gives that layer's value
    /// (`bn1`, not `conv1`), so any layer name that is left means what it meant before.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let net = zoo::untrained("resnet18")?;
    /// let fast = net.for_inference()?;
    /// assert_eq!(fast.nodes().len(), net.nodes().len() - 20);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn for_inference(&self) -> Result<Network> {
        let readers = self.readers();
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        // Where each node of the original stands in the new list.
        let mut places: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let inputs: Vec<usize> = node.inputs.iter().map(|&i| places[i]).collect();
            let only_reader = |&i: &usize| readers[i] == 1 && i != self.output;
            match (&node.op, node.inputs.first().filter(|&i| only_reader(i))) {
                (Op::Dropout { .. }, _) if index != self.output => places.push(inputs[0]),
                (norm @ Op::BatchNorm2d { .. }, Some(&before))
                    if matches!(self.nodes[before].op, Op::Conv2d { .. }) =>
                {
                    let place = places[before];
                    nodes[place].op = folded(&nodes[place].op, norm)
                        .map_err(Error::torch(format!("folding {}", node.name)))?;
                    nodes[place].name.clone_from(&node.name);
                    places.push(place);
                }
                _ => {
                    let op = node.op.shared();
                    places.push(nodes.len());
                    nodes.push(Node { name: node.name.clone(), op, inputs });
                }
            }
        }
        // A layer that was folded away has no value that another name could find.
        let kept =
            |(_, index): &&(String, usize)| nodes[places[*index]].name == self.nodes[*index].name;
        let aliases = self.aliases.iter().filter(kept);
        let mut network = Network {
            name: self.name.clone(),
            aliases: aliases.map(|(alias, index)| (alias.clone(), places[*index])).collect(),
            output: places[self.output],
            nodes,
            preprocess: self.preprocess.clone(),
            classes: self.classes.clone(),
        };
        network.lay_out()?;
        Ok(network)
    }

    /// The network up to the last of these layers, which becomes its output: what comes after takes
    /// no part, not even in the check of an input's shape.
    pub(crate) fn until(&self, layers: &[usize]) -> Network {
        let last = layers.iter().copied().max().unwrap_or_default().min(self.nodes.len() - 1);
        let share = |node: &Node| Node {
            name: node.name.clone(),
            op: node.op.shared(),
            inputs: node.inputs.clone(),
        };
        let aliases = self.aliases.iter().filter(|(_, index)| *index <= last);
        Network {
            name: self.name.clone(),
            aliases: aliases.cloned().collect(),
            output: last,
            nodes: self.nodes.iter().take(last + 1).map(share).collect(),
            preprocess: self.preprocess.clone(),
            classes: self.classes.clone(),
        }
    }

    /// How many nodes read each node.
    fn readers(&self) -> Vec<usize> {
        let mut readers = vec![0; self.nodes.len()];
        self.nodes.iter().flat_map(|node| &node.inputs).for_each(|&i| readers[i] += 1);
        readers
    }
}

/// A convolution that does what this one and the batch normalisation after it do.
fn folded(conv: &Op, norm: &Op) -> std::result::Result<Op, tch::TchError> {
    let (
        Op::Conv2d { weight, bias, stride, padding, dilation, groups },
        Op::BatchNorm2d { weight: gain, bias: shift, running_mean, running_var, eps },
    ) = (conv, norm)
    else {
        return Err(tch::TchError::Shape("only a convolution takes up a batch norm".to_owned()));
    };
    let kind = weight.kind();
    // In double precision, so that the fold itself adds no error.
    let double = |tensor: &Tensor| tensor.detach().f_to_kind(Kind::Double);
    let factor = double(gain)?.f_div(&double(running_var)?.f_add_scalar(*eps)?.f_sqrt()?)?;
    let before = match bias {
        Some(bias) => double(bias)?.f_sub(&double(running_mean)?)?,
        None => double(running_mean)?.f_neg()?,
    };
    let bias = before.f_mul(&factor)?.f_add(&double(shift)?)?.f_to_kind(kind)?;
    let weight = double(weight)?.f_mul(&factor.f_view([-1, 1, 1, 1])?)?.f_to_kind(kind)?;
    let (stride, padding, dilation) = (*stride, *padding, *dilation);
    Ok(Op::Conv2d { weight, bias: Some(bias), stride, padding, dilation, groups: *groups })
}
