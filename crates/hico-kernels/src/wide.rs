//! Plain loops with the widest instructions of the CPU, chosen while the program runs.

/// Runs a loop that the compiler may turn into the widest instructions that this CPU has.
///
/// Products and sums are rounded as they stand there on every CPU: none are fused.
#[inline(always)]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
