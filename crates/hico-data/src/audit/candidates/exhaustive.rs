//! Every frame with every other.

use super::nearest::Nearest;
use super::{Entry, Sight};
use crate::audit::signature::Signature;
use rayon::prelude::*;

/// Clips between two calls of `progress`.
const PIECE: usize = 128;

/// The nearest clips of every clip; fewer when `progress` says stop.
pub(super) fn search(
    entries: &[Entry],
    signatures: &[Signature],
    radius: u32,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Vec<Nearest> {
    let mut all = Vec::with_capacity(signatures.len());
    for piece in signatures.chunks(PIECE) {
        let first = all.len();
        if !progress(first, signatures.len()) {
            break;
        }
        let nearest = |(at, signature)| nearest_to((first + at) as u32, signature, entries, radius);
        all.par_extend(piece.par_iter().enumerate().map(nearest));
    }
    all
}

fn nearest_to(clip: u32, signature: &Signature, entries: &[Entry], radius: u32) -> Nearest {
    let mut nearest = Nearest::default();
    for sight in Sight::all(signature) {
        for entry in entries.iter().filter(|entry| entry.clip != clip) {
            if let Some(sighting) = sight.seen(entry, radius) {
                nearest.offer(entry.clip, sighting);
            }
        }
    }
    nearest
}
