//! Another last layer: `net.with_head(5)`

use tch::nn::Init;
use tch::{TchError, Tensor};

use super::{Network, Op, ops};
use crate::error::shape_text;
use crate::limits::{check_memory, position};
use crate::{Error, Result};

/// What a new last layer tells apart: so many classes, or classes of these names.
///
/// ```
/// use convscope::network::Head;
/// let by_number = Head::from(5);
/// let by_name = Head::from(["cat", "dog"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    count: usize,
    classes: Vec<String>,
}

impl From<usize> for Head {
    fn from(count: usize) -> Head {
        Head { count, classes: Vec::new() }
    }
}

impl<S: Into<String>> From<Vec<S>> for Head {
    fn from(names: Vec<S>) -> Head {
        let classes: Vec<String> = names.into_iter().map(Into::into).collect();
        Head { count: classes.len(), classes }
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Head {
    fn from(names: [S; N]) -> Head {
        Vec::from(names).into()
    }
}

impl<S: Into<String> + Clone> From<&[S]> for Head {
    fn from(names: &[S]) -> Head {
        names.to_vec().into()
    }
}

impl<S: Into<String> + Clone> From<&Vec<S>> for Head {
    fn from(names: &Vec<S>) -> Head {
        names.clone().into()
    }
}

impl Network {
    /// The same network with a fresh last layer for other classes: their number, `5`, or their names,
    /// `["cat", "dog"]` or [`Folder::class_names`](crate::data::Samples::class_names). It is the first
    /// step of fine-tuning, and the last: a file of fine-tuned weights fits into the network with the
    /// same head.
    ///
    /// Replaced is the layer with weights that makes the output, linear or a convolution; it keeps its
    /// name, and starts at random (PyTorch's default initialization; seed it with `manual_seed`). All
    /// other layers share their parameters with clones of this network.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let net = zoo::untrained("squeezenet1_1")?.with_head(["cat", "dog"])?;
    /// assert_eq!(net.state_dict().last().unwrap().1.size(), [2]);            // classifier.1.bias
    /// assert_eq!(net.classes(), ["cat", "dog"]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// No classes, or more than memory holds; a network whose output `[N, classes]` isn't made by such a
    /// layer, or changed after it by something made for its number of classes.
    pub fn with_head(mut self, classes: impl Into<Head>) -> Result<Network> {
        let Head { count, classes } = classes.into();
        let [c, h, w] = self.preprocess.input_shape();
        let before = self.shapes(&[1, c, h, w])?.swap_remove(self.output);
        if count == 0 {
            return Err(Error::Argument(
                "with_head: no classes; give their number, or a name for each".to_owned(),
            ));
        }
        let count = position(count);
        self.classes = classes;
        let head = self.replace_head(&before, count)?;
        let after = self.shapes(&[1, c, h, w]).map(|mut shapes| shapes.swap_remove(self.output));
        let mut expected = before.clone();
        expected[1] = count;
        match after {
            Ok(after) if after == expected => self.lay_out().map(|()| self),
            _ => Err(Error::Argument(format!(
                "{}: after its last layer `{head}` come operations made for the {} values that it \
                 gives; with {count} of them they don't fit. `with_output(\"{head}\")` ends the network \
                 there.",
                self.name, before[1]
            ))),
        }
    }

    /// Gives the layer that makes the output `[N, C, …]` fresh parameters for `count` channels, and
    /// returns its name.
    fn replace_head(&mut self, output: &[i64], count: i64) -> Result<String> {
        let old = output.get(1).copied().unwrap_or_default();
        let depends = self.dependents(0);
        let mut at = self.output;
        let mut shifts = Vec::new();
        let weight = loop {
            let node = &self.nodes[at];
            match &node.op {
                Op::Linear(linear) => break &linear.weight,
                Op::Conv2d(conv) if conv.groups == 1 => break &conv.weight,
                Op::Arithmetic(ops::Arithmetic::Add) => {
                    // ONNX files may have the bias as a sum of its own.
                    shifts.extend(node.inputs.iter().copied().filter(|&i| !depends[i]));
                }
                _ => {}
            }
            let mut from_image = node.inputs.iter().copied().filter(|&i| depends[i]);
            match (from_image.next(), from_image.next()) {
                (Some(before), None) if node.op.parameters().is_empty() => at = before,
                _ => return Err(self.without_head(output, at)),
            }
        };
        let size = weight.size();
        if size.first() != Some(&old) || output.len() < 2 {
            return Err(self.without_head(output, at));
        }
        let fan_in = ops::count(&size[1..]);
        let name = self.nodes[at].name.clone();
        let bytes = fan_in.saturating_mul(count.unsigned_abs()).saturating_mul(8);
        check_memory(&format!("making a head of {count} classes"), bytes, self.device())?;
        for index in shifts.into_iter().chain([at]) {
            for (_, parameter) in self.nodes[index].op.operation_mut().parameters_mut() {
                if let Some(axis) = parameter.size().iter().position(|&size| size == old) {
                    let axis = if index == at { 0 } else { axis };
                    *parameter = fresh(parameter, axis, count, fan_in)
                        .map_err(Error::torch(format!("making a head for `{name}`")))?;
                }
            }
        }
        Ok(name)
    }

    fn without_head(&self, output: &[i64], at: usize) -> Error {
        let node = &self.nodes[at];
        Error::Argument(format!(
            "{} has no last layer that can be replaced: its output {} is not made by one linear layer or \
             convolution of as many channels, but goes through `{}` ({}). Build the network with the \
             classes wanted, or end it elsewhere with `with_output`.",
            self.name,
            shape_text(output),
            node.name,
            node.op.name()
        ))
    }
}

/// PyTorch's default for the parameters of linear layers and convolutions, with `count` channels along
/// `axis`: uniform within ±1/√fan-in.
fn fresh(like: &Tensor, axis: usize, count: i64, fan_in: u64) -> Result<Tensor, TchError> {
    let mut size = like.size();
    size[axis] = count;
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    tch::nn::f_init(Init::Uniform { lo: -bound, up: bound }, &size, like.device(), like.kind())
}
