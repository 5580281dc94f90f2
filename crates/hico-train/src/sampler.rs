//! Which clips make up which batch: a seeded permutation of the clips for every epoch.

use crate::Error;
use crate::recipe::TrainRecipe;
use hico_data::Seed;
use rand::Rng;
use rand::seq::SliceRandom as _;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

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
    /// For each of `clips` its group, by number; empty where groups do not matter.
    groups: Vec<usize>,
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
        Ok(Self { clips, batch, last, seed, groups: Vec::new() })
    }

    /// Keeps clips of one group out of each other's batches, as far as there are groups enough. Where chance alone keeps them
    /// apart, batches stay as they are.
    #[must_use]
    pub fn with_groups_apart<'a>(mut self, group_of: impl Fn(usize) -> &'a str) -> Self {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        self.groups = Vec::with_capacity(self.clips.len());
        for clip in &self.clips {
            let next = numbers.len();
            self.groups.push(*numbers.entry(group_of(*clip)).or_insert(next));
        }
        self
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
        // Places of clips; a shuffle does not look at what it moves.
        let mut order: Vec<usize> = (0..self.clips.len()).collect();
        order.shuffle(&mut self.seed.stream("batches", &[epoch]));
        order.truncate(order.len() - self.left_out());
        let plain: Vec<&[usize]> = order.chunks(self.batch).collect();
        let clips = |batch: &[usize]| batch.iter().map(|place| self.clips[*place]).collect::<Vec<_>>();
        if self.groups.is_empty() || plain.iter().all(|batch| self.is_apart(batch)) {
            return plain.into_iter().map(clips).collect();
        }
        let sizes: Vec<usize> = plain.iter().map(|batch| batch.len()).collect();
        let dealt = self.dealt(&order, sizes, &mut self.seed.stream("groups", &[epoch]));
        dealt.iter().map(|batch| clips(batch)).collect()
    }

    /// Whether no two places are of one group.
    fn is_apart(&self, batch: &[usize]) -> bool {
        let groups: BTreeSet<usize> = batch.iter().map(|place| self.groups[*place]).collect();
        groups.len() == batch.len()
    }

    /// Deals groups to batches, each to those that have most room left, of equal ones to random ones. If there is any way to
    /// keep groups apart, this one does (the bipartite theorem of Havel and Hakimi: the order of the groups does not matter); a
    /// group of more clips than there are batches comes first, and as evenly as can be.
    ///
    /// - `order`: places, in the order in which they are dealt
    /// - `room`: of each batch
    fn dealt(&self, order: &[usize], mut room: Vec<usize>, rng: &mut impl Rng) -> Vec<Vec<usize>> {
        let mut of_group: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        order.iter().for_each(|place| of_group.entry(self.groups[*place]).or_default().push(*place));
        let mut seen = BTreeSet::new();
        let mut groups: Vec<usize> =
            order.iter().map(|place| self.groups[*place]).filter(|group| seen.insert(*group)).collect();
        groups.sort_by_key(|group| of_group[group].len() <= room.len());
        let mut batches = vec![Vec::new(); room.len()];
        let mut numbers: Vec<usize> = (0..room.len()).collect();
        for group in groups {
            let mut places = of_group[&group].iter();
            while !places.as_slice().is_empty() {
                numbers.shuffle(rng);
                numbers.sort_by_key(|batch| Reverse(room[*batch]));
                let open = numbers.iter().filter(|batch| room[**batch] > 0).copied().collect::<Vec<_>>();
                for (batch, place) in open.into_iter().zip(places.by_ref()) {
                    batches[batch].push(*place);
                    room[batch] -= 1;
                }
            }
        }
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt as _;

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

    /// Whether batches of such sizes can keep groups of such sizes apart (Gale and Ryser).
    fn can_be_apart(batches: &[usize], groups: &[usize]) -> bool {
        let mut batches = batches.to_vec();
        batches.sort_unstable_by_key(|size| Reverse(*size));
        (1..=batches.len()).all(|most| {
            let asked: usize = batches[..most].iter().sum();
            asked <= groups.iter().map(|size| (*size).min(most)).sum()
        }) && groups.iter().all(|size| *size <= batches.len())
    }

    #[test]
    fn groups_are_apart_wherever_they_can_be_and_batches_keep_their_sizes() {
        let mut rng = Seed(7).stream("sampler-test", &[]);
        let (mut apart, mut crowded) = (0, 0);
        for round in 0..400 {
            let groups = rng.random_range(2..12);
            let names: Vec<String> = (0..groups).map(|group| format!("patient {group}")).collect();
            let of_clip: Vec<usize> = (0..rng.random_range(6..50)).map(|_| rng.random_range(0..groups)).collect();
            let batch = rng.random_range(2..=6);
            let plain = Sampler::new((0..of_clip.len()).collect(), batch, LastBatch::Kept, Seed(round)).unwrap();
            let sampler = plain.clone().with_groups_apart(|clip| names[of_clip[clip]].as_str());
            let (batches, plain) = (sampler.epoch(round), plain.epoch(round));
            assert_eq!(batches, sampler.epoch(round));
            let sizes: Vec<usize> = plain.iter().map(Vec::len).collect();
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
            let sorted = |batches: &[Vec<usize>]| batches.concat().into_iter().collect::<BTreeSet<_>>();
            assert_eq!(sorted(&batches), sorted(&plain), "the same clips, each once");
            let is_apart = |batches: &[Vec<usize>]| {
                let distinct =
                    |batch: &Vec<usize>| batch.iter().map(|clip| of_clip[*clip]).collect::<BTreeSet<_>>().len();
                batches.iter().all(|batch| distinct(batch) == batch.len())
            };
            let mut counts = vec![0; groups];
            plain.concat().into_iter().for_each(|clip| counts[of_clip[clip]] += 1);
            assert_eq!(is_apart(&batches), can_be_apart(&sizes, &counts), "{sizes:?} {counts:?} {batches:?}");
            if is_apart(&plain) {
                assert_eq!(batches, plain, "nothing is moved that need not be");
            }
            *if is_apart(&batches) { &mut apart } else { &mut crowded } += 1;
        }
        assert!(apart > 50 && crowded > 50, "{apart} {crowded}");
    }

    #[test]
    fn clips_of_one_group_meet_every_other_clip_but_each_other() {
        // Four patients of three clips, three a batch: each clip with each of the nine others once in a while.
        let names = ["a", "b", "c", "d"];
        let sampler = Sampler::new((0..12).collect(), 3, LastBatch::Kept, Seed(3)).unwrap();
        let sampler = sampler.with_groups_apart(|clip| names[clip / 3]);
        let mut met = BTreeSet::new();
        for epoch in 0..200 {
            for batch in sampler.epoch(epoch) {
                met.extend(batch.iter().flat_map(|a| batch.iter().map(move |b| (*a, *b))));
            }
        }
        let expected: BTreeSet<(usize, usize)> =
            (0..12).flat_map(|a| (0..12).map(move |b| (a, b))).filter(|(a, b)| a == b || a / 3 != b / 3).collect();
        assert_eq!(met, expected);
    }

    #[test]
    fn a_batch_larger_than_the_clips_is_refused() {
        let error = Sampler::new(vec![0, 1, 2], 4, LastBatch::Kept, Seed(1)).unwrap_err();
        assert_eq!(error.to_string(), "a batch of 4 clips is larger than the 3 clips to train on");
    }
}
