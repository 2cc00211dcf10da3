//! Features, PCA, t-SNE and their quality.

use convscope::embed::{PcaMethod, Quality, divergence, neighbor_accuracy, trustworthiness};
use convscope::prelude::*;

use super::{COUNTS, REALS, TIMES, names, tensors, walk};

#[test]
fn embedding() {
    walk("embed::embedding", |walk| {
        let points = Tensor::rand([12, 5], (Kind::Float, Device::Cpu));
        for (name, tensor) in tensors() {
            walk.call(format!("features {name}"), || {
                let features = Features::new(&tensor)?;
                let _ = (pca(&features).map(|map| map.figure()), features.len());
                tsne(&features)?.figure()
            });
            walk.call(format!("fit {name}"), || Pca::fit(&tensor, 2)?.transform(&points));
            walk.call(format!("transform {name}"), || Pca::fit(&points, 2)?.transform(&tensor));
            walk.call(format!("place {name}"), || pca(&Features::new(&points)?)?.place(&tensor));
            walk.call(format!("classes {name}"), || {
                Features::new(&points)?.classes(&tensor, &["a", "b"])?.labels(&["x"; 12])
            });
            walk.call(format!("quality {name}"), || Quality::of(&points, &tensor));
            walk.call(format!("trustworthiness {name}"), || trustworthiness(&points, &tensor, 3));
            walk.call(format!("of features {name}"), || trustworthiness(&tensor, &points, 3));
            walk.call(format!("accuracy {name}"), || neighbor_accuracy(&points, &tensor, 3));
            walk.call(format!("divergence {name}"), || divergence(&points, &tensor, 2.0));
            walk.call(format!("features of {name}"), || {
                zoo::digits()?.features_tensor(&tensor, "relu3", Pooling::Flatten)
            });
        }
        let map = points.narrow(1, 0, 2);
        for count in COUNTS {
            for method in [PcaMethod::Exact, PcaMethod::Randomized { seed: 1 }] {
                walk.call(format!("{count} components"), || Pca::fit_by(&points, count, method));
            }
            walk.call(format!("k {count}"), || trustworthiness(&points, &map, count));
            walk.call(format!("accuracy k {count}"), || {
                neighbor_accuracy(&points, &Tensor::zeros([12], (Kind::Int64, Device::Cpu)), count)
            });
            walk.call(format!("device {count}"), || {
                Features::new(&points)?.to_device(Device::Cuda(count))
            });
        }
        for name in names() {
            walk.call(format!("features of {name:.20}"), || {
                zoo::digits()?.features(&data::digits(4, 1)?, &name, Pooling::default())
            });
            walk.figure(format!("colors of {name:.20}"), || {
                zoo::digits()?.patch_colors(&data::digits(2, 1)?, &name)
            });
            walk.call(format!("hub {name:.20}"), || zoo::hub(&name));
            walk.figure(format!("titled {name:.20}"), || {
                pca(&Features::new(&points)?.titled(&name).labels(&[&name; 12])?)?.figure()
            });
        }
        Ok(())
    });
}

#[test]
fn options() {
    walk("embed::options", |walk| {
        let features = Features::new(&Tensor::rand([24, 5], (Kind::Float, Device::Cpu)))?;
        let mut try_all = |name: String, options: Tsne| {
            walk.call(name, || options.quiet().run(&features)?.figure()?.image());
        };
        let brief = || Tsne::default().iterations(3);
        for count in COUNTS {
            try_all(
                format!("{count} steps"),
                Tsne::default().iterations(count).time_limit(TIMES[0]),
            );
            try_all(format!("record {count}"), brief().record(count));
            try_all(format!("seed {count}"), brief().seed(count as u64));
        }
        for real in REALS {
            try_all(format!("perplexity {real}"), brief().perplexities([real]));
            try_all(format!("exaggeration {real}"), brief().early_exaggeration(real));
            try_all(format!("rate {real}"), brief().learning_rate(real));
        }
        for time in TIMES {
            try_all(format!("{time:?}"), brief().time_limit(time));
        }
        try_all("no perplexities".to_owned(), brief().perplexities([]));
        walk.call("watched", || {
            Tsne::default().iterations(2).run_with(&features, usize::MAX, |_| true)
        });
        walk.call("watched always", || {
            Tsne::default().iterations(2).run_with(&features, 0, |_| false)
        });
        Ok(())
    });
}
