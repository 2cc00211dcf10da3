//! Networks of operations beyond those of PyTorch's classifiers, from ONNX files.

use convscope::network::ReceptiveField;
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, maps_of, scratch};
use crate::occlusion::covered_one_by_one;
use crate::onnx_cases::{
    channels_last, enlarging, exported_windows, image, quantized, repeated_norm, smooth_cases,
    whole_map_norms,
};

#[test]
fn their_values_are_those_of_the_runtime() -> Tested {
    for case in smooth_cases().into_iter().chain([quantized()]) {
        let (net, images) = case.open()?;
        let result = net.forward(&images)?;
        let found = result.reshape(-1).narrow(0, 0, case.expected.len() as i64);
        let off = difference(&found, &Tensor::from_slice(case.expected));
        assert!(off < 1e-5, "{}: {off}", case.name);
        // Each image alone, and in the form for inference.
        for at in 0..case.shape[0] {
            let (one, expected) = (images.narrow(0, at, 1), result.narrow(0, at, 1));
            assert!(difference(&net.forward(&one)?, &expected) < 1e-5, "{} {at}", case.name);
            let folded = net.for_inference()?.forward(&one)?;
            assert!(difference(&folded, &expected) < 1e-5, "{} {at}", case.name);
        }
    }
    Ok(())
}

#[test]
fn their_gradients_are_the_slopes() -> Tested {
    for case in smooth_cases() {
        let (net, images) = case.open()?;
        let (net, images) = (net.to_kind(Kind::Double)?, images.to_kind(Kind::Double));
        let score = |output: &Tensor| {
            let phase = Tensor::arange(output.numel() as i64, cpu(Kind::Double)).f_cos()?;
            output.f_reshape(-1)?.f_mul(&phase)?.f_sum(Kind::Double)
        };
        let gradient = net.gradients(&images, &["input"], score)?.gradients.remove(0);
        let places = Tensor::arange(images.numel() as i64, cpu(Kind::Double));
        let direction = (places * 1.7).sin().reshape(case.shape);
        let at = |step: f64| -> Result<f64, Box<dyn std::error::Error>> {
            Ok(score(&net.forward(&(&images + &direction * step))?)?.double_value(&[]))
        };
        let slope = (at(1e-6)? - at(-1e-6)?) / 2e-6;
        let said = (gradient * direction).sum(Kind::Double).double_value(&[]);
        assert!(
            (said - slope).abs() < 1e-4 * slope.abs().max(1.0),
            "{}: {said}, {slope}",
            case.name
        );
    }
    Ok(())
}

#[test]
fn occlusion_by_regions_equals_covering_each_place() -> Tested {
    for case in smooth_cases() {
        let (net, images) = case.open()?;
        if net.forward(&images)?.dim() != 2 {
            continue;
        }
        let (net, image) =
            (net.to_kind(Kind::Double)?, images.to_kind(Kind::Double).narrow(0, 0, 1));
        let patches = Patches::new(3).stride(2);
        let ours = maps_of(&patches, &net, &image, &[Target::Class(1)])?.get(0);
        let expected = covered_one_by_one(&net, &image, 1, [3, 3], [2, 2]);
        let off = difference(&ours, &expected) / expected.abs().max().double_value(&[]);
        assert!(off < 1e-6, "{}: {off}", case.name);
    }
    Ok(())
}

#[test]
fn behind_statistics_of_the_whole_map_units_see_all() -> Tested {
    for case in whole_map_norms() {
        let (net, images) = case.open()?;
        let fields = net.receptive_fields(&images.size())?;
        let at = |op: &str| net.nodes().iter().position(|node| node.op.name() == op);
        let (before, behind) = (at("Conv2d").ok_or("no conv")?, at("ReLU").ok_or("no ReLU")?);
        let window = ReceptiveField::Window { size: 3, jump: 1, start: 0 };
        assert_eq!(fields[before], [window; 2], "{}", case.name);
        assert_eq!(fields[behind], [ReceptiveField::Whole; 2], "{}", case.name);
    }
    // An enlargement's units see a window still.
    let unet = enlarging().remove(1);
    let (net, images) = unet.open()?;
    let mask = net.receptive_fields(&images.size())?[net.nodes().len() - 1];
    assert!(mask.iter().all(|field| field.size().is_some_and(|size| size < 20)), "{mask:?}");
    Ok(())
}

#[test]
fn maps_with_their_channels_last_come_with_them_first() -> Tested {
    let folder = scratch("onnx_channels_last");
    let net = channels_last(&folder)?;
    let images = image([2, 3, 9, 7]);
    let result = net.forward(&images)?;
    assert_eq!(result.size(), [2, 4, 4, 3]);
    // What the file computes is there still, under the name of its node.
    let last = net.activations(&images, &["the_y"])?.remove(0);
    assert_eq!(last.size(), [2, 4, 3, 4]);
    assert!(result.equal(&last.permute([0, 3, 1, 2])));
    let named = net.clone().with_output("y")?.forward(&images)?;
    assert!(named.equal(&result));
    assert!(
        (result.sum_dim_intlist(1, false, Kind::Float) - 1.0).abs().max().double_value(&[]) < 1e-6
    );
    assert!(
        net.layer_names().iter().all(|name| net
            .layer_names()
            .iter()
            .filter(|n| *n == name)
            .count()
            == 1)
    );
    let map = net.segment(&TensorImage::new("waves", &images.narrow(0, 0, 1))?)?;
    assert!(map.probabilities().numbers().iter().all(|&p| (0.25..=1.0).contains(&p)));
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

#[test]
fn windows_of_a_file_for_some_images_are_those_of_any_number() -> Tested {
    let folder = scratch("onnx_windows");
    for made_for in [1, 2, 32] {
        let net = exported_windows(&folder, made_for)?;
        for count in [1, 3] {
            let images = image([count, 3, 8, 8]);
            let apart = images.reshape([count, 3, 2, 4, 2, 4]).permute([0, 2, 4, 1, 3, 5]);
            let expected = (&apart - apart.amax(-1, true)).reshape([count, -1]);
            assert_eq!(difference(&net.forward(&images)?, &expected), 0.0, "{made_for}, {count}");
        }
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

#[test]
fn a_mask_is_explained_by_a_score_of_it() -> Tested {
    let (net, images) = enlarging().remove(1).open()?;
    let target = Target::score("class 1", |mask| mask.f_select(1, 1)?.f_sum(Kind::Float));
    let one = images.narrow(0, 0, 1);
    let targets = [target];
    let cam = maps_of(&GradCam::at("k"), &net, &one, &targets)?;
    assert_eq!(cam.size(), [1, 8, 12]);
    assert!(cam.abs().max().double_value(&[]) > 0.0);
    let refused = maps_of(&GuidedBackprop, &net, &one, &targets);
    let refused = refused.err().ok_or("a PReLU is no ReLU")?.to_string();
    assert!(refused.contains("PReLU"), "{refused}");
    Ok(())
}

#[test]
fn rounding_passes_gradients_straight_through() -> Tested {
    let (net, images) = quantized().open()?;
    let score = |output: &Tensor| output.f_select(1, 2)?.f_sum(Kind::Float);
    let gradient = net.gradients(&images, &["input"], score)?.gradients.remove(0);
    // The weights of the convolution, as if there were no rounding between.
    let weight = net.state_dict().into_iter().find(|(name, _)| name.ends_with("weight"));
    let (_, weight) = weight.ok_or("no weight")?;
    let corner = gradient.select(0, 0).select(1, 0).select(1, 0) * 16.0;
    let expected = weight.select(0, 2).select(1, 0).select(1, 0);
    assert!(difference(&corner, &expected) < 1e-6, "{corner} {expected}");
    Ok(())
}

#[test]
fn a_batch_norm_of_one_number_repeated_has_the_right_gradient() -> Tested {
    let folder = scratch("onnx_repeated");
    let net = repeated_norm(&folder)?;
    let images = image([2, 3, 6, 5]);
    // 0.25 is the scale, the shift, the mean and the variance.
    let slope = 0.25 / (0.25f64 + 1e-5).sqrt();
    let expected = (&images - 0.25) * slope + 0.25;
    assert!(difference(&net.forward(&images)?, &expected) < 1e-6);
    let gradient =
        net.gradients(&images, &["input"], |y| y.f_sum(Kind::Float))?.gradients.remove(0);
    assert!(difference(&gradient, &(images.ones_like() * slope)) < 1e-6, "{gradient}");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
