//! Windows that move over a picture: their borders, and poolings.

use tch::{Kind, Tensor};

use super::import::Importer;
use super::message::Node;
use super::value::{Outcome, Value, torch};
use crate::error::short;
use crate::network::ops::{Arithmetic, AvgPool2d, MaxPool2d, Pad, PadMode, SamePad};

pub(super) struct Window {
    pub kernel: [i64; 2],
    pub stride: [i64; 2],
    pub dilation: [i64; 2],
}

enum Border {
    /// Before and after, for height and width.
    Fixed([[i64; 2]; 2]),
    /// As wide as the picture's size asks for.
    Same { lower: bool },
}

impl Window {
    fn of(node: &Node) -> Outcome<Window> {
        let kernel = pair(node, "kernel_shape", [0, 0])?;
        let stride = pair(node, "strides", [1, 1])?;
        Ok(Window { kernel, stride, dilation: pair(node, "dilations", [1, 1])? })
    }

    /// The border on all sides that the layer itself gives its input, which else gets it before.
    pub(super) fn bordered<'a>(
        &self,
        importer: &mut Importer<'a>,
        node: &Node<'a>,
        x: Value<'a>,
        value: f64,
    ) -> Outcome<(Value<'a>, [i64; 2])> {
        match self.border(node)? {
            Border::Fixed([[top, bottom], [left, right]])
                if top == bottom && left == right && top.min(left) >= 0 =>
            {
                Ok((x, [top, left]))
            }
            border => Ok((self.pad(importer, &border, x, value)?, [0, 0])),
        }
    }

    fn pad<'a>(
        &self,
        importer: &mut Importer<'a>,
        border: &Border,
        x: Value<'a>,
        value: f64,
    ) -> Outcome<Value<'a>> {
        let Window { kernel, stride, dilation } = *self;
        match *border {
            Border::Fixed([height, width]) => {
                let amounts = vec![[0, 0], [0, 0], height, width];
                importer.emit(Pad { amounts, mode: PadMode::Constant(value) }, vec![x])
            }
            Border::Same { lower } => {
                importer.emit(SamePad { kernel, stride, dilation, lower, value }, vec![x])
            }
        }
    }

    fn border(&self, node: &Node) -> Outcome<Border> {
        let auto = node.text("auto_pad", "NOTSET");
        match auto.as_str() {
            "NOTSET" | "" => match node.ints("pads") {
                None => Ok(Border::Fixed([[0, 0]; 2])),
                Some(&[top, left, bottom, right]) => {
                    Ok(Border::Fixed([[top, bottom], [left, right]]))
                }
                Some(other) => Err(format!("pads {other:?}, expected four numbers")),
            },
            "VALID" => Ok(Border::Fixed([[0, 0]; 2])),
            "SAME_UPPER" | "SAME_LOWER" => Ok(self.same(auto == "SAME_LOWER")),
            other => Err(format!("auto_pad {} is not supported", short(other))),
        }
    }

    /// With a step of 1 it does not depend on the picture's size.
    fn same(&self, lower: bool) -> Border {
        let side = |d: usize| {
            let all = self.kernel[d].checked_sub(1)?.checked_mul(self.dilation[d])?;
            let (less, more) = (all / 2, all.checked_sub(all / 2)?);
            Some(if lower { [more, less] } else { [less, more] })
        };
        match side(0).zip(side(1)) {
            Some((height, width)) if self.stride == [1, 1] => Border::Fixed([height, width]),
            _ => Border::Same { lower },
        }
    }
}

/// Two numbers, for height and width.
pub(super) fn pair(node: &Node, name: &str, default: [i64; 2]) -> Outcome<[i64; 2]> {
    let Some(numbers) = node.ints(name) else { return Ok(default) };
    numbers.try_into().map_err(|_| format!("{name} {numbers:?}, expected two: height and width"))
}

pub(super) fn pool<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let window = Window::of(node)?;
    let Window { kernel, stride, dilation } = window;
    if dilation != [1, 1] {
        return Err("a pooling with dilation is not supported".to_owned());
    }
    let ceil = node.int("ceil_mode", 0) != 0;
    if node.op == "MaxPool" {
        let (x, padding) = window.bordered(importer, node, x, f64::NEG_INFINITY)?;
        return importer.emit(MaxPool2d { kernel, stride, padding, ceil }, vec![x]);
    }
    let count_padding = node.int("count_include_pad", 0) != 0;
    let from = importer.shape(&x);
    let (inner, padding) = window.bordered(importer, node, x, 0.0)?;
    let widened = importer.shape(&inner) != from;
    // A border that the pooling does not know of counts as zeros.
    let count_padding = count_padding || widened;
    let pool = AvgPool2d { kernel, stride, padding, ceil, count_padding };
    let mean = importer.emit(pool, vec![inner])?;
    if !widened || node.int("count_include_pad", 0) != 0 {
        return Ok(mean);
    }
    // How much of each window lies in the picture.
    let [.., h, w] = from.sizes[..] else { return Ok(mean) };
    importer.budget.spend(&[h, w])?;
    let ones = Tensor::f_ones([1, 1, h, w], (Kind::Float, tch::Device::Cpu)).map_err(torch)?;
    let ones = Value::Constant(ones, "");
    let ones = window.pad(importer, &window.border(node)?, ones, 0.0)?;
    let share = importer.emit(pool, vec![ones])?;
    importer.emit(Arithmetic::Div, vec![mean, share])
}
