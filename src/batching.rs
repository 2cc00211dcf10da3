//! Batches as large as memory allows: chosen from what is free, halved where that fails.

use std::ops::Range;

use tch::{Device, Kind};

use crate::network::Network;
use crate::{Error, Result};

/// Assumed free memory where the platform does not report it.
const UNKNOWN: u64 = 2 << 30;

/// The fraction of free memory that one batch may take, as a divisor.
const SHARE: u64 = 2;

/// A run over `count` items, some of them at a time.
pub(crate) struct Batches {
    count: usize,
    done: usize,
    size: usize,
}

impl Batches {
    /// `bytes` is what an item needs while its batch runs, `most` the size from which on larger
    /// batches are of no use.
    pub(crate) fn new(count: usize, bytes: u64, most: usize, device: Device) -> Batches {
        let fitting = free(device) / SHARE / bytes.max(1);
        let most = most.max(1).min(count.max(1));
        let size = usize::try_from(fitting).unwrap_or(usize::MAX).clamp(1, most);
        // Equal batches instead of a small last one.
        let size = count.max(1).div_ceil(count.max(1).div_ceil(size));
        Batches { count, done: 0, size }
    }

    /// How many items are done.
    pub(crate) fn done(&self) -> usize {
        self.done
    }

    /// Runs the next batch; `None` when there is none left. One that finds no memory is tried again
    /// at half its size.
    pub(crate) fn next<T>(
        &mut self,
        mut run: impl FnMut(Range<usize>) -> Result<T>,
    ) -> Result<Option<T>> {
        while self.done < self.count {
            let end = (self.done + self.size).min(self.count);
            match run(self.done..end) {
                Err(Error::OutOfMemory { .. }) if self.size > 1 => self.size /= 2,
                outcome => {
                    self.done = end;
                    return outcome.map(Some);
                }
            }
        }
        Ok(None)
    }
}

impl Network {
    /// What a run of one picture `[1, C, H, W]` takes at most, in bytes: with a gradient all
    /// activations stay, and as much again for what goes back; without, an operation's inputs,
    /// output and scratch space.
    pub(crate) fn bytes(&self, input: &[i64], kind: Kind, gradient: bool) -> Result<u64> {
        let mut one = input.to_vec();
        if let Some(batch) = one.first_mut() {
            *batch = 1;
        }
        let values = self.shapes(&one)?.into_iter().map(|s| s.iter().product::<i64>() as u64);
        let values = if gradient { 2 * values.sum::<u64>() } else { 4 * values.max().unwrap_or(0) };
        Ok(values * kind.elt_size_in_bytes() as u64)
    }
}

/// Bytes free on a device.
pub(crate) fn free(device: Device) -> u64 {
    match device {
        Device::Cuda(_) => gpu_free(),
        _ => main_free(),
    }
    .unwrap_or(UNKNOWN)
}

/// What the system says is available, and no more than a container's bound leaves.
#[cfg(target_os = "linux")]
fn main_free() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let known = read("/proc/meminfo")?;
    let line = known.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let available = 1024 * line.split_whitespace().nth(1)?.parse::<u64>().ok()?;
    // A container's use counts files that were read, of which what is inactive is given back.
    let left = |folder: &str, most: &str, used: &str| {
        let stat = read(&format!("{folder}/memory.stat")).unwrap_or_default();
        let cached = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
        let cached = cached.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0);
        let used = number(&format!("{folder}/{used}"))?.saturating_sub(cached);
        Some(number(&format!("{folder}/{most}"))?.saturating_sub(used))
    };
    let bounds = [
        left("/sys/fs/cgroup", "memory.max", "memory.current"),
        left("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ];
    Some(bounds.into_iter().flatten().fold(available, u64::min))
}

#[cfg(not(target_os = "linux"))]
fn main_free() -> Option<u64> {
    None
}

/// What CUDA's runtime says of the current GPU, where libtorch has loaded it.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "tch does not say how much memory a GPU has left")]
fn gpu_free() -> Option<u64> {
    type MemGetInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> std::ffi::c_int;
    // SAFETY: the names end in a zero byte; RTLD_NOLOAD only finds what is loaded already; the
    // function has had this signature in all versions of the runtime.
    unsafe {
        let libraries = [c"libcudart.so.13", c"libcudart.so.12"];
        let mut handles = libraries
            .iter()
            .map(|name| libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD));
        let handle = handles.find(|handle| !handle.is_null())?;
        let function = libc::dlsym(handle, c"cudaMemGetInfo".as_ptr());
        if function.is_null() {
            return None;
        }
        let function: MemGetInfo = std::mem::transmute(function);
        let (mut free, mut total) = (0, 0);
        (function(&mut free, &mut total) == 0).then_some(free as u64)
    }
}

#[cfg(not(target_os = "linux"))]
fn gpu_free() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out_of_memory() -> Error {
        let message = "CUDA out of memory. Tried to allocate 2.00 GiB".to_owned();
        Error::torch("computing `conv1`")(tch::TchError::Torch(message))
    }

    #[test]
    fn batches_are_halved_until_they_fit_and_leave_nothing_out() {
        let mut batches = Batches { count: 100, done: 0, size: 40 };
        let mut seen = Vec::new();
        let run = |range: Range<usize>| {
            if range.len() > 12 { Err(out_of_memory()) } else { Ok(range) }
        };
        while let Some(range) = batches.next(run).expect("fits at last") {
            seen.extend(range);
        }
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        assert_eq!(batches.size, 10);
    }

    #[test]
    fn what_a_single_item_finds_no_memory_for_is_an_error() {
        let mut batches = Batches { count: 8, done: 0, size: 8 };
        assert!(batches.next::<()>(|_| Err(out_of_memory())).is_err());
        let mut batches = Batches { count: 8, done: 0, size: 8 };
        let other = || Err(Error::Argument("another fault".to_owned()));
        assert!(batches.next::<()>(|_| other()).is_err());
        assert_eq!(batches.size, 8, "only a lack of memory makes batches smaller");
    }

    #[test]
    fn the_size_follows_what_is_free() {
        let free = free(Device::Cpu);
        assert!(free > 1 << 24, "{free}");
        assert_eq!(Batches::new(1000, u64::MAX, 64, Device::Cpu).size, 1);
        assert_eq!(Batches::new(1000, 1, 64, Device::Cpu).size, 63, "16 batches, equal");
        assert_eq!(Batches::new(0, 1, 64, Device::Cpu).next(Ok).expect("none"), None);
    }
}
