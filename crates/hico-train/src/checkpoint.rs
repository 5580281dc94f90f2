//! Checkpoints: everything a run needs to go on exactly, in one safetensors file.
//!
//! `last.safetensors` holds the network (batch-norm statistics included), the method's own state, Adam's moments and
//! the position; `best.safetensors` the network alone. Numbers are stored as the 32 bits they are. Both are written to
//! a temporary name, synced and renamed, tensor by tensor so that no second copy of all of them is in memory.

use super::log::Lengths;
use super::optimiser::{Adam, Stored};
use crate::Error;
use burn::module::Module;
use hico_data::atomic;
use hico_model::VERSION;
use hico_model::weights::{self, NamedTensor};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

/// The newest state of a run.
pub const LAST_FILE: &str = "last.safetensors";

/// The network after the epoch that did best.
pub const BEST_FILE: &str = "best.safetensors";

/// Prefix of the names of a method's own tensors (a teacher, a queue).
pub(crate) const METHOD: &str = "method.";

/// Prefix of the names of the optimiser's tensors.
const OPTIMISER: &str = "optimiser.";

/// A header longer than this is refused before memory is taken for it.
const LONGEST_HEADER: u64 = 100_000_000;

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Steps done.
    pub step: u64,
    /// Epochs whose health has been measured.
    pub epochs: usize,
    /// Seconds of training, over all sittings.
    pub seconds: f64,
    /// Images (views) seen.
    pub images_seen: u64,
    /// Sum over the steps of the running epoch of every loss term.
    #[serde(with = "exact::map")]
    pub losses: BTreeMap<String, f64>,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// Whether a collapse has been reported and is not over.
    pub collapsed: bool,
    /// Whether the run has reached its end.
    pub finished: bool,
    /// Length of the log's files.
    pub lengths: Lengths,
}

/// The epoch that did best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Epoch, from 0.
    pub epoch: usize,
    /// Its loss on the validation clips, or in training where there are none.
    #[serde(with = "exact")]
    pub loss: f64,
}

/// Numbers as words that Rust reads back to the same 64 bits; the JSON reader may miss the last one.
mod exact {
    use serde::de::{Deserialize as _, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }

    pub(super) mod map {
        use super::{Deserializer, Error, Serializer};
        use serde::de::Deserialize as _;
        use std::collections::BTreeMap;

        pub(in super::super) fn serialize<S: Serializer>(
            values: &BTreeMap<String, f64>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.collect_map(values.iter().map(|(name, value)| (name, value.to_string())))
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<BTreeMap<String, f64>, D::Error> {
            let words = BTreeMap::<String, String>::deserialize(deserializer)?;
            let number = |(name, word): (String, String)| Ok((name, word.parse().map_err(D::Error::custom)?));
            words.into_iter().map(number).collect()
        }
    }
}

/// What stands in a checkpoint.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    /// The network's tensors.
    pub(crate) network: Vec<NamedTensor>,
    /// The method's own tensors, without their prefix.
    pub(crate) method: Vec<NamedTensor>,
    /// The optimiser's tensors.
    pub(crate) optimiser: Vec<NamedTensor>,
    /// How often each parameter was moved.
    pub(crate) steps: BTreeMap<String, u64>,
    /// How far the run has come.
    pub(crate) position: Position,
}

/// So many values of a tensor are copied at a time.
pub(crate) const PIECE: usize = 1 << 22;

/// Tensors that are written one after the other.
pub(crate) trait Tensors {
    /// Their names and shapes.
    fn infos(&self) -> Vec<(String, Vec<usize>)>;

    /// Hands out their values in the same order, in pieces, until one is not taken.
    fn each(&self, take: &mut dyn FnMut(&[f32]) -> io::Result<()>) -> io::Result<()>;
}

impl Tensors for &[NamedTensor] {
    fn infos(&self) -> Vec<(String, Vec<usize>)> {
        self.iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect()
    }

    fn each(&self, take: &mut dyn FnMut(&[f32]) -> io::Result<()>) -> io::Result<()> {
        self.iter().try_for_each(|tensor| take(&tensor.values))
    }
}

/// The tensors of a network, which stay where they are until each one's turn.
#[derive(Debug)]
pub(crate) struct OfNetwork<'a, M>(pub(crate) &'a M);

impl<M: Module> Tensors for OfNetwork<'_, M> {
    fn infos(&self) -> Vec<(String, Vec<usize>)> {
        weights::parameters(self.0).into_iter().map(|parameter| (parameter.name, parameter.shape)).collect()
    }

    fn each(&self, take: &mut dyn FnMut(&[f32]) -> io::Result<()>) -> io::Result<()> {
        let mut outcome = Ok(());
        weights::each_piece(self.0, PIECE, |_, values| {
            if outcome.is_ok() {
                outcome = take(values);
            }
        });
        outcome
    }
}

impl Tensors for &[Stored<'_>] {
    fn infos(&self) -> Vec<(String, Vec<usize>)> {
        self.iter().map(|stored| (stored.name.clone(), vec![stored.len()])).collect()
    }

    fn each(&self, take: &mut dyn FnMut(&[f32]) -> io::Result<()>) -> io::Result<()> {
        self.iter().try_for_each(|stored| stored.each_piece(PIECE, &mut *take))
    }
}

/// Writes `last.safetensors`.
///
/// # Errors
/// When it cannot be written; the file that was there before is then still there.
pub(crate) fn write_last(
    folder: &Path,
    network: &dyn Tensors,
    method: &[NamedTensor],
    optimiser: &Adam,
    position: &Position,
) -> Result<(), Error> {
    let path = folder.join(LAST_FILE);
    let (moments, steps) = optimiser.state();
    let method: Vec<NamedTensor> = method
        .iter()
        .map(|tensor| NamedTensor { name: format!("{METHOD}{}", tensor.name), ..tensor.clone() })
        .collect();
    let json = |value: serde_json::Result<String>| value.map_err(io::Error::from);
    let metadata = json(serde_json::to_string(position)).and_then(|position| {
        let steps = json(serde_json::to_string(&steps))?;
        Ok([("version", VERSION.to_owned()), ("position", position), ("optimiser_steps", steps)])
    });
    let (method, moments): (&dyn Tensors, &dyn Tensors) = (&&method[..], &&moments[..]);
    metadata
        .and_then(|metadata| write(&path, &metadata, &[network, method, moments]))
        .map_err(|source| Error::WriteCheckpoint { path, source })
}

/// Writes `best.safetensors`.
///
/// # Errors
/// When it cannot be written; the file that was there before is then still there.
pub(crate) fn write_best(folder: &Path, network: &dyn Tensors, best: Best) -> Result<(), Error> {
    let path = folder.join(BEST_FILE);
    let metadata =
        [("version", VERSION.to_owned()), ("epoch", best.epoch.to_string()), ("loss", best.loss.to_string())];
    write(&path, &metadata, &[network]).map_err(|source| Error::WriteCheckpoint { path, source })
}

/// Writes a network as it is.
///
/// # Errors
/// When it cannot be written; the file that was there before is then still there.
pub(crate) fn write_network(path: &Path, network: &dyn Tensors, epochs: usize) -> Result<(), Error> {
    let metadata = [("version", VERSION.to_owned()), ("epochs", epochs.to_string())];
    write(path, &metadata, &[network]).map_err(|source| Error::WriteCheckpoint { path: path.to_owned(), source })
}

/// Reads `last.safetensors`; `None` where there is none.
///
/// # Errors
/// When it is cut short, broken, or was written by another version.
pub(crate) fn read_last(folder: &Path) -> Result<Option<Checkpoint>, Error> {
    let path = folder.join(LAST_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::ReadCheckpoint { path, source }),
    };
    read(file, &path).map(Some)
}

/// Reads how far the run in a folder has come, and checks all of its newest state on the way; `None` where there is none.
///
/// # Errors
/// When it is cut short, broken, holds what is no number, or was written by another version.
pub fn position(folder: &Path) -> Result<Option<Position>, Error> {
    Ok(read_last(folder)?.map(|checkpoint| checkpoint.position))
}

/// Writes tensors and words as one safetensors file, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(path: &Path, metadata: &[(&str, String)], parts: &[&dyn Tensors]) -> io::Result<()> {
    let mut begin = 0;
    let mut infos = Vec::new();
    for (name, shape) in parts.iter().flat_map(|part| part.infos()) {
        let end = begin + 4 * shape.iter().product::<usize>();
        infos.push((name, TensorInfo { dtype: Dtype::F32, shape, data_offsets: (begin, end) }));
        begin = end;
    }
    let words: HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let header = Metadata::new(Some(words), infos).map_err(|error| io::Error::other(error.to_string()))?;
    let mut header = serde_json::to_vec(&header)?;
    // The format asks that the data begin at a multiple of eight; blanks may follow the header.
    header.resize(header.len().next_multiple_of(8), b' ');
    atomic::write_with(path, |file| {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        parts.iter().try_for_each(|part| part.each(&mut |values| put(values, &mut file)))?;
        file.flush()
    })
}

/// Writes numbers, many at a time.
fn put(values: &[f32], file: &mut impl Write) -> io::Result<()> {
    let mut bytes = [[0; 4]; 1 << 12];
    for values in values.chunks(bytes.len()) {
        bytes.iter_mut().zip(values).for_each(|(bytes, value)| *bytes = value.to_le_bytes());
        file.write_all(bytes[..values.len()].as_flattened())?;
    }
    Ok(())
}

fn read(mut file: File, path: &Path) -> Result<Checkpoint, Error> {
    let failed = |source| Error::ReadCheckpoint { path: path.to_owned(), source };
    let broken = |reason: String| Error::BrokenCheckpoint { path: path.to_owned(), reason };
    let found = file.metadata().map_err(failed)?.len();
    let cut = |expected| Error::CheckpointCut { path: path.to_owned(), found, expected };
    if found < 8 {
        return Err(cut(8));
    }
    let mut first = [0; 8];
    file.read_exact(&mut first).map_err(failed)?;
    let length = u64::from_le_bytes(first);
    if length > LONGEST_HEADER {
        return Err(broken(format!("its header claims {length} bytes")));
    }
    if found < 8 + length {
        return Err(cut(8 + length));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(failed)?;
    let header: Metadata = serde_json::from_slice(&header).map_err(|error| broken(error.to_string()))?;
    let expected = (8 + length).saturating_add(header.data_len() as u64);
    if found < expected {
        return Err(cut(expected));
    }
    let words = header.metadata().clone().unwrap_or_default();
    let word = |key: &str| words.get(key).ok_or_else(|| broken(format!("it does not state its {key}")));
    let version = word("version")?;
    if version != VERSION {
        return Err(Error::CheckpointVersion { path: path.to_owned(), found: version.clone() });
    }
    let json = |error: serde_json::Error| broken(error.to_string());
    let mut checkpoint = Checkpoint {
        network: Vec::new(),
        method: Vec::new(),
        optimiser: Vec::new(),
        steps: serde_json::from_str(word("optimiser_steps")?).map_err(json)?,
        position: serde_json::from_str(word("position")?).map_err(json)?,
    };
    let mut tensors: Vec<(String, TensorInfo)> =
        header.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    for (name, info) in tensors {
        if info.dtype != Dtype::F32 {
            return Err(broken(format!("tensor {name} holds {:?}", info.dtype)));
        }
        let (begin, end) = info.data_offsets;
        // What the file holds bounds the room that is made.
        let room = end.checked_sub(begin).filter(|_| end as u64 <= found);
        let room = room.ok_or_else(|| broken(format!("tensor {name} ends where it should not")))?;
        let mut bytes = vec![0; room];
        file.read_exact(&mut bytes).map_err(failed)?;
        let values = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let tensor = NamedTensor { name, shape: info.shape, values };
        weights::finite([&tensor]).map_err(|error| error.of_file(path))?;
        if let Some(name) = tensor.name.strip_prefix(METHOD) {
            checkpoint.method.push(NamedTensor { name: name.to_owned(), ..tensor });
        } else if tensor.name.starts_with(OPTIMISER) {
            checkpoint.optimiser.push(tensor);
        } else {
            checkpoint.network.push(tensor);
        }
    }
    Ok(checkpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Decay;

    fn tensors() -> Vec<NamedTensor> {
        // Every kind of 32 bits must come back as it is, denormal numbers and minus zero too.
        let values = vec![1.0, -0.0, f32::MIN_POSITIVE / 2.0, f32::MAX, 0.1, -7.5e-30];
        vec![
            NamedTensor { name: "encoder.b".into(), shape: vec![2, 3], values },
            NamedTensor { name: "encoder.a".into(), shape: vec![], values: vec![4.0] },
        ]
    }

    fn position() -> Position {
        let losses = BTreeMap::from([("total".into(), 0.1 + 0.2)]);
        let best = Some(Best { epoch: 2, loss: 1.0 / 3.0 });
        Position { step: 9, epochs: 3, seconds: 1.7, losses, best, ..Position::default() }
    }

    fn write(folder: &Path) -> Result<(), Error> {
        write_last(folder, &&tensors()[..], &tensors()[1..], &Adam::new(0.0, Decay::L2), &position())
    }

    fn bits(tensors: &[NamedTensor]) -> Vec<(String, Vec<usize>, Vec<u32>)> {
        let bits = |tensor: &NamedTensor| tensor.values.iter().map(|value| value.to_bits()).collect();
        tensors.iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone(), bits(tensor))).collect()
    }

    #[test]
    fn a_checkpoint_reads_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_last(folder.path()).unwrap().is_none());
        write(folder.path()).unwrap();
        let checkpoint = read_last(folder.path()).unwrap().unwrap();
        assert_eq!(bits(&checkpoint.network), bits(&tensors()));
        assert_eq!(bits(&checkpoint.method), bits(&tensors()[1..]));
        assert_eq!(checkpoint.position, position());
    }

    #[test]
    fn other_readers_of_the_format_agree() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let bytes = std::fs::read(folder.path().join(LAST_FILE)).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.tensor("encoder.b").unwrap().shape(), [2, 3]);
        assert_eq!(file.tensor("method.encoder.a").unwrap().data(), 4.0_f32.to_le_bytes());
    }

    #[test]
    fn a_checkpoint_cut_short_anywhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let path = folder.path().join(LAST_FILE);
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 5, 8, 100, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let error = read_last(folder.path()).unwrap_err();
            assert!(error.to_string().contains("the checkpoint is cut short"), "{length}: {error}");
        }
    }

    #[test]
    fn a_checkpoint_with_a_value_that_is_no_number_is_refused_by_the_name_of_the_tensor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LAST_FILE);
        for (at, name) in [(0, "encoder.b"), (1, "encoder.a")] {
            let mut odd = tensors();
            odd[at].values[0] = f32::NAN;
            write_last(folder.path(), &&odd[..], &[], &Adam::new(0.0, Decay::L2), &position()).unwrap();
            let said = read_last(folder.path()).unwrap_err().to_string();
            assert!(said.contains(name) && said.contains("NaN at index 0") && said.contains(LAST_FILE), "{said}");
            assert!(path.is_file());
        }
    }

    #[test]
    fn a_file_that_is_no_checkpoint_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LAST_FILE);
        std::fs::write(&path, [0xff; 64]).unwrap();
        assert!(matches!(read_last(folder.path()), Err(Error::BrokenCheckpoint { .. })));
        let empty = b"{}      ";
        std::fs::write(&path, [&8_u64.to_le_bytes()[..], empty].concat()).unwrap();
        let error = read_last(folder.path()).unwrap_err().to_string();
        assert!(error.contains("does not state its version"), "{error}");
    }

    #[test]
    fn a_checkpoint_of_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let path = folder.path().join(LAST_FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        let ours = format!("\"version\":\"{VERSION}\"");
        let place = bytes.windows(ours.len()).position(|window| window == ours.as_bytes()).unwrap();
        bytes[place + 11] = b'9';
        std::fs::write(&path, bytes).unwrap();
        let error = read_last(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("this is {VERSION}")) && error.contains("written by version 9"), "{error}");
    }
}
