//! What the targets share: the functions that the regression tests of `hico-data`, `hico` and `hico-serve` replay inputs
//! through, and which panics count.

#[path = "../../crates/hico-data/tests/regressions/targets.rs"]
pub mod targets;

#[cfg(feature = "model")]
#[path = "../../crates/hico/tests/regressions/targets.rs"]
pub mod model;

#[cfg(feature = "model")]
#[path = "../../crates/hico-serve/tests/regressions/targets.rs"]
pub mod served;

use std::sync::Once;

/// Runs a target on an input.
///
/// libFuzzer's hook ends the process at every panic. Here that of a foreign decoder may be caught where `hico-data`
/// means to catch it; one of our own code ends the process wherever it is, also where `hico-data` would catch and refuse it.
pub fn run(target: fn(&[u8]) -> Result<usize, String>, bytes: &[u8]) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let end = std::panic::take_hook();
        // The guard of the readers sets a hook of its own at its first use, which keeps their panics to itself; the one here
        // has to come after it.
        std::panic::set_hook(Box::new(|_| {}));
        targets::stills(b"").ok();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map_or("", std::panic::Location::file);
            if place.contains(".cargo/registry") || place.contains("/rustc/") {
                eprintln!("a foreign panic: {info}");
            } else {
                end(info);
            }
        }));
    });
    target(bytes).ok();
}
