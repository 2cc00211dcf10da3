//! What `graph.cpp` adds to tch: functions that oneDNN plans as a whole.

use tch::{CModule, TchError, Tensor};

/// Whether this libtorch can plan.
pub(super) fn is_there() -> bool {
    bridge::plan(false)
}

/// Makes a function of what is computed from tensors like these; nothing where it can't be planned.
///
/// `compute` sees `examples`, whose values do not matter; the function computes the same from others.
pub(super) fn function(
    examples: &[Tensor],
    compute: impl FnOnce(&[Tensor]) -> Result<Tensor, TchError>,
) -> Result<Option<CModule>, TchError> {
    if !is_there() {
        return Ok(None);
    }
    let (mut compute, mut failed) = (Some(compute), None);
    let traced =
        CModule::create_by_tracing("run", "forward", examples, &mut |examples| match compute
            .take()
            .map(|compute| compute(examples))
        {
            Some(Ok(value)) => vec![value],
            Some(Err(error)) => {
                failed = Some(error);
                Vec::new()
            }
            None => Vec::new(),
        });
    // What failed is still being traced, and a thread has one trace at a time.
    if traced.is_err() || failed.is_some() {
        bridge::abandon_trace();
    }
    failed.map_or(traced.map(Some), Err)
}

/// The function's value once it is planned for inputs of these very shapes and layouts.
pub(super) fn plan(function: &CModule, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
    // In a first run libtorch learns the shapes; before the second the function is planned.
    let _unplanned = function.forward_ts(inputs)?;
    bridge::plan(true);
    let value = function.forward_ts(inputs);
    bridge::plan(false);
    value
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[allow(unsafe_code, reason = "functions of graph.cpp")]
mod bridge {
    unsafe extern "C" {
        fn convscope_plan(from_now_on: bool) -> bool;
        fn convscope_abandon_trace();
    }

    /// Whether functions that this thread runs for the second time are planned from now on; false where
    /// libtorch can't.
    pub(super) fn plan(from_now_on: bool) -> bool {
        // SAFETY: it sets a flag of this thread.
        unsafe { convscope_plan(from_now_on) }
    }

    /// Ends this thread's trace.
    pub(super) fn abandon_trace() {
        // SAFETY: without a trace, nothing happens.
        unsafe { convscope_abandon_trace() }
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod bridge {
    pub(super) fn plan(_from_now_on: bool) -> bool {
        false
    }

    pub(super) fn abandon_trace() {}
}
