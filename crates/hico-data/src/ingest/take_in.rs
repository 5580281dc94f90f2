//! One candidate → its frames, or why not.

use super::dicom;
use super::frames::{Decoded, FrameSink, Limits};
use super::refusal::Refusal;
use super::source_facts::SourceFacts;
use super::video::{Damaged, Decoder, VideoFacts};
use super::walk::{Found, What};
use super::{IngestOptions, animation, guard, hash, picture};
use crate::sector::{self, Treatment, sheet::Pair};
use crate::text::{self, Paint, TextUse};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

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
    let hash = || {
        let what = found.what.clone();
        let read = |error: std::io::Error| Refusal::Read { said: error.to_string() };
        guard::run(options.limits.seconds, halt, move |stop| hash::of(&what, stop).map_err(read))
    };
    let result = match stored {
        Some(before) => hash().map(|now| if now == *before { Outcome::Kept } else { Outcome::Changed }),
        None => decode(&found.what, decoder, options, halt)
            .and_then(|decoded| Ok(Outcome::Stored(Box::new(decoded), hash()?))),
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

fn decode(
    what: &What,
    decoder: Option<&Decoder>,
    options: &IngestOptions,
    halt: &AtomicBool,
) -> Result<Decoded, Refusal> {
    let sink = FrameSink::new(options.side, options.fit, options.limits);
    if options.sector.is_off() && options.sector_sheet.is_none() && options.text.is_keep() {
        let (sink, facts) = fill(what, sink, decoder, options.limits, options.damaged, halt)?;
        return finish(sink, facts);
    }
    // The region decides what is kept of every frame, so it has to be known before the first one is.
    let looking = match options.text {
        TextUse::Keep => FrameSink::looking(options.limits),
        TextUse::Paint => FrameSink::looking(options.limits).with_text(),
    };
    let (looking, facts) = fill(what, looking, decoder, options.limits, options.damaged, halt)?;
    let regions = facts.regions;
    let (look, letters) = looking.into_looks();
    let found = sector::find(&look, &regions);
    let treatment = found.as_ref().ok().and_then(|found| Treatment::new(options.sector, found));
    let region = found.as_ref().map_err(|why| *why);
    let paint = (!options.text.is_keep()).then(|| Paint::new(&text::find(&letters), region));
    let sink = sink.treating(treatment).painting(paint);
    let (sink, mut facts) = fill(what, sink, decoder, options.limits, options.damaged, halt)?;
    match &found {
        Err(why) if !options.sector.is_off() => facts.done.push(format!("sector left alone: {why}")),
        _ => {}
    }
    let mut decoded = finish(sink, facts)?;
    let outline = found.as_ref().ok().map(|found| &found.outline);
    decoded.pair = options.sector_sheet.as_ref().and_then(|_| Pair::draw(&look, outline, &decoded.clip));
    Ok(decoded)
}

/// Decodes the frames into a sink, under the guard that every reader goes through.
pub(super) fn fill(
    what: &What,
    mut sink: FrameSink,
    decoder: Option<&Decoder>,
    limits: Limits,
    damaged: Damaged,
    halt: &AtomicBool,
) -> Result<(FrameSink, SourceFacts), Refusal> {
    if let What::Refused(why) = what {
        return Err(why.clone());
    }
    // The reader may be left behind in its thread, so all that it works on is its own.
    let (what, decoder) = (what.clone(), decoder.cloned());
    guard::run(limits.seconds, halt, move |stop| {
        let begin = Instant::now();
        tracing::trace!(reader = reader(&what), "opened");
        let facts = read(&what, &mut sink, decoder.as_ref(), limits, damaged, stop)?;
        let (reader, milliseconds) = (reader(&what), begin.elapsed().as_millis());
        tracing::debug!(reader, codec = facts.codec, frames = sink.len(), milliseconds, "decoded");
        Ok((sink, facts))
    })
}

/// What reads it, for the log.
const fn reader(what: &What) -> &'static str {
    match what {
        What::Refused(_) => "none",
        What::Pictures(_) => "pictures",
        What::Animation(..) => "animation",
        What::Pickled(_) => "pickle",
        What::Dicom(_) => "dicom",
        What::Video(_) => "video",
    }
}

fn read(
    what: &What,
    sink: &mut FrameSink,
    decoder: Option<&Decoder>,
    limits: Limits,
    damaged: Damaged,
    stop: &AtomicBool,
) -> Result<SourceFacts, Refusal> {
    match what {
        What::Refused(why) => Err(why.clone()),
        What::Pictures(files) => {
            let picture::PictureFacts { complaint, notes } =
                picture::decode_pictures(files, sink, limits, damaged, stop)?;
            Ok(SourceFacts { complaint, notes, ..SourceFacts::of_frames(None, "pictures".to_owned()) })
        }
        What::Animation(path, format) => {
            let animation::AnimationFacts { fps, complaint, notes } =
                animation::decode(path, *format, sink, limits, damaged, stop)?;
            let codec = format!("{format:?}").to_lowercase();
            Ok(SourceFacts { complaint, notes, ..SourceFacts::of_frames(fps, codec) })
        }
        What::Pickled(picture) => {
            picture.decode(sink, limits)?;
            Ok(SourceFacts { done: picture.done(), ..SourceFacts::of_frames(None, "pickle".to_owned()) })
        }
        What::Dicom(path) => dicom::decode(path, sink, limits, damaged, decoder, stop),
        What::Video(path) => {
            let decoder = decoder.ok_or(Refusal::NoFfmpeg)?;
            let VideoFacts { fps, codec, complaint, notes } = decoder.decode(path, sink, limits, damaged, stop)?;
            Ok(SourceFacts { complaint, notes, ..SourceFacts::of_frames(fps, format!("ffmpeg {codec}")) })
        }
    }
}

/// What is told of a clip that `--keep-damaged` kept.
const KEPT: &str = "damaged or cut short, and only what decodes was taken";

fn finish(sink: FrameSink, facts: SourceFacts) -> Result<Decoded, Refusal> {
    let SourceFacts { fps, spacing, regions, whose, codec, done, mut notes, complaint, header: _ } = facts;
    let mut decoded = sink.finish(fps, &codec)?;
    decoded.done.splice(1..1, done);
    decoded.done.extend(notes.iter().map(|note| format!("note: {}", note.replace(';', ","))));
    if let Some(said) = complaint {
        decoded.done.push(format!("damaged: {}", said.replace(';', ",")));
        notes.push(KEPT.to_owned());
    }
    Ok(Decoded { whose, spacing, regions, notes, ..decoded })
}
