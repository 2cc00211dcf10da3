//! Outputs that are no row of classes: maps of classes, boxes with labels, several heads.

use convscope::attribution::{Region, Run};
use convscope::network::{Builder, Detection, NodeId, ops};
use convscope::prelude::*;
use convscope::view::{Detected, Detections, Segmentation, Values};

use crate::golden::golden;
use crate::helpers::{Tested, cpu, painted, values_of};
use crate::oracle::{Arrays, Script};
use crate::parity::{parameter, relative};

pub fn filled(net: Network) -> Network {
    for (name, tensor) in net.state_dict() {
        tensor.shallow_clone().copy_(&parameter(&name, &tensor.size()));
    }
    net
}

/// `[N, 4, ⌈H/2⌉, ⌈W/2⌉]`; more may follow.
pub fn segmenter(
    size: [i64; 2],
    end: impl FnOnce(&mut Builder, NodeId),
) -> convscope::Result<Network> {
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
pub fn ssd([height, width]: [i64; 2]) -> convscope::Result<Network> {
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
pub fn described([height, width]: [i64; 2]) -> convscope::Result<Detection> {
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

pub fn wave(shape: &[i64], phase: f64) -> Tensor {
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
