//! Weights as a safetensors file.

use super::NamedTensor;
use crate::Error;
use ::safetensors::tensor::{Dtype, Metadata, SafeTensors, View};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The bytes of a safetensors file, the same for the same tensors and words.
///
/// # Errors
/// When two tensors have the same name.
pub fn to_safetensors(
    tensors: &[NamedTensor],
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, ::safetensors::SafeTensorError> {
    let metadata: HashMap<String, String> = metadata.clone().into_iter().collect();
    let mut bytes = ::safetensors::serialize(tensors.iter().map(|tensor| (&tensor.name, tensor)), Some(metadata))?;
    sort_header(&mut bytes);
    Ok(bytes)
}

/// Puts the words of a safetensors header in order: those that the library writes come as a hash map has them.
fn sort_header(bytes: &mut [u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return };
    let Some(header) = usize::try_from(u64::from_le_bytes(*length)).ok().and_then(|length| rest.get(..length)) else {
        return;
    };
    let Ok(mut entries) = serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(header) else { return };
    if let Some(words) = entries.get_mut("__metadata__") {
        let sorted = serde_json::from_value::<BTreeMap<String, String>>(words.clone());
        *words = sorted.map_or(serde_json::Value::Null, |sorted| serde_json::json!(sorted));
    }
    let Ok(sorted) = serde_json::to_vec(&entries) else { return };
    let room = header.len();
    if sorted.len() <= room {
        bytes[8..8 + sorted.len()].copy_from_slice(&sorted);
        // Blanks may follow the header.
        bytes[8 + sorted.len()..8 + room].fill(b' ');
    }
}

/// Reads the floating-point tensors of a safetensors file, and the words it carries; counters and other whole numbers are
/// left out.
///
/// # Errors
/// When the file cannot be read, is cut short or is another kind of file.
pub fn read_safetensors(path: &Path) -> Result<(Vec<NamedTensor>, BTreeMap<String, String>), Error> {
    super::is_file(path)?;
    let bytes = std::fs::read(path).map_err(|source| Error::WeightsFile { path: path.to_owned(), source })?;
    from_safetensors(&bytes).map_err(|reason| Error::BrokenWeights { path: path.to_owned(), reason })
}

/// A header longer than this is refused.
const LONGEST_HEADER: u64 = 100_000_000;

/// The words that a safetensors file carries, read from its header alone.
///
/// # Errors
/// As [`read_safetensors`].
pub fn read_words(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let failed = |source| Error::WeightsFile { path: path.to_owned(), source };
    let broken = |reason: String| Error::BrokenWeights { path: path.to_owned(), reason };
    let mut file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(failed)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER || length > found {
        return Err(broken(format!("not a whole safetensors file: its header claims {length} bytes")));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(failed)?;
    let header: Metadata = serde_json::from_slice(&header).map_err(|error| broken(error.to_string()))?;
    Ok(header.metadata().clone().unwrap_or_default().into_iter().collect())
}

fn from_safetensors(bytes: &[u8]) -> Result<(Vec<NamedTensor>, BTreeMap<String, String>), String> {
    let broken = |error: ::safetensors::SafeTensorError| format!("not a whole safetensors file: {error}");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let file = SafeTensors::deserialize(bytes).map_err(broken)?;
    let mut tensors = Vec::with_capacity(file.len());
    for (name, view) in file.iter() {
        let Some(values) = values(view.dtype(), view.data()) else { continue };
        tensors.push(NamedTensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tensors, header.metadata().clone().unwrap_or_default().into_iter().collect()))
}

/// The values in 32 bits; `None` for whole numbers.
fn values(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let halves = |widen: fn(u16) -> f32| -> Vec<f32> {
        bytes.as_chunks::<2>().0.iter().map(|bytes| widen(u16::from_le_bytes(*bytes))).collect()
    };
    Some(match dtype {
        Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Dtype::F64 => bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
        Dtype::F16 => halves(|half| burn::tensor::f16::from_bits(half).to_f32()),
        Dtype::BF16 => halves(|half| burn::tensor::bf16::from_bits(half).to_f32()),
        _ => return None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use ::safetensors::tensor::TensorView;

    #[test]
    fn the_same_tensors_and_words_are_the_same_bytes() {
        let tensors = [NamedTensor { name: "a".to_owned(), shape: vec![2], values: vec![1.0, 2.0] }];
        let words: BTreeMap<String, String> =
            (0..20).map(|word| (format!("w{word}"), format!("{word} \"x\""))).collect();
        let bytes = to_safetensors(&tensors, &words).unwrap();
        for _ in 0..8 {
            assert!(to_safetensors(&tensors, &words).unwrap() == bytes);
        }
        let (read, found) = from_safetensors(&bytes).unwrap();
        assert_eq!((read[0].values.as_slice(), found), ([1.0, 2.0].as_slice(), words));
    }

    #[test]
    fn numbers_of_every_width_are_read_and_counters_are_not() {
        let (half, counter) = (burn::tensor::f16::from_f32(1.5).to_bits().to_le_bytes(), 7_i64.to_le_bytes());
        let (double, brain) = (1.5_f64.to_le_bytes(), burn::tensor::bf16::from_f32(1.5).to_bits().to_le_bytes());
        let of = |dtype, bytes| TensorView::new(dtype, vec![1], bytes).unwrap();
        let tensors = [
            ("a", of(Dtype::F16, &half)),
            ("b", of(Dtype::BF16, &brain)),
            ("c", of(Dtype::F64, &double)),
            ("num_batches_tracked", of(Dtype::I64, &counter)),
        ];
        let (read, _) = from_safetensors(&::safetensors::serialize(tensors, None).unwrap()).unwrap();
        let read: Vec<_> = read.into_iter().map(|tensor| (tensor.name, tensor.values)).collect();
        assert_eq!(read, ["a", "b", "c"].map(|name| (name.to_owned(), vec![1.5])));
    }

    #[test]
    fn words_are_read_without_the_values_and_a_header_that_lies_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let tensor = NamedTensor { name: "a".into(), shape: vec![2], values: vec![1.0, 2.0] };
        let words = BTreeMap::from([("key".to_owned(), "word".to_owned())]);
        let whole = to_safetensors(&[tensor], &words).unwrap();
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(read_words(&path).unwrap(), words);
        // The values are not looked at.
        std::fs::write(&path, &whole[..whole.len() - 8]).unwrap();
        assert_eq!(read_words(&path).unwrap(), words);
        for broken in [&whole[..20], &[0xff; 64], b"short"] {
            std::fs::write(&path, broken).unwrap();
            assert!(read_words(&path).is_err());
        }
    }
}
