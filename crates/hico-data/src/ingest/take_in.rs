//! One candidate → its frames, or why not.

use super::frames::{Decoded, FrameSink};
use super::refusal::Refusal;
use super::video::Decoder;
use super::walk::{Found, What};
use super::{IngestOptions, dicom, hash, picture};
use std::sync::atomic::AtomicBool;

/// What became of one candidate.
pub(super) enum Outcome {
    Kept,
    Changed,
    Stored(Box<Decoded>, String),
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
    let hash = || hash::of(&found.what).map_err(|error| Refusal::Read { said: error.to_string() });
    let result = match stored {
        Some(before) => hash().map(|now| if now == *before { Outcome::Kept } else { Outcome::Changed }),
        None => decode(&found.what, decoder, options, halt)
            .and_then(|decoded| Ok(Outcome::Stored(Box::new(decoded), hash()?))),
    };
    match result {
        Ok(outcome) => outcome,
        Err(Refusal::Interrupted) => Outcome::Refused(Refusal::Interrupted),
        Err(_) if found.optional => Outcome::Ignored,
        Err(why) => Outcome::Refused(why),
    }
}

fn decode(
    what: &What,
    decoder: Option<&Decoder>,
    options: &IngestOptions,
    halt: &AtomicBool,
) -> Result<Decoded, Refusal> {
    let limits = options.limits;
    let mut sink = FrameSink::new(options.side, options.fit, limits);
    match what {
        What::Refused(why) => Err(why.clone()),
        What::Pictures(files) => {
            picture::decode_pictures(files, &mut sink, limits, halt)?;
            sink.finish(None, "pictures")
        }
        What::Animation(path, format) => {
            let fps = picture::decode_animation(path, *format, &mut sink, limits, halt)?;
            sink.finish(fps, &format!("{format:?}").to_lowercase())
        }
        What::Dicom(path) => {
            let facts = dicom::decode(path, &mut sink, limits, options.damaged, decoder, halt)?;
            let mut decoded = sink.finish(facts.fps, &facts.codec)?;
            decoded.done.splice(1..1, facts.done);
            decoded.done.extend(facts.complaint.map(|said| format!("damaged: {}", said.replace(';', ","))));
            let (patient, spacing, regions) = (facts.patient, facts.spacing, facts.regions);
            Ok(Decoded { patient, spacing, regions, ..decoded })
        }
        What::Video(path) => {
            let decoder = decoder.ok_or(Refusal::NoFfmpeg)?;
            let facts = decoder.decode(path, &mut sink, limits, options.damaged, halt)?;
            let mut decoded = sink.finish(facts.fps, &format!("ffmpeg {}", facts.codec))?;
            decoded.done.extend(facts.complaint.map(|said| format!("damaged: {}", said.replace(';', ","))));
            Ok(decoded)
        }
    }
}
