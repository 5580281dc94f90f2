//! One run of the program on a data set: goes on from the record, stores clip after clip, writes the table.

use super::frames::PreparedClip;
use super::identity::{Identity, Pseudonymiser};
use super::journal::{self, ClipEntry, IngestEntry, Journal, Settings};
use super::labels::Facts;
use super::patient_ref::NamedBy;
use super::plan::Plan;
use super::refusal::Refusal;
use super::take_in::{Outcome, take_in};
use super::walk::Found;
use super::{IngestOptions, IngestReport, RefusedClip, pool};
use crate::atomic;
use crate::error::Error;
use crate::info::{DatasetInfo, INFO_FILE};
use crate::job::{Event, Job};
use crate::manifest::{ClipRow, MANIFEST_FILE, Manifest, is_rate, is_spacing};
use crate::sector_sheet::{self, LARGEST_SHEET, Labelled};
use crate::store::{self, ShardWriter, Stored};
use hico_io::{Ffmpeg, ReadOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// How long clips may wait to be written down. Two waits for the disk a clip took most of the time of small ones.
const UNRECORDED: Duration = Duration::from_secs(1);

/// One run of the program on a data set.
pub(super) struct IngestSession {
    pub(super) journal: Journal,
    pub(super) writer: ShardWriter,
    /// What the record does not say yet.
    pending: Vec<IngestEntry>,
    /// When the record was last brought up to date.
    recorded: Instant,
    /// Every clip stored so far, by its source.
    pub(super) stored: BTreeMap<String, ClipEntry>,
    /// The table of a data set that was finished before.
    pub(super) table: Option<Manifest>,
    /// What hides whose clips they are; only needed where there are DICOM files.
    pub(super) pseudonymiser: Option<Pseudonymiser>,
    pub(super) report: IngestReport,
    /// Clips of this session before and after.
    pub(super) pairs: Vec<Labelled>,
    pub(super) done: usize,
}

impl IngestSession {
    pub(super) fn open(out: &Path, plan: &mut Plan, identity: &Identity) -> Result<Self, Error> {
        prepare(out)?;
        let (mut journal, entries) = Journal::open(out)?;
        // Left by a session that was killed; that they stay is no reason to stop.
        atomic::remove_halves(out).ok();
        let table = out.join(MANIFEST_FILE).is_file().then(|| Manifest::read(out)).transpose()?;
        let mut stored = BTreeMap::new();
        let mut order = Vec::new();
        let mut before = None;
        for entry in entries {
            match entry {
                IngestEntry::Start { settings, .. } => before = Some(settings),
                IngestEntry::Clip(clip) => {
                    let shape = [clip.frames, clip.height, clip.width, clip.channels.count()];
                    order.push(Stored { name: clip.clip.clone(), shape, place: clip.place.clone() });
                    stored.insert(clip.source.clone(), clip);
                }
                IngestEntry::Refused { .. } | IngestEntry::Finished { .. } => {}
            }
        }
        let ids = before.as_ref().and_then(|before: &Settings| before.ids.as_deref());
        let pseudonymiser =
            if plan.has_dicom() || ids.is_some() { Some(Pseudonymiser::settle(out, identity, ids)?) } else { None };
        if let Some(pseudonymiser) = &pseudonymiser {
            plan.pseudonymise(pseudonymiser);
            // What an earlier sessions without DICOM files wrote down is no secret any more.
            let folder = pseudonymiser.folder(&plan.settings.source);
            if before.as_ref().is_none_or(|before| before.source == folder) {
                plan.settings.source = folder;
            }
        }
        plan.settings.ids = pseudonymiser.as_ref().map(Pseudonymiser::record);
        if let Some(before) = &before {
            same_settings(before, &plan.settings, table.is_some(), out)?;
        }
        if before.as_ref() != Some(&plan.settings) {
            let version = env!("CARGO_PKG_VERSION").to_owned();
            journal.append(&[IngestEntry::Start { version, settings: plan.settings.clone() }])?;
        }
        if before.is_some() {
            tracing::info!(stored = stored.len(), has_table = table.is_some(), "an earlier ingest is gone on with");
        }
        let writer = ShardWriter::resume(out, &order, store::SHARD_BYTES)?;
        let mut report = plan.report.clone();
        let there: BTreeSet<&str> = plan.found.iter().map(|found| found.source.as_str()).collect();
        let gone = stored.keys().filter(|source| !there.contains(source.as_str())).count();
        if gone > 0 {
            report.warnings.push(format!("{gone} clips of an earlier run have no source any more; they stay"));
        }
        let (pending, recorded) = (Vec::new(), Instant::now());
        Ok(Self {
            journal,
            writer,
            pending,
            recorded,
            stored,
            table,
            pseudonymiser,
            report,
            pairs: Vec::new(),
            done: 0,
        })
    }

    /// Works through the plan.
    pub(super) fn run(&mut self, plan: &Plan, options: &IngestOptions, job: Job<'_>) -> Result<(), Error> {
        let names = plan.names(&taken(&self.stored));
        let hashes: BTreeMap<String, String> =
            self.stored.iter().map(|(source, clip)| (source.clone(), clip.sha256.clone())).collect();
        let new = plan.found.len().saturating_sub(hashes.len()).max(1);
        let threads = job.threads;
        let needs_ffmpeg = plan.found.iter().any(|found| found.what.needs_ffmpeg());
        let ffmpeg = if needs_ffmpeg { Ffmpeg::find(&options.programs, (threads / new).max(1)) } else { None };
        tracing::debug!(threads, needs_ffmpeg, has_ffmpeg = ffmpeg.is_some(), "clips are taken in");
        let reading = ReadOptions { limits: options.limits, damaged: options.damaged, ffmpeg };
        let work =
            |found: &Found, halt: &AtomicBool| take_in(found, hashes.get(&found.source), options, &reading, halt);
        let finished = pool::in_order(&plan.found, job, work, |found, outcome| {
            let name = names.get(found.source.as_str()).cloned().unwrap_or_default();
            let refused = match outcome.unwrap_or_else(Outcome::Refused) {
                Outcome::Changed => return Err(Error::SourceChanged(found.key.clone())),
                // Only a stop interrupts a clip, and then nothing that follows is taken either.
                Outcome::Refused(why) if why.is_interrupted() => return Ok(()),
                outcome => self.settle(found, name, outcome, plan)?,
            };
            if self.recorded.elapsed() >= UNRECORDED {
                self.record()?;
            }
            self.done += 1;
            if let Some(why) = refused {
                (job.tell)(Event::Refused { file: found.key.clone(), reason: why.to_string(), hint: why.hint() });
            }
            job.at([self.done, plan.found.len()], "clips", "");
            Ok(())
        });
        // What is stored by then stays, whatever ended the work.
        let recorded = self.record();
        finished?;
        recorded
    }

    /// Brings the record up to date: first the frames are on the disk, then the record says so.
    fn record(&mut self) -> Result<(), Error> {
        if !self.pending.is_empty() {
            self.writer.sync()?;
            self.journal.append(&self.pending)?;
            self.pending.clear();
        }
        self.recorded = Instant::now();
        Ok(())
    }

    /// Writes down beside the data set which clip came from which DICOM file.
    pub(super) fn write_sources(&mut self, plan: &Plan, out: &Path) -> Result<(), Error> {
        let Some(pseudonymiser) = &self.pseudonymiser else { return Ok(()) };
        let stored =
            plan.found.iter().filter(|found| found.names_patients() && self.stored.contains_key(&found.source));
        let sources = stored.map(|found| (found.source.as_str(), found.key.as_str())).collect();
        self.report.beside = pseudonymiser.write_sources(out, &sources)?;
        Ok(())
    }

    /// Draws the clips of this session before and after, where that was asked for.
    pub(super) fn write_sheet(&mut self, options: &IngestOptions) -> Result<(), Error> {
        let Some(path) = &options.sector_sheet else { return Ok(()) };
        if self.pairs.is_empty() {
            self.report.warnings.push(format!("{}: not written, no clip was taken in", path.display()));
            return Ok(());
        }
        let failed = |reason: String| Error::SectorSheet { path: path.clone(), reason };
        let png = sector_sheet::png(&self.pairs).map_err(|error| failed(error.to_string()))?;
        crate::atomic::write(path, &png).map_err(|error| failed(error.to_string()))
    }

    /// Writes down what became of a candidate.
    fn settle(&mut self, found: &Found, name: String, outcome: Outcome, plan: &Plan) -> Result<Option<Refusal>, Error> {
        match outcome {
            Outcome::Ignored => self.report.ignored.push(found.key.clone()),
            Outcome::Kept => self.report.kept += 1,
            Outcome::Stored(mut prepared, sha256) => {
                if let Some(pair) = prepared.pair.take().filter(|_| self.pairs.len() < LARGEST_SHEET) {
                    let of_region = |step: &&String| step.starts_with("sector");
                    let region = prepared.steps.0.iter().map(ToString::to_string).find(|step| of_region(&step));
                    self.pairs.push(Labelled { name: name.clone(), region: region.unwrap_or_default(), pair });
                }
                // A shard that is closed holds no clip that the record does not know.
                if self.writer.is_full(&prepared.clip) {
                    self.record()?;
                }
                let place = self.writer.append(&name, &prepared.clip)?;
                let clip = entry(found, name, &prepared, sha256, place, self.pseudonymiser.as_ref());
                self.pending.push(IngestEntry::Clip(clip.clone()));
                self.stored.insert(found.source.clone(), clip);
            }
            Outcome::Refused(why) => {
                self.pending.push(IngestEntry::Refused { source: found.source.clone(), reason: why.to_string() });
                self.report.refused.push(RefusedClip::new(found.key.clone(), &why));
                return Ok(Some(why));
            }
            Outcome::Changed => {}
        }
        let is_clip = self.stored.contains_key(&found.source);
        if is_clip && self.report.columns.is_some() && !plan.in_table.contains(&found.source) {
            self.report.without_row.push(found.key.clone());
        }
        Ok(None)
    }
}

/// Writes the table of everything stored. Rows of a table that is there already stay as they are.
pub(super) fn table(
    plan: &mut Plan,
    stored: &BTreeMap<String, ClipEntry>,
    before: Option<Manifest>,
    out: &Path,
) -> Result<Manifest, Error> {
    let mut manifest = before.unwrap_or_default();
    let there: BTreeSet<String> = manifest.rows.iter().map(|row| row.clip.clone()).collect();
    plan.learn_patients(stored);
    let groups = plan.groups(&taken(stored))?.0;
    let unknown = Facts::default();
    let mut new = 0;
    for clip in stored.values().filter(|clip| !there.contains(&clip.clip)) {
        let group = groups.get(&clip.clip).unwrap_or(&clip.clip).clone();
        manifest.rows.push(row(clip, plan.facts.get(&clip.source).unwrap_or(&unknown), group));
        new += 1;
    }
    if new > 0 {
        manifest.rows.sort_by(|a, b| a.source.cmp(&b.source));
    }
    if new > 0 || !out.join(INFO_FILE).is_file() {
        let labels = plan.settings.labels_sha256.clone();
        DatasetInfo::new(plan.settings.preprocessing, &manifest, labels).write(out)?;
    }
    if new > 0 {
        manifest.write(out)?;
    }
    Ok(manifest)
}

/// Names given in earlier sessions, by source.
fn taken(stored: &BTreeMap<String, ClipEntry>) -> BTreeMap<String, String> {
    stored.iter().map(|(source, clip)| (source.clone(), clip.clip.clone())).collect()
}

fn row(clip: &ClipEntry, facts: &Facts, group: String) -> ClipRow {
    // A header may say anything; a table that a data set is opened by may not.
    let spacing = clip.spacing.filter(|sides| sides.iter().all(|side| is_spacing(*side)));
    ClipRow {
        clip: clip.clip.clone(),
        patient: facts.patient.clone(),
        group,
        label: facts.label.clone(),
        fold: facts.fold,
        frames: clip.frames,
        height: clip.height,
        width: clip.width,
        channels: clip.channels,
        fps: clip.fps.filter(|fps| is_rate(*fps)),
        source_height: clip.source_height,
        source_width: clip.source_width,
        source: clip.source.clone(),
        sha256: clip.sha256.clone(),
        shard: store::shard_name(clip.place.shard),
        steps: clip.steps.clone(),
        pixel_height_mm: spacing.map(|[height, _]| height),
        pixel_width_mm: spacing.map(|[_, width]| width),
        regions: clip.regions.clone(),
    }
}

fn entry(
    found: &Found,
    clip: String,
    prepared: &PreparedClip,
    sha256: String,
    place: store::ShardPlace,
    pseudonymiser: Option<&Pseudonymiser>,
) -> ClipEntry {
    let PreparedClip { clip: stored, source_size, luma, steps, notes, patient_ref, spacing, regions, pair: _ } =
        prepared;
    ClipEntry {
        source: found.source.clone(),
        clip,
        sha256,
        frames: stored.frames(),
        height: stored.size.height,
        width: stored.size.width,
        channels: stored.channels,
        fps: stored.fps,
        source_height: source_size.height,
        source_width: source_size.width,
        luma: luma.map(|value| (value * 1e4).round() / 1e4),
        steps: steps.clone(),
        place,
        patient: patient_ref
            .as_ref()
            .and_then(|patient_ref| pseudonymiser.map(|pseudonymiser| pseudonymiser.patient(&patient_ref.id))),
        named_by: patient_ref.as_ref().map_or(NamedBy::default(), |patient_ref| patient_ref.by),
        spacing: *spacing,
        regions: regions.clone(),
        notes: notes.clone(),
    }
}

/// Makes the folder of the data set, unless it holds something that is not ours to go on with.
fn prepare(out: &Path) -> Result<(), Error> {
    let failed = |source| Error::Write { path: out.to_owned(), source };
    if out.exists() {
        let is_ours = out.join(journal::JOURNAL_FILE).is_file();
        let is_empty = || std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
        if !is_ours && !is_empty() {
            return Err(Error::NoUnfinishedIngest(out.to_owned()));
        }
    }
    std::fs::create_dir_all(out).map_err(failed)
}

/// Refuses to go on with other options. Labels may change until there is a table that was made with them.
fn same_settings(before: &Settings, now: &Settings, has_table: bool, out: &Path) -> Result<(), Error> {
    let word = |debug: String| debug.to_lowercase();
    let side = |settings: &Settings| settings.preprocessing.image_size.unwrap_or_default().to_string();
    let layout = |settings: &Settings| settings.layout.clone().unwrap_or_else(|| "plain".to_owned());
    let words = |settings: &Settings| settings.kept_words.clone().unwrap_or_else(|| "none".to_owned());
    let pattern = |settings: &Settings| settings.patient_in_name.clone().unwrap_or_else(|| "none".to_owned());
    let options = [
        ("the source folder", before.source.clone(), now.source.clone()),
        ("--image-size", side(before), side(now)),
        ("--fit", before.preprocessing.fit.word().to_owned(), now.preprocessing.fit.word().to_owned()),
        ("--stills", word(format!("{:?}", before.stills)), word(format!("{:?}", now.stills))),
        ("masks", word(format!("{:?}", before.masks)), word(format!("{:?}", now.masks))),
        ("--keep-word", words(before), words(now)),
        ("--layout", layout(before), layout(now)),
        ("--patient-in-name", pattern(before), pattern(now)),
        ("folds", word(format!("{:?}", before.folds)), word(format!("{:?}", now.folds))),
        ("--sector", before.preprocessing.sector.word().to_owned(), now.preprocessing.sector.word().to_owned()),
        ("--text", before.preprocessing.text.word().to_owned(), now.preprocessing.text.word().to_owned()),
    ];
    let labels = |settings: &Settings| match (&settings.labels_sha256, &settings.columns) {
        (Some(sha256), Some(columns)) => {
            let columns = serde_json::to_string(columns).unwrap_or_default();
            format!("of content {} {columns}", &sha256[..sha256.len().min(8)])
        }
        _ => "none".to_owned(),
    };
    let labels = has_table.then(|| ("--labels", labels(before), labels(now)));
    for (option, before, now) in options.into_iter().chain(labels) {
        if before != now {
            return Err(Error::OptionChanged { path: out.to_owned(), option, before, now });
        }
    }
    Ok(())
}
