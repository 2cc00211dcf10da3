//! How fast the library is beside the fastest that does the same: one run, the same threads, weights and
//! results. It ends with the table that README shows; docs/SPEED.md says how it is measured.
//!
//! ```text
//! make bench                                        # everything
//! cargo bench --bench speed -- forward              # what has this word in its name, of: forward,
//!                                                   # activations, cam, gradients, occlusion, cold,
//!                                                   # maximize, embed, drawing, folder, cuda,
//!                                                   # two-notebooks, live (what is drawn on the way)
//! cargo bench --bench speed -- smoke                # one round of the quick ones, or of those named after it
//! cargo bench --bench speed -- 70000                # t-SNE, with 70,000 points too
//! cargo bench --bench speed -- growth               # t-SNE, 10,000 points against 70,000
//! ```

mod activations;
mod attribution;
mod cold;
mod cuda;
mod drawing;
mod embed;
mod folder;
mod forward;
mod live;
mod maximize;
mod notebooks;
mod occlusion;
mod peer;
mod race;
mod rest;

use std::error::Error;

use peer::Peer;
use race::Table;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What `smoke` alone asks for.
const QUICK: [&str; 6] = ["drawing", "forward", "activations", "cam", "cold", "two-notebooks"];

/// What this program can be started again as: the word, and what follows it.
fn started_again(words: &[String]) -> Option<Outcome> {
    let (word, rest) = words.split_first()?;
    match word.as_str() {
        notebooks::WORD => Some(notebooks::be()),
        cold::WORD => Some(cold::be(rest)),
        live::WORD => Some(live::be(rest.first()?)),
        _ => None,
    }
}

fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    if let Some(outcome) = started_again(&words) {
        return outcome;
    }
    let named = |name: &str| words.iter().any(|word| word == name);
    let (smoke, large, growth) = (named("smoke"), named("70000"), named("growth"));
    let words: Vec<&String> = words.iter().filter(|word| *word != "smoke").collect();
    let wants = |name: &str| match (words.is_empty(), smoke) {
        (true, true) => QUICK.contains(&name),
        (true, false) => true,
        _ => words.iter().any(|word| name.contains(word.as_str())),
    };
    let table = Table::new(smoke);
    let about = Peer::start()?.about()?;
    println!("{about}\n");
    type Part = fn(&Peer, &Table) -> Outcome;
    let parts: [(&str, Part); 11] = [
        ("forward", forward::run),
        ("activations", activations::run),
        ("cam", attribution::cams),
        ("gradients", attribution::gradients),
        ("occlusion", occlusion::run),
        ("cold", cold::run),
        ("maximize", maximize::run),
        ("drawing", drawing::run),
        ("folder", folder::run),
        ("cuda", cuda::run),
        ("two-notebooks", |_, table| notebooks::run(table)),
    ];
    for (name, part) in parts {
        if wants(name) {
            part(&Peer::start()?, &table)?; // without what packages of other parts leave behind
        }
    }
    if wants("embed") || large {
        embed::run(&Peer::start()?, &table, large)?;
    }
    if growth {
        embed::growth()?;
    }
    println!("\n{about}\n\n{}", table.markdown());
    if wants("live") {
        live::run(if smoke { 1 } else { 5 })?;
    }
    Ok(())
}
