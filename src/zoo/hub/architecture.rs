//! The zoo's networks in the forms that repositories describe.

use super::super::{convnext, dinov2, resnet, transformer, vit};
use crate::Result;
use crate::network::{Builder, Network, Preprocess};

/// A network that a repository describes.
pub(super) struct Described {
    pub architecture: Architecture,
    /// 0 where it ends in features.
    pub classes: i64,
    /// As many as there are classes; none where they are not told.
    pub names: Vec<String>,
    pub preprocess: Preprocess,
}

pub(super) enum Architecture {
    ResNet { blocks: [usize; 4], block: resnet::Block },
    ConvNext(convnext::Size),
    Vit { size: transformer::Size, patch: i64 },
    Dino(dinov2::Form),
}

impl Described {
    pub(super) fn build(self, name: &str) -> Result<Network> {
        let Described { architecture, classes, names, preprocess } = self;
        let mut b: Builder = Network::builder(name, preprocess.input_shape());
        b.preprocess(preprocess);
        let network = match architecture {
            Architecture::ResNet { blocks, block } => resnet::build_for(b, blocks, block, classes),
            Architecture::ConvNext(size) => convnext::build_for(b, size, classes),
            Architecture::Vit { size, patch } => vit::build_for(b, size, patch, classes),
            Architecture::Dino(form) => dinov2::build_for(b, form),
        }?;
        match names.len() as i64 == classes && classes > 0 {
            true => network.with_classes(names),
            false => Ok(network),
        }
    }
}
