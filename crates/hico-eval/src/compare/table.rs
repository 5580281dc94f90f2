//! Every answer with its figures as a row of CSV, for a spreadsheet; one within the training groups as a row for each strength of
//! its probe.

use super::answer::{Answer, InnerScores};
use super::answers::units;
use super::study::Study;
use crate::outcome::Unit;
use crate::scores::{macro_auc, rankings};
use crate::stats;
use hico_data::Dataset;
use hico_model::rows::argmax;
use hico_train::metrics::{Confusion, brier, log_loss};
use hico_train::predictions::{UnitPrediction, per_frame};
use serde::Serialize;
use std::sync::Arc;

/// A row: the answer, and what it reached on its fold.
#[derive(Serialize)]
struct Row<'a> {
    method: &'a str,
    data: &'a str,
    fold: usize,
    seed: u64,
    labels: String,
    evaluation: String,
    epochs: usize,
    images: u64,
    groups: usize,
    clips: usize,
    chosen: &'a str,
    patient_balanced_accuracy: Option<f64>,
    patient_macro_auc: Option<f64>,
    patient_log_loss: Option<f64>,
    patient_brier: Option<f64>,
    clip_balanced_accuracy: Option<f64>,
    clip_macro_auc: Option<f64>,
    frame_balanced_accuracy: Option<f64>,
    inner_strength: Option<f64>,
    inner_balanced_accuracy: Option<f64>,
    inner_macro_auc: Option<f64>,
    published: Option<f64>,
    pretrain_seconds: f64,
    seconds: f64,
}

/// Returns all answers as CSV with a header.
#[must_use]
#[expect(clippy::expect_used, reason = "writing flat rows to memory cannot fail")]
pub fn to_csv(study: &Study, data: &[Arc<Dataset>], answers: &[Answer]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for answer in answers {
        let place = study.data.iter().position(|of| of.name == answer.data);
        let Some(dataset) = place.and_then(|place| data.get(place)) else { continue };
        for row in rows(dataset, answer) {
            writer.serialize(row).expect("a flat row");
        }
    }
    String::from_utf8(writer.into_inner().expect("memory")).expect("text")
}

/// One row, or one for each strength of a probe within the training groups.
fn rows<'a>(dataset: &Dataset, answer: &'a Answer) -> Vec<Row<'a>> {
    let all: Vec<Option<&InnerScores>> =
        if answer.inner.is_empty() { vec![None] } else { answer.inner.iter().map(Some).collect() };
    all.into_iter().map(|inner| row(dataset, answer, inner)).collect()
}

fn row<'a>(dataset: &Dataset, answer: &'a Answer, inner: Option<&InnerScores>) -> Row<'a> {
    let classes = dataset.classes().len();
    let [patients, clips] = [Unit::Patient, Unit::Clip].map(|unit| units(dataset, &[answer], unit));
    let frames = per_frame(dataset, &answer.predictions);
    let accuracy = |units: &[UnitPrediction]| {
        let found = units.iter().map(|unit| (unit.truth, argmax(&unit.probabilities)));
        Confusion::of(classes, found).balanced_accuracy()
    };
    let area = |units: &[UnitPrediction]| macro_auc(&rankings(units, classes), |_| 1.0);
    let mean = |loss: fn(usize, &[f64]) -> f64| {
        stats::mean(&patients.iter().map(|unit| loss(unit.truth, &unit.probabilities)).collect::<Vec<_>>())
    };
    Row {
        method: &answer.method,
        data: &answer.data,
        fold: answer.fold,
        seed: answer.seed,
        labels: answer.labels.to_string(),
        evaluation: answer.evaluation.to_string(),
        epochs: answer.epochs,
        images: answer.images,
        groups: answer.groups,
        clips: answer.clips,
        chosen: &answer.chosen,
        patient_balanced_accuracy: accuracy(&patients),
        patient_macro_auc: area(&patients),
        patient_log_loss: mean(log_loss),
        patient_brier: mean(brier),
        clip_balanced_accuracy: accuracy(&clips),
        clip_macro_auc: area(&clips),
        frame_balanced_accuracy: accuracy(&frames),
        inner_strength: inner.map(|inner| inner.strength),
        inner_balanced_accuracy: inner.map(|inner| inner.balanced_accuracy),
        inner_macro_auc: inner.and_then(|inner| inner.macro_auc),
        published: answer.published,
        pretrain_seconds: answer.pretrain_seconds,
        seconds: answer.seconds,
    }
}
