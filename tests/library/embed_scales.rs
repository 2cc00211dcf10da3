//! Features far from 0, of very different scales, in all kinds, equal ones, few ones.

use convscope::embed::{TsneMethod, class_vectors, neighbor_accuracy, pca, trustworthiness, tsne};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, numbers};
use crate::oracle::Script;

#[test]
fn neighbors_and_components_are_those_of_double_precision() -> Tested {
    let script = Script::new("neighbors.py").needs(&["sklearn", "scipy", "safetensors"]);
    let Some(theirs) = script.run().map(|oracle| oracle.arrays()) else { return Ok(()) };
    let names = ["plain", "offset", "groups", "one far", "scales", "small", "large", "doubles"];
    for name in names {
        let of = |what: &str| &theirs[&format!("{name}.{what}")];
        for kind in [Kind::Float, Kind::Double] {
            let points = of("points").to_kind(kind);
            let accuracy = neighbor_accuracy(&points, &theirs["classes"], 7)?;
            let expected = numbers(of("accuracy"))[0];
            // Equally near doubles may be counted or not.
            let allowed = if name == "doubles" { 0.01 } else { 1e-12 };
            let off = (accuracy - expected).abs();
            assert!(off <= allowed, "{name}, {kind:?}: {accuracy} instead of {expected}");
            let trust = trustworthiness(&points, of("map"), 5)?;
            let off = (trust - numbers(of("trustworthiness"))[0]).abs();
            let allowed = if name == "doubles" { 1e-3 } else { 1e-9 };
            assert!(off < allowed, "{name}, {kind:?}: trustworthiness off by {off}");

            let pca = Pca::fit(&points, 3)?;
            let off = difference(&Tensor::from_slice(&pca.variance_ratio()), of("ratio"));
            assert!(off < 1e-9, "{name}, {kind:?}: variance off by {off}");
            let off = difference(&pca.components().to_kind(Kind::Double), of("components"));
            assert!(off < 1e-6, "{name}, {kind:?}: components off by {off}");
            let places = pca.transform(&points)?.to_kind(Kind::Double);
            let deviation = points.to_kind(Kind::Double).std(false);
            let off = difference(&(places / deviation), of("places"));
            assert!(off < 1e-5, "{name}, {kind:?}: places off by {off}");
        }
    }
    Ok(())
}

/// Three groups, 300 points, in double precision.
fn groups() -> (Tensor, Tensor) {
    tch::manual_seed(6);
    let middles = Tensor::randn([3, 8], cpu(Kind::Double)) * 6.0;
    let classes = Tensor::arange(300, cpu(Kind::Int64)).remainder(3);
    (middles.index_select(0, &classes) + Tensor::randn([300, 8], cpu(Kind::Double)), classes)
}

#[test]
fn maps_of_all_kinds_show_the_groups() -> Tested {
    let (points, classes) = groups();
    let all = [Kind::Double, Kind::Float, Kind::Half, Kind::BFloat16];
    let shifted = points.shallow_clone() + 1e4;
    let far = &shifted + classes.remainder(2).unsqueeze(1) * 1e7;
    let kinds = all.iter().map(|&kind| points.to_kind(kind));
    let sets = kinds.chain([shifted.to_kind(Kind::Float), shifted, far]);
    for (at, points) in sets.enumerate() {
        let features = Features::new(&points)?;
        let maps = [TsneMethod::Exact, TsneMethod::Interpolated].map(|method| {
            let options = Tsne::default().quiet().method(method).iterations(300);
            options.perplexities([20.0]).run(&features)
        });
        for map in maps.into_iter().chain([pca(&features)]) {
            let map = map?;
            let layout = &map.layouts()[0];
            let accuracy = neighbor_accuracy(&layout.points, &classes, 7)?;
            assert!(accuracy > 0.95, "set {at}, {}: {accuracy}", layout.note);
            let quality = layout.quality.expect("of many points");
            assert!(quality.trustworthiness > 0.75, "set {at}, {}: {quality:?}", layout.note);
            map.image()?;
        }
    }
    for kind in all {
        let net = zoo::digits()?.to_kind(kind)?;
        let expected = class_vectors(&zoo::digits()?)?;
        let vectors = class_vectors(&net)?;
        assert!(difference(&vectors.values().to_kind(Kind::Float), expected.values()) < 0.01);
        tsne(&vectors)?.image()?;
        let features = net.features(&data::digits(60, 1)?, "relu3", Pooling::Mean)?;
        let quality = tsne(&features)?.layouts()[0].quality.expect("of 60 points");
        assert!(quality.trustworthiness > 0.9, "{kind:?}: {quality:?}");
        pca(&features)?.image()?;
    }
    Ok(())
}

#[test]
fn few_points_are_mapped_or_refused_with_the_number_that_goes() -> Tested {
    tch::manual_seed(7);
    let rows = |count: i64| Features::new(&Tensor::rand([count, 16], cpu(Kind::Float)));
    for count in 1..=12 {
        let (features, few) = (rows(count)?, format!("{count}"));
        match tsne(&features) {
            Ok(map) => {
                assert!(count >= 4, "{count}");
                let places = numbers(&map.layouts()[0].points);
                assert!(places.iter().all(|place| place.is_finite()));
                assert!(
                    map.layouts()[0].note.contains(&format!("perplexity {}", (count / 3).max(1)))
                );
                map.image()?;
            }
            Err(error) => {
                let message = error.to_string();
                assert!(count < 4 && !message.contains("perplexity"), "{message}");
                assert!(
                    message.contains("at least 4 points") && message.contains(&few),
                    "{message}"
                );
            }
        }
        match pca(&features) {
            Ok(map) => drop(map.image()?),
            Err(error) => {
                let message = error.to_string();
                assert!(count == 1 && message.contains("at least 2 rows"), "{message}");
            }
        }
    }
    let fifty = rows(50)?;
    let asked = |perplexity: f64| Tsne::default().quiet().perplexities([perplexity]).run(&fifty);
    let message = asked(30.0).expect_err("too few points").to_string();
    assert!(message.contains("at most 16"), "{message}");
    asked(16.0)?;
    Ok(())
}

#[test]
fn extreme_options_are_refused_in_a_few_words() -> Tested {
    let (points, classes) = groups();
    let features = Features::new(&points)?;
    let options = || Tsne::default().quiet();
    for (options, word) in [
        (options().perplexities([f64::INFINITY]), "perplexity of inf"),
        (options().perplexities([0.0]), "perplexity of 0"),
        (options().perplexities([1e300]), "at most 100"),
        (options().perplexities([-1e300]), "perplexity of -1e300"),
        (options().iterations(0), "0 iterations"),
        (options().iterations(usize::MAX), "give 1 to 1000000"),
        (options().early_exaggeration(f64::NAN), "exaggeration of NaN"),
        (options().learning_rate(-1e300), "learning rate of -1e300"),
    ] {
        let message = options.run(&features).expect_err(word).to_string();
        assert!(message.contains(word) && message.len() < 200, "{message}");
    }
    for wild in [options().early_exaggeration(1e300), options().learning_rate(1e300)] {
        if let Ok(map) = wild.iterations(8).run(&features) {
            assert!(numbers(&map.layouts()[0].points).iter().all(|place| place.is_finite()));
        }
    }
    let message = Features::new(&(&points * 1e200)).expect_err("too large").to_string();
    assert!(message.contains("too large for distances") && message.len() < 200, "{message}");
    for count in [0, usize::MAX] {
        assert!(Pca::fit(&points, count).is_err());
        assert!(neighbor_accuracy(&points, &classes, count).is_err());
        assert!(trustworthiness(&points, &points, count).is_err());
    }
    // Numbers of classes that leave gaps need no room.
    let apart = neighbor_accuracy(&points, &(&classes * 1_000_000_000_000_000), 7)?;
    assert_eq!(apart, neighbor_accuracy(&points, &classes, 7)?);
    let broken = points.copy();
    let _ = broken.get(3).fill_(f64::NAN);
    assert!(neighbor_accuracy(&broken, &classes, 7).is_err());
    Ok(())
}
