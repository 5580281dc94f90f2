//! Which clips make up which batch: a seeded permutation of the clips for every epoch.

use crate::Error;
use crate::recipe::TrainRecipe;
use hico_data::Seed;
use rand::seq::SliceRandom as _;

/// What becomes of the clips at the end of an epoch that do not fill a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastBatch {
    /// They are a batch of their own, unless it is one clip alone, which has nothing to be told apart from.
    Kept,
    /// They wait for the next epoch, in which others are left over.
    Dropped,
}

impl LastBatch {
    /// Returns what a recipe asks for.
    #[must_use]
    pub const fn of(train: &TrainRecipe) -> Self {
        if train.drop_last { Self::Dropped } else { Self::Kept }
    }
}

/// Fewest clips of a batch.
pub const LEAST: usize = 2;

/// The batches of an epoch, as indices of clips.
///
/// Every batch but the last is full. NT-Xent counts the clips of a batch as its candidates, so a short batch is an
/// easier task; it is trained on all the same, because clips that are left out are not learnt from at all.
#[derive(Debug, Clone)]
pub struct Sampler {
    clips: Vec<usize>,
    batch: usize,
    last: LastBatch,
    seed: Seed,
}

impl Sampler {
    /// Makes a sampler over `clips`, `batch` of them at a time.
    ///
    /// # Errors
    /// When there are fewer clips than a batch takes, or a batch is less than two clips.
    pub fn new(clips: Vec<usize>, batch: usize, last: LastBatch, seed: Seed) -> Result<Self, Error> {
        if batch < LEAST || clips.len() < batch {
            return Err(Error::BatchTooLarge { batch: batch.max(LEAST), clips: clips.len() });
        }
        Ok(Self { clips, batch, last, seed })
    }

    /// Returns the clips of a full batch.
    #[must_use]
    pub const fn batch(&self) -> usize {
        self.batch
    }

    /// Counts the batches in an epoch.
    #[must_use]
    pub const fn steps_per_epoch(&self) -> u64 {
        (self.clips.len() - self.left_out()).div_ceil(self.batch) as u64
    }

    /// Counts the clips that an epoch leaves out, other ones each time.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        let rest = self.clips.len() % self.batch;
        match self.last {
            LastBatch::Kept if rest >= LEAST => 0,
            LastBatch::Kept | LastBatch::Dropped => rest,
        }
    }

    /// The batches of epoch `epoch`, the same at every call.
    #[must_use]
    pub fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut order = self.clips.clone();
        order.shuffle(&mut self.seed.stream("batches", &[epoch]));
        order.truncate(order.len() - self.left_out());
        order.chunks(self.batch).map(<[usize]>::to_vec).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_epoch_that_drops_its_last_batch_holds_every_clip_at_most_once_in_full_batches() {
        let sampler = Sampler::new((10..21).collect(), 4, LastBatch::Dropped, Seed(1)).unwrap();
        let batches = sampler.epoch(3);
        assert_eq!(batches.len() as u64, sampler.steps_per_epoch());
        assert!(batches.iter().all(|batch| batch.len() == 4));
        let seen: BTreeSet<_> = batches.iter().flatten().copied().collect();
        assert_eq!(seen.len(), 8);
        assert!(seen.iter().all(|clip| (10..21).contains(clip)));
    }

    #[test]
    fn epochs_differ_from_each_other_and_not_from_themselves() {
        let sampler = Sampler::new((0..40).collect(), 4, LastBatch::Kept, Seed(1)).unwrap();
        assert_eq!(sampler.epoch(0), sampler.epoch(0));
        assert_ne!(sampler.epoch(0), sampler.epoch(1));
    }

    #[test]
    fn every_clip_gets_its_turn_though_some_wait_each_epoch() {
        let sampler = Sampler::new((0..7).collect(), 4, LastBatch::Dropped, Seed(5)).unwrap();
        let seen: BTreeSet<_> = (0..20).flat_map(|epoch| sampler.epoch(epoch)).flatten().collect();
        assert_eq!(seen.len(), 7);
    }

    #[test]
    fn the_short_last_batch_is_trained_on_from_two_clips_on() {
        let sizes = |clips: usize, batch: usize, last| {
            let sampler = Sampler::new((0..clips).collect(), batch, last, Seed(1)).unwrap();
            let batches = sampler.epoch(0);
            assert_eq!(batches.len() as u64, sampler.steps_per_epoch());
            let seen: BTreeSet<usize> = batches.concat().into_iter().collect();
            assert_eq!(seen.len() + sampler.left_out(), clips);
            batches.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(28, 16, LastBatch::Kept), [16, 12]);
        assert_eq!(sizes(28, 16, LastBatch::Dropped), [16]);
        assert_eq!(sizes(18, 16, LastBatch::Kept), [16, 2]);
        assert_eq!(sizes(17, 16, LastBatch::Kept), [16], "one clip alone has nothing to be told apart from");
        assert_eq!(sizes(3, 2, LastBatch::Kept), [2]);
        for last in [LastBatch::Kept, LastBatch::Dropped] {
            assert_eq!(sizes(32, 16, last), [16, 16]);
        }
    }

    #[test]
    fn full_batches_are_the_same_whatever_becomes_of_the_last() {
        let of = |last| Sampler::new((0..28).collect(), 16, last, Seed(9)).unwrap().epoch(4);
        assert_eq!(of(LastBatch::Kept)[0], of(LastBatch::Dropped)[0]);
    }

    #[test]
    fn a_batch_larger_than_the_clips_is_refused() {
        let error = Sampler::new(vec![0, 1, 2], 4, LastBatch::Kept, Seed(1)).unwrap_err();
        assert_eq!(error.to_string(), "a batch of 4 clips is larger than the 3 clips to train on");
    }
}
