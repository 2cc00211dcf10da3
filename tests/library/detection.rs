//! Boxes with labels, in every form in which networks give them.

use convscope::network::{BoxForm, Builder, Detection, ScoreForm, ops};
use convscope::prelude::*;
use convscope::view::Detected;

use crate::helpers::{Tested, cpu};
use crate::outputs::filled;

/// Decoded boxes of every form give the same figure.
#[test]
fn boxes_in_every_form() -> Tested {
    // Two boxes that overlap, and one elsewhere, in an input of 20 by 40 pixels.
    let corners = [[4.0, 2.0, 14.0, 12.0], [5.0, 2.0, 15.0, 12.0], [30.0, 10.0, 38.0, 18.0]];
    let scores = [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]];
    type Form<'a> = &'a dyn Fn([f64; 4]) -> [f64; 4];
    let net = |boxes: Form<'_>, wide: bool, how: Detection| -> convscope::Result<Network> {
        let mut b = Network::builder("fixed", [1, 20, 40]);
        let x = b.global_avg_pool(b.input(), "pool");
        let x = b.flatten(x, "flat");
        let rows: Vec<f32> = corners.iter().flat_map(|&c| boxes(c)).map(|x| x as f32).collect();
        let (rows, all) = (
            Tensor::from_slice(&rows).view([3, 4]),
            Tensor::from_slice(&scores.concat()).view([3, 2]),
        );
        let mut weights = Vec::new();
        let mut head = |b: &mut Builder, name: &str, values: &Tensor| {
            let x = b.linear(x, &format!("{name}_row"), values.numel() as i64);
            weights.push((
                format!("{name}_row.weight"),
                Tensor::zeros([values.numel() as i64, 1], cpu(Kind::Float)),
            ));
            weights.push((format!("{name}_row.bias"), values.to_kind(Kind::Float).reshape([-1])));
            b.op(name, ops::Reshape { shape: vec![-1, values.size()[0], values.size()[1]] }, &[x]);
        };
        match (&how.scores, wide) {
            (Some(_), _) => {
                head(&mut b, "boxes", &rows);
                head(&mut b, "scores", &all);
            }
            (None, wide) => {
                // A fourth to seventh row, as there must be more rows than numbers.
                let joined =
                    Tensor::cat(&[rows.to_kind(Kind::Double), all.to_kind(Kind::Double)], 1);
                let nothing = Tensor::zeros([4, 6], cpu(Kind::Double));
                let joined = Tensor::cat(&[joined, nothing], 0);
                head(&mut b, "boxes", &if wide { joined.tr().contiguous() } else { joined });
            }
        }
        b.build()?
            .load_tensors(weights)?
            .with_detection(how.score_form(ScoreForm::Probabilities).background(Some(0)))
    };
    let photo = Photo::from_image(image::RgbImage::new(40, 20), "black")?;
    let part = |[l, t, r, b]: [f64; 4]| [l / 40.0, t / 20.0, r / 40.0, b / 20.0];
    let center = |[l, t, r, b]: [f64; 4]| [(l + r) / 2.0, (t + b) / 2.0, r - l, b - t];
    let size = |[l, t, r, b]: [f64; 4]| [l, t, r - l, b - t];
    let two = || Detection::new("boxes", "scores");
    let forms = [
        net(&part, false, two())?,
        net(&|c| c, false, two().pixels())?,
        net(&|c| center(part(c)), false, two().form(BoxForm::CenterSize))?,
        net(&size, false, two().form(BoxForm::CornerSize).pixels())?,
        net(&part, false, Detection::rows("boxes"))?,
        net(&center, true, Detection::rows("boxes").form(BoxForm::CenterSize).pixels())?,
    ];
    for net in &forms {
        let found = net.detect(&photo)?;
        let found: Vec<&Detected> = found.objects().iter().collect();
        assert_eq!(found.len(), 2, "{net:?}");
        for (found, (place, probability)) in
            found.iter().zip([(corners[0], 0.9), (corners[2], 0.7)])
        {
            assert!(
                (found.probability - probability).abs() < 1e-6 && found.class == 1,
                "{found:?}"
            );
            let off = found.place.iter().zip(place).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-4, "{found:?}");
        }
    }
    // More may be shown, and none hidden.
    let all = net(&part, false, two().overlap(0.95).threshold(0.75))?.detect(&photo)?;
    assert_eq!((all.objects().len(), all.all().len()), (2, 3));
    Ok(())
}

/// Two outputs, decoded: recognized by themselves.
#[test]
fn the_usual_detector_is_recognized() -> Tested {
    let net = |normalized: bool, form: BoxForm| -> convscope::Result<Network> {
        let scale = if normalized { 1.0 / 28.0 } else { 1.0 };
        let mut b = Network::builder("faces", [1, 28, 28]);
        let x = b.flatten(b.input(), "flat");
        let boxes = b.linear(x, "box_row", 49 * 4);
        b.op("boxes", ops::Reshape { shape: vec![-1, 49, 4] }, &[boxes]);
        let scores = b.linear(x, "score_row", 49 * 2);
        let scores = b.op("logits", ops::Reshape { shape: vec![-1, 49, 2] }, &[scores]);
        b.op("scores", ops::Softmax { dim: 2 }, &[scores]);
        let place = |at: i64| {
            let (x, y) = (4.0 * (at % 7) as f32, 4.0 * (at / 7) as f32);
            match form {
                BoxForm::Corners => [x, y, x + 4.0, y + 5.0],
                _ => [x + 2.0, y + 2.5, 4.0, 5.0],
            }
            .map(|side| side * scale)
        };
        let places: Vec<f32> = (0..49).flat_map(place).collect();
        let net = filled(b.build()?);
        let zeros = Tensor::zeros([49 * 4, 784], cpu(Kind::Float));
        for (name, value) in
            [("box_row.weight", zeros), ("box_row.bias", Tensor::from_slice(&places))]
        {
            let parameters = net.parameters();
            let (_, tensor) =
                parameters.iter().find(|(other, _)| other == name).expect("a parameter");
            tensor.shallow_clone().copy_(&value);
        }
        Ok(net)
    };
    for (normalized, form) in
        [(true, BoxForm::Corners), (false, BoxForm::CenterSize), (true, BoxForm::CenterSize)]
    {
        let net = net(normalized, form)?.detector()?;
        let how = net.detection().expect("a detector").clone();
        assert_eq!((how.form, how.normalized), (form, normalized));
        let found = net.detect(&data::digit(4, 2)?)?;
        for found in found.all() {
            let [left, top, right, bottom] = found.place;
            assert!(
                (right - left - 4.0).abs() < 1e-3 && (bottom - top - 5.0).abs() < 1e-3,
                "{found:?}"
            );
            assert_eq!(found.class, 1, "the first label stands for nothing");
        }
        assert!(!found.all().is_empty());
        // The heads are still there by name.
        let names: Vec<String> = net.outputs()?.into_iter().map(|output| output.name).collect();
        assert!(
            ["boxes", "scores"].iter().all(|name| names.iter().any(|other| other == name)),
            "{names:?}"
        );
    }
    Ok(())
}
