//! What weights reached, by the summaries of studies.

use crate::compare::answer::Evaluation;
use crate::compare::labels::Labels;
use crate::compare::summary::{DataFacts, Role, Summary, Table};
use hico_model::estimate::Estimate;
use hico_model::history::{History, PretrainingFacts};
use serde::Serialize;
use std::collections::BTreeSet;

/// What one table of a study found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// The command that made it.
    pub command: String,
    /// Hash of the table of the data it was tested on.
    pub data: String,
    /// How the encoders were evaluated.
    pub evaluation: Evaluation,
    /// The labels that were known.
    pub labels: Labels,
    /// Folds.
    pub folds: Vec<usize>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// How much was tested.
    pub tested: Tested,
    /// A row a method.
    pub rows: Vec<Row>,
    /// What a reader must know before believing a number.
    pub warnings: Vec<String>,
}

/// How much was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// Clips.
    pub clips: usize,
    /// Groups that they belong to.
    pub groups: usize,
}

/// Figures of one method, a patient the unit; intervals are 95 % of a bootstrap over groups and seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The method.
    pub name: String,
    /// Baseline or pretrained.
    pub role: Role,
    /// Share of patients classified right.
    pub accuracy: Estimate,
    /// Mean over classes of the share classified right.
    pub balanced_accuracy: Estimate,
    /// The same, a clip the unit.
    pub clip_balanced_accuracy: Estimate,
    /// Mean over classes of F1.
    pub macro_f1: Estimate,
    /// Mean area under the ROC curves.
    pub auc: Option<Estimate>,
}

/// What keeps a study from speaking of these weights: other encoders, patients that they saw.
fn doubts(summary: &Summary, history: &History) -> Vec<String> {
    let mut doubts = Vec::new();
    let ours = history.pretraining();
    let is_this = |facts: &PretrainingFacts| {
        ours.is_some_and(|ours| {
            (&ours.run, &ours.data, ours.seed, ours.clips) == (&facts.run, &facts.data, facts.seed, facts.clips)
        })
    };
    let is_ours = match ours {
        Some(_) => summary.pretraining.iter().any(is_this),
        None => summary.pretraining.is_empty(),
    };
    if !is_ours {
        let runs: BTreeSet<&str> = summary.pretraining.iter().map(|facts| facts.run.as_str()).collect();
        let runs = if runs.is_empty() {
            "none that it names".to_owned()
        } else {
            runs.into_iter().collect::<Vec<_>>().join(", ")
        };
        doubts
            .push(format!("these figures are of networks from other pretraining runs ({runs}), not of these weights"));
        let (seen, _) = history.seen();
        let tested: BTreeSet<&String> = summary.data.iter().flat_map(|data| &data.tested_groups).collect();
        let both = tested.into_iter().filter(|group| seen.contains(*group)).count();
        if both > 0 {
            doubts.push(format!("these weights saw {both} of the tested patients"));
        }
    }
    doubts
}

impl Figures {
    /// The figures of each table of a study.
    pub(super) fn of(summary: &Summary, history: &History) -> Vec<Self> {
        let doubts = doubts(summary, history);
        let data = |table: &Table| summary.data.iter().find(|data| data.name == table.data);
        let tables = summary.tables.iter().filter_map(|table| Some((table, data(table)?)));
        let of_table = |(table, data): (&Table, &DataFacts)| {
            let rows = table.asked().filter_map(|entry| {
                let scores = &entry.scores.as_ref()?.scores;
                let patient = &scores.patient;
                Some(Row {
                    name: entry.method.clone(),
                    role: summary.methods.iter().find(|method| method.name == entry.method)?.role,
                    accuracy: patient.accuracy,
                    balanced_accuracy: patient.balanced_accuracy,
                    clip_balanced_accuracy: scores.clip.balanced_accuracy,
                    macro_f1: patient.macro_f1,
                    auc: patient.auc,
                })
            });
            Self {
                command: summary.origin.command.clone(),
                data: data.hash.clone(),
                evaluation: table.evaluation,
                labels: table.labels,
                folds: data.folds.clone(),
                seeds: summary.seeds.clone(),
                tested: Tested { clips: data.tested_clips, groups: data.tested_groups.len() },
                rows: rows.collect(),
                warnings: doubts.iter().chain(&summary.warnings).cloned().collect(),
            }
        };
        tables.map(of_table).collect()
    }
}
