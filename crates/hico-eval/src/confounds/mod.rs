//! Confounds: how well the label is told from what has nothing to do with it.
//!
//! A network that is shown clips of one hospital in one size and those of another in a second size can learn the size.
//! For each thing that is known of a clip without looking at what it shows, a classifier is trained and tested over
//! folds by group, as an encoder would be. What it reaches, an encoder has to exceed before it has learnt anything
//! about ultrasound.

mod features;

pub(crate) use features::suffix;

use super::thumbnail::thumbnail;
use crate::Error;
use crate::stats::Bootstrap;
use features::{Encoder, Known, Value, known};
use hico_data::audit::quality::Quality;
use hico_data::clip::evenly_spaced;
use hico_data::split::k_folds;
use hico_data::{Dataset, Manifest, Seed};
use hico_model::rows::argmax;
use hico_train::knn;
use hico_train::linear::{Labelled, LinearProbe};
use hico_train::metrics::Confusion;
use hico_train::metrics::class_shares;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A class in fewer groups is left out: there would be nothing to learn it from, or nothing to test it on.
pub const FEWEST_GROUPS: usize = 3;

/// Clips that are looked at at most; of a larger data set whole groups are drawn.
pub const MOST_CLIPS: usize = 4000;

/// Folds that are made where the data set has none.
const FOLDS: usize = 5;

/// L2 strength of the classifier ([`LinearProbe::fit`]).
const STRENGTH: f64 = 0.1;

/// Frames of a clip whose thumbnails are compared.
const FRAMES: usize = 4;

/// How well the label is told without looking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confounds {
    /// The classes that are told apart.
    pub classes: Vec<String>,
    /// Classes in too few groups.
    pub left_out: Vec<String>,
    /// Clips that were looked at.
    pub clips: usize,
    /// Their groups.
    pub groups: usize,
    /// Folds.
    pub folds: usize,
    /// Whether the folds are those of the data set; else they were made for this.
    pub own_folds: bool,
    /// Words of the paths that name a class and were left out.
    pub naming_words: Vec<String>,
    /// Balanced accuracy of one who guesses: one over the number of classes.
    pub chance: f64,
    /// Who always says the largest class of the training part.
    pub majority: ConfoundScore,
    /// What is told from each thing alone.
    pub things: Vec<Confound>,
    /// What is told from all of them together.
    pub together: ConfoundScore,
    /// What is told from thumbnails ([`thumbnail`]), which see the picture, if only roughly.
    pub thumbnails: ConfoundScore,
}

/// One thing that is known of a clip.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confound {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// What is told from it.
    #[serde(flatten)]
    pub score: ConfoundScore,
}

/// How often a classifier is right, per clip, over all folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ConfoundScore {
    /// Mean recall of the classes.
    pub balanced_accuracy: f64,
    /// Its 95 % interval by bootstrap over groups.
    pub interval: [f64; 2],
    /// Share of clips that are right.
    pub accuracy: f64,
}

impl ConfoundScore {
    /// Whether the whole interval lies above chance: the label can be told.
    #[must_use]
    pub fn tells(&self, chance: f64) -> bool {
        self.interval[0] > chance
    }
}

/// The clips that are looked at: index, class, group, fold.
struct Cast {
    clips: Vec<usize>,
    labels: Vec<usize>,
    groups: Vec<usize>,
    folds: Vec<usize>,
    classes: Vec<String>,
    left_out: Vec<String>,
    own_folds: bool,
}

/// Trains and tests a classifier on each thing that is known of the clips.
///
/// Numbers are put in eight bins of equal size, words count if they are there; a linear probe in which all classes
/// weigh the same tells the class. It is tested on the fold it has not seen.
///
/// - `quality`: `[clips]`, as an audit found it
/// - `seed`: of the folds, where the data set has none, and of the bootstrap
///
/// # Errors
/// When there are no two classes in enough groups, no folds can be made, or a frame cannot be read.
pub fn confounds(dataset: &Dataset, quality: &[Quality], seed: Seed) -> Result<Confounds, Error> {
    let cast = Cast::choose(dataset.manifest(), seed)?;
    let rows: Vec<_> = cast.clips.iter().map(|clip| dataset.row(*clip)).collect();
    let quality: Vec<Quality> = cast.clips.iter().map(|clip| quality[*clip]).collect();
    let (known, naming_words) = known(&rows, &quality, &cast.labels);
    let all: Vec<Vec<Value>> =
        (0..rows.len()).map(|clip| known.iter().flat_map(|thing| thing.values[clip].clone()).collect()).collect();
    let score = |predictions: Vec<usize>| cast.score(&predictions, seed);
    let things = known.par_iter().map(|Known { name, what, values }| Confound {
        name,
        what,
        score: score(cast.predict(|training, tested| told(values, &cast, training, tested))),
    });
    let thumbnails = cast.thumbnails(dataset)?;
    Ok(Confounds {
        chance: 1.0 / cast.classes.len() as f64,
        things: things.collect(),
        together: score(cast.predict(|training, tested| told(&all, &cast, training, tested))),
        thumbnails: score(cast.predict(|training, tested| cast.nearest(&thumbnails, training, tested))),
        majority: score(cast.predict(|training, tested| {
            let labels: Vec<usize> = training.iter().map(|clip| cast.labels[*clip]).collect();
            vec![argmax(&class_shares(&labels, cast.classes.len())); tested.len()]
        })),
        clips: cast.clips.len(),
        groups: cast.groups.iter().collect::<BTreeSet<_>>().len(),
        folds: cast.folds.iter().collect::<BTreeSet<_>>().len(),
        own_folds: cast.own_folds,
        classes: cast.classes,
        left_out: cast.left_out,
        naming_words,
    })
}

/// Things known of a clip that stand for the machine and the publisher, not for what the clip shows.
const CONFOUNDERS: [&str; 4] = ["size", "frame rate", "tint", "file type"];

/// Predicts clips from size, frame rate, tint and file type alone, as [`confounds`] does, by what `training` clips teach.
///
/// - returns: for each tested clip the probability of each class
///
/// # Errors
/// When a frame cannot be read.
pub(super) fn told_from_confounders(
    dataset: &Dataset,
    training: &[usize],
    tested: &[usize],
) -> Result<BTreeMap<usize, Vec<f64>>, hico_data::Error> {
    let values = |clips: &[usize]| -> Result<Vec<Vec<Value>>, hico_data::Error> {
        let rows: Vec<_> = clips.iter().map(|clip| dataset.row(*clip)).collect();
        let quality = |clip: &usize| {
            let frames = evenly_spaced(dataset.row(*clip).frames, FRAMES).into_iter();
            let frames = frames.map(|frame| dataset.read_frame(*clip, frame)).collect::<Result<Vec<_>, _>>()?;
            Ok(Quality::of(&frames))
        };
        let quality = clips.par_iter().map(quality).collect::<Result<Vec<_>, hico_data::Error>>()?;
        let (known, _) = known(&rows, &quality, &vec![0; rows.len()]);
        let confounders: Vec<&Known> = known.iter().filter(|thing| CONFOUNDERS.contains(&thing.name)).collect();
        let of_clip = |clip: usize| confounders.iter().flat_map(|thing| thing.values[clip].clone()).collect();
        Ok((0..rows.len()).map(of_clip).collect())
    };
    let (learnt, asked) = (values(training)?, values(tested)?);
    let encoder = Encoder::fit(&learnt.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let rows: Vec<Vec<f32>> = learnt.iter().map(|values| encoder.encode(values)).collect();
    let labels: Vec<usize> = training.iter().filter_map(|clip| dataset.label(*clip)).collect();
    let probe = LinearProbe::fit(Labelled { rows: &rows, labels: &labels }, dataset.classes().len(), STRENGTH);
    let predictions = asked.iter().map(|values| probe.predict(&encoder.encode(values)));
    Ok(tested.iter().copied().zip(predictions).collect())
}

/// The class of each tested clip, told from values.
fn told(values: &[Vec<Value>], cast: &Cast, training: &[usize], tested: &[usize]) -> Vec<usize> {
    let encoder = Encoder::fit(&training.iter().map(|clip| values[*clip].as_slice()).collect::<Vec<_>>());
    let rows: Vec<Vec<f32>> = training.iter().map(|clip| encoder.encode(&values[*clip])).collect();
    let labels: Vec<usize> = training.iter().map(|clip| cast.labels[*clip]).collect();
    let probe = LinearProbe::fit(Labelled { rows: &rows, labels: &labels }, cast.classes.len(), STRENGTH);
    tested.iter().map(|clip| argmax(&probe.predict(&encoder.encode(&values[*clip])))).collect()
}

impl Cast {
    fn choose(manifest: &Manifest, seed: Seed) -> Result<Self, Error> {
        let mut groups_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in &manifest.rows {
            if let Some(label) = &row.label {
                groups_of.entry(label).or_default().insert(&row.group);
            }
        }
        let (kept, left_out): (Vec<_>, Vec<_>) =
            groups_of.into_iter().partition(|(_, groups)| groups.len() >= FEWEST_GROUPS);
        if kept.len() < 2 {
            return Err(Error::NothingToTell { groups: FEWEST_GROUPS });
        }
        let names = |classes: &[(&str, BTreeSet<&str>)]| classes.iter().map(|(name, _)| (*name).to_owned()).collect();
        let classes: Vec<String> = names(&kept);
        let fewest = kept.iter().map(|(_, groups)| groups.len()).min().unwrap_or(FEWEST_GROUPS);
        let clips = drawn(manifest, &classes, seed);
        let part = Manifest { rows: clips.iter().map(|clip| manifest.rows[*clip].clone()).collect() };
        let own = own_folds(&part, classes.len());
        let folds = match &own {
            Some(folds) => folds.clone(),
            // A class in few groups may still miss a fold when they are shared out.
            None => (2..=FOLDS.min(fewest))
                .rev()
                .map(|folds| k_folds(&part, folds, seed))
                .reduce(Result::or)
                .transpose()?
                .unwrap_or_default(),
        };
        let numbers: BTreeMap<&str, usize> = part.rows.iter().map(|row| (row.group.as_str(), 0)).collect();
        let numbers: BTreeMap<&str, usize> = numbers.into_keys().zip(0..).collect();
        let label = |row: &hico_data::ClipRow| row.label.as_ref().and_then(|label| classes.binary_search(label).ok());
        Ok(Self {
            labels: part.rows.iter().filter_map(label).collect(),
            groups: part.rows.iter().map(|row| numbers[row.group.as_str()]).collect(),
            left_out: names(&left_out),
            own_folds: own.is_some(),
            clips,
            folds,
            classes,
        })
    }

    /// The prediction for every clip by one who has not seen its fold.
    fn predict(&self, classify: impl Fn(&[usize], &[usize]) -> Vec<usize>) -> Vec<usize> {
        let mut predictions = vec![0; self.clips.len()];
        for fold in self.folds.iter().collect::<BTreeSet<_>>() {
            let (tested, training): (Vec<usize>, Vec<usize>) =
                (0..self.clips.len()).partition(|clip| self.folds[*clip] == *fold);
            for (clip, class) in tested.iter().zip(classify(&training, &tested)) {
                predictions[*clip] = class;
            }
        }
        predictions
    }

    fn score(&self, predictions: &[usize], seed: Seed) -> ConfoundScore {
        let confusion = |weights: &[f64]| {
            let mut confusion = Confusion::new(self.classes.len());
            for (clip, prediction) in predictions.iter().enumerate() {
                confusion.add(self.labels[clip], *prediction, weights[self.groups[clip]]);
            }
            confusion
        };
        // The stratum of a group is the class of its first clip.
        let mut strata = BTreeMap::new();
        for (group, label) in self.groups.iter().zip(&self.labels) {
            strata.entry(*group).or_insert(*label);
        }
        let strata: Vec<usize> = strata.into_values().collect();
        let all = confusion(&vec![1.0; strata.len()]);
        let balanced = all.balanced_accuracy().unwrap_or_default();
        let bootstrap = Bootstrap::new(&strata, Bootstrap::DRAWS, seed.derive("confounds", &[]));
        let intervals = bootstrap.intervals(|weights| vec![confusion(weights).balanced_accuracy()]);
        ConfoundScore {
            balanced_accuracy: balanced,
            interval: intervals.first().copied().flatten().unwrap_or([balanced; 2]),
            accuracy: all.accuracy().unwrap_or_default(),
        }
    }

    /// Thumbnails of a few frames of every clip.
    fn thumbnails(&self, dataset: &Dataset) -> Result<Vec<Vec<Vec<f32>>>, hico_data::Error> {
        let of_clip = |clip: &usize| {
            let frames = evenly_spaced(dataset.row(*clip).frames, FRAMES).into_iter();
            frames.map(|frame| Ok(thumbnail(&dataset.read_frame(*clip, frame)?))).collect()
        };
        self.clips.par_iter().map(of_clip).collect()
    }

    /// The class of each tested clip: its frames' nearest neighbours vote.
    fn nearest(&self, thumbnails: &[Vec<Vec<f32>>], training: &[usize], tested: &[usize]) -> Vec<usize> {
        let frames = training.iter().flat_map(|&clip| thumbnails[clip].iter().map(move |frame| (frame.clone(), clip)));
        let (gallery, clips): (Vec<_>, Vec<_>) = frames.unzip();
        let labels: Vec<usize> = clips.into_iter().map(|clip| self.labels[clip]).collect();
        let classes = self.classes.len();
        let vote = |clip: &usize| {
            let mut shares = vec![0.0; classes];
            for frame in &thumbnails[*clip] {
                let of_frame = knn::vote(&gallery, &labels, frame, knn::NEIGHBOURS, classes);
                shares.iter_mut().zip(of_frame).for_each(|(sum, share)| *sum += share);
            }
            argmax(&shares)
        };
        tested.par_iter().map(vote).collect()
    }
}

/// Labelled clips of some classes, all of them or as many whole groups as there is room for.
fn drawn(manifest: &Manifest, classes: &[String], seed: Seed) -> Vec<usize> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (clip, row) in manifest.rows.iter().enumerate() {
        if row.label.as_ref().is_some_and(|label| classes.binary_search(label).is_ok()) {
            groups.entry(&row.group).or_default().push(clip);
        }
    }
    let mut order: Vec<Vec<usize>> = groups.into_values().collect();
    order.shuffle(&mut seed.stream("confounds", &[]));
    let mut clips = Vec::new();
    for group in order {
        if clips.len() + group.len() <= MOST_CLIPS {
            clips.extend(group);
        }
    }
    clips.sort_unstable();
    clips
}

/// The folds that stand in the table, if every clip has one, no group has two, and every class is in several.
fn own_folds(manifest: &Manifest, classes: usize) -> Option<Vec<usize>> {
    let folds: Vec<usize> = manifest.rows.iter().map(|row| row.fold).collect::<Option<_>>()?;
    let mut of_group = BTreeMap::new();
    let mut of_class: BTreeMap<&Option<String>, BTreeSet<usize>> = BTreeMap::new();
    for (row, fold) in manifest.rows.iter().zip(&folds) {
        if of_group.insert(&row.group, *fold).is_some_and(|before| before != *fold) {
            return None;
        }
        of_class.entry(&row.label).or_default().insert(*fold);
    }
    (of_class.len() == classes && of_class.values().all(|folds| folds.len() > 1)).then_some(folds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::{ClipRow, Manifest};
    use hico_model::test_data::spots;

    /// Two classes, twelve groups of two clips in three folds; the rows then go through `change`.
    fn dataset(change: impl Fn(usize, &mut ClipRow)) -> Dataset {
        let names: Vec<String> = (0..12).map(|group| format!("g{group:02}")).collect();
        let rows: Vec<_> =
            (0..24).map(|clip| (names[clip / 2].as_str(), Some(clip / 2 % 2), clip / 2 / 2 % 3)).collect();
        let dataset = spots(&rows);
        let mut manifest: Manifest = dataset.manifest().clone();
        manifest.rows.iter_mut().enumerate().for_each(|(clip, row)| change(clip, row));
        let clips = (0..dataset.len()).map(|clip| dataset.read_clip(clip).unwrap()).collect();
        Dataset::in_memory(manifest, clips)
    }

    fn measured(dataset: &Dataset) -> Confounds {
        confounds(dataset, &vec![Quality::default(); dataset.len()], Seed(1)).unwrap()
    }

    fn thing<'a>(confounds: &'a Confounds, name: &str) -> &'a ConfoundScore {
        &confounds.things.iter().find(|thing| thing.name == name).unwrap().score
    }

    #[test]
    fn what_is_the_same_everywhere_tells_nothing() {
        let found = measured(&dataset(|_, _| {}));
        assert_eq!((found.clips, found.groups, found.folds, found.own_folds), (24, 12, 3, true));
        for thing in &found.things {
            assert_eq!(thing.score.balanced_accuracy, 0.5, "{}", thing.name);
            assert!(!thing.score.tells(found.chance));
        }
        assert_eq!(found.majority.balanced_accuracy, 0.5);
        assert!(found.thumbnails.balanced_accuracy > 0.9, "the picture does tell");
    }

    #[test]
    fn a_size_that_goes_with_the_label_tells_it_and_so_do_all_together() {
        let found = measured(&dataset(|_, row| {
            row.source_width = if row.label.as_deref() == Some("class-0") { 640 } else { 800 };
            row.source = format!("{}/clip.avi", row.label.clone().unwrap_or_default());
        }));
        assert_eq!(
            thing(&found, "size"),
            &ConfoundScore { balanced_accuracy: 1.0, interval: [1.0, 1.0], accuracy: 1.0 }
        );
        assert!(thing(&found, "size").tells(found.chance) && found.together.balanced_accuracy == 1.0);
        assert_eq!(thing(&found, "source").balanced_accuracy, 0.5, "a folder called by the class is no confound");
    }

    #[test]
    fn folds_are_made_where_there_are_none_and_rare_classes_stay_out() {
        let found = measured(&dataset(|clip, row| {
            row.fold = None;
            if clip < 2 {
                row.label = Some("rare".to_owned());
            }
        }));
        assert!(!found.own_folds && found.folds >= 2);
        assert_eq!((found.left_out.as_slice(), found.clips), (["rare".to_owned()].as_slice(), 22));
        let one_class = dataset(|_, row| row.label = Some("all".to_owned()));
        let refused = confounds(&one_class, &vec![Quality::default(); 24], Seed(1));
        assert!(matches!(refused, Err(Error::NothingToTell { .. })));
    }

    #[test]
    fn folds_that_cut_a_group_are_not_used() {
        let found = measured(&dataset(|clip, row| row.fold = Some(clip % 2)));
        assert!(!found.own_folds);
    }
}
