//! ONNX files made by hand, byte by byte.

use std::path::Path;
use std::time::{Duration, Instant};

use convscope::prelude::*;

use crate::helpers::Tested;

/// A protocol buffer under construction.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    pub fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    pub fn int(self, field: u64, value: i64) -> Self {
        self.varint(field << 3).varint(value as u64)
    }

    pub fn bytes(self, field: u64, value: &[u8]) -> Self {
        let mut message = self.varint(field << 3 | 2).varint(value.len() as u64);
        message.0.extend(value);
        message
    }

    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub fn message(self, field: u64, value: Message) -> Self {
        self.bytes(field, &value.0)
    }
}

/// `the_{output}` in messages.
pub fn node(op: &str, inputs: &[&str], output: &str) -> Message {
    let message = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
    message.text(2, output).text(3, &format!("the_{output}")).text(4, op)
}

/// An attribute of whole numbers.
pub fn ints(name: &str, values: &[i64]) -> Message {
    let attribute = Message::default().text(1, name).int(20, 7);
    values.iter().fold(attribute, |attribute, &value| attribute.int(8, value))
}

/// An initializer without data.
pub fn tensor(name: &str, kind: i64, dims: &[i64]) -> Message {
    let tensor = dims.iter().fold(Message::default(), |tensor, &dim| tensor.int(1, dim));
    tensor.int(2, kind).text(8, name)
}

/// An initializer of whole numbers.
pub fn row(name: &str, values: &[i64]) -> Message {
    let row = tensor(name, 7, &[values.len() as i64]);
    values.iter().fold(row, |row, &value| row.int(7, value))
}

/// A graph's input or output; a negative size is left free.
pub fn value(name: &str, sizes: &[i64]) -> Message {
    let shape = sizes.iter().fold(Message::default(), |shape, &size| {
        shape
            .message(1, if size < 0 { Message::default() } else { Message::default().int(1, size) })
    });
    let tensor = Message::default().int(1, 1).message(2, shape);
    Message::default().text(1, name).message(2, Message::default().message(1, tensor))
}

/// A file whose input is `x`, `[1, 3, 8, 8]`, and whose output is `y`.
pub fn file(nodes: &[Message], tensors: &[Message]) -> Message {
    file_with(17, &[value("x", &[1, 3, 8, 8])], nodes, tensors)
}

/// The same of another operator set or with other inputs.
pub fn file_with(
    opset: i64,
    inputs: &[Message],
    nodes: &[Message],
    tensors: &[Message],
) -> Message {
    let put = |graph: Message, field: u64, parts: &[Message]| {
        parts.iter().fold(graph, |graph, part| graph.bytes(field, &part.0))
    };
    let graph = put(put(Message::default(), 1, nodes), 5, tensors);
    let graph = put(graph, 11, inputs).message(12, value("y", &[1, 3]));
    let opset = Message::default().text(1, "").int(2, opset);
    Message::default().int(1, 8).message(7, graph).message(8, opset)
}

/// What the import says to this file.
pub fn refused(folder: &Path, bytes: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
    let path = folder.join("hostile.onnx");
    // Some file systems wait for the disk when a file is emptied and written anew.
    let _ = std::fs::remove_file(&path);
    std::fs::write(&path, bytes)?;
    let began = Instant::now();
    let answer = Network::from_onnx(&path);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    Ok(answer.err().map(|error| error.to_string()).unwrap_or_default())
}

/// Of an accepted file the import says "".
pub fn assert_says(folder: &Path, file: &Message, expected: &str) -> Tested {
    let said = refused(folder, &file.0)?;
    assert!(said.contains(expected), "expected “{expected}”, got “{said}”");
    Ok(())
}
