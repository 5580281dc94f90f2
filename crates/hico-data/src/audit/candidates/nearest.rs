//! The few nearest clips of one frame.

use super::Sighting;

/// Clips that a clip keeps.
pub const KEPT: usize = 24;

/// Up to [`KEPT`] clips, each with its best sighting; nearest first, of equally near ones the earlier clip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Nearest {
    found: Vec<(Sighting, u32)>,
}

impl Nearest {
    /// Keeps a clip if it is near enough.
    pub(super) fn offer(&mut self, clip: u32, sighting: Sighting) {
        let full = self.found.len() == KEPT;
        if full && self.found.last().is_some_and(|(last, _)| sighting.distance > last.distance) {
            return;
        }
        if let Some(place) = self.found.iter().position(|(_, other)| *other == clip) {
            if self.found[place].0 <= sighting {
                return;
            }
            self.found.remove(place);
        }
        let key = (sighting.distance, clip);
        let place = self.found.partition_point(|(other, clip)| (other.distance, *clip) < key);
        self.found.insert(place, (sighting, clip));
        self.found.truncate(KEPT);
    }

    /// What was kept.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Sighting)> {
        self.found.iter().map(|(sighting, clip)| (*clip, *sighting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(distance: u32) -> Sighting {
        Sighting { distance, frame: 0, found: 0, part: 0, mirrored: false }
    }

    #[test]
    fn the_nearest_stay_and_a_clip_stands_once() {
        let mut nearest = Nearest::default();
        for clip in 0..100 {
            nearest.offer(clip, sighting(100 - clip));
            nearest.offer(clip, sighting(101 - clip));
        }
        let kept: Vec<u32> = nearest.iter().map(|(clip, _)| clip).collect();
        assert_eq!(kept, (100 - KEPT as u32..100).rev().collect::<Vec<_>>());
        nearest.offer(99, sighting(0));
        assert_eq!(nearest.iter().next().unwrap(), (99, sighting(0)));
        assert_eq!(nearest.iter().count(), KEPT);
    }

    #[test]
    fn what_is_kept_does_not_depend_on_the_order() {
        let offers: Vec<(u32, u32)> = (0..60).map(|at| (at % 40, at * 7 % 13)).collect();
        let keep = |offers: &mut dyn Iterator<Item = &(u32, u32)>| {
            let mut nearest = Nearest::default();
            offers.for_each(|(clip, distance)| nearest.offer(*clip, sighting(*distance)));
            nearest
        };
        assert_eq!(keep(&mut offers.iter()), keep(&mut offers.iter().rev()));
    }
}
