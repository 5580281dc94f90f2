//! What a study's folder was begun with, so that answers of different questions are never put into one table.

use super::study::{Judging, Start, Study};
use crate::difference::{self, Difference};
use crate::evaluate::baselines::Baseline;
use crate::recipe::Recipe;
use crate::train::run_record::{RUN_FILE, VERSION};
use hico_data::manifest::MANIFEST_FILE;
use hico_data::{Dataset, atomic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// File name of the ledger inside a study's folder.
pub const LEDGER_FILE: &str = "study.json";

/// What all cells of a folder have in common. Methods, data sets and seeds may be added later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ledger {
    version: String,
    budget: serde_json::Value,
    judge: Judging,
    /// Hash of the table of each data set.
    data: BTreeMap<String, String>,
    /// Recipe of each method; of one that is not pretrained where its weights come from.
    methods: BTreeMap<String, Beginning>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Beginning {
    Random,
    Weights(PathBuf),
    Recipe(Box<Recipe>),
    Baseline(Baseline),
}

/// Why a folder cannot be used for a study.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The ledger is broken.
    #[error("{}: {source}", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// The folder is that of something else.
    #[error("{}: holds no study but {other}", .folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
        /// A file in it.
        other: &'static str,
    },
    /// The folder was begun otherwise.
    #[error("{}: begun with {what}", .folder.display())]
    Other {
        /// The folder.
        folder: PathBuf,
        /// What differs: the key, its value there and its value now.
        what: String,
        /// What to do about it.
        remedy: String,
    },
}

impl LedgerError {
    /// What a person can do about it.
    #[must_use]
    pub const fn hint(&self) -> &str {
        match self {
            Self::File { .. } => "choose an --out on a disk that can be written and has room",
            Self::Broken { .. } => "restore that file from a copy, or choose another --out",
            Self::Taken { .. } => "choose another --out",
            Self::Other { remedy, .. } => remedy.as_str(),
        }
    }
}

/// Writes down what a study asks, or checks that its folder was begun with the same; what is new is added.
///
/// # Errors
/// When a file cannot be read or written, or the folder was begun with something else.
pub fn check(folder: &Path, study: &Study, data: &[Arc<Dataset>]) -> Result<(), LedgerError> {
    let path = folder.join(LEDGER_FILE);
    let failed = |source| LedgerError::File { path: path.clone(), source };
    let broken = |source| LedgerError::Broken { path: path.clone(), source };
    let mut ledger = of(study, data).map_err(broken)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let before: Ledger = serde_json::from_str(&text).map_err(broken)?;
            if let Some((what, remedy)) = difference(&before, &ledger).map_err(broken)? {
                return Err(LedgerError::Other { folder: folder.to_owned(), what, remedy });
            }
            for (name, hash) in before.data {
                ledger.data.entry(name).or_insert(hash);
            }
            for (name, beginning) in before.methods {
                ledger.methods.entry(name).or_insert(beginning);
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Some(other) =
                [MANIFEST_FILE, RUN_FILE, "evaluation.json"].into_iter().find(|name| folder.join(name).exists())
            {
                return Err(LedgerError::Taken { folder: folder.to_owned(), other });
            }
            std::fs::create_dir_all(folder).map_err(failed)?
        }
        Err(source) => return Err(failed(source)),
    }
    let text = serde_json::to_string_pretty(&ledger).map_err(broken)?;
    atomic::write(&path, text.as_bytes()).map_err(failed)
}

fn of(study: &Study, data: &[Arc<Dataset>]) -> serde_json::Result<Ledger> {
    let beginning = |start: &Start| match start {
        Start::Random => Beginning::Random,
        // Its name is enough: a study is taken to other machines, and folders have other names there.
        Start::Weights(path) => Beginning::Weights(path.file_name().unwrap_or_default().into()),
        Start::Recipe(recipe) => Beginning::Recipe(recipe.clone()),
        Start::Baseline(baseline) => Beginning::Baseline(*baseline),
    };
    let methods = study.methods.iter().map(|method| (method.name.clone(), beginning(&method.start)));
    let hashes = study.data.iter().zip(data).map(|(set, dataset)| (set.name.clone(), dataset.manifest().hash()));
    Ok(Ledger {
        version: VERSION.to_owned(),
        budget: serde_json::to_value(study.budget)?,
        judge: study.judge.clone(),
        data: hashes.collect(),
        methods: methods.collect(),
    })
}

/// What differs between two ledgers, apart from what only one of them knows, and what to do about it.
fn difference(before: &Ledger, now: &Ledger) -> serde_json::Result<Option<(String, String)>> {
    let again =
        |key: &str, there: &str| format!("choose another --out, or say {key} = {there} in the study, as it was begun");
    if before.version != now.version {
        let what = format!("version {}, this is {}", before.version, now.version);
        return Ok(Some((what, "go on with that version of hico, or choose another --out".to_owned())));
    }
    let judge = [&before.judge, &now.judge].map(serde_json::to_value);
    let [judge_before, judge_now] = judge;
    for (section, there, asked) in [("budget", &before.budget, &now.budget), ("judge", &judge_before?, &judge_now?)] {
        if let Some(Difference { key, there, asked }) = difference::first(there, asked) {
            let key = format!("{section}.{key}");
            return Ok(Some((format!("{key} = {there}, now asked for {asked}"), again(&key, &there))));
        }
    }
    if let Some(name) = changed(&before.data, &now.data) {
        let what = format!("another table of the data set {name}");
        return Ok(Some((what, "choose another --out, or give that data set another name".to_owned())));
    }
    let Some(name) = changed(&before.methods, &now.methods) else { return Ok(None) };
    let [there, asked] = [before, now].map(|ledger| serde_json::to_value(ledger.methods.get(name)));
    let Some(Difference { key, there, asked }) = difference::first(&there?, &asked?) else { return Ok(None) };
    let what = format!("{key} = {there} of the method {name}, now asked for {asked}");
    let remedy = match key.strip_prefix("recipe.").map(|key| (key, there == "nothing")) {
        Some((key, false)) => format!(
            "choose another --out, give that method another name, or say set.{key} = {there} below it (for all methods \
             {key} = {there} below [recipe]), as it was begun"
        ),
        _ => "choose another --out, or give that method another name".to_owned(),
    };
    Ok(Some((what, remedy)))
}

/// The first name that both know and not with the same thing.
fn changed<'a, T: PartialEq>(before: &BTreeMap<String, T>, now: &'a BTreeMap<String, T>) -> Option<&'a String> {
    now.iter().find(|(name, thing)| before.get(*name).is_some_and(|before| before != *thing)).map(|(name, _)| name)
}
