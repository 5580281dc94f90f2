//! The remedy as tables that a person can read and change, and their way into the data set.
//!
//! [`propose`] writes `audit/groups.csv` and `audit/exclude.csv` inside the data set. [`apply`] puts them, as they then
//! are, into `clips.csv` and keeps the old table beside it. Frames stay where they are; nothing is deleted.

use super::remedy::{Exclusion, Remedy};
use crate::atomic;
use crate::error::Error;
use crate::ingest::labels::table_text;
use crate::manifest::Manifest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folder inside the data set.
pub const FOLDER: &str = "audit";
/// Every clip with the group it should have; also a labels table for `hico ingest`.
pub const GROUPS_FILE: &str = "groups.csv";
/// Clips to leave out, and why.
pub const EXCLUDE_FILE: &str = "exclude.csv";

/// A row of `groups.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct GroupRow {
    file: String,
    label: Option<String>,
    patient: Option<String>,
    group: String,
    fold: Option<usize>,
    group_before: String,
    fold_before: Option<usize>,
    clip: String,
}

/// A row of `exclude.csv`; other columns are for the reader.
#[derive(Debug, Deserialize)]
struct ExcludeRow {
    clip: String,
}

/// What was put into effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Clips with another group or fold than before.
    pub regrouped: usize,
    /// Clips that were taken out of the table.
    pub excluded: usize,
    /// Clips that are left.
    pub clips: usize,
    /// The table as it was.
    pub backup: PathBuf,
}

/// Writes the tables; a merged group, or one that stood in two folds, gets the fold that holds most of its clips (of
/// equal ones the first).
///
/// - `force`: write over tables that exist
/// - returns: the two paths
///
/// # Errors
/// When they exist, or the folder cannot be written.
pub fn propose(folder: &Path, manifest: &Manifest, remedy: &Remedy, force: bool) -> Result<[PathBuf; 2], Error> {
    let paths = paths(folder);
    if let Some(path) = paths.iter().find(|path| path.exists() && !force) {
        return Err(Error::ProposalExists(path.clone()));
    }
    let audit = folder.join(FOLDER);
    std::fs::create_dir_all(&audit).map_err(|source| Error::Write { path: audit, source })?;
    write(&paths[0], &group_rows(manifest, remedy), None)?;
    let reason = |it: &Exclusion| (it.clip.clone(), it.source.clone(), it.reason.name(), it.other.clone());
    let excluded: Vec<_> = remedy.excluded.iter().map(reason).collect();
    write(&paths[1], &excluded, Some(["clip", "file", "reason", "other_clip"]))?;
    Ok(paths)
}

/// Puts the tables into the data set's own.
///
/// # Errors
/// When a table is missing or broken or names a clip that is not there, or nothing would be left; the data set then is
/// as before.
pub fn apply(folder: &Path) -> Result<Applied, Error> {
    let [groups, exclude] = paths(folder);
    let mut manifest = Manifest::read(folder)?;
    let known: BTreeSet<&str> = manifest.rows.iter().map(|row| row.clip.as_str()).collect();
    let group_rows: Vec<GroupRow> = read(&groups)?;
    let exclude_rows: Vec<ExcludeRow> = read(&exclude)?;
    let strange = |path: &Path, clip: &str| {
        let named = || Error::NoClip { path: path.to_owned(), clip: clip.to_owned() };
        if known.contains(clip) { Ok(()) } else { Err(named()) }
    };
    group_rows.iter().try_for_each(|row| strange(&groups, &row.clip))?;
    exclude_rows.iter().try_for_each(|row| strange(&exclude, &row.clip))?;

    let places: BTreeMap<&str, (&str, Option<usize>)> =
        group_rows.iter().map(|row| (row.clip.as_str(), (row.group.as_str(), row.fold))).collect();
    let gone: BTreeSet<&str> = exclude_rows.iter().map(|row| row.clip.as_str()).collect();
    let before = manifest.rows.len();
    manifest.rows.retain(|row| !gone.contains(row.clip.as_str()));
    if manifest.rows.is_empty() {
        return Err(Error::NothingLeft(exclude));
    }
    let mut regrouped = 0;
    for row in &mut manifest.rows {
        let Some((group, fold)) = places.get(row.clip.as_str()) else { continue };
        regrouped += usize::from(row.group != *group || row.fold != *fold);
        (*group).clone_into(&mut row.group);
        row.fold = *fold;
    }
    let backup = Manifest::back_up(folder, "audit")?;
    manifest.write(folder)?;
    Ok(Applied { regrouped, excluded: before - manifest.rows.len(), clips: manifest.rows.len(), backup })
}

fn paths(folder: &Path) -> [PathBuf; 2] {
    [GROUPS_FILE, EXCLUDE_FILE].map(|file| folder.join(FOLDER).join(file))
}

fn group_rows(manifest: &Manifest, remedy: &Remedy) -> Vec<GroupRow> {
    let leader: BTreeMap<&str, &str> = remedy
        .merged
        .iter()
        .flat_map(|(leader, groups)| groups.iter().map(move |group| (group.as_str(), leader.as_str())))
        .collect();
    let group = |before: &str| leader.get(before).map_or(before, |group| group).to_owned();
    let mut folds: BTreeMap<String, BTreeMap<Option<usize>, usize>> = BTreeMap::new();
    for row in &manifest.rows {
        *folds.entry(group(&row.group)).or_default().entry(row.fold).or_default() += 1;
    }
    let fold = |group: &str| {
        let counts = &folds[group];
        let fullest = counts
            .iter()
            .filter(|(fold, _)| fold.is_some())
            .max_by_key(|(fold, clips)| (**clips, std::cmp::Reverse(**fold)));
        fullest.and_then(|(fold, _)| *fold)
    };
    let rows = manifest.rows.iter().map(|row| {
        let group = group(&row.group);
        GroupRow {
            file: row.source.clone(),
            label: row.label.clone(),
            patient: row.patient.clone(),
            fold: fold(&group),
            group,
            group_before: row.group.clone(),
            fold_before: row.fold,
            clip: row.clip.clone(),
        }
    });
    rows.collect()
}

fn write<T: Serialize>(path: &Path, rows: &[T], header: Option<[&str; 4]>) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let mut writer = csv::WriterBuilder::new().has_headers(header.is_none()).from_writer(Vec::new());
    if let Some(header) = header {
        writer.write_record(header).map_err(|error| failed(std::io::Error::other(error)))?;
    }
    for row in rows {
        writer.serialize(row).map_err(|error| failed(std::io::Error::other(error)))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(std::io::Error::other(error.to_string())))?;
    atomic::write(path, &bytes).map_err(failed)
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Vec<T>, Error> {
    let table = |source| Error::Proposal { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(|error| table(error.into()))?;
    // A spreadsheet that the table was changed in may have saved it its own way.
    let not_text = || table(std::io::Error::other("not UTF-8; save it as CSV UTF-8").into());
    let text = table_text(&bytes).ok_or_else(not_text)?;
    let mut reader = csv::ReaderBuilder::new().delimiter(text.separator).from_reader(text.text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().map_err(table)
}

#[cfg(test)]
mod tests {
    use super::super::remedy::Reason;
    use super::*;
    use crate::phantom::{PhantomRecipe, generate};

    /// A table of eight patients in two folds on the disk, and a remedy that merges two patients across them.
    fn setting() -> (tempfile::TempDir, Manifest, Remedy) {
        let recipe =
            PhantomRecipe { patients: 8, clips_per_patient: [2, 2], frames: 1, side: 16, ..PhantomRecipe::default() };
        let mut manifest = generate(&recipe).manifest().clone();
        for row in &mut manifest.rows {
            row.fold = Some(usize::from(row.group.as_str() > "P004"));
            row.source = format!("clips/{}.gif", row.clip);
        }
        // Three clips of fold 1 against two of fold 0.
        manifest.rows[6].group = "P005".to_owned();
        manifest.rows[6].fold = Some(1);
        let merged = BTreeMap::from([("P001".to_owned(), ["P001", "P005"].map(str::to_owned).into())]);
        let row = &manifest.rows[15];
        let (clip, source) = (row.clip.clone(), row.source.clone());
        let excluded = vec![Exclusion { clip, source, reason: Reason::Blank, other: None }];
        let folder = tempfile::tempdir().unwrap();
        manifest.write(folder.path()).unwrap();
        (folder, manifest, Remedy { merged, excluded })
    }

    #[test]
    fn a_proposal_that_is_applied_moves_whole_groups_and_keeps_the_old_table() {
        let (folder, before, remedy) = setting();
        propose(folder.path(), &before, &remedy, false).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), before, "a proposal changes nothing");
        let applied = apply(folder.path()).unwrap();
        assert_eq!((applied.regrouped, applied.excluded, applied.clips), (5, 1, 15));
        let after = Manifest::read(folder.path()).unwrap();
        let merged: Vec<_> = after.rows.iter().filter(|row| row.group == "P001").map(|row| row.fold).collect();
        assert_eq!(merged, [Some(1); 5]);
        assert!(after.rows.iter().all(|row| row.clip != before.rows[15].clip));
        std::fs::rename(&applied.backup, folder.path().join(crate::manifest::MANIFEST_FILE)).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), before);
    }

    #[test]
    fn a_proposal_that_a_person_changed_is_kept_and_obeyed() {
        let (folder, manifest, remedy) = setting();
        let [_, exclude] = propose(folder.path(), &manifest, &remedy, false).unwrap();
        assert!(matches!(propose(folder.path(), &manifest, &remedy, false), Err(Error::ProposalExists(_))));
        std::fs::write(&exclude, "clip,file,reason,other_clip\n").unwrap();
        assert_eq!(apply(folder.path()).unwrap().excluded, 0);
        std::fs::write(&exclude, "clip\nnobody\n").unwrap();
        let error = apply(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("exclude.csv: the data set has no clip \"nobody\""), "{error}");
        let all: String = manifest.rows.iter().map(|row| format!("{}\n", row.clip)).collect();
        std::fs::write(&exclude, format!("clip\n{all}")).unwrap();
        assert!(matches!(apply(folder.path()), Err(Error::NothingLeft(_))));
        std::fs::remove_file(&exclude).unwrap();
        assert!(matches!(apply(folder.path()), Err(Error::Proposal { .. })));
    }

    #[test]
    fn without_a_merger_groups_and_folds_stay() {
        let (folder, manifest, _) = setting();
        propose(folder.path(), &manifest, &Remedy::default(), false).unwrap();
        assert_eq!(apply(folder.path()).unwrap().regrouped, 0);
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest);
    }
}
