//! Does the GPU give what the CPU gives, and how much faster?
//!
//! ```text
//! make gpu-check                  # where there is a GPU
//! gpu_check --device cpu          # the program itself, tried without one
//! ```
//!
//! Runs every method on both, compares, times, and prints a table; ends with an error where a result
//! differs by more than its row allows. The program can be built on one machine and carried to
//! another with libtorch 2.11 (in LD_LIBRARY_PATH) and no Rust. Where it was built against libtorch
//! without CUDA, start it with LD_PRELOAD=libtorch_cuda.so.

mod methods;
mod table;

use convscope::prelude::*;

use table::{Outcome, Row};

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let device = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Device::cuda_if_available(),
        ["--device", "cpu"] => Device::Cpu,
        _ => return Err("usage: gpu_check [--device cpu]".into()),
    };
    if arguments.is_empty() && device == Device::Cpu {
        println!("skipped: libtorch finds no CUDA device here");
        return Ok(());
    }
    println!("{device:?} against the CPU with {} threads", tch::get_num_threads());
    println!(
        "{:40} {:>10} {:>10} {:>7} {:>9} {:>9}",
        "", "device", "CPU", "times", "differs", "allowed"
    );
    let mut rows = Vec::new();
    methods::networks(device, &mut rows)?;
    methods::training(device, &mut rows)?;
    methods::maximization(device, &mut rows)?;
    methods::embeddings(device, &mut rows)?;
    let wrong = rows.iter().filter(|row: &&Row| !row.holds()).count();
    if wrong > 0 {
        return Err(format!("{wrong} of {} results differ by more than allowed", rows.len()).into());
    }
    println!("all {} results agree", rows.len());
    Ok(())
}
