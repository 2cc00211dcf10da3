//! A network's numbers as bytes for the page.

use serde_json::{Map, Value, json};
use tch::Tensor;

use crate::error::short;
use crate::view::IntoValues;
use crate::{Error, Result};

/// Up to so many numbers of all parameters they travel as float32: 1.2 MB. With 16 bits the digits network's
/// logits are off by up to 0.001, which is within 4e-5 of the largest, and all that matters where there are
/// more of them.
const EXACT: u64 = 300_000;

/// The bytes, each tensor beginning at a multiple of 4.
pub(super) struct Weights {
    pub bytes: Vec<u8>,
    exact: bool,
}

impl Weights {
    /// For parameters of `count` numbers in all.
    pub(super) fn new(count: u64) -> Weights {
        Weights { bytes: Vec::new(), exact: count <= EXACT }
    }

    /// A convolution's or a linear layer's weight, `[out, …]`: where there are many, 16-bit integers, with a
    /// scale for each output.
    pub(super) fn matrix(&mut self, name: &str, tensor: &Tensor) -> Result<Value> {
        if self.exact {
            return self.vector(name, tensor);
        }
        let (shape, numbers) = finite(name, tensor)?;
        let offset = self.bytes.len();
        let rows = shape.first().copied().unwrap_or(1).max(1);
        let row = (numbers.len() / rows).max(1);
        let mut scales = Vec::with_capacity(rows);
        for row in numbers.chunks(row) {
            let largest = row.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
            let scale = largest / f32::from(i16::MAX);
            scales.push(scale);
            // A row of zeros has a scale of 0; converting its NaN gives 0.
            let whole = row.iter().map(|number| (number / scale).round() as i16);
            self.bytes.extend(whole.flat_map(i16::to_le_bytes));
        }
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let at = self.bytes.len();
        self.bytes.extend(scales.into_iter().flat_map(f32::to_le_bytes));
        Ok(json!({"shape": shape, "offset": offset, "scales": at}))
    }

    /// A tensor as float32.
    pub(super) fn vector(&mut self, name: &str, tensor: &Tensor) -> Result<Value> {
        let (shape, numbers) = finite(name, tensor)?;
        let offset = self.bytes.len();
        self.bytes.extend(numbers.into_iter().flat_map(f32::to_le_bytes));
        Ok(json!({"shape": shape, "offset": offset}))
    }
}

/// Weight and, where there is one, bias of a layer.
pub(super) fn weight_and_bias(
    weights: &mut Weights,
    name: &str,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    fields.insert("weight".to_owned(), weights.matrix(name, weight)?);
    if let Some(bias) = bias {
        fields.insert("bias".to_owned(), weights.vector(name, bias)?);
    }
    Ok(fields)
}

/// Shape and numbers of a layer's tensor.
fn finite(name: &str, tensor: &Tensor) -> Result<(Vec<usize>, Vec<f32>)> {
    let values = tensor.into_values()?;
    if values.numbers().iter().all(|number| number.is_finite()) {
        return Ok((values.shape().to_vec(), values.numbers().to_vec()));
    }
    Err(Error::Argument(format!(
        "`{}` has parameters that are not finite numbers: the network answers nothing. Train it again, or \
         load its weights anew.",
        short(name)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn sixteen_bits_keep_a_number_to_the_row_s_largest_by_65534() -> Result<()> {
        let rows = Tensor::f_rand([3, 2, 5], (Kind::Float, Device::Cpu))?;
        let rows = rows
            .f_sub_scalar(0.5)?
            .f_mul(&Tensor::from_slice(&[1f32, 1e-6, 0.0]).view([3, 1, 1]))?;
        let mut weights = Weights::new(EXACT + 1);
        weights.vector("first", &Tensor::from_slice(&[1f32]))?;
        let place = weights.matrix("rows", &rows)?;
        assert_eq!(place, json!({"shape": [3, 2, 5], "offset": 4, "scales": 64}));
        assert_eq!(weights.bytes.len(), 64 + 12);
        let values = (&rows).into_values()?;
        for (at, &number) in values.numbers().iter().enumerate() {
            let bytes = &weights.bytes[4 + 2 * at..];
            let whole = i16::from_le_bytes([bytes[0], bytes[1]]);
            let bytes = &weights.bytes[64 + 4 * (at / 10)..];
            let scale = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let largest =
                values.numbers()[at / 10 * 10..][..10].iter().fold(0.0_f32, |m, n| m.max(n.abs()));
            let error = (f32::from(whole) * scale - number).abs();
            assert!(error <= largest / 65000.0, "{number}: {error}");
        }
        Ok(())
    }

    #[test]
    fn few_numbers_stay_what_they_are() -> Result<()> {
        let mut weights = Weights::new(EXACT);
        let place = weights.matrix("w", &Tensor::from_slice(&[0.1f32, -7.25]).view([2, 1]))?;
        assert_eq!(place, json!({"shape": [2, 1], "offset": 0}));
        assert_eq!(weights.bytes, [0.1f32.to_le_bytes(), (-7.25f32).to_le_bytes()].concat());
        let error = weights.matrix("fc", &Tensor::from_slice(&[f32::NAN])).expect_err("NaN");
        assert!(
            error.to_string().starts_with("`fc` has parameters that are not finite"),
            "{error}"
        );
        Ok(())
    }
}
