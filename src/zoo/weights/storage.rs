//! From a storage's bytes to a tensor.

use tch::{Kind, Tensor};

use super::pickle::Described;
use crate::error::first_line;

/// How much a file may still make of its bytes. Tied parameters share a storage, so a little more than
/// the file holds is usual; a file that makes much of little is a bomb.
pub(super) struct Budget(u64);

impl Budget {
    pub(super) fn of(file_length: u64) -> Budget {
        Budget(file_length.saturating_mul(4))
    }

    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.0.checked_sub(bytes as u64);
        self.0 = left.ok_or("its tensors are together far larger than the file")?;
        Ok(())
    }

    pub(super) fn spend_on(&mut self, tensor: &Tensor) -> Result<(), String> {
        self.spend(tensor.numel() * tensor.kind().elt_size_in_bytes())
    }
}

/// What a storage of this name holds.
pub(super) fn kind(storage: &str) -> Result<Kind, String> {
    Ok(match storage {
        "FloatStorage" => Kind::Float,
        "DoubleStorage" => Kind::Double,
        "HalfStorage" => Kind::Half,
        "BFloat16Storage" => Kind::BFloat16,
        "LongStorage" => Kind::Int64,
        "IntStorage" => Kind::Int,
        "ByteStorage" => Kind::Uint8,
        "BoolStorage" => Kind::Bool,
        other => return Err(format!("{other} is not known")),
    })
}

/// Cuts a tensor out of its storage. Sizes are checked before libtorch sees them.
pub(super) fn tensor(described: &Described, storage: &[u8]) -> Result<Tensor, String> {
    let kind = kind(described.storage)?;
    let Described { offset, size, stride, .. } = described;
    let count = (storage.len() / kind.elt_size_in_bytes()) as i64;
    if !lies_within(count, *offset, size, stride) {
        return Err(format!("size {size:?} does not fit a storage of {count} numbers"));
    }
    Tensor::f_from_data_size(storage, &[count], kind)
        .and_then(|flat| flat.f_as_strided(size, stride, *offset)?.f_contiguous())
        // A copy of its own, so that a slice does not keep a large storage alive.
        .map(|tensor| tensor.copy())
        .map_err(|error| first_line(&error.to_string()))
}

/// Whether a tensor lies within a storage of `count` numbers. One that is larger than its storage
/// (stride 0) would be a bomb, and is no parameter.
fn lies_within(count: i64, offset: i64, size: &[i64], stride: &[i64]) -> bool {
    let plausible = |&value: &i64| (0..=count.max(1)).contains(&value);
    if size.len() != stride.len() || offset < 0 || !size.iter().chain(stride).all(plausible) {
        return false;
    }
    if size.contains(&0) {
        return true;
    }
    let elements = size.iter().try_fold(1_i64, |all, &n| all.checked_mul(n));
    let last = size.iter().zip(stride).try_fold(offset, |last, (&n, &step)| {
        last.checked_add(n.checked_sub(1)?.checked_mul(step)?)
    });
    elements.is_some_and(|elements| elements <= count) && last.is_some_and(|last| last < count)
}

#[cfg(test)]
mod tests {
    use super::lies_within;

    #[test]
    fn extreme_numbers_are_refused_and_no_overflow() {
        let extremes = [i64::MIN, -1, 0, 1, 16, 65536, i64::MAX];
        for a in extremes {
            for b in extremes {
                for offset in extremes {
                    let within = lies_within(16, offset, &[a, b], &[b, 1]);
                    assert!(!within || (offset >= 0 && a >= 0 && (0..=16).contains(&b)));
                }
            }
        }
        assert!(!lies_within(65536, 0, &[65536; 16], &[0; 16]));
        assert!(!lies_within(i64::MAX, 0, &[i64::MAX; 16], &[i64::MAX; 16]));
        assert!(lies_within(16, 4, &[3, 4], &[4, 1]) && !lies_within(16, 5, &[3, 4], &[4, 1]));
        assert!(lies_within(16, 0, &[0, 16], &[16, 1]) && lies_within(1, 0, &[], &[]));
    }
}
