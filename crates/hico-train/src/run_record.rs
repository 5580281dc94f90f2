//! What a run was: `run.json`, written when it begins, beside its recipe.

use crate::Error;
use crate::recipe::{MethodName, Recipe, Supervision};
use hico_data::{Preprocessing, atomic};
use hico_model::VERSION;
use hico_model::history::{Groups, PretrainingFacts, SeenBefore};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// File name of the record inside a run's folder.
pub const RUN_FILE: &str = "run.json";

/// File name of the recipe inside a run's folder, with every key written out.
pub const RECIPE_FILE: &str = "recipe.toml";

/// Whether a record of that version means what ours means: the same major version, below 1.0 also the same minor one.
#[must_use]
pub fn compatible(version: &str) -> bool {
    fn significant(version: &str) -> Vec<&str> {
        let parts: Vec<&str> = version.split('.').collect();
        let kept = if parts.first() == Some(&"0") { 2 } else { 1 };
        parts.into_iter().take(kept).collect()
    }
    significant(version) == significant(VERSION)
}

/// What a run was, apart from its recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of the program that began the run.
    pub version: String,
    /// The command that began the run, program name first; empty where it was called as a library.
    pub command: Vec<String>,
    /// The method.
    pub method: MethodName,
    /// What the objective learnt from.
    pub supervision: Supervision,
    /// Random seed.
    pub seed: u64,
    /// Device as it was chosen.
    pub device: String,
    /// The data set.
    pub data: DataRecord,
    /// The classes, in the order of their indices.
    pub classes: Vec<String>,
    /// The fold that was kept out of the run, where one was.
    pub holdout_fold: Option<usize>,
    /// Groups that the run learnt from; whoever tests on one of them must say so. Sorted.
    pub groups: Vec<String>,
    /// Validation groups: the best epoch was chosen on them, and nothing learnt from them. Sorted. In files `val_groups`;
    /// earlier ones have `watched_groups`.
    #[serde(rename = "val_groups", alias = "watched_groups")]
    pub val_groups: Vec<String>,
    /// Clips that the run learnt from, in the order of the data set.
    pub clips: Vec<String>,
    /// Validation clips. In files `val_clips`; earlier ones have `watched_clips`.
    #[serde(rename = "val_clips", alias = "watched_clips")]
    pub val_clips: Vec<String>,
    /// How many of `clips` had a label that was used.
    pub labelled: usize,
    /// Optimiser steps in an epoch.
    pub steps_per_epoch: u64,
    /// The weights that the run began with; absent where they were random. In files `init_weights`; earlier ones have
    /// `first_weights`.
    #[serde(default, rename = "init_weights", alias = "first_weights", skip_serializing_if = "Option::is_none")]
    pub init_weights: Option<InitWeightsRecord>,
}

/// Which data a run saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Folder of the data set as it was given; empty for one in memory.
    pub folder: PathBuf,
    /// [`hico_data::Manifest::hash`] of its table.
    pub hash: String,
    /// [`hico_data::Manifest::hash_without_folds`] of it; absent in the record of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_without_folds: Option<String>,
    /// How its clips were prepared; absent in the record of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocessing: Option<Preprocessing>,
    /// Clips in it, used or not.
    pub clips: usize,
}

/// Which weights a run began with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InitWeightsRecord {
    /// Name of the file, without its folder.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// How many tensors of the network came from it.
    pub tensors: usize,
    /// Groups that the weights have seen before, as far as their file tells. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Whether those are all.
    #[serde(default)]
    pub groups_are_all: bool,
}

impl RunRecord {
    /// Reads the record of the run in `folder`.
    ///
    /// # Errors
    /// When there is none or it does not parse.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(RUN_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::NotARun { folder: folder.to_owned(), lacks: RUN_FILE });
            }
            Err(source) => return Err(Error::Input { path, source }),
        };
        serde_json::from_str(&text).map_err(|source| Error::BrokenRunRecord { path, source })
    }

    /// Returns what weights of the run in `folder` have to tell of it.
    #[must_use]
    pub fn facts(&self, folder: &Path, recipe: &Recipe) -> PretrainingFacts {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut words = self.command.iter();
        let named = words.find(|word| *word == "--recipe").and_then(|_| words.next());
        let joined = self.command.iter().find_map(|word| word.strip_prefix("--recipe="));
        let file = named.map(String::as_str).or(joined);
        // A relative path such as `.` has no name of its own.
        let run = folder.canonicalize().map_or_else(|_| name(folder), |folder| name(&folder));
        PretrainingFacts {
            run,
            version: self.version.clone(),
            method: self.method.to_string(),
            recipe: file.map(|file| name(Path::new(file))),
            seed: self.seed,
            epochs: recipe.train().epochs.get(),
            data: self.data.hash.clone(),
            clips: self.clips.len(),
            holdout_fold: self.holdout_fold,
            init_weights: self.init_weights.as_ref().map(|first| first.file.clone()),
            seen_before: self
                .init_weights
                .as_ref()
                .map(|first| SeenBefore { groups: Groups::named(&first.groups), all: first.groups_are_all }),
            learnt: Groups::named(&self.groups),
            validation: Groups::named(&self.val_groups),
        }
    }

    /// Writes the record into `folder`, whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(RUN_FILE);
        let text = serde_json::to_string_pretty(self)
            .map_err(|source| Error::BrokenRunRecord { path: path.clone(), source })?;
        atomic::write(&path, format!("{text}\n").as_bytes()).map_err(|source| Error::Io { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RunRecord {
        RunRecord {
            version: VERSION.into(),
            command: vec!["hico".into(), "pretrain".into()],
            method: MethodName::default(),
            supervision: Supervision::SelfOnly,
            seed: 7,
            device: "cpu".into(),
            data: DataRecord {
                folder: "data".into(),
                hash: "00ff".into(),
                hash_without_folds: None,
                preprocessing: None,
                clips: 9,
            },
            classes: vec!["a".into(), "b".into()],
            holdout_fold: Some(2),
            groups: vec!["p1".into()],
            val_groups: vec!["p2".into()],
            clips: vec!["c1".into()],
            val_clips: vec!["c2".into()],
            labelled: 1,
            steps_per_epoch: 3,
            init_weights: Some(InitWeightsRecord {
                file: "w.pth".into(),
                sha256: "00".into(),
                tensors: 100,
                groups: vec!["p3".into()],
                groups_are_all: true,
            }),
        }
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        record().write(folder.path()).unwrap();
        assert_eq!(RunRecord::read(folder.path()).unwrap(), record());
    }

    #[test]
    fn a_record_of_an_earlier_version_is_read_by_its_keys_and_written_by_ours() {
        let folder = tempfile::tempdir().unwrap();
        record().write(folder.path()).unwrap();
        let path = folder.path().join(RUN_FILE);
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (ours, earlier) in
            [("val_groups", "watched_groups"), ("val_clips", "watched_clips"), ("init_weights", "first_weights")]
        {
            assert!(text.contains(&format!("\"{ours}\"")) && !text.contains(earlier), "{text}");
            text = text.replace(&format!("\"{ours}\""), &format!("\"{earlier}\""));
        }
        std::fs::write(&path, text).unwrap();
        assert_eq!(RunRecord::read(folder.path()).unwrap(), record());
    }

    #[test]
    fn a_folder_without_a_record_is_not_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let error = RunRecord::read(folder.path()).unwrap_err();
        assert!(matches!(error, Error::NotARun { .. }), "{error}");
        std::fs::write(folder.path().join(RUN_FILE), "{\"version\": 1}").unwrap();
        let error = RunRecord::read(folder.path()).unwrap_err();
        assert!(matches!(error, Error::BrokenRunRecord { .. }), "{error}");
    }
}
