//! `net.filters("conv1")`

use crate::network::{Network, Op};
use crate::view::FilterGrid;
use crate::{Error, Result};

impl Network {
    /// The filters of a convolution, as a figure.
    ///
    /// # Errors
    ///
    /// No such layer; a layer that is no convolution.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let filters = zoo::digits()?.filters("conv1")?;
    /// assert_eq!(filters.values().shape(), [12, 1, 5, 5]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn filters(&self, layer: &str) -> Result<FilterGrid> {
        let node = self.layer(layer)?;
        match &node.op {
            Op::Conv2d(conv) => {
                FilterGrid::new(format!("Filters of {}, {}", self.name(), node.name), &conv.weight)
            }
            other => Err(Error::Argument(format!(
                "`{}` of {} is a {}, which has no filters. Its convolutions: {}",
                node.name,
                self.name(),
                other.name(),
                self.convolutions().join(", ")
            ))),
        }
    }

    fn convolutions(&self) -> Vec<&str> {
        let convolutions = self.nodes().iter().filter(|node| matches!(node.op, Op::Conv2d(_)));
        convolutions.map(|node| node.name.as_str()).collect()
    }
}
