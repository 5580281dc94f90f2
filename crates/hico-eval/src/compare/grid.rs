//! The cells of a study: each is one encoder and every question put to it, so that no cell waits for another.

use super::labels::Labels;
use super::study::{PretrainedOn, Start, Study};
use crate::Error;
use hico_data::{Dataset, Seed};
use hico_train::method::{Hico, MethodName};
use hico_train::plan;
use std::sync::Arc;

/// What an encoder has learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trained {
    /// Nothing here: its weights are random or from a file.
    Nothing,
    /// The clips of all groups of a data set, by its place, that a fold does not test.
    Inside {
        /// The data set.
        data: usize,
        /// The fold.
        fold: usize,
    },
    /// All clips of a data set, by its place.
    Whole {
        /// The data set.
        data: usize,
    },
}

/// One encoder and what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its name: of its file, and in lists.
    pub name: String,
    /// The method, by its place in the study.
    pub method: usize,
    /// What the encoder learns from.
    pub trained: Trained,
    /// The labels that pretraining may know. A method that reads none is not repeated for every budget.
    pub labels: Labels,
    /// The seed.
    pub seed: u64,
    /// Data sets, by their places, and folds that it is tested on.
    pub tests: Vec<(usize, usize)>,
    /// The only label budget it is asked with, where its pretraining knew labels of the data it is tested on; else every
    /// budget of the study.
    pub only: Option<Labels>,
}

impl Cell {
    /// Whether it is asked with these labels, a budget of the study.
    #[must_use]
    pub fn is_asked_with(&self, labels: Labels) -> bool {
        self.only.is_none_or(|only| only == labels)
    }

    /// Whether it is tested on a data set.
    ///
    /// - `data`: its place in the study
    #[must_use]
    pub fn is_tested_on(&self, data: usize) -> bool {
        self.tests.iter().any(|(of, _)| *of == data)
    }
}

/// Refuses to read features from a pyramid where an encoder has none; of one that is still in its file nothing is known.
pub(super) fn check_pyramids(study: &Study) -> Result<(), Error> {
    (0..study.methods.len()).try_for_each(|method| {
        check_pyramid(
            study,
            method,
            match &study.methods[method].start {
                Start::Recipe(recipe) => recipe.method().name() == MethodName::of::<Hico>(),
                Start::Given(pretrained) => pretrained.has_pyramid(),
                Start::Random | Start::Scratch | Start::Weights(_) | Start::Baseline(_) => true,
            },
        )
    })
}

pub(super) fn check_pyramid(study: &Study, method: usize, has_pyramid: bool) -> Result<(), Error> {
    match study.evaluation.features.iter().any(|set| set.reads_pyramid()) && !has_pyramid {
        true => Err(Error::NoPyramidToRead(study.methods[method].name.clone())),
        false => Ok(()),
    }
}

/// All cells of a study, in the order in which they are best run: every method on a fold before the next fold, every
/// fold before the next seed, so that an unfinished study compares like with like. An encoder that is pretrained on another
/// data set is one cell, whatever the number of sets and folds that it is tested on.
///
/// # Errors
/// When the folds of a data set do not do, or features are to be read from a pyramid that an encoder does not have.
pub fn cells(study: &Study, data: &[Arc<Dataset>]) -> Result<Vec<Cell>, Error> {
    check_pyramids(study)?;
    let folds = folds(study, data)?;
    let mut cells = Vec::new();
    for &seed in &study.seeds {
        let evaluated = || study.data.iter().enumerate().filter(|(_, set)| set.evaluated);
        let encoders = || (0..study.methods.len()).filter(|method| !study.methods[*method].is_baseline());
        for (place, _) in evaluated().filter(|(_, set)| set.source == PretrainedOn::Inside) {
            for &fold in &folds[place] {
                for method in encoders() {
                    inside(study, method, place, fold, seed, &mut cells);
                }
            }
        }
        let mut pools: Vec<usize> = Vec::new();
        for (_, set) in evaluated() {
            if let PretrainedOn::Other(from) = set.source
                && !pools.contains(&from)
            {
                pools.push(from);
            }
        }
        for from in pools {
            // Pretrained once, and then evaluated on every set and fold that takes it.
            let of_pool = evaluated().filter(|(_, set)| set.source == PretrainedOn::Other(from));
            let tests: Vec<(usize, usize)> =
                of_pool.flat_map(|(place, _)| folds[place].iter().map(move |&fold| (place, fold))).collect();
            cells.extend(encoders().map(|method| transfer(study, method, from, seed, tests.clone())));
        }
        for (place, _) in evaluated() {
            let of_set = (0..study.methods.len()).filter(|method| study.methods[*method].is_baseline());
            cells.extend(of_set.map(|method| baseline(study, method, place, seed, &folds[place])));
        }
    }
    Ok(cells)
}

/// The folds of every data set that are tested; of every fold it is checked that it can be.
fn folds(study: &Study, data: &[Arc<Dataset>]) -> Result<Vec<Vec<usize>>, Error> {
    let of_set = |(set, dataset): (&super::study::StudyData, &Arc<Dataset>)| {
        if !set.evaluated {
            return Ok(Vec::new());
        }
        let plan = |source| Error::InData { data: set.name.clone(), source: Box::new(source) };
        let all = plan::folds(dataset).map_err(|error| plan(error.into()))?;
        let folds = set.folds.clone().unwrap_or(all);
        for &fold in &folds {
            for (evaluation, budgets) in study.evaluation.evaluations() {
                for labels in budgets {
                    study
                        .evaluation
                        .plan(dataset, fold, (evaluation.mode, *labels), Seed(study.seeds[0]))
                        .map_err(plan)?;
                }
            }
        }
        Ok(folds)
    };
    study.data.iter().zip(data).map(of_set).collect()
}

fn inside(study: &Study, method: usize, data: usize, fold: usize, seed: u64, cells: &mut Vec<Cell>) {
    let (named, set) = (&study.methods[method], &study.data[data].name);
    let cell = |name: String, trained, labels, only| Cell {
        name,
        method,
        trained,
        labels,
        seed,
        tests: vec![(data, fold)],
        only,
    };
    let plain = format!("{}--{set}-fold{fold}--seed{seed}", named.name);
    match &named.start {
        Start::Random | Start::Scratch | Start::Weights(_) | Start::Given(_) | Start::Baseline(_) => {
            cells.push(cell(plain, Trained::Nothing, Labels::All, None));
        }
        Start::Recipe(_) if !named.reads_labels() => {
            cells.push(cell(plain, Trained::Inside { data, fold }, Labels::All, None));
        }
        Start::Recipe(_) => {
            let wanted = |labels: &Labels| named.labels.as_ref().is_none_or(|wanted| wanted.contains(labels));
            for labels in budgets(study).into_iter().filter(wanted) {
                let name = format!("{plain}--labels-{labels}");
                cells.push(cell(name, Trained::Inside { data, fold }, labels, Some(labels)));
            }
        }
    }
}

/// A baseline on all folds of a set: it costs next to nothing.
fn baseline(study: &Study, method: usize, data: usize, seed: u64, folds: &[usize]) -> Cell {
    let name = format!("{}--{}--seed{seed}", study.methods[method].name, study.data[data].name);
    let tests = folds.iter().map(|&fold| (data, fold)).collect();
    Cell { name, method, trained: Trained::Nothing, labels: Labels::All, seed, tests, only: None }
}

fn transfer(study: &Study, method: usize, from: usize, seed: u64, tests: Vec<(usize, usize)>) -> Cell {
    let named = &study.methods[method];
    let trained = match named.start {
        Start::Random | Start::Scratch | Start::Weights(_) | Start::Given(_) | Start::Baseline(_) => Trained::Nothing,
        Start::Recipe(_) => Trained::Whole { data: from },
    };
    let name = format!("{}--on-{}--seed{seed}", named.name, study.data[from].name);
    Cell { name, method, trained, labels: Labels::All, seed, tests, only: None }
}

/// Every label budget of any evaluation, all labels first and then fewer and fewer.
#[must_use]
pub fn budgets(study: &Study) -> Vec<Labels> {
    let mut budgets: Vec<Labels> =
        study.evaluation.evaluations().into_iter().flat_map(|(_, budgets)| budgets.iter().copied()).collect();
    budgets.sort_unstable_by(|a, b| b.cmp(a));
    budgets.dedup();
    budgets
}
