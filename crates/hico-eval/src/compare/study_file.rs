//! A study as written in TOML → [`Study`], checked.

use super::answer::EvalMode;
use super::labels::Labels;
use super::settings::{Budget, EvaluationSettings, ModelSelection};
use super::study::{PretrainedOn, Start, Study, StudyData, StudyMethod};
use super::study_recipe::{normalised, of_file, of_method, recipe, shared_recipe};
use super::study_text::{key, of_toml, read};
use crate::Error;
use crate::baselines::Baseline;
use hico_model::weights::WeightsOf;
use hico_train::init_weights::InitWeights;
use hico_train::pretrained;
use serde::Deserialize;
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
    #[serde(default)]
    budget: Option<BudgetFile>,
    #[serde(default, rename = "evaluation", alias = "judge")]
    evaluation: EvaluationSettings,
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
    steps: Option<u64>,
    images: Option<u64>,
    seconds: Option<f64>,
    epochs: Option<toml::Value>,
}

/// Steps of a pretraining where a study does not say what it may use up: equal for every method, whatever its epochs.
const STEPS: u64 = 500;

/// The word by which every recipe's own epochs are run.
const OF_RECIPE: &str = "recipe";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataFile {
    name: String,
    folder: PathBuf,
    #[serde(default = "inside")]
    pretrain: String,
    #[serde(default = "yes", alias = "judged")]
    evaluated: bool,
    folds: Option<Vec<usize>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MethodFile {
    name: String,
    method: Option<String>,
    recipe: Option<PathBuf>,
    weights: Option<PathBuf>,
    init_weights: Option<PathBuf>,
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

impl Study {
    /// Reads and checks a study; paths in it are relative to its folder.
    ///
    /// # Errors
    /// When a file cannot be read, a key is unknown or out of its range, or a recipe is refused.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = read(path)?;
        Self::check(of_toml(path, &text)?, path.parent().unwrap_or(Path::new(""))).map_err(|error| match error {
            Error::StudyKey { .. } | Error::InMethod { .. } => {
                Error::InFile { path: path.to_owned(), source: Box::new(error) }
            }
            // It names another file.
            error => error,
        })
    }

    fn check(file: StudyFile, folder: &Path) -> Result<Self, Error> {
        let names: Vec<&str> = file.method.iter().map(|method| method.name.as_str()).collect();
        let places: Vec<&str> = file.data.iter().map(|data| data.name.as_str()).collect();
        for (key, words) in [("method.name", &names), ("data.name", &places)] {
            check_names(key, words)?;
        }
        each_once("seeds", &file.seeds)?;
        let sets = file.method.iter().map(|method| (format!("set of the method {}", method.name), &method.set));
        for (which, keys) in [("recipe".to_owned(), &file.recipe)].into_iter().chain(sets) {
            check_seed(which, keys)?;
        }
        let of_baselines = Baseline::ALL.map(|baseline| baseline.to_string());
        if let Some(name) = names.iter().find(|name| of_baselines.iter().any(|of_baseline| of_baseline == **name)) {
            return Err(key("method.name", format!("{name:?} is the name of a baseline, which stands in every table")));
        }
        check_evaluation(&file.evaluation)?;
        let budget = file.budget.as_ref().map_or(Ok(Budget::Steps(STEPS)), check_budget)?;
        let first: Vec<Option<Arc<InitWeights>>> =
            file.method.iter().map(|method| init_weights(method, folder)).collect::<Result<_, _>>()?;
        let over = normalised(&file.recipe, first.iter().flatten())?;
        let data: Vec<StudyData> =
            file.data.iter().map(|data| check_data(data, &places, folder)).collect::<Result<_, _>>()?;
        if !data.iter().any(|data| data.evaluated) {
            return Err(key("data.evaluated", "nothing is evaluated on any data set"));
        }
        let mut methods: Vec<StudyMethod> = file
            .method
            .iter()
            .zip(first)
            .map(|(method, first)| {
                Ok(StudyMethod { init_weights: first, ..check_method(method, &over, &names, folder)? })
            })
            .collect::<Result<_, Error>>()?;
        // After the methods: a key that one of them does not read is refused with its name.
        let shared = shared_recipe(&over)?;
        let reader = methods.iter().find(|method| method.reads_labels());
        if let (Some(method), false) = (reader, file.evaluation.inner.is_empty()) {
            let fact = format!("the pretraining of {} reads the labels that it would ask about", method.name);
            return Err(key("evaluation.inner", fact));
        }
        let place = |name: &String| {
            let place = names.iter().position(|other| other == name);
            place.ok_or_else(|| key("compare", format!("there is no method {name:?}")))
        };
        let mut compare: Vec<[usize; 2]> =
            file.compare.iter().map(|[a, b]| Ok([place(a)?, place(b)?])).collect::<Result<_, Error>>()?;
        if compare.is_empty() {
            compare = (1..methods.len()).map(|method| [method, 0]).collect();
        }
        let tested = file
            .evaluation
            .evaluations()
            .iter()
            .any(|(asked, budgets)| asked.mode != EvalMode::Inner && !budgets.is_empty());
        if file.evaluation.baselines && tested {
            methods.extend(Baseline::ALL.map(StudyMethod::of_baseline));
        }
        Ok(Self {
            title: file.title,
            seeds: file.seeds,
            budget,
            evaluation: file.evaluation,
            view: shared.view().clone(),
            backbone: shared.model().backbone,
            data,
            methods,
            compare,
        })
    }
}

/// Names become parts of file names.
fn check_names(which: &str, names: &[&str]) -> Result<(), Error> {
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

fn each_once<T: Ord + fmt::Display>(which: &str, things: &[T]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match things.iter().find(|thing| !seen.insert(*thing)) {
        _ if things.is_empty() => Err(key(which, "none is given")),
        Some(thing) => {
            let word = thing.to_string();
            // As it is written in the study: numbers without quotes.
            let shown = if word.parse::<f64>().is_ok() { word } else { format!("{word:?}") };
            Err(key(which, format!("{shown} stands there twice")))
        }
        None => Ok(()),
    }
}

/// Refuses a seed that nothing would read: every cell has one of the study's.
fn check_seed(which: String, keys: &toml::Table) -> Result<(), Error> {
    match keys.get("train").and_then(|train| train.get("seed")) {
        Some(_) => Err(key(which, "train.seed has no effect in a study: leave it out, and write seeds at its top")),
        None => Ok(()),
    }
}

fn check_evaluation(settings: &EvaluationSettings) -> Result<(), Error> {
    let held = |name: &str, holds: bool, expected: &str| {
        if holds { Ok(()) } else { Err(key(format!("evaluation.{name}"), format!("must be {expected}"))) }
    };
    for (evaluation, budgets) in settings.evaluations() {
        if !budgets.is_empty() {
            each_once(&format!("evaluation.{}", evaluation.mode.to_string().replace('-', "_")), budgets)?;
        }
    }
    let some = settings.evaluations().iter().any(|(_, budgets)| !budgets.is_empty());
    held("linear_probe", some, "a list that is not empty, here or of another evaluation")?;
    each_once("evaluation.features", &settings.features)?;
    let strong = |strength: &f64| strength.is_finite() && *strength > 0.0;
    let strengths = !settings.inner_strengths.is_empty() && settings.inner_strengths.iter().all(strong);
    let mut sorted = settings.inner_strengths.clone();
    sorted.sort_by(f64::total_cmp);
    let distinct = sorted.windows(2).all(|pair| pair[0] < pair[1]);
    held("inner_strengths", strengths && distinct, "a list of different numbers above 0")?;
    held("frames_per_clip", settings.frames_per_clip >= 1, "1 or more")?;
    held("inner_fraction", settings.inner_fraction > 0.0 && settings.inner_fraction <= 0.5, "above 0 and at most 0.5")?;
    held("finetune_steps", (1..=1_000_000).contains(&settings.finetune_steps), "from 1 to 1,000,000")?;
    held("finetune_batch", settings.finetune_batch >= 2, "2 or more")?;
    let rate = settings.finetune_learning_rate;
    held("finetune_learning_rate", rate.is_finite() && rate > 0.0, "a number above 0")?;
    held(
        "finetune_epochs",
        settings.finetune_epochs.is_none_or(|epochs| (1..=100_000).contains(&epochs)),
        "from 1 to 100,000",
    )?;
    let validated = settings
        .early_stopping
        .is_none_or(|epochs| epochs >= 1 && settings.model_selection == ModelSelection::InnerValidation);
    held("early_stopping", validated, "1 or more, and model_selection = \"inner-validation\"")?;
    let decay = settings.finetune_weight_decay;
    held("finetune_weight_decay", decay.is_finite() && decay >= 0.0, "a number of 0 or more")?;
    held("curve_points", settings.curve_points <= 1000, "at most 1000")
}

fn check_budget(budget: &BudgetFile) -> Result<Budget, Error> {
    match (budget.steps, budget.images, budget.seconds, budget.epochs.as_ref().map(toml::Value::as_str)) {
        (Some(steps), None, None, None) if steps >= 1 => Ok(Budget::Steps(steps)),
        (None, Some(images), None, None) if images >= 1 => Ok(Budget::Images(images)),
        (None, None, Some(seconds), None) if seconds.is_finite() && seconds > 0.0 => Ok(Budget::Seconds(seconds)),
        (None, None, None, Some(Some(OF_RECIPE))) => Ok(Budget::Recipe),
        _ => Err(key(
            "budget",
            format!(
                "needs one of steps (1 or more), images (1 or more), seconds (above 0) and epochs = {OF_RECIPE:?}, those of \
                 every recipe; without it {STEPS} steps are run"
            ),
        )),
    }
}

fn check_data(data: &DataFile, names: &[&str], folder: &Path) -> Result<StudyData, Error> {
    let source = match data.pretrain.as_str() {
        INSIDE => PretrainedOn::Inside,
        other => match names.iter().position(|name| *name == other) {
            Some(place) if other != data.name => PretrainedOn::Other(place),
            Some(_) => return Err(key("data.pretrain", format!("{other:?} is evaluated on itself: say \"inside\""))),
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
        evaluated: data.evaluated,
        folds: data.folds.clone(),
    })
}

fn check_method(
    method: &MethodFile,
    shared: &toml::Table,
    names: &[&str],
    folder: &Path,
) -> Result<StudyMethod, Error> {
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
        (None, Some(path)) => {
            let path = folder.join(path);
            // Read here, so that what is wrong with them is known before the first cell.
            pretrained::read(&path)?;
            Start::Weights(path)
        }
        (None, None) => Start::Random,
    };
    let (ablates, labels) = (method.ablates.clone(), method.labels.clone());
    Ok(StudyMethod { ablates, labels, ..StudyMethod::new(name, start) })
}

/// The weights that the pretraining of a method begins with, where they are not random.
fn init_weights(method: &MethodFile, folder: &Path) -> Result<Option<Arc<InitWeights>>, Error> {
    let Some(path) = &method.init_weights else { return Ok(None) };
    if method.method.is_none() && method.recipe.is_none() {
        let fact = format!(
            "{} has no recipe that would begin with them: weights = FILE evaluates them as they are",
            method.name
        );
        return Err(key("method.init_weights", fact));
    }
    let path = folder.join(path);
    let first = InitWeights::read(&path, &WeightsOf::Online);
    Ok(Some(Arc::new(first.map_err(|error| error.of_file(&path))?)))
}
