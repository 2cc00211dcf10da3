//! Values whose places are known are followed through the network: each layer's maps must be the picture's
//! rows and columns.

use tch::{Device, Kind, Tensor};

use crate::network::ops::{
    Concat, Flatten, IndexSelect, MatMul, Permute, Reduce, Reduction, Reshape, Select, Slice,
};
use crate::network::{Builder, Conv2d, Network, NodeId, Pool};

type Tested = Result<(), Box<dyn std::error::Error>>;

const SIZE: [i64; 2] = [12, 8];

/// A network whose input, `[N, 2, 12, 8]`, holds the number of the row in its first channel and that of
/// the column in its second.
fn coordinates(images: i64) -> Tensor {
    let options = (Kind::Float, Device::Cpu);
    let rows =
        Tensor::arange(SIZE[0], options).view([1, 1, -1, 1]).expand([images, 1, 12, 8], false);
    let columns =
        Tensor::arange(SIZE[1], options).view([1, 1, 1, -1]).expand([images, 1, 12, 8], false);
    Tensor::cat(&[rows, columns], 1)
}

fn permute(b: &mut Builder, x: NodeId, name: &str, order: &[usize]) -> NodeId {
    b.op(name, Permute { order: order.to_vec() }, &[x])
}

fn reshape(b: &mut Builder, x: NodeId, name: &str, shape: &[i64]) -> NodeId {
    b.op(name, Reshape { shape: shape.to_vec() }, &[x])
}

fn tokens(b: &mut Builder) -> NodeId {
    let x = b.op("flat", Flatten { from: 2 }, &[b.input()]);
    permute(b, x, "tokens", &[0, 2, 1])
}

/// The maps of a layer are the coordinates, one image or three.
fn assert_coordinates(net: &Network, layer: &str) -> Tested {
    for images in [1, 3] {
        let input = coordinates(images);
        let at = net.find(layer)?;
        let maps = net.maps(at, &input.size())?;
        assert_eq!(maps.shape(), [2, SIZE[0], SIZE[1]], "{layer}");
        let found = maps.of(&net.value(&input, at)?)?;
        assert!(found.equal(&input), "{layer}, {images} images");
    }
    Ok(())
}

fn network() -> Builder {
    Network::builder("coordinates", [2, SIZE[0], SIZE[1]])
}

#[test]
fn channels_last_and_windows_of_it() -> Tested {
    let mut b = network();
    let input = b.input();
    let last = permute(&mut b, input, "last", &[0, 2, 3, 1]);
    let split = reshape(&mut b, last, "split", &[-1, 3, 4, 2, 4, 2]);
    let windows = permute(&mut b, split, "windows", &[0, 1, 3, 2, 4, 5]);
    let x = reshape(&mut b, windows, "tokens of windows", &[-1, 16, 2]);
    let x = reshape(&mut b, x, "joined", &[-1, 3, 2, 4, 4, 2]);
    let x = permute(&mut b, x, "beside", &[0, 1, 3, 2, 4, 5]);
    let x = reshape(&mut b, x, "back", &[-1, 12, 8, 2]);
    b.add(x, last, "skip");
    let net = b.build()?;
    for layer in ["last", "split", "windows", "tokens of windows", "joined", "back"] {
        assert_coordinates(&net, layer)?;
    }
    Ok(())
}

#[test]
fn what_is_rolled_is_no_map_until_it_is_rolled_back() -> Tested {
    let mut b = network();
    let input = b.input();
    let last = permute(&mut b, input, "last", &[0, 2, 3, 1]);
    let part = |start, end| Slice { dim: 1, start, end, step: 1 };
    let low = b.op("low", part(5, 12), &[last]);
    let high = b.op("high", part(0, 5), &[last]);
    let rolled = b.op("rolled", Concat { dim: 1 }, &[low, high]);
    let tokens = reshape(&mut b, rolled, "rolled tokens", &[-1, 96, 2]);
    let x = reshape(&mut b, tokens, "rolled map", &[-1, 12, 8, 2]);
    b.add(last, x, "skip");
    let net = b.build()?;
    assert!(net.maps(net.find("rolled tokens")?, &[1, 2, 12, 8]).is_err());
    let maps = net.maps(net.find("skip")?, &[1, 2, 12, 8])?;
    assert_eq!(maps.shape(), [2, 12, 8]);
    Ok(())
}

#[test]
fn tokens_among_others_heads_and_products() -> Tested {
    let mut b = network();
    let patches = tokens(&mut b);
    let class = b.parameter("class", &[1, 1, 2], 0.1);
    let registers = b.parameter("registers", &[1, 4, 2], 0.1);
    let behind = b.parameter("behind", &[1, 2, 2], 0.1);
    let x = b.op("with class", Concat { dim: 1 }, &[class, registers, patches]);
    let x = b.op("with others behind", Concat { dim: 1 }, &[x, behind]);
    let heads = reshape(&mut b, x, "split", &[-1, 103, 2, 1]);
    let heads = permute(&mut b, heads, "heads", &[0, 2, 1, 3]);
    let merged = reshape(&mut b, heads, "merged", &[-1, 103, 1]);
    let same = b.parameter("same", &[1, 1], 0.1);
    let product = b.op("product", MatMul, &[merged, same]);
    let x = reshape(&mut b, product, "apart", &[-1, 2, 103, 1]);
    let x = permute(&mut b, x, "apart again", &[0, 2, 1, 3]);
    let x = b.op("joined", Flatten { from: 2 }, &[x]);
    let x = b.op("patches", Slice { dim: 1, start: 5, end: 101, step: 1 }, &[x]);
    let x = permute(&mut b, x, "features first", &[0, 2, 1]);
    reshape(&mut b, x, "map", &[-1, 2, 12, 8]);
    let one = Tensor::ones([1, 1], (Kind::Float, Device::Cpu));
    let parameters = [
        ("class", Tensor::zeros([1, 1, 2], (Kind::Float, Device::Cpu))),
        ("registers", Tensor::zeros([1, 4, 2], (Kind::Float, Device::Cpu))),
        ("behind", Tensor::zeros([1, 2, 2], (Kind::Float, Device::Cpu))),
        ("same", one),
    ];
    let net = b.build()?.load_tensors(parameters)?;
    let layers = [
        "tokens",
        "with class",
        "with others behind",
        "split",
        "heads",
        "merged",
        "product",
        "apart",
        "joined",
        "patches",
        "features first",
        "map",
    ];
    for layer in layers {
        assert_coordinates(&net, layer)?;
    }
    let maps = net.maps(net.find("with class")?, &[1, 2, 12, 8])?;
    let value = net.value(&coordinates(2), net.find("with class")?)?;
    assert_eq!(maps.channel(&value, 1)?.size(), [2, 101]);
    let maps = net.maps(net.find("merged")?, &[1, 2, 12, 8])?;
    let value = net.value(&coordinates(2), net.find("merged")?)?;
    assert!(maps.channel(&value, 1).is_err(), "its channels lie among the images");
    Ok(())
}

#[test]
fn patches_cut_by_index_and_the_class_before_them() -> Tested {
    let mut b = network();
    let pick = |dim, indices: &[i64]| IndexSelect { dim, indices: indices.to_vec() };
    // Patches of 3×2: the first row of each, then the second of each …
    let rows = pick(2, &[0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    let x = b.op("rows", rows, &[b.input()]);
    let x = b.op("columns", pick(3, &[0, 2, 4, 6, 1, 3, 5, 7]), &[x]);
    let x = reshape(&mut b, x, "split", &[-1, 2, 3, 4, 2, 4]);
    let x = permute(&mut b, x, "patches", &[0, 3, 5, 1, 2, 4]);
    let x = reshape(&mut b, x, "features", &[-1, 16, 12]);
    let patches = b.linear(x, "linear", 7);
    let class = b.parameter("class", &[1, 1, 7], 0.1);
    let all = b.op("with class", Concat { dim: 1 }, &[class, patches]);
    let rest = b.op("patches alone", Slice { dim: 1, start: 1, end: 17, step: 1 }, &[all]);
    let sum = b.add(rest, patches, "sum");
    b.op("again", Concat { dim: 1 }, &[class, sum]);
    let net = b.build()?;
    for layer in ["rows", "columns", "split", "patches"] {
        assert_coordinates(&net, layer)?;
    }
    let input = coordinates(2);
    let value = |layer: &str| net.value(&input, net.find(layer)?);
    let expected = value("sum")?.permute([0, 2, 1]).reshape([2, 7, 4, 4]);
    for layer in ["sum", "again"] {
        let maps = net.maps(net.find(layer)?, &input.size())?;
        assert_eq!(maps.shape(), [7, 4, 4], "{layer}");
        assert!(maps.of(&value(layer)?)?.equal(&expected), "{layer}");
    }
    Ok(())
}

#[test]
fn convolutions_pools_and_strided_slices_make_smaller_maps() -> Tested {
    let mut b = network();
    let x = b.conv2d(b.input(), "conv", Conv2d::new(6, 3).stride(2).padding(1));
    let x = b.max_pool(x, "pool", Pool::new(2, 1));
    let x = permute(&mut b, x, "last", &[0, 2, 3, 1]);
    let x = b.op("every second", Slice { dim: 2, start: 0, end: 9, step: 2 }, &[x]);
    let x = b.linear(x, "linear", 7);
    let x = reshape(&mut b, x, "tokens", &[-1, 10, 7]);
    let x = b.op("one row of it", Reshape { shape: vec![-1, 5, 2, 7] }, &[x]);
    let x = b.op("mean", Reduce { by: Reduction::Mean, dims: vec![1, 2], keep_dims: false }, &[x]);
    b.linear(x, "fc", 3);
    let net = b.build()?;
    let shape = |layer: &str| -> Result<[i64; 3], crate::Error> {
        Ok(net.maps(net.find(layer)?, &[1, 2, 12, 8])?.shape())
    };
    assert_eq!(shape("conv")?, [6, 6, 4]);
    assert_eq!(shape("pool")?, [6, 5, 3]);
    assert_eq!(shape("last")?, [6, 5, 3]);
    assert_eq!(shape("every second")?, [6, 5, 2]);
    assert_eq!(shape("tokens")?, [7, 5, 2]);
    assert!(shape("mean").is_err() && shape("fc").is_err());
    let maps = net.maps(net.find("one row of it")?, &[1, 2, 12, 8])?;
    assert!(maps.lie_along(&[1, 2]) && !maps.lie_along(&[1]) && !maps.lie_along(&[2, 3]));
    Ok(())
}

#[test]
fn attention_knows_its_tokens_and_is_no_map_of_the_picture() -> Tested {
    let mut b = network();
    let patches = tokens(&mut b);
    let class = b.parameter("class", &[1, 1, 2], 0.1);
    let x = b.op("with class", Concat { dim: 1 }, &[class, patches]);
    let x = b.self_attention(x, "attention", 2);
    b.op("of the class", Select { dim: 1, index: 0 }, &[x]);
    let net = b.build()?;
    let shape = [1, 2, 12, 8];
    assert_eq!(net.tokens(net.find("attention.attention")?, &shape)?, Some((1, [12, 8])));
    assert_eq!(net.maps(net.find("attention.attention")?, &shape)?.shape(), [2, 97, 97]);
    assert_eq!(net.maps(net.find("attention")?, &shape)?.shape(), [2, 12, 8]);
    assert!(net.maps(net.find("of the class")?, &shape).is_err());
    assert_eq!(net.units(net.find("of the class")?, &shape)?.shape(), [2, 1, 1]);
    Ok(())
}
