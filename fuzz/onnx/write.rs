//! ONNX files written by hand.

use super::message::{Kind, Message};

/// A node; its name is made of its output's.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let node = inputs.iter().fold(Message::new(Kind::Node), |node, &input| node.data(1, input));
    let node = outputs.iter().fold(node, |node, &output| node.data(2, output));
    let name = format!("/block/{}/{op}", outputs.first().unwrap_or(&""));
    node.data(3, name).data(4, op)
}

pub trait Attributes {
    fn with_int(self, name: &str, value: i64) -> Message;
    fn with_ints(self, name: &str, values: &[i64]) -> Message;
    fn with_float(self, name: &str, value: f32) -> Message;
    fn with_text(self, name: &str, value: &str) -> Message;
    fn with_tensor(self, name: &str, value: Message) -> Message;
}

fn attribute(name: &str, kind: i64) -> Message {
    Message::new(Kind::Attribute).data(1, name).int(20, kind)
}

impl Attributes for Message {
    fn with_int(self, name: &str, value: i64) -> Message {
        self.message(5, attribute(name, 2).int(3, value))
    }

    fn with_ints(self, name: &str, values: &[i64]) -> Message {
        let ints = values.iter().fold(attribute(name, 7), |ints, &value| ints.int(8, value));
        self.message(5, ints)
    }

    fn with_float(self, name: &str, value: f32) -> Message {
        self.message(5, attribute(name, 1).float(2, value))
    }

    fn with_text(self, name: &str, value: &str) -> Message {
        self.message(5, attribute(name, 3).data(4, value))
    }

    fn with_tensor(self, name: &str, value: Message) -> Message {
        self.message(5, attribute(name, 4).message(5, value))
    }
}

pub fn tensor(name: &str, kind: i64, sizes: &[i64]) -> Message {
    let tensor = sizes.iter().fold(Message::new(Kind::Tensor), |tensor, &size| tensor.int(1, size));
    tensor.int(2, kind).data(8, name)
}

/// A tensor of float32 that are not alike.
pub fn weight(name: &str, sizes: &[i64]) -> Message {
    let count: i64 = sizes.iter().product();
    let wave = (0..count).map(|at| 0.5 * (0.7 * at as f32).sin());
    tensor(name, 1, sizes).data(9, wave.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
}

/// A row of int64.
pub fn row(name: &str, values: &[i64]) -> Message {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(name, 7, &[values.len() as i64]).data(9, bytes)
}

/// One int64, without dimensions.
pub fn number(name: &str, value: i64) -> Message {
    tensor(name, 7, &[]).data(9, value.to_le_bytes())
}

/// A graph's input or output; free sizes are negative.
pub fn info(name: &str, sizes: &[i64]) -> Message {
    let shape = sizes.iter().fold(Message::new(Kind::Shape), |shape, &size| {
        let dim = Message::new(Kind::Dim);
        shape.message(1, if size < 0 { dim.data(2, "batch") } else { dim.int(1, size) })
    });
    let tensor = Message::new(Kind::TensorType).int(1, 1).message(2, shape);
    Message::new(Kind::Info).data(1, name).message(2, Message::new(Kind::Type).message(1, tensor))
}

/// A file that makes `y` of the image `x`.
pub fn file(image: [i64; 3], nodes: Vec<Message>, tensors: Vec<Message>) -> Vec<u8> {
    let [c, h, w] = image;
    file_of(17, &[-1, c, h, w], nodes, tensors)
}

/// The same of any operator set and for any input.
pub fn file_of(opset: i64, input: &[i64], nodes: Vec<Message>, tensors: Vec<Message>) -> Vec<u8> {
    let graph =
        nodes.into_iter().fold(Message::new(Kind::Graph), |graph, node| graph.message(1, node));
    let graph = tensors.into_iter().fold(graph, |graph, tensor| graph.message(5, tensor));
    let graph = graph.message(11, info("x", input)).message(12, info("y", &[-1, 4]));
    let opset = Message::new(Kind::Opset).data(1, "").int(2, opset);
    Message::new(Kind::Model).int(1, 8).message(7, graph).message(8, opset).bytes()
}
