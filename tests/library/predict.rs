//! Several pictures at once, right and wrong told apart.

use convscope::prelude::*;
use convscope::view::{Guess, Prediction, Predictions};
use image::{Rgb, RgbImage};

use crate::golden::golden;
use crate::helpers::Tested;

#[test]
fn many_pictures_are_classified_as_each_alone() -> Tested {
    let net = zoo::digits()?;
    let (photos, labels): (Vec<Photo>, Vec<usize>) = data::digits(70, 5)?.into_iter().unzip();
    let together = net.predict(&photos)?;
    assert_eq!(together.predictions().len(), 70);
    assert_eq!(together.accuracy(), None, "nobody said what is right");
    for index in [0, 31, 32, 69] {
        let (one, alone) = (&together.predictions()[index], net.classify(&photos[index])?);
        assert_eq!((one.index, one.guesses[0].class), (index, alone.best().class));
        assert!((one.guesses[0].probability - alone.best().probability).abs() < 1e-6);
    }
    let samples: Vec<_> = photos.into_iter().zip(labels).collect();
    let judged = net.predict(&samples)?;
    let right = judged.right().predictions().len();
    assert_eq!(judged.accuracy(), Some(right as f64 / 70.0));
    assert_eq!(judged.wrong().predictions().len(), 70 - right);
    assert!(right >= 68, "{right} of 70");
    Ok(())
}

#[test]
fn mistakes_come_the_surest_first_with_what_was_true() -> Tested {
    tch::manual_seed(2);
    let judged = zoo::digits_untrained()?.predict(&data::digits(50, 5)?)?;
    let wrong = judged.wrong();
    let sure: Vec<f64> = wrong.predictions().iter().map(|p| p.guesses[0].probability).collect();
    assert!(sure.len() > 20 && sure.is_sorted_by(|a, b| a >= b), "{sure:?}");
    // The share that is right is still that of all.
    assert!(wrong.description().contains(" right of 50 pictures"), "{}", wrong.description());
    for mistake in wrong.predictions() {
        let truth = mistake.truth.as_ref().expect("labeled");
        assert_eq!(truth.class, mistake.index % 10);
        assert!(truth.probability <= mistake.guesses[0].probability);
    }
    Ok(())
}

#[test]
fn a_label_that_is_no_class_is_refused() -> Tested {
    let samples = [(data::digit(1, 1)?, 10)];
    let error = zoo::digits()?.predict(&samples).expect_err("ten classes").to_string();
    assert!(error.contains("label 10") && error.contains("[1, 10]"), "{error}");
    assert!(
        zoo::digits()?.predict(&Vec::<Photo>::new())?.image().is_ok(),
        "no pictures are a small figure"
    );
    Ok(())
}

#[test]
fn predictions_golden() -> Tested {
    let guess = |class: usize, probability| {
        let name = ["cat", "a class with a long name", "<b>dog</b>"][class].to_owned();
        Guess { class, name, probability }
    };
    let prediction = |index: usize, (width, height), truth: Option<usize>| Prediction {
        index,
        title: format!("picture {index}"),
        picture: RgbImage::from_fn(width, height, |x, y| Rgb([(x * 9) as u8, (y * 9) as u8, 90])),
        guesses: vec![guess(index % 3, 0.9 - 0.1 * index as f64), guess((index + 1) % 3, 0.05)],
        truth: truth.map(|class| guess(class, 0.021)),
    };
    let mixed = vec![
        prediction(0, (28, 28), Some(0)),
        prediction(1, (40, 20), Some(2)),
        prediction(2, (300, 500), Some(2)),
        prediction(3, (28, 28), Some(1)),
        prediction(4, (5, 9), Some(1)),
        prediction(5, (28, 28), None),
        prediction(6, (28, 28), None),
    ];
    golden("predictions", &Predictions::new("What a test sees", mixed)?)
}
