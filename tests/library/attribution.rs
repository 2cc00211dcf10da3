//! Saliency: values, targets, and what is refused.

use convscope::prelude::*;

use crate::helpers::{Tested, difference, painted};

#[test]
fn saliency_is_the_largest_absolute_gradient_of_the_channels() -> Tested {
    let net = zoo::digits()?;
    let photo = data::digit(5, 3)?;
    let map = saliency(&net, &photo, 5usize)?;
    let input = net.prepare(&photo)?;
    let run = net.gradients(&input, &["input"], |logits| logits.f_get(0)?.f_get(5))?;
    let expected = run.gradients[0].abs().amax([1], false).get(0);
    assert_eq!(difference(map.values(), &expected), 0.0);
    assert!(map.values().min().double_value(&[]) >= 0.0);
    assert!(map.title.contains("Saliency of 5"), "{}", map.title);
    Ok(())
}

#[test]
fn targets_by_top_number_and_name_agree() -> Tested {
    let net = zoo::digits()?;
    let photo = data::digit(7, 1)?;
    let top = saliency(&net, &photo, Target::Top)?;
    let by_number = saliency(&net, &photo, 7usize)?;
    let by_name = saliency(&net, &photo, "7")?;
    assert_eq!(difference(top.values(), by_number.values()), 0.0);
    assert_eq!(difference(top.values(), by_name.values()), 0.0);
    let other = saliency(&net, &photo, 2usize)?;
    assert!(difference(top.values(), other.values()) > 0.0, "the target matters");
    Ok(())
}

#[test]
fn unknown_classes_are_refused_with_the_nearest() -> Tested {
    let net = zoo::digits()?;
    let photo = data::digit(7, 1)?;
    let number = saliency(&net, &photo, 10usize).expect_err("ten classes").to_string();
    assert!(number.contains("no class 10") && number.contains("10 classes"), "{number}");
    let name = saliency(&net, &photo, "seven").expect_err("not a name").to_string();
    assert!(name.contains("`seven`") && name.contains("Nearest"), "{name}");
    Ok(())
}

#[test]
fn any_photo_fits_a_network_whatever_its_size() -> Tested {
    let net = zoo::digits()?;
    for (width, height) in [(1, 1), (300, 7), (7, 300), (28, 28), (1001, 997)] {
        let map = saliency(&net, &painted(width, height), Target::Top)?;
        assert_eq!(map.values().size(), [28, 28], "{width}×{height}");
    }
    Ok(())
}
