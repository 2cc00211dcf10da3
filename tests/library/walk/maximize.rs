//! Activation maximization.

use convscope::maximize::{Ascent, Parameters, Robust, Start};
use convscope::prelude::*;

use super::{COUNTS, PIXELS, REALS, TIMES, names, tensors, walk};

fn brief() -> Maximize {
    Maximize::lucid().steps(2).frames(1).quiet()
}

#[test]
fn objectives() {
    walk("maximize::objectives", |walk| {
        let net = zoo::digits()?;
        let mut try_all = |name: String, objective: Objective| {
            walk.call(format!("{name:.60}"), || brief().run(&net, &objective)?.photo());
            walk.call(format!("{name:.60}, classic"), || {
                Maximize::classic().steps(2).quiet().run(&net, &objective)
            });
        };
        for count in COUNTS {
            try_all(format!("class {count}"), Objective::class(count));
            try_all(format!("channel {count}"), Objective::channel("conv2", count));
            try_all(format!("neuron {count}"), Objective::neuron("relu2", 0, [count, 1]));
        }
        for name in names() {
            try_all(format!("class {name}"), Objective::class(name.as_str()));
            try_all(format!("layer {name}"), Objective::layer(&name));
            try_all(format!("diversity {name}"), Objective::diversity(&name));
        }
        for real in REALS {
            try_all(format!("{real} of a class"), real * Objective::class(3));
            try_all(
                format!("{real} of TV"),
                Objective::class(3) - real * Objective::total_variation(),
            );
        }
        for (name, tensor) in tensors() {
            try_all(format!("direction {name}"), Objective::direction("relu2", &tensor));
            try_all(format!("dot {name}"), Objective::dot("relu2", &tensor));
            try_all(format!("cosine {name}"), Objective::cosine("relu2", &tensor));
        }
        try_all(
            "penalties alone".to_owned(),
            Objective::l1() + Objective::l2() + Objective::blur(),
        );
        Ok(())
    });
}

#[test]
fn options() {
    walk("maximize::options", |walk| {
        let net = zoo::digits()?;
        let mut try_all = |name: String, options: Maximize| {
            walk.figure(name, || options.quiet().run(&net, 3)?.film());
        };
        for count in COUNTS {
            try_all(format!("{count} steps"), brief().steps(count).time_limit(TIMES[0]));
            try_all(format!("{count} frames"), brief().frames(count));
            try_all(format!("{count} images"), brief().images(count).size(2, 2));
            try_all(format!("patience {count}"), brief().patience(count));
            try_all(format!("seed {count}"), brief().seed(count as u64));
        }
        for pixels in PIXELS {
            try_all(format!("height {pixels}"), brief().size(pixels, 28));
            try_all(format!("size {pixels}"), brief().size(pixels, pixels));
            let robust = Robust { pad: pixels, ..Robust::NONE };
            try_all(format!("pad {pixels}"), brief().robust(robust));
            let robust = Robust { jitter: pixels, jitter_after: pixels, ..Robust::NONE };
            try_all(format!("jitter {pixels}"), brief().robust(robust));
        }
        for real in REALS {
            try_all(format!("tv {real}"), brief().tv(real));
            try_all(format!("classic tv {real}"), Maximize::classic().steps(2).tv(real));
            try_all(format!("rate {real}"), brief().ascent(Ascent::Adam { rate: real }));
            let plain = Ascent::Plain { rate: Some(real) };
            try_all(format!("plain rate {real}"), brief().ascent(plain));
            let robust = Robust { scale: [real, real], rotate: real, ..Robust::LUCID };
            try_all(format!("robust {real}"), brief().robust(robust));
        }
        for (name, tensor) in tensors() {
            try_all(format!("start {name}"), brief().start(Start::images(&tensor)));
            let pixels = brief().parameters(Parameters::Pixels).start(Start::images(&tensor));
            try_all(format!("pixels from {name}"), pixels);
        }
        for time in TIMES {
            try_all(format!("{time:?}"), brief().steps(3).time_limit(time));
        }
        let brief = brief();
        for name in names() {
            walk.call(format!("layer {name:.20}"), || brief.layer(&net, &name));
            walk.call(format!("units {name:.20}"), || brief.units(&net, &name, &[0]));
            walk.call(format!("depth {name:.20}"), || brief.depth(&net, &[(&name, vec![0])]));
            walk.call(format!("maximize {name:.20}"), || maximize(&net, name.as_str()));
            walk.call(format!("of a layer {name:.20}"), || maximize_layer(&net, &name));
            walk.call(format!("of units {name:.20}"), || maximize_units(&net, &name, &[1]));
        }
        for count in COUNTS {
            walk.call(format!("classes {count}"), || brief.classes(&net, &[count]));
            walk.call(format!("units {count}"), || brief.units(&net, "conv1", &[count]));
            walk.figure(format!("{count} examples"), || {
                dataset_examples(
                    &net,
                    Unit::channel("relu2", count.min(9)),
                    &data::digits(5, 1)?,
                    count,
                )
            });
            walk.figure(format!("examples of channel {count}"), || {
                dataset_examples(
                    &net,
                    Unit::neuron("relu2", count, [0; 2]),
                    &data::digits(5, 1)?,
                    2,
                )
            });
        }
        walk.call("no objectives", || brief.each(&net, &[]));
        Ok(())
    });
}
