//! What a study asks: `StudyFile` as written → `Study` checked.

use super::answer::EvalMode;
pub use super::labels::Labels;
use crate::evaluate::baselines::Baseline;
use crate::evaluate::outcome::Metric;
use crate::recipe::{MethodName, Recipe, RecipeError, Shipped, Supervision, no_such_method};
use hico_data::{Dataset, DatasetError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A study as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct StudyFile {
    title: String,
    seeds: Vec<u64>,
    budget: BudgetFile,
    #[serde(default)]
    judge: Judging,
    /// Keys laid over every method's recipe.
    #[serde(default)]
    recipe: toml::Table,
    data: Vec<DataFile>,
    method: Vec<MethodFile>,
    /// Pairs of methods that are compared, the one expected to be better first.
    #[serde(default)]
    compare: Vec<[String; 2]>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetFile {
    images: Option<u64>,
    seconds: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataFile {
    name: String,
    folder: PathBuf,
    #[serde(default = "inside")]
    pretrain: String,
    #[serde(default = "yes")]
    judged: bool,
    folds: Option<Vec<usize>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MethodFile {
    name: String,
    method: Option<String>,
    recipe: Option<PathBuf>,
    weights: Option<PathBuf>,
    ablates: Option<String>,
    labels: Option<Vec<Labels>>,
    #[serde(default)]
    set: toml::Table,
}

/// The word that stands for pretraining within each fold's training groups.
const INSIDE: &str = "inside";

fn inside() -> String {
    INSIDE.to_owned()
}

const fn yes() -> bool {
    true
}

/// How encoders are judged; the same for every method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Judging {
    /// Label budgets of the vote of the nearest neighbours.
    pub knn: Vec<Labels>,
    /// Label budgets of the linear probe on the frozen encoder.
    #[serde(alias = "probe")]
    pub linear_probe: Vec<Labels>,
    /// Label budgets of fine-tuning the whole encoder.
    pub finetune: Vec<Labels>,
    /// Label budgets of a probe within the training groups, which may choose between methods that read no labels.
    pub inner: Vec<Labels>,
    /// Whether the baselines without a network ([`Baseline::ALL`]) stand in every table.
    pub baselines: bool,
    /// Frames of a clip used, evenly spaced; 1 or more.
    pub frames_per_clip: usize,
    /// Share of the training groups that chooses a probe's strength and a fine-tuning's epoch where all labels are known;
    /// above 0, at most 0.5.
    pub inner_fraction: f64,
    /// The figure, per patient, whose differences are tested.
    pub metric: Metric,
    /// Optimiser steps of a fine-tuning, whatever the number of labels; 1 or more.
    pub finetune_steps: usize,
    /// Frames a step; 2 or more.
    pub finetune_batch: usize,
    /// Learning rate at the start of a fine-tuning; above 0.
    pub finetune_learning_rate: f64,
    /// Whether fine-tuning is also judged as the literature does, by its best epoch on the test fold.
    pub published: bool,
    /// Looks at the encoder on its way through pretraining, evenly spaced in images seen.
    pub looks: usize,
    /// Whether the encoder is also fine-tuned at each look, on all labels.
    pub finetune_at_looks: bool,
}

impl Judging {
    /// Every evaluation with its label budgets.
    #[must_use]
    pub fn evaluations(&self) -> [(EvalMode, &[Labels]); 4] {
        [
            (EvalMode::Knn, self.knn.as_slice()),
            (EvalMode::LinearProbe, &self.linear_probe),
            (EvalMode::Finetune, &self.finetune),
            (EvalMode::Inner, &self.inner),
        ]
    }
}

impl Default for Judging {
    fn default() -> Self {
        Self {
            knn: vec![Labels::All],
            linear_probe: vec![Labels::All],
            finetune: vec![Labels::All],
            inner: Vec::new(),
            baselines: true,
            frames_per_clip: 8,
            inner_fraction: 0.2,
            metric: Metric::MacroAuc,
            finetune_steps: 150,
            finetune_batch: 32,
            finetune_learning_rate: 3e-4,
            published: false,
            looks: 0,
            finetune_at_looks: false,
        }
    }
}

/// What pretraining may use up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Views that the network sees.
    Images(u64),
    /// Seconds of training, on the machine that runs the cell.
    Seconds(f64),
}

/// A data set of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyData {
    /// Its name in tables.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What encoders that are judged on it were pretrained on.
    pub source: Source,
    /// Whether anything is judged on it; else it is only pretrained on.
    pub judged: bool,
    /// Folds that are tested; all if `None`.
    pub folds: Option<Vec<usize>>,
}

/// What an encoder is pretrained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The clips of all groups that the fold does not test.
    Inside,
    /// All clips of another data set, by its place in [`Study::data`].
    Other(usize),
}

/// Where a method's encoder begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// At random weights, and it stays there.
    Random,
    /// At weights from a file or a run, and it stays there.
    Weights(PathBuf),
    /// At random weights, and it is pretrained.
    Recipe(Box<Recipe>),
    /// Nowhere: a baseline has no encoder.
    Baseline(Baseline),
}

/// A method of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyMethod {
    /// Its name in tables and files.
    pub name: String,
    /// Where its encoder comes from.
    pub start: Start,
    /// The method of which it is one with something changed.
    pub ablates: Option<String>,
    /// The label budgets for which it is pretrained, where its pretraining reads labels; every one if `None`.
    pub labels: Option<Vec<Labels>>,
}

impl StudyMethod {
    /// Returns true for a baseline, which has no encoder.
    #[must_use]
    pub const fn is_baseline(&self) -> bool {
        matches!(self.start, Start::Baseline(_))
    }

    /// Whether its pretraining reads labels: then that may know no more of them than its judgement.
    #[must_use]
    pub fn reads_labels(&self) -> bool {
        matches!(&self.start, Start::Recipe(recipe) if recipe.supervision() != Supervision::SelfOnly)
    }
}

/// A checked study.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// Title of its report.
    pub title: String,
    /// Seeds: of the first weights, of pretraining, of which labels are known, and of fine-tuning.
    pub seeds: Vec<u64>,
    /// What pretraining may use up.
    pub budget: Budget,
    /// How encoders are judged.
    pub judge: Judging,
    /// What all recipes share: views, depth.
    pub shared: Recipe,
    /// Data sets.
    pub data: Vec<StudyData>,
    /// Methods.
    pub methods: Vec<StudyMethod>,
    /// Pairs of places in [`Self::methods`] that are compared, the one expected to be better first.
    pub compare: Vec<[usize; 2]>,
}

/// Why a study is refused.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not the TOML we know.
    #[error("{}: {reason}", .path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A method's recipe is refused.
    #[error("method {method}: {source}")]
    Recipe {
        /// The method.
        method: String,
        /// What is wrong.
        source: RecipeError,
    },
    /// A key does not do.
    #[error("{key}: {fact}")]
    Key {
        /// The key.
        key: String,
        /// What is wrong with it.
        fact: String,
    },
    /// A data set cannot be opened.
    #[error("data {name}: {source}")]
    Data {
        /// Its name in the study.
        name: String,
        /// Why.
        source: DatasetError,
    },
}

impl StudyError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::File { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
                match Shipped::meant_by(path) {
                    Some(shipped) => format!(
                        "recipe = {:?} in the study takes the recipe of that name, which comes with hico",
                        shipped.name
                    ),
                    None => {
                        "paths in a study are relative to its folder; docs/COMPARE.md describes every key".to_owned()
                    }
                }
            }
            _ => "docs/COMPARE.md describes every key of a study".to_owned(),
        }
    }
}

impl Study {
    /// Reads and checks a study; paths in it are relative to its folder.
    ///
    /// # Errors
    /// When a file cannot be read, a key is unknown or out of its range, or a recipe is refused.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let text = read(path)?;
        let toml = |error: toml::de::Error| StudyError::Toml {
            path: path.to_owned(),
            reason: error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
        };
        Self::check(toml::from_str(&text).map_err(toml)?, path.parent().unwrap_or(Path::new("")))
    }

    fn check(file: StudyFile, folder: &Path) -> Result<Self, StudyError> {
        let names: Vec<&str> = file.method.iter().map(|method| method.name.as_str()).collect();
        let places: Vec<&str> = file.data.iter().map(|data| data.name.as_str()).collect();
        for (key, words) in [("method.name", &names), ("data.name", &places)] {
            check_names(key, words)?;
        }
        each_once("seeds", &file.seeds)?;
        let of_baselines = Baseline::ALL.map(|baseline| baseline.to_string());
        if let Some(name) = names.iter().find(|name| of_baselines.iter().any(|of_baseline| of_baseline == **name)) {
            return Err(key("method.name", format!("{name:?} is the name of a baseline, which stands in every table")));
        }
        check_judging(&file.judge)?;
        let budget = check_budget(&file.budget)?;
        let shared = recipe("recipe", &toml::Table::new(), &[&of_every_method(&file.recipe)])?;
        let data: Vec<StudyData> =
            file.data.iter().map(|data| check_data(data, &places, folder)).collect::<Result<_, _>>()?;
        if !data.iter().any(|data| data.judged) {
            return Err(key("data.judged", "nothing is judged on any data set"));
        }
        let mut methods: Vec<StudyMethod> = file
            .method
            .iter()
            .map(|method| check_method(method, &file.recipe, &names, folder))
            .collect::<Result<_, _>>()?;
        let reader = methods.iter().find(|method| method.reads_labels());
        if let (Some(method), false) = (reader, file.judge.inner.is_empty()) {
            let fact = format!("the pretraining of {} reads the labels that it would ask about", method.name);
            return Err(key("judge.inner", fact));
        }
        let place = |name: &String| {
            let place = names.iter().position(|other| other == name);
            place.ok_or_else(|| key("compare", format!("there is no method {name:?}")))
        };
        let mut compare: Vec<[usize; 2]> =
            file.compare.iter().map(|[a, b]| Ok([place(a)?, place(b)?])).collect::<Result<_, StudyError>>()?;
        if compare.is_empty() {
            compare = (1..methods.len()).map(|method| [method, 0]).collect();
        }
        let tested =
            file.judge.evaluations().iter().any(|(asked, budgets)| *asked != EvalMode::Inner && !budgets.is_empty());
        if file.judge.baselines && tested {
            methods.extend(Baseline::ALL.map(|baseline| StudyMethod {
                name: baseline.to_string(),
                start: Start::Baseline(baseline),
                ablates: None,
                labels: None,
            }));
        }
        Ok(Self { title: file.title, seeds: file.seeds, budget, judge: file.judge, shared, data, methods, compare })
    }

    /// Opens every data set, in their order.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn open(&self) -> Result<Vec<Arc<Dataset>>, StudyError> {
        let open = |data: &StudyData| match Dataset::open(&data.folder) {
            Ok(dataset) => Ok(Arc::new(dataset)),
            Err(source) => Err(StudyError::Data { name: data.name.clone(), source }),
        };
        self.data.iter().map(open).collect()
    }
}

/// Bytes of a study or a recipe, at most.
const LONGEST: u64 = 1 << 20;

fn read(path: &Path) -> Result<String, StudyError> {
    let failed = |source| StudyError::File { path: path.to_owned(), source };
    let found = std::fs::metadata(path).map_err(failed)?;
    if !found.is_file() || found.len() > LONGEST {
        let reason = format!("it must be a file of at most {LONGEST} bytes");
        return Err(StudyError::Toml { path: path.to_owned(), reason });
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn key(key: impl Into<String>, fact: impl Into<String>) -> StudyError {
    StudyError::Key { key: key.into(), fact: fact.into() }
}

/// Names become parts of file names.
fn check_names(which: &str, names: &[&str]) -> Result<(), StudyError> {
    if names.is_empty() {
        return Err(key(which, "none is given"));
    }
    let letter =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '_' | '.');
    for name in names {
        let fits = (1..=40).contains(&name.len()) && name.chars().all(letter) && !name.starts_with('.');
        if !fits || name.contains("--") || *name == INSIDE {
            return Err(key(which, format!("{name:?} must be 1 to 40 of a-z, 0-9, '-', '_' and '.', without \"--\"")));
        }
    }
    each_once(which, names)
}

fn each_once<T: Ord + fmt::Debug>(which: &str, things: &[T]) -> Result<(), StudyError> {
    let mut seen = BTreeSet::new();
    match things.iter().find(|thing| !seen.insert(*thing)) {
        _ if things.is_empty() => Err(key(which, "none is given")),
        Some(thing) => Err(key(which, format!("{thing:?} stands there twice"))),
        None => Ok(()),
    }
}

fn check_judging(judge: &Judging) -> Result<(), StudyError> {
    let held = |name: &str, holds: bool, expected: &str| {
        if holds { Ok(()) } else { Err(key(format!("judge.{name}"), format!("must be {expected}"))) }
    };
    for (evaluation, budgets) in judge.evaluations() {
        if !budgets.is_empty() {
            each_once(&format!("judge.{}", evaluation.to_string().replace('-', "_")), budgets)?;
        }
    }
    let some = judge.evaluations().iter().any(|(_, budgets)| !budgets.is_empty());
    held("linear_probe", some, "a list with a budget, or one of the other evaluations must have one")?;
    held("frames_per_clip", judge.frames_per_clip >= 1, "1 or more")?;
    held("inner_fraction", judge.inner_fraction > 0.0 && judge.inner_fraction <= 0.5, "above 0 and at most 0.5")?;
    held("finetune_steps", (1..=1_000_000).contains(&judge.finetune_steps), "from 1 to 1,000,000")?;
    held("finetune_batch", judge.finetune_batch >= 2, "2 or more")?;
    let rate = judge.finetune_learning_rate;
    held("finetune_learning_rate", rate.is_finite() && rate > 0.0, "a number above 0")?;
    held("looks", judge.looks <= 1000, "at most 1000")
}

fn check_budget(budget: &BudgetFile) -> Result<Budget, StudyError> {
    match *budget {
        BudgetFile { images: Some(images), seconds: None } if images >= 1 => Ok(Budget::Images(images)),
        BudgetFile { images: None, seconds: Some(seconds) } if seconds.is_finite() && seconds > 0.0 => {
            Ok(Budget::Seconds(seconds))
        }
        _ => Err(key("budget", "needs either images (1 or more) or seconds (above 0)")),
    }
}

fn check_data(data: &DataFile, names: &[&str], folder: &Path) -> Result<StudyData, StudyError> {
    let source = match data.pretrain.as_str() {
        INSIDE => Source::Inside,
        other => match names.iter().position(|name| *name == other) {
            Some(place) if other != data.name => Source::Other(place),
            Some(_) => return Err(key("data.pretrain", format!("{other:?} is judged on itself: say \"inside\""))),
            None => return Err(key("data.pretrain", format!("there is no data {other:?}"))),
        },
    };
    if let Some(folds) = &data.folds {
        each_once("data.folds", folds)?;
    }
    Ok(StudyData {
        name: data.name.clone(),
        folder: folder.join(&data.folder),
        source,
        judged: data.judged,
        folds: data.folds.clone(),
    })
}

fn check_method(
    method: &MethodFile,
    shared: &toml::Table,
    names: &[&str],
    folder: &Path,
) -> Result<StudyMethod, StudyError> {
    let name = method.name.clone();
    if let Some(base) = &method.ablates
        && !(names.contains(&base.as_str()) && *base != name)
    {
        return Err(key("method.ablates", format!("there is no other method {base:?}")));
    }
    if let Some(labels) = &method.labels {
        each_once("method.labels", labels)?;
    }
    let file = match (&method.method, &method.recipe) {
        (Some(_), Some(_)) => return Err(key("method.method", format!("{name} has a recipe as well"))),
        (Some(word), None) => Some(of_method(word)?),
        (None, Some(path)) => Some(of_file(path, folder)?),
        (None, None) => None,
    };
    let start = match (file, &method.weights) {
        (Some(_), Some(_)) => return Err(key("method.weights", format!("{name} has a recipe as well"))),
        (None, _) if !method.set.is_empty() => {
            return Err(key("method.set", format!("{name} has no recipe to change")));
        }
        (Some(file), None) => Start::Recipe(Box::new(recipe(&name, &file, &[shared, &method.set])?)),
        (None, Some(path)) => Start::Weights(folder.join(path)),
        (None, None) => Start::Random,
    };
    Ok(StudyMethod { name, start, ablates: method.ablates.clone(), labels: method.labels.clone() })
}

/// The recipe of a method by its name: its own keys and views.
fn of_method(word: &str) -> Result<toml::Table, StudyError> {
    let method =
        MethodName::named(word).ok_or_else(|| key("method.method", format!("{word:?}: {}", no_such_method(word))))?;
    let name = toml::Table::from_iter([("name".to_owned(), toml::Value::String(method.to_string()))]);
    Ok(toml::Table::from_iter([("method".to_owned(), toml::Value::Table(name))]))
}

/// The recipe of a file, or of a name that comes with hico.
fn of_file(path: &Path, folder: &Path) -> Result<toml::Table, StudyError> {
    let shipped = Shipped::asked_for(path);
    let path = folder.join(path);
    let text = shipped.map_or_else(|| read(&path), |shipped| Ok(shipped.toml.to_owned()))?;
    toml::from_str(&text).map_err(|error| StudyError::Toml {
        path: path.clone(),
        reason: error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    })
}

/// What of the shared keys every method reads: encoders are judged on such views.
fn of_every_method(shared: &toml::Table) -> toml::Table {
    let of = |section: &str| Some((section.to_owned(), shared.get(section)?.clone()));
    ["model", "view", "train"].into_iter().filter_map(of).collect()
}

/// A recipe with the keys of other tables laid over it. No clip is held out to watch a run unless one of these says so:
/// the last network is judged, not the one that a watched loss would choose.
fn recipe(method: &str, file: &toml::Table, over: &[&toml::Table]) -> Result<Recipe, StudyError> {
    let none = toml::Table::from_iter([("val_fraction".to_owned(), toml::Value::Float(0.0))]);
    let unwatched = toml::Table::from_iter([("train".to_owned(), toml::Value::Table(none))]);
    let layers: Vec<&toml::Table> = [file, &unwatched].into_iter().chain(over.iter().copied()).collect();
    Recipe::of_layers(&layers).map_err(|source| StudyError::Recipe { method: method.to_owned(), source })
}
