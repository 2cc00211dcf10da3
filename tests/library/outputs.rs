//! Outputs that are no row of classes: maps of classes, boxes with labels, several heads.

use convscope::attribution::{Region, Run};
use convscope::network::{BoxForm, Builder, Detection, NodeId, ScoreForm, ops};
use convscope::prelude::*;
use convscope::view::{Detected, Detections, Segmentation, Values};

use crate::golden::golden;
use crate::helpers::{Tested, cpu, painted, root, values_of};
use crate::oracle::{Arrays, Script};
use crate::parity::{parameter, relative};

fn filled(net: Network) -> Network {
    for (name, tensor) in net.state_dict() {
        tensor.shallow_clone().copy_(&parameter(&name, &tensor.size()));
    }
    net
}

/// `[N, 4, ⌈H/2⌉, ⌈W/2⌉]`; more may follow.
fn segmenter(size: [i64; 2], end: impl FnOnce(&mut Builder, NodeId)) -> convscope::Result<Network> {
    let mut b = Network::builder("segmenter", [3, size[0], size[1]]);
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(8, 3).padding(1));
    let x = b.relu(x, "relu1");
    let x = b.conv2d(x, "conv2", Conv2d::new(12, 3).stride(2).padding(1));
    let x = b.relu(x, "relu2");
    let x = b.conv2d(x, "head", Conv2d::new(4, 1));
    end(&mut b, x);
    Ok(filled(b.build()?))
}

/// For each cell of a grid of four pixels, offsets `[N, A, 4]` and scores `[N, A, 3]`.
fn ssd([height, width]: [i64; 2]) -> convscope::Result<Network> {
    let mut b = Network::builder("ssd", [3, height, width]);
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(8, 4).stride(4));
    let x = b.relu(x, "relu1");
    let x = b.conv2d(x, "conv2", Conv2d::new(12, 3).padding(1));
    let x = b.relu(x, "relu2");
    let cells = height / 4 * (width / 4);
    let rows = |b: &mut Builder, from: NodeId, name: &str, numbers: i64| {
        let x = b.op(&format!("{name}_last"), ops::Permute { order: vec![0, 2, 3, 1] }, &[from]);
        b.op(name, ops::Reshape { shape: vec![-1, cells, numbers] }, &[x])
    };
    let place = b.conv2d(x, "place", Conv2d::new(4, 1));
    rows(&mut b, place, "offsets", 4);
    let score = b.conv2d(x, "score", Conv2d::new(3, 1));
    let score = b.pointwise(score, "sharp", convscope::network::Pointwise::Scale { factor: 4.0 });
    rows(&mut b, score, "scores", 3);
    Ok(filled(b.build()?))
}

/// The description of [`ssd`].
fn described([height, width]: [i64; 2]) -> convscope::Result<Detection> {
    let anchor = |at: i64| {
        let (row, column) = (at / (width / 4), at % (width / 4));
        [4.0 * column as f32 + 2.0, 4.0 * row as f32 + 2.0, 9.0, 11.0]
    };
    let anchors: Vec<f32> = (0..height / 4 * (width / 4)).flat_map(anchor).collect();
    let anchors = Tensor::from_slice(&anchors).view([-1, 4]);
    Detection::new("offsets", "scores").pixels().anchors(&anchors, [0.5, 0.25])
}

fn agree(what: &str, ours: &Tensor, theirs: &Tensor, within: f64) {
    assert!(theirs.abs().max().double_value(&[]) > 0.0, "{what}: nothing to compare");
    let off = relative(ours, theirs);
    println!("{what}: {off:.1e}");
    assert!(off < within, "{what}: {off}");
}

/// Class activation maps and gradients for these targets, by the names of the script.
fn compare(
    net: &Network,
    name: &str,
    input: &Tensor,
    targets: &[Target],
    theirs: &Arrays,
) -> Tested {
    let exact = net.clone().to_kind(Kind::Double)?;
    let methods: [(&str, Box<dyn Attribution>); 8] = [
        ("GradCam", Box::new(GradCam::at("relu2"))),
        ("GradCamPlusPlus", Box::new(GradCamPlusPlus::at("relu2"))),
        ("XGradCam", Box::new(XGradCam::at("relu2"))),
        ("HiResCam", Box::new(HiResCam::at("relu2"))),
        ("LayerCam", Box::new(LayerCam::at("relu2"))),
        ("saliency", Box::new(Saliency::default())),
        ("input_times_gradient", Box::new(InputTimesGradient)),
        ("integrated", Box::new(IntegratedGradients::default().steps(16))),
    ];
    for (method, ours) in methods {
        let Some(theirs) = theirs.get(&format!("{name}.{method}")) else { continue };
        let ours = match method {
            // Before the channels become one.
            "saliency" => {
                Run::new(&exact, input, targets)?.gradients(&["input"])?.gradients.remove(0)
            }
            _ => values_of(&*ours, &exact, input, targets)?,
        };
        agree(&format!("{name} {method}"), &ours, theirs, 1e-6);
    }
    Ok(())
}

#[test]
fn regions_of_classes_are_as_pytorch_grad_cam_and_captum_have_them() -> Tested {
    let script = Script::new("outputs.py").needs(&["pytorch_grad_cam", "captum"]);
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();
    let input = wave(&[2, 3, 26, 35], 0.5);
    let net = segmenter([26, 35], |_, _| {})?;
    let class = theirs["segment.class"].int64_value(&[0]) as usize;
    // A class is the class over its own pixels.
    let own = [Target::Class(class), Target::region(class, Region::Own)];
    // Rows 3 to 8 and columns 5 to 11 of 13×18 cells over 26×35 pixels.
    let boxed = Target::region(class, BoundingBox::new(10, 6, 23, 18, ""));
    let mask = Tensor::zeros([13, 18], cpu(Kind::Float));
    let _ = mask.narrow(0, 3, 6).narrow(1, 5, 7).fill_(1.0);
    let masked = Target::region(class, Region::mask(&mask)?);
    for (name, targets) in
        [("own", own), ("box", [boxed.clone(), boxed]), ("box", [masked.clone(), masked])]
    {
        let exact = net.clone().to_kind(Kind::Double)?;
        let run = Run::new(&exact, &input, &targets)?;
        agree(
            &format!("{name} scores"),
            &run.scores(run.output()?)?,
            &theirs[&format!("{name}.scores")],
            1e-9,
        );
        compare(&net, name, &input, &targets, &theirs)?;
    }
    let (one, own) = (input.narrow(0, 0, 1), [Target::Class(class)]);
    let score = ScoreCam::at("relu2").measure(Measure::Score);
    agree("Score-CAM", &values_of(&score, &net, &one, &own)?, &theirs["own.score"], 1e-4);
    agree(
        "Ablation-CAM",
        &values_of(&AblationCam::at("relu2"), &net, &one, &own)?,
        &theirs["own.ablation"],
        1e-4,
    );
    Ok(())
}

#[test]
fn a_box_is_as_pytorch_grad_cam_and_torchvision_have_it() -> Tested {
    let script = Script::new("outputs.py").needs(&["pytorch_grad_cam", "captum"]);
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();
    let size = [28, 36];
    let input = wave(&[1, 3, 28, 36], 2.5);
    let net = ssd(size)?.with_detection(described(size)?)?;
    // The boxes that are left.
    let image = TensorImage::new("waves", &input.to_kind(Kind::Float))?;
    let found = net.detect(&image)?;
    let numbers = |key: &str| -> convscope::Result<Vec<f64>> {
        Ok(Vec::try_from(theirs[key].to_kind(Kind::Double).reshape([-1])).expect("numbers"))
    };
    let (places, scores, labels) =
        (numbers("object.boxes")?, numbers("object.scores")?, numbers("object.labels")?);
    assert_eq!(found.all().len(), scores.len());
    for (at, ours) in found.all().iter().enumerate() {
        assert_eq!(ours.class as f64, labels[at], "{at}");
        assert!((ours.probability - scores[at]).abs() < 1e-5, "{at}: {ours:?}");
        let off = ours
            .place
            .iter()
            .zip(&places[4 * at..])
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(off < 1e-3, "{at}: {ours:?}");
    }
    // The target, its slope, and what becomes of it.
    let place = numbers("object.place")?;
    let target = Target::object(
        numbers("object.label")?[0] as usize,
        [place[0], place[1], place[2], place[3]],
    );
    compare(&net, "object", &input, std::slice::from_ref(&target), &theirs)?;
    let exact = net.to_kind(Kind::Double)?;
    let run = Run::new(&exact, &input, std::slice::from_ref(&target))?;
    let variants = &theirs["object.variants"];
    let scores: Vec<Tensor> = (0..variants.size()[0])
        .map(|row| run.scores(&exact.forward(&variants.narrow(0, row, 1))?))
        .collect::<convscope::Result<_>>()?;
    let expected = &theirs["object.scores_of_variants"];
    agree("scores of variants", &Tensor::cat(&scores, 0), expected, 1e-5);
    assert_eq!(expected.min().double_value(&[]), 0.0, "one loses it");
    Ok(())
}

fn wave(shape: &[i64], phase: f64) -> Tensor {
    let count = shape.iter().product::<i64>();
    (Tensor::arange(count, cpu(Kind::Double)) * 12.9898 + phase).sin().view(shape)
}

/// Every method gives finite figures that say what is explained, for a region and for a box.
#[test]
fn every_method_explains_regions_and_boxes() -> Tested {
    let segmenter = segmenter([26, 35], |_, _| {})?.with_classes(["sky", "road", "tree", "car"])?;
    let ssd =
        ssd([28, 36])?.with_detection(described([28, 36])?)?.with_classes(["cup", "plate"])?;
    assert_eq!(ssd.classes(), ["background", "cup", "plate"]);
    let picture = |shape: &[i64]| TensorImage::new("waves", &wave(shape, 1.0).to_kind(Kind::Float));
    let (scene, table) = (picture(&[1, 3, 26, 35])?, picture(&[1, 3, 28, 36])?);
    let class = segmenter.segment(&scene)?.classes()[0].name.clone();
    let object = ssd.detect(&table)?.all()[0].clone();
    let cases = [
        (&segmenter, &scene, Target::from(&class), format!("{class} where it is the top class")),
        (&ssd, &table, Target::from(&object), format!("{} at x ", object.name)),
    ];
    for (net, image, target, said) in cases {
        let mut methods = crate::helpers::methods_at("relu2");
        methods.extend([
            Box::new(Rise::default().masks(20)) as Box<dyn Attribution>,
            Box::new(Patches::new(9)),
            Box::new(SmoothGrad::default().samples(3)),
            Box::new(GuidedBackprop),
        ]);
        // It compares classes of a row.
        methods.retain(|method| !method.name().starts_with("Finer-CAM"));
        for method in &methods {
            let map = convscope::attribution::explain(net, image, &target, &**method)?;
            assert!(map.title.contains(&said), "{}", map.title);
            assert!(map.values().numbers().iter().all(|value| value.is_finite()), "{}", map.title);
            assert!(map.values().numbers().iter().any(|&value| value != 0.0), "{}", map.title);
        }
        let figure = occlusion(net, image, &target, &[Patches::new(9)])?;
        assert!(figure.image().is_ok() && figure.description().contains(&said));
        let report = trust(net, image, &target, &GradCam::at("relu2"))?;
        assert!(report.image().is_ok());
        compare_methods(net, image, &target, &[&Saliency::default(), &GradCam::at("relu2")])?
            .image()?;
    }
    Ok(())
}

#[test]
fn probabilities_of_pixels_are_not_squashed_twice() -> Tested {
    let image = TensorImage::new("waves", &wave(&[1, 3, 26, 35], 1.0).to_kind(Kind::Float))?;
    let plain = segmenter([26, 35], |_, _| {})?;
    let softened = segmenter([26, 35], |b, x| {
        b.op("softmax", ops::Softmax { dim: 1 }, &[x]);
    })?;
    let logged = segmenter([26, 35], |b, x| {
        b.op("softmax", ops::LogSoftmax { dim: 1 }, &[x]);
    })?;
    // On the output's grid: between its cells, means of logits and of probabilities differ.
    let mean = |net: &Network| -> convscope::Result<String> {
        let map = saliency(net, &image, Target::region(2, Region::Everywhere))?;
        let text = map.description();
        Ok(text[text.find("gives it").expect("its probability")..]
            .split(';')
            .next()
            .unwrap_or("")
            .to_owned())
    };
    assert_eq!(mean(&plain)?, mean(&softened)?);
    assert_eq!(mean(&plain)?, mean(&logged)?);
    let (a, b) = (plain.segment(&image)?, logged.segment(&image)?);
    assert!(a.probabilities().numbers().iter().all(|&p| (0.25..=1.0).contains(&p)));
    assert_eq!(a.classes()[0].class, b.classes()[0].class);
    Ok(())
}

#[test]
fn the_class_of_each_pixel_is_that_of_the_enlarged_logits() -> Tested {
    let net = segmenter([26, 35], |_, _| {})?;
    let input = wave(&[1, 3, 26, 35], 1.0).to_kind(Kind::Float);
    let found = net.segment(&TensorImage::new("waves", &input)?)?;
    let logits = net.forward(&input)?.upsample_bilinear2d([26, 35], false, None, None);
    let top = logits.argmax(1, false).get(0);
    let mut counts = [0; 4];
    for (row, column) in (0..26).flat_map(|row| (0..35).map(move |column| (row, column))) {
        let class = top.int64_value(&[row, column]) as usize;
        assert_eq!(found.class_at(row as usize, column as usize), Some(class), "{row} {column}");
        counts[class] += 1;
    }
    assert_eq!(found.class_at(0, 35), None);
    assert!(found.class_at(26, 0).is_none() && found.class_at(usize::MAX, usize::MAX).is_none());
    for of in found.classes() {
        assert!((of.share - f64::from(counts[of.class]) / 910.0).abs() < 1e-9, "{of:?}");
        let mask = found.mask(of.class)?;
        assert_eq!(mask.numbers().iter().sum::<f32>(), counts[of.class] as f32);
        // A mask of the input's size is a region too.
        let region = Target::region(of.class, Region::mask(mask)?);
        saliency(&net, &TensorImage::new("waves", &input)?, region)?;
    }
    assert_eq!(found.mask(77)?.numbers().iter().sum::<f32>(), 0.0);
    Ok(())
}

/// One logit a pixel is a yes and a no.
#[test]
fn a_single_class_is_a_mask() -> Tested {
    let mut b = Network::builder("ink", [1, 28, 28]);
    b.conv2d(b.input(), "mask", Conv2d::new(1, 1));
    let weights = [
        ("mask.weight", Tensor::full([1, 1, 1, 1], 10.0, cpu(Kind::Float))),
        ("mask.bias", Tensor::from_slice(&[-5.0_f32])),
    ];
    let net = b.build()?.load_tensors(weights)?;
    let photo = data::digit(4, 2)?;
    let found = net.segment(&photo)?;
    assert_eq!(
        found.classes().iter().map(|of| of.name.as_str()).collect::<Vec<_>>(),
        ["no", "yes"]
    );
    assert!(found.probabilities().numbers().iter().all(|&p| (0.5..=1.0).contains(&p)));
    let input = net.prepare(&photo)?;
    let inked = input.gt(0.5).sum(Kind::Int64).int64_value(&[]) as f64;
    let yes = found.classes()[1].share;
    assert!((yes - inked / 784.0).abs() < 1e-9, "{yes}");
    let named = net.with_classes(["ink"])?;
    assert_eq!(named.segment(&photo)?.classes()[0].name, "no ink");
    let map = saliency(&named, &photo, "ink")?;
    assert!(map.title.contains("ink where it is more likely than not"), "{}", map.title);
    // The slope is 10 on its pixels and 0 elsewhere.
    let slopes = map.values().numbers();
    assert_eq!(slopes.iter().filter(|&&slope| (slope - 10.0).abs() < 1e-4).count() as f64, inked);
    assert_eq!(slopes.iter().filter(|&&slope| slope == 0.0).count() as f64, 784.0 - inked);
    Ok(())
}

#[test]
fn each_head_by_its_name() -> Tested {
    let net = Network::from_onnx(root().join("tests/golden/two_heads.onnx"))?;
    let outputs = net.outputs()?;
    let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names.len(), 2, "{outputs:?}");
    assert_eq!(names[0], net.output().name);
    let [c, h, w] = net.preprocess().input_shape();
    let input = wave(&[2, c, h, w], 0.3).to_kind(Kind::Float);
    for output in &outputs {
        let alone = net.clone().with_output(&output.name)?;
        assert_eq!(alone.forward(&input)?.size()[1..], output.shape[1..]);
        for target in [Target::Top, Target::Class(1)] {
            let here = vec![target.clone().of(&output.name); 2];
            for method in
                [&Saliency::default() as &dyn Attribution, &InputTimesGradient, &Patches::new(7)]
            {
                let ours = values_of(method, &net, &input, &here)?;
                let theirs = values_of(method, &alone, &input, &vec![target.clone(); 2])?;
                assert!(
                    ours.allclose(&theirs, 1e-6, 1e-7, false),
                    "{} of {}",
                    method.name(),
                    output.name
                );
            }
        }
    }
    let image = TensorImage::new("waves", &input.narrow(0, 0, 1))?;
    let other = names[1];
    let map = saliency(&net, &image, Target::Class(1).of(other))?;
    assert!(map.title.contains(&format!("class 1 of {other}")), "{}", map.title);
    let probability =
        net.clone().with_output(other)?.classify(&image_photo(&net)?)?.guesses().len();
    assert!(probability > 0);
    // Names are of the result's classes.
    let classes = outputs[0].shape[1] as usize;
    let named = net.clone().with_classes((0..classes).map(|class| format!("n{class}")))?;
    let error = saliency(&named, &image, Target::from("n1").of(other))
        .expect_err("other classes")
        .to_string();
    assert!(error.contains("give the class's number"), "{error}");
    assert!(saliency(&named, &image, "n1")?.title.contains("n1"));
    for odd in
        [Target::Top.of("no such"), Target::layer(other).of(other), Target::Top.of(other).of(other)]
    {
        assert!(saliency(&net, &image, odd).is_err());
    }
    occlusion(&net, &image, Target::Top.of(other), &[Patches::new(9)])?.image()?;
    Ok(())
}

fn image_photo(net: &Network) -> convscope::Result<Photo> {
    let [_, h, w] = net.preprocess().input_shape();
    Photo::from_image(image::RgbImage::new(w as u32, h as u32), "black")
}

#[test]
fn what_does_not_fit_is_refused_with_a_way_out() -> Tested {
    let net = segmenter([26, 35], |_, _| {})?;
    let image = TensorImage::new("waves", &wave(&[1, 3, 26, 35], 1.0).to_kind(Kind::Float))?;
    let said = |target: Target| saliency(&net, &image, target).expect_err("refused").to_string();
    let error = said(Target::Top);
    assert!(error.contains("net.segment") && error.contains("Target::score"), "{error}");
    assert!(said(Target::Class(4)).contains("has no class 4; its 4 classes"));
    assert!(said(Target::region(9, Region::Everywhere)).contains("no class 9"));
    assert!(said(Target::region("cat", Region::Own)).contains("no class names"));
    assert!(
        said(Target::region(0, BoundingBox::new(30, 30, 31, 31, ""))).contains("covers no cell")
    );
    let odd = Region::mask(Tensor::ones([5, 5], cpu(Kind::Float)))?;
    assert!(said(Target::region(0, odd)).contains("[13, 18]"));
    assert!(
        said(Target::region(0, Region::mask(Tensor::zeros([13, 18], cpu(Kind::Float)))?))
            .contains("no cell")
    );
    assert!(Region::mask(Tensor::ones([3], cpu(Kind::Float))).is_err());
    assert!(said(Target::object(1, [0.0, 0.0, 5.0, 5.0])).contains("net.detector()"));
    let photo = Photo::from_image(image::RgbImage::new(35, 26), "black")?;
    let error = net.classify(&photo).expect_err("no row").to_string();
    assert!(error.contains("net.segment"), "{error}");
    assert!(net.detect(&photo).expect_err("no boxes").to_string().contains("net.detector()"));
    let rare = (0..4).map(|class| (class, saliency(&net, &image, class)));
    let missing = rare.filter_map(|(class, map)| Some((class, map.err()?.to_string())));
    for (class, error) in missing {
        assert!(error.contains(&format!("class {class} is nowhere the top class")), "{error}");
    }

    let digits = zoo::digits()?;
    let four = data::digit(4, 2)?;
    let error = digits.segment(&four).expect_err("a row").to_string();
    assert!(error.contains("net.classify"), "{error}");
    assert!(saliency(&digits, &four, Target::region(1, Region::Own)).is_err());
    let error = digits.clone().detector().expect_err("no boxes").to_string();
    assert!(error.contains("Detection::new(boxes, scores)"), "{error}");

    let ssd = ssd([28, 36])?;
    let error = ssd.clone().detector().expect_err("offsets").to_string();
    assert!(error.contains("anchors"), "{error}");
    assert!(ssd.clone().with_detection(Detection::new("scores", "offsets")).is_err());
    assert!(ssd.clone().with_detection(Detection::rows("relu2")).is_err());
    let few = Tensor::ones([3, 4], cpu(Kind::Float));
    assert!(
        ssd.clone()
            .with_detection(Detection::new("offsets", "scores").anchors(&few, [0.1; 2])?)
            .is_err()
    );
    assert!(
        Detection::new("a", "b").anchors(&Tensor::ones([4], cpu(Kind::Float)), [0.1; 2]).is_err()
    );
    let net = ssd.with_detection(described([28, 36])?)?;
    let image = TensorImage::new("waves", &wave(&[1, 3, 28, 36], 1.0).to_kind(Kind::Float))?;
    let said = |target: Target| saliency(&net, &image, target).expect_err("refused").to_string();
    assert!(said(Target::Top).contains("net.detect"));
    assert!(said(Target::Class(1)).contains("net.detect"));
    assert!(said(Target::object(0, [0.0, 0.0, 5.0, 5.0])).contains("stands for nothing"));
    assert!(said(Target::object(3, [0.0, 0.0, 5.0, 5.0])).contains("3 labels"));
    assert!(said(Target::object(1, [5.0, 0.0, 5.0, 5.0])).contains("no area"));
    assert!(said(Target::object(1, [0.0, 0.0, 1.0, 1.0])).contains("by more than half"));
    assert!(said(Target::object(1, [f64::NAN, 0.0, 1.0, 1.0])).contains("no area"));
    Ok(())
}

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

#[test]
fn outputs_golden() -> Tested {
    let picture = painted(180, 120).pixels().clone();
    // Bands and a disk, and as many classes as there are anywhere.
    let class = |row: i64, column: i64| match (row - 30).pow(2) + (column - 60).pow(2) {
        0..300 => 3,
        _ if row > 40 => 1,
        _ => usize::from(column > 70) * 2,
    };
    let all = |class: &dyn Fn(i64, i64) -> usize| -> Vec<usize> {
        (0..60)
            .flat_map(|row| (0..90).map(move |column| (row, column)))
            .map(|(r, c)| class(r, c))
            .collect()
    };
    let sure = Values::new([60, 90], (0..5400).map(|at| (at % 90) as f32 / 90.0).collect())?;
    let names = ["__background__", "road", "a name that is too long for a legend's column", "sun"];
    let names = names.map(String::from).to_vec();
    let few =
        Segmentation::new("What is where", picture.clone(), all(&class).as_slice(), &sure, names)?;
    golden("segmentation", &few.uncovered(0).note("a note"))?;
    let many = |row: i64, column: i64| (column / 6 * 7 + row / 6 * 5) as usize % 40;
    let many =
        Segmentation::new("Many", picture.clone(), all(&many).as_slice(), &sure, Vec::new())?;
    golden("segmentation_many", &many.opacity(0.8))?;

    let boxes = [
        Detected::new(1, "dog", 0.98, [20.0, 30.0, 90.0, 100.0]),
        Detected::new(2, "person", 0.81, [70.0, 4.5, 150.0, 115.0]),
        Detected::new(1, "dog", 0.55, [120.0, 60.0, 200.0, 140.0]),
        Detected::new(7, "a label that is too long to stand at a box", 0.3, [1.0, 1.0, 9.0, 9.0]),
    ];
    golden("detections", &Detections::new("What is found", picture, boxes.to_vec())?.note("a note"))
}
