//! When a checkpoint is written, and the best network until it is.

use super::checkpoint::{self, BEST_FILE, Best, LAST_FILE, OfNetwork};
use super::options::CheckpointEvery;
use crate::Error;
use burn::module::Module;
use hico_data::atomic;
use hico_model::weights::{self, NamedTensor, Naming};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Writing checkpoints at the ends of epochs may take one part in this many of the time.
const SHARE_OF_TIME: u32 = 10;

/// Parameters of a network that is held in memory, at most.
const MOST_HELD: usize = 64 << 20;

/// The file in a run's folder with the network as it was after so many epochs ([`PretrainOptions::keep_after`]).
///
/// [`PretrainOptions::keep_after`]: super::PretrainOptions::keep_after
#[must_use]
pub fn kept_after(folder: &Path, epochs: usize) -> PathBuf {
    folder.join(format!("after-{epochs}.safetensors"))
}

/// Knows when to write and holds what is to be written.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: Option<PathBuf>,
    every: CheckpointEvery,
    saved_step: u64,
    saved_at: Option<Instant>,
    began: Instant,
    cost: Duration,
    /// The best network, where it is not on the disk yet.
    best: Option<(Vec<NamedTensor>, Best)>,
}

impl Keeper {
    /// A keeper for a run that goes on from `step`; removes what a killed run has left half written.
    pub(crate) fn new(folder: Option<&Path>, every: CheckpointEvery, step: u64) -> Result<Self, Error> {
        if let Some(folder) = folder {
            atomic::remove_halves(folder)
                .map_err(|source| Error::WriteCheckpoint { path: folder.to_owned(), source })?;
        }
        Ok(Self { folder: folder.map(Path::to_owned), ..Self::clock(every, step) })
    }

    /// A keeper that writes nothing and tells when to: for work that goes on from `step`.
    pub(crate) fn clock(every: CheckpointEvery, step: u64) -> Self {
        Self {
            folder: None,
            every,
            saved_step: step,
            saved_at: None,
            began: Instant::now(),
            cost: Duration::ZERO,
            best: None,
        }
    }

    /// Whether a checkpoint is due in the middle of an epoch.
    pub(crate) fn is_due(&self, step: u64) -> bool {
        match self.every {
            CheckpointEvery::Steps(steps) => step - self.saved_step >= steps.get(),
            CheckpointEvery::Time(time) => self.since_saved() >= time,
        }
    }

    /// Whether a checkpoint is worth its time at the end of an epoch: epochs of seconds are not all written.
    pub(crate) fn is_worth_it(&self) -> bool {
        self.saved_at.is_none() || self.since_saved() >= self.cost * SHARE_OF_TIME
    }

    /// As [`Self::is_worth_it`], for work of which some time may be lost.
    pub(crate) fn is_worth_it_after(&self, most_lost: Duration) -> bool {
        self.since_saved() >= most_lost.max(self.cost * SHARE_OF_TIME)
    }

    fn since_saved(&self) -> Duration {
        self.saved_at.unwrap_or(self.began).elapsed()
    }

    /// A checkpoint has been written.
    pub(crate) fn saved(&mut self, step: u64, cost: Duration) {
        self.saved_step = step;
        self.saved_at = Some(Instant::now());
        self.cost = cost;
    }

    /// Holds the best network until it is written; a large one is written at once, for it takes as much memory as it
    /// has parameters.
    pub(crate) fn remember_best<M: Module>(&mut self, network: &M, best: Best) -> Result<(), Error> {
        match &self.folder {
            Some(folder) if network.num_params() > MOST_HELD => {
                self.best = None;
                checkpoint::write_best(folder, &OfNetwork(network), best)
            }
            _ => {
                self.best = Some((weights::to_tensors(network, Naming::Ours), best));
                Ok(())
            }
        }
    }

    /// Writes the best network, where there is one that is not written yet.
    pub(crate) fn write_best(&mut self) -> Result<(), Error> {
        if let (Some(folder), Some((network, best))) = (&self.folder, &self.best) {
            checkpoint::write_best(folder, &&network[..], *best)?;
            self.best = None;
        }
        Ok(())
    }

    /// Writes the network as it is after so many epochs.
    pub(crate) fn keep<M: Module>(&self, network: &M, epochs: usize) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        checkpoint::write_network(&kept_after(folder, epochs), &OfNetwork(network), epochs)
    }

    /// The checkpoint that a stopped run leaves, if it leaves one.
    pub(crate) fn kept(&self) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        [LAST_FILE, BEST_FILE].map(|name| folder.join(name)).into_iter().find(|path| path.is_file())
    }

    /// The best network of a run without a folder.
    pub(crate) fn into_weights(self) -> Option<Vec<NamedTensor>> {
        self.best.filter(|_| self.folder.is_none()).map(|(network, _)| network)
    }
}
