//! Explanations of wrong predictions beside those of right ones.

use super::{Attribution, explain};
use crate::data::Samples;
use crate::live::{Progress, stopped};
use crate::network::Network;
use crate::view::{Heatmap, Heatmaps, Prediction};
use crate::{Error, Result};

/// The most mistakes shown.
const SHOWN: usize = 4;

/// For each wrong prediction, the surest first, up to four: the map for the class that the network
/// said, the map for the true class, and beside them a picture of that class which it gets right,
/// explained for it. All on one color scale.
///
/// `samples` are images with labels. The last column is left out where some class has no image that is
/// right.
///
/// # Errors
///
/// No mistakes among the samples; those of the method.
///
/// ```
/// use convscope::prelude::*;
/// manual_seed(3);
/// let net = zoo::digits_untrained()?;             // which is nearly always wrong
/// let figure = compare_predictions(&net, &data::digits(20, 5)?, &Saliency::default())?;
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn compare_predictions(
    net: &Network,
    samples: &(impl Samples + ?Sized),
    method: &dyn Attribution,
) -> Result<Heatmaps> {
    let seen = net.predict(samples)?;
    let (wrong, right) = (seen.wrong(), seen.right());
    if wrong.predictions().is_empty() {
        return Err(Error::Argument(format!(
            "{} is right on all {} images: there is nothing to compare. Give more, or harder ones.",
            net.name(),
            samples.len()
        )));
    }
    let maps = |prediction: &Prediction, classes: &[usize]| -> Result<Vec<Heatmap>> {
        let photo = samples.photo(prediction.index)?;
        classes.iter().map(|&class| explain(net, &*photo, class, method)).collect()
    };
    let shown = wrong.predictions().iter().take(SHOWN);
    let pairs: Vec<(&Prediction, [usize; 2])> = shown
        .filter_map(|wrong| {
            Some((wrong, [wrong.guesses.first()?.class, wrong.truth.as_ref()?.class]))
        })
        .collect();
    let example = |class: usize| {
        right
            .predictions()
            .iter()
            .find(|right| right.guesses.first().is_some_and(|g| g.class == class))
    };
    let complete = pairs.iter().all(|(_, [_, truth])| example(*truth).is_some());
    let all = pairs.len();
    let mut progress = Progress::new("maps of mistakes");
    let mut rows = Vec::with_capacity(all);
    for (wrong, [said, truth]) in pairs {
        let mut row = maps(wrong, &[said, truth])?;
        if let Some(example) = example(truth).filter(|_| complete) {
            row.extend(maps(example, &[truth])?);
        }
        let name = format!("{}, predicted as {}", net.class_name(truth), net.class_name(said));
        rows.push((name, row));
        let done = rows.len();
        progress.step(done, all, || format!("{done} of {all} images"));
        if progress.is_over() {
            break;
        }
    }
    let stopped = stopped(rows.len(), all);
    let mut columns = vec!["predicted class", "true class"];
    if complete {
        columns.push("correct example");
    }
    let count = wrong.predictions().len();
    let title = format!("{} of the mistakes of {}", method.name(), net.name());
    let figure = Heatmaps::grid(title, columns, rows)?;
    let figure = figure.note(format!("{count} of {} predictions are wrong", samples.len()));
    Ok(stopped.into_iter().fold(figure, Heatmaps::note))
}
