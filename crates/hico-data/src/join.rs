//! Several data sets → one, so that an encoder is pretrained on all their clips (US-4 is four). See [`join`].
//!
//! Clips, patients and groups take the name of their data set in front: equal names in two are not the same patient. A
//! shard is copied with its clips renamed in its header, so that memory depends on no data set's size.

use crate::atomic;
use crate::dataset::{Dataset, open_shard};
use crate::error::Error;
use crate::info::{DatasetInfo, INFO_FILE};
use crate::ingest::{LabelMap, is_unlabelled};
use crate::job::Job;
use crate::manifest::{ClipRow, MANIFEST_FILE, Manifest};
use crate::preprocessing::Preprocessing;
use crate::spelling;
use crate::store::{self, ShardPlace, Stored, shard_name};
use safetensors::tensor::Metadata;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// A data set that is joined with others.
#[derive(Debug)]
pub struct JoinPart {
    /// Its name among the others: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The data set.
    pub data: Dataset,
    /// Its class by the first letters → the class in the whole; `None` keeps every class as it is called.
    pub map: Option<LabelMap>,
}

/// What patients are that several data sets name alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SharedPatients {
    /// Different people: numbers begin at 1 everywhere.
    #[default]
    Different,
    /// The same people, whom no split may part.
    Same,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct JoinReport {
    /// Clips in the whole.
    pub clips: usize,
    /// Of each class, clips by data set.
    pub classes: BTreeMap<String, BTreeMap<String, usize>>,
    /// Clips without a label, by data set.
    pub unlabelled: BTreeMap<String, usize>,
    /// Whether folds were kept: all data sets have to have them.
    pub folds: bool,
    /// Patients (of clips without one, groups) that several data sets name alike.
    pub shared: BTreeSet<String>,
    /// Patients of several data sets whose names are probably the same, and are not.
    pub alike: Vec<Vec<String>>,
    /// How the clips of each data set were prepared, where that differs.
    pub prepared: BTreeMap<String, Preprocessing>,
    /// Shards that an earlier try had copied.
    pub kept: usize,
}

/// Joins data sets into `out`; the same call goes on where one was stopped.
///
/// - `job`: hears of each shard
///
/// # Errors
/// When names or classes do not do, something cannot be read or written, or it is asked to stop.
pub fn join(parts: &[JoinPart], patients: SharedPatients, out: &Path, job: Job<'_>) -> Result<JoinReport, Error> {
    let Whole { manifest, shards, mut report } = whole(parts, patients)?;
    if out.join(MANIFEST_FILE).exists() {
        return Err(Error::Taken { folder: out.to_owned(), what: "a data set".to_owned() });
    }
    std::fs::create_dir_all(out).map_err(|source| Error::Io { path: out.to_owned(), source })?;
    for (number, (part, from)) in shards.iter().enumerate() {
        job.go_on()?;
        report.kept += usize::from(!copied(&part.data.folder().join(from), &part.name, &out.join(shard_name(number)))?);
        job.at([number + 1, shards.len()], "shards", "");
    }
    DatasetInfo::new(of_most_clips(parts), &manifest, None).write(out)?;
    // Only now is it a data set.
    manifest.write(out)?;
    Ok(report)
}

/// How most clips of the parts were prepared, of equally many those of the first part.
fn of_most_clips(parts: &[JoinPart]) -> Preprocessing {
    let prepared: Vec<Preprocessing> = parts.iter().map(|part| prepared(part, parts)).collect();
    let alike = |one: &Preprocessing| {
        parts.iter().zip(&prepared).filter(|(_, other)| *other == one).map(|(part, _)| part.data.len()).sum()
    };
    let counts: Vec<usize> = prepared.iter().map(alike).collect();
    let most = counts.iter().copied().max().unwrap_or_default();
    prepared.iter().zip(counts).find(|(_, count)| *count == most).map(|(one, _)| *one).unwrap_or_default()
}

/// How the clips of a part were prepared. A data set of an earlier version does not tell its image size where no clip had to be
/// resized; then it is that of the other parts, if all of its frames have it.
fn prepared(part: &JoinPart, parts: &[JoinPart]) -> Preprocessing {
    let own = part.data.preprocessing();
    let is_untold = own.image_size.is_none() && !part.data.folder().join(INFO_FILE).is_file();
    let of_others = parts.iter().find_map(|other| other.data.preprocessing().image_size).filter(|_| is_untold);
    let fits = |size: &usize| part.data.manifest().rows.iter().all(|row| row.height.max(row.width) == *size);
    Preprocessing { image_size: own.image_size.or(of_others.filter(fits)), ..own }
}

struct Whole<'a> {
    manifest: Manifest,
    /// For each shard the data set and the name it comes from.
    shards: Vec<(&'a JoinPart, String)>,
    report: JoinReport,
}

fn whole(parts: &[JoinPart], patients: SharedPatients) -> Result<Whole<'_>, Error> {
    let mut names = BTreeSet::new();
    for part in parts {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if part.name.trim_matches('.').is_empty() || !part.name.chars().all(plain) {
            return Err(Error::DatasetName(part.name.clone()));
        }
        if !names.insert(&part.name) {
            return Err(Error::DatasetTwice(part.name.clone()));
        }
    }
    let folds = parts.iter().all(|part| part.data.manifest().rows.iter().all(|row| row.fold.is_some()));
    let (shared, alike) = shared(parts);
    let same = if patients == SharedPatients::Same { Same::of(parts, &shared) } else { Same::default() };
    let each: Vec<Preprocessing> = parts.iter().map(|part| prepared(part, parts)).collect();
    let named = || parts.iter().zip(&each).map(|(part, one)| (part.name.clone(), *one)).collect();
    let prepared = if each.windows(2).any(|pair| pair[0] != pair[1]) { named() } else { BTreeMap::new() };
    let mut report = JoinReport { folds, shared, alike, prepared, ..JoinReport::default() };
    let (mut rows, mut shards) = (Vec::new(), Vec::new());
    for part in parts {
        let mut number_of: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &part.data.manifest().rows {
            let number = *number_of.entry(&row.shard).or_insert_with(|| {
                shards.push((part, row.shard.clone()));
                shards.len() - 1
            });
            let named = |id: &str| format!("{}/{id}", part.name);
            let label = row.label.as_ref().map(|class| mapped(part, class)).transpose()?.flatten();
            match &label {
                Some(class) => {
                    let of_class = report.classes.entry(class.clone()).or_default();
                    *of_class.entry(part.name.clone()).or_insert(0) += 1;
                }
                None => *report.unlabelled.entry(part.name.clone()).or_insert(0) += 1,
            }
            let mut row = row.clone();
            row.clip = named(&row.clip);
            row.group = same.group(named(&row.group));
            let of_all = |id: &str| patients == SharedPatients::Same && report.shared.contains(id);
            row.patient = row.patient.as_deref().map(|id| if of_all(id) { id.to_owned() } else { named(id) });
            row.source = named(&row.source);
            row.shard = shard_name(number);
            row.label = label;
            row.fold = row.fold.filter(|_| folds);
            rows.push(row);
        }
    }
    report.clips = rows.len();
    if report.folds && parts_a_group(&rows) {
        rows.iter_mut().for_each(|row| row.fold = None);
        report.folds = false;
    }
    Ok(Whole { manifest: Manifest { rows }, shards, report })
}

/// Whom a clip shows: its patient, else a group that is not the clip itself.
fn person(row: &ClipRow) -> Option<&str> {
    row.patient.as_deref().or_else(|| Some(row.group.as_str()).filter(|group| *group != row.clip))
}

/// People whom several data sets name alike, and sets of names that are probably the same.
fn shared(parts: &[JoinPart]) -> (BTreeSet<String>, Vec<Vec<String>>) {
    let mut parts_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for part in parts {
        for person in part.data.manifest().rows.iter().filter_map(person) {
            parts_of.entry(person).or_default().insert(&part.name);
        }
    }
    let shared = parts_of.iter().filter(|(_, parts)| parts.len() > 1).map(|(person, _)| (*person).to_owned()).collect();
    let alike = spelling::alike(parts_of.keys().copied()).into_iter().filter(|names| {
        let parts: BTreeSet<&str> = names.iter().filter_map(|name| parts_of.get(name)).flatten().copied().collect();
        parts.len() > 1
    });
    let alike = alike.map(|names| names.into_iter().map(str::to_owned).collect()).collect();
    (shared, alike)
}

/// Groups that belong together since a patient of several data sets is in each, by their new names.
#[derive(Debug, Default)]
struct Same(BTreeMap<String, String>);

impl Same {
    fn of(parts: &[JoinPart], shared: &BTreeSet<String>) -> Self {
        let mut same = Self::default();
        let mut first: BTreeMap<&str, String> = BTreeMap::new();
        for part in parts {
            for row in &part.data.manifest().rows {
                let Some(person) = person(row).filter(|person| shared.contains(*person)) else { continue };
                let group = same.group(format!("{}/{}", part.name, row.group));
                match first.get(person) {
                    Some(other) => {
                        let other = same.group(other.clone());
                        // The smaller name leads, whatever the order of the rows.
                        let (leads, follows) = if other <= group { (other, group) } else { (group, other) };
                        if leads != follows {
                            same.0.insert(follows, leads);
                        }
                    }
                    None => drop(first.insert(person, group)),
                }
            }
        }
        same
    }

    fn group(&self, mut group: String) -> String {
        while let Some(other) = self.0.get(&group) {
            group.clone_from(other);
        }
        group
    }
}

/// Whether a group stands in two folds.
fn parts_a_group(rows: &[ClipRow]) -> bool {
    let mut fold_of: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    rows.iter().any(|row| *fold_of.entry(&row.group).or_insert(row.fold) != row.fold)
}

/// The class in the whole; nothing where the map says that it is none.
fn mapped(part: &JoinPart, class: &str) -> Result<Option<String>, Error> {
    let Some(map) = &part.map else { return Ok(Some(class.to_owned())) };
    let label = map.label(class).map(|label| Some(label).filter(|label| !is_unlabelled(label)).map(str::to_owned));
    label.ok_or_else(|| Error::Unmapped {
        part: part.name.clone(),
        map: map.name().to_owned(),
        class: class.to_owned(),
    })
}

/// Copies a shard, its clips renamed; `false` where that was done before.
fn copied(from: &Path, name: &str, to: &Path) -> Result<bool, Error> {
    let failed = |source| Error::Io { path: from.to_owned(), source };
    let (mut shard, metadata, start) = open_shard(from)?;
    let length = shard.metadata().map_err(failed)?.len() - start;
    let other = |clip: &String| {
        let reason = format!("{clip:?} is no clip");
        Error::Shard { path: from.to_owned(), reason }
    };
    let clips = metadata.offset_keys();
    let clips = clips.iter().map(|clip| renamed(name, clip, &metadata).ok_or_else(|| other(clip)));
    let begin = store::beginning(&clips.collect::<Result<Vec<Stored>, Error>>()?);
    if let Ok(before) = File::open(to) {
        let mut found = vec![0; begin.len()];
        let same = (&before).read_exact(&mut found).is_ok() && found == begin;
        if same && before.metadata().is_ok_and(|file| file.len() == begin.len() as u64 + length) {
            return Ok(false);
        }
        let what = format!("another {}", to.file_name().unwrap_or_default().to_string_lossy());
        return Err(Error::Taken { folder: to.parent().unwrap_or(to).to_owned(), what });
    }
    shard.seek(SeekFrom::Start(start)).map_err(failed)?;
    let copy = |file: &mut File| {
        file.write_all(&begin)?;
        io::copy(&mut shard, file).map(drop)
    };
    atomic::write_with(to, copy).map_err(|source| Error::Io { path: to.to_owned(), source })?;
    Ok(true)
}

/// A clip of a shard, `name/` in front of its own.
fn renamed(name: &str, clip: &str, metadata: &Metadata) -> Option<Stored> {
    let info = metadata.info(clip)?;
    let (begin, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
    Some(Stored {
        name: format!("{name}/{clip}"),
        shape: info.shape.as_slice().try_into().ok()?,
        place: ShardPlace { shard: 0, begin, end },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Channels, Clip, Size};
    use crate::job::Event;
    use crate::store::ShardWriter;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A data set of clips with one label each; every third begins a shard.
    fn written(folder: &Path, labels: &[Option<&str>], fold: Option<usize>) -> Dataset {
        std::fs::create_dir_all(folder).unwrap();
        let size = Size { height: 2, width: 3 };
        let mut writer = ShardWriter::resume(folder, &[] as &[Stored], 2 * 3 * 3).unwrap();
        let row = |(number, label): (usize, &Option<&str>)| {
            let pixels = (0..6).map(|pixel| (number * 10 + pixel + label.map_or(0, str::len)) as u8).collect();
            let clip = Clip { size, channels: Channels::Grey, pixels, fps: None };
            let name = format!("clip-{number}");
            let place = writer.append(&name, &clip).unwrap();
            ClipRow {
                patient: Some(format!("patient-{number}")),
                group: format!("group-{number}"),
                label: label.map(str::to_owned),
                fold,
                fps: Some(20.0),
                source: format!("{number}.mp4"),
                shard: shard_name(place.shard),
                ..ClipRow::new(name, 1, size, Channels::Grey)
            }
        };
        let rows = labels.iter().enumerate().map(row).collect();
        writer.finish().unwrap();
        Manifest { rows }.write(folder).unwrap();
        Dataset::open(folder).unwrap()
    }

    fn parts(folder: &Path) -> Vec<JoinPart> {
        let lung = written(&folder.join("lung"), &[Some("Cov-1"), Some("Reg"), None, Some("Cov-2")], Some(0));
        let liver = written(&folder.join("liver"), &[Some("F0"), Some("F4")], Some(1));
        let part = |name: &str, data, map| JoinPart { name: name.to_owned(), data, map };
        vec![part("lung", lung, LabelMap::named("us4")), part("liver", liver, None)]
    }

    fn run(parts: &[JoinPart], out: &Path) -> Result<JoinReport, Error> {
        join(parts, SharedPatients::Different, out, Job::default())
    }

    #[test]
    fn the_whole_has_every_frame_under_the_name_of_its_data_set() {
        let folder = tempfile::tempdir().unwrap();
        let (parts, out) = (parts(folder.path()), folder.path().join("out"));
        let report = run(&parts, &out).unwrap();
        let whole = Dataset::open(&out).unwrap();
        assert_eq!((report.clips, whole.len(), report.folds), (6, 6, true));
        let all = parts.iter().flat_map(|part| (0..part.data.len()).map(move |clip| (part, clip)));
        for (number, (part, clip)) in all.enumerate() {
            let (old, new) = (part.data.row(clip), whole.row(number));
            assert_eq!(new.clip, format!("{}/{}", part.name, old.clip));
            assert_eq!(new.group, format!("{}/{}", part.name, old.group));
            assert_eq!(new.fold, old.fold);
            assert_eq!(whole.read_clip(number).unwrap(), part.data.read_clip(clip).unwrap());
        }
        assert_eq!(whole.classes(), ["Cov-Bli-Ple-Oth", "F0", "F4", "Reg-Ali"]);
        assert_eq!(report.classes["Cov-Bli-Ple-Oth"], BTreeMap::from([("lung".to_owned(), 2)]));
        assert_eq!(report.unlabelled, BTreeMap::from([("lung".to_owned(), 1)]));
        assert!(matches!(run(&parts, &out), Err(Error::Taken { .. })), "never over a data set");
    }

    #[test]
    fn a_stopped_join_goes_on_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (parts, whole, broken) = (parts(folder.path()), folder.path().join("whole"), folder.path().join("broken"));
        run(&parts, &whole).unwrap();
        let stop = AtomicBool::new(false);
        let after_one = |_: Event| stop.store(true, Ordering::Relaxed);
        let stopped =
            join(&parts, SharedPatients::Different, &broken, Job::new(&stop).telling(&after_one)).unwrap_err();
        assert!(matches!(stopped, Error::Interrupted) && !broken.join(MANIFEST_FILE).exists());
        assert_eq!(run(&parts, &broken).unwrap().kept, 1);
        for entry in std::fs::read_dir(&whole).unwrap().map(Result::unwrap) {
            let again = std::fs::read(broken.join(entry.file_name())).unwrap();
            assert!(std::fs::read(entry.path()).unwrap() == again, "{:?}", entry.file_name());
        }
        // A shard of something else is not taken for one of ours.
        std::fs::remove_file(broken.join(MANIFEST_FILE)).unwrap();
        std::fs::write(broken.join(shard_name(0)), b"something else").unwrap();
        assert!(matches!(run(&parts, &broken), Err(Error::Taken { .. })));
    }

    #[test]
    fn names_and_classes_that_do_not_do_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let mut twice = parts(folder.path());
        twice[1].name = "lung".to_owned();
        assert!(matches!(run(&twice, &out), Err(Error::DatasetTwice(_))));
        for name in ["", "..", "a/b", "a b"] {
            twice[1].name = name.to_owned();
            assert!(matches!(run(&twice, &out), Err(Error::DatasetName(_))), "{name}");
        }
        let mut unmapped = parts(folder.path());
        unmapped[0].map = LabelMap::named("liver");
        let error = run(&unmapped, &out).unwrap_err().to_string();
        assert_eq!(error, "lung: its label map liver says nothing of class \"Cov-1\"");
        assert!(!out.exists());
    }

    #[test]
    fn patients_of_two_data_sets_are_told_and_stay_together_where_they_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let parts = parts(folder.path());
        let report = run(&parts, &folder.path().join("apart")).unwrap();
        assert_eq!(report.shared.iter().collect::<Vec<_>>(), ["patient-0", "patient-1"]);
        let whole = Manifest::read(&folder.path().join("apart")).unwrap();
        assert_eq!(whole.rows[0].patient.as_deref(), Some("lung/patient-0"));
        let out = folder.path().join("same");
        let report = join(&parts, SharedPatients::Same, &out, Job::default()).unwrap();
        let whole = Manifest::read(&out).unwrap();
        let people: Vec<_> =
            whole.rows.iter().map(|row| (row.patient.as_deref().unwrap(), row.group.as_str())).collect();
        let together = [("patient-0", "liver/group-0"), ("patient-1", "liver/group-1")];
        assert_eq!(people[..2], together);
        assert_eq!(people[2..4], [("lung/patient-2", "lung/group-2"), ("lung/patient-3", "lung/group-3")]);
        assert_eq!(people[4..], together);
        // The two data sets have them in different folds, which would part them.
        assert!(!report.folds && whole.rows.iter().all(|row| row.fold.is_none()));
    }

    #[test]
    fn clips_are_prepared_as_most_were_and_it_is_reported_where_they_were_not_prepared_alike() {
        let folder = tempfile::tempdir().unwrap();
        let mut parts = parts(folder.path());
        assert!(run(&parts, &folder.path().join("alike")).unwrap().prepared.is_empty());
        for (part, image_size) in parts.iter_mut().zip([3, 64]) {
            let manifest = part.data.manifest();
            let of = Preprocessing::resized(image_size);
            DatasetInfo::new(of, manifest, None).write(part.data.folder()).unwrap();
            part.data = Dataset::open(part.data.folder()).unwrap();
        }
        let out = folder.path().join("out");
        let report = run(&parts, &out).unwrap();
        assert_eq!(report.prepared["liver"], Preprocessing::resized(64));
        // Four clips of six are the lung's.
        assert_eq!(Dataset::open(&out).unwrap().preprocessing(), Preprocessing::resized(3));
    }

    #[test]
    fn folds_are_kept_only_where_all_have_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut parts = parts(folder.path());
        parts[1].data = written(&folder.path().join("unsplit"), &[Some("F1")], None);
        assert!(!run(&parts, &folder.path().join("out")).unwrap().folds);
        let whole = Manifest::read(&folder.path().join("out")).unwrap();
        assert!(whole.rows.iter().all(|row| row.fold.is_none()));
    }
}
