//! How fast the library is beside its peers: one run, one libtorch, the same threads and weights.
//!
//! ```text
//! make bench                                        # everything
//! cargo bench --bench speed -- forward              # what has this word in its name, of: drawing,
//!                                                   # forward, attribution-cam, attribution-gradients,
//!                                                   # attribution-occlusion, maximize, embed,
//!                                                   # two-notebooks, live (what is drawn on the way)
//! cargo bench --bench speed -- smoke                # one round of the quick ones: does it still run?
//! cargo bench --bench speed -- 70000                # t-SNE, with 70,000 points too (half an hour)
//! cargo bench --bench speed -- growth               # t-SNE, 10,000 points against 70,000
//! ```
//!
//! The peer's side is `peers.py`, a process that stays alive. Each round times both, one soon after the
//! other, so that a busy machine slows both; the ratio shown is the median of the rounds'. Between them
//! is a pause, because threads of the side that is done still spin for a while, and would take the cores
//! from the other: without it MobileNetV2's forward took twice as long as alone.

mod attribution;
mod drawing;
mod embed;
mod forward;
mod live;
mod maximize;
mod notebooks;
mod peer;

use std::error::Error;

use peer::Peer;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let named = |name: &str| wanted.iter().any(|word| word == name);
    if named(notebooks::WORD) {
        return notebooks::be();
    }
    if named(live::WORD) {
        return live::be(wanted.last().map_or("", String::as_str));
    }
    let smoke = named("smoke");
    let wants = |name: &str| match smoke {
        true => ["drawing", "forward", "attribution-cam", "two-notebooks"].contains(&name),
        false => wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str())),
    };
    if wants("live") {
        live::run(if smoke { 1 } else { 5 })?;
        if wanted.iter().all(|word| word == "live") && !wanted.is_empty() {
            return Ok(());
        }
    }
    let mut peer = Peer::start(smoke)?;
    println!("{}", peer.ask("about")?);
    println!("{:44} {:>12} {:>12} {:>8}", "", "convscope", "peer", "times");
    if wants("drawing") {
        drawing::run(&mut peer)?;
    }
    if wants("forward") {
        forward::run(&mut peer)?;
    }
    attribution::run(&mut peer, &wants)?;
    if wants("maximize") {
        maximize::run(&mut peer)?;
    }
    if wants("two-notebooks") {
        notebooks::run(if smoke { 1 } else { 7 })?;
    }
    if wants("embed") || named("70000") {
        embed::run(&mut peer, named("70000"))?;
    }
    if named("growth") {
        embed::growth()?;
    }
    Ok(())
}
