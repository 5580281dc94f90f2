//! ONNX: the encoder, the encoder with its pyramid, or a classifier, as a graph of standard operators.
//!
//! - `network`: which operation follows which
//! - `graph`: one method an operation
//! - [`proto`]: the file format
//!
//! Batch norms stay as they are and weights keep the backbone's own names, a ResNet's torchvision's (`layer1.0.conv1.weight`; beside them
//! `pyramid.lateral5.weight` and `fc.weight`), so that what is in the file can be compared with what went in. Operators are of opset
//! 18, whose `Resize` takes a size for two axes alone; ONNX Runtime has had it since 1.14.

pub mod proto;
mod graph;
mod network;

use crate::weights::NamedTensor;
use crate::{BackboneName, Error, FeatureSet};
use prost::Message as _;
use std::collections::BTreeMap;

/// Version of ONNX's operators.
pub const OPSET: i64 = 18;

/// Version of ONNX's file format, the one that came with [`OPSET`].
const IR_VERSION: i64 = 8;

/// Name of the input, `[batch, 3, side, side]`.
pub const INPUT: &str = "image";

/// What of a network becomes a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Image → `features`.
    Encoder,
    /// Image → `features`, `p2`, `p3`, `p4`, `p5`.
    Pyramid,
    /// Image → `logits`, `probabilities`.
    Classifier,
}

/// What a graph computes, and what of the maps it reads for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Its outputs.
    pub part: Part,
    /// What `features` are, or what the classifier reads.
    pub features: FeatureSet,
    /// Whether the classifier reads averaged P5 besides.
    pub top: bool,
}

/// The graph as the bytes of an ONNX file.
///
/// - `tensors`: by our names, `encoder.*` and, for a classifier, `head.*`; a head of more inputs than the backbone has
///   features also reads averaged P5
/// - `side`: of the images, pixels
/// - `facts`: kept in the file by name; by its `temperature` the probabilities are calibrated, as `hico predict` states them
///
/// # Errors
/// When a tensor is not there.
pub fn to_onnx(
    tensors: &[NamedTensor],
    backbone: BackboneName,
    read: Read,
    side: usize,
    facts: &BTreeMap<String, String>,
) -> Result<Vec<u8>, Error> {
    let model = proto::Model {
        ir_version: Some(IR_VERSION),
        producer_name: "hico".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: facts.get("description").cloned().unwrap_or_default(),
        graph: Some(network::graph(tensors, backbone, read, side, temperature(facts))?),
        opset_import: vec![proto::OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
        metadata_props: facts
            .iter()
            .map(|(key, value)| proto::Property { key: key.clone(), value: value.clone() })
            .collect(),
    };
    Ok(model.encode_to_vec())
}

/// What logits are divided by; `None` where that would change nothing.
fn temperature(facts: &BTreeMap<String, String>) -> Option<f32> {
    let temperature: f32 = facts.get("temperature")?.parse().ok()?;
    (temperature != 1.0).then_some(temperature)
}

#[cfg(test)]
mod tests;
