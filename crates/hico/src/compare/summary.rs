//! All answers → figures with their doubt: tables, paired comparisons, curves.

pub use super::curves::{Curve, CurveLine, Overtaking, Point};
use super::curves::{curve, overtakings};
use super::grid::Cell;
use super::ranks::{Ranks, ranks};
use super::row::{Row, Way, from_letters};
use super::study::{Budget, Labels, Start, Study};
use crate::evaluate::outcome::{ClipPrediction, Comparison, Estimate};
use crate::evaluate::predictions::UnitPrediction;
use crate::evaluate::scores::{ClipsBySeed, compare, score_units};
use crate::stats;
use crate::train::run_record::VERSION;
use hico_data::{Dataset, Seed};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Root of the draws of intervals and tests: the same answers always have the same intervals.
const DRAWS: Seed = Seed(0);

/// What a study found.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Its title.
    pub title: String,
    /// Version of the program.
    pub version: &'static str,
    /// Its methods, in their order, and of which each is one with something changed.
    pub methods: Vec<(String, Option<String>)>,
    /// Its seeds.
    pub seeds: Vec<u64>,
    /// What pretraining could use up.
    pub budget: Budget,
    /// Frames of a clip that were judged.
    pub frames_per_clip: usize,
    /// Side of the images, pixels.
    pub side: usize,
    /// The data sets that were judged.
    pub data: Vec<Judged>,
    /// Cells that are finished, and all.
    pub cells: [usize; 2],
    /// Seconds that the answers took, pretraining included.
    pub seconds: f64,
    /// A table for each data set, way and label budget.
    pub tables: Vec<Table>,
    /// What may choose between methods: a table for each data set and label budget of the inner way.
    pub choices: Vec<Choice>,
    /// How methods did on their way through pretraining.
    pub curves: Vec<Curve>,
    /// How soon one method came as far as another at its end.
    pub overtakings: Vec<Overtaking>,
    /// What a reader must know before believing a figure.
    pub warnings: Vec<String>,
}

/// A data set that was judged.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// Hash of its table.
    pub hash: String,
    /// What encoders were pretrained on.
    pub pretrained_on: String,
    /// Its classes, with their labelled clips and groups.
    pub classes: Vec<(String, usize, usize)>,
    /// Folds that were tested.
    pub folds: Vec<usize>,
}

/// Methods asked one way with one label budget on one data set.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// The data set.
    pub data: String,
    /// How they were asked.
    pub way: Way,
    /// The labels that were known.
    pub labels: Labels,
    /// One entry a method, in the study's order.
    pub entries: Vec<Entry>,
    /// Paired differences, with p values corrected for their number in this table.
    pub comparisons: Vec<Compared>,
    /// Mean ranks over folds, where every method is there.
    pub ranks: Option<Ranks>,
}

impl Table {
    /// The methods that the study asks this.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.asked)
    }
}

/// A method's figures in one table.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The method.
    pub method: String,
    /// Whether the study asks this of it: a method that learnt from few labels is judged with those alone.
    pub asked: bool,
    /// Seeds of which every fold is there.
    pub seeds: Vec<u64>,
    /// Its figures over those seeds; absent where there is none.
    pub scores: Option<EntryScores>,
}

/// Figures over folds and seeds.
#[derive(Debug, Clone, Serialize)]
pub struct EntryScores {
    /// Balanced accuracy per clip, folds pooled; interval by a bootstrap over groups.
    pub balanced_accuracy: Estimate,
    /// Balanced accuracy per frame, mean over folds and seeds.
    pub frame_balanced_accuracy: f64,
    /// Mean F1 per clip, folds pooled.
    pub macro_f1: f64,
    /// Mean area under the ROC curve per clip, over folds that have every class; absent where none has.
    pub auc: Option<f64>,
    /// Balanced accuracy per frame at the epoch that is best on the test fold, mean over folds and seeds.
    pub published: Option<f64>,
    /// Views that pretraining saw, mean.
    pub images: f64,
    /// Seconds of pretraining, mean.
    pub seconds: f64,
    /// Groups whose labels were known, mean.
    pub groups: f64,
}

/// Methods asked within the training groups of each fold; no test fold was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    /// The data set.
    pub data: String,
    /// The labels that were known.
    pub labels: Labels,
    /// Folds and seeds that every method has.
    pub places: usize,
    /// One entry a method, in the study's order.
    pub entries: Vec<Candidate>,
}

/// A method's figures in one choice.
#[derive(Debug, Clone, Serialize)]
pub struct Candidate {
    /// The method.
    pub method: String,
    /// Balanced accuracy per clip of each fold and seed that every method has.
    pub balanced_accuracy: Vec<f64>,
    /// Their mean; absent where there is none.
    pub mean: Option<f64>,
    /// In how many of them no method is better.
    pub first: usize,
}

/// A paired comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// The difference, its interval and its p value.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// p after Holm's correction for all comparisons of the table.
    pub p_holm: f64,
}

/// Sums up all rows that there are.
///
/// - `cells`: the study's grid
/// - `rows`: of the finished ones, any order
#[must_use]
pub fn summarise(study: &Study, data: &[Arc<Dataset>], cells: &[Cell], rows: &[Row], finished: usize) -> Summary {
    let tests: BTreeSet<(usize, usize)> = cells.iter().flat_map(|cell| cell.tests.iter().copied()).collect();
    let mut answers = Answers::default();
    rows.iter().for_each(|row| answers.add(row));
    let (mut tables, mut choices) = (Vec::new(), Vec::new());
    let mut judged = Vec::new();
    for (place, set) in study.data.iter().enumerate().filter(|(_, set)| set.judged) {
        let folds: Vec<usize> = tests.iter().filter(|(of, _)| *of == place).map(|(_, fold)| *fold).collect();
        let test = Tested::new(&data[place], &folds);
        for (way, budgets) in study.judge.ways() {
            let mut budgets = budgets.to_vec();
            budgets.sort_unstable_by(|a, b| b.cmp(a));
            if way == Way::Inner {
                choices.extend(budgets.into_iter().map(|labels| choice(study, &set.name, labels, &folds, &answers)));
                continue;
            }
            tables.extend(budgets.into_iter().map(|labels| {
                let asks = |cell: &&Cell| cell.is_tested_on(place) && cell.is_asked_with(labels);
                let asked = cells.iter().filter(asks).map(|cell| cell.method).collect();
                table(study, (&set.name, way, labels), &asked, &test, &answers)
            }));
        }
        judged.push(facts(study, place, &data[place], folds));
    }
    let curves: Vec<Curve> = study
        .data
        .iter()
        .filter(|set| set.judged && study.judge.looks > 0)
        .flat_map(|set| [Way::Knn, Way::Probe, Way::Finetune].map(|way| curve(study, &set.name, way, rows)))
        .filter(|curve| !curve.lines.is_empty())
        .collect();
    Summary {
        title: study.title.clone(),
        version: VERSION,
        methods: study.methods.iter().map(|method| (method.name.clone(), method.ablates.clone())).collect(),
        seeds: study.seeds.clone(),
        budget: study.budget,
        frames_per_clip: study.judge.frames_per_clip,
        side: study.shared.view().side,
        data: judged,
        cells: [finished, cells.len()],
        seconds: seconds(rows),
        tables,
        choices,
        overtakings: overtakings(study, &curves),
        curves,
        warnings: warnings(study, cells.len() - finished),
    }
}

/// Rows by what they answer; of a cell's looks the last.
#[derive(Default)]
struct Answers<'a>(BTreeMap<Question<'a>, BTreeMap<(u64, usize), &'a Row>>);

type Question<'a> = (&'a str, &'a str, Way, Labels);

impl<'a> Answers<'a> {
    fn add(&mut self, row: &'a Row) {
        let question = (row.method.as_str(), row.data.as_str(), row.way, row.labels);
        let of_question = self.0.entry(question).or_default();
        let place = of_question.entry((row.seed, row.fold)).or_insert(row);
        if row.epochs > place.epochs {
            *place = row;
        }
    }

    /// The balanced accuracy on every seed and fold that there is.
    fn each(&self, question: Question<'_>) -> BTreeMap<(u64, usize), f64> {
        let rows = self.0.get(&question).into_iter().flatten();
        rows.map(|(place, row)| (*place, row.balanced_accuracy)).collect()
    }

    /// For each seed that has all folds its rows, fold by fold.
    fn complete(&self, question: Question<'_>, folds: &[usize]) -> BTreeMap<u64, Vec<&'a Row>> {
        let Some(rows) = self.0.get(&question) else { return BTreeMap::new() };
        let seeds: BTreeSet<u64> = rows.keys().map(|(seed, _)| *seed).collect();
        let of_seed =
            |seed: u64| folds.iter().map(|fold| rows.get(&(seed, *fold)).copied()).collect::<Option<Vec<_>>>();
        seeds.into_iter().filter_map(|seed| Some((seed, of_seed(seed)?))).collect()
    }
}

/// The tested clips of a data set, fold by fold.
struct Tested<'a> {
    dataset: &'a Dataset,
    folds: Vec<usize>,
    /// Clips of each fold, in the order of the data set.
    clips: Vec<Vec<usize>>,
}

impl<'a> Tested<'a> {
    fn new(dataset: &'a Dataset, folds: &[usize]) -> Self {
        let of_fold = |fold: &usize| {
            let tested = |clip: &usize| dataset.row(*clip).fold == Some(*fold) && dataset.label(*clip).is_some();
            (0..dataset.len()).filter(tested).collect()
        };
        Self { dataset, folds: folds.to_vec(), clips: folds.iter().map(of_fold).collect() }
    }

    /// What one seed's rows predicted, as certainties; `None` where they are of other data.
    fn predictions(&self, rows: &[&Row]) -> Option<Vec<ClipPrediction>> {
        let classes = self.dataset.classes().len();
        let mut all = Vec::new();
        for (clips, row) in self.clips.iter().zip(rows) {
            let found = from_letters(&row.predictions)?;
            if found.len() != clips.len() || found.iter().any(|class| *class >= classes) {
                return None;
            }
            for (&clip, class) in clips.iter().zip(found) {
                let mut probabilities = vec![0.0; classes];
                probabilities[class] = 1.0;
                let row = self.dataset.row(clip);
                let truth = self.dataset.label(clip)?;
                all.push(ClipPrediction { clip: row.clip.clone(), group: row.group.clone(), truth, probabilities });
            }
        }
        Some(all)
    }
}

/// - `asked`: places of the methods that the study asks this
fn table(
    study: &Study,
    (data, way, labels): (&str, Way, Labels),
    asked: &BTreeSet<usize>,
    test: &Tested<'_>,
    answers: &Answers<'_>,
) -> Table {
    let rows: Vec<BTreeMap<u64, Vec<&Row>>> = study
        .methods
        .iter()
        .map(|method| answers.complete((method.name.as_str(), data, way, labels), &test.folds))
        .collect();
    let entries = study.methods.iter().zip(&rows).enumerate().map(|(place, (method, rows))| Entry {
        method: method.name.clone(),
        asked: asked.contains(&place),
        seeds: rows.keys().copied().collect(),
        scores: entry_scores(test, rows),
    });
    let compared = study.compare.iter().filter_map(|&[better, baseline]| {
        let common: Vec<u64> = rows[better].keys().copied().filter(|seed| rows[baseline].contains_key(seed)).collect();
        let of = |method: usize| -> Option<ClipsBySeed<'_>> {
            let seeds = common.iter().map(|seed| test.predictions(&rows[method][seed])).collect::<Option<Vec<_>>>()?;
            (!seeds.is_empty()).then(|| ClipsBySeed { name: &study.methods[method].name, seeds })
        };
        Some(compare(&of(better)?, &of(baseline)?, test.dataset.classes().len(), DRAWS))
    });
    let compared: Vec<Comparison> = compared.collect();
    let corrected = holm(&compared.iter().map(|comparison| comparison.p_value).collect::<Vec<_>>());
    let comparisons =
        compared.into_iter().zip(corrected).map(|(comparison, p_holm)| Compared { comparison, p_holm }).collect();
    Table {
        data: data.to_owned(),
        way,
        labels,
        entries: entries.collect(),
        comparisons,
        ranks: fold_ranks(study, &rows, test),
    }
}

fn choice(study: &Study, data: &str, labels: Labels, folds: &[usize], answers: &Answers<'_>) -> Choice {
    let rows: Vec<BTreeMap<(u64, usize), f64>> =
        study.methods.iter().map(|method| answers.each((method.name.as_str(), data, Way::Inner, labels))).collect();
    let everywhere = |place: &(u64, usize)| rows.iter().all(|rows| rows.contains_key(place));
    let places = study.seeds.iter().flat_map(|seed| folds.iter().map(move |fold| (*seed, *fold)));
    let places: Vec<(u64, usize)> = places.filter(everywhere).collect();
    let best = |place: &(u64, usize)| rows.iter().map(|rows| rows[place]).fold(f64::NEG_INFINITY, f64::max);
    let entries = study.methods.iter().zip(&rows).map(|(method, rows)| {
        let balanced_accuracy: Vec<f64> = places.iter().map(|place| rows[place]).collect();
        Candidate {
            method: method.name.clone(),
            mean: stats::mean(&balanced_accuracy),
            first: places.iter().filter(|place| rows[place] >= best(place)).count(),
            balanced_accuracy,
        }
    });
    Choice { data: data.to_owned(), labels, places: places.len(), entries: entries.collect() }
}

fn entry_scores(test: &Tested<'_>, rows: &BTreeMap<u64, Vec<&Row>>) -> Option<EntryScores> {
    let seeds = rows.values().map(|rows| test.predictions(rows)).collect::<Option<Vec<_>>>()?;
    if seeds.is_empty() {
        return None;
    }
    let units: Vec<Vec<UnitPrediction>> =
        seeds.into_iter().map(|clips| clips.into_iter().map(UnitPrediction::from).collect()).collect();
    let scores = score_units(&units, test.dataset.classes().len(), DRAWS);
    let all = || rows.values().flatten();
    let over =
        |value: &dyn Fn(&Row) -> Option<f64>| stats::mean(&all().filter_map(|row| value(row)).collect::<Vec<_>>());
    let every = |value: &dyn Fn(&Row) -> f64| over(&|row| Some(value(row))).unwrap_or(0.0);
    Some(EntryScores {
        balanced_accuracy: scores.balanced_accuracy,
        frame_balanced_accuracy: every(&|row| row.frame_balanced_accuracy),
        macro_f1: scores.macro_f1.mean,
        auc: over(&|row| row.auc),
        published: over(&|row| row.published),
        images: every(&|row| row.images as f64),
        seconds: every(&|row| row.pretrain_seconds),
        groups: every(&|row| row.groups as f64),
    })
}

/// Mean ranks over folds, by the mean over the seeds that all methods have.
fn fold_ranks(study: &Study, rows: &[BTreeMap<u64, Vec<&Row>>], test: &Tested<'_>) -> Option<Ranks> {
    let (first, others) = rows.split_first()?;
    let common: Vec<u64> =
        first.keys().copied().filter(|seed| others.iter().all(|rows| rows.contains_key(seed))).collect();
    if common.is_empty() {
        return None;
    }
    let score = |fold: usize, rows: &BTreeMap<u64, Vec<&Row>>| {
        common.iter().map(|seed| rows[seed][fold].balanced_accuracy).sum::<f64>() / common.len() as f64
    };
    let blocks: Vec<Vec<f64>> =
        (0..test.folds.len()).map(|fold| rows.iter().map(|rows| score(fold, rows)).collect()).collect();
    ranks(study.methods.iter().map(|method| method.name.clone()).collect(), &blocks, DRAWS)
}

/// p values after Holm's step-down correction (Holm 1979), in their order.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (rank, place) in order.into_iter().enumerate() {
        least = least.max(p_values[place] * (p_values.len() - rank) as f64).min(1.0);
        corrected[place] = least;
    }
    corrected
}

fn facts(study: &Study, place: usize, dataset: &Dataset, folds: Vec<usize>) -> Judged {
    let set = &study.data[place];
    let class = |(class, name): (usize, &String)| {
        let clips: Vec<usize> = (0..dataset.len()).filter(|clip| dataset.label(*clip) == Some(class)).collect();
        (name.clone(), clips.len(), crate::evaluate::plan::groups_of(dataset, &clips).len())
    };
    Judged {
        name: set.name.clone(),
        hash: dataset.manifest().hash(),
        pretrained_on: match set.source {
            super::study::Source::Inside => "the training groups of each fold".to_owned(),
            super::study::Source::Other(other) => format!("all clips of {}", study.data[other].name),
        },
        classes: dataset.classes().iter().enumerate().map(class).collect(),
        folds,
    }
}

/// Each cell's pretraining once, and every answer.
fn seconds(rows: &[Row]) -> f64 {
    let mut pretraining: BTreeMap<(&str, &str, u64, usize, Labels), f64> = BTreeMap::new();
    for row in rows {
        let longest = pretraining.entry((&row.method, &row.data, row.seed, row.fold, row.labels)).or_default();
        *longest = longest.max(row.pretrain_seconds);
    }
    // An encoder that is asked with several budgets or on several folds was pretrained once.
    let mut once: BTreeSet<(&str, &str, u64, u64)> = BTreeSet::new();
    let pretraining: f64 = pretraining
        .into_iter()
        .filter(|((method, data, seed, ..), seconds)| once.insert((method, data, *seed, seconds.to_bits())))
        .map(|(_, seconds)| seconds)
        .sum();
    pretraining + rows.iter().map(|row| row.seconds).sum::<f64>()
}

fn warnings(study: &Study, missing: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if missing > 0 {
        warnings
            .push(format!("{missing} cells are not finished: figures are over the seeds of which every fold is there"));
    }
    if study.seeds.len() == 1 {
        warnings.push("one seed: how far the figures move from seed to seed is not known".to_owned());
    }
    for method in study.methods.iter().filter(|method| matches!(method.start, Start::Weights(_))) {
        warnings
            .push(format!("{}: weights from elsewhere; which patients they have seen is not known here", method.name));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_by_hand() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
        assert_eq!(holm(&[0.5, 0.9]), [1.0, 1.0]);
        assert_eq!(holm(&[]), [0.0; 0]);
    }
}
