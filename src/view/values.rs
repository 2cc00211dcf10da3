//! Tensors as figures hold and read them.

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use super::color::range;
use crate::{Error, Result};

/// The same values detached, on the CPU, float32, contiguous.
pub(super) fn held(values: &Tensor) -> Result<Tensor> {
    values
        .f_detach()
        .and_then(|v| v.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous())
        .map_err(Error::torch("reading the figure's values"))
}

/// Row by row.
pub(super) fn numbers(held: &Tensor) -> Result<Vec<f32>> {
    held.f_reshape([-1])
        .and_then(Vec::try_from)
        .map_err(Error::torch("reading the figure's values"))
}

/// Values as whole numbers of a step, so that many of them stay short in JSON: four digits and a
/// sign. What is not finite becomes the words by which JavaScript's arithmetic knows it.
pub(super) fn quantized(values: &[f32]) -> (f64, Vec<Value>) {
    const STEPS: f64 = 9999.0;
    let (low, high) = range(values);
    let step = match f64::from(high).max(-f64::from(low)) / STEPS {
        0.0 => 1.0,
        step => step,
    };
    let short = |&value: &f32| match value {
        f32::INFINITY => json!("Infinity"),
        f32::NEG_INFINITY => json!("-Infinity"),
        value if value.is_nan() => json!("NaN"),
        value => json!((f64::from(value) / step).round() as i32),
    };
    (step, values.iter().map(short).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantized_values_are_near_and_odd_ones_kept() {
        let values = [0.0, -2.5, 1.25e-3, 2.0, f32::NAN, f32::INFINITY];
        let (step, short) = quantized(&values);
        for (value, short) in values.iter().zip(&short).take(4) {
            let back = step * short.as_f64().expect("a number");
            assert!((back - f64::from(*value)).abs() <= step / 2.0 + 1e-12, "{value}: {back}");
        }
        assert_eq!(short[4..], [json!("NaN"), json!("Infinity")]);
        assert_eq!(quantized(&[0.0; 2]), (1.0, vec![json!(0), json!(0)]));
    }
}
