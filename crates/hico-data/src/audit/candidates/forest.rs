//! Neighbours in many orders, for more frames than can be compared all with all.
//!
//! A **tree** is the list of all hashes, each with its bits in an order drawn at random, sorted as numbers. Two hashes
//! that differ in few bits often agree in the first ones of such an order, and then stand close together; a hash finds
//! its neighbours by binary search. One tree misses many of them, a forest few. This is the search by sorted
//! permutations of Charikar (*Similarity estimation techniques from rounding algorithms*, STOC 2002), the trees being
//! the forest of Bawa, Condie and Ganesan (*LSH forest*, WWW 2005). Unlike tables with keys of fixed length its cost
//! does not depend on how the hashes crowd: it is `trees * neighbours` comparisons a sight.

use super::nearest::Nearest;
use super::{FrameHash, PictureHash, Sight};
use crate::audit::hash::BITS;
use crate::audit::signature::Signature;
use crate::error::Error;
use crate::job::Job;
use crate::seed::Seed;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;

/// How much is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Orders of the bits.
    pub trees: usize,
    /// Other clips that are looked at on either side.
    pub neighbours: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { trees: 32, neighbours: 6 }
    }
}

/// Entries that are passed over on one side, at most, while looking for [`Size::neighbours`] other clips.
const PASSED: usize = 64;

/// The nearest clips that are found of every clip.
pub(super) fn search(
    entries: &[FrameHash],
    signatures: &[Signature],
    radius: u32,
    size: Size,
    job: Job<'_>,
) -> Result<Vec<Nearest>, Error> {
    let mut all = vec![Nearest::default(); signatures.len()];
    for number in 0..size.trees {
        job.at([number, size.trees], "passes", "search");
        job.go_on()?;
        let tree = Tree::new(entries, number);
        all.par_iter_mut().zip(signatures).enumerate().for_each(|(clip, (nearest, signature))| {
            for sight in Sight::all(signature) {
                tree.near(clip as u32, sight.hash, size.neighbours, &mut |entry| {
                    if let Some(sighting) = sight.seen(entry, radius) {
                        nearest.offer(entry.clip, sighting);
                    }
                });
            }
        });
    }
    Ok(all)
}

/// All entries in one order.
struct Tree {
    order: Order,
    /// The first 64 bits of each hash in this tree's order, ascending.
    keys: Vec<u64>,
    /// The entries in the same order, copied so that neighbours lie side by side in memory.
    entries: Vec<FrameHash>,
}

impl Tree {
    fn new(entries: &[FrameHash], number: usize) -> Self {
        let order = Order::draw(number);
        let keyed = entries.par_iter().enumerate();
        let mut sorted: Vec<(u64, usize)> = keyed.map(|(place, entry)| (order.key(entry.hash), place)).collect();
        sorted.par_sort_unstable();
        let (keys, entries) = sorted.into_iter().map(|(key, place)| (key, entries[place])).unzip();
        Self { order, keys, entries }
    }

    /// Calls `see` for the entries of other clips that stand next to the hash.
    fn near(&self, clip: u32, hash: PictureHash, neighbours: usize, see: &mut dyn FnMut(&FrameHash)) {
        let key = self.order.key(hash);
        let place = self.keys.partition_point(|other| *other < key);
        let (before, after) = self.entries.split_at(place);
        walk(clip, neighbours, before.iter().rev(), see);
        walk(clip, neighbours, after.iter(), see);
    }
}

/// Calls `see` for the entries on one side.
fn walk<'a>(clip: u32, neighbours: usize, side: impl Iterator<Item = &'a FrameHash>, see: &mut dyn FnMut(&FrameHash)) {
    let (mut clips, mut last) = (0, clip);
    for entry in side.take(PASSED).filter(|entry| entry.clip != clip) {
        // Frames of one clip often stand side by side and count once.
        clips += usize::from(entry.clip != last);
        last = entry.clip;
        if clips > neighbours {
            break;
        }
        see(entry);
    }
}

/// The first 64 places of an order of the bits.
struct Order([u8; 64]);

impl Order {
    fn draw(tree: usize) -> Self {
        let mut bits: Vec<u8> = (0..BITS).map(|bit| bit as u8).collect();
        bits.shuffle(&mut Seed(0).stream("audit-tree", &[tree as u64]));
        let mut first = [0; 64];
        first.copy_from_slice(&bits[..64]);
        Self(first)
    }

    fn key(&self, hash: PictureHash) -> u64 {
        self.0.iter().fold(0, |key, bit| key << 1 | hash.0[usize::from(bit / 64)] >> (bit % 64) & 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_the_bits_in_the_order_of_the_tree() {
        let order = Order::draw(3);
        for (place, bit) in order.0.iter().enumerate() {
            let mut words = [0; 4];
            words[usize::from(bit / 64)] = 1 << (bit % 64);
            assert_eq!(order.key(PictureHash(words)), 1 << (63 - place));
        }
        assert_ne!(Order::draw(3).0, Order::draw(4).0);
    }
}
