//! Which frames of a clip become its views.

use rand::{Rng, RngExt as _};
use std::ops::{Range, RangeInclusive};

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

/// Draws frames of a clip of `frames` frames, in any order, none twice.
///
/// - `within`: the most that the others may lie from the first, in frames; [`usize::MAX`] is anywhere
/// - `mixing`: whether there is an anchor where three frames are to be had
#[must_use]
pub fn draw(frames: usize, within: usize, mixing: bool, rng: &mut impl Rng) -> Choice {
    if frames < 2 {
        return Choice::Pair { first: 0, second: 0 };
    }
    let first = rng.random_range(0..frames);
    let near = around(first, within.max(1), frames);
    let second = another(&near, &[first], rng);
    if mixing && near.len() > 2 {
        return Choice::Anchored { first, second, anchor: another(&near, &[first, second], rng) };
    }
    Choice::Pair { first, second }
}

/// A frame whose distance from `from`, in frames, is in a range; `None` where there is none.
#[must_use]
pub fn far(frames: usize, from: usize, apart: RangeInclusive<usize>, rng: &mut impl Rng) -> Option<usize> {
    let (least, most) = apart.into_inner();
    let before = from.saturating_sub(most)..(from + 1).saturating_sub(least);
    let after = from.saturating_add(least)..from.saturating_add(most).saturating_add(1).min(frames);
    let count = before.len() + after.len();
    if count == 0 {
        return None;
    }
    let place = rng.random_range(0..count);
    Some(if place < before.len() { before.start + place } else { after.start + place - before.len() })
}

/// The frames that lie at most `within` from `middle`.
fn around(middle: usize, within: usize, frames: usize) -> Range<usize> {
    middle.saturating_sub(within)..middle.saturating_add(within).saturating_add(1).min(frames)
}

/// A frame that is not among those already taken.
fn another(among: &Range<usize>, taken: &[usize], rng: &mut impl Rng) -> usize {
    loop {
        let frame = rng.random_range(among.clone());
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
            let Choice::Anchored { first, second, anchor } = draw(4, usize::MAX, true, &mut rng) else {
                panic!("no anchor")
            };
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
            let Choice::Pair { first, second } = draw(2, usize::MAX, true, &mut rng) else { panic!("mixed") };
            assert_eq!(first + second, 1);
            assert_eq!(draw(1, usize::MAX, true, &mut rng), Choice::Pair { first: 0, second: 0 });
        }
        assert!(matches!(draw(9, usize::MAX, false, &mut rng), Choice::Pair { .. }));
    }

    #[test]
    fn frames_stay_as_near_as_asked_and_every_near_one_occurs() {
        let mut rng = Seed(3).stream("sample", &[]);
        let mut apart = [0; 7];
        for _ in 0..3000 {
            let Choice::Anchored { first, second, anchor } = draw(20, 3, true, &mut rng) else { panic!("no anchor") };
            assert!(first.abs_diff(anchor) <= 3 && second != anchor);
            apart[second + 3 - first] += 1;
        }
        assert_eq!(apart[3], 0);
        assert!(apart.iter().enumerate().all(|(place, count)| place == 3 || *count > 300), "{apart:?}");
        // At the end of a clip a distance of 1 leaves two frames, which are not mixed.
        let pairs = (0..500).filter(|_| matches!(draw(5, 1, true, &mut rng), Choice::Pair { .. })).count();
        // Two of five frames are ends; standard deviation 11.
        assert!((145..=255).contains(&pairs), "{pairs}");
        // A distance of nothing is one frame.
        assert!(matches!(draw(5, 0, false, &mut rng), Choice::Pair { first, second } if first.abs_diff(second) == 1));
    }

    #[test]
    fn a_far_frame_is_any_of_those_far_enough() {
        let mut rng = Seed(4).stream("sample", &[]);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            seen.insert(far(10, 4, 3..=9, &mut rng).unwrap());
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 7, 8, 9]);
        assert_eq!(far(10, 4, 6..=20, &mut rng), None);
        assert_eq!(far(10, 4, usize::MAX..=usize::MAX, &mut rng), None);
        assert_eq!(far(1, 0, 1..=1, &mut rng), None);
        let near: std::collections::BTreeSet<_> = (0..100).map(|_| far(10, 4, 2..=3, &mut rng).unwrap()).collect();
        assert_eq!(near.into_iter().collect::<Vec<_>>(), [1, 2, 6, 7]);
    }
}
