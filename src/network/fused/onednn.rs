//! oneDNN's fused operations, which libtorch has and tch does not name: they are called through a
//! TorchScript module, which is made when it is first needed.

use std::io::{Cursor, Write};
use std::sync::LazyLock;

use tch::{CModule, IValue, TchError, Tensor};
use zip::write::FileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::network::Pointwise;
use crate::network::ops::{Conv2d, Linear};

/// Nothing where libtorch was built without oneDNN.
static ONEDNN: LazyLock<Option<CModule>> = LazyLock::new(|| {
    let usable = cfg!(target_arch = "x86_64") && tch::utils::has_mkldnn();
    usable.then(|| archive().ok().and_then(|bytes| CModule::load_data(&mut &bytes[..]).ok()))?
});

/// What libtorch loads: the module's source, and an object of it without any state.
fn archive() -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = FileOptions::default().compression_method(CompressionMethod::Stored);
    let files: [(&str, &[u8]); 4] = [
        ("version", b"3\n"),
        ("code/__torch__.py", include_bytes!("onednn.py")),
        ("data.pkl", b"\x80\x02c__torch__\nOneDnn\n)\x81}b."),
        ("constants.pkl", b"\x80\x02)."),
    ];
    for (name, content) in files {
        zip.start_file(format!("onednn/{name}"), stored)?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}

pub(super) fn is_there() -> bool {
    ONEDNN.is_some()
}

/// A function of each value, as oneDNN knows it.
#[derive(Clone, Copy)]
pub(in crate::network) struct Function {
    name: &'static str,
    numbers: [Option<f64>; 2],
    form: Option<&'static str>,
}

impl Function {
    pub(super) const NONE: Function = Function { name: "none", numbers: [None; 2], form: None };

    pub(super) fn of(pointwise: &Pointwise) -> Option<Function> {
        let plain = |name| Function { name, ..Function::NONE };
        let between =
            |low, high| Function { numbers: [Some(low), Some(high)], ..plain("hardtanh") };
        Some(match *pointwise {
            Pointwise::Relu => plain("relu"),
            Pointwise::Relu6 => between(0.0, 6.0),
            Pointwise::Clamp { low, high } if low <= high => between(low, high),
            Pointwise::LeakyRelu { slope } => {
                Function { numbers: [Some(slope), None], ..plain("leaky_relu") }
            }
            Pointwise::Gelu => Function { form: Some("none"), ..plain("gelu") },
            Pointwise::GeluTanh => Function { form: Some("tanh"), ..plain("gelu") },
            Pointwise::Silu => plain("swish"),
            Pointwise::Sigmoid => plain("sigmoid"),
            Pointwise::HardSigmoid => plain("hardsigmoid"),
            Pointwise::HardSwish => plain("hardswish"),
            Pointwise::Tanh => plain("tanh"),
            _ => return None,
        })
    }

    fn arguments(&self) -> [IValue; 3] {
        let numbers = self.numbers.into_iter().flatten().collect();
        [self.name.into(), IValue::DoubleList(numbers), text(self.form)]
    }
}

/// What follows a layer.
pub(in crate::network) enum Then {
    Function(Function),
    Sum(Sum),
}

/// A sum with something of the layer's shape, and then perhaps a ReLU.
pub(in crate::network) struct Sum {
    pub other: Tensor,
    /// Whether the result takes the other summand's place.
    pub over: bool,
    pub rectified: bool,
}

pub(super) fn pack_convolution(conv: &Conv2d, input: &[i64]) -> Result<Tensor, TchError> {
    let [stride, padding, dilation, groups] = windows(conv);
    let weight = tensor(&conv.weight);
    call("pack_convolution", [weight, stride, padding, dilation, groups, list(input)])
}

pub(super) fn pack_linear(linear: &Linear, rows: i64) -> Result<Tensor, TchError> {
    call("pack_linear", [tensor(&linear.weight), rows.into()])
}

/// The convolution with packed weights, and what follows.
pub(super) fn convolution(
    conv: &Conv2d,
    weight: &Tensor,
    x: &Tensor,
    then: Then,
) -> Result<Tensor, TchError> {
    let (x, weight, bias) = (tensor(x), tensor(weight), optional(conv.bias.as_ref()));
    let [stride, padding, dilation, groups] = windows(conv);
    match then {
        Then::Function(function) => {
            let [name, numbers, form] = function.arguments();
            let all = [x, weight, bias, stride, padding, dilation, groups, name, numbers, form];
            call("convolution", all)
        }
        Then::Sum(Sum { other, over, rectified }) => {
            let method = if over { "convolution_sum_over" } else { "convolution_sum" };
            let (other, name) = (IValue::Tensor(other), text(rectified.then_some("relu")));
            call(method, [x, other, weight, bias, stride, padding, dilation, groups, name])
        }
    }
}

/// The linear layer with packed weights, and what follows: a sum always beside, and without a ReLU.
pub(super) fn linear(
    linear: &Linear,
    weight: &Tensor,
    x: &Tensor,
    then: Then,
) -> Result<Tensor, TchError> {
    let (x, weight, bias) = (tensor(x), tensor(weight), optional(linear.bias.as_ref()));
    match then {
        Then::Function(function) => {
            let [name, numbers, form] = function.arguments();
            call("linear", [x, weight, bias, name, numbers, form])
        }
        Then::Sum(sum) => call("linear_sum", [x, IValue::Tensor(sum.other), weight, bias]),
    }
}

fn call<const N: usize>(method: &str, arguments: [IValue; N]) -> Result<Tensor, TchError> {
    let module = ONEDNN.as_ref().ok_or_else(|| TchError::Torch("no oneDNN".to_owned()))?;
    module.method_is(method, &arguments)?.try_into()
}

fn windows(conv: &Conv2d) -> [IValue; 4] {
    let lists = [conv.stride, conv.padding, conv.dilation].map(|sizes| list(&sizes));
    let [stride, padding, dilation] = lists;
    [stride, padding, dilation, conv.groups.into()]
}

fn list(numbers: &[i64]) -> IValue {
    IValue::IntList(numbers.to_vec())
}

fn tensor(tensor: &Tensor) -> IValue {
    IValue::Tensor(tensor.shallow_clone())
}

fn optional(given: Option<&Tensor>) -> IValue {
    given.map_or(IValue::None, tensor)
}

fn text(text: Option<&str>) -> IValue {
    text.map_or(IValue::None, IValue::from)
}
