//! What a reader must know beside the figures: the methods, the data, and what calls for care.

use super::answer::Answer;
use super::grid::Cell;
use super::pretraining::kept_run;
use super::study::{PretrainedOn, Start, Study, StudyMethod};
use super::summary::{ClassFacts, DataFacts, MethodFacts, Role};
use crate::baselines::Baseline;
use hico_data::Dataset;
use hico_data::clip::evenly_spaced;
use hico_model::history::{Beginning, History, PretrainingFacts};
use hico_model::pretrained::Seen;
use hico_train::knn::NEIGHBOURS;
use hico_train::plan::groups_of;
use hico_train::pretrained;
use hico_train::recipe::Recipe;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// A class with fewer tested groups than this is warned about.
const FEW_GROUPS: usize = 5;

pub(super) fn method(study: &Study, method: &StudyMethod) -> MethodFacts {
    let recipe = |recipe: &Recipe| format!("pretrained by {}", recipe.method().name());
    let description = match &method.start {
        Start::Random | Start::Scratch => {
            "The same network from random weights: in probes a random encoder, in fine-tuning trained from scratch."
                .to_owned()
        }
        Start::Weights(_) => "The encoder of a file or a run.".to_owned(),
        Start::Given(pretrained) => format!("The encoder {}.", pretrained.description),
        Start::Recipe(of) => format!("The encoder {}, on {}.", recipe(of), sources(study)),
        Start::Baseline(Baseline::Majority) => {
            "Every frame gets the class frequencies of the training clips.".to_owned()
        }
        Start::Baseline(Baseline::Thumbnails) => {
            format!("{NEIGHBOURS} nearest neighbours among the training frames as 16x16 grey thumbnails.")
        }
        Start::Baseline(Baseline::Confounders) => {
            "Predicted from size, frame rate, tint and file type alone, without a look at the picture.".to_owned()
        }
    };
    let role = if method.is_pretrained() { Role::Pretrained } else { Role::Baseline };
    MethodFacts { name: method.name.clone(), description, role, ablates: method.ablates.clone() }
}

fn sources(study: &Study) -> String {
    let sources: BTreeSet<String> =
        study.data.iter().filter(|set| set.evaluated).map(|set| source(study, set.source)).collect();
    sources.into_iter().collect::<Vec<_>>().join(" or ")
}

fn source(study: &Study, source: PretrainedOn) -> String {
    match source {
        PretrainedOn::Inside => "the training groups of each fold".to_owned(),
        PretrainedOn::Other(other) => format!("all clips of {}", study.data[other].name),
    }
}

/// - `folds`: those that were tested
pub(super) fn data(study: &Study, place: usize, dataset: &Dataset, folds: Vec<usize>) -> DataFacts {
    let set = &study.data[place];
    let labelled = |clips: &[usize], class: usize| -> Vec<usize> {
        clips.iter().copied().filter(|clip| dataset.label(*clip) == Some(class)).collect()
    };
    let all: Vec<usize> = (0..dataset.len()).collect();
    let is_tested = |clip: &usize| {
        dataset.label(*clip).is_some() && dataset.row(*clip).fold.is_some_and(|fold| folds.contains(&fold))
    };
    let tested: Vec<usize> = all.iter().copied().filter(is_tested).collect();
    let class = |(class, name): (usize, &String)| {
        let (clips, tested) = (labelled(&all, class), labelled(&tested, class));
        let frames = |clip: &usize| evenly_spaced(dataset.row(*clip).frames, study.evaluation.frames_per_clip).len();
        ClassFacts {
            name: name.clone(),
            frames: clips.iter().map(frames).sum(),
            groups: groups_of(dataset, &clips).len(),
            clips: clips.len(),
            tested_groups: groups_of(dataset, &tested).len(),
            tested_clips: tested.len(),
        }
    };
    DataFacts {
        name: set.name.clone(),
        hash: dataset.manifest().hash(),
        pretrained_on: source(study, set.source),
        classes: dataset.classes().iter().enumerate().map(class).collect(),
        unlabelled: all.iter().filter(|clip| dataset.label(**clip).is_none()).count(),
        tested_clips: tested.len(),
        tested_groups: groups_of(dataset, &tested).into_iter().collect(),
        folds,
    }
}

/// Returns what a reader must know before believing a figure.
///
/// - `missing`: cells that are not finished
pub(super) fn warnings(
    study: &Study,
    data: &[Arc<Dataset>],
    tested: &[DataFacts],
    answers: &[Answer],
    missing: usize,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if missing > 0 {
        warnings
            .push(format!("{missing} cells are not finished: figures are over the seeds of which every fold is there"));
    }
    for method in &study.methods {
        warnings.extend(of_pretraining(method, study, data, answers));
    }
    for (set, dataset) in study.data.iter().zip(data).filter(|(set, _)| set.evaluated) {
        warnings.extend(without_fold(dataset).map(|words| format!("{}: {words}", set.name)));
    }
    if study.seeds.len() == 1 {
        warnings.push("one seed: how far the figures move from seed to seed is not known".to_owned());
    }
    warnings.extend(tested.iter().flat_map(few_groups));
    warnings
}

/// What must be said about a method's pretraining.
fn of_pretraining(method: &StudyMethod, study: &Study, data: &[Arc<Dataset>], answers: &[Answer]) -> Vec<String> {
    let name = &method.name;
    let mut warnings = Vec::new();
    match &method.start {
        Start::Given(pretrained) if !matches!(pretrained.seen, Seen::Groups { all: true, .. }) => {
            warnings.push(format!(
                "{name}: the weights do not say which groups their pretraining saw, or not all, so whether it saw the \
                 groups that are tested is unknown"
            ));
        }
        Start::Weights(_) => {
            warnings.push(format!("{name}: weights from elsewhere; which patients they have seen is not known here"));
        }
        _ => {}
    }
    if method.init_weights.as_ref().is_some_and(|first| !first.record().groups_are_all) {
        warnings.push(format!(
            "{name}: the weights that its pretraining begins with do not say which groups they have seen, or not all, so whether \
             they saw the groups that are tested is unknown"
        ));
    }
    let of_method = answers.iter().filter(|answer| answer.method == *name);
    let seen: BTreeSet<(&str, &String)> =
        of_method.flat_map(|answer| answer.seen_groups.iter().map(|group| (answer.data.as_str(), group))).collect();
    if !seen.is_empty() {
        warnings.push(format!(
            "{name}: its pretraining saw {} of the tested groups; its figures are contaminated. Pretrain it within each fold, or hold \
             the tested fold out",
            seen.len()
        ));
    }
    if let Start::Given(pretrained) = &method.start
        && let Seen::Groups { data: hash, .. } = &pretrained.seen
        && study.data.iter().zip(data).any(|(set, dataset)| set.evaluated && *hash != dataset.manifest().hash())
    {
        warnings.push(format!(
            "{name}: pretrained on another version of the table or on other data; groups are matched by their names alone"
        ));
    }
    warnings
}

/// Classes of which too few groups were tested.
fn few_groups(data: &DataFacts) -> Vec<String> {
    let words = |class: &ClassFacts| match class.tested_groups {
        1 => format!("class {}: 1 patient was tested, so no interval over that class means anything", class.name),
        few => {
            format!("class {}: {few} patients were tested; an interval over so few is not to be trusted", class.name)
        }
    };
    data.classes.iter().filter(|class| class.tested_groups < FEW_GROUPS).map(words).collect()
}

fn without_fold(dataset: &Dataset) -> Option<String> {
    let without_fold =
        (0..dataset.len()).filter(|clip| dataset.label(*clip).is_some() && dataset.row(*clip).fold.is_none()).count();
    (without_fold > 0)
        .then(|| format!("{without_fold} labelled clips have no fold: they are learnt from and never tested"))
}

/// Returns the pretraining runs that a study's encoders go back to, each once, as far as their weights or folders tell.
///
/// - `folder`: of the study, where runs may be kept
pub(super) fn pretraining(study: &Study, cells: &[Cell], folder: &Path) -> Vec<PretrainingFacts> {
    let given = study.methods.iter().filter_map(|method| match &method.start {
        Start::Given(pretrained) => Some(pretrained.beginning.clone()),
        _ => None,
    });
    let kept: BTreeSet<_> = cells.iter().map(|cell| kept_run(folder, cell)).collect();
    let run = |folder: &std::path::PathBuf| facts_of_run(folder).map(|facts| Beginning::Run(Box::new(facts)));
    let mut runs: Vec<PretrainingFacts> = Vec::new();
    for beginning in given.chain(kept.iter().filter_map(run)) {
        let history = History { beginning, tuning: None, test: None };
        runs.extend(history.pretraining().filter(|run| !runs.contains(run)).cloned());
    }
    runs
}

/// What a kept run tells; `None` where there is none.
fn facts_of_run(folder: &Path) -> Option<PretrainingFacts> {
    let (record, recipe) = pretrained::run_in(folder).ok()?;
    Some(record.facts(folder, &recipe))
}
