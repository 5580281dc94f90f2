//! Ctrl-C and SIGTERM: the first asks the work to stop where it can go on later, the second ends the program.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit code of a command that was interrupted and saved its work (128 + SIGINT).
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// A flag that turns true at the first Ctrl-C; a second one ends the program at once.
pub(crate) fn flag() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Registered first, so it sees the flag as the previous signal left it.
        signal_hook::flag::register_conditional_shutdown(signal, EXIT_INTERRUPTED.into(), Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}
