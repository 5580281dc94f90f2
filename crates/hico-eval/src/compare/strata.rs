//! Results by stratum: where size or file type alone tell the classes apart, a figure over everything may be theirs, and what
//! each method reaches among clips that are alike in them says more.

use super::answer::Answer;
use super::answers::frames;
use crate::confounds::suffix;
use crate::stats;
use hico_data::{ClipRow, Dataset};
use hico_model::rows::argmax;
use hico_train::metrics::Confusion;
use hico_train::predictions::per_clip;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::answer::tests::answer;
    use hico_data::{Channels, Clip, Manifest, Size};
    use hico_train::predictions::FramePrediction;

    /// Six clips of a patient each: `(class, source, width)`.
    const CLIPS: [(&str, &str, usize); 6] = [
        ("a", "1.mp4", 640),
        ("a", "2.MP4", 640),
        ("a", "3.png", 640),
        ("b", "4.png", 640),
        ("b", "5.png", 640),
        ("b", "6.png", 640),
    ];

    fn data(clips: &[(&str, &str, usize)]) -> Dataset {
        let size = Size { height: 1, width: 1 };
        let row = |(class, source, width): &(&str, &str, usize)| ClipRow {
            label: Some((*class).to_owned()),
            source: (*source).to_owned(),
            source_height: 480,
            source_width: *width,
            ..ClipRow::new((*source).to_owned(), 1, size, Channels::Grey)
        };
        let clip = Clip { size, channels: Channels::Grey, pixels: vec![0], fps: None };
        Dataset::in_memory(Manifest { rows: clips.iter().map(row).collect() }, vec![clip; clips.len()])
    }

    /// A method that calls every clip `a`.
    fn always_a() -> Answer {
        let predict = |clip| FramePrediction { clip, frame: 0, probabilities: vec![0.9, 0.1] };
        Answer { predictions: (0..CLIPS.len()).map(predict).collect(), ..answer() }
    }

    #[test]
    fn clips_are_parted_by_file_type_and_each_part_has_its_own_figure() {
        let answer = always_a();
        let (found, nothing) = (BTreeMap::from([(1, vec![&answer])]), BTreeMap::new());
        let strata = strata(&data(&CLIPS), &[&nothing, &found]);
        let of = |value: &str, clips: [usize; 2], groups, reached: f64| Stratum {
            by: "file type".to_owned(),
            value: value.to_owned(),
            clips: clips.to_vec(),
            groups,
            balanced_accuracy: vec![None, Some(reached)],
        };
        // The sizes are all the same, so there is no stratum of them.
        assert_eq!(strata, [of("png", [1, 3], 4, 0.5), of("mp4", [2, 0], 2, 1.0)]);
    }

    #[test]
    fn sizes_part_clips_too_and_without_answers_there_are_no_strata() {
        let mut clips = CLIPS;
        clips[0].2 = 800;
        let answer = always_a();
        let found = BTreeMap::from([(1, vec![&answer])]);
        let values: Vec<String> = strata(&data(&clips), &[&found]).into_iter().map(|stratum| stratum.value).collect();
        assert_eq!(values, ["png", "mp4", "480x640", "480x800"]);
        assert_eq!(strata(&data(&clips), &[&BTreeMap::new()]), []);
    }
}
