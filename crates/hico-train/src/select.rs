//! Which clips a run learns from, which it only watches, and whose labels it may use.

use crate::Error;
use crate::recipe::{Recipe, Supervision};
use hico_data::{Dataset, Seed, split};
use rand::seq::SliceRandom as _;
use std::collections::{BTreeMap, BTreeSet};

/// The clips of a run, as indices into its data set, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Clips to learn from.
    pub train: Vec<usize>,
    /// Clips for validation; no group of theirs is learnt from.
    pub validation: Vec<usize>,
    /// For every clip of the data set the label that may be used.
    pub labels: Vec<Option<usize>>,
    /// What a person should know before the run starts.
    pub warnings: Vec<String>,
}

/// Chooses the clips of a run.
///
/// In this order: the clips allowed; without every group that has a clip in the fold to keep out; for supervised
/// training the labelled ones only; `clip_fraction` of each class ([`share`]); `label_fraction` of the labels of each
/// class; and last the groups for validation, held out of the rest. So the labels of validation clips are within the budget too.
///
/// - `allowed`: indices of clips; all of them if `None`
/// - `labelled`: indices of the clips whose label may be known; all of them if `None`
///
/// # Errors
/// When no clip is left, the fold does not exist, or supervised training has fewer than two classes.
pub fn select(
    data: &Dataset,
    recipe: &Recipe,
    allowed: Option<&[usize]>,
    labelled: Option<&[usize]>,
    holdout_fold: Option<usize>,
) -> Result<Selection, Error> {
    let seed = Seed(recipe.train().seed);
    let supervision = recipe.supervision();
    let mut clips: BTreeSet<usize> = match allowed {
        Some(clips) => clips.iter().copied().filter(|&clip| clip < data.len()).collect(),
        None => (0..data.len()).collect(),
    };
    if let Some(fold) = holdout_fold {
        let held = groups_of_fold(data, fold)?;
        clips.retain(|&clip| !held.contains(data.row(clip).group.as_str()));
    }
    let known: Option<BTreeSet<usize>> = labelled.map(|clips| clips.iter().copied().collect());
    let label = |clip: usize| data.label(clip).filter(|_| known.as_ref().is_none_or(|known| known.contains(&clip)));
    if supervision == Supervision::Full {
        clips.retain(|&clip| label(clip).is_some());
    }
    let member = |&clip: &usize| Member { clip, group: data.row(clip).group.clone(), class: label(clip) };
    let members = |clips: &BTreeSet<usize>| -> Vec<Member> { clips.iter().map(member).collect() };
    let clips = share(&members(&clips), recipe.train().clip_fraction.get(), seed.derive("clip_fraction", &[]));
    let labelled: BTreeSet<usize> = clips.iter().copied().filter(|&clip| label(clip).is_some()).collect();
    let labelled = share(&members(&labelled), recipe.train().label_fraction.get(), seed.derive("label_fraction", &[]));
    let clips = if supervision == Supervision::Full { labelled.clone() } else { clips };

    let labels: Vec<Option<usize>> =
        (0..data.len()).map(|clip| label(clip).filter(|_| labelled.contains(&clip))).collect();
    let groups: Vec<(String, Option<usize>)> =
        clips.iter().map(|&clip| (data.row(clip).group.clone(), labels[clip])).collect();
    let held_out = split::hold_out(&groups, recipe.train().val_fraction.get(), seed.derive("watch", &[]));
    let (validation, train): (Vec<usize>, Vec<usize>) =
        clips.into_iter().partition(|&clip| held_out.contains(data.row(clip).group.as_str()));
    if train.is_empty() && supervision == Supervision::Full && labelled.is_empty() {
        return Err(Error::TooFewToSupervise { classes: 0 });
    }
    if train.is_empty() {
        return Err(Error::NoClips);
    }
    let mut warnings = warnings(supervision, recipe, &train, &validation, &labels)?;
    let groups: BTreeSet<&str> = train.iter().map(|&clip| data.row(clip).group.as_str()).collect();
    if recipe.view().pair_across_clips > 0.0 && (groups.len() == train.len() || groups.len() == 1) {
        let fact = if groups.len() == 1 { "there is one group only" } else { "no group has two clips" };
        warnings.push(format!("{fact}: pair_across_clips changes nothing"));
    }
    Ok(Selection { train, validation, labels, warnings })
}

fn groups_of_fold(data: &Dataset, fold: usize) -> Result<BTreeSet<&str>, Error> {
    let rows = &data.manifest().rows;
    let groups: BTreeSet<&str> =
        rows.iter().filter(|row| row.fold == Some(fold)).map(|row| row.group.as_str()).collect();
    if groups.is_empty() {
        let folds: BTreeSet<usize> = rows.iter().filter_map(|row| row.fold).collect();
        return Err(Error::NoClipInFold { fold, folds: folds.into_iter().collect() });
    }
    Ok(groups)
}

fn warnings(
    supervision: Supervision,
    recipe: &Recipe,
    train: &[usize],
    validation: &[usize],
    labels: &[Option<usize>],
) -> Result<Vec<String>, Error> {
    let classes: BTreeSet<usize> = train.iter().filter_map(|&clip| labels[clip]).collect();
    let mut warnings = Vec::new();
    match (supervision, classes.len()) {
        (Supervision::Full, classes @ (0 | 1)) => return Err(Error::TooFewToSupervise { classes }),
        (Supervision::Semi, 0) => {
            warnings.push("no clip to train on is labelled: the run is self-supervised in effect".to_owned());
        }
        (Supervision::Semi, 1) => {
            warnings.push("the labelled clips are of one class only: their labels teach nothing".to_owned());
        }
        _ => {}
    }
    if validation.is_empty() && recipe.train().val_fraction.get() > 0.0 {
        let kept = if recipe.method().losses_compare() { "the one of the lowest training loss" } else { "the last" };
        warnings.push(format!("no group can be held out for validation: the best epoch is {kept}"));
    }
    Ok(warnings)
}

/// What decides whether a clip is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Index of the clip.
    pub clip: usize,
    /// Its group.
    pub group: String,
    /// Its class; `None` is one more class.
    pub class: Option<usize>,
}

/// Draws a share of the clips of each class, by groups as far as possible.
///
/// Of each class `fraction` of its clips, rounded, but at least one. All classes go through the groups in one seeded
/// order and take whole groups, so that a small share comes from few patients, as it does when somebody labels a few;
/// only the last group of a class gives a part of its clips, also drawn by seed.
#[must_use]
pub fn share(members: &[Member], fraction: f64, seed: Seed) -> BTreeSet<usize> {
    if fraction >= 1.0 {
        return members.iter().map(|member| member.clip).collect();
    }
    let groups: BTreeSet<&str> = members.iter().map(|member| member.group.as_str()).collect();
    let mut order: Vec<&str> = groups.into_iter().collect();
    order.shuffle(&mut seed.stream("groups", &[]));
    let place: BTreeMap<&str, usize> = order.iter().enumerate().map(|(place, &group)| (group, place)).collect();
    let mut shuffled: Vec<&Member> = members.iter().collect();
    shuffled.sort_by_key(|member| member.clip);
    shuffled.shuffle(&mut seed.stream("clips", &[]));
    // Stable: within a group the shuffled order stays.
    shuffled.sort_by_key(|member| place[member.group.as_str()]);
    let mut sizes: BTreeMap<Option<usize>, usize> = BTreeMap::new();
    for member in members {
        *sizes.entry(member.class).or_default() += 1;
    }
    let mut wanted: BTreeMap<Option<usize>, usize> =
        sizes.into_iter().map(|(class, size)| (class, ((size as f64 * fraction).round() as usize).max(1))).collect();
    let mut drawn = BTreeSet::new();
    for member in shuffled {
        let Some(left) = wanted.get_mut(&member.class).filter(|left| **left > 0) else { continue };
        *left -= 1;
        drawn.insert(member.clip);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(groups: &[(usize, Option<usize>)]) -> Vec<Member> {
        let member = |(clip, &(group, class))| Member { clip, group: format!("g{group}"), class };
        groups.iter().enumerate().map(member).collect()
    }

    proptest! {
        #[test]
        fn a_share_is_the_rounded_part_of_each_class_but_never_nothing(
            groups in prop::collection::vec((0..6_usize, prop::option::of(0..3_usize)), 1..60),
            fraction in 0.01..1.0_f64,
            seed in any::<u64>(),
        ) {
            let members = members(&groups);
            let drawn = share(&members, fraction, Seed(seed));
            for class in [None, Some(0), Some(1), Some(2)] {
                let of_class: Vec<_> = members.iter().filter(|member| member.class == class).collect();
                let expected = ((of_class.len() as f64 * fraction).round() as usize).max(1).min(of_class.len());
                let found: Vec<_> = of_class.iter().filter(|member| drawn.contains(&member.clip)).collect();
                prop_assert_eq!(found.len(), expected);
                // At most one group of a class is cut.
                let cut = |group: &str| {
                    let all = of_class.iter().filter(|member| member.group == group).count();
                    let kept = found.iter().filter(|member| member.group == group).count();
                    kept > 0 && kept < all
                };
                let groups: BTreeSet<&str> = of_class.iter().map(|member| member.group.as_str()).collect();
                prop_assert!(groups.into_iter().filter(|group| cut(group)).count() <= 1);
            }
        }

        #[test]
        fn a_share_depends_on_the_seed_and_not_on_the_order(
            groups in prop::collection::vec((0..6_usize, prop::option::of(0..3_usize)), 1..40),
            seed in any::<u64>(),
        ) {
            let mut members = members(&groups);
            let drawn = share(&members, 0.4, Seed(seed));
            members.reverse();
            prop_assert_eq!(share(&members, 0.4, Seed(seed)), drawn);
        }
    }

    #[test]
    fn the_whole_is_everything() {
        let members = members(&[(0, None), (0, Some(1)), (1, Some(0))]);
        assert_eq!(share(&members, 1.0, Seed(1)), BTreeSet::from([0, 1, 2]));
    }
}
