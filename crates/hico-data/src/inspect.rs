//! What is in a data set: counts by class and by fold, sizes, and what a person should know before training on it.

use crate::clip::Channels;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::manifest::{ClipRow, Manifest};
use crate::spelling;
use crate::split::check_folds;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A data set in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// Clips.
    pub clips: usize,
    /// Frames of all clips.
    pub frames: usize,
    /// Groups, the unit of every split.
    pub groups: usize,
    /// Patients that are named.
    pub patients: usize,
    /// Bytes of all stored frames.
    pub bytes: u64,
    /// Every class by name; the unlabelled clips, if there are any, come last.
    pub classes: Vec<ClassFacts>,
    /// Every fold; none before the data set is split.
    pub folds: BTreeMap<usize, Fold>,
    /// Fewest, median and most frames of a clip.
    pub frames_per_clip: [usize; 3],
    /// Slowest and fastest clip, frames a second, of those that state it.
    pub fps: Option<[f64; 2]>,
    /// Stored sizes, height first (`480x640`), and the clips that have each.
    pub stored: BTreeMap<String, usize>,
    /// Sizes in the source, as [`Self::stored`].
    pub sources: BTreeMap<String, usize>,
    /// Clips in grey; the others are in colour.
    pub grey: usize,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

/// One class, or the clips without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassFacts {
    /// Its name; `None` stands for the unlabelled clips.
    pub class: Option<String>,
    /// Its clips.
    pub clips: usize,
    /// Groups that hold one of them.
    pub groups: usize,
    /// Their frames.
    pub frames: usize,
}

/// One fold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Fold {
    /// Its clips.
    pub clips: usize,
    /// Its groups.
    pub groups: BTreeSet<String>,
    /// Clips of each class.
    pub classes: BTreeMap<String, usize>,
    /// Clips without a label.
    pub unlabelled: usize,
}

/// How many names a warning lists.
const LISTED: usize = 3;

/// The figures of a table; no frame is read.
#[must_use]
pub fn facts(manifest: &Manifest) -> Facts {
    let rows = &manifest.rows;
    let distinct = |name: fn(&ClipRow) -> Option<&str>| rows.iter().filter_map(name).collect::<BTreeSet<_>>().len();
    let sizes = |size: fn(&ClipRow) -> String| {
        rows.iter().fold(BTreeMap::new(), |mut counts, row| {
            *counts.entry(size(row)).or_default() += 1;
            counts
        })
    };
    let mut lengths: Vec<usize> = rows.iter().map(|row| row.frames).collect();
    lengths.sort_unstable();
    let length = |place: usize| lengths.get(place).copied().unwrap_or(0);
    let fps: Vec<f64> = rows.iter().filter_map(|row| row.fps).collect();
    Facts {
        clips: rows.len(),
        frames: lengths.iter().sum(),
        groups: distinct(|row| Some(&row.group)),
        patients: distinct(|row| row.patient.as_deref()),
        bytes: rows.iter().map(bytes).sum(),
        classes: classes(manifest),
        folds: folds(manifest),
        frames_per_clip: [0, lengths.len() / 2, lengths.len().saturating_sub(1)].map(length),
        fps: fps.iter().copied().reduce(f64::min).zip(fps.iter().copied().reduce(f64::max)).map(<[f64; 2]>::from),
        stored: sizes(|row| format!("{}x{}", row.height, row.width)),
        sources: sizes(|row| format!("{}x{}", row.source_height, row.source_width)),
        grey: rows.iter().filter(|row| row.channels == Channels::Grey).count(),
        warnings: warnings(manifest),
    }
}

/// Clips, groups and classes of each fold.
#[must_use]
pub fn folds(manifest: &Manifest) -> BTreeMap<usize, Fold> {
    let mut folds: BTreeMap<usize, Fold> = BTreeMap::new();
    for row in &manifest.rows {
        let Some(number) = row.fold else { continue };
        let fold = folds.entry(number).or_default();
        fold.clips += 1;
        fold.groups.insert(row.group.clone());
        match &row.label {
            Some(label) => *fold.classes.entry(label.clone()).or_default() += 1,
            None => fold.unlabelled += 1,
        }
    }
    folds
}

/// Up to `most` clips of a class (`None`: without a label), each of another group where there are enough.
#[must_use]
pub fn examples(dataset: &Dataset, class: Option<&str>, most: usize) -> Vec<usize> {
    let of_class = (0..dataset.len()).filter(|&clip| dataset.row(clip).label.as_deref() == class);
    let mut groups = BTreeSet::new();
    let (first, more): (Vec<usize>, Vec<usize>) =
        of_class.partition(|&clip| groups.insert(dataset.row(clip).group.as_str()));
    first.into_iter().chain(more).take(most).collect()
}

fn bytes(row: &ClipRow) -> u64 {
    (row.frames * row.height * row.width * row.channels.count()) as u64
}

fn classes(manifest: &Manifest) -> Vec<ClassFacts> {
    let named = manifest.classes().into_iter().map(Some);
    let all = named.chain([None]).map(|class| {
        let rows: Vec<&ClipRow> = manifest.rows.iter().filter(|row| row.label == class).collect();
        ClassFacts {
            clips: rows.len(),
            groups: rows.iter().map(|row| &row.group).collect::<BTreeSet<_>>().len(),
            frames: rows.iter().map(|row| row.frames).sum(),
            class,
        }
    });
    all.filter(|class| class.clips > 0).collect()
}

fn warnings(manifest: &Manifest) -> Vec<String> {
    let mut warnings = Vec::new();
    match check_folds(manifest) {
        Ok(_) | Err(Error::NoFolds) => {}
        Err(error) => warnings.push(error.to_string()),
    }
    warnings.extend(spelling::warnings(manifest));
    let of_classes = classes(manifest);
    for class in of_classes.iter().filter(|class| class.groups == 1) {
        if let Some(name) = &class.class {
            warnings.push(format!("class {name:?} is in one group only, so it can be trained on or tested, not both"));
        }
    }
    let labelled = of_classes.iter().filter(|class| class.class.is_some()).count();
    if labelled == 1 {
        warnings.push("all labels are of one class, so there is nothing to classify".to_owned());
    }
    let single = manifest.rows.iter().filter(|row| row.frames == 1);
    warn(
        &mut warnings,
        single.map(|row| row.clip.as_str()),
        "one frame only, whose two views then show the same frame",
    );
    let mut by_hash: BTreeMap<&str, Vec<&ClipRow>> = BTreeMap::new();
    for row in &manifest.rows {
        by_hash.entry(&row.sha256).or_default().push(row);
    }
    for rows in by_hash.values().filter(|rows| rows.len() > 1) {
        let names: Vec<&str> = rows.iter().map(|row| row.clip.as_str()).collect();
        let apart = rows.iter().any(|row| row.group != rows[0].group);
        let clash = rows.iter().any(|row| row.label != rows[0].label);
        let more = match (apart, clash) {
            (true, true) => ", in different groups and with different labels",
            (true, false) => ", in different groups",
            (false, true) => ", with different labels",
            (false, false) => "",
        };
        warnings.push(format!("the same content {} times{more}: {}", rows.len(), shortened(&names)));
    }
    warnings
}

fn warn<'a>(warnings: &mut Vec<String>, clips: impl Iterator<Item = &'a str>, what: &str) {
    let names: Vec<&str> = clips.collect();
    match names.len() {
        0 => {}
        1 => warnings.push(format!("1 clip has {what}: {}", names[0])),
        count => warnings.push(format!("{count} clips have {what}: {}", shortened(&names))),
    }
}

fn shortened(names: &[&str]) -> String {
    let shown = names[..names.len().min(LISTED)].join(", ");
    if names.len() > LISTED { format!("{shown}, ...") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::{PhantomRecipe, generate};
    use crate::seed::Seed;
    use crate::split::k_folds;

    fn phantom() -> Dataset {
        generate(&PhantomRecipe {
            patients: 18,
            frames: 2,
            side: 32,
            unlabelled_fraction: 0.3,
            seed: Seed(4),
            ..PhantomRecipe::default()
        })
    }

    #[test]
    fn every_clip_is_counted_once_by_class_and_once_by_fold() {
        let mut manifest = phantom().manifest().clone();
        let folds = k_folds(&manifest, 2, Seed(1)).unwrap();
        for (row, fold) in manifest.rows.iter_mut().zip(folds) {
            row.fold = Some(fold);
        }
        let facts = facts(&manifest);
        assert_eq!(facts.classes.iter().map(|class| class.clips).sum::<usize>(), facts.clips);
        assert_eq!(facts.classes.iter().map(|class| class.frames).sum::<usize>(), facts.frames);
        assert_eq!(facts.classes.last().unwrap().class, None);
        assert_eq!(facts.folds.values().map(|fold| fold.clips).sum::<usize>(), facts.clips);
        let counted = |fold: &Fold| fold.classes.values().sum::<usize>() + fold.unlabelled;
        assert!(facts.folds.values().all(|fold| counted(fold) == fold.clips));
        assert_eq!(facts.folds.values().map(|fold| fold.groups.len()).sum::<usize>(), facts.groups);
        assert_eq!((facts.groups, facts.patients), (18, 18));
        assert_eq!(facts.frames_per_clip, [2, 2, 2]);
        assert_eq!(facts.fps, Some([10.0, 10.0]));
        assert!(facts.warnings.is_empty(), "{:?}", facts.warnings);
    }

    #[test]
    fn an_empty_table_has_facts_too() {
        let facts = facts(&Manifest::default());
        assert_eq!((facts.clips, facts.frames_per_clip, facts.fps), (0, [0; 3], None));
    }

    #[test]
    fn copies_lone_groups_and_single_frames_are_told() {
        let mut manifest = phantom().manifest().clone();
        let patients: Vec<String> = manifest.rows.iter().map(|row| row.group.clone()).collect();
        let other = patients.iter().position(|group| *group != patients[0]).unwrap();
        manifest.rows[other].sha256 = manifest.rows[0].sha256.clone();
        manifest.rows[other].label = Some("rare".to_owned());
        manifest.rows[0].frames = 1;
        let warnings = facts(&manifest).warnings;
        let told = |words: &str| warnings.iter().any(|warning| warning.contains(words));
        assert!(told("\"rare\" is in one group only"), "{warnings:?}");
        assert!(told("1 clip has one frame only"), "{warnings:?}");
        assert!(told("the same content 2 times, in different groups and with different labels"), "{warnings:?}");
    }

    #[test]
    fn examples_come_from_as_many_groups_as_there_are() {
        let dataset = phantom();
        let class = dataset.classes()[0].clone();
        let groups =
            |clips: &[usize]| clips.iter().map(|&clip| dataset.row(clip).group.clone()).collect::<BTreeSet<_>>();
        let all = examples(&dataset, Some(&class), usize::MAX);
        assert!(all.iter().all(|&clip| dataset.row(clip).label.as_ref() == Some(&class)));
        let few = examples(&dataset, Some(&class), groups(&all).len());
        assert_eq!(groups(&few), groups(&all));
    }
}
