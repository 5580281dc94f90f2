//! A model card (Mitchell et al. 2019): what a reader must know of exported weights, as JSON and as Markdown.

mod figures;
mod markdown;

use figures::{Figures, Row};
pub use hico_train::pretrained;
use hico_train::run_record::RunRecord;

use crate::compare::summary::Summary;
use hico_model::export::check::Checked;
use hico_model::export::source::{RESIZE, Source};
use hico_model::export::{Exported, Target};
use hico_model::history::{History, Reached};
use hico_model::weights::{LoadReport, hex};
use hico_model::{BackboneName, FeatureSet, VERSION};
use hico_train::recipe::Recipe;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// What a person says of an export; nothing here can be known from the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statements {
    /// Licence of the data that the weights were trained on.
    pub data_licence: Option<String>,
    /// What the weights are meant for.
    pub intended_use: Option<String>,
    /// Whether the names of the groups stay out of the card; their number does not.
    pub hide_groups: bool,
}

/// What a reader must know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// Name of the file of weights.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// What it is.
    pub format: Target,
    /// Version of the program that wrote it.
    pub hico: String,
    /// Where the weights come from.
    pub source: Origin,
    /// The network.
    pub network: Network,
    /// How a picture is prepared.
    pub preprocessing: Preprocessing,
    /// The weights that it began with, how it was fine-tuned and what it reached, as the weights tell it.
    pub history: History,
    /// The same in words.
    pub history_in_words: String,
    /// What it reached on patients that it never saw, or that it was never tested; absent for an encoder.
    pub reached: Option<Reached>,
    /// What was learnt from; absent where the weights do not say.
    pub data: Option<Data>,
    /// The recipe of the pretraining, every key; absent where there was none of ours.
    pub recipe: Option<Recipe>,
    /// Licence of the data, as its user states it.
    pub data_licence: Option<String>,
    /// What the weights reached, and the baselines beside it.
    pub evaluations: Vec<Figures>,
    /// What the weights are meant for.
    pub intended_use: String,
    /// What they are not good for.
    pub limits: Vec<String>,
    /// The comparison with another runtime; absent where none was made.
    pub checked: Option<Checked>,
}

/// Where the weights come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Last part of the path that was named.
    pub name: String,
    /// SHA-256 of the file that was read.
    pub sha256: String,
    /// One sentence.
    pub description: String,
    /// What of it is the encoder.
    pub report: LoadReport,
    /// Our names of what the exported format has no place for.
    pub left_out: Vec<String>,
}

/// The network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    /// Its backbone.
    pub backbone: BackboneName,
    /// What its features are read from: the maps, and the figures of each.
    pub reads: FeatureSet,
    /// Length of the features.
    pub features: usize,
    /// Whether the source has a pyramid.
    pub pyramid: bool,
    /// The classes in the order of the outputs; absent where there is no classifier or it does not name them.
    pub classes: Option<Vec<String>>,
    /// What its logits are divided by before the softmax, so that its confidence is calibrated; absent without a classifier.
    pub temperature: Option<f64>,
    /// Names of the tensors in the file, or, for ONNX, of those that became a graph.
    pub tensors: Vec<String>,
}

/// How a picture is prepared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preprocessing {
    /// Whether the weights say so; otherwise these are our defaults.
    #[serde(rename = "recorded")]
    pub known: bool,
    /// Height and width, pixels.
    #[serde(rename = "image_size")]
    pub side: usize,
    /// How a frame comes to them.
    pub resize: &'static str,
    /// The order of the channels; a grey frame is three equal ones.
    pub channels: &'static str,
    /// Subtracted from each value in `[0, 1]`, in every channel.
    pub mean: f64,
    /// Each value is then divided by this.
    pub std: f64,
}

/// What was learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Data {
    /// Hash of the data set's table.
    pub hash: String,
    /// What the weights learnt of it.
    pub role: &'static str,
    /// Clips learnt from; absent where that is not recorded.
    pub clips: Option<usize>,
    /// Groups (patients) seen on the way: learnt from, or watched to choose the best epoch.
    pub groups: Option<usize>,
    /// Their names, by which a later test knows what it must not test on; absent where hidden.
    pub group_names: Option<Vec<String>>,
}

/// What the weights are meant for where nobody says otherwise.
const INTENDED_USE: &str =
    "Research: as the start of fine-tuning on ultrasound, or as fixed features. Not a medical device.";

impl Card {
    /// The card of an export.
    #[must_use]
    pub fn new(
        source: &Source,
        target: Target,
        side: usize,
        out: &Path,
        exported: &Exported,
        studies: &[Summary],
        statements: &Statements,
    ) -> Self {
        let view = source.view();
        let found = source.pretrained.found();
        let run = pretrained::run_in(&source.path).ok();
        Self {
            file: last_part(out),
            sha256: hex(&Sha256::digest(&exported.bytes)),
            format: target,
            hico: VERSION.to_owned(),
            source: Origin {
                name: last_part(&source.path),
                sha256: source.sha256.clone(),
                description: source.pretrained.description.clone(),
                report: found.report.clone(),
                left_out: exported.left_out.clone(),
            },
            network: Network {
                backbone: found.backbone,
                features: source.reads.len(found.backbone),
                reads: source.reads,
                pyramid: found.pyramid,
                classes: source.classifier.as_ref().map(|facts| facts.classes.clone()),
                temperature: source.classifier.as_ref().map(|facts| facts.temperature),
                tensors: exported.written.clone(),
            },
            preprocessing: Preprocessing {
                known: source.known_view().is_some(),
                side,
                resize: RESIZE,
                channels: "RGB",
                mean: view.mean,
                std: view.std,
            },
            reached: source.classifier.as_ref().map(|_| Reached::of(source.history.test.as_ref())),
            history_in_words: source.history.words(),
            history: if statements.hide_groups {
                source.history.clone().without_names()
            } else {
                source.history.clone()
            },
            data: data(source, run.as_ref().map(|(record, _)| record), statements.hide_groups),
            recipe: run.map(|(_, recipe)| recipe),
            data_licence: statements.data_licence.clone(),
            evaluations: studies.iter().flat_map(|study| Figures::of(study, &source.history)).collect(),
            intended_use: statements.intended_use.clone().unwrap_or_else(|| INTENDED_USE.to_owned()),
            limits: limits(source, side, studies, statements),
            checked: None,
        }
    }

    /// The card for people.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::of(self)
    }
}

fn last_part(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn data(source: &Source, run: Option<&RunRecord>, hide_groups: bool) -> Option<Data> {
    if let Some(record) = run {
        let mut groups: Vec<String> = record.groups.iter().chain(&record.val_groups).cloned().collect();
        groups.sort();
        groups.dedup();
        return Some(Data {
            hash: record.data.hash.clone(),
            role: "pretrained on",
            clips: Some(record.clips.len()),
            groups: Some(groups.len()),
            group_names: (!hide_groups).then_some(groups),
        });
    }
    let hash = source.history.data().or_else(|| source.classifier.as_ref().map(|facts| facts.data.as_str()))?;
    let (names, all) = source.history.seen();
    let tuning = source.history.tuning.as_ref();
    Some(Data {
        hash: hash.to_owned(),
        role: if source.classifier.is_some() { "fine-tuned on folds of" } else { "pretrained on" },
        clips: tuning.map(|tuning| tuning.clips.iter().sum()),
        groups: all.then_some(names.len()),
        group_names: (all && !hide_groups).then(|| names.into_iter().collect()),
    })
}

fn limits(source: &Source, side: usize, studies: &[Summary], statements: &Statements) -> Vec<String> {
    let found = source.pretrained.found();
    let mut limits = vec![
        "It knows the probes, settings and patients of its data, and may fail without a sign on others.".to_owned(),
    ];
    if studies.is_empty() {
        limits.push("No evaluation is given, so its accuracy is unknown. `hico crossval` measures it.".to_owned());
    }
    let entries = studies.iter().flat_map(|study| &study.tables).flat_map(|table| &table.entries);
    if entries.filter_map(|entry| entry.scores.as_ref()).any(|scores| !scores.seen_groups().is_empty()) {
        limits.push("Some tested groups were seen in pretraining: those figures are too good.".to_owned());
    }
    match source.known_view() {
        None => limits.push(
            "The weights do not say how their pictures were preprocessed; mean, deviation and image size are HiCo's defaults."
                .to_owned(),
        ),
        Some(view) if view.side != side => {
            limits.push(format!("It was trained at an image size of {} pixels and is set up here for {side}.", view.side));
        }
        Some(_) => {}
    }
    let (_, all_known) = source.history.seen();
    if !all_known || (statements.hide_groups && source.history != History::random()) {
        limits.push(
            "Which patients its pretraining saw is not recorded: contamination of a test cannot be detected."
                .to_owned(),
        );
    }
    if source.classifier.is_some() {
        let reached = Reached::of(source.history.test.as_ref());
        limits.extend(reached.warning.as_deref().map(as_sentence));
    }
    if !found.report.missing.is_empty() {
        limits.push("It has no feature pyramid.".to_owned());
    }
    if statements.data_licence.is_none() {
        limits.push(
            "The licence of its data is not stated: clarify it before you use or publish the weights.".to_owned(),
        );
    }
    limits
}

/// A clause as a sentence of its own.
fn as_sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    format!("{}.", first.chain(letters).collect::<String>())
}

#[cfg(test)]
mod tests;
