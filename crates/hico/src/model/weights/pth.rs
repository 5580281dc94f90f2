//! Weights as PyTorch saves them. The pickle in the file is parsed and nothing in it is executed.

use super::{NamedTensor, WeightsError};
use pytorch_reader::{DType, PytorchError, PytorchReader, Tensor};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// How a zip archive begins, and how a pickle of protocol 2 or later does: all that `torch.save` has written since 2016.
const BEGINNINGS: [&[u8]; 2] = [b"PK\x03\x04", b"\x80"];

/// Where other programs keep the weights when they save more than them.
const INNER: [&str; 3] = ["state_dict", "model", "model_state_dict"];

/// Whether a file begins as PyTorch's do. The ninth byte of a safetensors file is the brace of its header, whatever the
/// length before it looks like; that of PyTorch's files is none.
pub(super) fn is_pth(path: &Path) -> Result<bool, WeightsError> {
    let failed = |source| WeightsError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(9).read_to_end(&mut bytes).map_err(failed)?;
    Ok(BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning)) && bytes.get(8) != Some(&b'{'))
}

/// Reads the floating-point tensors of a `.pth` or `.pt` file; counters and other whole numbers are left out.
///
/// A `state_dict` inside a larger dictionary is found by its usual names, and the prefix `module.` that parallel
/// training leaves is taken off.
///
/// # Errors
/// When the file cannot be read, is cut short, or is not what PyTorch writes.
pub fn read_pth(path: &Path) -> Result<Vec<NamedTensor>, WeightsError> {
    let broken = |reason: String| WeightsError::Broken { path: path.to_owned(), reason };
    let reader = open(path).map_err(|error| broken(format!("not a whole PyTorch file: {error}")))?;
    let mut tensors = Vec::with_capacity(reader.len());
    for (name, tensor) in reader.tensors() {
        let Some(values) = values(tensor).map_err(|error| broken(error.to_string()))? else { continue };
        let name = name.strip_prefix("module.").unwrap_or(name).to_owned();
        tensors.push(NamedTensor { name, shape: tensor.shape().to_vec(), values });
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors)
}

fn open(path: &Path) -> Result<PytorchReader, PytorchError> {
    let inner = INNER.iter().find_map(|key| PytorchReader::with_top_level_key(path, key).ok());
    match inner.filter(|reader| !reader.is_empty()) {
        Some(reader) => Ok(reader),
        None => PytorchReader::new(path),
    }
}

/// The values in 32 bits; `None` for a tensor of whole numbers.
fn values(tensor: &Tensor) -> std::io::Result<Option<Vec<f32>>> {
    let decode: fn(&[u8]) -> Vec<f32> = match tensor.dtype() {
        DType::F32 => |bytes| bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect(),
        DType::F64 => |bytes| bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_ne_bytes(*bytes) as f32).collect(),
        DType::F16 => |bytes| halves(bytes, |half| burn::tensor::f16::from_bits(half).to_f32()),
        DType::BF16 => |bytes| halves(bytes, |half| burn::tensor::bf16::from_bits(half).to_f32()),
        _ => return Ok(None),
    };
    Ok(Some(decode(&tensor.read()?)))
}

fn halves(bytes: &[u8], widen: fn(u16) -> f32) -> Vec<f32> {
    bytes.as_chunks::<2>().0.iter().map(|bytes| widen(u16::from_ne_bytes(*bytes))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_content_and_a_broken_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        for (bytes, pytorch) in [
            (&b"PK\x03\x04 and no more"[..], true),
            (b"\x80\x02}q\x00.\0\0\0\0", true),
            (b"\x80\0\0\0\0\0\0\0{}", false),
            (b"{", false),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(is_pth(&path).unwrap(), pytorch, "{bytes:?}");
        }
        std::fs::write(&path, b"PK\x03\x04 and no more").unwrap();
        let error = read_pth(&path).unwrap_err().to_string();
        assert!(error.contains("not a whole PyTorch file"), "{error}");
    }
}
