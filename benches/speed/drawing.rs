//! Feature maps to PNG beside matplotlib: an axes with `imshow` for each map, as everybody does, and one
//! `imshow` of all maps laid side by side, without their numbers.

use convscope::prelude::*;
use convscope::view::{Bundle, FeatureMaps};

use crate::Outcome;
use crate::peer::Peer;
use crate::race::{Side, Table};

pub fn run(peer: &Peer, table: &Table) -> Outcome {
    for maps in [64, 512] {
        // Like a ReLU's activations: smooth patches, most of them empty.
        tch::manual_seed(1);
        let noise = Tensor::randn([1, maps, 14, 14], (Kind::Float, Device::Cpu)).relu();
        let values = noise.upsample_bilinear2d([56, 56], false, None, None).squeeze_dim(0);
        let path = peer.folder.join("maps.safetensors");
        Tensor::write_safetensors(&[("maps", &values)], path)?;
        let ours = || {
            Bundle::still(&FeatureMaps::new("Feature maps", &values)?.image()?, "")?;
            Ok(())
        };
        let sides = vec![
            Side::ours("convscope", ours),
            peer.side("matplotlib", "drawing.axes"),
            peer.side("matplotlib, one composed image", "drawing.composed"),
        ];
        table.race(&format!("{maps} maps of 56×56 to PNG"), sides)?;
    }
    Ok(())
}
