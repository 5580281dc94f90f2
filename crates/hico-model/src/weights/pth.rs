//! Weights as PyTorch saves them. The pickle in the file is parsed and nothing in it is executed.

use super::NamedTensor;
use super::find::is_teacher;
use crate::Error;
use pytorch_reader::{DType, PytorchReader, Tensor};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// How a zip archive begins, and how a pickle of protocol 2 or later does: all that `torch.save` has written since 2016.
const BEGINNINGS: [&[u8]; 2] = [b"PK\x03\x04", b"\x80"];

/// Where other programs keep the weights when they save more than them.
const INNER: [&str; 3] = ["state_dict", "model", "model_state_dict"];

/// Values of all tensors may take so many times the file's bytes, and [`LEAST`] in any case: tensors may share a storage,
/// be stored in 16 bits or squeezed a little, but a small file that claims gigabytes is none of weights.
const MOST_TIMES: u64 = 16;
const LEAST: u64 = 64 << 20;

/// Whether a file begins as PyTorch's do. The ninth byte of a safetensors file is the brace of its header, whatever the
/// length before it looks like; that of PyTorch's files is none.
pub(super) fn is_pth(path: &Path) -> Result<bool, Error> {
    let failed = |source| Error::WeightsFile { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(9).read_to_end(&mut bytes).map_err(failed)?;
    Ok(BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning)) && bytes.get(8) != Some(&b'{'))
}

/// Reads the floating-point tensors of a `.pth` or `.pt` file; counters and other whole numbers are left out.
///
/// A `state_dict` inside a larger dictionary is found by its usual names; of what stands beside it a momentum teacher is
/// kept. The prefix `module.` that parallel training leaves is taken off.
///
/// # Errors
/// When the file cannot be read, is cut short, is not what PyTorch writes, or claims far more values than it has bytes.
pub fn read_pth(path: &Path) -> Result<Vec<NamedTensor>, Error> {
    let broken = |reason: String| Error::BrokenWeights { path: path.to_owned(), reason };
    let failed = |source| Error::WeightsFile { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    let reader = PytorchReader::new(path).map_err(|error| broken(format!("not a whole PyTorch file: {error}")))?;
    let holds = |key: &&&str| PytorchReader::with_top_level_key(path, key).is_ok_and(|inner| !inner.is_empty());
    let wanted = wanted(&reader, INNER.iter().find(holds).copied());
    let bytes = wanted.iter().fold(0_u64, |sum, (_, tensor)| sum.saturating_add(tensor.byte_len() as u64));
    if bytes > length.saturating_mul(MOST_TIMES).max(LEAST) {
        return Err(broken(format!("its tensors claim {bytes} bytes, and the file has {length}")));
    }
    let mut tensors = Vec::with_capacity(wanted.len());
    for (name, tensor) in wanted {
        let Some(values) = values(tensor).map_err(|error| broken(error.to_string()))? else { continue };
        tensors.push(NamedTensor { name, shape: tensor.shape().to_vec(), values });
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors)
}

/// The tensors of the inner dictionary, where there is one, without its name, and those of a momentum teacher beside it;
/// else all.
fn wanted<'a>(reader: &'a PytorchReader, inner: Option<&str>) -> Vec<(String, &'a Tensor)> {
    let all = reader.tensors();
    let bare = |name: &str| name.strip_prefix("module.").unwrap_or(name).to_owned();
    let Some(inner) = inner else { return all.iter().map(|(name, tensor)| (bare(name), tensor)).collect() };
    let inside = |name: &str| Some(bare(name.strip_prefix(inner)?.strip_prefix('.')?));
    let mut wanted: BTreeMap<String, &Tensor> =
        all.iter().filter_map(|(name, tensor)| Some((inside(name)?, tensor))).collect();
    let teacher = |name: &str| name.split_once('.').is_some_and(|(dictionary, _)| is_teacher(dictionary));
    for (name, tensor) in all.iter().filter(|(name, _)| teacher(name)) {
        wanted.entry(name.clone()).or_insert(tensor);
    }
    wanted.into_iter().collect()
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
