//! What the libraries log, on standard error: warnings, and more under `-v`.

use std::io::IsTerminal as _;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Our own crates, by how their names begin. Nobody else's events are shown: a reader of files that is not ours may log
/// what stands in them, which may be a patient's name.
const OURS: &str = "hico";

/// How much is logged.
///
/// - `verbose`: how often `-v` was given
/// - `requests`: whether a line a request is wanted also without it
pub(crate) const fn level(verbose: u8, requests: bool) -> Level {
    match verbose {
        0 if requests => Level::INFO,
        0 => Level::WARN,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    }
}

/// Has events of at least this level written to standard error, in colour only at a terminal where `NO_COLOR` is unset.
pub(crate) fn start(level: Level) {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|word| !word.is_empty());
    let ansi = std::io::stderr().is_terminal() && !no_colour;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
    let ours = Targets::new().with_target(OURS, level);
    // It is set once, here; a second time would leave the first in place.
    tracing_subscriber::registry().with(lines).with(ours).try_init().ok();
}

#[cfg(test)]
mod tests {
    use super::{OURS, level};
    use tracing::Level;
    use tracing_subscriber::filter::Targets;

    #[test]
    fn each_v_says_more_and_a_server_tells_of_requests_without_any() {
        assert_eq!(
            [0, 1, 2, 3, 9].map(|verbose| level(verbose, false)),
            [Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE, Level::TRACE]
        );
        assert_eq!([0, 1, 2].map(|verbose| level(verbose, true)), [Level::INFO, Level::INFO, Level::DEBUG]);
    }

    #[test]
    fn events_of_others_are_not_shown_at_any_level() {
        let ours = Targets::new().with_target(OURS, Level::TRACE);
        for target in ["hico", "hico_train::run", "hico_data::ingest", "hico_serve::trace"] {
            assert!(ours.would_enable(target, &Level::TRACE), "{target}");
        }
        for target in ["dicom_encoding", "hyper", "tokio::task"] {
            assert!(!ours.would_enable(target, &Level::ERROR), "{target}");
        }
    }
}
