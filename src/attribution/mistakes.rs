//! Explanations of wrong predictions beside those of right ones.

use super::Method;
use super::method::explain;
use crate::network::Network;
use crate::view::{Heatmap, Heatmaps, Prediction};
use crate::{Error, Photo, Result};

/// So many mistakes are shown.
const SHOWN: usize = 4;

/// For each wrong prediction, the surest first, up to four: the map for the class that the network
/// said, the map for the true class, and beside them a picture of that class which it gets right,
/// explained for it. All on one colour scale.
///
/// `samples` are pictures with their true classes, as [`Network::predict_labelled`] takes them. The
/// last column is left out where some class has no picture that is right.
///
/// Errors: no mistakes among the samples; those of the method.
///
/// ```
/// use convscope::prelude::*;
/// manual_seed(3);
/// let net = zoo::digits_untrained()?;             // which is nearly always wrong
/// let figure = compare_predictions(&net, &data::digits(20, 5)?, &Method::saliency())?;
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn compare_predictions(
    net: &Network,
    samples: &[(Photo, usize)],
    method: &Method,
) -> Result<Heatmaps> {
    let seen = net.predict_labelled(samples)?;
    let (wrong, right) = (seen.wrong(), seen.right());
    if wrong.predictions().is_empty() {
        return Err(Error::Argument(format!(
            "{} is right on all {} pictures: there is nothing to compare. Give more, or harder ones.",
            net.name(),
            samples.len()
        )));
    }
    let map = |prediction: &Prediction, class: usize| -> Result<Heatmap> {
        let sample = samples.get(prediction.index);
        let (photo, _) =
            sample.ok_or_else(|| Error::Argument("a picture is missing".to_owned()))?;
        explain(net, photo, class, method)
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
    let mut rows = Vec::with_capacity(pairs.len());
    for (wrong, [said, truth]) in pairs {
        let mut maps = vec![map(wrong, said)?, map(wrong, truth)?];
        if let Some(example) = example(truth).filter(|_| complete) {
            maps.push(map(example, truth)?);
        }
        let name = format!("{}, taken for {}", net.class_name(truth), net.class_name(said));
        rows.push((name, maps));
    }
    let mut columns = vec!["for what it said", "for what it is"];
    if complete {
        columns.push("one that is right");
    }
    let count = wrong.predictions().len();
    let title = format!("{} of what {} gets wrong", method.name(), net.name());
    let figure = Heatmaps::grid(title, columns, rows)?;
    Ok(figure.note(format!("{count} of {} pictures are wrong", samples.len())))
}
