//! Which clips are worth a closer look: those with hashes that differ in few bits.
//!
//! A few thousand frames are compared all with all ([`exhaustive`]), which finds every such pair. More are put in order
//! many times ([`forest`]), and each looks at its neighbours in every order only: work grows as the number of frames
//! times its logarithm, whatever the frames are like. Each clip keeps its nearest clips only, so memory and the pairs
//! that are looked at grow with the number of clips, and a thousand copies of one clip do not make a million pairs.

mod nearest;
pub mod exhaustive;
pub mod forest;

pub use nearest::KEPT;

use super::hash::PictureHash;
use super::signature::{FrameHashes, Signature};
use crate::error::Error;
use crate::job::Job;
use nearest::Nearest;
use std::collections::BTreeMap;

/// Frames up to which all are compared with all.
pub const ALL_PAIRS: usize = 16_384;

/// A hash that can be found: that of a whole frame.
#[derive(Debug, Clone, Copy)]
pub struct FrameHash {
    /// Index of the clip.
    pub clip: u32,
    /// Number of the frame in the clip.
    pub frame: u32,
    /// Its hash.
    pub hash: PictureHash,
}

/// How the frame of `a` was seen when it was found like that of `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Bits that differ.
    pub distance: u32,
    /// Frame of the clip that was looked for.
    pub frame: u32,
    /// Frame of the clip that was found.
    pub found: u32,
    /// Part of the frame that was looked for, an index into [`super::signature::PARTS`].
    pub part: u8,
    /// Whether it was looked for in a mirror.
    pub mirrored: bool,
}

/// Two clips that may show the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Index of the clip that was looked for.
    pub a: usize,
    /// Index of the clip that was found.
    pub b: usize,
    /// The best sight of it.
    pub sighting: Sighting,
}

/// How candidates are searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// Bits that may differ, at most.
    pub radius: u32,
    /// Frames up to which all are compared with all.
    pub all_pairs: usize,
}

/// Pairs of clips of which a frame of the one differs from a frame of the other in at most `radius` bits: mirrored or
/// not, whole or in its inner part. Each pair stands once, with its best sighting, in the order of `a` and `b`.
///
/// - `signatures`: `[clips]`
/// - `job`: hears of the share of the work that is done
///
/// # Errors
/// When it is asked to stop.
pub fn candidates(signatures: &[Signature], search: Search, job: Job<'_>) -> Result<Vec<Candidate>, Error> {
    let entries: Vec<FrameHash> = entries(signatures);
    let nearest = if entries.len() <= search.all_pairs {
        exhaustive::search(&entries, signatures, search.radius, job)?
    } else {
        forest::search(&entries, signatures, search.radius, forest::Size::default(), job)?
    };
    Ok(pairs(&nearest))
}

fn entries(signatures: &[Signature]) -> Vec<FrameHash> {
    let of_clip = |(clip, signature): (u32, &Signature)| {
        let entry = move |frame: &FrameHashes| FrameHash { clip, frame: frame.frame, hash: frame.parts[0] };
        signature.frames.iter().map(entry).collect::<Vec<_>>()
    };
    (0..).zip(signatures).flat_map(of_clip).collect()
}

/// One way in which a frame of a clip is looked for.
struct Sight {
    frame: u32,
    part: u8,
    mirrored: bool,
    hash: PictureHash,
}

impl Sight {
    /// Every way in which a clip is looked for: its frames, their parts, each as it is and in a mirror.
    fn all(signature: &Signature) -> impl Iterator<Item = Self> {
        signature.frames.iter().flat_map(|&FrameHashes { frame, parts }| {
            (0..).zip(parts).flat_map(move |(part, hash)| {
                [(false, hash), (true, hash.mirrored())].map(|(mirrored, hash)| Self { frame, part, mirrored, hash })
            })
        })
    }

    /// What is seen of it in an entry; `None` where they are too far apart.
    fn seen(&self, entry: &FrameHash, radius: u32) -> Option<Sighting> {
        let distance = self.hash.distance(entry.hash);
        let &Self { frame, part, mirrored, .. } = self;
        (distance <= radius).then_some(Sighting { distance, frame, found: entry.frame, part, mirrored })
    }
}

/// - `nearest`: `[clips]`
fn pairs(nearest: &[Nearest]) -> Vec<Candidate> {
    let mut best: BTreeMap<(u32, u32), (Sighting, bool)> = BTreeMap::new();
    for (clip, nearest) in (0..).zip(nearest) {
        for (other, sighting) in nearest.iter() {
            let turned = other < clip;
            let key = if turned { (other, clip) } else { (clip, other) };
            let entry = best.entry(key).or_insert((sighting, turned));
            if sighting < entry.0 {
                *entry = (sighting, turned);
            }
        }
    }
    let candidate = |((low, high), (sighting, turned)): ((u32, u32), (Sighting, bool))| {
        let (a, b) = if turned { (high, low) } else { (low, high) };
        Candidate { a: a as usize, b: b as usize, sighting }
    };
    best.into_iter().map(candidate).collect()
}

#[cfg(test)]
mod tests;
