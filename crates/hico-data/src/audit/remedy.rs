//! What to do about it: groups to merge, clips to leave out. A proposal for a person to read, not a verdict.

use super::pair::{Kind, Relation};
use super::quality::Fault;
use super::run::Findings;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Groups that belong together, and clips to leave out, of the first data set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Remedy {
    /// Each merged group and the groups it is made of; groups that stay as they are do not stand here.
    pub merged: BTreeMap<String, BTreeSet<String>>,
    /// Clips to leave out and why; one clip may have several reasons.
    pub excluded: Vec<Exclusion>,
}

/// A clip to leave out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Exclusion {
    /// The clip.
    pub clip: String,
    /// Its source file.
    pub source: String,
    /// Why.
    pub reason: Reason,
    /// The other clip, where there is one.
    pub other: Option<String>,
}

/// Why a clip is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It shows the same as a clip of another data set.
    InOtherDataSet,
    /// The same pictures have another label elsewhere, and nobody knows which is right.
    LabelClash,
    /// A copy of a clip that stays.
    Copy,
    /// It shows nothing.
    Blank,
    /// It cannot be read.
    Unreadable,
}

impl Reason {
    /// For tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InOtherDataSet => "in other data set",
            Self::LabelClash => "label clash",
            Self::Copy => "copy",
            Self::Blank => "blank",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The remedy for what was found.
///
/// Groups whose clips show the same are merged, also where two of them are alike by a clip of another data set only; a
/// patient of several groups joins them. Left out is what another data set has too, copies with two labels, all
/// identical copies but the first, and what is blank or unreadable.
#[must_use]
pub fn remedy(findings: &Findings) -> Remedy {
    let mut union = Union::default();
    for pair in &findings.pairs {
        union.join(&(pair.first.dataset, pair.first.group.clone()), &(pair.second.dataset, pair.second.group.clone()));
    }
    for crossing in findings.crossings.iter().filter(|it| it.border == super::sides::Border::Groups) {
        for pair in crossing.places.windows(2) {
            union.join(&(0, pair[0].clone()), &(0, pair[1].clone()));
        }
    }
    Remedy { merged: union.sets(), excluded: exclusions(findings) }
}

/// A copy that is found in its original this well adds nothing.
const IDENTICAL: f32 = 0.99;

fn exclusions(findings: &Findings) -> Vec<Exclusion> {
    let mut excluded = BTreeSet::new();
    let mut exclude = |clip: &super::ClipRef, reason: Reason, other: Option<&super::ClipRef>| {
        if clip.dataset == 0 {
            let (name, source) = (clip.clip.clone(), clip.source.clone());
            excluded.insert(Exclusion { clip: name, source, reason, other: other.map(|other| other.clip.clone()) });
        }
    };
    for pair in &findings.pairs {
        let (first, second) = (&pair.first, &pair.second);
        if pair.relation == Relation::AcrossDataSets {
            exclude(first, Reason::InOtherDataSet, Some(second));
        } else if pair.kind == Kind::Copy && pair.label_clash {
            exclude(first, Reason::LabelClash, Some(second));
            exclude(second, Reason::LabelClash, Some(first));
        } else if pair.same_file || pair.likeness.contained >= IDENTICAL {
            // A labelled clip teaches more; of equals the first stays.
            let (stays, goes) =
                if first.label.is_none() && second.label.is_some() { (second, first) } else { (first, second) };
            exclude(goes, Reason::Copy, Some(stays));
        }
    }
    for faulty in findings.faults.iter().filter(|faulty| faulty.fault == Fault::Blank) {
        exclude(&faulty.clip, Reason::Blank, None);
    }
    for unreadable in &findings.unreadable {
        exclude(&unreadable.clip, Reason::Unreadable, None);
    }
    excluded.into_iter().collect()
}

/// A data set and a group in it.
type Node = (usize, String);

/// Which groups belong together (disjoint sets).
#[derive(Debug, Default)]
struct Union {
    parent: BTreeMap<Node, Node>,
}

impl Union {
    fn root(&self, node: &Node) -> Node {
        let mut node = node.clone();
        while let Some(parent) = self.parent.get(&node) {
            node = parent.clone();
        }
        node
    }

    fn join(&mut self, a: &Node, b: &Node) {
        let (a, b) = (self.root(a), self.root(b));
        // The smaller name leads, so that the outcome does not depend on the order of the pairs.
        match a.cmp(&b) {
            std::cmp::Ordering::Less => drop(self.parent.insert(b, a)),
            std::cmp::Ordering::Greater => drop(self.parent.insert(a, b)),
            std::cmp::Ordering::Equal => {}
        }
    }

    /// Sets with several groups of the first data set, by the smallest name.
    fn sets(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut sets: BTreeMap<Node, BTreeSet<String>> = BTreeMap::new();
        for node in self.parent.keys().chain(self.parent.values()).filter(|node| node.0 == 0) {
            sets.entry(self.root(node)).or_default().insert(node.1.clone());
        }
        let several = sets.into_values().filter(|groups| groups.len() > 1);
        several.filter_map(|groups| Some((groups.first()?.clone(), groups))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node(dataset: usize, group: &str) -> Node {
        (dataset, group.to_owned())
    }

    #[test]
    fn groups_are_joined_through_others_and_those_of_other_data_sets_do_not_show() {
        let mut union = Union::default();
        union.join(&node(0, "a"), &node(1, "x"));
        union.join(&node(1, "x"), &node(0, "c"));
        union.join(&node(0, "d"), &node(0, "e"));
        union.join(&node(0, "f"), &node(1, "y"));
        let sets = union.sets();
        assert_eq!(sets.keys().collect::<Vec<_>>(), ["a", "d"]);
        assert_eq!(sets["a"].iter().collect::<Vec<_>>(), ["a", "c"]);
    }

    proptest! {
        #[test]
        fn sets_do_not_depend_on_the_order_of_the_pairs(
            pairs in proptest::collection::vec((0_u8..12, 0_u8..12), 0..20),
        ) {
            let sets = |pairs: &mut dyn Iterator<Item = &(u8, u8)>| {
                let mut union = Union::default();
                pairs.for_each(|(a, b)| union.join(&node(0, &a.to_string()), &node(0, &b.to_string())));
                union.sets()
            };
            prop_assert_eq!(sets(&mut pairs.iter()), sets(&mut pairs.iter().rev()));
        }
    }
}
