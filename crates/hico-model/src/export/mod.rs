//! Weights out: an encoder or a classifier in the names and formats of other programs, each with a card.
//!
//! - [`source`]: what is exported: a run, a fine-tuned network, or a file of weights
//! - [`tensors`]: safetensors, by the names of torchvision, timm, HiCo's authors or ours
//! - [`onnx`]: ONNX; [`check`]: whether ONNX Runtime computes what we do

pub mod onnx;
pub mod source;
pub mod check;
pub mod tensors;

use crate::Error;
use hico_data::atomic;
use onnx::{Part, Read};
use source::Source;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Safetensors by our names.
    Hico,
    /// Safetensors by torchvision's names.
    Torchvision,
    /// Safetensors by timm's names.
    Timm,
    /// Safetensors by the names of HiCo's authors.
    Authors,
    /// A graph.
    Onnx(Part),
}

/// The bytes of a file, and what is in it.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// Names of the tensors in it.
    pub written: Vec<String>,
    /// Our names of the source's tensors that it has no place for.
    pub left_out: Vec<String>,
}

/// The source in another format.
///
/// - `side`: of the images, pixels; a graph is made for one side
///
/// # Errors
/// When the source lacks what was asked for.
pub fn export(source: &Source, target: Target, side: usize) -> Result<Exported, Error> {
    match target {
        Target::Onnx(part) => graph(source, part, side),
        Target::Hico | Target::Torchvision | Target::Timm | Target::Authors => tensors::export(source, target),
    }
}

fn graph(source: &Source, part: Part, side: usize) -> Result<Exported, Error> {
    if part == Part::Pyramid && !source.pretrained.found().pyramid {
        return Err(Error::NoPyramid(source.path.clone()));
    }
    let mut tensors: Vec<_> = source.pretrained.found().given().cloned().collect();
    if part == Part::Classifier {
        let head = source.head().ok_or_else(|| Error::NoClassifier(source.path.clone()))?;
        tensors.extend(head.into_iter().cloned());
    }
    let (features, top) = match part {
        Part::Encoder | Part::Pyramid => (source.reads, false),
        Part::Classifier => source.head_input().unwrap_or_default(),
    };
    let mut facts = source.facts(side);
    facts.insert("features".to_owned(), features.to_string());
    let bytes = onnx::to_onnx(&tensors, source.pretrained.backbone, Read { part, features, top }, side, &facts)?;
    let pyramid = part == Part::Pyramid || features.reads_pyramid() || top;
    let read = |name: &str| match part {
        Part::Encoder => name.starts_with("encoder.backbone.") || (pyramid && name.starts_with("encoder.pyramid.")),
        Part::Pyramid | Part::Classifier => pyramid || !name.starts_with("encoder.pyramid."),
    };
    let written: Vec<String> = tensors.iter().map(|tensor| tensor.name.clone()).filter(|name| read(name)).collect();
    let left_out = source.tensors.iter().map(|tensor| tensor.name.clone()).filter(|name| !written.contains(name));
    Ok(Exported { left_out: left_out.collect(), bytes, written })
}

/// The files of an export: the weights, and beside them the card as Markdown and as JSON, named after the whole name of the
/// file, so that `lung.onnx` and `lung.safetensors` have a card each.
#[must_use]
pub fn files(out: &Path) -> [PathBuf; 3] {
    let card = |suffix: &str| {
        let mut name = out.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    [out.to_owned(), card(".card.md"), card(".card.json")]
}

/// Makes the folder of an export, where it is missing.
///
/// # Errors
/// When it cannot be made.
pub fn folder_of(out: &Path) -> Result<(), Error> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.map_err(|source| Error::Write { path: out.to_owned(), source })
}

/// Refuses to write over anything but the card of an export that was killed before it wrote its weights, which come last.
///
/// # Errors
/// When one of [`files`] is there.
pub fn free(out: &Path) -> Result<(), Error> {
    if let Some(folder) = out.parent().filter(|folder| folder.is_dir()) {
        // Left by an export that was killed; that they stay is no reason to stop.
        atomic::remove_halves(folder).ok();
    }
    if was_killed(out) {
        return Ok(());
    }
    match files(out).into_iter().find(|path| path.exists()) {
        Some(path) => Err(Error::Exists(path)),
        None => Ok(()),
    }
}

/// Whether the card of `out` is there and its weights are not.
fn was_killed(out: &Path) -> bool {
    let [weights, _, card] = files(out);
    let of = || serde_json::from_slice::<serde_json::Value>(&std::fs::read(card).ok()?).ok();
    let named = |card: serde_json::Value| card.get("file")?.as_str().map(str::to_owned);
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned());
    !weights.exists() && name.is_some() && of().and_then(named) == name
}

/// Facts by name, as both kinds of file carry them.
pub(crate) type Facts = BTreeMap<String, String>;
