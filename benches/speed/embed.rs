//! t-SNE beside openTSNE (interpolated) and scikit-learn (Barnes and Hut): perplexity 30, 750
//! iterations, the same start. A faster map counts only if it is as good, so all maps' divergences are
//! computed by one function.

use std::time::Instant;

use convscope::embed::divergence;
use convscope::prelude::*;

use crate::Outcome;
use crate::peer::Peer;
use crate::race::Table;

/// Of the peer's divergence, so much more is still as good.
const AS_GOOD: f64 = 1.01;

pub fn run(peer: &Peer, table: &Table, large: bool) -> Outcome {
    peer.ask("embed.digits")?;
    let digits = Tensor::read_safetensors(peer.folder.join("digits.safetensors"))?.remove(0).1;
    let packages = ["openTSNE", "scikit-learn"];
    compare(peer, table, "scikit-learn's 1,797 digits", &digits, &packages)?;
    let Some(test) = mnist("test") else { return Ok(()) };
    compare(peer, table, "MNIST's 10,000 test images", &reduced(&test)?, &packages)?;
    if let (true, Some(train)) = (large, mnist("train")) {
        let all = Tensor::cat(&[train, test], 0);
        compare(peer, table, "MNIST's 70,000 images", &reduced(&all)?, &packages[..1])?;
    }
    Ok(())
}

/// How much longer an iteration of 70,000 points takes than one of 10,000.
pub fn growth() -> Outcome {
    let (Some(train), Some(test)) = (mnist("train"), mnist("test")) else { return Ok(()) };
    let few = reduced(&test)?;
    let many = reduced(&Tensor::cat(&[train, test], 0))?;
    let mut seconds = Vec::new();
    for features in [&few, &many] {
        let mut seen = Vec::new();
        let options = Tsne::default().iterations(750).quiet();
        options.run_with(&Features::new(features)?, 50, |_| {
            seen.push(Instant::now());
            true
        })?;
        // From the first look to the last: without the search for neighbors.
        let all = seen[seen.len() - 1].duration_since(seen[0]);
        seconds.push(all.as_secs_f64() / (50 * (seen.len() - 1)) as f64);
    }
    println!(
        "t-SNE, an iteration: {} points {:.1} ms, {} points {:.1} ms, {:.2} times as long",
        few.size()[0],
        1e3 * seconds[0],
        many.size()[0],
        1e3 * seconds[1],
        seconds[1] / seconds[0]
    );
    Ok(())
}

fn compare(
    peer: &Peer,
    table: &Table,
    data: &str,
    features: &Tensor,
    packages: &[&str],
) -> Outcome {
    let start = Pca::fit(features, 2)?.transform(features)?;
    let start = &start / (start.select(1, 0).std(true) * 1e4);
    let path = peer.folder.join("features.safetensors");
    Tensor::write_safetensors(&[("features", features), ("start", &start)], path)?;
    let features = Features::new(features)?;
    let quality = |points: &Tensor| divergence(features.values(), points, 30.0);

    let begun = Instant::now();
    let map = Tsne::default().iterations(750).quiet().run(&features)?;
    let ours = begun.elapsed().as_secs_f64();
    let our_divergence = quality(&map.layouts()[0].points)?.value;
    let mut opponents = Vec::new();
    for package in packages {
        let theirs = peer.seconds(&format!("embed.tsne {package}"), 1)?;
        let points = Tensor::read_safetensors(peer.folder.join("map.safetensors"))?.remove(0).1;
        let divergence = quality(&points)?.value;
        if our_divergence > AS_GOOD * divergence {
            return Err(format!("t-SNE, {data}: our map is worse than {package}'s").into());
        }
        opponents.push((format!("{package} ({divergence:.2})"), theirs, theirs / ours));
    }
    table.add(&format!("t-SNE, {data} (divergence {our_divergence:.2})"), ours, opponents);
    Ok(())
}

/// MNIST's images as 50 principal components.
fn reduced(images: &Tensor) -> Result<Tensor, convscope::Error> {
    Pca::fit(images, 50)?.transform(images)
}

fn mnist(part: &str) -> Option<Tensor> {
    let home = std::env::var_os("CONVSCOPE_HOME")?;
    let path = std::path::Path::new(&home).join(format!("data/mnist_{part}.safetensors"));
    let arrays = Tensor::read_safetensors(path).ok();
    if arrays.is_none() {
        println!("skipped: no MNIST under CONVSCOPE_HOME/data");
    }
    let images = arrays?.into_iter().find(|(name, _)| name == "images")?.1;
    Some(images.flatten(1, -1).to_kind(Kind::Float) / 255.0)
}
