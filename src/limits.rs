//! Walls at the border: bounds on the numbers that callers and files give, asked before anything is
//! computed with them or made for them.

use tch::{Device, TchError};

use crate::batching::free;
use crate::{Error, Result};

/// The most steps, samples, masks or images that one call takes. Far beyond what anybody waits for, and
/// small enough that no arithmetic on it overflows.
const MOST: usize = 1_000_000;

/// The most pixels of a picture that is made: 100 megapixels.
pub(crate) const PIXELS: u64 = 100_000_000;

/// Where memory is asked for, less than this is not worth a look at what is free.
const LITTLE: u64 = 256 << 20;

/// Refuses a number of steps, samples and the like that is 0, or beyond all use.
pub(crate) fn check_count(of_what: &str, count: usize, usual: usize) -> Result<()> {
    if (1..=MOST).contains(&count) {
        return Ok(());
    }
    Err(Error::Argument(format!("{count} {of_what}: give 1 to {MOST}; usual are {usual}")))
}

/// Refuses what can't fit into memory before it is asked for: the system may grant it, and end the
/// process when it is written to. A GPU's memory is refused by libtorch itself, which alone knows what
/// it holds in reserve.
pub(crate) fn check_memory(doing: &str, bytes: u64, device: Device) -> Result<()> {
    if bytes < LITTLE || device != Device::Cpu {
        return Ok(());
    }
    let free = free(device);
    if bytes <= free {
        return Ok(());
    }
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let lack = format!("at least {:.1} GiB are needed, {:.1} are free", gib(bytes), gib(free));
    Err(Error::OutOfMemory { doing: doing.to_owned(), source: TchError::Torch(lack) })
}

/// Refuses a GPU that isn't there.
pub(crate) fn check_device(device: Device) -> Result<()> {
    match device {
        Device::Cuda(index) if position(index) >= tch::Cuda::device_count() => {
            Err(Error::Argument(format!(
                "there is no {device:?}: libtorch sees {} CUDA device(s). \
                 Use `Device::cuda_if_available()`.",
                tch::Cuda::device_count()
            )))
        }
        _ => Ok(()),
    }
}

/// A position as libtorch counts. Beyond its range it is one that no dimension has.
pub(crate) fn position(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_numbers_are_refused_in_words() {
        assert!(check_count("steps", 1, 50).is_ok() && check_count("steps", MOST, 50).is_ok());
        let error = check_count("steps", usize::MAX, 50).expect_err("too many").to_string();
        assert!(error.contains("18446744073709551615 steps: give 1 to 1000000"), "{error}");
        assert!(check_memory("drawing", 1 << 20, Device::Cpu).is_ok());
        let error = check_memory("drawing", u64::MAX, Device::Cpu).expect_err("all").to_string();
        assert!(error.starts_with("out of memory while drawing: at least 17179869184.0 GiB"));
        assert_eq!((position(3), position(usize::MAX)), (3, i64::MAX));
    }
}
