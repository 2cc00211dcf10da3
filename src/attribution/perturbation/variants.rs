//! Many variants of one image: what the methods share that change it, or its activations, and look at
//! what becomes of the score.

use std::ops::Range;
use std::time::Duration;

use tch::{Device, Kind};

use crate::Result;
use crate::batching::Batches;
use crate::live::{Progress, stopped};
use crate::network::Network;

/// From here on larger batches are no faster, and time bounds would be met late. On the CPU gradients
/// become slower again, as more activations leave the caches (ResNet-18, 224²).
const MOST_ON_CPU: usize = 16;
const MOST_GRADIENTS_ON_CPU: usize = 8;
const MOST_ON_GPU: usize = 128;

/// A number of variants to be run, as many at once as memory allows.
pub(crate) struct Variants {
    /// What lines about progress begin with.
    pub what: &'static str,
    pub count: usize,
    /// What one variant needs while it runs.
    pub bytes: u64,
    pub device: Device,
    /// The most at once.
    pub most: usize,
    /// No new batch is begun after this time.
    pub time_limit: Option<Duration>,
}

impl Variants {
    /// Variants of a batch `[N, C, H, W]` that run through `net`, with or without a gradient.
    pub(crate) fn new(
        what: &'static str,
        count: usize,
        net: &Network,
        input: &[i64],
        kind: Kind,
        gradient: bool,
    ) -> Result<Variants> {
        let images = input.first().map_or(1, |&images| images.max(1) as u64);
        let bytes = images.saturating_mul(net.bytes(input, kind, gradient)?);
        let device = net.device();
        let most = match (device, gradient) {
            (Device::Cpu, false) => MOST_ON_CPU,
            (Device::Cpu, true) => MOST_GRADIENTS_ON_CPU,
            _ => MOST_ON_GPU,
        };
        Ok(Variants { what, count, bytes, device, most, time_limit: None })
    }

    pub(crate) fn time_limit(mut self, time: Option<Duration>) -> Variants {
        self.time_limit = time;
        self
    }

    /// Hands out the variants batch by batch; how many were done. A batch may come again, smaller,
    /// where it found no memory: until `each` succeeds it must leave nothing behind.
    pub(crate) fn run(&self, mut each: impl FnMut(Range<usize>) -> Result<()>) -> Result<usize> {
        let mut batches = Batches::new(self.count, self.bytes, self.most, self.device);
        let mut progress = Progress::new(self.what).time_limit(self.time_limit);
        while batches.next(&mut each)?.is_some() {
            let done = batches.done();
            if done == self.count {
                break;
            }
            if progress.is_over() {
                stopped(done, self.count).iter().for_each(|line| progress.say(line));
                break;
            }
            progress.step(done, self.count, || format!("{done} of {}", self.count));
        }
        Ok(batches.done())
    }
}
