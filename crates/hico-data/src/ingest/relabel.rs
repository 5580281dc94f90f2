//! Other labels for a data set that is there: its table changes, its frames do not.

use super::finder::{Finder, Places};
use super::identity;
use super::labels::{Columns, Facts, LabelTable, UsedColumns};
use super::matching::{groups, match_rows};
use super::{PlaceholderCells, hash};
use crate::error::Error;
use crate::info::DatasetInfo;
use crate::manifest::{ClipRow, Manifest};
use crate::split::check_folds;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Says what becomes of clips that the labels table does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unnamed {
    /// They keep what is known of them.
    #[default]
    Keep,
    /// They lose their label.
    Unlabel,
}

/// Says how a data set is labelled anew.
#[derive(Debug, Clone, Default)]
pub struct RelabelOptions {
    /// How the columns of the table are found.
    pub columns: Columns,
    /// What paths of the table may begin with that stands for the source folder.
    pub labels_roots: Vec<String>,
    /// What becomes of clips that the table does not name.
    pub unnamed: Unnamed,
    /// Writes nothing.
    pub dry_run: bool,
}

/// Counts how many clips have another value than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Changes {
    /// Of their label.
    pub label: usize,
    /// Of their patient.
    pub patient: usize,
    /// Of their group.
    pub group: usize,
    /// Of their fold.
    pub fold: usize,
}

/// Tells what became of the labels of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelabelReport {
    /// Clips of the data set.
    pub clips: usize,
    /// Clips that the table names.
    pub named: usize,
    /// Names of the columns that were read.
    pub columns: UsedColumns,
    /// What changed.
    pub changes: Changes,
    /// Clips by class, before.
    pub before: BTreeMap<String, usize>,
    /// Clips by class, now.
    pub classes: BTreeMap<String, usize>,
    /// Rows that name no clip of the data set: line, and file or patient as written.
    pub unmatched: Vec<(u64, String)>,
    /// Cells that hold a word for having no value, by column and word.
    pub placeholders: Vec<PlaceholderCells>,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// The table as it was before; nothing where nothing changed or nothing was to be written.
    pub backup: Option<PathBuf>,
}

/// Gives the clips of a data set the labels, patients, groups and folds of a table; a column that the table lacks leaves what is
/// there. A row names a clip by its source file, as at the ingest, or by its name in the data set; a table with a patient but no
/// file has one row for each patient. Frames are not read.
///
/// Groups change only where a patient or a group does. Folds that would then separate a group are removed.
///
/// - `table`: the labels table
///
/// # Errors
/// When the data set or the table cannot be read, a row may mean two clips, two rows contradict each other, folds of the table
/// separate a group, or the data set cannot be written. Nothing is written then.
pub fn relabel(folder: &Path, table: &Path, options: &RelabelOptions) -> Result<RelabelReport, Error> {
    let mut manifest = Manifest::read(folder)?;
    let info = DatasetInfo::read(folder)?;
    let labels = LabelTable::read(table, &options.columns)?;
    let before = manifest.clone();
    let (facts, unmatched) = match labels.used.file {
        Some(_) => of_clips(&labels, &manifest, folder, options)?,
        None => of_patients(&labels, &manifest),
    };
    let mut warnings = apply(&mut manifest, &facts, &labels.used, options.unnamed)?;
    if let (true, Err(error)) = (manifest.rows.iter().any(|row| row.fold.is_some()), check_folds(&manifest)) {
        warnings.push(format!("{error}; `hico split` assigns folds anew"));
    }
    let changes = Changes {
        label: changed(&before, &manifest, |row| &row.label),
        patient: changed(&before, &manifest, |row| &row.patient),
        group: changed(&before, &manifest, |row| &row.group),
        fold: changed(&before, &manifest, |row| &row.fold),
    };
    let mut backup = None;
    if manifest != before && !options.dry_run {
        backup = Some(Manifest::back_up(folder, "relabel")?);
        manifest.write(folder)?;
        if let Some(info) = info {
            DatasetInfo { labels_sha256: hash::file(table).ok(), ..info }.write(folder)?;
        }
    }
    Ok(RelabelReport {
        clips: manifest.rows.len(),
        named: facts.len(),
        columns: labels.used,
        changes,
        before: by_class(&before),
        classes: by_class(&manifest),
        unmatched,
        placeholders: labels.placeholders,
        warnings,
        backup,
    })
}

/// What the table says of clips, by their index, and the rows that name none.
type Named = (BTreeMap<usize, Facts>, Vec<(u64, String)>);

/// Finds clips by the file that they were made of, and what is left by the name that they have in the data set.
fn of_clips(labels: &LabelTable, manifest: &Manifest, folder: &Path, options: &RelabelOptions) -> Result<Named, Error> {
    let files = identity::files_of_sources(folder);
    let file = |row: &ClipRow| files.get(&row.source).unwrap_or(&row.source).clone();
    let mut of_file: BTreeMap<String, Option<usize>> = BTreeMap::new();
    for (index, row) in manifest.rows.iter().enumerate() {
        // Of several clips of one source, none is meant by it.
        of_file.entry(file(row)).and_modify(|several| *several = None).or_insert(Some(index));
    }
    let of_file: BTreeMap<String, usize> = of_file.into_iter().filter_map(|(file, clip)| Some((file, clip?))).collect();
    let of_name: BTreeMap<String, usize> =
        manifest.rows.iter().enumerate().map(|(index, row)| (row.clip.clone(), index)).collect();
    let mut facts: BTreeMap<usize, Facts> = BTreeMap::new();
    let mut rows = labels.rows.clone();
    for clips in [&of_file, &of_name] {
        let keys: BTreeSet<&str> = clips.keys().map(String::as_str).collect();
        // A picture in a folder of frames stands for the folder.
        let clip_of_frame = |path: &str| keys.get(path.rsplit_once('/')?.0).copied();
        let frames = || Vec::new();
        let places = Places::of_roots(&options.labels_roots);
        let matched = match_rows(&rows, &Finder::new(places, &keys, &clip_of_frame, &frames))?;
        for (key, known) in matched.facts {
            facts.entry(clips[&key]).or_insert(known);
        }
        let left: BTreeSet<u64> = matched.unmatched.iter().map(|(line, _)| *line).collect();
        rows.retain(|row| left.contains(&row.line));
    }
    Ok((facts, rows.into_iter().map(|row| (row.line, row.file)).collect()))
}

/// Finds the clips of the patients that rows name.
fn of_patients(labels: &LabelTable, manifest: &Manifest) -> Named {
    let mut facts = BTreeMap::new();
    let mut unmatched = Vec::new();
    for labelled in &labels.rows {
        let is_theirs = |row: &ClipRow| row.patient.as_deref() == Some(labelled.file.as_str());
        let theirs = manifest.rows.iter().enumerate().filter(|(_, row)| is_theirs(row)).map(|(index, _)| index);
        let known = facts.len();
        facts.extend(theirs.map(|index| (index, labelled.facts.clone())));
        if facts.len() == known {
            unmatched.push((labelled.line, labelled.file.clone()));
        }
    }
    (facts, unmatched)
}

/// Writes what is known into the rows.
///
/// - returns: what a person should look at
fn apply(
    manifest: &mut Manifest,
    facts: &BTreeMap<usize, Facts>,
    used: &UsedColumns,
    unnamed: Unnamed,
) -> Result<Vec<String>, Error> {
    let mut moved = false;
    let mut of_group: Vec<(String, Facts)> = Vec::with_capacity(manifest.rows.len());
    for (index, row) in manifest.rows.iter_mut().enumerate() {
        let named = facts.get(&index);
        if used.label.is_some() && (named.is_some() || unnamed == Unnamed::Unlabel) {
            row.label = named.and_then(|facts| facts.label.clone());
        }
        if let (true, Some(facts)) = (used.fold.is_some(), named) {
            row.fold = facts.fold;
        }
        let patient = named.and_then(|facts| facts.patient.clone()).filter(|_| used.file.is_some());
        let group = named.and_then(|facts| facts.group.clone());
        let changes = patient.as_ref().is_some_and(|patient| Some(patient) != row.patient.as_ref())
            || group.as_ref().is_some_and(|group| *group != row.group);
        moved |= changes;
        row.patient = patient.or_else(|| row.patient.take());
        // A group that stays is the clip's own, also where an audit merged it.
        let group = group.or_else(|| Some(row.group.clone()).filter(|_| !changes));
        of_group.push((row.clip.clone(), Facts { patient: row.patient.clone(), group, fold: row.fold, label: None }));
    }
    if !moved && used.fold.is_none() {
        return Ok(Vec::new());
    }
    let mut warnings = Vec::new();
    let settled = |of_group: &[(String, Facts)]| {
        let clips: Vec<(&str, &Facts)> = of_group.iter().map(|(clip, facts)| (clip.as_str(), facts)).collect();
        groups(&clips)
    };
    let (found, said) = match settled(&of_group) {
        Err(Error::GroupInTwoFolds { .. }) if used.fold.is_none() => {
            warnings.push(
                "folds were removed, for they would separate the new groups; `hico split` assigns folds".to_owned(),
            );
            of_group.iter_mut().for_each(|(_, facts)| facts.fold = None);
            manifest.rows.iter_mut().for_each(|row| row.fold = None);
            settled(&of_group)?
        }
        settled => settled?,
    };
    manifest.rows.iter_mut().zip(found).for_each(|(row, group)| row.group = group);
    warnings.extend(said);
    Ok(warnings)
}

fn changed<T: PartialEq>(before: &Manifest, now: &Manifest, value: fn(&ClipRow) -> &T) -> usize {
    before.rows.iter().zip(&now.rows).filter(|(before, now)| value(before) != value(now)).count()
}

fn by_class(manifest: &Manifest) -> BTreeMap<String, usize> {
    let mut classes = BTreeMap::new();
    for label in manifest.rows.iter().filter_map(|row| row.label.clone()) {
        *classes.entry(label).or_default() += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::MANIFEST_FILE;
    use crate::{Channels, Size};

    /// Source, patient, label and fold of a clip.
    type Of<'a> = (&'a str, &'a str, Option<&'a str>, Option<usize>);

    fn dataset(rows: &[Of<'_>]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let row = |(index, (source, patient, label, fold)): (usize, &Of<'_>)| ClipRow {
            source: (*source).to_owned(),
            patient: Some((*patient).to_owned()),
            group: (*patient).to_owned(),
            label: label.map(str::to_owned),
            fold: *fold,
            ..ClipRow::new(format!("clip-{index}"), 2, Size { height: 4, width: 4 }, Channels::Grey)
        };
        Manifest { rows: rows.iter().enumerate().map(row).collect() }.write(folder.path()).unwrap();
        folder
    }

    fn with(folder: &Path, table: &str, options: &RelabelOptions) -> Result<RelabelReport, Error> {
        let path = folder.join("new.csv");
        std::fs::write(&path, table).unwrap();
        relabel(folder, &path, options)
    }

    fn labels(folder: &Path) -> Vec<Option<String>> {
        Manifest::read(folder).unwrap().rows.into_iter().map(|row| row.label).collect()
    }

    fn some(labels: &[&str]) -> Vec<Option<String>> {
        labels.iter().map(|label| Some((*label).to_owned()).filter(|label| !label.is_empty())).collect()
    }

    #[test]
    fn rows_name_clips_by_file_by_frame_or_by_name_and_the_others_stay() {
        let rows =
            [("p1/a.mp4", "p1", Some("x"), None), ("p2/b", "p2", None, None), ("p3/c.mp4", "p3", Some("x"), None)];
        let data = dataset(&rows);
        let table = "file,label\np1/a.mp4,well\np2/b/frame-1.png,ill\nclip-2,ill\nelse.mp4,ill\n";
        let report = with(data.path(), table, &RelabelOptions::default()).unwrap();
        assert_eq!((report.named, report.changes.label, report.changes.group), (3, 3, 0));
        assert_eq!(report.unmatched, [(5, "else.mp4".to_owned())]);
        assert_eq!(labels(data.path()), some(&["well", "ill", "ill"]));
        let backup = report.backup.unwrap();
        assert!(std::fs::read_to_string(backup).unwrap().contains(",x,"));

        // One clip is named: the others keep theirs, or lose it.
        let one = "file,label\na,\n";
        with(data.path(), one, &RelabelOptions::default()).unwrap();
        assert_eq!(labels(data.path()), some(&["", "ill", "ill"]));
        let unlabel = RelabelOptions { unnamed: Unnamed::Unlabel, dry_run: true, ..RelabelOptions::default() };
        let report = with(data.path(), one, &unlabel).unwrap();
        assert_eq!((report.changes.label, report.backup, report.classes.len()), (2, None, 0));
        assert_eq!(labels(data.path()), some(&["", "ill", "ill"]), "nothing was to be written");
        with(data.path(), one, &RelabelOptions { dry_run: false, ..unlabel }).unwrap();
        assert_eq!(labels(data.path()), some(&["", "", ""]));
    }

    #[test]
    fn a_table_of_patients_labels_all_clips_of_each() {
        let data = dataset(&[("a", "p1", None, None), ("b", "p1", None, None), ("c", "p2", None, None)]);
        let report = with(data.path(), "patient,label\np1,ill\np9,ill\n", &RelabelOptions::default()).unwrap();
        assert_eq!((report.named, report.unmatched), (2, vec![(3, "p9".to_owned())]));
        assert_eq!(labels(data.path()), some(&["ill", "ill", ""]));
    }

    #[test]
    fn groups_follow_patients_and_folds_that_would_separate_one_go() {
        let rows = [("a", "p1", Some("x"), Some(0)), ("b", "p2", Some("y"), Some(1)), ("c", "p3", Some("y"), Some(1))];
        let data = dataset(&rows);
        let report = with(data.path(), "file,patient\nb,p1\n", &RelabelOptions::default()).unwrap();
        assert_eq!(report.changes, Changes { label: 0, patient: 1, group: 1, fold: 3 });
        assert!(report.warnings[0].contains("folds were removed"), "{:?}", report.warnings);
        let rows = Manifest::read(data.path()).unwrap().rows;
        assert_eq!(rows.iter().map(|row| row.group.as_str()).collect::<Vec<_>>(), ["p1", "p1", "p3"]);
        assert!(rows.iter().all(|row| row.fold.is_none()));

        // Folds of the table that separate a group are refused, and nothing is written.
        let table = std::fs::read(data.path().join(MANIFEST_FILE)).unwrap();
        let refused = with(data.path(), "file,fold\na,0\nb,1\nc,1\n", &RelabelOptions::default());
        assert!(matches!(refused, Err(Error::GroupInTwoFolds { .. })));
        assert_eq!(std::fs::read(data.path().join(MANIFEST_FILE)).unwrap(), table);
    }

    #[test]
    fn a_group_that_an_audit_merged_stays() {
        let data = dataset(&[("a", "p1", Some("x"), None), ("b", "p2", None, None)]);
        let mut merged = Manifest::read(data.path()).unwrap();
        merged.rows.iter_mut().for_each(|row| row.group = "p1+p2".to_owned());
        merged.write(data.path()).unwrap();
        let table = "file,label,patient\na,y,p1\nb,x,p2\n";
        let report = with(data.path(), table, &RelabelOptions::default()).unwrap();
        assert_eq!((report.changes.label, report.changes.group), (2, 0));
        assert_eq!(with(data.path(), table, &RelabelOptions::default()).unwrap().backup, None, "nothing changes");
    }
}
