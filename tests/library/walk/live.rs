//! Figures that are drawn in place, and progress: with odd names, and with counts of any size.

use convscope::prelude::*;
use convscope::view::Curves;

use super::{COUNTS, TIMES, Walk, names, walk};

#[test]
fn live() {
    walk("live::live", |walk| {
        for name in names() {
            progress(walk, &name);
            walk.call(format!("a live figure of {name:.12}"), || {
                let mut live = Live::new();
                live.update(&Curves::new(name.as_str(), &name, Vec::new()));
                live.finish();
                Ok(())
            });
        }
        Ok(())
    });
}

fn progress(walk: &mut Walk, name: &str) {
    for time in TIMES {
        walk.call(format!("progress of {name:.12}"), || {
            let mut progress = Progress::new(name).time_limit(Some(time)).quiet(name.is_empty());
            progress.say(name);
            for (done, all) in COUNTS.into_iter().zip(COUNTS.into_iter().rev()) {
                progress.step(done, all, || name.to_owned());
                let _ = progress.is_over();
            }
            let _ = progress.over(0..3).count();
            Ok(())
        });
    }
}
