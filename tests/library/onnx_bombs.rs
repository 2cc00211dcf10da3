//! ONNX files of some kilobytes that ask for gigabytes or minutes: each is an error at once, or a
//! network that takes no more than its file is worth.

use std::path::Path;

use convscope::prelude::*;

use crate::helpers::{Tested, difference, random, scratch};
use crate::onnx_bytes::{
    Message, assert_says, file, file_with, ints, node, refused, row, tensor, value,
};

/// `x` plus the constant that the nodes call `w`.
fn adding(mut nodes: Vec<Message>, tensors: &[Message]) -> Message {
    nodes.push(node("Add", &["x", "w"], "y"));
    file(&nodes, tensors)
}

fn opened(folder: &Path, file: &Message) -> convscope::Result<Network> {
    let path = folder.join("file.onnx");
    std::fs::write(&path, &file.0)
        .map_err(|error| convscope::Error::Argument(error.to_string()))?;
    Network::from_onnx(path)
}

#[test]
fn constants_that_take_minutes_to_compute() -> Tested {
    let folder = scratch("onnx_work");
    let says = |file: &Message| assert_says(&folder, file, "too many for a file of this size");
    let plane = || node("ConstantOfShape", &["s"], "p");
    let shape = row("s", &[1, 1, 2900, 2900]);
    for pool in ["MaxPool", "AveragePool"] {
        let pool = node(pool, &["p"], "w").message(5, ints("kernel_shape", &[1450, 1450]));
        says(&adding(vec![plane(), pool], std::slice::from_ref(&shape)))?;
    }
    let kernel = node("ConstantOfShape", &["k"], "q");
    let tensors = [shape, row("k", &[1, 1, 1450, 1450])];
    says(&adding(vec![plane(), kernel, node("Conv", &["p", "q"], "w")], &tensors))?;
    // Products of products.
    let chain = (0..100).map(|i| node("MatMul", &[&format!("m{i}"), "m0"], &format!("m{}", i + 1)));
    let first = node("ConstantOfShape", &["s"], "m0");
    let last = node("Identity", &["m100"], "w");
    let nodes = std::iter::once(first).chain(chain).chain([last]).collect();
    says(&adding(nodes, &[row("s", &[2000, 2000])]))
}

#[test]
fn constants_of_one_initializer_again_and_again() -> Tested {
    let folder = scratch("onnx_again");
    let says = |file: &Message, expected: &str| assert_says(&folder, file, expected);
    let zeros = node("ConstantOfShape", &["s"], "z");
    let again = |make: &dyn Fn(usize) -> Message| {
        let nodes = std::iter::once(zeros.clone()).chain((0..1000).map(make));
        let names: Vec<String> = (0..1000).map(|i| format!("c{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let all = node("Concat", &names, "w").message(5, Message::default().text(1, "axis"));
        adding(nodes.chain([all]).collect(), &[row("s", &[1 << 22])])
    };
    let cast = |i| {
        let to = Message::default().text(1, "to").int(3, 7);
        node("Cast", &["z"], &format!("c{i}")).message(5, to)
    };
    says(&again(&cast), "far larger than the file")?;
    says(&again(&|i| node("Exp", &["z"], &format!("c{i}"))), "far larger than the file")?;
    // Shapes are counted, too.
    let sum = |i| node("Add", &[&format!("c{i}"), "one"], &format!("c{}", i + 1));
    let sums = (0..10_000).map(sum).chain([node("Identity", &["c10000"], "w")]).collect();
    let numbers = [row("c0", &[7; 4096]), row("one", &[1])];
    says(&adding(sums, &numbers), "far larger than the file")
}

/// Tables of indices and masks, each made of one of some megabytes.
#[test]
fn tables_of_one_constant_again_and_again() -> Tested {
    let folder = scratch("onnx_tables");
    let zeros = node("ConstantOfShape", &["s"], "z");
    let wide = || vec![row("s", &[1 << 11, 1 << 11]), row("one", &[1]), row("pair", &[1, 1])];
    for (op, others) in [
        ("Gather", &["z"][..]),
        ("GatherElements", &["z"]),
        ("ScatterElements", &["z", "z"]),
        ("Trilu", &["one"]),
        ("CumSum", &["one"]),
        ("Tile", &["pair"]),
        ("Where", &["z", "z"]),
        ("Greater", &["z"]),
        ("Not", &[]),
        ("NonZero", &[]),
        ("ReduceMax", &[]),
        ("EyeLike", &[]),
    ] {
        let inputs = [&["z"], others].concat();
        let many = (0..100).map(|i| node(op, &inputs, &format!("c{i}")));
        let names: Vec<String> = (0..100).map(|i| format!("c{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let all = node("Concat", &names, "w").message(5, Message::default().text(1, "axis"));
        let nodes = std::iter::once(zeros.clone()).chain(many).chain([all]).collect();
        assert_says(&folder, &adding(nodes, &wide()), "file")?;
    }
    Ok(())
}

/// A constant that is one number everywhere takes no memory, but not any size is believed.
#[test]
fn constants_filled_with_one_number() -> Tested {
    let folder = scratch("onnx_filled");
    let filled = |i: usize| node("ConstantOfShape", &["s"], &format!("f{i}"));
    let sum = node("Add", &["f0", "f1"], "w");
    let nodes = vec![filled(0), filled(1), sum];
    assert_says(&folder, &adding(nodes, &[row("s", &[1 << 14, 1 << 14])]), "far larger")?;
    // A layer with weights of 256 MB.
    let flat = node("Flatten", &["x"], "flat");
    let weights = node("ConstantOfShape", &["s"], "w");
    let layer = node("MatMul", &["flat", "w"], "y");
    let net = opened(&folder, &file(&[flat, weights, layer], &[row("s", &[192, 1 << 18])]));
    assert!(net.is_err(), "transposed it takes memory");
    Ok(())
}

#[test]
fn layers_that_share_a_matrix_share_its_memory() -> Tested {
    let folder = scratch("onnx_shared");
    let numbers: Vec<f32> = (0..64).map(|i| (i % 7) as f32).collect();
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let matrix = tensor("w", 1, &[8, 8]).bytes(9, &bytes);
    let names: Vec<String> = (0..3000).map(|i| format!("v{i}")).collect();
    let mut nodes = vec![node("MatMul", &["x", "w"], "v0")];
    let scaled = |at: usize| node("MatMul", &[&names[at - 1], "w"], &names[at]);
    nodes.extend((1..3000).map(scaled));
    nodes.push(node("Relu", &["v2999"], "y"));
    let net = opened(&folder, &file(&nodes, &[matrix]))?;
    let parameters = net.state_dict();
    assert_eq!(parameters.len(), 3000);
    assert!(parameters.iter().all(|(_, one)| one.data_ptr() == parameters[0].1.data_ptr()));
    let x = random(&[2, 3, 8, 8], 1).to_kind(Kind::Float);
    let product = x.matmul(&Tensor::from_slice(&numbers).view([8, 8]));
    assert!(difference(&net.activations(&x, &["the_v0"])?[0], &product) < 1e-4);
    Ok(())
}

#[test]
fn a_matrix_cut_to_whole_numbers_is_another_one() -> Tested {
    let folder = scratch("onnx_cast");
    let cast = |from: &str, kind: i64, to: &str| {
        node("Cast", &[from], to).message(5, Message::default().text(1, "to").int(3, kind))
    };
    let halves = [0.5_f32; 64].map(f32::to_le_bytes).concat();
    let nodes = [
        cast("w", 7, "whole"),
        cast("whole", 1, "zeros"),
        node("MatMul", &["x", "w"], "a"),
        node("MatMul", &["x", "zeros"], "b"),
        node("Sub", &["a", "b"], "y"),
    ];
    let net = opened(&folder, &file(&nodes, &[tensor("w", 1, &[8, 8]).bytes(9, &halves)]))?;
    let x = random(&[1, 3, 8, 8], 2).to_kind(Kind::Float);
    let values = net.activations(&x, &["the_a", "the_y"])?;
    assert_eq!(difference(&values[0], &values[1]), 0.0);
    assert!(values[0].max().double_value(&[]) > 0.5);
    Ok(())
}

#[test]
fn lists_longer_than_a_value_has_dimensions() -> Tested {
    let folder = scratch("onnx_lists");
    let says = |file: &Message, expected: &str| assert_says(&folder, file, expected);
    let count: Vec<i64> = (1..4097).collect();
    // Five nodes share one list of 4,096 axes.
    let names = ["x", "a", "b", "c", "d", "y"];
    let nodes: Vec<Message> =
        names.windows(2).map(|pair| node("Unsqueeze", &[pair[0], "axes"], pair[1])).collect();
    says(&file(&nodes, &[row("axes", &count)]), "at most 16 dimensions")?;
    says(&file(&[node("Unsqueeze", &["x", "axes"], "y")], &[row("axes", &[1, 1])]), "named twice")?;
    let ends = row("ends", &[9; 2000]);
    let slice = |axes: &[i64]| {
        let tensors = [row("starts", &[0; 2000]), ends.clone(), row("axes", axes)];
        file(&[node("Slice", &["x", "starts", "ends", "axes"], "y")], &tensors)
    };
    says(&slice(&[2; 2000]), "dimension 2 is named twice")?;
    says(&slice(&count[..2000]), "axis 4 of 4 dimensions")?;
    let amounts = [row("amounts", &[1; 8]), row("axes", &[2, 3, 2, 3])];
    says(&file(&[node("Pad", &["x", "amounts", "", "axes"], "y")], &amounts), "named twice")?;
    let split = node("Split", &["x", "parts"], "y").message(5, Message::default().text(1, "axis"));
    says(&file(&[split], &[row("parts", &[1; 4096])]), "4096 parts for 1 outputs")?;
    let names: Vec<String> = (0..2000).map(|i| format!("v{i}")).collect();
    let wide = names.iter().fold(node("Split", &["x"], "y"), |node, name| node.text(2, name));
    says(&file(&[wide], &[]), "more than 1024 outputs of one node")
}

#[test]
fn values_that_no_machine_or_no_function_takes() -> Tested {
    let folder = scratch("onnx_sizes");
    let says = |file: &Message, expected: &str| assert_says(&folder, file, expected);
    let relu = [node("Relu", &["x"], "y")];
    let image = |sizes: &[i64]| file_with(17, &[value("x", sizes)], &relu, &[]);
    says(&image(&[1, 3, 65536, 65536]), "at most 2147483648 values")?;
    says(&image(&[1, 1, 65536, 65536]), "at most 2147483648 values")?;
    let amounts = row("amounts", &[0, 0, 1 << 14, 1 << 14, 0, 0, 1 << 14, 1 << 14]);
    says(&file(&[node("Pad", &["x", "amounts"], "y")], &[amounts]), "impossible shape")?;
    let axes: Vec<i64> = (4..13).collect();
    let nodes = [node("Unsqueeze", &["x", "axes"], "u"), node("Gelu", &["u"], "y")];
    says(&file(&nodes, &[row("axes", &axes)]), "at most 12 dimensions")?;
    // Four outputs in three groups.
    let conv =
        node("Conv", &["x", "w"], "y").message(5, Message::default().text(1, "group").int(3, 3));
    let weight = tensor("w", 1, &[4, 1, 1, 1]).bytes(9, &[0; 16]);
    says(&file(&[conv], &[weight]), "output channels in 3 groups of one size, got 4")
}

#[test]
fn nodes_deep_in_modules_are_named_in_time() -> Tested {
    let folder = scratch("onnx_modules");
    let modules: String = (0..120).map(|i| format!("/m{}", i % 10)).collect();
    let nodes = (0..19_000).map(|i| {
        let input = if i == 0 { "x".to_owned() } else { format!("v{i}") };
        let output = if i == 18_999 { "y".to_owned() } else { format!("v{}", i + 1) };
        let name = format!("{modules}/{i}/Relu");
        Message::default().text(1, &input).text(2, &output).text(3, &name).text(4, "Relu")
    });
    let nodes: Vec<Message> = nodes.collect();
    assert_eq!(refused(&folder, &file(&nodes, &[]).0)?, "");
    // A module with others in it is not named like one node of its own.
    let named = |input: &str, output: &str, name: &str| {
        Message::default().text(1, input).text(2, output).text(3, name).text(4, "Relu")
    };
    let nodes = [
        named("x", "a", "/block/Relu"),
        named("a", "b", "/block/inner/Relu"),
        named("b", "c", "/block-2/Relu"),
        named("c", "y", "/blocks/Relu"),
    ];
    let net = opened(&folder, &file(&nodes, &[]))?;
    assert_eq!(net.layer_names(), ["input", "block.relu", "block.inner", "block-2", "blocks"]);
    Ok(())
}

#[test]
fn messages_have_an_end() -> Tested {
    let folder = scratch("onnx_messages");
    let long = "n".repeat(1 << 20);
    let weight = tensor("w", 1, &[1, 3, 1, 1]).bytes(9, &[0; 12]);
    let pads = node("Conv", &["x", "w"], "y").message(5, ints("pads", &[3; 100_000]));
    let unknown = (0..2000).map(|i| node(&format!("Magic{i}"), &["x"], &format!("v{i}")));
    let names: Vec<String> = (0..1000).map(|i| format!("v{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let unknown = unknown.chain([node("Concat", &names, "y")]).collect::<Vec<_>>();
    let files = [
        file(&[node("Relu", &[&long], "y")], &[]),
        file(&[node(&long, &["x"], "y")], &[]),
        file(&[node("Relu", &["x"], "y")], &[row(&long, &[1]), row(&long, &[1])]),
        file(&[node("Add", &["x", &long], "y")], &[tensor(&long, 1, &[-1; 4000])]),
        file(&[pads], &[weight]),
        file(&unknown, &[]),
    ];
    for file in files {
        let said = refused(&folder, &file.0)?;
        assert!(!said.is_empty() && said.chars().count() < 4500, "{} bytes", said.len());
    }
    let error = zoo::untrained("resnet18")?.layer(&"l".repeat(10_000)).err().map(|e| e.to_string());
    assert!(error.is_some_and(|error| error.len() < 500));
    Ok(())
}
