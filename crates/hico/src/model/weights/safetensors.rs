//! Weights as a safetensors file.

use super::{NamedTensor, WeightsError};
use ::safetensors::tensor::{Dtype, SafeTensors, View};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The bytes of a safetensors file.
///
/// # Errors
/// When two tensors have the same name.
pub fn to_safetensors(
    tensors: &[NamedTensor],
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, ::safetensors::SafeTensorError> {
    let metadata: HashMap<String, String> = metadata.clone().into_iter().collect();
    ::safetensors::serialize(tensors.iter().map(|tensor| (&tensor.name, tensor)), Some(metadata))
}

/// Reads a safetensors file of 32-bit numbers, and the words it carries.
///
/// # Errors
/// When the file cannot be read, is cut short, is another kind of file or holds other numbers.
pub fn read_safetensors(path: &Path) -> Result<(Vec<NamedTensor>, BTreeMap<String, String>), WeightsError> {
    let bytes = std::fs::read(path).map_err(|source| WeightsError::File { path: path.to_owned(), source })?;
    from_safetensors(&bytes).map_err(|reason| WeightsError::Broken { path: path.to_owned(), reason })
}

fn from_safetensors(bytes: &[u8]) -> Result<(Vec<NamedTensor>, BTreeMap<String, String>), String> {
    let broken = |error: ::safetensors::SafeTensorError| format!("not a whole safetensors file: {error}");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let file = SafeTensors::deserialize(bytes).map_err(broken)?;
    let mut tensors = Vec::with_capacity(file.len());
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("tensor {name} holds {:?}, not 32-bit numbers", view.dtype()));
        }
        let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        tensors.push(NamedTensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tensors, header.metadata().clone().unwrap_or_default().into_iter().collect()))
}

impl View for &NamedTensor {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}
