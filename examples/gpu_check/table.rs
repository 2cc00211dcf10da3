//! One method on both devices: its results compared, its time taken.

use std::error::Error;
use std::time::Instant;

use convscope::prelude::*;

pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A line of the table.
pub struct Row {
    difference: f64,
    allowed: f64,
}

impl Row {
    /// Runs `method` on both devices and prints the line. `method` gets a device and does all its
    /// work there; the first run of each is for warming up.
    pub fn measure(
        name: &str,
        device: Device,
        allowed: f64,
        method: impl Fn(Device) -> Outcome<Tensor>,
    ) -> Outcome<Row> {
        let (there, fast) = timed(device, &method)?;
        let (here, slow) = timed(Device::Cpu, &method)?;
        let there = there.to_device(Device::Cpu).to_kind(Kind::Double);
        let here = here.to_kind(Kind::Double);
        let largest = here.abs().max().double_value(&[]);
        if largest == 0.0 || !largest.is_finite() {
            return Err(
                format!("{name}: nothing to compare, the largest value is {largest}").into()
            );
        }
        // NaN must not pass as equal.
        let difference = (&there - &here).abs().max().double_value(&[]) / largest;
        let row = Row { difference, allowed };
        println!(
            "{name:40} {:>7.2} ms {:>7.1} ms {:>7.1} {difference:>9.1e} {:>9}{}",
            1e3 * fast,
            1e3 * slow,
            slow / fast,
            if allowed.is_finite() { format!("{allowed:.0e}") } else { "any".to_owned() },
            if row.holds() { "" } else { "  TOO MUCH" }
        );
        Ok(row)
    }

    pub fn holds(&self) -> bool {
        self.difference <= self.allowed
    }
}

/// The result and the median time of a few runs.
fn timed(device: Device, method: &impl Fn(Device) -> Outcome<Tensor>) -> Outcome<(Tensor, f64)> {
    const RUNS: usize = 3;
    let mut result = method(device)?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        wait(device);
        let start = Instant::now();
        result = method(device)?;
        wait(device);
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok((result, times[RUNS / 2]))
}

/// A GPU works on while the program goes on: wait until it is done.
fn wait(device: Device) {
    if let Device::Cuda(index) = device {
        tch::Cuda::synchronize(index as i64);
    }
}
