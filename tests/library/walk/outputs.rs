//! Maps of classes, boxes with labels, and targets of them.

use convscope::attribution::{Region, explain};
use convscope::network::{BoxForm, Detection, ScoreForm, ops};
use convscope::prelude::*;
use convscope::view::{Detected, Detections, Segmentation, Values};

use super::{COUNTS, PIXELS, REALS, names, tensors, walk};

/// A map for each of three classes.
fn segmenter() -> convscope::Result<Network> {
    manual_seed(1);
    let mut b = Network::builder("segmenter", [1, 28, 28]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 5).padding(2));
    let x = b.relu(x, "relu");
    b.conv2d(x, "head", Conv2d::new(3, 1));
    b.build()
}

/// 49 boxes and scores of two labels.
fn heads() -> convscope::Result<Network> {
    let mut b = Network::builder("boxes", [1, 28, 28]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(6, 4).stride(4));
    let x = b.op("last", ops::Permute { order: vec![0, 2, 3, 1] }, &[x]);
    let x = b.op("rows", ops::Reshape { shape: vec![-1, 49, 6] }, &[x]);
    let scores = b.linear(x, "score", 2);
    b.op("scores", ops::Softmax { dim: 2 }, &[scores]);
    b.linear(x, "boxes", 4);
    b.build()
}

#[test]
fn targets() {
    walk("outputs::targets", |walk| {
        let (segmenter, photo) = (segmenter()?, data::digit(4, 2)?);
        let boxes = heads()?.with_detection(Detection::new("boxes", "scores").pixels())?;
        let mut targets = vec![Target::Top.of("conv"), Target::layer("conv").of("conv")];
        for count in COUNTS {
            targets.push(Target::region(count, Region::Own));
            targets.push(Target::Class(count).of("conv"));
            targets.push(Target::object(count, [1.0, 2.0, 9.0, 9.0]));
        }
        for name in names() {
            targets.push(Target::region(name.as_str(), Region::Everywhere));
            targets.push(Target::object(name.as_str(), [0.0, 0.0, 9.0, 9.0]));
            targets.push(Target::Class(1).of(&name));
        }
        for (_, tensor) in tensors() {
            targets.extend(Region::mask(&tensor).ok().map(|mask| Target::region(1, mask)));
        }
        for side in PIXELS {
            for area in [[side, 0, 9, 9], [0, side, side, side], [3, 3, side, side]] {
                let area = BoundingBox::new(area[0], area[1], area[2], area[3], "");
                targets.push(Target::region(1, area));
            }
        }
        for real in REALS {
            targets.push(Target::object(1, [0.0, real, 9.0, 9.0]));
            targets.push(Target::object(1, [-real, -real, real, real]));
            let mask = Tensor::from_slice(&[real as f32]).expand([28, 28], false);
            targets.extend(Region::mask(&mask).ok().map(|mask| Target::region(1, mask)));
        }
        let methods: [&dyn Attribution; 3] =
            [&Saliency::default(), &GradCam::at("conv"), &Patches::new(14)];
        for target in &targets {
            for method in methods {
                for net in [&segmenter, &boxes] {
                    walk.figure(format!("{} of {target:.40?}", method.name()), || {
                        explain(net, &photo, target, method)
                    });
                }
            }
        }
        Ok(())
    });
}

#[test]
fn detectors() {
    walk("outputs::detectors", |walk| {
        let (net, photo) = (heads()?, data::digit(4, 2)?);
        walk.call("recognized", || net.clone().detector());
        walk.call("a classifier", || zoo::digits()?.detector());
        walk.figure("segmented boxes", || net.segment(&photo));
        walk.figure("segmented", || segmenter()?.segment(&photo));
        for name in names() {
            for how in [
                Detection::new(&name, "scores"),
                Detection::new("boxes", &name),
                Detection::rows(&name),
            ] {
                walk.call(format!("outputs {name:.20}"), || net.clone().with_detection(how));
            }
        }
        let two = || Detection::new("boxes", "scores");
        let detect = |how: Detection| net.clone().with_detection(how)?.detect(&photo);
        for (name, tensor) in tensors() {
            walk.figure(format!("anchors {name}"), || detect(two().anchors(&tensor, [0.1, 0.2])?));
        }
        for real in REALS {
            walk.figure(format!("threshold {real}"), || {
                detect(two().threshold(real).overlap(real))
            });
            walk.figure(format!("factors {real}"), || {
                let anchors = Tensor::from_slice(&[real as f32]).expand([49, 4], false);
                detect(two().anchors(&anchors, [real, real])?)
            });
        }
        for count in COUNTS {
            walk.figure(format!("background {count}"), || detect(two().background(Some(count))));
        }
        for form in [BoxForm::Corners, BoxForm::CenterSize, BoxForm::CornerSize] {
            for scores in [ScoreForm::Softmax, ScoreForm::Sigmoid, ScoreForm::Probabilities] {
                let how = || two().form(form).score_form(scores).background(None);
                walk.figure(format!("{form:?} {scores:?}"), || detect(how()));
                walk.figure(format!("{form:?} {scores:?} of parts"), || {
                    detect(how().pixels().objectness())
                });
            }
        }
        walk.call("outputs", || net.outputs());
        Ok(())
    });
}

#[test]
fn figures() {
    walk("outputs::figures", |walk| {
        let picture = || convscope::image::RgbImage::new(28, 28);
        let sure = || Values::new([4, 7], vec![0.5; 28]);
        let found = |place: [f64; 4], p: f64| {
            Detections::new("t", picture(), vec![Detected::new(1, "a", p, place)])
        };
        let classes: Vec<usize> = (0..28).collect();
        let map = || Segmentation::new("t", picture(), classes.as_slice(), sure()?, Vec::new());
        for count in COUNTS {
            walk.figure(format!("class {count}"), || {
                Segmentation::new("t", picture(), &[count; 28][..], sure()?, Vec::new())
            });
            walk.figure(format!("uncovered {count}"), || Ok(map()?.uncovered(count)));
            walk.call(format!("mask {count}"), || map()?.mask(count));
            walk.call(format!("at {count}"), || Ok(map()?.class_at(count, count)));
        }
        for real in REALS {
            walk.figure(format!("a box at {real}"), || found([real, 1.0, real, 2.0], 0.9));
            walk.figure(format!("a probability {real}"), || found([0.0, 1.0, 3.0, 2.0], real));
            walk.figure(format!("threshold {real}"), || {
                Ok(found([0.0, 1.0, 3.0, 2.0], 0.7)?.threshold(real))
            });
            walk.figure(format!("opacity {real}"), || Ok(map()?.opacity(real)));
            walk.figure(format!("probabilities {real}"), || {
                let sure = Values::new([4, 7], vec![real as f32; 28])?;
                Segmentation::new("t", picture(), classes.as_slice(), sure, Vec::new())
            });
        }
        for side in PIXELS {
            walk.figure(format!("size {side}"), || Ok(map()?.input_size(side, 3)));
            walk.figure(format!("boxes of {side}"), || {
                Ok(found([0.0; 4], 0.7)?.input_size(3, side))
            });
        }
        for name in names() {
            walk.figure(format!("names {name:.20}"), || {
                let names = vec![name.clone(); 28];
                let figure = Segmentation::new(
                    name.as_str(),
                    picture(),
                    classes.as_slice(),
                    sure()?,
                    names,
                )?;
                Ok(figure.note(name.as_str()))
            });
            walk.figure(format!("labels {name:.20}"), || {
                let found = Detected::new(1, name.as_str(), 0.8, [1.0, 1.0, 9.0, 9.0]);
                Ok(Detections::new(name.as_str(), picture(), vec![found])?.note(name.as_str()))
            });
        }
        for (name, tensor) in tensors() {
            walk.figure(format!("{name} as classes"), || {
                Segmentation::new("t", picture(), &tensor, &tensor, Vec::new())
            });
        }
        Ok(())
    });
}
