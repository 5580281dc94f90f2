//! One candidate of an ingest → its prepared clip, or that it was stored before, or why it is refused.

use super::ffmpeg::Decoder;
use super::frames::PreparedClip;
use super::prepare::prepare;
use super::refusal::Refusal;
use super::walk::Found;
use super::{IngestOptions, guard, hash};
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
    decoder: Option<&Decoder>,
    options: &IngestOptions,
    halt: &AtomicBool,
) -> Outcome {
    let hash = || {
        let what = found.what.clone();
        let read = |error: std::io::Error| Refusal::Read { said: error.to_string() };
        guard::run(options.limits.seconds, halt, move |stop| hash::of(&what, stop).map_err(read))
    };
    let result = match stored {
        Some(before) => hash().map(|now| if now == *before { Outcome::Kept } else { Outcome::Changed }),
        None => prepare(&found.what, decoder, &options.preparing(), halt)
            .and_then(|prepared| Ok(Outcome::Stored(Box::new(prepared), hash()?))),
    };
    if let Err(why) = &result {
        tracing::debug!(optional = found.optional, "refused: {}", why.kind());
    }
    match result {
        Ok(outcome) => outcome,
        Err(Refusal::Interrupted) => Outcome::Refused(Refusal::Interrupted),
        Err(_) if found.optional => Outcome::Ignored,
        Err(why) => Outcome::Refused(why),
    }
}
