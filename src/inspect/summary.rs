//! `net.summary()`

use crate::Result;
use crate::network::Network;
use crate::view::{LayerRow, Summary};

impl Network {
    /// The architecture as a figure: what reads what, and for each layer the operation, the shape of
    /// its output, its parameters, its multiply-adds and its receptive field, all for one picture of
    /// the nominal size. Nothing is run.
    ///
    /// A large network is shown by blocks, a small one layer by layer; [`Summary::layers`] and
    /// [`Summary::blocks`] choose.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let summary = zoo::digits()?.summary()?;
    /// assert_eq!(summary.parameters(), 32_826);
    /// assert_eq!(summary.rows()[6].shape, [1, 24, 4, 4]);
    /// println!("{}", summary.text());
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn summary(&self) -> Result<Summary> {
        let [c, h, w] = self.preprocess().input_shape();
        self.summary_with([1, c, h, w])
    }

    /// The same for an input `[N, C, H, W]` of another size.
    ///
    /// # Errors
    ///
    /// An input that does not fit.
    pub fn summary_with(&self, input: [i64; 4]) -> Result<Summary> {
        let shapes = self.shapes(&input)?;
        let fields = self.receptive_fields(&input)?;
        let mut rows = Vec::with_capacity(shapes.len());
        for ((node, shape), field) in self.nodes().iter().zip(&shapes).zip(fields) {
            let inputs: Vec<&[i64]> = node.inputs.iter().map(|&i| shapes[i].as_slice()).collect();
            rows.push(LayerRow {
                name: node.name.clone(),
                operation: node.op.operation().summary(),
                kind: node.op.operation().kind(),
                shape: shape.clone(),
                parameters: node.op.parameter_count(),
                multiply_adds: node.op.multiply_adds(&inputs, shape),
                receptive_field: field.map(|field| field.size()),
                inputs: node.inputs.clone(),
            });
        }
        Ok(Summary::new(format!("Layers of {}", self.name()), rows))
    }
}
