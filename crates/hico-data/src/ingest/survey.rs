//! Files that are looked at and not taken in: what a few frames of each show, and what its header says.

use super::frames::ClipBuilder;
use super::prepare::fill;
use super::refusal::Refusal;
use super::walk::{self, Found, Masks, Stills, Tree, Walk, What};
use super::{Links, pool};
use crate::error::Error;
use crate::job::Job;
use crate::region::Regions;
use crate::sector::Look;
use crate::text::TextLook;
use hico_io::{Damaged, Ffmpeg, HeaderFacts, Limits, Programs, ReadOptions, Readers};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What was seen of one file.
pub(crate) struct Seen {
    pub(crate) look: Look,
    pub(crate) text: TextLook,
    pub(crate) regions: Regions,
    pub(crate) header: Option<HeaderFacts>,
}

/// Looks at one file as `--sector` does: what its region is found in, and what its header says of regions.
///
/// # Errors
/// When it is no clip, or does not decode.
pub fn look(path: &Path, limits: Limits, programs: &Programs) -> Result<(Look, Regions), Refusal> {
    let survey = Survey { limits, programs: programs.clone(), readers: Readers::built_in(), links: Links::Left };
    let Some(found) = walk::single(path, &survey.readers).found.pop() else { return Err(Refusal::Name) };
    let seen = survey.look(&found, &survey.reading(true), &AtomicBool::new(false))?;
    Ok((seen.look, seen.regions))
}

/// How files are looked at.
#[derive(Debug, Clone)]
pub(crate) struct Survey {
    pub(crate) limits: Limits,
    pub(crate) programs: Programs,
    pub(crate) readers: Readers,
    pub(crate) links: Links,
}

impl Survey {
    /// Looks at every clip of a folder, or at one file; each picture is a clip. `judge` runs in several threads, `take`
    /// gets what it made of each in the order of the paths.
    ///
    /// - `take`: path, result or why there is none, how many are done and how many there are
    /// - returns: the links that were not followed
    pub(crate) fn run<T: Send>(
        &self,
        source: &Path,
        job: Job<'_>,
        judge: impl Fn(Seen) -> T + Sync,
        mut take: impl FnMut(&str, Result<T, Refusal>, [usize; 2]),
    ) -> Result<Vec<String>, Error> {
        let broken = |reason: String| Error::Source { path: source.to_owned(), reason };
        let root = source.canonicalize().map_err(|error| broken(error.to_string()))?;
        // A mask may have words in it as any picture has.
        let how = Walk { readers: self.readers.clone(), stills: Stills::Each, links: self.links, masks: Masks::Kept };
        let tree = if root.is_dir() { walk::walk(&root, &how, &[]) } else { Ok(walk::single(&root, &how.readers)) };
        let Tree { mut found, links, .. } = tree.map_err(|error| broken(error.to_string()))?;
        // What nothing promises to be a clip and what is none by its first bytes is no file that was missed.
        found.retain(|found| !(found.optional && matches!(found.what, What::Refused(_))));
        if found.is_empty() {
            return Err(super::nothing(source, &links));
        }
        let reading = self.reading(found.iter().any(|found| found.what.needs_ffmpeg()));
        let work = |found: &Found, halt: &AtomicBool| self.look(found, &reading, halt).map(&judge);
        let (mut done, total) = (0, found.len());
        pool::in_order(&found, job, work, |found, outcome| {
            match outcome.and_then(|outcome| outcome) {
                Err(why) if why.is_interrupted() => return Ok(()),
                // Perhaps a video, said the first bytes, and ffmpeg says no.
                Err(_) if found.optional => {}
                outcome => take(&found.key, outcome, [done + 1, total]),
            }
            done += 1;
            Ok(())
        })?;
        Ok(links.left)
    }

    /// A damaged file is looked at as far as it goes: what its frames show is there all the same.
    fn reading(&self, needs_ffmpeg: bool) -> ReadOptions {
        let ffmpeg = if needs_ffmpeg { Ffmpeg::find(&self.programs, 1) } else { None };
        ReadOptions { limits: self.limits, damaged: Damaged::Keep, ffmpeg }
    }

    fn look(&self, found: &Found, reading: &ReadOptions, halt: &AtomicBool) -> Result<Seen, Refusal> {
        let sink = ClipBuilder::looking(self.limits).with_text();
        let (sink, facts) = fill(&found.what, sink, reading, halt)?;
        let (look, text) = sink.into_looks();
        Ok(Seen { look, text, regions: facts.regions, header: facts.header })
    }
}
