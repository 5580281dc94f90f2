//! Finished cells → the evaluation as it is kept and reported.

use super::calibration::{calibrated_frames, scores as scores_of_calibration};
use super::candidates::Kind;
use super::classifier::Trainable;
use super::clock;
use super::comparison::{UnitsBySeed, compare};
use super::cross_validate::{CandidateCells, Contender, Contenders, Request};
use super::history::{History, PretrainingFacts};
use super::outcome::{
    CalibrationScores, Candidate, Comparison, DataFacts, Evaluation, Metric, Protocol, Role, Scores, Unit,
};
use super::predictions::{FramePrediction, UnitPrediction, per_clip};
use super::pretrained::Seen;
use super::scores::score;
use crate::train::run_record::VERSION;
use hico_data::clip::evenly_spaced;
use hico_data::{Dataset, Seed};
use std::collections::BTreeSet;

/// Root of the bootstrap's and the permutation test's draws: the same for every evaluation, so that the same predictions
/// always have the same intervals.
const DRAWS: Seed = Seed(0);

/// A class with fewer groups than this is warned about.
const FEW_GROUPS: usize = 5;

pub(super) fn summarise(
    dataset: &Dataset,
    request: &Request,
    folds: &[usize],
    contenders: &Contenders,
    candidates: &[CandidateCells],
) -> Evaluation {
    let data = data_facts(dataset, request.recipe.frames_per_clip);
    let seconds: f64 = candidates.iter().flat_map(|candidate| &candidate.cells).map(|cell| cell.seconds).sum();
    let mut warnings = contenders.warnings.clone();
    warnings.extend(contamination(dataset, request, candidates));
    warnings.extend(without_fold(dataset));
    if request.seeds.len() == 1 {
        warnings.push("one seed: how far the figures move from seed to seed is not known".to_owned());
    } else if matches!(request.contender, Contender::Inside(_)) {
        let words = "each fold was pretrained once, with one seed: the spread over seeds is that of fine-tuning alone";
        warnings.push(words.to_owned());
    }
    let mut evaluation = Evaluation {
        version: VERSION.to_owned(),
        command: request.command.clone(),
        finished: clock::now(),
        seconds,
        device: request.device.resolve().to_string(),
        protocol: Protocol {
            folds: folds.to_vec(),
            seeds: request.seeds.clone(),
            trainable: word(request.trainable),
            epochs: request.recipe.epochs,
            frames_per_clip: request.recipe.frames_per_clip,
            side: request.recipe.view.side,
            inner_fraction: request.recipe.inner_fraction,
            pretrained_inside: matches!(request.contender, Contender::Inside(_)),
        },
        candidates: candidates.iter().map(|cells| candidate(dataset, request, contenders, cells)).collect(),
        comparisons: comparisons(dataset, candidates),
        pretraining: pretraining(candidates),
        data,
        warnings,
    };
    let few = few_groups(&evaluation);
    evaluation.warnings.extend(few);
    evaluation
}

/// The scores of one network's tested frames; the same frames always have the same intervals.
pub(super) fn scored(dataset: &Dataset, frames: &[FramePrediction]) -> Scores {
    score(dataset, &[frames.to_vec()], DRAWS)
}

/// The pretraining runs that the contenders go back to, each once.
fn pretraining(candidates: &[CandidateCells]) -> Vec<PretrainingFacts> {
    let mut runs: Vec<PretrainingFacts> = Vec::new();
    for cell in candidates.iter().flat_map(|candidate| &candidate.cells) {
        let Some(beginning) = cell.beginning.clone() else { continue };
        let history = History { beginning, tuning: None, test: None };
        runs.extend(history.pretraining().filter(|run| !runs.contains(run)).cloned());
    }
    runs
}

fn candidate(dataset: &Dataset, request: &Request, contenders: &Contenders, cells: &CandidateCells) -> Candidate {
    let trainable = if cells.kind == Kind::Scratch { request.scratch } else { request.trainable };
    let honest = by_seed(cells, |cell| Some(&cell.honest));
    let published = by_seed(cells, |cell| cell.published.as_ref());
    Candidate {
        name: cells.name.clone(),
        description: cells.kind.description(&contenders.description, trainable),
        role: cells.kind.role(),
        honest: score(dataset, &honest, DRAWS),
        published: (!published.is_empty()).then(|| score(dataset, &published, DRAWS)),
        calibration: calibration(dataset, cells),
        runs: cells.cells.iter().map(|cell| cell.run.clone()).collect(),
    }
}

/// What the temperatures of a candidate's networks do to its tested frames.
fn calibration(dataset: &Dataset, cells: &CandidateCells) -> Option<CalibrationScores> {
    let temperatures: Vec<f64> = cells.cells.iter().map(|cell| cell.run.temperature).collect::<Option<_>>()?;
    let after: Vec<Vec<FramePrediction>> = cells
        .cells
        .iter()
        .zip(&temperatures)
        .map(|(cell, temperature)| calibrated_frames(&cell.honest, *temperature))
        .collect();
    let seeds: BTreeSet<u64> = cells.cells.iter().map(|cell| cell.run.seed).collect();
    let of_seed = |seed: &u64| {
        let of = |frames: &dyn Fn(usize) -> Vec<FramePrediction>| {
            let places = (0..cells.cells.len()).filter(|place| cells.cells[*place].run.seed == *seed);
            places.flat_map(frames).collect()
        };
        [of(&|place| cells.cells[place].honest.clone()), of(&|place| after[place].clone())]
    };
    scores_of_calibration(dataset, temperatures, &seeds.iter().map(of_seed).collect::<Vec<_>>())
}

/// For each seed the tested frames of all folds, in the order of the data set.
fn by_seed<'a>(
    cells: &'a CandidateCells,
    frames: impl Fn(&'a super::cells::Cell) -> Option<&'a Vec<FramePrediction>>,
) -> Vec<Vec<FramePrediction>> {
    let seeds: BTreeSet<u64> = cells.cells.iter().map(|cell| cell.run.seed).collect();
    let of_seed = |seed: &u64| {
        let cells = cells.cells.iter().filter(|cell| cell.run.seed == *seed);
        let mut all: Vec<FramePrediction> = cells.filter_map(&frames).flatten().cloned().collect();
        all.sort_by_key(|frame| (frame.clip, frame.frame));
        all
    };
    seeds.iter().map(of_seed).filter(|frames| !frames.is_empty()).collect()
}

/// Every contender against every floor.
fn comparisons(dataset: &Dataset, candidates: &[CandidateCells]) -> Vec<Comparison> {
    let clips = |cells: &CandidateCells| -> Vec<Vec<UnitPrediction>> {
        let clips = |frames: &Vec<FramePrediction>| per_clip(dataset, frames).into_iter().map(Into::into).collect();
        by_seed(cells, |cell| Some(&cell.honest)).iter().map(clips).collect()
    };
    let of_role = |role| candidates.iter().filter(move |cells| cells.kind.role() == role);
    let mut comparisons = Vec::new();
    for contender in of_role(Role::Contender) {
        let better = UnitsBySeed { name: &contender.name, seeds: clips(contender) };
        for floor in of_role(Role::Floor) {
            let baseline = UnitsBySeed { name: &floor.name, seeds: clips(floor) };
            let classes = dataset.classes().len();
            let found = compare([&better, &baseline], classes, Unit::Clip, Metric::BalancedAccuracy, DRAWS);
            // All seeds share the pretraining of a fold, so what they do not differ in says nothing of other pretrainings.
            comparisons
                .extend(found.map(|found| Comparison { p_value: found.p_groups.unwrap_or(found.p_value), ..found }));
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

fn contamination(dataset: &Dataset, request: &Request, candidates: &[CandidateCells]) -> Vec<String> {
    let mut warnings = Vec::new();
    for candidate in candidates.iter().filter(|candidate| candidate.kind == Kind::Tuned) {
        let runs = candidate.cells.iter().map(|cell| &cell.run);
        let seen: BTreeSet<&String> = runs.flat_map(|run| &run.contaminated_groups).collect();
        if !seen.is_empty() {
            let count = seen.len();
            warnings.push(format!(
                "{}: its pretraining saw {count} of the tested groups; its figures are spoilt. Use --pretrain-inside, or \
                 a run with --holdout-fold tested on that fold",
                candidate.name
            ));
        }
    }
    if let Contender::Given(pretrained) = &request.contender
        && let Seen::Groups { data, .. } = &pretrained.seen
        && *data != dataset.manifest().hash()
    {
        warnings.push(format!(
            "{}: pretrained on another version of the table or on other data; groups are told apart by their names only",
            pretrained.name
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
