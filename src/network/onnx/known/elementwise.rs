//! Number by number.

use tch::{Kind, TchError, Tensor};

use super::Known;
use crate::network::Op;
use crate::network::onnx::value::{Outcome, torch};

/// Two inputs or more, from the left.
pub(super) fn several(known: &mut Known) -> Outcome<Tensor> {
    let mut result = known.input(0)?;
    for index in 1..known.inputs.len() {
        result = pair(known, &result, &known.input(index)?)?;
    }
    Ok(result)
}

fn pair(known: &mut Known, a: &Tensor, b: &Tensor) -> Outcome<Tensor> {
    let shape = broadcast(&[a, b])?;
    known.count(&shape, &[a, b])?;
    let whole = a.kind() == Kind::Int64 && b.kind() == Kind::Int64;
    let remainder_like_c = known.node.int("fmod", 0) != 0;
    let result = match known.node.op {
        "Add" | "Sum" => a.f_add(b),
        "Sub" => a.f_sub(b),
        "Mul" => a.f_mul(b),
        // libtorch's ends the process for the smallest number by -1.
        "Div" if whole => return whole_numbers(a, b, &shape, i64::checked_div),
        "Div" => a.f_div(b),
        "Mod" if whole && remainder_like_c => {
            return whole_numbers(a, b, &shape, i64::checked_rem);
        }
        "Mod" if whole => return whole_numbers(a, b, &shape, floored_remainder),
        "Mod" if remainder_like_c => a.f_fmod_tensor(b),
        "Mod" => a.f_remainder_tensor(b),
        "Pow" if a.kind() == Kind::Int64 => {
            let power = a.f_to_kind(Kind::Double).and_then(|a| a.f_pow(b));
            power.and_then(|power| power.f_to_kind(Kind::Int64))
        }
        "Pow" => a.f_pow(b),
        "Max" => a.f_maximum(b),
        "Min" => a.f_minimum(b),
        "And" => flags(a.f_logical_and(b)),
        "Or" => flags(a.f_logical_or(b)),
        "Xor" => flags(a.f_logical_xor(b)),
        "Equal" => flags(a.f_eq_tensor(b)),
        "Less" => flags(a.f_lt_tensor(b)),
        "LessOrEqual" => flags(a.f_le_tensor(b)),
        "Greater" => flags(a.f_gt_tensor(b)),
        "GreaterOrEqual" => flags(a.f_ge_tensor(b)),
        _ => return Err("not supported".to_owned()),
    };
    result.map_err(torch)
}

fn broadcast(inputs: &[&Tensor]) -> Outcome<Vec<i64>> {
    let misfit = |a: &[i64], b: &[i64]| format!("shapes {a:?} and {b:?} don't fit each other");
    inputs.iter().try_fold(Vec::new(), |shape, input| {
        let size = input.size();
        Op::ADD.shape(&[&shape, &size]).map_err(|_| misfit(&shape, &size))
    })
}

/// Booleans as 0 and 1.
fn flags(tensor: Result<Tensor, TchError>) -> Result<Tensor, TchError> {
    tensor?.f_to_kind(Kind::Int64)
}

fn whole_numbers(
    a: &Tensor,
    b: &Tensor,
    shape: &[i64],
    compute: fn(i64, i64) -> Option<i64>,
) -> Outcome<Tensor> {
    let row = |of: &Tensor| {
        let row = of.f_expand(shape, false).and_then(|all| all.f_reshape(-1));
        row.and_then(Vec::<i64>::try_from).map_err(torch)
    };
    let pairs = row(a)?.into_iter().zip(row(b)?);
    let numbers: Option<Vec<i64>> = pairs.map(|(a, b)| compute(a, b)).collect();
    let numbers = numbers.ok_or("a division of whole numbers by 0, or beyond their range")?;
    Tensor::f_from_slice(&numbers).and_then(|row| row.f_reshape(shape)).map_err(torch)
}

/// With the divisor's sign, as Python has it.
fn floored_remainder(a: i64, b: i64) -> Option<i64> {
    let remainder = a.checked_rem(b)?;
    if remainder != 0 && (remainder < 0) != (b < 0) {
        remainder.checked_add(b)
    } else {
        Some(remainder)
    }
}

/// A function of each number.
pub(super) fn one(known: &mut Known) -> Outcome<Tensor> {
    let x = known.input(0)?;
    known.count(&x.size(), &[])?;
    let result = match known.node.op {
        "Not" => flags(x.f_logical_not()),
        "Ceil" => x.f_ceil(),
        "Floor" => x.f_floor(),
        "Round" => x.f_round(),
        "Sign" => x.f_sign(),
        "Neg" => x.f_neg(),
        "Abs" => x.f_abs(),
        "Sin" => x.f_sin(),
        "Cos" => x.f_cos(),
        "IsNaN" => flags(x.f_isnan()),
        "IsInf" => flags(infinite(&x, known)),
        "Tan" => x.f_tan(),
        "Asin" => x.f_asin(),
        "Acos" => x.f_acos(),
        "Atan" => x.f_atan(),
        "Sinh" => x.f_sinh(),
        "Cosh" => x.f_cosh(),
        "Asinh" => x.f_asinh(),
        "Acosh" => x.f_acosh(),
        "Atanh" => x.f_atanh(),
        _ => return Err("not supported".to_owned()),
    };
    result.map_err(torch)
}

fn infinite(x: &Tensor, known: &Known) -> Result<Tensor, TchError> {
    let asked = |name: &str| known.node.int(name, 1) != 0;
    match (asked("detect_negative"), asked("detect_positive")) {
        (true, true) => x.f_isinf(),
        (false, true) => x.f_isposinf(),
        (true, false) => x.f_isneginf(),
        (false, false) => x.f_ne(0)?.f_zeros_like(),
    }
}

/// The second input where the first holds, else the third.
pub(super) fn choose(known: &mut Known) -> Outcome<Tensor> {
    let [condition, yes, no] = [known.input(0)?, known.input(1)?, known.input(2)?];
    let shape = broadcast(&[&condition, &yes, &no])?;
    known.count(&shape, &[&condition, &yes, &no])?;
    condition.f_ne(0).and_then(|holds| yes.f_where_self(&holds, &no)).map_err(torch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_as_python_has_them() {
        for (a, b, expected) in [(7, 3, 1), (-7, 3, 2), (7, -3, -2), (-7, -3, -1), (6, 3, 0)] {
            assert_eq!(floored_remainder(a, b), Some(expected), "{a} % {b}");
        }
        assert_eq!(floored_remainder(1, 0), None);
        assert_eq!(floored_remainder(i64::MIN, -1), None);
    }
}
