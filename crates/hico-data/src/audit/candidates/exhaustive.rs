//! Every frame with every other.

use super::nearest::Nearest;
use super::{Entry, Sighting, sights};
use crate::audit::signature::FrameHashes;
use rayon::prelude::*;

/// Frames between two calls of `progress`.
const PIECE: usize = 512;

/// The nearest clips of every frame that is looked for; fewer when `progress` says stop.
pub(super) fn search(
    entries: &[Entry],
    looked_for: &[(u32, FrameHashes)],
    radius: u32,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Vec<Nearest> {
    let mut all = Vec::with_capacity(looked_for.len());
    for piece in looked_for.chunks(PIECE) {
        if !progress(all.len(), looked_for.len()) {
            break;
        }
        all.par_extend(piece.par_iter().map(|(clip, frame)| nearest_to(*clip, frame, entries, radius)));
    }
    all
}

fn nearest_to(clip: u32, frame: &FrameHashes, entries: &[Entry], radius: u32) -> Nearest {
    let mut nearest = Nearest::default();
    for (part, mirrored, hash) in sights(frame) {
        for entry in entries {
            let distance = hash.distance(entry.hash);
            if distance <= radius && entry.clip != clip {
                nearest
                    .offer(entry.clip, Sighting { distance, frame: frame.frame, found: entry.frame, part, mirrored });
            }
        }
    }
    nearest
}
