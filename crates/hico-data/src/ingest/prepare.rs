//! One source → its frames, prepared as [`Preprocessing`] says.

use super::frames::{ClipBuilder, PreparedClip};
use super::patient_ref::PatientRef;
use super::refusal::Refusal;
use super::walk::What;
use crate::preprocessing::Preprocessing;
use crate::sector::{self, Treatment};
use crate::sector_sheet::Pair;
use crate::steps::{Step, Steps};
use crate::text::{self, Paint, TextUse};
use hico_io::{ClipMeta, FrameSink as _, ReadOptions, decode};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// How one candidate is prepared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preparing {
    pub(super) preprocessing: Preprocessing,
    /// Draws the clip before and after, see [`PreparedClip::pair`].
    pub(super) draws_pair: bool,
}

/// Prepares one candidate in memory: every clip that enters a data set, and every one that a network is asked about, is
/// made here. Frames are resized as they are decoded; a region or text is found in a first pass over them.
pub(super) fn prepare(
    what: &What,
    how: &Preparing,
    reading: &ReadOptions,
    halt: &AtomicBool,
) -> Result<PreparedClip, Refusal> {
    let Preparing { preprocessing, draws_pair } = *how;
    let limits = reading.limits;
    let Preprocessing { sector: used, text: text_use, .. } = preprocessing;
    let sink = ClipBuilder::new(preprocessing, limits);
    if used.is_off() && !draws_pair && text_use.is_keep() {
        let (sink, facts) = fill(what, sink, reading, halt)?;
        return finish(sink, facts);
    }
    // The region decides what is kept of every frame, so it has to be known before the first one is.
    let looking = match text_use {
        TextUse::Keep => ClipBuilder::looking(limits),
        TextUse::Paint => ClipBuilder::looking(limits).with_text(),
    };
    let (looking, facts) = fill(what, looking, reading, halt)?;
    let regions = facts.regions;
    let (look, letters) = looking.into_looks();
    let found = sector::find(&look, &regions);
    let treatment = found.as_ref().ok().and_then(|found| Treatment::new(used, found));
    let region = found.as_ref().map_err(|why| *why);
    let paint = (!text_use.is_keep()).then(|| Paint::new(&text::find(&letters), region));
    let sink = sink.treating(treatment).painting(paint);
    let (sink, mut facts) = fill(what, sink, reading, halt)?;
    match &found {
        Err(why) if !used.is_off() => facts.steps.push(format!("sector left alone: {why}")),
        _ => {}
    }
    let mut prepared = finish(sink, facts)?;
    let outline = found.as_ref().ok().map(|found| &found.outline);
    prepared.pair = if draws_pair { Pair::draw(&look, outline, &prepared.clip) } else { None };
    Ok(prepared)
}

/// Decodes the frames into a sink, under the guard that every reader goes through.
pub(super) fn fill(
    what: &What,
    sink: ClipBuilder,
    reading: &ReadOptions,
    halt: &AtomicBool,
) -> Result<(ClipBuilder, ClipMeta), Refusal> {
    let reader = match what {
        What::Refused(why) => return Err(why.clone()),
        What::File(reader, _) | What::Pictures(reader, _) => reader.name(),
        #[cfg(feature = "pickle")]
        What::Pickled(_) => "pickle",
    };
    let begin = Instant::now();
    tracing::trace!(reader, "opened");
    let (sink, facts) = match what {
        What::Refused(why) => return Err(why.clone()),
        What::File(reader, path) => decode(reader, std::slice::from_ref(path), sink, reading, halt)?,
        What::Pictures(reader, files) => decode(reader, files, sink, reading, halt)?,
        #[cfg(feature = "pickle")]
        What::Pickled(picture) => {
            let (picture, limits) = (std::sync::Arc::clone(picture), reading.limits);
            hico_io::decode_source(move || Ok(picture.open(limits)), sink, reading, halt)?
        }
    };
    let milliseconds = begin.elapsed().as_millis();
    tracing::debug!(reader, codec = facts.codec, frames = sink.frames(), milliseconds, "decoded");
    Ok((sink, facts))
}

/// What is told of a clip that `--keep-damaged` kept.
const KEPT: &str = "damaged or cut short, and only what decodes was taken";

fn finish(sink: ClipBuilder, facts: ClipMeta) -> Result<PreparedClip, Refusal> {
    let ClipMeta { fps, spacing, regions, patient, study, codec, steps, mut notes, complaint, header: _ } = facts;
    let prepared = sink.finish(fps, &codec)?;
    let mut all = prepared.steps.0;
    all.splice(1..1, steps.into_iter().map(Step::Other));
    all.extend(notes.iter().cloned().map(Step::Note));
    if let Some(said) = complaint {
        all.push(Step::Damaged(said));
        notes.push(KEPT.to_owned());
    }
    let patient_ref = PatientRef::of(patient, study);
    Ok(PreparedClip { steps: Steps(all), patient_ref, spacing, regions, notes, ..prepared })
}
