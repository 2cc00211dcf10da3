//! Windows that move over a picture or a row: their borders, and poolings.

use tch::{Kind, Tensor};

use super::import::Importer;
use super::message::Node;
use super::value::{Outcome, Value, torch};
use crate::error::short;
use crate::network::ops::{
    Arithmetic, AvgPool2d, MaxPool2d, Pad, PadMode, SamePad, Select, Unsqueeze,
};

#[derive(Clone, Copy)]
pub(super) struct Window {
    pub kernel: [i64; 2],
    pub stride: [i64; 2],
    pub dilation: [i64; 2],
}

pub(super) enum Border {
    /// Before and after, for height and width.
    Fixed([[i64; 2]; 2]),
    /// As wide as the picture's size asks for.
    Same { lower: bool },
}

impl Window {
    /// The window of a node with this kernel. `row`: whether it moves over a row `[N, C, L]`.
    pub(super) fn of(node: &Node, kernel: [i64; 2], row: bool) -> Outcome<Window> {
        let stride = pair(node, "strides", row, 1)?;
        Ok(Window { kernel, stride, dilation: pair(node, "dilations", row, 1)? })
    }

    /// The border on all sides that the layer itself gives its input, which else gets it before.
    pub(super) fn bordered<'a>(
        &self,
        importer: &mut Importer<'a>,
        node: &Node<'a>,
        x: Value<'a>,
        row: bool,
    ) -> Outcome<(Value<'a>, [i64; 2])> {
        match self.border(node, row)? {
            Border::Fixed([[top, bottom], [left, right]])
                if top == bottom && left == right && top.min(left) >= 0 =>
            {
                Ok((x, [top, left]))
            }
            border => Ok((self.pad(importer, &border, x, 0.0)?, [0, 0])),
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

    pub(super) fn border(&self, node: &Node, row: bool) -> Outcome<Border> {
        let auto = node.text("auto_pad", "NOTSET");
        match auto.as_str() {
            "NOTSET" | "" => match (node.ints("pads"), row) {
                (None, _) => Ok(Border::Fixed([[0, 0]; 2])),
                (Some(&[top, left, bottom, right]), false) => {
                    Ok(Border::Fixed([[top, bottom], [left, right]]))
                }
                (Some(&[before, after]), true) => Ok(Border::Fixed([[before, after], [0, 0]])),
                (Some(other), _) => {
                    Err(format!("pads {other:?}, expected two numbers for each direction"))
                }
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

/// Two numbers, for height and width; of a row one, for its length.
pub(super) fn pair(node: &Node, name: &str, row: bool, default: i64) -> Outcome<[i64; 2]> {
    match (node.ints(name), row) {
        (None, false) => Ok([default; 2]),
        (None, true) => Ok([default, 1]),
        (Some(&[height, width]), false) => Ok([height, width]),
        (Some(&[length]), true) => Ok([length, 1]),
        (Some(numbers), _) => {
            Err(format!("{name} {numbers:?}, only 1-D and 2-D windows are supported"))
        }
    }
}

/// A row `[N, C, L]` as a map `[N, C, L, 1]`; and whether it was one.
pub(super) fn planes<'a>(importer: &mut Importer<'a>, x: Value<'a>) -> Outcome<(Value<'a>, bool)> {
    match importer.shape(&x).sizes.len() {
        3 => Ok((importer.emit(Unsqueeze { dim: 3 }, vec![x])?, true)),
        _ => Ok((x, false)),
    }
}

/// The row that [`planes`] made a map of.
pub(super) fn unplaned<'a>(
    importer: &mut Importer<'a>,
    x: Value<'a>,
    row: bool,
) -> Outcome<Value<'a>> {
    if row { importer.emit(Select { dim: 3, index: 0 }, vec![x]) } else { Ok(x) }
}

pub(super) fn pool<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let (x, row) = planes(importer, x)?;
    let window = Window::of(node, pair(node, "kernel_shape", row, 0)?, row)?;
    let Window { kernel, stride, dilation } = window;
    let ceil = node.int("ceil_mode", 0) != 0;
    let border = window.border(node, row)?;
    let within = |sides: &[[i64; 2]; 2]| sides.iter().flatten().all(|&side| side >= 0);
    let pooled = match (node.op, border) {
        ("MaxPool", Border::Fixed(padding)) if within(&padding) => {
            importer.emit(MaxPool2d { kernel, stride, padding, dilation, ceil }, vec![x])?
        }
        ("MaxPool", border) => {
            let x = window.pad(importer, &border, x, f64::NEG_INFINITY)?;
            let padding = [[0; 2]; 2];
            importer.emit(MaxPool2d { kernel, stride, padding, dilation, ceil }, vec![x])?
        }
        _ if dilation != [1, 1] => return Err("a mean with dilation is not supported".to_owned()),
        (_, Border::Fixed(padding)) if within(&padding) => {
            let count_padding = node.int("count_include_pad", 0) != 0;
            let pool = AvgPool2d { kernel, stride, padding, ceil, count_padding };
            importer.emit(pool, vec![x])?
        }
        (_, border) => mean(importer, node, window, &border, x)?,
    };
    unplaned(importer, pooled, row)
}

/// The mean of each window, with a border that the pooling does not know of.
fn mean<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
    window: Window,
    border: &Border,
    x: Value<'a>,
) -> Outcome<Value<'a>> {
    let Window { kernel, stride, .. } = window;
    let (padding, ceil) = ([[0; 2]; 2], node.int("ceil_mode", 0) != 0);
    let pool = AvgPool2d { kernel, stride, padding, ceil, count_padding: true };
    let from = importer.shape(&x);
    let padded = window.pad(importer, border, x, 0.0)?;
    let mean = importer.emit(pool, vec![padded])?;
    let [.., h, w] = from.sizes[..] else { return Ok(mean) };
    if node.int("count_include_pad", 0) != 0 {
        return Ok(mean);
    }
    // How much of each window lies in the picture.
    importer.budget.spend(&[h, w])?;
    let ones = Tensor::f_ones([1, 1, h, w], (Kind::Float, tch::Device::Cpu)).map_err(torch)?;
    let ones = window.pad(importer, border, Value::Constant(ones, ""), 0.0)?;
    let share = importer.emit(pool, vec![ones])?;
    importer.emit(Arithmetic::Div, vec![mean, share])
}
