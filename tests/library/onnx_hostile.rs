//! ONNX files that are broken or hostile: each is an error that says why, at once, and never a panic.

use std::path::PathBuf;

use convscope::prelude::*;

use crate::helpers::{Tested, root, scratch};
use crate::onnx_bytes::{
    Message, assert_says, file, file_with, ints, node, refused, row, tensor, value,
};

#[test]
fn files_made_here_are_sound_but_for_their_fault() -> Tested {
    let folder = scratch("onnx_sound");
    let flat = node("Flatten", &["x"], "y");
    std::fs::write(folder.join("sound.onnx"), file(&[flat], &[]).0)?;
    let net = Network::from_onnx(folder.join("sound.onnx"))?;
    assert_eq!(net.layer_names(), ["input", "the_y"]);
    assert_eq!(net.shapes(&[2, 3, 8, 8])?, [vec![2, 3, 8, 8], vec![2, 192]]);
    Ok(())
}

#[test]
fn a_file_cut_anywhere_is_refused() -> Tested {
    let folder = scratch("onnx_cut");
    let whole = std::fs::read(root().join("tests/golden/two_heads.onnx"))?;
    for length in (0..whole.len()).step_by(11).chain(whole.len() - 40..whole.len()) {
        assert!(!refused(&folder, &whole[..length])?.is_empty(), "{length} bytes were accepted");
    }
    Ok(())
}

#[test]
fn a_file_with_any_byte_changed_is_a_network_or_an_error() -> Tested {
    let folder = scratch("onnx_changed");
    let whole = std::fs::read(root().join("tests/golden/two_heads.onnx"))?;
    // The weights fill most of the file; what stands around them is text and numbers.
    for at in (0..whole.len()).step_by(37).chain(whole.len() - 300..whole.len()) {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            refused(&folder, &changed)?;
        }
    }
    Ok(())
}

#[test]
fn graphs_that_make_no_sense() -> Tested {
    let folder = scratch("onnx_graphs");
    let says = |file: &Message, expected: &str| assert_says(&folder, file, expected);
    let relu = |from: &str, to: &str| node("Relu", &[from], to);
    says(&Message::default(), "no ONNX graph")?;
    says(&file(&[], &[]), "reads `y`, which nothing gives")?;
    says(&file(&[relu("nothing", "y")], &[]), "node `the_y` (Relu) reads `nothing`")?;
    says(&file(&[relu("y", "z"), relu("z", "y")], &[]), "in a circle")?;
    says(&file(&[relu("x", "y"), relu("x", "y")], &[]), "two nodes give `y`")?;
    says(&file(&[relu("x", "x")], &[]), "two nodes give `x`")?;
    says(&file(&[node("Relu", &[], "y")], &[]), "input 0 is missing")?;
    let of_set = |set| file_with(set, &[value("x", &[1, 3, 8, 8])], &[relu("x", "y")], &[]);
    says(&of_set(6), "operator set 6, supported are 7 to 23: in Python, `onnx.version_converter")?;
    says(&of_set(24), "convert_version(model, 23)`")?;
    says(&file_with(17, &[value("x", &[1 << 40, 3, 8, 8])], &[relu("x", "y")], &[]), "images")?;
    says(&file_with(17, &[value("x", &[1, 3, 8])], &[relu("x", "y")], &[]), "[N, C, H, W]")?;
    says(
        &file_with(17, &[value("x", &[-1, 1, -1, -1])], &[relu("x", "y")], &[]),
        "from_onnx_with",
    )?;
    says(&file_with(17, &[value("x", &[1, 3, 1 << 40, 8])], &[relu("x", "y")], &[]), "sizes from")?;
    let two = [value("x", &[1, 3, 8, 8]), value("z", &[1, 3, 8, 8])];
    says(&file_with(17, &two, &[relu("x", "y")], &[]), "takes 2 inputs (x, z)")?;
    // The result would not be one row for each image.
    let turned = node("Transpose", &["x"], "y").message(5, ints("perm", &[1, 0, 2, 3]));
    says(&file(&[turned], &[]), "[3, N, 8, 8], expected one row for each image")
}

#[test]
fn all_unsupported_operators_are_named_at_once() -> Tested {
    let folder = scratch("onnx_unsupported");
    let foreign = node("Magic", &["x"], "a").text(7, "com.example");
    // Graphs within graphs, five thousand deep.
    let deep = (0..5_000).fold(Message::default(), |inner, _| {
        let node =
            Message::default().text(4, "If").message(5, Message::default().message(6, inner));
        Message::default().message(1, node)
    });
    let deep = Message::default().text(1, "then_branch").message(6, deep);
    let branch = node("If", &["b"], "y").message(5, deep);
    let nodes = [foreign, node("GRU", &["a"], "b"), node("GRU", &["b"], "dead"), branch];
    let said = refused(&folder, &file(&nodes, &[]).0)?;
    for part in ["com.example.Magic, 1 times: node `the_a`", "GRU, 1 times: node `the_b`", "If, 1"]
    {
        assert!(said.contains(part), "{said}");
    }
    Ok(())
}

#[test]
fn tensors_that_are_not_there_or_not_as_large_as_they_say() -> Tested {
    let folder = scratch("onnx_tensors");
    let add = |tensor: Message| file(&[node("Add", &["x", "w"], "y")], &[tensor]);
    let says = |tensor: Message, expected: &str| assert_says(&folder, &add(tensor), expected);
    says(tensor("w", 1, &[1 << 20, 1 << 20]), "needs 4398046511104 bytes, it has 0")?;
    says(tensor("w", 1, &[i64::MAX, i64::MAX]), "impossible shape")?;
    says(tensor("w", 1, &[-1]), "impossible shape")?;
    says(tensor("w", 1, &[2]).bytes(9, &[0; 7]), "needs 8 bytes, it has 7")?;
    says(tensor("w", 1, &[2]).bytes(9, &[0; 9]), "needs 8 bytes, it has 9")?;
    says(tensor("w", 8, &[2]).bytes(9, &[0; 8]), "data type 8 is not supported")?;
    says(tensor("w", 1, &[7]).bytes(9, &[0; 28]), "node `the_y` (Add)")?;
    let twice = file(&[node("Relu", &["x"], "y")], &[row("w", &[1]), row("w", &[2])]);
    assert_says(&folder, &twice, "two initializers are named `w`")
}

#[test]
fn data_in_other_files_stay_in_the_folder() -> Tested {
    let outside = scratch("onnx_outside");
    std::fs::write(outside.join("secret"), [0; 64])?;
    let folder = scratch("onnx_external");
    std::fs::write(folder.join("data"), [0; 64])?;
    std::os::unix::fs::symlink(outside.join("secret"), folder.join("link"))?;
    let add = |location: &str, offset: &str, length: &str| {
        let entry = |key: &str, text: &str| Message::default().text(1, key).text(2, text);
        let tensor = tensor("w", 1, &[8]).int(14, 1).message(13, entry("location", location));
        let tensor =
            tensor.message(13, entry("offset", offset)).message(13, entry("length", length));
        file(&[node("Add", &["x", "w"], "y")], &[tensor])
    };
    let says = |file: Message, expected: &str| assert_says(&folder, &file, expected);
    says(add("data", "32", "32"), "")?;
    for location in
        ["../onnx_outside/secret", "/etc/passwd", "link", "data/../../onnx_outside/secret"]
    {
        says(add(location, "0", "32"), "outside the file's folder")?;
    }
    says(add("absent", "0", "32"), "can't be read")?;
    says(add(".", "0", "32"), "needs 32 bytes")?;
    says(add("data", "40", "32"), "truncated")?;
    says(add("data", "18446744073709551615", "32"), "truncated")?;
    says(add("data", "0", "28"), "truncated")?;
    says(add("data", "-1", "32"), "offset is `-1`")?;
    // A hundred tensors of one file's same bytes.
    let names: Vec<String> = (0..100).map(|i| format!("w{i}")).collect();
    let location = Message::default().text(1, "location").text(2, "data");
    let same = |name: &String| tensor(name, 1, &[16]).int(14, 1).message(13, location.clone());
    let tensors: Vec<Message> = names.iter().map(same).collect();
    let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
    let joined =
        node("Concat", &inputs, "w").message(5, Message::default().text(1, "axis").int(3, 0));
    let file = file(&[joined, node("Add", &["x", "w"], "y")], &tensors);
    says(file, "used far more often than it is long")
}

#[test]
fn data_that_are_not_beside_the_file_or_are_no_file() -> Tested {
    let folder = scratch("onnx_beside");
    let entry = Message::default().text(1, "location").text(2, "weights.bin");
    let weight = tensor("w", 1, &[8]).int(14, 1).message(13, entry);
    let file = file(&[node("Add", &["x", "w"], "y")], &[weight]);
    let said = refused(&folder, &file.0)?;
    assert!(
        said.contains("`weights.bin` is missing") && said.contains("belong together"),
        "{said}"
    );
    // A pipe is not waited for.
    let made = std::process::Command::new("mkfifo").arg(folder.join("weights.bin")).status()?;
    assert!(made.success());
    assert_says(&folder, &file, "needs 32 bytes")
}

#[test]
fn quantized_and_optimized_files_are_called_so() -> Tested {
    let folder = scratch("onnx_optimized");
    let fused = node("FusedConv", &["x"], "y").text(7, "com.microsoft");
    let said = refused(&folder, &file(&[fused], &[]).0)?;
    assert!(said.contains("com.microsoft.FusedConv") && said.contains("A runtime"), "{said}");
    let said = refused(&folder, &file(&[node("QLinearConv", &["x"], "y")], &[]).0)?;
    let parts = ["QLinearConv", "was quantized", "floating-point", "`DequantizeLinear`"];
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    Ok(())
}

#[test]
fn a_norm_of_whole_numbers_is_refused() -> Tested {
    let folder = scratch("onnx_whole_norm");
    let nodes = [node("ReduceL2", &["w"], "n"), node("Add", &["x", "n"], "y")];
    assert_says(&folder, &file(&nodes, &[row("w", &[3, 4])]), "whole numbers")
}

#[test]
fn a_message_in_two_parts_is_one() -> Tested {
    let folder = scratch("onnx_parts");
    let dims = |sizes: &[i64]| {
        let dimension = |shape: Message, &size| shape.message(1, Message::default().int(1, size));
        sizes.iter().fold(Message::default(), dimension)
    };
    // The input's shape, [1, 3] and [8, 8].
    let tensor = Message::default().int(1, 1).message(2, dims(&[1, 3]));
    let rest = Message::default().message(2, dims(&[8, 8]));
    let kind = Message::default().message(1, tensor).message(1, rest);
    let input = Message::default().text(1, "x").message(2, kind);
    // The graph, with a node in each part.
    let first = Message::default().message(1, node("Relu", &["x"], "a")).message(11, input);
    let second =
        Message::default().message(1, node("Relu", &["a"], "y")).message(12, value("y", &[1]));
    let opset = Message::default().text(1, "").int(2, 17);
    let file = Message::default().int(1, 8).message(7, first).message(7, second).message(8, opset);
    std::fs::write(folder.join("parts.onnx"), file.0)?;
    let net = Network::from_onnx(folder.join("parts.onnx"))?;
    assert_eq!(net.layer_names(), ["input", "the_a", "the_y"]);
    assert_eq!(net.preprocess().input_shape(), [3, 8, 8]);
    Ok(())
}

#[test]
fn bombs() -> Tested {
    let folder = scratch("onnx_bombs");
    let says = |file: &Message, expected: &str| assert_says(&folder, file, expected);
    let add = |node: Message, tensors: &[Message]| {
        file(&[node, self::node("Add", &["x", "w"], "y")], tensors)
    };
    let shape = row("s", &[1 << 20, 1 << 20]);
    let one = tensor("one", 1, &[1]).bytes(9, &[0; 4]);
    // Nor does a tensor that is only announced make it any better.
    let announced = [shape.clone(), tensor("unread", 1, &[1 << 20, 1 << 20])];
    says(&add(node("ConstantOfShape", &["s"], "w"), &announced), "far larger")?;
    says(&add(node("Expand", &["one", "s"], "w"), &[shape, one.clone()]), "far larger")?;
    let bounds = [row("a", &[0]), row("b", &[1 << 40]), row("c", &[1])];
    says(&add(node("Range", &["a", "b", "c"], "w"), &bounds), "the range")?;
    let bounds = [row("a", &[0]), row("b", &[1 << 29]), row("c", &[1])];
    says(&add(node("Range", &["a", "b", "c"], "w"), &bounds), "far larger")?;
    for op in ["Tile", "OneHot"] {
        let tensors = [row("a", &[1, 2]), row("b", &[1 << 40, 1 << 40]), row("c", &[0, 1])];
        says(&add(node(op, &["a", "b", "c"], "w"), &tensors), &format!("node `the_w` ({op})"))?;
    }
    // The smallest number by -1, and anything by 0, end the process in some libraries.
    for (op, by, expected) in
        [("Div", -1, "whole numbers"), ("Mod", -1, "whole numbers"), ("Div", 0, "by 0")]
    {
        let tensors = [row("a", &[i64::MIN, 1]), row("b", &[by])];
        says(&add(node(op, &["a", "b"], "w"), &tensors), expected)?;
    }
    let amounts = row("p", &[0, 0, 1 << 62, 0, 0, 0, 1 << 62, 0]);
    says(&file(&[node("Pad", &["x", "p"], "y")], &[amounts]), "node `the_y` (Pad)")?;
    let target = row("t", &[-1, i64::MAX, i64::MAX]);
    says(&file(&[node("Reshape", &["x", "t"], "y")], &[target]), "impossible shape")?;
    let kernel = tensor("w", 1, &[1, 3, 1, 1]).bytes(9, &[0; 12]);
    for name in ["strides", "dilations", "pads"] {
        let numbers = vec![i64::MAX; if name == "pads" { 4 } else { 2 }];
        let conv = node("Conv", &["x", "w"], "y").message(5, ints(name, &numbers));
        says(&file(&[conv], std::slice::from_ref(&kernel)), "node `the_y` (Conv)")?;
    }
    // A million nodes, in a line or empty.
    let line = (0..20_000).map(|i| node("Relu", &[&format!("v{i}")], &format!("v{}", i + 1)));
    let line: Vec<Message> = line.chain([node("Relu", &["v20000"], "y")]).collect();
    says(&file(&line, &[]), "more than 20000")?;
    says(&file(&vec![Message::default(); 1_000_000], &[]), "more than 20000")?;
    // As many as are accepted, the last first.
    let mut line: Vec<Message> = line.into_iter().skip(2).collect();
    line.insert(0, node("Relu", &["x"], "v2"));
    line.reverse();
    says(&file(&line, &[]), "")
}

#[test]
fn a_path_that_is_no_file() {
    let said =
        Network::from_onnx(PathBuf::from("no/such.onnx")).err().map(|error| error.to_string());
    assert!(said.is_some_and(|said| said.contains("cannot read no/such.onnx")));
}
