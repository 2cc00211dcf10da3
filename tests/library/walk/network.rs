//! Networks: built, prepared for, run.

use convscope::network::{Arithmetic, Builder, Interpolation, NodeId, Pointwise, ops};
use convscope::prelude::*;

use super::{COUNTS, PIXELS, REALS, SIZES, Walk, folder, names, tensors, walk};

#[test]
fn building() {
    walk("network::building", |walk| {
        for size in SIZES {
            shapes(walk, size);
            for input in [[size, 12, 20], [1, size, 20], [1, 12, size]] {
                walk.call(format!("from_onnx_with {input:?}"), || {
                    let net = Network::from_onnx_with("tests/golden/two_heads.onnx", input)?;
                    net.classify(&data::digit(3, 1)?)
                });
            }
        }
        for real in REALS {
            walk.call(format!("dropout {real}"), || {
                let mut b = Network::builder("odd", [1, 6, 6]);
                let x = b.dropout(b.input(), "drop", real);
                let x = b.batch_norm_with(x, "bn", real);
                let x = b.layer_norm(x, "ln", real);
                let x = b.pointwise(x, "act", Pointwise::Gelu);
                let _ = b.parameter("class_token", &[1, 2], real);
                let x = b.mul(x, x, "mul");
                b.op("add", Arithmetic::Add, &[x, x]);
                b.build()?.forward(&Tensor::rand([2, 1, 6, 6], (Kind::Float, Device::Cpu)))
            });
        }
        for name in names() {
            walk.call(format!("a layer {name:.20}"), || {
                let mut b = Network::builder(&name, [1, 4, 4]);
                let x = b.relu(b.input(), &name);
                b.relu(x, &name);
                b.build()
            });
        }
        walk.call("a node of another builder", || {
            let mut other = Network::builder("other", [1, 4, 4]);
            let mut x = other.input();
            for at in 0..9 {
                x = other.relu(x, &format!("relu{at}"));
            }
            let mut b = Network::builder("b", [1, 4, 4]);
            assert!(b.shape(x).is_empty());
            let y = b.add(x, b.input(), "add");
            let y = b.concat(&[y, x], "concat");
            b.concat(&[], "nothing");
            b.flatten(y, "flatten");
            b.build()
        });
        Ok(())
    });
}

/// One size at every place where a builder takes one.
fn shapes(walk: &mut Walk, size: i64) {
    let mut with = |what: &str, input: [i64; 3], add: &dyn Fn(&mut Builder) -> NodeId| {
        walk.call(format!("{what} {size}"), || {
            let mut b = Network::builder("odd", input);
            add(&mut b);
            let net = b.build()?;
            let _ = (
                net.summary(),
                net.summary_with([size, 1, 9, 7]),
                net.receptive_fields(&[1, 1, size, size]),
                net.shapes(&[size; 4]),
            );
            let [c, h, w] = net.preprocess().input_shape();
            net.forward(&Tensor::f_rand([1, c, h.min(64), w.min(64)], (Kind::Float, Device::Cpu))?)
        });
    };
    let usual = [1, 9, 7];
    with("channels", [size, 8, 8], &|b| b.relu(b.input(), "relu"));
    with("channels to normalize", [size, 2, 2], &|b| b.batch_norm(b.input(), "bn"));
    with("height", [1, size, 8], &|b| b.conv2d(b.input(), "conv", Conv2d::new(2, 3)));
    with("width", [1, 8, size], &|b| b.layer_norm(b.input(), "ln", 1e-5));
    with("filters", usual, &|b| b.conv2d(b.input(), "conv", Conv2d::new(size, 3)));
    with("kernel", usual, &|b| b.conv2d(b.input(), "conv", Conv2d::new(2, size)));
    let conv = Conv2d::new(2, 3).no_bias();
    with("stride", usual, &|b| b.conv2d(b.input(), "conv", conv.clone().stride(size)));
    with("padding", usual, &|b| b.conv2d(b.input(), "conv", conv.clone().padding(size)));
    with("groups", usual, &|b| b.conv2d(b.input(), "conv", conv.clone().groups(size)));
    with("dilation", usual, &|b| {
        b.conv2d(b.input(), "conv", Conv2d { dilation: [size, 1], ..conv.clone() })
    });
    with("window", usual, &|b| b.max_pool(b.input(), "pool", Pool::new(size, 1)));
    with("step", usual, &|b| b.avg_pool(b.input(), "pool", Pool::new(2, size).ceil()));
    with("border", usual, &|b| b.max_pool(b.input(), "pool", Pool::new(2, 2).padding(size)));
    with("pooled", usual, &|b| b.adaptive_avg_pool(b.input(), "pool", [size, 1]));
    with("features", usual, &|b| b.linear(b.input(), "fc", size));
    with("parameter", usual, &|b| b.parameter("p", &[size, size], 0.1));
    with("heads", [1, 4, 8], &|b| {
        let x = b.global_avg_pool(b.input(), "pool");
        let x = b.flatten(x, "flatten");
        b.self_attention(x, "attention", size)
    });
    enlarging(&mut with, size);
    with("pad", usual, &|b| {
        b.op("pad", ops::Pad::zeros(vec![[0, 0], [0, 0], [size, 0], [0, size]]), &[b.input()])
    });
    with("positions", usual, &|b| {
        let places = b.parameter("p", &[1, 1 + 3 * 3, 4], 0.1);
        let (before, antialias) = (1, size % 2 == 0);
        let op = ops::PositionGrid { before, from: [3, 3], to: [size, 2], offset: 0.1, antialias };
        b.op("positions", op, &[places])
    });
    with("reshape", usual, &|b| {
        b.op("reshape", ops::Reshape { shape: vec![size, -1] }, &[b.input()])
    });
    with("slice", usual, &|b| {
        b.op("slice", ops::Slice { dim: 2, start: size, end: size, step: size }, &[b.input()])
    });
    with("select", usual, &|b| b.op("select", ops::Select { dim: 2, index: size }, &[b.input()]));
    let place = size as usize;
    with("dims", usual, &|b| {
        let by = ops::Reduction::Mean;
        b.op("mean", ops::Reduce { by, dims: vec![place], keep_dims: false }, &[b.input()]);
        let argmax = ops::ArgMax { dim: place, keep_dim: false, last: true };
        b.op("argmax", argmax, &[b.input()]);
        b.op("softmax", ops::Softmax { dim: place }, &[b.input()]);
        b.op("flatten", ops::Flatten { from: place }, &[b.input()]);
        b.op("concat", ops::Concat { dim: place }, &[b.input()]);
        b.op("unsqueeze", ops::Unsqueeze { dim: place }, &[b.input()]);
        b.op("permute", ops::Permute { order: vec![place, 0, 1, 2] }, &[b.input()])
    });
}

/// Builds a network of one layer for images of that size, and tries it.
type With<'a> = dyn FnMut(&str, [i64; 3], &dyn Fn(&mut Builder) -> NodeId) + 'a;

/// The same where maps are made larger, and where they are normalized as a whole.
fn enlarging(with: &mut With, size: i64) {
    let usual = [4, 9, 7];
    let conv = Conv2d::new(4, 3);
    with("enlarged channels", usual, &|b| {
        b.conv_transpose2d(b.input(), "up", Conv2d::new(size, 2))
    });
    with("enlarged kernel", usual, &|b| b.conv_transpose2d(b.input(), "up", Conv2d::new(2, size)));
    with("enlarged step", usual, &|b| {
        b.conv_transpose2d(b.input(), "up", conv.clone().stride(size).padding(size).groups(size))
    });
    with("factor", usual, &|b| {
        let x = b.upsample_nearest(b.input(), "nearest", size);
        b.upsample_bilinear(x, "bilinear", size)
    });
    with("extent", usual, &|b| {
        let place = ops::Placing::AlignCorners;
        let mode = ops::ResizeMode::Cubic { coefficient: 0.5, exclude_outside: true };
        let dims = vec![(3, ops::Extent::Size(size)), (size as usize, ops::Extent::Scale(0.5))];
        b.op("resize", ops::Resize { dims, mode, place, antialias: false }, &[b.input()])
    });
    with("shuffle", usual, &|b| {
        let op = ops::PixelUnshuffle { factor: size, places_first: true };
        let x = b.op("unshuffle", op, &[b.input()]);
        b.op("shuffle", ops::PixelShuffle { factor: size, places_first: true }, &[x])
    });
    with("groups to normalize", usual, &|b| {
        let x = b.group_norm(b.input(), "gn", size);
        let x = b.instance_norm(x, "in");
        let x = b.prelu(x, "prelu");
        let norm = ops::LocalResponseNorm { size, alpha: 0.1, beta: 0.5, k: 1.0 };
        let x = b.op("lrn", norm, &[x]);
        b.global_max_pool(x, "max")
    });
    with("uneven border", usual, &|b| {
        let (kernel, stride) = ([3, size], [size, 2]);
        let (padding, dilation) = ([[0, size], [1, 0]], [size, 1]);
        let max = ops::MaxPool2d { kernel, stride, padding, dilation, ceil: true };
        let x = b.op("max", max, &[b.input()]);
        let mean = ops::AvgPool2d { kernel, stride, padding, ceil: true, count_padding: false };
        b.op("mean", mean, &[x])
    });
    with("quantized", usual, &|b| {
        let (scale, zero_point) = (vec![0.1, 0.0], vec![size; 2]);
        let op = ops::Quantize { scale, zero_point, dim: size as usize, low: size, high: 9 };
        b.op("quantized", op, &[b.input()])
    });
}

#[test]
fn running() {
    walk("network::running", |walk| {
        let net = zoo::digits()?;
        for (name, tensor) in tensors() {
            walk.call(format!("forward of {name}"), || net.forward(&tensor));
            walk.call(format!("forward_from relu2 of {name}"), || {
                net.forward_from("relu2", &tensor)
            });
            walk.call(format!("activations of {name}"), || net.activations(&tensor, &["relu1"]));
            walk.call(format!("normalized {name}"), || net.preprocess().normalized(&tensor));
            walk.call(format!("gradients of {name}"), || {
                net.gradients(&tensor, &["input", "relu1"], |y| y.f_sum(None::<Kind>))
            });
            let score = tensor.shallow_clone();
            walk.call(format!("gradients of the score {name}"), || {
                let image = Tensor::rand([1, 1, 28, 28], (Kind::Float, Device::Cpu));
                net.gradients(&image, &["input"], move |_| Ok(score))
            });
        }
        for name in names() {
            let photo = data::digit(3, 1)?;
            walk.call(format!("layer {name:.20}"), || net.layer(&name).map(|_| ()));
            walk.call(format!("output {name:.20}"), || net.clone().with_output(&name));
            walk.call(format!("filters {name:.20}"), || net.filters(&name));
            walk.call(format!("maps {name:.20}"), || net.feature_maps(&photo, &name));
            walk.call(format!("batch {name:.20}"), || net.feature_maps_batch(&[], &name));
            walk.call(format!("difference {name:.20}"), || {
                net.feature_maps_difference(&photo, &photo, &name)
            });
            walk.call(format!("journey {name:.20}"), || net.journey(&photo, &[&name]));
            walk.call(format!("classes {name:.20}"), || net.clone().with_classes([&name; 10]));
            walk.call(format!("head {name:.20}"), || net.clone().with_head([&name; 3]));
            walk.call(format!("untrained {name:.20}"), || zoo::untrained(&name));
            walk.call(format!("from_onnx {name:.20}"), || Network::from_onnx(&name));
            walk.call(format!("load_weights {name:.20}"), || net.clone().load_weights(&name));
            walk.call(format!("save_weights {name:.20}"), || {
                net.save_weights(folder("weights").join(&name))
            });
            walk.call(format!("load_tensors {name:.20}"), || {
                net.clone().load_tensors([(name.clone(), Tensor::new())])
            });
        }
        for count in COUNTS {
            walk.call(format!("class_name {count}"), || Ok(net.class_name(count)));
            walk.call(format!("head {count}"), || net.clone().with_head(count));
            walk.call(format!("classify_with {count}"), || {
                net.classify_with(&data::digit(1, 1)?, count)
            });
            walk.call(format!("device {count}"), || net.clone().to_device(Device::Cuda(count)));
        }
        for kind in [Kind::Int64, Kind::Bool, Kind::ComplexFloat, Kind::Half, Kind::QUInt8] {
            walk.call(format!("to_kind {kind:?}"), || {
                let net = net.clone().to_kind(kind)?;
                net.classify(&data::digit(1, 1)?)
            });
        }
        let store = tch::nn::VarStore::new(Device::Cpu);
        walk.call("load_var_store", || net.clone().load_var_store(&store));
        Ok(())
    });
}

#[test]
fn preparing() {
    walk("network::preparing", |walk| {
        let photo = data::digit(3, 1)?;
        let thin = Photo::from_image(image(3000, 1), "thin")?;
        for size in SIZES {
            let forms = [
                Preprocess::plain([size, 8, 8]),
                Preprocess::plain([1, size, 8]),
                Preprocess::plain([3, 8, size]),
                Preprocess::plain([3, size, size]).resize(Resize::ShorterSide(4)),
            ];
            for (at, form) in forms.iter().enumerate() {
                walk.call(format!("form {at} of {size}"), || form.tensor(&photo));
                walk.call(format!("form {at} of {size}, thin"), || form.tensor(&thin));
                walk.call(format!("form {at} of {size} for a network"), || {
                    zoo::digits()?.with_preprocess(form.clone())?.prepare(&photo)
                });
            }
        }
        let plain = Preprocess::plain([3, 8, 8]).interpolation(Interpolation::Bicubic);
        for pixels in PIXELS {
            let shorter = plain.clone().resize(Resize::ShorterSide(pixels));
            for photo in [&photo, &thin] {
                walk.call(format!("shorter side {pixels}"), || shorter.tensor(photo));
                walk.call(format!("zoom {pixels}"), || plain.view(photo, pixels));
                walk.call(format!("both {pixels}"), || shorter.view(photo, pixels));
            }
        }
        for real in REALS {
            let real = real as f32;
            for (mean, std) in [(vec![real; 3], vec![1.0; 3]), (vec![0.0; 3], vec![real; 3])] {
                let form = plain.clone().normalize(&mean, &std);
                walk.call(format!("normalize {real}"), || form.tensor(&photo));
            }
            walk.call("another number of means", || {
                plain.clone().normalize(&[real; 2], &[]).tensor(&photo)
            });
        }
        Ok(())
    });
}

fn image(width: u32, height: u32) -> convscope::image::RgbImage {
    convscope::image::RgbImage::new(width, height)
}
