//! PCA and t-SNE: what is known to be right, scikit-learn's own numbers, and bad input.

use std::time::Duration;

use convscope::embed::{
    Quality, Start, TsneMethod, class_vectors, divergence, neighbor_accuracy, pca, trustworthiness,
    tsne,
};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, numbers, scratch};
use crate::oracle::{Arrays, Script};

/// What tests/parity/embed.py saves.
fn sklearn() -> Option<Arrays> {
    Some(Script::new("embed.py").needs(&["sklearn", "safetensors"]).run()?.arrays())
}

/// Clouds around `classes` middles in `width` dimensions, and which cloud each point is of.
fn clouds(count: i64, classes: i64, width: i64) -> (Tensor, Tensor) {
    tch::manual_seed(3);
    let middles = Tensor::randn([classes, width], cpu(Kind::Float)) * 6.0;
    let of = Tensor::arange(count, cpu(Kind::Int64)).remainder(classes);
    (middles.index_select(0, &of) + Tensor::randn([count, width], cpu(Kind::Float)), of)
}

fn quiet() -> Tsne {
    Tsne::default().quiet()
}

#[test]
fn pca_is_scikit_learns() -> Tested {
    let Some(theirs) = sklearn() else { return Ok(()) };
    let pca = Pca::fit(&theirs["digits"], 8)?;
    assert!(difference(pca.components(), &theirs["pca.components"]) < 1e-5);
    assert!(difference(&pca.transform(&theirs["digits"])?, &theirs["pca.points"]) < 1e-5);
    for (ours, name) in [(pca.variance(), "pca.variance"), (&pca.variance_ratio(), "pca.ratio")] {
        let off = difference(&Tensor::from_slice(ours), &theirs[name]);
        assert!(off < 1e-5 * theirs[name].max().double_value(&[]), "{name}: {off}");
    }
    // Wider than long, and points that were not there.
    let digits = theirs["digits"].narrow(0, 0, 60);
    let pca = Pca::fit(&digits.narrow(0, 0, 40), 8)?;
    assert!(difference(pca.components(), &theirs["wide.components"]) < 1e-5);
    assert!(difference(&pca.transform(&digits.narrow(0, 40, 20))?, &theirs["wide.points"]) < 1e-5);
    // In single precision relative to the largest; and by random projection.
    let single = theirs["digits"].to_kind(Kind::Float);
    let largest = theirs["pca.points"].abs().max().double_value(&[]);
    let randomized = convscope::embed::PcaMethod::Randomized { seed: 1 };
    // A projection tells components of similar variance apart less well.
    for (pca, allowed) in
        [(Pca::fit(&single, 8)?, 1e-5), (Pca::fit_by(&single, 8, randomized)?, 1e-3)]
    {
        let off = difference(&pca.transform(&single)?, &theirs["pca.points"]) / largest;
        assert!(off < allowed, "{off}");
    }
    Ok(())
}

#[test]
fn measures_are_scikit_learns() -> Tested {
    // scikit-learn's own test: the order 0 2 4 1 3 against 0 1 2 3 4.
    let line = |order: &[f32]| Tensor::from_slice(order).view([-1, 1]);
    let (straight, shuffled) = (line(&[0., 1., 2., 3., 4.]), line(&[0., 2., 4., 1., 3.]));
    assert!((trustworthiness(&straight, &shuffled, 1)? - 0.2).abs() < 1e-12);
    assert_eq!(trustworthiness(&straight, &straight, 1)?, 1.0);
    let Some(theirs) = sklearn() else { return Ok(()) };
    let ours = trustworthiness(&theirs["some.features"], &theirs["some.map"], 5)?;
    assert!((ours - numbers(&theirs["some.trustworthiness"])[0]).abs() < 1e-9, "{ours}");
    let ours = divergence(&theirs["some.features"], &theirs["some.map"], 20.0)?.value;
    assert!((ours - numbers(&theirs["some.divergence"])[0]).abs() < 1e-4, "{ours}");
    Ok(())
}

const STARTS: [(u64, Start); 3] = [(0, Start::Pca), (1, Start::Random), (2, Start::Random)];

/// FIELD's bounds: scikit-learn's digits, perplexity 30, 1000 iterations, the divergence of all pairs.
fn digits_map(method: TsneMethod, starts: &[(u64, Start)]) -> Tested {
    let Some(theirs) = sklearn() else { return Ok(()) };
    let (digits, classes) = (theirs["digits"].to_kind(Kind::Float), &theirs["classes"]);
    let features = Features::new(&digits)?;
    for &(seed, start) in starts {
        let map = quiet().method(method).seed(seed).start(start).run(&features)?;
        let layout = &map.layouts()[0];
        let divergence = layout.divergence.expect("of t-SNE");
        let Quality { trustworthiness, neighbors_kept, .. } =
            layout.quality.expect("enough points");
        let accuracy = neighbor_accuracy(&layout.points, classes, 10)?;
        let got = format!(
            "seed {seed}: KL {:.3}, trustworthiness {trustworthiness:.4}, kept {neighbors_kept:.3}, \
             accuracy {accuracy:.3}",
            divergence.value
        );
        println!("{got}");
        assert!(divergence.all_pairs && divergence.value <= 0.73, "{got}");
        assert!(trustworthiness >= 0.994 && neighbors_kept >= 0.575 && accuracy >= 0.97, "{got}");
    }
    Ok(())
}

#[test]
fn digits_by_interpolation_reach_the_known_figures() -> Tested {
    digits_map(TsneMethod::Interpolated, &STARTS)
}

#[test]
fn digits_by_all_pairs_reach_the_known_figures() -> Tested {
    digits_map(TsneMethod::Exact, &STARTS[..2])
}

#[test]
fn a_grid_stays_a_grid() -> Tested {
    // 30 × 30 points: each one's neighbors on the map are those on the grid, for either method.
    let side = Tensor::arange(30, cpu(Kind::Float));
    let grid = Tensor::stack(&[side.repeat([30]), side.repeat_interleave_self_int(30, 0, None)], 1);
    for (seed, start) in STARTS {
        for method in [TsneMethod::Exact, TsneMethod::Interpolated] {
            let options = quiet().method(method).seed(seed).start(start).iterations(600);
            let map = options.run(&Features::new(&grid)?)?.layouts()[0].points.shallow_clone();
            let near = Tensor::cdist(&map, &map, 2.0, None);
            let _ = near.diagonal(0, 0, 1).fill_(f64::INFINITY);
            let nearest = near.min_dim(1, false).0;
            let mean = nearest.mean(Kind::Double).double_value(&[]);
            // As scikit-learn's test: no two points together, none apart from the others.
            let (least, most) = (nearest.min().double_value(&[]), nearest.max().double_value(&[]));
            assert!(least > 0.1 * mean && most < 5.0 * mean, "{seed}: {least} {mean} {most}");
            let kept = trustworthiness(&grid, &map, 5)?;
            assert!(kept > 0.95, "{method:?}, seed {seed}: {kept}");
        }
    }
    Ok(())
}

#[test]
fn one_seed_gives_one_map_and_several_perplexities_share_their_neighbors() -> Tested {
    let (points, classes) = clouds(700, 4, 12);
    let features = Features::new(&points)?.classes(&classes, &["a", "b", "c", "d"])?;
    let options = quiet().perplexities([10.0, 40.0]).iterations(120).record(50);
    let (first, second) = (options.run(&features)?, options.run(&features)?);
    for (one, other) in first.layouts().iter().zip(second.layouts()) {
        assert_eq!(difference(&one.points, &other.points), 0.0, "perplexity {:?}", one.perplexity);
    }
    let alone = options.clone().perplexities([10.0]).run(&features)?;
    assert_eq!(difference(&alone.layouts()[0].points, &first.layouts()[0].points), 0.0);
    let other = options.clone().seed(1).start(Start::Random).run(&features)?;
    assert!(difference(&other.layouts()[0].points, &first.layouts()[0].points) > 1.0);

    let figure = first.figure()?;
    assert_eq!(figure.values().len(), 2);
    assert!(figure.description().contains("perplexity: 10, 40"), "{}", figure.description());
    assert!(figure.description().contains("KL divergence"), "{}", figure.description());
    let film = first.film()?;
    let steps: Vec<u64> = film.frames().iter().map(|frame| frame.step).collect();
    assert_eq!(steps, [50, 100, 120]);
    assert!(pca(&features)?.film().is_err());
    Ok(())
}

#[test]
fn a_map_is_watched_stopped_and_bounded_in_time() -> Tested {
    let (points, _) = clouds(200, 4, 6);
    let features = Features::new(&points)?;
    let mut seen = Vec::new();
    let map = quiet().run_with(&features, 20, |step| {
        assert_eq!((step.points.size(), step.iterations), (vec![200, 2], 1000));
        seen.push((step.iteration, step.divergence));
        step.iteration < 60
    })?;
    assert_eq!(seen.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [20, 40, 60]);
    assert_eq!(map.layouts()[0].iterations, 60);
    assert!(format!("{map:?}").contains("stopped after 60 of 1000 iterations"), "{map:?}");
    let none = quiet().time_limit(Duration::ZERO).run(&features)?;
    assert_eq!(none.layouts()[0].iterations, 0);
    Ok(())
}

#[test]
fn new_points_find_their_class_and_old_ones_their_place() -> Tested {
    let (points, classes) = clouds(1000, 5, 20);
    let known = Features::new(&points.narrow(0, 0, 800))?;
    for method in [TsneMethod::Exact, TsneMethod::Interpolated] {
        let map = quiet().method(method).iterations(400).run(&known)?;
        let old = &map.layouts()[0].points;
        let new = map.place(&points.narrow(0, 800, 200))?;
        assert_eq!(new.size(), [200, 2]);
        // The class of the nearest old point.
        let nearest = Tensor::cdist(&new, old, 2.0, None).argmin(1, false);
        let wrong = classes.index_select(0, &nearest).ne_tensor(&classes.narrow(0, 800, 200));
        assert_eq!(wrong.sum(Kind::Int64).int64_value(&[]), 0, "{method:?}");
        // A point that is there already lands beside itself.
        let again = map.place(&points.narrow(0, 0, 800))?;
        let apart = (&again - old).square().sum_dim_intlist(1, false, Kind::Float).sqrt();
        let reach = (old.max() - old.min()).double_value(&[]);
        let apart = apart.median().double_value(&[]);
        assert!(apart < 0.03 * reach, "{method:?}: {apart} of {reach}");
        assert!(map.place(&Tensor::zeros([3, 7], cpu(Kind::Float))).is_err());
    }
    assert!(pca(&known)?.place(&points).is_err());
    Ok(())
}

#[test]
fn bad_input_is_refused_by_name() -> Tested {
    let refused = |values: Tensor| {
        let outcome = Features::new(&values).and_then(|features| quiet().run(&features));
        outcome.expect_err("refused").to_string()
    };
    let (points, _) = clouds(100, 3, 4);
    let broken = points.copy();
    let _ = broken.get(17).get(2).fill_(f64::NAN);
    let message = refused(broken.shallow_clone());
    assert!(message.contains("1 of 100 rows") && message.contains("row 17"), "{message}");
    let _ = broken.get(17).get(2).fill_(f64::INFINITY);
    assert!(refused(broken).contains("NaN or infinite"));
    let message = refused(points.narrow(0, 0, 89));
    assert!(
        message.contains("89 points are too few") && message.contains("at most 29"),
        "{message}"
    );
    assert!(refused(Tensor::full([100, 4], 0.3, cpu(Kind::Float))).contains("all rows"));
    assert!(refused(Tensor::zeros([100], cpu(Kind::Float))).contains("expected [N, D]"));
    assert!(refused(Tensor::zeros([0, 4], cpu(Kind::Float))).contains("at least one row"));

    let features = Features::new(&points)?;
    for (options, word) in [
        (quiet().perplexities([]), "perplexity"),
        (quiet().perplexities([f64::NAN]), "perplexity of NaN"),
        (quiet().iterations(0), "iteration"),
        (quiet().early_exaggeration(0.5), "exaggeration"),
        (quiet().learning_rate(-1.0), "learning rate"),
    ] {
        let message = options.run(&features).expect_err(word).to_string();
        assert!(message.contains(word), "{message}");
    }
    // Points that fly apart neither fill the memory nor stop the program.
    let (many, _) = clouds(700, 3, 4);
    for method in [TsneMethod::Exact, TsneMethod::Interpolated] {
        let rate = 1e12;
        let wild = quiet().method(method).learning_rate(rate).iterations(40);
        if let Ok(map) = wild.run(&Features::new(&many)?) {
            assert!(numbers(&map.layouts()[0].points).iter().all(|v| v.is_finite()), "{method:?}");
        }
    }
    // More than any machine has: refused before the work begins.
    let many = Tensor::zeros([1, 1], cpu(Kind::Float)).expand([3_000_000, 2], false);
    let many = Features::new(&(many + Tensor::arange(3_000_000, cpu(Kind::Float)).unsqueeze(1)))?;
    let exact = quiet().method(TsneMethod::Exact);
    let message = exact.run(&many).expect_err("no memory").to_string();
    assert!(message.contains("GiB free"), "{message}");

    assert!(Pca::fit(&points, 5).is_err() && Pca::fit(&points, 0).is_err());
    let same = Pca::fit(&Tensor::full([9, 4], 0.1, cpu(Kind::Float)), 1);
    assert!(same.expect_err("alike").to_string().contains("alike"));
    assert!(Pca::fit(&points, 2)?.transform(&Tensor::zeros([3, 5], cpu(Kind::Float))).is_err());
    assert!(neighbor_accuracy(&points, &Tensor::zeros([9], cpu(Kind::Int64)), 3).is_err());
    assert!(trustworthiness(&points, &points, 50).is_err());
    Ok(())
}

#[test]
fn doubles_and_few_points_are_handled() -> Tested {
    // Each point 8 times, more than some neighbors' lists hold; and single ones.
    let (points, _) = clouds(100, 3, 4);
    let doubles = points.repeat([8, 1]);
    for method in [TsneMethod::Exact, TsneMethod::Interpolated] {
        let options = quiet().method(method).perplexities([5.0]).iterations(150);
        let map = options.run(&Features::new(&doubles)?)?;
        assert!(numbers(&map.layouts()[0].points).iter().all(|v| v.is_finite()), "{method:?}");
    }
    let few = tsne(&Features::new(&points.narrow(0, 0, 4))?)?;
    assert_eq!(few.layouts()[0].points.size(), [4, 2]);
    assert!(few.layouts()[0].quality.is_none());
    few.image()?;
    // One column, which has no second component.
    let line = Features::new(&points.narrow(1, 0, 1))?;
    assert!(pca(&line).is_err());
    quiet().run(&line)?;
    Ok(())
}

#[test]
fn features_come_from_photos_data_folders_and_tensors() -> Tested {
    let net = zoo::digits()?;
    let samples = data::digits(30, 4)?;
    let photos: Vec<Photo> = samples.iter().map(|(photo, _)| photo.clone()).collect();
    let dataset = Dataset::prepare(&net, &samples)?;
    let input = dataset.images();
    let maps = net.activations(input, &["relu2"])?.remove(0);
    let bytes = ((input * 0.3081 + 0.1307) * 255.0).round().to_kind(Kind::Uint8);
    let file = scratch("embed_set").join("drawn.safetensors");
    Tensor::write_safetensors(&[("images", &bytes), ("labels", dataset.labels())], &file)?;
    let set = ImageSet::open(&file)?;
    for (pooling, expected) in [
        (Pooling::Mean, maps.mean_dim([2i64, 3].as_slice(), false, Kind::Float)),
        (Pooling::Max, maps.amax([2, 3], false)),
        (Pooling::Flatten, maps.flatten(1, -1)),
    ] {
        let tensor = net.features_tensor(input, "relu2", pooling)?;
        assert!(difference(&tensor, &expected) < 1e-5, "{pooling:?}");
        let of_set = net.features(&set, "relu2", pooling)?;
        assert!(difference(of_set.values(), &expected) < 1e-5, "{pooling:?}");
        assert_eq!(of_set.class_numbers(), Some(set.labels()));
        let labeled = net.features(&samples, "relu2", pooling)?;
        assert!(difference(labeled.values(), &expected) < 1e-5, "{pooling:?}");
    }
    assert_eq!(net.features(&photos, "fc1", Pooling::Mean)?.values().size(), [30, 64]);
    assert!(net.features(&Vec::<Photo>::new(), "fc1", Pooling::Mean).is_err());
    assert!(net.features(&photos, "fc9", Pooling::Mean).is_err());

    let folder = scratch("embed_folder");
    assert!(data::Folder::open(&folder).is_err(), "an empty folder");
    for (at, (photo, class)) in samples.iter().enumerate() {
        let subfolder = folder.join(format!("digit{class}"));
        std::fs::create_dir_all(&subfolder)?;
        photo.pixels().save(subfolder.join(format!("{at:02}.png")))?;
    }
    std::fs::write(folder.join("notes.txt"), "no picture")?;
    let features = net.features(&data::Folder::open(&folder)?, "relu3", Pooling::Mean)?;
    assert_eq!(features.values().size(), [30, 64]);
    let classes: Vec<i64> = Vec::try_from(features.class_numbers().expect("classes"))?;
    assert_eq!(classes, (0..30).map(|at| at / 3).collect::<Vec<i64>>());
    let first = net.features(&photos[0..1], "relu3", Pooling::Mean)?;
    assert!(difference(&features.values().narrow(0, 0, 1), first.values()) < 1e-5);
    std::fs::write(folder.join("digit3/zz.png"), b"\x89PNG\r\n\x1a\nbroken")?;
    let broken = data::Folder::open(&folder)?;
    let message = net.features(&broken, "relu3", Pooling::Mean).expect_err("broken").to_string();
    assert!(message.contains("zz.png") && message.contains("Folder::verified"), "{message}");
    let others = net.features(&broken.verified()?, "relu3", Pooling::Mean)?;
    assert_eq!(difference(others.values(), features.values()), 0.0);

    let vectors = class_vectors(&net)?;
    assert_eq!(difference(vectors.values(), &net.state_dict()[6].1.shallow_clone()), 0.0);
    Ok(())
}

#[test]
fn pca_and_tsne_stand_side_by_side() -> Tested {
    let net = zoo::digits()?;
    let features = net.features(&data::digits(150, 1)?, "relu3", Pooling::Mean)?;
    let both = pca(&features)?.beside(tsne(&features)?)?;
    let words = format!("{both:?}");
    for part in ["digits at `relu3`", "150 points", "10 classes", "% of the variance", "KL"] {
        assert!(words.contains(part), "{words}");
    }
    let bundle = both.bundle()?;
    assert!(bundle.entries().iter().any(|(mime, _)| mime.contains("vega")));
    assert!(tsne(&features)?.labels(&["one"]).is_err());
    let (other, _) = clouds(60, 3, 4);
    assert!(both.beside(pca(&Features::new(&other)?)?).is_err());
    Ok(())
}
