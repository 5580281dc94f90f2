//! A pretrained encoder: its weights, and what is known of how it came to be.

use super::classifier_file;
use super::history::{Beginning, HISTORY, History};
use crate::weights::{self, LoadReport, NamedTensor, Recognised, WeightsOf};
use crate::{BackboneName, Encoder, Error};
use burn::tensor::Device;
use hico_data::view::ViewRecipe;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// An encoder's weights, ready to be put to any use.
#[derive(Debug, Clone)]
pub struct Pretrained {
    /// Short name for tables: the method's, or `file`.
    pub name: String,
    /// One sentence that says what it is.
    pub description: String,
    /// Its backbone, as its tensors tell.
    pub backbone: BackboneName,
    /// The views it was trained on, where that is known.
    pub view: Option<ViewRecipe>,
    /// The groups it has seen.
    pub seen: Seen,
    /// Where it comes from.
    pub beginning: Beginning,
    found: Recognised,
    file: Option<PathBuf>,
    /// [`Self::hash`], once somebody has asked: cells of a study ask again and again.
    hash: OnceLock<String>,
}

impl PartialEq for Pretrained {
    /// Compares the weights.
    fn eq(&self, other: &Self) -> bool {
        self.hash() == other.hash()
    }
}

/// Which groups an encoder's pretraining has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The weights do not say.
    Unknown,
    /// These: learnt from, or watched to choose the best epoch.
    Groups {
        /// Their names in the data set they come from.
        groups: BTreeSet<String>,
        /// Hash of that data set's table.
        data: String,
        /// Whether these are all: weights that go back to a file from elsewhere may have seen more.
        all: bool,
    },
}

impl Pretrained {
    /// Reads a folder of `hico finetune` with one network, or a file of weights, safetensors or PyTorch's.
    ///
    /// # Errors
    /// When there is neither, a file is broken, or it holds no encoder.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::read_of(path, &WeightsOf::Online)
    }

    /// As [`Self::read`], choosing between the networks of a file that holds several.
    ///
    /// # Errors
    /// As [`Self::read`], or when there is no such network.
    pub fn read_of(path: &Path, of: &WeightsOf) -> Result<Self, Error> {
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => Self::read_file(&network_in(path)?, of),
            Ok(_) => Self::read_file(path, of),
            Err(_) => Err(Error::NoSuchEncoder(path.to_owned())),
        }
    }

    fn read_file(path: &Path, of: &WeightsOf) -> Result<Self, Error> {
        let (read, metadata) = Self::plain_file(path, of)?;
        let broken =
            |error: serde_json::Error| Error::BrokenWeights { path: path.to_owned(), reason: error.to_string() };
        if let Some(facts) = classifier_file::facts(path, &metadata)? {
            let read = Self { view: Some(facts.view.clone()), ..read };
            return Ok(facts.history.map(|history| read.clone().with_history(history)).unwrap_or(read));
        }
        if let Some(history) = metadata.get(HISTORY) {
            return Ok(read.with_history(History::parse(history).map_err(broken)?));
        }
        Ok(read)
    }

    /// Reads a file of weights, and the words that it carries; nothing is known of how it came to be.
    ///
    /// # Errors
    /// When the file is broken or holds no encoder.
    pub fn plain_file(path: &Path, of: &WeightsOf) -> Result<(Self, BTreeMap<String, String>), Error> {
        let (tensors, metadata) = weights::read_with_metadata(path)?;
        let description =
            format!("pretrained elsewhere, from {}", path.file_name().unwrap_or_default().to_string_lossy());
        let pretrained = Self::from_tensors("file", description, None, Seen::Unknown, tensors, of)
            .map_err(|source| Error::InFile { path: path.to_owned(), source: Box::new(source) })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((Self { file: Some(path.to_owned()), beginning: Beginning::File { name }, ..pretrained }, metadata))
    }

    /// The same, and what is known of how it came to be.
    #[must_use]
    pub fn with_history(self, history: History) -> Self {
        let (groups, all) = history.seen();
        let seen = match history.data() {
            Some(data) if all || !groups.is_empty() => Seen::Groups { groups, data: data.to_owned(), all },
            _ => Seen::Unknown,
        };
        let description = history.words();
        let beginning = match history {
            History { beginning, tuning: None, .. } => beginning,
            tuned => Beginning::Network(Box::new(History { test: None, ..tuned })),
        };
        Self { description, seen, beginning, ..self }
    }

    /// Finds the encoder among tensors.
    ///
    /// # Errors
    /// When there is none.
    pub fn from_tensors(
        name: &str,
        description: String,
        view: Option<ViewRecipe>,
        seen: Seen,
        tensors: Vec<NamedTensor>,
        of: &WeightsOf,
    ) -> Result<Self, Error> {
        let found = weights::recognise(tensors, of)?;
        let beginning = Beginning::File { name: name.to_owned() };
        let (name, backbone) = (name.to_owned(), found.backbone);
        Ok(Self { name, description, backbone, view, seen, beginning, found, file: None, hash: OnceLock::new() })
    }

    /// Returns true where its file tells how it came to be.
    #[must_use]
    pub const fn has_history(&self) -> bool {
        !matches!(self.beginning, Beginning::File { .. })
    }

    /// Whether it has a feature pyramid; only HiCo learns one.
    #[must_use]
    pub const fn has_pyramid(&self) -> bool {
        self.found.pyramid
    }

    /// The encoder on a device. Where the weights have no pyramid ([`Self::has_pyramid`]), that of the encoder is random,
    /// the same at every reading, and nothing may read it.
    ///
    /// # Errors
    /// None for weights that were read.
    pub fn encoder(&self, device: &Device) -> Result<Encoder, Error> {
        self.found.encoder(device)
    }

    /// The tensors of the encoder and what of the file they are.
    #[must_use]
    pub const fn found(&self) -> &Recognised {
        &self.found
    }

    /// Which tensors of the file were used, missing and ignored.
    #[must_use]
    pub const fn report(&self) -> &LoadReport {
        &self.found.report
    }

    /// The file of weights that was read; `None` for a run in memory.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// SHA-256 of names and values, hexadecimal: what a study's folder knows it by.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.hash.get_or_init(|| {
            let mut hash = Sha256::new();
            for tensor in &self.found.tensors {
                hash.update(&tensor.name);
                tensor.values.iter().for_each(|value| hash.update(value.to_le_bytes()));
            }
            weights::hex(&hash.finalize())
        })
    }
}

/// The one fine-tuned network in a folder that is no run.
fn network_in(folder: &Path) -> Result<PathBuf, Error> {
    let found = classifier_file::networks_in(folder);
    let mut found = found.map_err(|source| Error::Input { path: folder.to_owned(), source })?;
    match found.len() {
        0 => Err(Error::NoModel(folder.to_owned())),
        1 => Ok(found.remove(0)),
        _ => Err(Error::ManyNetworks(found)),
    }
}
