//! Looks through files, or through a data set, one clip after another; what is kept of a clip does not grow with it.

use super::{ClipText, PhiReport, PlacedLine, SUSPECT, TextPlace, Unseen, draw, says_burned_in};
use crate::clip::{Channels, Frame};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::ingest::survey::{Seen, Survey};
use crate::ingest::{Limits, Links, Programs, Readers};
use crate::job::Job;
use crate::region::Regions;
use crate::sector::{self, Look};
use crate::text::{self, TextLook};
use std::path::Path;

/// Frames of a stored clip that are looked at, at most.
const FRAMES: usize = 64;

/// How clips are looked at.
#[derive(Debug, Clone)]
pub struct PhiOptions {
    /// The score from which on a clip is suspected, 0 to 1.
    pub threshold: f64,
    /// Suspected clips that are drawn with their rows, at most.
    pub pictures: usize,
    /// What a clip may cost.
    pub limits: Limits,
    /// The programs that decode videos.
    pub programs: Programs,
    /// The readers that files are given to.
    pub readers: Readers,
    /// What is done with symbolic links.
    pub links: Links,
}

impl Default for PhiOptions {
    fn default() -> Self {
        Self {
            threshold: SUSPECT,
            pictures: 0,
            limits: Limits::default(),
            programs: Programs::default(),
            readers: Readers::default(),
            links: Links::default(),
        }
    }
}

/// Looks through a folder of files, or at one file. Every picture is a clip.
///
/// - `report`: what was seen is added to it; where the work is stopped, it holds what was seen by then
/// - `job`: hears of each clip
///
/// # Errors
/// When the source cannot be read or holds no clip, or it is asked to stop; a file that cannot be decoded is part of the
/// report.
pub fn scan_files(source: &Path, options: &PhiOptions, report: &mut PhiReport, job: Job<'_>) -> Result<(), Error> {
    begin(report, source.display().to_string(), options);
    let PhiOptions { limits, links, .. } = *options;
    let (programs, readers) = (options.programs.clone(), options.readers.clone());
    let survey = Survey { limits, programs, readers, links };
    let assess = |seen: Seen| assess(&seen, options);
    report.links = survey.run(source, job, assess, |key, outcome, far| {
        match outcome {
            Ok(clip) => keep(report, ClipText { clip: key.to_owned(), ..clip }, options),
            Err(why) => report.unseen.push(Unseen { clip: key.to_owned(), reason: why.to_string() }),
        }
        job.at(far, "clips", "");
    })?;
    report.interrupted = false;
    Ok(())
}

/// Looks through the stored frames of a data set. They may be too small for letters to be seen, and nothing is known of the
/// headers that they came from: where there are still files, look at those.
///
/// - `report`, `job`: as for [`scan_files`]
///
/// # Errors
/// When it is asked to stop.
pub fn scan_dataset(
    dataset: &Dataset,
    options: &PhiOptions,
    report: &mut PhiReport,
    job: Job<'_>,
) -> Result<(), Error> {
    begin(report, dataset.folder().display().to_string(), options);
    for clip in 0..dataset.len() {
        job.go_on()?;
        let row = dataset.row(clip);
        match look(dataset, clip) {
            Ok(seen) => keep(report, ClipText { clip: row.clip.clone(), ..assess(&seen, options) }, options),
            Err(why) => report.unseen.push(Unseen { clip: row.clip.clone(), reason: why.to_string() }),
        }
        job.at([clip + 1, dataset.len()], "clips", "");
    }
    report.interrupted = false;
    Ok(())
}

/// Clips are missing from a report until the work is done.
fn begin(report: &mut PhiReport, source: String, options: &PhiOptions) {
    *report = PhiReport { source, threshold: options.threshold, interrupted: true, ..PhiReport::default() };
}

/// Adds a clip; of more pictures than were asked for only the first ones stay.
fn keep(report: &mut PhiReport, mut clip: ClipText, options: &PhiOptions) {
    if report.clips.iter().filter(|clip| clip.picture.is_some()).count() >= options.pictures {
        clip.picture = None;
    }
    report.take(clip);
}

/// Looks at evenly spaced frames of a stored clip.
fn look(dataset: &Dataset, clip: usize) -> Result<Seen, Error> {
    let (mut look, mut text) = (Look::new(), TextLook::new());
    let frames = dataset.row(clip).frames;
    for number in (0..frames).step_by(frames.div_ceil(FRAMES).max(1)) {
        let frame = dataset.read_frame(clip, number)?;
        let size = frame.size;
        let rgb = rgb(frame);
        look.push(size, &rgb);
        text.push(size, &rgb);
    }
    Ok(Seen { look, text, regions: Regions::default(), header: None })
}

fn rgb(frame: Frame) -> Vec<u8> {
    match frame.channels {
        Channels::Rgb => frame.pixels,
        Channels::Grey => frame.pixels.into_iter().flat_map(|grey| [grey; 3]).collect(),
    }
}

/// What is suspected of a clip; its name is left empty.
fn assess(seen: &Seen, options: &PhiOptions) -> ClipText {
    let found = text::find(&seen.text);
    let sector = sector::find(&seen.look, &seen.regions);
    let score = found.first().map_or(0.0, |line| line.score);
    let lines: Vec<PlacedLine> = found
        .into_iter()
        .filter(|line| line.score >= options.threshold)
        .map(|line| PlacedLine { place: TextPlace::of(&line, sector.as_ref().map_err(|why| *why)), line })
        .collect();
    let size = seen.text.source();
    let suspected = !lines.is_empty() || says_burned_in(seen.header.as_ref());
    let picture = (suspected && options.pictures > 0).then(|| draw::picture(&seen.text, &lines)).flatten();
    ClipText {
        clip: String::new(),
        frames: seen.text.seen(),
        height: size.map_or(0, |size| size.height),
        width: size.map_or(0, |size| size.width),
        score,
        suspected,
        lines,
        sector: sector.map_or_else(|why| why.to_string(), |sector| sector.shape.to_string()),
        header: seen.header.clone(),
        picture,
    }
}
