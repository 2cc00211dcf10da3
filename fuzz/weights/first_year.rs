//! Checkpoints as PyTorch wrote them in its first year: a tar archive of storages, tensors and a pickle.

use super::pickle::{Op, int, op, text};
use super::seeds::{PARAMETERS, callable, dictionary, numbers, pickle, strides, tuple};

/// What `bytes::damage` is to change: three files, laid out in blocks.
pub fn tar() -> Vec<u8> {
    let count = int(PARAMETERS.len() as i64);
    let (mut storages, mut tensors) = (pickle(vec![count.clone()]), pickle(vec![count]));
    let class = || vec![callable("torch\nFloatStorage\n")];
    for (number, (_, shape)) in (0..).zip(PARAMETERS) {
        let length: i64 = shape.iter().product();
        storages.extend(pickle(tuple([vec![int(number)], vec![text("cpu")], class()])));
        storages.extend(length.to_le_bytes());
        storages.extend(numbers(length));
        tensors.extend(pickle(tuple([vec![int(number)], vec![int(number)], class()])));
        let row = [&[shape.len() as i64], shape, &strides(shape), &[0]].concat();
        tensors.extend(row.iter().flat_map(|number| number.to_le_bytes()));
    }
    storages.extend(pickle(vec![op(b']', [])]));
    let entry = |(number, (name, _)): (usize, &(&str, &[i64]))| -> (String, Vec<Op>) {
        ((*name).to_owned(), vec![text(&number.to_string()), op(b'Q', [])])
    };
    let saved = pickle(dictionary(PARAMETERS.iter().enumerate().map(entry)));
    let members = [("pickle", saved), ("tensors", tensors), ("storages", storages)];
    let mut file: Vec<u8> =
        members.iter().flat_map(|(name, content)| member(name, content)).collect();
    file.resize(file.len() + 1024, 0);
    file
}

fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[257..262].copy_from_slice(b"ustar");
    block.extend(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}
