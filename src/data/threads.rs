//! Reading and preparing pictures on several threads.

use std::borrow::Cow;
use std::ops::Range;

use tch::{Device, Tensor};

use super::Samples;
use crate::batching::free;
use crate::network::Network;
use crate::parallel::over_blocks;
use crate::{Photo, Result};

/// What decoding a picture takes at most, in bytes.
const DECODING: u64 = 1 << 30;

/// What `work` makes of each number of the range, in their order, by as many threads as libtorch computes
/// with, or as few as memory allows. Of several that fail, the first is reported.
pub(super) fn in_order<T: Send>(
    range: Range<usize>,
    work: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let enough = (free(Device::Cpu) / DECODING).min(range.len() as u64) as usize;
    let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1).min(enough);
    let mut made: Vec<Option<Result<T>>> = range.clone().map(|_| None).collect();
    over_blocks(&mut made, 1, threads, |at, place| {
        place.fill_with(|| Some(work(range.start.saturating_add(at))));
    });
    made.into_iter().flatten().collect()
}

/// What `make` makes of some of the images, in their order; on several threads, where the images can be
/// asked for so. It had better not compute with tensors: libtorch would start threads for each of these.
pub(crate) fn each<'a, T: Send>(
    samples: &'a (impl Samples + ?Sized),
    range: Range<usize>,
    make: impl Fn(Cow<'a, Photo>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    match samples.shared() {
        Some(shared) => in_order(range, |index| make(shared.photo(index)?)),
        None => range.map(|index| make(samples.photo(index)?)).collect(),
    }
}

/// Some of the images, and the same as the network's input `[K, C, H, W]`.
pub(crate) fn prepared<'a>(
    net: &Network,
    samples: &'a (impl Samples + ?Sized),
    range: Range<usize>,
) -> Result<(Vec<Cow<'a, Photo>>, Tensor)> {
    let preprocess = net.preprocess();
    let made = each(samples, range, |photo| Ok((preprocess.values(&photo)?, photo)))?;
    let (values, photos): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    Ok((photos, preprocess.batch(values)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn all_is_made_in_order_and_the_first_error_is_reported() {
        let squares = in_order(3..500, |n| Ok(n * n)).expect("squares");
        assert_eq!(squares, (3..500).map(|n| n * n).collect::<Vec<_>>());
        assert!(in_order(7..7, Ok).expect("nothing").is_empty());
        for _ in 0..50 {
            let error = in_order(0..200, |n| match n % 10 {
                7.. => Err(Error::Argument(format!("at {n}"))),
                _ => Ok(n),
            });
            assert_eq!(error.expect_err("7 fails").to_string(), "at 7");
        }
    }
}
