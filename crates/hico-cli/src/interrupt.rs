//! Ctrl-C, SIGTERM and SIGHUP: the first asks the work to stop where it can go on later; a second one, more than a second
//! later, ends the program at once.
//!
//! Whoever ends a program often does so twice: `timeout` and batch systems send one signal to it and one to its group,
//! within the same instant. Those are one request, and work that is being kept is not torn by the second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Exit code of a command that was interrupted and saved its work (128 + SIGINT).
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Signals that come so soon after the first are the same request.
const ONE_REQUEST: Duration = Duration::from_secs(1);

/// Returns true where an error is that the work was asked to stop.
pub(crate) fn is_cause(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(hico_eval::Error::Interrupted))
            || matches!(cause.downcast_ref(), Some(hico_train::Error::Interrupted))
            || matches!(cause.downcast_ref(), Some(hico_model::Error::Interrupted))
            || matches!(cause.downcast_ref(), Some(hico_data::Error::Interrupted))
    })
}

/// How often it is looked for a second signal.
const LOOK: Duration = Duration::from_millis(50);

/// Set to anything, lets the end of standard input ask the work to stop: so a cell of a study learns that the process that
/// runs the study was interrupted, or is no more.
pub(crate) const STOP_AT_END_OF_INPUT: &str = "HICO_STOP_AT_END_OF_INPUT";

/// A flag that turns true when the work shall stop.
pub(crate) fn flag() -> std::io::Result<Arc<AtomicBool>> {
    let (stop, again) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    for signal in signals() {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&again))?;
    }
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || end_at_the_second(&again))?;
    if std::env::var_os(STOP_AT_END_OF_INPUT).is_some() {
        let stop = Arc::clone(&stop);
        let wait = move || {
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
            stop.store(true, Ordering::SeqCst);
        };
        std::thread::Builder::new().name("input".to_owned()).spawn(wait)?;
    }
    Ok(stop)
}

fn end_at_the_second(signalled: &AtomicBool) {
    let mut first: Option<Instant> = None;
    loop {
        std::thread::sleep(LOOK);
        if signalled.swap(false, Ordering::SeqCst) {
            match first {
                None => first = Some(Instant::now()),
                Some(first) if first.elapsed() > ONE_REQUEST => {
                    signal_hook::low_level::exit(EXIT_INTERRUPTED.into());
                }
                Some(_) => {}
            }
        }
    }
}

/// The signals that ask to stop. One that the program was started to ignore, as `nohup` does with SIGHUP, stays ignored.
fn signals() -> Vec<i32> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    {
        use signal_hook::consts::SIGHUP;
        if !is_ignored(SIGHUP) {
            signals.push(SIGHUP);
        }
    }
    signals
}

/// Whether the program was started with a signal ignored. Only Linux tells; elsewhere the answer is no.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("SigIgn:")).is_some_and(|mask| holds(mask, signal))
}

/// Whether a mask, in hexadecimal digits, holds a signal.
#[cfg(unix)]
fn holds(mask: &str, signal: i32) -> bool {
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::holds;

    #[test]
    fn the_lowest_bit_of_a_mask_is_signal_one() {
        assert!(holds("\t0000000000000001", 1));
        assert!(!holds("\t0000000000000002", 1) && holds("\t0000000000004002", 15));
        assert!(!holds("no mask", 1));
    }
}
