//! DICOM files: pictures and cine loops of every usual transfer syntax.
//!
//! Of names, dates and free text of a header it is known whether they are blank, and nothing else. What a file costs is
//! bounded before memory is taken: sizes are judged by the header, compressed frames by their own headers, and frames
//! are decoded one after the other.

mod colour;
mod elements;
mod jpeg2000_blocks;
mod jpeg2000_parts;
mod jpeg2000;
mod jpeg_colour;
mod jpeg;
mod jpeg_extended;
mod jpeg_lossless;
mod jpeg_ls;
mod rle;
mod segmented;
mod stored;
mod syntax;
mod evidence;
pub(crate) mod start;
mod source;
mod fragments;
mod header;
mod identity;
mod lookup;
mod told;
mod layout;
mod chroma;
mod native;
mod decode;
mod file;
mod numbers;
mod cine;
mod tone;

pub use crate::clip_meta::{BurnedIn, HeaderFacts};
pub use crate::dicom_fault::Fault;
pub use stored::{StoredFrame, Values};

use crate::clip_meta::ClipMeta;
use crate::error::Error;
use crate::limits::{Damaged, Limits};
use crate::reader::{FileKind, FrameSource, ReadOptions, Reader, one_file};
use crate::sink::FrameSink;
use decode::Learnt;
use file::File;
use start::Kind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tone::{Rescale, Spread, Tone};

/// Decodes the frames of a DICOM file as they are stored, one after the other; colour comes as interleaved RGB,
/// nothing is made 8 bits.
///
/// # Errors
/// When the file is no DICOM file, is beyond us, or any of its frames is missing or does not decode; also for videos
/// within DICOM, which ffmpeg decodes.
pub fn read_frames(path: &Path, limits: Limits, mut take: impl FnMut(StoredFrame)) -> Result<(), Error> {
    let file = File::open(path, limits, Damaged::Refuse)?;
    let (mut source, mut learnt) = (file.source()?, Learnt::default());
    (0..file.frames()).try_for_each(|frame| {
        let frame = file.frame(&mut *source, frame, &mut learnt)?;
        take(frame);
        Ok(())
    })
}

/// Reads DICOM files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dicom;

impl Reader for Dicom {
    fn name(&self) -> &'static str {
        "dicom"
    }

    fn probe(&self, head: &[u8], _: &Path) -> Option<FileKind> {
        (start::kind(head) == Kind::Object).then_some(FileKind::Clip)
    }

    fn open(&self, files: &[PathBuf], options: &ReadOptions) -> Result<Box<dyn FrameSource>, Error> {
        let file = File::open(one_file(files)?, options.limits, options.damaged)?;
        Ok(Box::new(DicomFrames { file, options: options.clone() }))
    }

    fn needs_ffmpeg(&self) -> bool {
        true
    }

    fn names_patients(&self) -> bool {
        true
    }
}

/// An open file, and how its frames are read.
struct DicomFrames {
    file: File,
    options: ReadOptions,
}

impl FrameSource for DicomFrames {
    fn decode(&mut self, sink: &mut dyn FrameSink, stop: &AtomicBool) -> Result<ClipMeta, Error> {
        decode(&self.file, sink, &self.options, stop)
    }
}

/// Decodes a DICOM file into `sink`.
fn decode(file: &File, sink: &mut dyn FrameSink, options: &ReadOptions, stop: &AtomicBool) -> Result<ClipMeta, Error> {
    let ReadOptions { limits, damaged, ffmpeg } = options;
    let (limits, damaged) = (*limits, *damaged);
    let mut told = file.told.clone();
    let regions = cine::regions(&file.header, &mut told);
    let [patient, study] = cine::patient_and_study(&file.header);
    let mut facts = ClipMeta {
        fps: cine::frame_rate(&file.header, &mut told),
        spacing: cine::pixel_spacing(&file.header, &regions, &mut told),
        regions,
        patient,
        study,
        header: Some(HeaderFacts::read(&file.header)),
        codec: file.codec(),
        steps: Vec::new(),
        notes: Vec::new(),
        complaint: None,
    };
    if file.is_video() {
        let stream = file.stream()?;
        let video = ffmpeg.as_ref().ok_or(Error::NoFfmpeg)?.decode(stream.path(), sink, limits, damaged, stop)?;
        facts.fps = facts.fps.or(video.fps);
        facts.codec = format!("ffmpeg {}", video.codec);
        facts.complaint = file.complaint.clone().or(video.complaint);
        facts.notes = told.into();
        facts.notes.extend(video.notes);
        return Ok(facts);
    }
    let (mut spread, mut rescale) = (Spread::AsStored, Rescale::default());
    if file.layout.photometric.is_grey() {
        spread = Spread::read(&file.header, &file.layout, &mut told);
        rescale = Rescale::read(&file.header, &file.layout, &mut told);
    }
    let learnt = Learnt::beyond(told);
    let begin = Instant::now();
    let mut pass = Pass { file, begin, limits, damaged, stop, complaint: file.complaint.clone(), learnt };
    let range = if spread == Spread::Range { Some(pass.range(&rescale)?) } else { None };
    let tone = Tone::build(&file.header, &file.layout, &spread, &rescale, range)?;
    pass.frames(|number, frame| {
        sink.admit(frame.size, &|| format!("frame {number}"))?;
        sink.push(&tone.apply(frame))
    })?;
    if file.layout.photometric.is_grey() {
        facts.steps.extend(spread.step(range));
    }
    facts.complaint = pass.complaint;
    facts.notes = pass.learnt.told.into();
    // A rate of a single picture means nothing.
    facts.fps = facts.fps.filter(|_| sink.frames() > 1);
    Ok(facts)
}

/// One way through the frames of a file.
struct Pass<'a> {
    file: &'a File,
    begin: Instant,
    limits: Limits,
    damaged: Damaged,
    stop: &'a AtomicBool,
    /// The first fault, where faults are allowed.
    complaint: Option<String>,
    learnt: Learnt,
}

impl Pass<'_> {
    fn frames(&mut self, mut take: impl FnMut(usize, StoredFrame) -> Result<(), Error>) -> Result<(), Error> {
        let mut source = self.file.source()?;
        let mut taken = 0;
        for number in 0..self.file.frames() {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            if self.begin.elapsed().as_secs() >= self.limits.seconds.max(1) {
                return Err(Error::TooSlow { seconds: self.limits.seconds });
            }
            match self.file.frame(&mut *source, number, &mut self.learnt) {
                Ok(frame) => {
                    take(number, frame)?;
                    taken += 1;
                }
                Err(Fault::Frame { frame, said, .. }) if self.damaged == Damaged::Refuse => {
                    let others = taken > 0 || self.decodes_after(&mut *source, number);
                    return Err(Fault::Frame { frame, others, said }.into());
                }
                Err(fault) if self.damaged == Damaged::Refuse => return Err(fault.into()),
                Err(fault) => drop(self.complaint.get_or_insert_with(|| fault.to_string())),
            }
        }
        match &self.complaint {
            Some(said) if taken == 0 => Err(Error::Damaged { frames: 0, said: said.clone() }),
            _ => Ok(()),
        }
    }

    /// Tells whether a frame behind this one decodes, as far as there is time to look.
    fn decodes_after(&self, source: &mut dyn source::ReadSeek, number: usize) -> bool {
        (number + 1..self.file.frames())
            .take_while(|_| !self.stop.load(Ordering::Relaxed) && self.begin.elapsed().as_secs() < self.limits.seconds)
            .any(|number| self.file.frame(source, number, &mut Learnt::default()).is_ok())
    }

    /// The smallest and the largest rescaled value of all frames.
    fn range(&mut self, rescale: &Rescale) -> Result<[f64; 2], Error> {
        let mut range = [f64::INFINITY, f64::NEG_INFINITY];
        let layout = self.file.layout;
        self.frames(|_, frame| {
            let [low, high] = rescale.range(&frame, &layout);
            range = [range[0].min(low), range[1].max(high)];
            Ok(())
        })?;
        Ok(range)
    }
}
