//! One source → its frames, prepared as [`Preprocessing`] says.

use super::dicom;
use super::ffmpeg::{Decoder, VideoFacts};
use super::frames::{ClipBuilder, PreparedClip};
use super::limits::{Damaged, Limits};
use super::refusal::Refusal;
use super::sink::FrameSink as _;
use super::source_facts::SourceFacts;
use super::walk::What;
use super::whose::Whose;
use super::{animation, guard, picture};
use crate::preprocessing::Preprocessing;
use crate::sector::{self, Treatment};
use crate::sector_sheet::Pair;
use crate::steps::{Step, Steps};
use crate::text::{self, Paint, TextUse};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// How one candidate is prepared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preparing {
    pub(super) preprocessing: Preprocessing,
    pub(super) limits: Limits,
    pub(super) damaged: Damaged,
    /// Draws the clip before and after, see [`PreparedClip::pair`].
    pub(super) draws_pair: bool,
}

/// Prepares one candidate in memory: every clip that enters a data set, and every one that a network is asked about, is
/// made here. Frames are resized as they are decoded; a region or text is found in a first pass over them.
pub(super) fn prepare(
    what: &What,
    decoder: Option<&Decoder>,
    how: &Preparing,
    halt: &AtomicBool,
) -> Result<PreparedClip, Refusal> {
    let Preparing { preprocessing, limits, damaged, draws_pair } = *how;
    let Preprocessing { sector: used, text: text_use, .. } = preprocessing;
    let sink = ClipBuilder::new(preprocessing, limits);
    if used.is_off() && !draws_pair && text_use.is_keep() {
        let (sink, facts) = fill(what, sink, decoder, limits, damaged, halt)?;
        return finish(sink, facts);
    }
    // The region decides what is kept of every frame, so it has to be known before the first one is.
    let looking = match text_use {
        TextUse::Keep => ClipBuilder::looking(limits),
        TextUse::Paint => ClipBuilder::looking(limits).with_text(),
    };
    let (looking, facts) = fill(what, looking, decoder, limits, damaged, halt)?;
    let regions = facts.regions;
    let (look, letters) = looking.into_looks();
    let found = sector::find(&look, &regions);
    let treatment = found.as_ref().ok().and_then(|found| Treatment::new(used, found));
    let region = found.as_ref().map_err(|why| *why);
    let paint = (!text_use.is_keep()).then(|| Paint::new(&text::find(&letters), region));
    let sink = sink.treating(treatment).painting(paint);
    let (sink, mut facts) = fill(what, sink, decoder, limits, damaged, halt)?;
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
    mut sink: ClipBuilder,
    decoder: Option<&Decoder>,
    limits: Limits,
    damaged: Damaged,
    halt: &AtomicBool,
) -> Result<(ClipBuilder, SourceFacts), Refusal> {
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
        tracing::debug!(reader, codec = facts.codec, frames = sink.frames(), milliseconds, "decoded");
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
    sink: &mut ClipBuilder,
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
            Ok(SourceFacts { steps: picture.steps(), ..SourceFacts::of_frames(None, "pickle".to_owned()) })
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

fn finish(sink: ClipBuilder, facts: SourceFacts) -> Result<PreparedClip, Refusal> {
    let SourceFacts { fps, spacing, regions, patient, study, codec, steps, mut notes, complaint, header: _ } = facts;
    let prepared = sink.finish(fps, &codec)?;
    let mut all = prepared.steps.0;
    all.splice(1..1, steps.into_iter().map(Step::Other));
    all.extend(notes.iter().cloned().map(Step::Note));
    if let Some(said) = complaint {
        all.push(Step::Damaged(said));
        notes.push(KEPT.to_owned());
    }
    let whose = Whose::of(patient, study);
    Ok(PreparedClip { steps: Steps(all), whose, spacing, regions, notes, ..prepared })
}
