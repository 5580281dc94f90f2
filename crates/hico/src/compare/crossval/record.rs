//! The answers of a study → the record of one evaluation, as it is kept and reported.

use super::{Contender, RANDOM, Request};
use crate::compare::answer::{Answer, EvalMode};
use crate::compare::grid::Cell;
use crate::compare::labels::Labels;
use crate::compare::pretraining::kept_run;
use crate::compare::settings::ModelSelection;
use crate::compare::study::Study;
use crate::compare::summary::DRAWS;
use crate::evaluate::baselines::Baseline;
use crate::evaluate::calibration::{calibrated_frames, scores as scores_of_calibration};
use crate::evaluate::classifier::Trainable;
use crate::evaluate::clock;
use crate::evaluate::comparison::{UnitsBySeed, compare};
use crate::evaluate::history::{Beginning, History, PretrainingFacts};
use crate::evaluate::outcome::{
    CalibrationScores, Candidate, Comparison, DataFacts, Evaluation, FoldRun, Metric, Protocol, Role, SCRATCH, Unit,
};
use crate::evaluate::plan::groups_of;
use crate::evaluate::predictions::{FramePrediction, UnitPrediction, per_clip, per_frame};
use crate::evaluate::pretrained::Seen;
use crate::evaluate::scores::score;
use crate::knn::NEIGHBOURS;
use crate::metrics::{Confusion, argmax};
use crate::recipe::Recipe;
use crate::train::run_record::{RECIPE_FILE, RunRecord, VERSION};
use hico_data::clip::evenly_spaced;
use hico_data::{Dataset, Seed};
use std::collections::BTreeSet;
use std::path::Path;

/// A class with fewer groups than this is warned about.
const FEW_GROUPS: usize = 5;

/// One way of getting from frames to classes, and its answers, by fold and by seed within it.
struct Answered<'a> {
    name: String,
    description: String,
    role: Role,
    answers: Vec<&'a Answer>,
}

/// The candidates of a request, the baselines first, each with its answers.
fn answered<'a>(request: &Request, answers: &'a [Answer]) -> Vec<Answered<'a>> {
    let of = |method: &str, evaluation: EvalMode| -> Vec<&'a Answer> {
        let mut found: Vec<&Answer> =
            answers.iter().filter(|answer| answer.method == method && answer.evaluation == evaluation).collect();
        found.sort_by_key(|answer| (answer.fold, request.seeds.iter().position(|seed| *seed == answer.seed)));
        found
    };
    let baseline = |baseline: Baseline| Answered {
        name: baseline.to_string(),
        description: match baseline {
            Baseline::Majority => "Every frame gets the shares of the classes among the training clips.".to_owned(),
            Baseline::Thumbnails => {
                format!("{NEIGHBOURS} nearest neighbours among the training frames as 16x16 grey thumbnails.")
            }
            Baseline::Confounders => {
                "Predicted from size, frame rate, tint and file type alone, without a look at the picture.".to_owned()
            }
        },
        role: Role::Floor,
        // Another seed gives the same.
        answers: of(&baseline.to_string(), EvalMode::Baseline)
            .into_iter()
            .filter(|answer| Some(&answer.seed) == request.seeds.first())
            .collect(),
    };
    let mut all: Vec<Answered<'_>> = Baseline::ALL.into_iter().map(baseline).collect();
    let trained = |trainable: Trainable| match trainable {
        Trainable::Head => "a linear head on the frozen encoder is trained",
        Trainable::LastBlock => "last block, top layer and head are trained",
        Trainable::All => "the whole backbone and a linear head are trained",
    };
    all.push(Answered {
        name: "random-encoder".to_owned(),
        description: "Linear probe (logistic regression) on the features of an encoder with random weights.".to_owned(),
        role: Role::Floor,
        answers: of(RANDOM, EvalMode::LinearProbe),
    });
    all.push(Answered {
        name: SCRATCH.to_owned(),
        description: format!("The same network from random weights: {}.", trained(request.scratch)),
        role: Role::Floor,
        answers: of(RANDOM, EvalMode::Finetune),
    });
    let (name, description) = (request.contender.name(), description(&request.contender));
    all.push(Answered {
        name: format!("{name}-probe"),
        description: format!("Linear probe on the frozen features of the encoder {description}."),
        role: Role::Contender,
        answers: of(&name, EvalMode::LinearProbe),
    });
    all.push(Answered {
        description: format!("The encoder {description}, fine-tuned: {}.", trained(request.trainable)),
        role: Role::Contender,
        answers: of(&name, EvalMode::Finetune),
        name,
    });
    all.retain(|answered| !answered.answers.is_empty());
    all
}

/// One clause that says what an encoder is.
fn description(contender: &Contender) -> String {
    match contender {
        Contender::None => String::new(),
        Contender::Given(pretrained) => pretrained.description.clone(),
        Contender::Inside(_) => {
            format!("pretrained by {} within each fold's training groups", contender.name())
        }
    }
}

/// - `answers`: of every cell
pub(super) fn evaluation(
    dataset: &Dataset,
    request: &Request,
    study: &Study,
    cells: &[Cell],
    answers: &[Answer],
) -> Evaluation {
    let candidates = answered(request, answers);
    let mut warnings = contamination(dataset, request, answers);
    warnings.extend(without_fold(dataset));
    if request.seeds.len() == 1 {
        warnings.push("one seed: how far the figures move from seed to seed is not known".to_owned());
    }
    let folds: BTreeSet<usize> = answers.iter().map(|answer| answer.fold).collect();
    let mut evaluation = Evaluation {
        version: VERSION.to_owned(),
        command: request.command.clone(),
        finished: clock::now(),
        seconds: seconds(answers),
        device: request.device.resolve().to_string(),
        data: data_facts(dataset, request.recipe.frames_per_clip),
        protocol: Protocol {
            folds: study.data[0].folds.clone().unwrap_or_else(|| folds.into_iter().collect()),
            seeds: request.seeds.clone(),
            trainable: word(request.trainable),
            epochs: request.recipe.epochs,
            frames_per_clip: request.recipe.frames_per_clip,
            side: request.recipe.view.side,
            inner_fraction: match (request.model_selection, request.labels) {
                (ModelSelection::InnerValidation, Labels::All) => request.recipe.inner_fraction,
                _ => 0.0,
            },
            pretrained_inside: matches!(request.contender, Contender::Inside(_)),
        },
        candidates: candidates.iter().map(|answered| candidate(dataset, study, answered)).collect(),
        comparisons: comparisons(dataset, request, &candidates),
        pretraining: pretraining(request, cells),
        warnings,
    };
    let few = few_groups(&evaluation);
    evaluation.warnings.extend(few);
    evaluation
}

/// Every answer, and each pretraining once.
fn seconds(answers: &[Answer]) -> f64 {
    let mut once = BTreeSet::new();
    let pretraining = answers.iter().filter(|answer| once.insert((&answer.method, answer.fold, answer.seed)));
    pretraining.map(|answer| answer.pretrain_seconds).sum::<f64>()
        + answers.iter().map(|answer| answer.seconds).sum::<f64>()
}

/// The pretraining runs that the contender goes back to, each once.
fn pretraining(request: &Request, cells: &[Cell]) -> Vec<PretrainingFacts> {
    let beginnings: Vec<Beginning> = match &request.contender {
        Contender::None => Vec::new(),
        Contender::Given(pretrained) => vec![pretrained.beginning.clone()],
        Contender::Inside(_) => {
            let folders: BTreeSet<_> = cells.iter().map(|cell| kept_run(&request.folder, cell)).collect();
            let run = |folder: &std::path::PathBuf| facts_of_run(folder).map(|facts| Beginning::Run(Box::new(facts)));
            folders.iter().filter_map(run).collect()
        }
    };
    let mut runs: Vec<PretrainingFacts> = Vec::new();
    for beginning in beginnings {
        let history = History { beginning, tuning: None, test: None };
        runs.extend(history.pretraining().filter(|run| !runs.contains(run)).cloned());
    }
    runs
}

/// What a kept run tells; `None` where there is none.
fn facts_of_run(folder: &Path) -> Option<PretrainingFacts> {
    let record = RunRecord::read(folder).ok()?;
    let recipe = Recipe::of_record(&std::fs::read_to_string(folder.join(RECIPE_FILE)).ok()?).ok()?;
    Some(PretrainingFacts::of(folder, &record, &recipe))
}

fn candidate(dataset: &Dataset, study: &Study, answered: &Answered<'_>) -> Candidate {
    let honest = by_seed(&answered.answers, |answer| &answer.predictions);
    let published = by_seed(&answered.answers, |answer| &answer.of_test_fold);
    Candidate {
        name: answered.name.clone(),
        description: answered.description.clone(),
        role: answered.role,
        honest: score(dataset, &honest, DRAWS),
        published: (!published.is_empty()).then(|| score(dataset, &published, DRAWS)),
        calibration: calibration(dataset, &answered.answers),
        runs: answered.answers.iter().filter_map(|answer| run(dataset, study, answer)).collect(),
    }
}

/// One fold with one seed; `None` for a fold that cannot be planned, which has no answer.
fn run(dataset: &Dataset, study: &Study, answer: &Answer) -> Option<FoldRun> {
    let asked = (answer.evaluation, answer.labels);
    let plan = study.judge.plan(dataset, answer.fold, asked, Seed(answer.seed)).ok()?;
    let count = |clips: &[usize]| groups_of(dataset, clips).len();
    let judged = per_frame(dataset, &answer.predictions);
    let found = judged.iter().map(|unit| (unit.truth, argmax(&unit.probabilities)));
    Some(FoldRun {
        fold: answer.fold,
        seed: answer.seed,
        clips: [plan.fit.len(), plan.inner.len(), plan.test.len()],
        groups: [&plan.fit, &plan.inner, &plan.test].map(|clips| count(clips)),
        chosen_epoch: answer.chosen_epoch,
        temperature: answer.temperature,
        balanced_accuracy: Confusion::of(dataset.classes().len(), found).balanced_accuracy().unwrap_or(0.0),
        best_on_test: answer.published,
        curve: answer.curve.clone(),
        contaminated_groups: answer.seen_groups.clone(),
        clips_tested: per_clip(dataset, &answer.predictions),
    })
}

/// What the temperatures of a candidate's networks do to its tested frames.
fn calibration(dataset: &Dataset, answers: &[&Answer]) -> Option<CalibrationScores> {
    let temperatures: Vec<f64> = answers.iter().map(|answer| answer.temperature).collect::<Option<_>>()?;
    let seeds: BTreeSet<u64> = answers.iter().map(|answer| answer.seed).collect();
    let of_seed = |seed: &u64| {
        let of = |frames: &dyn Fn(usize) -> Vec<FramePrediction>| {
            (0..answers.len()).filter(|index| answers[*index].seed == *seed).flat_map(frames).collect()
        };
        let after = |index: usize| calibrated_frames(&answers[index].predictions, temperatures[index]);
        [of(&|index| answers[index].predictions.clone()), of(&after)]
    };
    let seeds: Vec<_> = seeds.iter().map(of_seed).collect();
    scores_of_calibration(dataset, temperatures.clone(), &seeds)
}

/// For each seed the tested frames of all folds, in the order of the data set.
fn by_seed<'a>(
    answers: &[&'a Answer],
    frames: fn(&'a Answer) -> &'a Vec<FramePrediction>,
) -> Vec<Vec<FramePrediction>> {
    let seeds: BTreeSet<u64> = answers.iter().map(|answer| answer.seed).collect();
    let of_seed = |seed: &u64| {
        let of = answers.iter().copied().filter(|answer| answer.seed == *seed);
        let mut all: Vec<FramePrediction> = of.flat_map(frames).cloned().collect();
        all.sort_by_key(|frame| (frame.clip, frame.frame));
        all
    };
    seeds.iter().map(of_seed).filter(|frames| !frames.is_empty()).collect()
}

/// Every contender against every floor.
fn comparisons(dataset: &Dataset, request: &Request, candidates: &[Answered<'_>]) -> Vec<Comparison> {
    let clips = |answered: &Answered<'_>| -> Vec<Vec<UnitPrediction>> {
        let clips = |frames: &Vec<FramePrediction>| per_clip(dataset, frames).into_iter().map(Into::into).collect();
        by_seed(&answered.answers, |answer| &answer.predictions).iter().map(clips).collect()
    };
    let of_role = |role| candidates.iter().filter(move |answered| answered.role == role);
    let mut comparisons = Vec::new();
    for contender in of_role(Role::Contender) {
        let better = UnitsBySeed { name: &contender.name, seeds: clips(contender) };
        for floor in of_role(Role::Floor) {
            let baseline = UnitsBySeed { name: &floor.name, seeds: clips(floor) };
            let classes = dataset.classes().len();
            let found = compare([&better, &baseline], classes, Unit::Clip, Metric::BalancedAccuracy, DRAWS);
            comparisons.extend(found.map(|found| match request.contender {
                // All seeds share one pretraining, so what they do not differ in says nothing of other pretrainings.
                Contender::Given(_) => Comparison { p_value: found.p_groups.unwrap_or(found.p_value), ..found },
                Contender::None | Contender::Inside(_) => found,
            }));
        }
    }
    comparisons
}

fn data_facts(dataset: &Dataset, frames_per_clip: usize) -> DataFacts {
    let classes = dataset.classes().len();
    let (mut clips, mut frames) = (vec![0; classes], vec![0; classes]);
    let mut groups = vec![BTreeSet::new(); classes];
    for clip in 0..dataset.len() {
        let Some(class) = dataset.label(clip) else { continue };
        clips[class] += 1;
        frames[class] += evenly_spaced(dataset.row(clip).frames, frames_per_clip).len();
        groups[class].insert(&dataset.row(clip).group);
    }
    DataFacts {
        name: dataset.folder().file_name().unwrap_or_default().to_string_lossy().into_owned(),
        hash: dataset.manifest().hash(),
        classes: dataset.classes().to_vec(),
        unlabelled: dataset.len() - clips.iter().sum::<usize>(),
        groups: groups.iter().map(BTreeSet::len).collect(),
        clips,
        frames,
    }
}

/// What must be said about the contender's pretraining.
fn contamination(dataset: &Dataset, request: &Request, answers: &[Answer]) -> Vec<String> {
    let mut warnings = Vec::new();
    let seen: BTreeSet<&String> = answers.iter().flat_map(|answer| &answer.seen_groups).collect();
    let name = request.contender.name();
    let Contender::Given(pretrained) = &request.contender else { return warnings };
    if !matches!(pretrained.seen, Seen::Groups { all: true, .. }) {
        warnings.push(format!(
            "{name}: the weights do not say which groups their pretraining saw, or not all, so nobody can tell whether it saw the \
             groups that are tested"
        ));
    }
    if !seen.is_empty() {
        warnings.push(format!(
            "{name}: its pretraining saw {} of the tested groups; its figures are spoilt. Use --pretrain-inside, or \
             a run with --holdout-fold tested on that fold",
            seen.len()
        ));
    }
    if let Seen::Groups { data, .. } = &pretrained.seen
        && *data != dataset.manifest().hash()
    {
        warnings.push(format!(
            "{name}: pretrained on another version of the table or on other data; groups are matched by their names alone"
        ));
    }
    warnings
}

/// Classes of which too few groups were tested.
fn few_groups(evaluation: &Evaluation) -> Vec<String> {
    let tested = evaluation.tested();
    let classes = evaluation.data.classes.iter().zip(tested.groups_per_class);
    let words = |(class, groups): (&String, usize)| match groups {
        1 => format!("class {class}: 1 patient was tested, so no interval over that class means anything"),
        _ => format!("class {class}: {groups} patients were tested; an interval over so few is not to be trusted"),
    };
    classes.filter(|(_, groups)| *groups < FEW_GROUPS).map(words).collect()
}

fn without_fold(dataset: &Dataset) -> Option<String> {
    let without_fold =
        (0..dataset.len()).filter(|clip| dataset.label(*clip).is_some() && dataset.row(*clip).fold.is_none()).count();
    (without_fold > 0)
        .then(|| format!("{without_fold} labelled clips have no fold: they are learnt from and never tested"))
}

fn word(trainable: Trainable) -> String {
    match trainable {
        Trainable::Head => "head",
        Trainable::LastBlock => "last-block",
        Trainable::All => "all",
    }
    .to_owned()
}
