//! Which clips make up which batch: a seeded permutation of the clips for every epoch.

use hico_data::Seed;
use rand::seq::SliceRandom as _;

/// The batches of an epoch, as indices of clips.
///
/// Every batch is full: the clips that are left over at the end of an epoch (fewer than a batch, other ones each time)
/// wait for the next, as in the authors' code. NT-Xent counts the clips of a batch as its candidates, so that a short
/// batch would be an easier task and not the same loss.
#[derive(Debug, Clone)]
pub struct Sampler {
    clips: Vec<usize>,
    batch: usize,
    seed: Seed,
}

/// Why no batch can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a batch of {batch} clips is larger than the {clips} clips to train on")]
pub struct BatchTooLarge {
    /// Clips in a batch.
    pub batch: usize,
    /// Clips there are.
    pub clips: usize,
}

impl Sampler {
    /// A sampler over `clips`, `batch` of them at a time.
    ///
    /// # Errors
    /// When there are fewer clips than a batch takes.
    pub fn new(clips: Vec<usize>, batch: usize, seed: Seed) -> Result<Self, BatchTooLarge> {
        if batch == 0 || clips.len() < batch {
            return Err(BatchTooLarge { batch, clips: clips.len() });
        }
        Ok(Self { clips, batch, seed })
    }

    /// Batches in an epoch.
    #[must_use]
    pub const fn steps_per_epoch(&self) -> u64 {
        (self.clips.len() / self.batch) as u64
    }

    /// The batches of epoch `epoch`, the same at every call.
    #[must_use]
    pub fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut order = self.clips.clone();
        order.shuffle(&mut self.seed.stream("batches", &[epoch]));
        order.chunks_exact(self.batch).map(<[usize]>::to_vec).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_epoch_holds_every_clip_at_most_once_in_full_batches() {
        let sampler = Sampler::new((10..21).collect(), 4, Seed(1)).unwrap();
        let batches = sampler.epoch(3);
        assert_eq!(batches.len() as u64, sampler.steps_per_epoch());
        assert!(batches.iter().all(|batch| batch.len() == 4));
        let seen: BTreeSet<_> = batches.iter().flatten().copied().collect();
        assert_eq!(seen.len(), 8);
        assert!(seen.iter().all(|clip| (10..21).contains(clip)));
    }

    #[test]
    fn epochs_differ_from_each_other_and_not_from_themselves() {
        let sampler = Sampler::new((0..40).collect(), 4, Seed(1)).unwrap();
        assert_eq!(sampler.epoch(0), sampler.epoch(0));
        assert_ne!(sampler.epoch(0), sampler.epoch(1));
    }

    #[test]
    fn every_clip_gets_its_turn_though_some_wait_each_epoch() {
        let sampler = Sampler::new((0..7).collect(), 4, Seed(5)).unwrap();
        let seen: BTreeSet<_> = (0..20).flat_map(|epoch| sampler.epoch(epoch)).flatten().collect();
        assert_eq!(seen.len(), 7);
    }

    #[test]
    fn a_batch_larger_than_the_clips_is_refused() {
        let error = Sampler::new(vec![0, 1, 2], 4, Seed(1)).unwrap_err();
        assert_eq!(error.to_string(), "a batch of 4 clips is larger than the 3 clips to train on");
    }
}
