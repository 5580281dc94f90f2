//! What is known of a clip without looking at what it shows, as numbers and words.

use hico_data::ClipRow;
use hico_data::audit::quality::Quality;
use std::collections::{BTreeMap, BTreeSet};

/// One thing known of a clip.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A number; `None` where the source does not state it.
    Number(Option<f64>),
    /// Words, in any order.
    Words(BTreeSet<String>),
}

/// What is known of each clip under one name.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// `[clips][things]`
    pub(super) values: Vec<Vec<Value>>,
}

/// Everything that is known of some clips, and the words of their paths that name a class and were left out.
pub(super) fn known(rows: &[&ClipRow], quality: &[Quality], labels: &[usize]) -> (Vec<Known>, Vec<String>) {
    let number = |value: f64| Value::Number(Some(value));
    let of = |name, what, values: &dyn Fn(usize) -> Vec<Value>| Known {
        name,
        what,
        values: (0..rows.len()).map(values).collect(),
    };
    let (paths, naming) = path_words(rows, labels);
    let all = vec![
        of("size", "height, width and aspect of the source", &|clip| {
            let [height, width] = [rows[clip].source_height, rows[clip].source_width].map(|side| side as f64);
            vec![number(height), number(width), number(width / height.max(1.0))]
        }),
        of("frame rate", "frames a second, as the source states it", &|clip| vec![Value::Number(rows[clip].fps)]),
        of("frames", "number of frames", &|clip| vec![number(rows[clip].frames as f64)]),
        of("tint", "red and blue beside green, mean over the picture", &|clip| {
            let [red, green, blue] = quality[clip].colour.map(f64::from);
            vec![number(red - green), number(blue - green)]
        }),
        of("brightness", "mean luma of the picture", &|clip| {
            let [red, green, blue] = quality[clip].colour.map(f64::from);
            vec![number(0.299 * red + 0.587 * green + 0.114 * blue)]
        }),
        of("file type", "suffix of the file", &|clip| {
            vec![Value::Words(suffix(&rows[clip].source).into_iter().collect())]
        }),
        of("source", "words of folder and file name", &|clip| vec![Value::Words(paths[clip].clone())]),
    ];
    (all, naming)
}

/// What follows the last dot in a file's name, lower case.
pub(crate) fn suffix(source: &str) -> Option<String> {
    let name = source.rsplit('/').next().unwrap_or(source);
    name.rsplit_once('.').map(|(_, suffix)| suffix.to_lowercase())
}

/// Runs of letters in a path without its suffix, lower case, of two letters or more.
fn words(source: &str) -> BTreeSet<String> {
    let begin = source.rfind('/').map_or(0, |slash| slash + 1);
    let end = source[begin..].rfind('.').map_or(source.len(), |dot| begin + dot);
    let all = source[..end].split(|letter: char| !letter.is_alphabetic()).map(str::to_lowercase);
    all.filter(|word| word.chars().count() > 1).collect()
}

/// A word names a class where this share of its clips is of that class,
const NAMES: f64 = 0.9;
/// and this share of the class has it.
const COVERS: f64 = 0.6;

/// Words of every path, without those that name a class: how files were sorted is no property of the pictures.
fn path_words(rows: &[&ClipRow], labels: &[usize]) -> (Vec<BTreeSet<String>>, Vec<String>) {
    let mut all: Vec<BTreeSet<String>> = rows.iter().map(|row| words(&row.source)).collect();
    let classes = labels.iter().max().map_or(0, |most| most + 1);
    let count = |counts: &mut Vec<f64>, label: usize| counts[label] += 1.0;
    let mut sizes = vec![0.0; classes];
    let mut counts: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (words, &label) in all.iter().zip(labels) {
        count(&mut sizes, label);
        words.iter().for_each(|word| count(counts.entry(word).or_insert_with(|| vec![0.0; classes]), label));
    }
    let names = |counts: &[f64]| {
        let of_word: f64 = counts.iter().sum();
        counts.iter().zip(&sizes).any(|(count, size)| *count >= NAMES * of_word && *count >= COVERS * size)
    };
    let naming: Vec<String> =
        counts.iter().filter(|(_, counts)| names(counts)).map(|(word, _)| (*word).to_owned()).collect();
    all.iter_mut().for_each(|words| words.retain(|word| naming.binary_search(word).is_err()));
    (all, naming)
}

/// Bins of a number.
const BINS: usize = 8;

/// Turns values into columns of 0 and 1, as the training clips have them.
#[derive(Debug)]
pub(super) struct Encoder {
    /// For each thing: edges of the bins of a number, or words.
    things: Vec<Thing>,
}

#[derive(Debug)]
enum Thing {
    /// Upper edges of all bins but the last.
    Edges(Vec<f64>),
    Words(Vec<String>),
}

impl Encoder {
    /// - `training`: `[clips][things]`, the same things for each
    pub(super) fn fit(training: &[&[Value]]) -> Self {
        let things = training.first().map_or(0, |values| values.len());
        Self { things: (0..things).map(|thing| Thing::fit(training.iter().map(|values| &values[thing]))).collect() }
    }

    /// One column a bin, one for a number that is not there, one a word.
    pub(super) fn encode(&self, values: &[Value]) -> Vec<f32> {
        self.things.iter().zip(values).flat_map(|(thing, value)| thing.encode(value)).collect()
    }
}

impl Thing {
    fn fit<'a>(training: impl Iterator<Item = &'a Value>) -> Self {
        let (mut numbers, mut words) = (Vec::new(), BTreeMap::<&str, usize>::new());
        let mut is_number = false;
        for value in training {
            match value {
                Value::Number(number) => {
                    is_number = true;
                    numbers.extend(*number);
                }
                Value::Words(all) => all.iter().for_each(|word| *words.entry(word).or_default() += 1),
            }
        }
        if !is_number {
            // A word that only one clip has tells nothing of another one.
            let several = words.into_iter().filter(|(_, clips)| *clips > 1);
            return Self::Words(several.map(|(word, _)| word.to_owned()).collect());
        }
        numbers.sort_by(f64::total_cmp);
        let edges: BTreeSet<usize> = (1..BINS).flat_map(|bin| bounds(&numbers, bin * numbers.len() / BINS)).collect();
        let mut edges: Vec<f64> = edges.into_iter().filter_map(|place| numbers.get(place).copied()).collect();
        edges.dedup();
        Self::Edges(edges)
    }

    fn encode(&self, value: &Value) -> Vec<f32> {
        let flag = |is: bool| f32::from(u8::from(is));
        match (self, value) {
            (Self::Edges(edges), Value::Number(number)) => {
                let bin = number.map(|number| edges.partition_point(|edge| *edge <= number));
                (0..=edges.len()).map(|place| flag(bin == Some(place))).chain([flag(number.is_none())]).collect()
            }
            (Self::Words(known), Value::Words(words)) => known.iter().map(|word| flag(words.contains(word))).collect(),
            _ => Vec::new(),
        }
    }
}

/// Where the value at `place` of a sorted list begins; and where it ends, if it alone would fill a bin.
fn bounds(numbers: &[f64], place: usize) -> Vec<usize> {
    let Some(value) = numbers.get(place) else { return Vec::new() };
    let begin = numbers.partition_point(|other| other < value);
    let end = numbers.partition_point(|other| other <= value);
    if (end - begin) * BINS >= numbers.len() { vec![begin, end] } else { vec![begin] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_of_a_path_are_its_runs_of_letters() {
        assert_eq!(words("covid/Cov-Atlas_day2+x.gif"), set(&["atlas", "cov", "covid", "day"]));
        assert_eq!(words("a.b/c1.mp4"), set(&[]));
        assert_eq!((suffix("a.b/c"), suffix("a/b.MP4")), (None, Some("mp4".to_owned())));
    }

    #[test]
    fn numbers_are_put_in_bins_of_equal_size_and_a_missing_one_has_its_own() {
        let values: Vec<Vec<Value>> = (0..16).map(|at| vec![Value::Number(Some(f64::from(at)))]).collect();
        let encoder = Encoder::fit(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let place = |number: Option<f64>| {
            let columns = encoder.encode(&[Value::Number(number)]);
            assert_eq!((columns.len(), columns.iter().sum::<f32>()), (9, 1.0));
            columns.iter().position(|value| *value == 1.0).unwrap()
        };
        assert_eq!([0.0, 1.0, 2.0, 15.0, 99.0].map(|number| place(Some(number))), [0, 0, 1, 7, 7]);
        assert_eq!(place(None), 8);
    }

    #[test]
    fn a_value_that_many_clips_have_gets_a_bin_of_its_own() {
        let numbers = [vec![640.0; 8], (0..8).map(|at| f64::from(800 + at)).collect()].concat();
        let values: Vec<Vec<Value>> = numbers.iter().map(|number| vec![Value::Number(Some(*number))]).collect();
        let encoder = Encoder::fit(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let columns = |number: f64| encoder.encode(&[Value::Number(Some(number))]);
        assert_ne!(columns(640.0), columns(800.0));
    }

    #[test]
    fn words_of_one_clip_are_left_out() {
        let values = [set(&["a", "b"]), set(&["a", "c"]), set(&["c"])].map(|words| vec![Value::Words(words)]);
        let encoder = Encoder::fit(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert_eq!(encoder.encode(&[Value::Words(set(&["b", "c"]))]), [0.0, 1.0]);
    }
}
