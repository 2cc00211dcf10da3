//! Feature maps to PNG beside matplotlib: an axes with `imshow` for each map, as everybody does.

use convscope::prelude::*;
use convscope::view::{Bundle, FeatureMaps};

use crate::Outcome;
use crate::peer::Peer;

pub fn run(peer: &mut Peer) -> Outcome {
    for (maps, rounds) in [(64, 9), (512, 3)] {
        // Like a ReLU's activations: smooth patches, most of them empty.
        tch::manual_seed(1);
        let noise = Tensor::randn([1, maps, 14, 14], (Kind::Float, Device::Cpu)).relu();
        let values = noise.upsample_bilinear2d([56, 56], false, None, None).squeeze_dim(0);
        let path = peer.folder.join("maps.safetensors");
        Tensor::write_safetensors(&[("maps", &values)], path)?;
        peer.compare(&format!("drawing {maps} maps of 56×56 to PNG"), "draw", rounds, || {
            Bundle::still(&FeatureMaps::new("Feature maps", &values)?.image()?, "")?;
            Ok(())
        })?;
    }
    Ok(())
}
