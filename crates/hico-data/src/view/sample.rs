//! Which frames of a clip become its views.

use rand::{Rng, RngExt as _};

/// The frames that were drawn, by their number in the clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// One frame a view; the same frame twice where the clip has only one.
    Pair {
        /// Frame of the first view.
        first: usize,
        /// Frame of the second view.
        second: usize,
    },
    /// Three distinct frames: each view is mixed with the anchor.
    Anchored {
        /// Frame of the first view.
        first: usize,
        /// Frame of the second view.
        second: usize,
        /// The frame that both views share.
        anchor: usize,
    },
}

/// Draws frames from anywhere in a clip of `frames` frames, in any order, none twice.
///
/// - `mixing`: whether a clip of three frames or more gets an anchor
#[must_use]
pub fn draw(frames: usize, mixing: bool, rng: &mut impl Rng) -> Choice {
    if frames < 2 {
        return Choice::Pair { first: 0, second: 0 };
    }
    let first = rng.random_range(0..frames);
    let second = another(frames, &[first], rng);
    if mixing && frames > 2 {
        return Choice::Anchored { first, second, anchor: another(frames, &[first, second], rng) };
    }
    Choice::Pair { first, second }
}

/// A frame that is not among those already taken.
fn another(frames: usize, taken: &[usize], rng: &mut impl Rng) -> usize {
    loop {
        let frame = rng.random_range(0..frames);
        if !taken.contains(&frame) {
            return frame;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use std::collections::BTreeMap;

    #[test]
    fn every_ordered_triple_of_distinct_frames_is_equally_likely() {
        let mut rng = Seed(1).stream("sample", &[]);
        let mut counts = BTreeMap::new();
        for _ in 0..24_000 {
            let Choice::Anchored { first, second, anchor } = draw(4, true, &mut rng) else { panic!("no anchor") };
            assert!(first != second && first != anchor && second != anchor);
            *counts.entry([first, second, anchor]).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 24);
        // A thousand each, standard deviation 31: five of them.
        assert!(counts.values().all(|count| (845..=1155).contains(count)), "{counts:?}");
    }

    #[test]
    fn two_frames_are_the_pair_and_one_frame_is_taken_twice() {
        let mut rng = Seed(2).stream("sample", &[]);
        for _ in 0..20 {
            let Choice::Pair { first, second } = draw(2, true, &mut rng) else { panic!("mixed") };
            assert_eq!(first + second, 1);
            assert_eq!(draw(1, true, &mut rng), Choice::Pair { first: 0, second: 0 });
        }
        assert!(matches!(draw(9, false, &mut rng), Choice::Pair { .. }));
    }
}
