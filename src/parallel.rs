//! Plain loops on as many threads as libtorch takes, where its operations would each be a pass over memory.

use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

/// Gives `work` blocks of `rows` rows, each `width` of the values long, with the number of the block's first
/// row. Each row is computed by one thread alone, so the result does not depend on how many there are.
pub(crate) fn over_rows<T: Send>(
    values: &mut [T],
    width: usize,
    rows: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let size = (width * rows).max(1);
    let threads = tch::get_num_threads().max(1) as usize;
    over_blocks(values, size, threads, |index, block| work(index * rows, block));
}

/// Gives `work` blocks of so many values, with each block's number, on at most so many threads.
pub(crate) fn over_blocks<T: Send>(
    values: &mut [T],
    size: usize,
    threads: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let threads = values.len().div_ceil(size).min(threads);
    let blocks = Mutex::new(values.chunks_mut(size).enumerate());
    let next = || blocks.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        while let Some((index, block)) = next() {
            work(index, block);
        }
    };
    scope(|scope| {
        for _ in 1..threads {
            // Where the system gives no thread, there are fewer.
            let _ = Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_computed_once() {
        for count in [0, 1, 7, 1000] {
            let mut values = vec![0; 3 * count];
            over_rows(&mut values, 3, 8, |first, block| {
                for (row, values) in block.chunks_mut(3).enumerate() {
                    for value in values {
                        *value += first + row;
                    }
                }
            });
            let expected: Vec<usize> = (0..3 * count).map(|at| at / 3).collect();
            assert_eq!(values, expected);
        }
    }
}
