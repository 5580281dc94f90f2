//! Results by stratum: where size or file type alone tell the classes apart, a figure over everything may be theirs, and what
//! each method reaches among clips that are alike in them says more.

use super::answer::Answer;
use super::answers::frames;
use crate::evaluate::confounds::suffix;
use crate::evaluate::predictions::per_clip;
use crate::metrics::{Confusion, argmax};
use crate::stats;
use hico_data::{ClipRow, Dataset};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Strata of one kind, at most: the largest.
const MOST: usize = 8;

/// Tested clips that are alike in something that the picture does not show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stratum {
    /// What they are alike in: `file type` or `size`.
    pub by: String,
    /// Its value, for instance `mp4` or `480x640`, height first.
    pub value: String,
    /// Clips of each class.
    pub clips: Vec<usize>,
    /// Groups that they belong to.
    pub groups: usize,
    /// For each method that is asked this its balanced accuracy per clip over the classes that are there, mean over seeds;
    /// absent where it has no figure.
    pub balanced_accuracy: Vec<Option<f64>>,
}

/// What clips may be alike in.
type ValueOf = fn(&ClipRow) -> String;

/// How clips are parted.
const KINDS: [(&str, ValueOf); 2] = [
    ("file type", |row| suffix(&row.source).unwrap_or_else(|| "none".to_owned())),
    ("size", |row| format!("{}x{}", row.source_height, row.source_width)),
];

/// - `methods`: for each method its answers by seed
/// - returns: the strata of each kind that parts the tested clips, the largest first
pub(super) fn strata(dataset: &Dataset, methods: &[&BTreeMap<u64, Vec<&Answer>>]) -> Vec<Stratum> {
    let Some(tested) = methods.iter().find_map(|found| found.values().next()) else { return Vec::new() };
    let clips: BTreeSet<usize> = frames(tested).into_iter().map(|frame| frame.clip).collect();
    let mut all = Vec::new();
    for (by, value_of) in KINDS {
        let mut parts: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for clip in &clips {
            parts.entry(value_of(dataset.row(*clip))).or_default().insert(*clip);
        }
        if parts.len() < 2 {
            continue;
        }
        let mut parts: Vec<(String, BTreeSet<usize>)> = parts.into_iter().collect();
        parts.sort_by_key(|(_, clips)| std::cmp::Reverse(clips.len()));
        parts.truncate(MOST);
        all.extend(parts.into_iter().map(|(value, clips)| Stratum {
            by: by.to_owned(),
            value,
            groups: clips.iter().map(|clip| dataset.row(*clip).group.as_str()).collect::<BTreeSet<_>>().len(),
            balanced_accuracy: methods.iter().map(|found| reached(dataset, &clips, found)).collect(),
            clips: per_class(dataset, &clips),
        }));
    }
    all
}

fn per_class(dataset: &Dataset, clips: &BTreeSet<usize>) -> Vec<usize> {
    let of_class = |class: usize| clips.iter().filter(|clip| dataset.label(**clip) == Some(class)).count();
    (0..dataset.classes().len()).map(of_class).collect()
}

fn reached(dataset: &Dataset, clips: &BTreeSet<usize>, found: &BTreeMap<u64, Vec<&Answer>>) -> Option<f64> {
    let of_seed = |answers: &Vec<&Answer>| {
        let mut frames = frames(answers);
        frames.retain(|frame| clips.contains(&frame.clip));
        let units = per_clip(dataset, &frames);
        let found = units.iter().map(|unit| (unit.truth, argmax(&unit.probabilities)));
        Confusion::of(dataset.classes().len(), found).balanced_accuracy()
    };
    stats::mean(&found.values().map(of_seed).collect::<Option<Vec<f64>>>()?)
}
