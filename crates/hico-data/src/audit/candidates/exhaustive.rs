//! Every frame with every other.

use super::nearest::Nearest;
use super::{FrameHash, Sight};
use crate::audit::signature::Signature;
use crate::error::Error;
use crate::job::Job;
use rayon::prelude::*;

/// Clips between two checks of the flag that stops the work.
const PIECE: usize = 128;

/// The nearest clips of every clip.
pub(super) fn search(
    entries: &[FrameHash],
    signatures: &[Signature],
    radius: u32,
    job: Job<'_>,
) -> Result<Vec<Nearest>, Error> {
    let mut all = Vec::with_capacity(signatures.len());
    for piece in signatures.chunks(PIECE) {
        let first = all.len();
        job.at([first, signatures.len()], "clips", "search");
        job.go_on()?;
        let nearest = |(at, signature)| nearest_to((first + at) as u32, signature, entries, radius);
        all.par_extend(piece.par_iter().enumerate().map(nearest));
    }
    Ok(all)
}

fn nearest_to(clip: u32, signature: &Signature, entries: &[FrameHash], radius: u32) -> Nearest {
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
