//! Files and folders that a person names → prepared clips, one after another and in memory.

use super::frames::PreparedClip;
use super::links::{self, Links};
use super::notes::{ClipNote, sentences};
use super::prepare::{Preparing, prepare};
use super::refusal::Refusal;
use super::walk::{self, Found, Stills, Tree, Walk, What};
use super::{Layout, RefusedClip, pool};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::job::Job;
use crate::manifest::{ClipRow, Manifest, is_rate, is_spacing};
use crate::preprocessing::Preprocessing;
use hico_io::{Damaged, Ffmpeg, Limits, Programs, ReadOptions, Readers, guard};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// How files are found and prepared.
#[derive(Debug, Clone, Default)]
pub struct PrepareOptions {
    /// How frames become those that a network knows.
    pub preprocessing: Preprocessing,
    /// What a folder of pictures is.
    pub stills: Stills,
    /// What is done with symbolic links in a folder; a link that is named stands for what it leads to.
    pub links: Links,
    /// What a clip may cost.
    pub limits: Limits,
    /// What is kept of a damaged clip.
    pub damaged: Damaged,
    /// The programs that decode videos.
    pub programs: Programs,
    /// The readers that files are given to; those of your own are added with [`Readers::with`].
    pub readers: Readers,
}

/// A candidate, and what a person calls it.
struct Candidate {
    found: Found,
    name: String,
    /// Its class, where the layout of the folder tells it.
    label: Option<String>,
    /// The person named this file, and not a folder that holds it.
    is_named: bool,
}

/// Everything that a person named.
#[derive(Default)]
struct Candidates {
    all: Vec<Candidate>,
    links_left: Vec<String>,
    masks: Vec<String>,
}

/// Prepares the clips of files and folders, each as a data set of its own that lives in memory and names the clip as the
/// person did.
///
/// Clips come in the order of the paths, those of a folder in the order of their keys. Nothing is written, and no more than a
/// few clips above the number of threads are in memory at a time.
///
/// - `paths`: files, and folders of clips; pictures of a folder are one clip unless `stills` says otherwise
/// - `take`: gets each clip, or why there is none, and says whether to go on
/// - returns: what a person should know of what was left out
///
/// # Errors
/// When a folder cannot be read, or it is asked to stop. A clip that cannot be prepared is refused, as a folder that holds none,
/// and the others come.
pub fn prepare_files(
    paths: &[PathBuf],
    options: &PrepareOptions,
    job: Job<'_>,
    mut take: impl FnMut(Result<Dataset, RefusedClip>) -> ControlFlow<()>,
) -> Result<Vec<String>, Error> {
    let mut candidates = Candidates::default();
    for path in paths {
        candidates.find(path, options)?;
    }
    let Candidates { all, links_left, masks } = candidates;
    let needs_ffmpeg = all.iter().any(|one| one.found.what.needs_ffmpeg());
    let threads_each = (job.threads / all.len().max(1)).max(1);
    let ffmpeg = if needs_ffmpeg { Ffmpeg::find(&options.programs, threads_each) } else { None };
    let PrepareOptions { preprocessing, limits, damaged, .. } = *options;
    let how = Preparing { preprocessing, draws_pair: false };
    let reading = ReadOptions { limits, damaged, ffmpeg };
    let work = |one: &Candidate, halt: &AtomicBool| prepare(&one.found.what, &how, &reading, halt);
    let mut notes = Vec::new();
    let mut is_ended = false;
    let outcome = pool::in_order(&all, job, work, |one, outcome| {
        let taken = match outcome.and_then(|outcome| outcome) {
            Err(why) if why.is_interrupted() => return Ok(()),
            Err(_) if one.found.optional && !one.is_named => return Ok(()),
            Err(_) if one.found.optional => Err(no_clip(one.name.clone())),
            Err(why) => Err(RefusedClip::new(one.name.clone(), &why)),
            Ok(prepared) => {
                notes.extend(prepared.notes.iter().cloned().map(|note| ClipNote { source: one.name.clone(), note }));
                Ok(one.dataset(prepared))
            }
        };
        is_ended = take(taken).is_break();
        if is_ended { Err(Error::Interrupted) } else { Ok(()) }
    });
    if !is_ended {
        outcome?;
    }
    let mut warnings: Vec<String> = links::left(&links_left).into_iter().collect();
    warnings.extend(sentences(&notes));
    if let Some(mask) = masks.first() {
        let count = masks.len();
        warnings
            .push(format!("{count} masks of other pictures are left out, as {mask}; name one by its file to see it"));
    }
    Ok(warnings)
}

impl Candidates {
    /// Adds what one path names.
    fn find(&mut self, path: &Path, options: &PrepareOptions) -> Result<(), Error> {
        if path.is_dir() {
            return self.find_folder(path, options);
        }
        self.find_file(path, &options.readers);
        Ok(())
    }

    fn find_folder(&mut self, path: &Path, options: &PrepareOptions) -> Result<(), Error> {
        let broken = |error: std::io::Error| Error::Source { path: path.to_owned(), reason: error.to_string() };
        let root = path.canonicalize().map_err(broken)?;
        let PrepareOptions { stills, links, .. } = *options;
        let how = Walk { readers: options.readers.clone(), stills, links, ..Walk::default() };
        let mut tree = walk::walk(&root, &how, &[]).map_err(broken)?;
        let mut told = Layout::Auto.settle(&tree, false).tell(&root, &mut tree);
        let Tree { mut found, links, masks } = tree;
        let left_out: BTreeSet<String> = told.left_out.into_iter().collect();
        // What nothing promised to be a clip is one only if ffmpeg says so.
        let may_be_clip = |found: &Found| !found.optional || matches!(found.what, What::File(..));
        found.retain(|found| may_be_clip(found) && !left_out.contains(&found.key));
        let name = |key: &str| if key == "." { path.to_owned() } else { path.join(key) }.display().to_string();
        self.masks.extend(masks.iter().map(|key| name(key)));
        if found.iter().all(|found| found.optional) {
            let why = if links.left.is_empty() { Refusal::NoClips } else { Refusal::OnlyLinks };
            self.refuse(path.display().to_string(), why);
            return Ok(());
        }
        self.links_left.extend(links.left);
        self.all.extend(found.into_iter().map(|found| Candidate {
            name: name(&found.key),
            label: told.facts.remove(&found.key).and_then(|facts| facts.label),
            found,
            is_named: false,
        }));
        Ok(())
    }

    fn refuse(&mut self, name: String, why: Refusal) {
        let found = Found { key: name.clone(), source: name.clone(), what: What::Refused(why), optional: false };
        self.all.push(Candidate { found, name, label: None, is_named: true });
    }

    fn find_file(&mut self, path: &Path, readers: &Readers) {
        let name = path.display().to_string();
        // To open a pipe is to wait for whoever writes into it.
        if let Err(error) = guard::open(path) {
            let special = std::fs::metadata(path).ok().filter(|file| !file.is_file());
            let what = special.map(|file| walk::special(file.file_type()));
            let why = what.map_or_else(|| Refusal::read(&error), |what| hico_io::Error::NoFile { what }.into());
            return self.refuse(name, why);
        }
        let mut tree = walk::single(path, readers);
        let root = path.parent().unwrap_or(Path::new(""));
        let mut told = Layout::Auto.settle(&tree, false).tell(root, &mut tree);
        // The key of a picture in a pickle begins with the name of the file.
        let within = |key: &str| key.find('/').map_or("", |end| &key[end..]).to_owned();
        self.all.extend(tree.found.into_iter().map(|found| Candidate {
            name: format!("{name}{}", within(&found.key)),
            label: told.facts.remove(&found.key).and_then(|facts| facts.label),
            found,
            is_named: true,
        }));
    }
}

impl Candidate {
    /// Makes a data set of it alone.
    fn dataset(&self, prepared: PreparedClip) -> Dataset {
        let PreparedClip { clip, source_size, steps, spacing, regions, patient_ref, .. } = prepared;
        let spacing = spacing.filter(|sides| sides.iter().all(|side| is_spacing(*side)));
        let patient = patient_ref.map(|patient_ref| patient_ref.id);
        let row = ClipRow {
            group: patient.clone().unwrap_or_else(|| self.name.clone()),
            patient,
            label: self.label.clone(),
            fps: clip.fps.filter(|fps| is_rate(*fps)),
            source_height: source_size.height,
            source_width: source_size.width,
            source: self.name.clone(),
            steps,
            pixel_height_mm: spacing.map(|[height, _]| height),
            pixel_width_mm: spacing.map(|[_, width]| width),
            regions,
            ..ClipRow::new(self.name.clone(), clip.frames(), clip.size, clip.channels)
        };
        Dataset::in_memory(Manifest { rows: vec![row] }, vec![clip])
    }
}

fn no_clip(source: String) -> RefusedClip {
    let reason = "is no DICOM file, no video and no picture".to_owned();
    RefusedClip { source, reason, hint: "give a file that `hico ingest` reads".to_owned(), beyond_limits: false }
}
