//! Seeded folds and hold-outs. Their unit is the group (a patient, or several whose pictures are near-copies): all clips
//! of a group stay together, always.
//!
//! Both searches are greedy and stratified by label as far as whole groups allow: a label with few or lopsided groups
//! cannot be spread evenly, and `inspect::folds` shows what came out.

use crate::error::Error;
use crate::manifest::Manifest;
use crate::seed::Seed;
use rand::seq::SliceRandom as _;
use std::collections::{BTreeMap, BTreeSet};

/// What makes a split possible that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// This many folds, the most below those asked for that work.
    Folds(usize),
    /// The most folds, up to those asked for, that work if these classes are left unlabelled.
    Unlabel {
        /// The folds.
        folds: usize,
        /// The classes.
        classes: Vec<String>,
    },
    /// Clips of more groups.
    MoreGroups,
}

/// Finds what makes a split possible that [`k_folds`] refused. Every remedy was tried.
///
/// - returns: the most folds that work, if any do, then what is to be left unlabelled for as many as were asked for
#[must_use]
pub fn remedies(manifest: &Manifest, folds: usize, seed: Seed) -> Vec<Remedy> {
    let groups = manifest.rows.iter().map(|row| row.group.as_str()).collect::<BTreeSet<_>>().len();
    if groups < 2 {
        return vec![Remedy::MoreGroups];
    }
    let mut groups_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &manifest.rows {
        if let Some(class) = &row.label {
            groups_of.entry(class).or_default().insert(&row.group);
        }
    }
    // No more folds than the rarest class has groups can work.
    let rarest = groups_of.values().map(BTreeSet::len).min().unwrap_or(groups);
    let below = if folds < 2 { 2 } else { folds - 1 };
    let most = below.min(rarest).min(groups);
    let fewer = (2..=most).rev().find(|folds| k_folds(manifest, *folds, seed).is_ok());
    let unlabel = (2..=folds.clamp(2, groups)).rev().find_map(|folds| {
        let mut without = manifest.clone();
        let mut classes = Vec::new();
        while let Err(Error::FoldWithoutClass { class, .. }) = k_folds(&without, folds, seed) {
            unlabel(&mut without, &class);
            classes.push(class);
        }
        // With no class left there is nothing to tell apart.
        let is_worth_it = !classes.is_empty() && !without.classes().is_empty();
        is_worth_it.then_some(Remedy::Unlabel { folds, classes })
    });
    let found: Vec<Remedy> = fewer.map(Remedy::Folds).into_iter().chain(unlabel).collect();
    if found.is_empty() { vec![Remedy::MoreGroups] } else { found }
}

/// Takes the label from every clip of a class.
///
/// - returns: how many there are
pub fn unlabel(manifest: &mut Manifest, class: &str) -> usize {
    let of_class = manifest.rows.iter_mut().filter(|row| row.label.as_deref() == Some(class));
    of_class.map(|row| row.label = None).count()
}

/// How many seeded orders of equally large groups are tried; the most even result is kept.
const ATTEMPTS: u64 = 16;

/// Spreads the groups over `folds` folds, each label as evenly as whole groups allow; unlabelled clips count as one
/// more label. The same seed gives the same folds whatever the order of the rows.
///
/// - returns: the fold of each row, `0..folds`
///
/// # Errors
/// When there are fewer than two folds, fewer groups than folds, or a fold that lacks a class.
pub fn k_folds(manifest: &Manifest, folds: usize, seed: Seed) -> Result<Vec<usize>, Error> {
    if folds < 2 {
        return Err(Error::TooFewFolds { folds });
    }
    let classes = manifest.classes();
    let labels = manifest.rows.iter().map(|row| {
        let label = row.label.as_ref().and_then(|label| classes.binary_search(label).ok());
        (row.group.as_str(), label)
    });
    let groups = count_by_group(labels, classes.len());
    if groups.len() < folds {
        return Err(Error::TooFewGroups { folds, groups: groups.len() });
    }
    let tries = (0..ATTEMPTS).map(|attempt| spread(&groups, folds, classes.len(), seed, attempt));
    // The first of the best, so the choice does not depend on anything but the seed.
    let best = tries.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(fold_of, _)| fold_of).unwrap_or_default();
    let fold_of_row: Vec<usize> = manifest.rows.iter().map(|row| best[row.group.as_str()]).collect();
    every_fold_has_every_class(manifest, &fold_of_row.iter().map(|fold| Some(*fold)).collect::<Vec<_>>())?;
    Ok(fold_of_row)
}

/// Checks the folds that stand in the table: no group in two of them, and every class in each.
///
/// - returns: the folds there are, ascending
///
/// # Errors
/// When no row has a fold, a group stands in two folds (or partly in none), or a fold lacks a class.
pub fn check_folds(manifest: &Manifest) -> Result<Vec<usize>, Error> {
    let mut fold_of: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    for row in &manifest.rows {
        let first = *fold_of.entry(&row.group).or_insert(row.fold);
        if first != row.fold {
            return Err(Error::GroupInTwoFolds {
                group: row.group.clone(),
                first: name_of(first),
                second: name_of(row.fold),
            });
        }
    }
    let folds: BTreeSet<usize> = fold_of.values().copied().flatten().collect();
    match folds.len() {
        0 => return Err(Error::NoFolds),
        1 => return Err(Error::TooFewFolds { folds: 1 }),
        _ => {}
    }
    every_fold_has_every_class(manifest, &manifest.rows.iter().map(|row| row.fold).collect::<Vec<_>>())?;
    Ok(folds.into_iter().collect())
}

/// Finds patients whose clips stand in several folds, because they belong to several groups.
///
/// - returns: the patients, in order
#[must_use]
pub fn torn_patients(manifest: &Manifest) -> Vec<&str> {
    let mut folds: BTreeMap<&str, BTreeSet<Option<usize>>> = BTreeMap::new();
    for row in &manifest.rows {
        if let Some(patient) = &row.patient {
            folds.entry(patient).or_default().insert(row.fold);
        }
    }
    folds.into_iter().filter(|(_, folds)| folds.len() > 1).map(|(patient, _)| patient).collect()
}

/// Chooses whole groups that hold about `fraction` of the clips of each label: for validation within a training set, and
/// for the groups a pretraining run watches.
///
/// Each class keeps a group to train on, and gives one to the hold-out, wherever it has two. A class with a single
/// group stays in training.
///
/// - `groups`: group and label of each clip
/// - `fraction`: share to hold out; 0 or less holds out nothing
/// - returns: the groups held out
#[must_use]
pub fn hold_out(groups: &[(String, Option<usize>)], fraction: f64, seed: Seed) -> BTreeSet<String> {
    if fraction.is_nan() || fraction <= 0.0 {
        return BTreeSet::new();
    }
    let classes = groups.iter().filter_map(|(_, label)| *label).max().map_or(0, |largest| largest + 1);
    let groups = count_by_group(groups.iter().map(|(group, label)| (group.as_str(), *label)), classes);
    let mut order: Vec<&str> = groups.keys().copied().collect();
    order.shuffle(&mut seed.stream("hold_out", &[]));
    let with = |class: usize| groups.values().filter(|counts| counts[class] > 0).count();
    let mut choice = HoldOut {
        clips: (0..=classes).map(|class| groups.values().map(|counts| counts[class]).sum()).collect(),
        training_groups: (0..=classes).map(with).collect(),
        held_clips: vec![0; classes + 1],
        held: BTreeSet::new(),
    };
    // Scarce classes choose first; the unlabelled, which nobody misses, come last.
    let mut turn: Vec<usize> = (0..classes).collect();
    turn.sort_by_key(|class| choice.training_groups[*class]);
    turn.push(classes);
    for class in turn {
        let needed = class < classes || classes == 0;
        choice.hold_of_class(class, needed, fraction, &order, &groups);
    }
    choice.held.into_iter().map(str::to_owned).collect()
}

/// Clips of each label per group; the last label stands for the unlabelled.
type Groups<'a> = BTreeMap<&'a str, Vec<usize>>;

fn count_by_group<'a>(clips: impl Iterator<Item = (&'a str, Option<usize>)>, classes: usize) -> Groups<'a> {
    let mut groups: Groups<'a> = BTreeMap::new();
    for (group, label) in clips {
        groups.entry(group).or_insert_with(|| vec![0; classes + 1])[label.unwrap_or(classes)] += 1;
    }
    groups
}

/// One greedy pass: the largest groups first, each to the fold that has least of its labels. Also how uneven it ends:
/// the sum over folds and labels of the squared share, plus a large fine for each class that a fold lacks.
fn spread<'a>(
    groups: &Groups<'a>,
    folds: usize,
    classes: usize,
    seed: Seed,
    attempt: u64,
) -> (BTreeMap<&'a str, usize>, f64) {
    let total: Vec<f64> =
        (0..=classes).map(|label| groups.values().map(|counts| counts[label]).sum::<usize>().max(1) as f64).collect();
    let share = |counts: &[usize], label: usize| counts[label] as f64 / total[label];
    let mut order: Vec<(&'a str, &Vec<usize>)> = groups.iter().map(|(name, counts)| (*name, counts)).collect();
    order.shuffle(&mut seed.stream("folds", &[attempt]));
    order.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<usize>()));

    let mut filled = vec![vec![0_usize; classes + 1]; folds];
    let mut fold_of = BTreeMap::new();
    for (name, counts) in order {
        // What the sum of squared shares would grow by; least where this group's labels are scarcest.
        let growth = |fold: &[usize]| -> f64 {
            (0..=classes).map(|label| share(counts, label) * (2.0 * share(fold, label) + share(counts, label))).sum()
        };
        let clips = |fold: &[usize]| fold.iter().sum::<usize>();
        let best = (0..folds).min_by(|a, b| {
            let (a, b) = (&filled[*a], &filled[*b]);
            growth(a).total_cmp(&growth(b)).then_with(|| clips(a).cmp(&clips(b)))
        });
        let best = best.unwrap_or_default();
        filled[best].iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        fold_of.insert(name, best);
    }
    let missing = filled.iter().flat_map(|fold| &fold[..classes]).filter(|count| **count == 0).count();
    let empty = filled.iter().filter(|fold| fold.iter().all(|count| *count == 0)).count();
    let squares: f64 = filled.iter().flat_map(|fold| (0..=classes).map(|label| share(fold, label).powi(2))).sum();
    (fold_of, squares + 1e6 * (missing + empty) as f64)
}

/// A fold is there once a row stands in it; each must hold a labelled clip of every class.
fn every_fold_has_every_class(manifest: &Manifest, fold_of_row: &[Option<usize>]) -> Result<(), Error> {
    let folds: BTreeSet<usize> = fold_of_row.iter().copied().flatten().collect();
    let found: BTreeSet<(usize, &str)> = manifest
        .rows
        .iter()
        .zip(fold_of_row)
        .filter_map(|(row, fold)| Some(((*fold)?, row.label.as_deref()?)))
        .collect();
    for class in manifest.classes() {
        if let Some(fold) = folds.iter().find(|fold| !found.contains(&(**fold, class.as_str()))) {
            let of_class = manifest.rows.iter().filter(|row| row.label.as_ref() == Some(&class));
            let groups = of_class.map(|row| &row.group).collect::<BTreeSet<_>>().len();
            return Err(Error::FoldWithoutClass { fold: *fold, class, groups });
        }
    }
    Ok(())
}

fn name_of(fold: Option<usize>) -> String {
    fold.map_or_else(|| "no fold".to_owned(), |fold| format!("fold {fold}"))
}

/// The state of the search for a hold-out; vectors are indexed by label, the last being the unlabelled.
struct HoldOut<'a> {
    clips: Vec<usize>,
    training_groups: Vec<usize>,
    held_clips: Vec<usize>,
    held: BTreeSet<&'a str>,
}

impl<'a> HoldOut<'a> {
    /// Holds out groups of `class` in the seeded order for as long as that brings its share nearer to `fraction`.
    fn hold_of_class(&mut self, class: usize, needed: bool, fraction: f64, order: &[&'a str], groups: &Groups<'a>) {
        let target = fraction * self.clips[class] as f64;
        for name in order {
            let without = self.held_clips[class] as f64;
            let with = without + groups[name][class] as f64;
            if groups[name][class] > 0 && (with - target).abs() < (without - target).abs() && self.may_go(name, groups)
            {
                self.hold(name, groups);
            }
        }
        if needed && self.held_clips[class] == 0 {
            let of_class = order.iter().filter(|name| groups[**name][class] > 0 && self.may_go(name, groups));
            if let Some(smallest) = of_class.min_by_key(|name| groups[**name][class]) {
                self.hold(smallest, groups);
            }
        }
    }

    /// Whether every class (and, if there is none, the training set) keeps a group when this one goes.
    fn may_go(&self, name: &str, groups: &Groups<'_>) -> bool {
        let counts = &groups[name];
        let only_unlabelled = counts.len() == 1;
        let kept = if only_unlabelled { counts.len() } else { counts.len() - 1 };
        !self.held.contains(name) && (0..kept).all(|class| counts[class] == 0 || self.training_groups[class] > 1)
    }

    fn hold(&mut self, name: &'a str, groups: &Groups<'_>) {
        self.held.insert(name);
        for (class, count) in groups[name].iter().enumerate() {
            self.held_clips[class] += count;
            self.training_groups[class] -= usize::from(*count > 0);
        }
    }
}

#[cfg(test)]
mod tests;
