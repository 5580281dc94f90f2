//! Two clips that show the same, and what follows from it.

use super::compare::Likeness;
use super::corpus::{ClipRef, Corpus};
use serde::Serialize;

/// How much two clips have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The same pictures: frames of the one are found in the other.
    Copy,
    /// The same view of what is probably one patient: all frames are nearly alike.
    SameView,
}

/// Where the two stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// In two data sets: what is learnt on the one is known on the other.
    AcrossDataSets,
    /// In two folds of one data set, or one of them in none: a leak.
    AcrossFolds,
    /// In two groups, which the next split may put on its two sides.
    AcrossGroups,
    /// In one group: no harm to a split.
    WithinGroup,
}

/// Two clips that show the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// What they have in common.
    pub kind: Kind,
    /// Where they stand.
    pub relation: Relation,
    /// Whether both are labelled, and differently.
    pub label_clash: bool,
    /// Whether the source files are the same, byte for byte.
    pub same_file: bool,
    /// How alike they are.
    #[serde(flatten)]
    pub likeness: Likeness,
    /// Bits in which the hashes of their nearest frames differ, of 256.
    pub distance: u32,
    /// One.
    pub first: ClipRef,
    /// The other.
    pub second: ClipRef,
}

/// From which figures on two clips show the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Thresholds {
    /// [`Likeness::contained`] of a copy, at least.
    pub copy: f32,
    /// [`Likeness::agreement`] of the same view, at least.
    pub same_view: f32,
}

impl Default for Thresholds {
    /// Chosen on lung videos and breast pictures; `docs/AUDIT.md` shows what lies on either side.
    fn default() -> Self {
        Self { copy: 0.93, same_view: 0.73 }
    }
}

impl Thresholds {
    /// What two clips have in common, if anything.
    #[must_use]
    pub fn kind(&self, likeness: &Likeness) -> Option<Kind> {
        if likeness.contained >= self.copy {
            Some(Kind::Copy)
        } else if likeness.agreement >= self.same_view {
            Some(Kind::SameView)
        } else {
            None
        }
    }
}

/// The pair of two clips, in the order of the corpus.
pub(super) fn pair(corpus: &Corpus<'_>, a: usize, b: usize, kind: Kind, likeness: Likeness, distance: u32) -> Pair {
    let (first, second) = (corpus.clip(a), corpus.clip(b));
    let likeness = if a <= b { likeness } else { turned(likeness) };
    let (first, second) = if a <= b { (first, second) } else { (second, first) };
    Pair {
        kind,
        relation: relation(&first, &second),
        label_clash: first.label.is_some() && second.label.is_some() && first.label != second.label,
        same_file: corpus.row(a).sha256 == corpus.row(b).sha256,
        likeness,
        distance,
        first,
        second,
    }
}

/// Where two clips stand to each other.
pub(super) fn relation(a: &ClipRef, b: &ClipRef) -> Relation {
    if a.dataset != b.dataset {
        Relation::AcrossDataSets
    } else if a.fold != b.fold {
        Relation::AcrossFolds
    } else if a.group != b.group {
        Relation::AcrossGroups
    } else {
        Relation::WithinGroup
    }
}

fn turned(likeness: Likeness) -> Likeness {
    let [first, second] = likeness.frames;
    Likeness {
        frames: [second, first],
        part_of_first: likeness.part_of_second,
        part_of_second: likeness.part_of_first,
        ..likeness
    }
}
