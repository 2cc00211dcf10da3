//! What layers make, cost and see: against published figures, and against gradients.

use convscope::network::ReceptiveField;
use convscope::network::ops::{MatMul, Pad, Permute, Reduce, Reduction, Reshape, Slice, Softmax};
use convscope::prelude::*;
use convscope::view::{LayerKind, LayerRow, Summary};

use crate::helpers::{Tested, cpu};

/// Parameters and 10⁹ multiply-adds as torchvision's tables of models give them.
const PUBLISHED: [(&str, u64, f64); 15] = [
    ("alexnet", 61_100_840, 0.714),
    ("vgg16", 138_357_544, 15.470),
    ("resnet18", 11_689_512, 1.814),
    ("resnet34", 21_797_672, 3.664),
    ("resnet50", 25_557_032, 4.089),
    ("resnet101", 44_549_160, 7.801),
    ("densenet121", 7_978_856, 2.834),
    ("googlenet", 6_624_904, 1.498),
    ("squeezenet1_0", 1_248_424, 0.819),
    ("squeezenet1_1", 1_235_496, 0.349),
    ("mobilenet_v2", 3_504_872, 0.301),
    ("vit_b_16", 86_567_656, 17.564),
    ("convnext_tiny", 28_589_128, 4.456),
    ("convnext_small", 50_223_688, 8.684),
    ("convnext_base", 88_591_464, 15.355),
];

#[test]
fn costs_are_those_published() -> Tested {
    for (name, parameters, billions) in PUBLISHED {
        let summary = zoo::untrained(name)?.summary()?;
        assert_eq!(summary.parameters(), parameters, "{name}");
        let counted = summary.multiply_adds() as f64 / 1e9;
        assert!((counted - billions).abs() < 0.0006, "{name}: {counted}");
        // Blocks hold what their layers hold, and every layer is in one.
        let rows = summary.clone().blocks().rows();
        assert_eq!(rows.iter().map(|row| row.parameters).sum::<u64>(), parameters, "{name}");
        let sum: u64 = rows.iter().map(|row| row.multiply_adds).sum();
        assert_eq!(sum, summary.multiply_adds(), "{name}");
    }
    Ok(())
}

#[test]
fn twice_the_pictures_cost_twice() -> Tested {
    let net = zoo::digits()?;
    let (one, two) = (net.summary()?, net.summary_with([2, 1, 28, 28])?);
    assert_eq!(two.multiply_adds(), 2 * one.multiply_adds());
    assert_eq!(two.parameters(), one.parameters());
    let error = net.summary_with([1, 3, 28, 28]).expect_err("three channels").to_string();
    assert!(error.contains("[N, 1, H, W]"), "{error}");
    Ok(())
}

/// Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", 2019.
#[test]
fn receptive_fields_are_those_published() -> Tested {
    for (network, layers) in [
        ("alexnet", &[("features.12", 195)][..]),
        ("vgg16", &[("features.30", 212)]),
        (
            "resnet18",
            &[
                ("conv1", 7),
                ("maxpool", 11),
                ("layer1.1.relu_1", 43),
                ("layer2.1.relu_1", 99),
                ("layer3.1.relu_1", 211),
                ("layer4.1.relu_1", 435),
            ],
        ),
    ] {
        let rows = zoo::untrained(network)?.summary()?.layers().rows();
        for (layer, size) in layers {
            let row = rows.iter().find(|row| row.name == *layer).expect(layer);
            assert_eq!(row.receptive_field, [Some(*size); 2], "{network}, {layer}");
        }
        assert_eq!(rows.last().map(|row| row.receptive_field), Some([None; 2]));
    }
    Ok(())
}

/// Random numbers that are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, low: i64, high: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        low + (self.0 >> 33) as i64 % (high - low + 1)
    }

    fn pair(&mut self, low: i64, high: i64) -> [i64; 2] {
        [self.roll(low, high), self.roll(low, high)]
    }
}

/// Windows of all kinds one after another, without a ReLU that would hide what is seen.
fn windows(seed: u64) -> Result<Network, convscope::Error> {
    let mut dice = Dice(seed);
    let mut b = Network::builder("windows", [2, 97, 81]);
    let mut x = b.input();
    for step in 0..4 {
        let name = format!("step{step}");
        let conv = |dice: &mut Dice| Conv2d {
            kernel: dice.pair(1, 4),
            stride: dice.pair(1, 2),
            padding: dice.pair(0, 2),
            dilation: dice.pair(1, 2),
            ..Conv2d::new(3, 1)
        };
        x = match dice.roll(0, 5) {
            0 | 1 => b.conv2d(x, &name, conv(&mut dice)),
            2 => {
                let pool =
                    Pool { kernel: dice.pair(2, 3), stride: dice.pair(1, 2), ..Pool::new(2, 1) };
                b.avg_pool(x, &name, Pool { padding: dice.pair(0, 1), ..pool })
            }
            3 => {
                let cut = Slice { dim: 2, start: dice.roll(0, 2), end: -2, step: dice.roll(1, 2) };
                let x = b.op(&format!("{name}.slice"), cut, &[x]);
                let amounts = vec![[0, 0], [0, 0], dice.pair(0, 2), dice.pair(0, 2)];
                b.op(&name, Pad::zeros(amounts), &[x])
            }
            4 => {
                // Branches with fields of other sizes and places.
                let tall = Conv2d { kernel: [5, 1], padding: [2, 0], ..Conv2d::new(3, 1) };
                let wide = Conv2d { kernel: [1, 4], padding: [0, 3], ..Conv2d::new(3, 1) };
                let tall = b.conv2d(x, &format!("{name}.tall"), tall);
                let wide = b.conv2d(x, &format!("{name}.wide"), wide);
                let cut = Slice { dim: 3, start: 1, end: -2, step: 1 };
                let wide = b.op(&format!("{name}.cut"), cut, &[wide]);
                let sum = b.add(tall, wide, &format!("{name}.add"));
                b.concat(&[sum, tall], &name)
            }
            _ => {
                // Channels last, and channels shuffled: height and width change places.
                let width = b.shape(x).to_vec();
                let x = b.op(&format!("{name}.last"), Permute { order: vec![0, 3, 2, 1] }, &[x]);
                let x = b.layer_norm(x, &format!("{name}.norm"), 1e-5);
                let x = b.linear(x, &format!("{name}.linear"), 4);
                let shape = vec![1, width[3], width[2], 2, 2];
                let x = b.op(&format!("{name}.split"), Reshape { shape }, &[x]);
                let order = vec![0, 4, 3, 2, 1];
                let x = b.op(&format!("{name}.shuffle"), Permute { order }, &[x]);
                let shape = vec![-1, 4, width[2], width[3]];
                b.op(&name, Reshape { shape }, &[x])
            }
        };
    }
    b.build()
}

#[test]
fn gradients_fill_the_receptive_field_and_no_more() -> Tested {
    let mut kinds = std::collections::BTreeSet::new();
    let mut touching = 0;
    for seed in 0..30 {
        tch::manual_seed(seed);
        let net = windows(seed as u64)?.to_kind(Kind::Double)?;
        kinds.extend(net.nodes().iter().map(|node| node.op.name()));
        let input = Tensor::randn([1, 2, 97, 81], cpu(Kind::Double));
        let shape = net.shapes(&input.size())?.pop().expect("an output");
        let fields = net.receptive_fields(&input.size())?.pop().expect("an output");
        let (height, width) = (shape[2], shape[3]);
        for unit in [[0, 0], [height / 2, width / 2], [height - 1, width - 1]] {
            let score = |output: &Tensor| {
                output
                    .f_slice(2, unit[0], unit[0] + 1, 1)?
                    .f_slice(3, unit[1], unit[1] + 1, 1)?
                    .f_square()
            };
            let score = |output: &Tensor| score(output)?.f_sum(Kind::Double);
            let gradient = net.gradients(&input, &["input"], score)?.gradients.remove(0);
            for (direction, others) in [(0, [0, 1, 3]), (1, [0, 1, 2])] {
                let ReceptiveField::Window { size, jump, start } = fields[direction] else {
                    panic!("seed {seed}: {:?}", fields[direction])
                };
                let first = start + jump * unit[direction];
                let field = first..first + size;
                let along = gradient.abs().sum_dim_intlist(&others[..], false, Kind::Double);
                let along = Vec::<f64>::try_from(along)?;
                let seen = (0..).zip(&along).filter(|(_, gradient)| **gradient > 0.0);
                let seen: Vec<i64> = seen.map(|(at, _)| at).collect();
                let case = format!("seed {seed}, direction {direction}, unit {unit:?}: {field:?}");
                assert!(seen.iter().all(|at| field.contains(at)), "{case}, seen {seen:?}");
                // Near the edges some layer's padding hides a part of the field.
                if first >= 8 && field.end <= input.size()[2 + direction] - 8 {
                    let ends = (seen.first().copied(), seen.last().copied());
                    assert_eq!(ends, (Some(first), Some(field.end - 1)), "{case}");
                    touching += 1;
                }
            }
        }
    }
    assert!(touching >= 40, "{touching} fields whose borders were seen");
    for kind in ["Conv2d", "AvgPool2d", "slice", "pad", "Add", "Concat", "permute", "reshape"] {
        assert!(kinds.contains(kind), "no network has {kind}");
    }
    Ok(())
}

#[test]
fn fields_end_where_everything_is_mixed() -> Tested {
    let mut b = Network::builder("mixed", [1, 8, 6]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 3));
    let halves = b.adaptive_avg_pool(x, "halves", [3, 4]);
    let rows =
        b.op("rows", Reduce { by: Reduction::Mean, dims: vec![3], keep_dims: false }, &[halves]);
    b.op("softmax", Softmax { dim: 2 }, &[rows]);
    let gate = b.global_avg_pool(halves, "gate");
    b.mul(halves, gate, "gated");
    let scale = b.parameter("scale", &[1, 4, 1, 1], 1.0);
    let scaled = b.mul(halves, scale, "scaled");
    let turned = b.op("turned", Permute { order: vec![0, 1, 3, 2] }, &[scaled]);
    b.op("scores", MatMul, &[scaled, turned]);
    let net = b.build()?;
    let fields = net.receptive_fields(&[1, 1, 8, 6])?;
    let of = |name: &str| {
        let index = net.layer_names().iter().position(|known| *known == name).expect(name);
        fields[index].map(ReceptiveField::size)
    };
    assert_eq!(of("halves"), [Some(4), Some(3)]);
    assert_eq!(of("rows"), [Some(4), None]);
    assert_eq!(of("softmax"), [None, None]);
    assert_eq!(of("gated"), [None, None]);
    assert_eq!(of("scale"), [Some(0), Some(0)]);
    assert_eq!(of("scaled"), [Some(4), Some(3)]);
    assert_eq!(of("scores"), [None, None], "rows and columns of one product see all");
    Ok(())
}

#[test]
fn blocks_are_the_modules_that_names_speak_of() -> Tested {
    for (network, count, some) in [
        ("resnet18", 13, &["conv1", "maxpool", "layer1.0", "layer4.1", "avgpool", "fc"][..]),
        ("googlenet", 19, &["conv3", "inception3a", "inception5b"]),
        ("densenet121", 72, &["features.denseblock3.denselayer24", "features.transition2"]),
        ("squeezenet1_0", 15, &["features.0", "features.3", "classifier"]),
        ("mobilenet_v2", 22, &["features.0", "features.17", "features.18"]),
        ("vit_b_16", 21, &["conv_proj", "encoder.layers.encoder_layer_11", "encoder.ln"]),
    ] {
        let rows = zoo::untrained(network)?.summary()?.rows();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), count, "{network}: {names:?}");
        for name in some {
            assert!(names.contains(name), "{network} has no row {name}: {names:?}");
        }
        for (index, row) in rows.iter().enumerate() {
            assert!(row.inputs.iter().all(|&input| input < index), "{network}, {}", row.name);
        }
    }
    let rows = zoo::untrained("resnet18")?.summary()?.rows();
    assert_eq!(
        (rows[5].operation.as_str(), rows[5].kind),
        ("3 Conv2d, Add", LayerKind::Convolution)
    );
    Ok(())
}

#[test]
fn the_table_is_aligned_and_complete() -> Tested {
    let summary = zoo::digits()?.summary()?;
    let text = summary.text();
    assert_eq!(
        format!("{summary:?}"),
        "Layers of digits: input [1, 1, 28, 28], 10 layers, 32,826 parameters, 659 k multiply-adds \
         [a figure: `.show()` draws it]"
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2 + 2 + 11 + 2, "{text}");
    let at = |line: &str, word: &str| line.find(word).map(|at| line[..at].chars().count());
    let column = at(lines[2], "output");
    for (line, shape) in [(lines[4], "[1, 1, 28, 28]"), (lines[12], "[1, 64]")] {
        assert_eq!(at(line, shape), column, "{text}");
    }
    assert!(lines[5].contains("Conv2d 5×5") && lines[5].ends_with("5×5"), "{text}");
    assert_eq!(summary.bundle()?.text, text);
    Ok(())
}

#[test]
fn large_networks_give_figures_of_bounded_size() -> Tested {
    for network in ["densenet121", "resnet101"] {
        let summary = zoo::untrained(network)?.summary()?;
        for figure in [summary.clone(), summary.layers()] {
            let (width, height) = figure.image()?.dimensions();
            assert!(width < 1300 && height < 4000, "{network}: {width}×{height}");
            let bundle = figure.bundle()?;
            assert!(bundle.png.len() < 1_000_000, "{network}: {} bytes", bundle.png.len());
            let vega = bundle.vega.expect("a specification");
            let bytes = vega.to_string().len();
            assert!(bytes < 1_000_000, "{network}: {bytes} bytes");
            // Vega draws nothing where a mark and a data set have one name.
            let named = |what: &str| {
                vega[what].as_array().into_iter().flatten().map(|part| part["name"].clone())
            };
            assert!(named("data").all(|name| named("marks").all(|mark| mark != name)));
        }
    }
    Ok(())
}

#[test]
fn hostile_names_are_cut_and_nothing_breaks() -> Tested {
    let evil =
        format!("</script><img src=x onerror=alert(1)>\nEVCXR_END_CONTENT{}", "层".repeat(9999));
    let row = |inputs: Vec<usize>| LayerRow {
        name: evil.clone(),
        operation: evil.clone(),
        kind: LayerKind::Linear,
        shape: vec![i64::MAX, -1, 0, i64::MAX, 7],
        parameters: u64::MAX,
        multiply_adds: u64::MAX,
        receptive_field: [None, Some(i64::MAX)],
        inputs,
    };
    // Of itself, of later ones, of none.
    let rows = vec![row(vec![0]), row(vec![5, 0]), row(vec![0, 0, 1]), row(vec![])];
    let figure = Summary::new(evil.clone(), rows);
    for figure in [figure.clone(), figure.blocks()] {
        let (width, _) = figure.image()?.dimensions();
        assert!(width < 2000, "{width}");
        assert!(figure.bundle()?.vega.is_some_and(|spec| spec.to_string().len() < 30_000));
        assert!(figure.text().lines().all(|line| line.chars().count() < 600));
        assert!(!figure.text().contains("\nEVCXR"));
    }
    Summary::new("nothing", Vec::new()).bundle()?;
    Ok(())
}
