//! What a study's folder was begun with, so that answers of different questions are never put into one table.

use super::grid::{Cell, Trained};
use super::settings::EvaluationSettings;
use super::study::{Start, Study, StudyData, StudyMethod};
use crate::baselines::Baseline;
use crate::{Error, StudyPart};
use hico_data::manifest::MANIFEST_FILE;
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, atomic};
use hico_model::{BackboneName, VERSION};
use hico_train::difference::{self, Difference};
use hico_train::recipe::Recipe;
use hico_train::run_record::RUN_FILE;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// File name of the ledger inside a study's folder.
pub const LEDGER_FILE: &str = "study.json";

/// What all cells of a folder have in common. Methods, data sets and seeds may be added later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ledger {
    version: String,
    budget: serde_json::Value,
    #[serde(rename = "evaluation", alias = "judge", deserialize_with = "EvaluationSettings::of_record")]
    evaluation: EvaluationSettings,
    /// The views on which encoders are evaluated; ledgers of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<ViewRecipe>,
    /// Backbone of networks from random weights; ledgers of earlier versions call it `depth`, or do not tell.
    #[serde(default, alias = "depth", skip_serializing_if = "Option::is_none")]
    backbone: Option<BackboneName>,
    /// Hash of the table of each data set.
    data: BTreeMap<String, String>,
    /// Recipe of each method; of one that is not pretrained where its weights come from.
    methods: BTreeMap<String, Beginning>,
    /// SHA-256 of the weights that the pretraining of a method begins with, where they are not random.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    init_weights: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Beginning {
    Random,
    Weights(PathBuf),
    /// SHA-256 of weights that were read.
    Given(String),
    Recipe(Box<Recipe>),
    Baseline(Baseline),
}

/// Writes down what a study asks, or checks that its folder was begun with the same; what is new is added.
///
/// # Errors
/// When a file cannot be read or written, or the folder was begun with something else.
pub fn check(folder: &Path, study: &Study, data: &[Arc<Dataset>]) -> Result<(), Error> {
    let path = folder.join(LEDGER_FILE);
    let failed = |source| Error::Io { path: path.clone(), source };
    let ledger = laid_over(folder, study, data)?;
    std::fs::create_dir_all(folder).map_err(failed)?;
    let text =
        serde_json::to_string_pretty(&ledger).map_err(|source| Error::BrokenLedger { path: path.clone(), source })?;
    atomic::write(&path, text.as_bytes()).map_err(failed)
}

/// Checks that a folder was begun with what a study asks, or with nothing yet; writes nothing.
///
/// # Errors
/// As [`check`], but for writing.
pub fn fits(folder: &Path, study: &Study, data: &[Arc<Dataset>]) -> Result<(), Error> {
    laid_over(folder, study, data).map(drop)
}

/// Returns what a folder was begun with, and what a study adds to it.
fn laid_over(folder: &Path, study: &Study, data: &[Arc<Dataset>]) -> Result<Ledger, Error> {
    let path = folder.join(LEDGER_FILE);
    let broken = |source| Error::BrokenLedger { path: path.clone(), source };
    let mut ledger = of(study, data).map_err(broken)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let before: Ledger = serde_json::from_str(&text).map_err(broken)?;
            if let Some(Differing { what, part, key, there }) = difference(&before, &ledger).map_err(broken)? {
                return Err(Error::LedgerDiffers { folder: folder.to_owned(), what, part, key, there });
            }
            for (name, hash) in before.data {
                ledger.data.entry(name).or_insert(hash);
            }
            for (name, first) in before.init_weights {
                ledger.init_weights.entry(name).or_insert(first);
            }
            for (name, beginning) in before.methods {
                ledger.methods.entry(name).or_insert(beginning);
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Some(other) =
                [MANIFEST_FILE, RUN_FILE, "evaluation.json"].into_iter().find(|name| folder.join(name).exists())
            {
                return Err(Error::LedgerTaken { folder: folder.to_owned(), other });
            }
        }
        Err(source) => return Err(Error::Io { path: path.clone(), source }),
    }
    Ok(ledger)
}

/// Writes down the part of a study that a cell's answers depend on.
///
/// - `data`: of the study; where they are not at hand none, and nothing is said of them
///
/// # Errors
/// None for settings that can be written.
pub(super) fn of_cell(study: &Study, data: &[Arc<Dataset>], cell: &Cell) -> serde_json::Result<Ledger> {
    let trained = match cell.trained {
        Trained::Inside { data, .. } | Trained::Whole { data } => Some(data),
        Trained::Nothing => None,
    };
    let places: BTreeSet<usize> = cell.tests.iter().map(|(data, _)| *data).chain(trained).collect();
    let sets = places.into_iter().filter_map(|place| Some((&study.data[place], data.get(place)?)));
    of_parts(study, std::slice::from_ref(&study.methods[cell.method]), sets)
}

impl Ledger {
    /// Says in words what is not the same in another, apart from what only one of them knows.
    ///
    /// # Errors
    /// None for settings that can be written.
    pub(super) fn differs(&self, now: &Self) -> serde_json::Result<Option<String>> {
        Ok(difference(self, now)?.map(|differing| differing.what))
    }
}

fn of(study: &Study, data: &[Arc<Dataset>]) -> serde_json::Result<Ledger> {
    of_parts(study, &study.methods, study.data.iter().zip(data))
}

/// Writes down the settings of a study, some of its methods and some of its data sets.
fn of_parts<'a>(
    study: &Study,
    methods: &[StudyMethod],
    sets: impl Iterator<Item = (&'a StudyData, &'a Arc<Dataset>)>,
) -> serde_json::Result<Ledger> {
    let beginning = |start: &Start| match start {
        Start::Random | Start::Scratch => Beginning::Random,
        // Its name is enough: a study is taken to other machines, and folders have other names there.
        Start::Weights(path) => Beginning::Weights(path.file_name().unwrap_or_default().into()),
        Start::Given(pretrained) => Beginning::Given(pretrained.hash().to_owned()),
        Start::Recipe(recipe) => Beginning::Recipe(recipe.clone()),
        Start::Baseline(baseline) => Beginning::Baseline(*baseline),
    };
    let first = methods.iter().filter_map(|method| Some((method, method.init_weights.as_ref()?)));
    let first = first.map(|(method, first)| (method.name.clone(), first.record().sha256.clone()));
    let hashes = sets.map(|(set, dataset)| (set.name.clone(), dataset.manifest().hash()));
    Ok(Ledger {
        version: VERSION.to_owned(),
        budget: serde_json::to_value(study.budget)?,
        evaluation: study.evaluation.clone(),
        view: Some(study.view.clone()),
        backbone: Some(study.backbone),
        data: hashes.collect(),
        methods: methods.iter().map(|method| (method.name.clone(), beginning(&method.start))).collect(),
        init_weights: first.collect(),
    })
}

/// What differs between two ledgers.
struct Differing {
    what: String,
    part: StudyPart,
    key: String,
    there: String,
}

/// Finds what differs between two ledgers, apart from what only one of them knows.
fn difference(before: &Ledger, now: &Ledger) -> serde_json::Result<Option<Differing>> {
    if before.version != now.version {
        return Ok(Some(Differing {
            what: format!("version {}, this is {}", before.version, now.version),
            part: StudyPart::Version,
            key: "version".to_owned(),
            there: before.version.clone(),
        }));
    }
    let settings = |ledger: &Ledger, other: &Ledger| -> serde_json::Result<Value> {
        let mut settings = json!({ "budget": ledger.budget, "evaluation": ledger.evaluation });
        // What an earlier version did not write down cannot be told from what is asked for now.
        if let (Some(view), Some(_)) = (&ledger.view, &other.view) {
            settings["view"] = serde_json::to_value(view)?;
        }
        if let (Some(backbone), Some(_)) = (ledger.backbone, other.backbone) {
            settings["backbone"] = serde_json::to_value(backbone)?;
        }
        Ok(settings)
    };
    if let Some(Difference { key, there, asked }) = difference::first(&settings(before, now)?, &settings(now, before)?)
    {
        let what = format!("{key} = {there}, now asked for {asked}");
        return Ok(Some(Differing { what, part: StudyPart::Settings, key, there }));
    }
    if let Some(name) = changed(&before.data, &now.data) {
        return Ok(Some(Differing {
            what: format!("another table of the data set {name}"),
            part: StudyPart::Data,
            key: "data".to_owned(),
            there: before.data[name].clone(),
        }));
    }
    let first = |ledger: &Ledger, name: &str| ledger.init_weights.get(name).cloned();
    let mut both = now.methods.keys().filter(|name| before.methods.contains_key(*name));
    if let Some(name) = both.find(|name| first(before, name) != first(now, name)) {
        return Ok(Some(Differing {
            what: format!("other weights that the method {name} begins with"),
            part: StudyPart::Method,
            key: "init_weights".to_owned(),
            there: first(before, name).unwrap_or_else(|| "random".to_owned()),
        }));
    }
    let Some(name) = changed(&before.methods, &now.methods) else { return Ok(None) };
    let [there, asked] = [before, now].map(|ledger| serde_json::to_value(ledger.methods.get(name)));
    let Some(Difference { key, there, asked }) = difference::first(&there?, &asked?) else { return Ok(None) };
    Ok(Some(Differing {
        what: format!("{key} = {there} of the method {name}, now asked for {asked}"),
        part: StudyPart::Method,
        key,
        there,
    }))
}

/// The first name that both know and not with the same thing.
fn changed<'a, T: PartialEq>(before: &BTreeMap<String, T>, now: &'a BTreeMap<String, T>) -> Option<&'a String> {
    now.iter().find(|(name, thing)| before.get(*name).is_some_and(|before| before != *thing)).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::settings::{ModelSelection, ProbeStrength};

    #[test]
    fn ledgers_of_earlier_versions_read_by_their_old_keys_and_differ_from_what_is_chosen_otherwise_now() {
        let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records");
        for study in ["hico-plus", "lung-breast", "breast-to-lung", "held-out-origin"] {
            let text = std::fs::read_to_string(records.join(format!("study-{study}.json"))).unwrap();
            let old: Ledger = serde_json::from_str(&text).unwrap();
            assert_eq!(old.evaluation.probe_strength, ProbeStrength::InnerValidation, "{study}");
            assert_eq!(old.evaluation.published, text.contains("\"published\": true"), "{study}");
            let text = serde_json::to_string(&old).unwrap();
            assert!(text.contains("\"evaluation\"") && !text.contains("\"judge\"") && !text.contains("\"looks\""));
            assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), old);
            assert!(difference(&old, &old).unwrap().is_none());
            let mut now = old.clone();
            now.evaluation.model_selection = ModelSelection::Last;
            let found = difference(&old, &now).unwrap().unwrap();
            assert_eq!(found.what, "evaluation.model_selection = \"inner-validation\", now asked for \"last\"");
        }
    }
}
