//! One candidate → its frames, or why not.

use super::dicom;
use super::frames::{Decoded, FrameSink, Limits};
use super::refusal::Refusal;
use super::source_facts::SourceFacts;
use super::video::{Damaged, Decoder};
use super::walk::{Found, What};
use super::{IngestOptions, hash, picture};
use crate::sector::{self, Treatment, sheet::Pair};
use crate::text::{self, Paint, TextUse};
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
    let mut sink = FrameSink::new(options.side, options.fit, options.limits);
    if options.sector.is_off() && options.sector_sheet.is_none() && options.text.is_keep() {
        let facts = fill(what, &mut sink, decoder, options.limits, options.damaged, halt)?;
        return finish(sink, facts);
    }
    // The region decides what is kept of every frame, so it has to be known before the first one is.
    let mut looking = match options.text {
        TextUse::Keep => FrameSink::looking(options.limits),
        TextUse::Paint => FrameSink::looking(options.limits).with_text(),
    };
    let regions = fill(what, &mut looking, decoder, options.limits, options.damaged, halt)?.regions;
    let (look, letters) = looking.into_looks();
    let found = sector::find(&look, &regions);
    let treatment = found.as_ref().ok().and_then(|found| Treatment::new(options.sector, found));
    let region = found.as_ref().map_err(|why| *why);
    let paint = (!options.text.is_keep()).then(|| Paint::new(&text::find(&letters), region));
    let mut sink = sink.treating(treatment).painting(paint);
    let mut facts = fill(what, &mut sink, decoder, options.limits, options.damaged, halt)?;
    match &found {
        Err(why) if !options.sector.is_off() => facts.done.push(format!("sector left alone: {why}")),
        _ => {}
    }
    let mut decoded = finish(sink, facts)?;
    let outline = found.as_ref().ok().map(|found| &found.outline);
    decoded.pair = options.sector_sheet.as_ref().and_then(|_| Pair::draw(&look, outline, &decoded.clip));
    Ok(decoded)
}

/// Decodes the frames into a sink.
pub(super) fn fill(
    what: &What,
    sink: &mut FrameSink,
    decoder: Option<&Decoder>,
    limits: Limits,
    damaged: Damaged,
    halt: &AtomicBool,
) -> Result<SourceFacts, Refusal> {
    match what {
        What::Refused(why) => Err(why.clone()),
        What::Pictures(files) => {
            picture::decode_pictures(files, sink, limits, halt)?;
            Ok(SourceFacts::of_frames(None, "pictures".to_owned()))
        }
        What::Animation(path, format) => {
            let fps = picture::decode_animation(path, *format, sink, limits, halt)?;
            Ok(SourceFacts::of_frames(fps, format!("{format:?}").to_lowercase()))
        }
        What::Pickled(picture) => {
            picture.decode(sink, limits)?;
            Ok(SourceFacts { done: picture.done(), ..SourceFacts::of_frames(None, "pickle".to_owned()) })
        }
        What::Dicom(path) => dicom::decode(path, sink, limits, damaged, decoder, halt),
        What::Video(path) => {
            let decoder = decoder.ok_or(Refusal::NoFfmpeg)?;
            let facts = decoder.decode(path, sink, limits, damaged, halt)?;
            let complaint = facts.complaint;
            Ok(SourceFacts { complaint, ..SourceFacts::of_frames(facts.fps, format!("ffmpeg {}", facts.codec)) })
        }
    }
}

fn finish(sink: FrameSink, facts: SourceFacts) -> Result<Decoded, Refusal> {
    let SourceFacts { fps, spacing, regions, whose, codec, done, notes, complaint, header: _ } = facts;
    let mut decoded = sink.finish(fps, &codec)?;
    decoded.done.splice(1..1, done);
    decoded.done.extend(notes.iter().map(|note| format!("note: {}", note.replace(';', ","))));
    decoded.done.extend(complaint.map(|said| format!("damaged: {}", said.replace(';', ","))));
    Ok(Decoded { whose, spacing, regions, notes, ..decoded })
}
