//! One candidate of an ingest → its prepared clip, or that it was stored before, or why it is refused.

use super::frames::PreparedClip;
use super::prepare::prepare;
use super::refusal::Refusal;
use super::walk::Found;
use super::{IngestOptions, hash};
use hico_io::{ReadOptions, guard};
use std::sync::atomic::AtomicBool;

/// What became of one candidate.
pub(super) enum Outcome {
    Kept,
    Changed,
    Stored(Box<PreparedClip>, String),
    Refused(Refusal),
    Ignored,
}

/// Decodes one candidate, or finds that it was stored before.
pub(super) fn take_in(
    found: &Found,
    stored: Option<&String>,
    options: &IngestOptions,
    reading: &ReadOptions,
    halt: &AtomicBool,
) -> Outcome {
    let hash = || {
        let what = found.what.clone();
        let read = |error: std::io::Error| hico_io::Error::Read { said: error.to_string() };
        let hashed = guard::run(options.limits.seconds, halt, move |stop| hash::of(&what, stop).map_err(read));
        hashed.map_err(Refusal::from)
    };
    let result = match stored {
        Some(before) => hash().map(|now| if now == *before { Outcome::Kept } else { Outcome::Changed }),
        None => prepare(&found.what, &options.preparing(), reading, halt)
            .and_then(|prepared| Ok(Outcome::Stored(Box::new(prepared), hash()?))),
    };
    if let Err(why) = &result {
        tracing::debug!(optional = found.optional, "refused: {}", why.kind());
    }
    match result {
        Ok(outcome) => outcome,
        Err(why) if why.is_interrupted() => Outcome::Refused(why),
        Err(_) if found.optional => Outcome::Ignored,
        Err(why) => Outcome::Refused(why),
    }
}
