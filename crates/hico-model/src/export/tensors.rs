//! Safetensors by the names of other programs.

use super::source::Source;
use super::{Exported, Target};
use crate::classifier_file::FACTS;
use crate::weights::{self, NamedTensor, Naming};
use crate::{Error, FeatureSet};

/// The source's tensors by the names of `target`, as far as they have a name there.
///
/// # Errors
/// When two tensors come to the same name.
pub(super) fn export(source: &Source, target: Target) -> Result<Exported, Error> {
    let (naming, fits): (Naming, &dyn Fn(&NamedTensor) -> bool) = match target {
        Target::Hico => (Naming::Ours, &|_| true),
        Target::Authors => (Naming::Authors, &|tensor| !tensor.name.starts_with("head.")),
        Target::Torchvision | Target::Timm | Target::Onnx(_) => {
            (Naming::Torchvision, &|tensor| is_backbone(&tensor.name) || (is_head(&tensor.name) && head_fits(source)))
        }
    };
    let (kept, left): (Vec<_>, Vec<_>) = source.tensors.iter().partition(|&tensor| fits(tensor));
    let renamed: Vec<NamedTensor> =
        kept.into_iter().map(|tensor| NamedTensor { name: naming.name(&tensor.name), ..tensor.clone() }).collect();
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
        left_out: left.into_iter().map(|tensor| tensor.name.clone()).collect(),
    })
}

/// Whether torchvision's network has it; `encoder.backbone.fc`, which HiCo's authors carry along unused, would be taken
/// for a classifier.
fn is_backbone(name: &str) -> bool {
    name.starts_with("encoder.backbone.") && Naming::Torchvision.name(name) != name
}

fn is_head(name: &str) -> bool {
    matches!(name, "head.weight" | "head.bias")
}

/// torchvision's `fc` reads averaged C5 and nothing else.
fn head_fits(source: &Source) -> bool {
    source.head_input() == Some((FeatureSet::C5, false))
}
