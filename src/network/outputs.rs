//! A network's outputs: its result, and the other heads.

use super::{Network, Op};
use crate::Result;

/// One of a network's outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The name of the layer that gives it.
    pub name: String,
    /// Its shape for one image: `[1, classes]` of a classifier, `[1, classes, h, w]` of a segmentation.
    pub shape: Vec<i64>,
}

impl Network {
    /// The outputs: first the result of [`Network::forward`], then the others that an ONNX file names and
    /// the layers that no other reads. [`Target::of`](crate::attribution::Target::of) explains another
    /// than the result, [`Network::with_output`] makes it the result.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let mut b = Network::builder("two heads", [1, 8, 8]);
    /// let x = b.flatten(b.input(), "flatten");
    /// b.linear(x, "parity", 2);
    /// b.linear(x, "digit", 10);
    /// let net = b.build()?;
    /// let names: Vec<String> = net.outputs()?.into_iter().map(|output| output.name).collect();
    /// assert_eq!(names, ["digit", "parity"]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A network that doesn't take images of its usual size.
    pub fn outputs(&self) -> Result<Vec<Output>> {
        let [c, h, w] = self.preprocess.input_shape();
        let mut shapes = self.shapes(&[1, c, h, w])?;
        let mut all = vec![self.output];
        all.extend(&self.heads);
        let ends = self.readers().into_iter().enumerate().filter(|(_, readers)| *readers == 0);
        all.extend(ends.map(|(index, _)| index));
        let mut outputs: Vec<Output> = Vec::new();
        for (at, &index) in all.iter().enumerate() {
            let given = matches!(self.nodes[index].op, Op::Input(_) | Op::Parameter(_));
            if !given && !all[..at].contains(&index) {
                let name = self.nodes[index].name.clone();
                outputs.push(Output { name, shape: std::mem::take(&mut shapes[index]) });
            }
        }
        Ok(outputs)
    }
}
