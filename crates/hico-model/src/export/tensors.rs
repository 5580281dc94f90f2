//! Safetensors by the names of other programs.

use super::source::Source;
use super::{Exported, Target};
use crate::backbone::Library;
use crate::classifier_file::FACTS;
use crate::weights::{self, NamedTensor, Naming};
use crate::{Error, FeatureSet};
use std::collections::BTreeSet;

/// The source's tensors by the names of `target`, as far as they have a name there.
///
/// # Errors
/// When two tensors come to the same name, or the library has no such network.
pub(super) fn export(source: &Source, target: Target) -> Result<Exported, Error> {
    let ours = |name: &str| Some(name.to_owned());
    let authors = |name: &str| (!name.starts_with("head.")).then(|| Naming::Authors.name(name));
    let names: Names<'_> = match target {
        Target::Hico | Target::Onnx(_) => Box::new(ours),
        Target::Authors => Box::new(authors),
        Target::Torchvision => of_library(source, Library::Torchvision)?,
        Target::Timm => of_library(source, Library::Timm)?,
    };
    let (mut renamed, mut left) = (Vec::new(), Vec::new());
    for tensor in &source.tensors {
        match names(&tensor.name) {
            Some(name) => renamed.push(NamedTensor { name, ..tensor.clone() }),
            None => left.push(tensor.name.clone()),
        }
    }
    let mut metadata = source.facts(source.view().side);
    // The mark by which PyTorch's readers know that shapes are theirs.
    metadata.insert("format".to_owned(), "pt".to_owned());
    if target == Target::Hico {
        let facts = source.classifier.as_ref().and_then(|facts| serde_json::to_string(facts).ok());
        metadata.extend(facts.map(|facts| (FACTS.to_owned(), facts)));
    }
    Ok(Exported {
        bytes: weights::to_safetensors(&renamed, &metadata)?,
        written: renamed.into_iter().map(|tensor| tensor.name).collect(),
        left_out: left,
    })
}

/// What our name becomes; `None` for what has no place there.
type Names<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// The names of a library: of the backbone its own, and of a classifier that reads what the library's does.
fn of_library(source: &Source, library: Library) -> Result<Names<'_>, Error> {
    let backbone = source.pretrained.backbone.get();
    if !backbone.libraries().contains(&library) {
        return Err(Error::NotInLibrary { library: library.name(), backbone: backbone.title() });
    }
    // `encoder.backbone.fc`, which HiCo's authors carry along unused, would be taken for a classifier.
    let inside: BTreeSet<String> = backbone.architecture().tensors().into_iter().map(|(name, _)| name).collect();
    let classifier = backbone.classifier().filter(|_| head_fits(source));
    Ok(Box::new(move |name| match (name.strip_prefix("encoder.backbone."), name.strip_prefix("head.")) {
        (Some(own), _) => inside.contains(own).then(|| own.to_owned()),
        (None, Some(part @ ("weight" | "bias"))) => Some(format!("{}.{part}", classifier?)),
        _ => None,
    }))
}

/// torchvision's `fc` reads averaged C5 and nothing else.
fn head_fits(source: &Source) -> bool {
    source.head_input() == Some((FeatureSet::C5, false))
}
