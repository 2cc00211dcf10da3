//! Classes of a folder of JPEGs, from the files to the best guesses, beside torchvision's `ImageFolder` and
//! two workers that decode while the folded network computes.

use convscope::prelude::*;

use crate::Outcome;
use crate::peer::Peer;
use crate::race::{Side, Table};

const PICTURES: usize = 1000;
/// So many may have another best class: two are as likely to within rounding.
const OTHERS: usize = 5;

pub fn run(peer: &Peer, table: &Table) -> Outcome {
    let net = zoo::resnet18().or_else(|_| zoo::untrained("resnet18"))?;
    let _ = peer.share(&net, 1)?;
    peer.ask(&format!("folder.pictures {PICTURES}"))?;
    let fast = net.for_inference()?;
    let ours = || Ok(fast.predict(&data::Folder::open(peer.folder.join("pictures/all"))?)?);

    let theirs: Vec<i64> = Vec::try_from(peer.result("folder.classify")?)?;
    let predictions = ours()?;
    let best = predictions.predictions().iter().map(|one| one.guesses[0].class as i64);
    let others = best.zip(&theirs).filter(|(own, their)| own != *their).count();
    if theirs.len() != PICTURES || others > OTHERS {
        return Err(format!("{others} of {} pictures have another class", theirs.len()).into());
    }
    let theirs = peer.side("torchvision, two workers, folded", "folder.classify");
    table.race("1,000 JPEGs to classes, resnet18", vec![Side::ours("predict", ours), theirs])
}
