//! Groups and patients on both sides of a split, and groups that hold two labels. Names only; no frame is looked at.

use super::corpus::Corpus;
use crate::manifest::ClipRow;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The unit that crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A group.
    Group,
    /// A patient.
    Patient,
    /// A source file, by its content.
    File,
}

/// What a unit crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// It stands in several folds (or partly in none).
    Folds,
    /// It stands in several groups, so a split may tear it apart.
    Groups,
    /// It stands in several data sets.
    DataSets,
}

/// A unit that stands on both sides of a border.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crossing {
    /// What crosses.
    pub unit: Unit,
    /// Its name; of a file its path.
    pub name: String,
    /// What it crosses.
    pub border: Border,
    /// The places where it stands: folds, groups or data sets, by name.
    pub places: Vec<String>,
    /// Its clips in all of them.
    pub clips: usize,
}

impl Crossing {
    /// Whether it spoils a figure now; a patient in two groups may only come to.
    #[must_use]
    pub const fn leaks(&self) -> bool {
        matches!(self.border, Border::Folds | Border::DataSets)
    }
}

/// A group whose clips have several labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MixedGroup {
    /// The group.
    pub group: String,
    /// Its labels and how many clips have each.
    pub labels: BTreeMap<String, usize>,
}

/// Every unit of the first data set that crosses a border.
///
/// Names of groups and patients are compared as they are written: two data sets that both count patients from 1 seem
/// to share them. Files are compared by their SHA-256.
#[must_use]
pub fn crossings(corpus: &Corpus<'_>) -> Vec<Crossing> {
    let Some(((_, first), others)) = corpus.datasets().split_first() else { return Vec::new() };
    let rows = &first.manifest().rows;
    let group = |row: &ClipRow| Some(row.group.clone());
    let patient = |row: &ClipRow| row.patient.clone();
    let fold = |row: &ClipRow| row.fold.map_or_else(|| "no fold".to_owned(), |fold| format!("fold {fold}"));
    let mut found = Vec::new();
    found.extend(within(rows, Unit::Group, Border::Folds, group, fold));
    found.extend(within(rows, Unit::Patient, Border::Folds, patient, fold));
    found.extend(within(rows, Unit::Patient, Border::Groups, patient, |row| row.group.clone()));
    for (name, other) in others {
        let names = [corpus.datasets()[0].0, name];
        let other = &other.manifest().rows;
        found.extend(between(rows, other, Unit::Group, names, group));
        found.extend(between(rows, other, Unit::Patient, names, patient));
        let mut files = between(rows, other, Unit::File, names, |row| Some(row.sha256.clone()));
        // A reader knows the path, not the sum.
        for file in &mut files {
            if let Some(row) = rows.iter().find(|row| row.sha256 == file.name) {
                file.name.clone_from(&row.source);
            }
        }
        found.extend(files);
    }
    found
}

/// Groups of several labels.
#[must_use]
pub fn mixed_groups(rows: &[ClipRow]) -> Vec<MixedGroup> {
    let mut groups: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for row in rows {
        if let Some(label) = &row.label {
            *groups.entry(&row.group).or_default().entry(label.clone()).or_default() += 1;
        }
    }
    let mixed = groups.into_iter().filter(|(_, labels)| labels.len() > 1);
    mixed.map(|(group, labels)| MixedGroup { group: group.to_owned(), labels }).collect()
}

fn within(
    rows: &[ClipRow],
    unit: Unit,
    border: Border,
    name: impl Fn(&ClipRow) -> Option<String>,
    place: impl Fn(&ClipRow) -> String,
) -> Vec<Crossing> {
    let mut units: BTreeMap<String, (BTreeSet<String>, usize)> = BTreeMap::new();
    for row in rows {
        if let Some(name) = name(row) {
            let (places, clips) = units.entry(name).or_default();
            places.insert(place(row));
            *clips += 1;
        }
    }
    let crossing = units.into_iter().filter(|(_, (places, _))| places.len() > 1);
    crossing
        .map(|(name, (places, clips))| Crossing { unit, name, border, places: places.into_iter().collect(), clips })
        .collect()
}

fn between(
    rows: &[ClipRow],
    others: &[ClipRow],
    unit: Unit,
    places: [&str; 2],
    name: impl Fn(&ClipRow) -> Option<String>,
) -> Vec<Crossing> {
    let count = |rows: &[ClipRow]| {
        rows.iter().filter_map(&name).fold(BTreeMap::new(), |mut counts: BTreeMap<String, usize>, name| {
            *counts.entry(name).or_default() += 1;
            counts
        })
    };
    let there = count(others);
    let shared = count(rows).into_iter().filter_map(|(name, clips)| {
        let clips = clips + there.get(&name)?;
        let places = places.map(str::to_owned).to_vec();
        Some(Crossing { unit, name, border: Border::DataSets, places, clips })
    });
    shared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use crate::phantom::{PhantomRecipe, generate};

    fn phantom() -> Dataset {
        generate(&PhantomRecipe {
            patients: 6,
            clips_per_patient: [2, 2],
            frames: 1,
            side: 16,
            ..PhantomRecipe::default()
        })
    }

    fn changed(change: impl Fn(&mut Vec<ClipRow>)) -> Dataset {
        let dataset = phantom();
        let mut manifest = dataset.manifest().clone();
        change(&mut manifest.rows);
        let clips = (0..dataset.len()).map(|clip| dataset.read_clip(clip).unwrap()).collect();
        Dataset::in_memory(manifest, clips)
    }

    #[test]
    fn a_clean_data_set_has_no_crossing_and_each_kind_is_found_by_its_name() {
        let clean = phantom();
        assert_eq!(crossings(&Corpus::new(vec![("a", &clean)])), []);
        let torn = changed(|rows| {
            rows.iter_mut().for_each(|row| row.fold = Some(0));
            rows[0].fold = Some(1);
            rows[2].group = "elsewhere".to_owned();
        });
        let found = crossings(&Corpus::new(vec![("a", &torn)]));
        let told: Vec<_> = found.iter().map(|it| (it.unit, it.border, it.name.as_str(), it.places.join("|"))).collect();
        let expected = [
            (Unit::Group, Border::Folds, "P001", "fold 0|fold 1".to_owned()),
            (Unit::Patient, Border::Folds, "P001", "fold 0|fold 1".to_owned()),
            (Unit::Patient, Border::Groups, "P002", "P002|elsewhere".to_owned()),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_two_data_sets_share_is_found() {
        let (first, second) = (phantom(), phantom());
        let found = crossings(&Corpus::new(vec![("a", &first), ("b", &second)]));
        assert_eq!(found.iter().filter(|it| it.unit == Unit::Group).count(), 6);
        assert_eq!(found.iter().filter(|it| it.unit == Unit::File).count(), 12);
        assert!(found.iter().all(|it| it.leaks() && it.places == ["a", "b"]));
    }

    #[test]
    fn a_group_of_two_labels_is_told() {
        let mixed = changed(|rows| {
            rows[0].label = Some("x".to_owned());
            rows[1].label = Some("y".to_owned());
            rows[2].label = None;
        });
        let mixed = mixed_groups(&mixed.manifest().rows);
        assert_eq!(mixed.len(), 1);
        assert_eq!((mixed[0].group.as_str(), mixed[0].labels.len()), ("P001", 2));
    }
}
