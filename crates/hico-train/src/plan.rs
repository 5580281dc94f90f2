//! Who learns, who chooses the epoch and who is tested: the clips of one fold, apart by group.

use crate::Error;
use hico_data::{Dataset, Seed, split};
use rand::seq::SliceRandom as _;
use std::collections::BTreeSet;

/// The labelled clips of one fold, as indices into the data set. No group stands in two of the three lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldPlan {
    /// The fold that is tested.
    pub fold: usize,
    /// Clips whose labels are learnt from.
    pub fit: Vec<usize>,
    /// Clips that choose the epoch or the strength of a term: the inner validation part of the training groups.
    pub inner: Vec<usize>,
    /// Clips that are tested.
    pub test: Vec<usize>,
}

/// The folds of a data set, checked.
///
/// # Errors
/// When there are fewer than two classes, no folds, a group in two folds, or a fold without a class.
pub fn folds(dataset: &Dataset) -> Result<Vec<usize>, Error> {
    match dataset.classes().len() {
        0 | 1 => Err(Error::TooFewClasses(dataset.classes().len())),
        _ => Ok(split::check_folds(dataset.manifest())?),
    }
}

impl FoldPlan {
    /// Plans a fold: its labelled clips are tested, all other labelled clips train, and of the groups of those about
    /// `inner_fraction` is held out for the inner validation.
    ///
    /// - `inner_fraction`: above 0, below 1
    ///
    /// # Errors
    /// As [`folds`]; when there is no such fold; when a class or the inner validation would have no clip.
    pub fn new(dataset: &Dataset, fold: usize, inner_fraction: f64, seed: Seed) -> Result<Self, Error> {
        let (training, test) = sides(dataset, fold)?;
        let held = held_out(dataset, &training, fold, inner_fraction, seed);
        if held.is_empty() {
            return Err(Error::NoInnerGroup { fold });
        }
        let (inner, fit) = training.into_iter().partition(|clip| held.contains(&dataset.row(*clip).group));
        Ok(Self { fold, fit, inner, test })
    }

    /// Plans a fold in which every training clip is learnt from; nothing is left over to choose anything on.
    ///
    /// # Errors
    /// As [`folds`]; when there is no such fold, or a class has no clip outside of it.
    pub fn whole(dataset: &Dataset, fold: usize) -> Result<Self, Error> {
        let (fit, test) = sides(dataset, fold)?;
        Ok(Self { fold, fit, inner: Vec::new(), test })
    }

    /// Plans to learn from every labelled clip, whatever its fold; nobody is tested.
    ///
    /// - `inner_fraction`: of the groups, held out for the inner validation; none if absent
    ///
    /// # Errors
    /// When there are fewer than two classes, or no group can be held out.
    pub fn all(dataset: &Dataset, inner_fraction: Option<f64>, seed: Seed) -> Result<Self, Error> {
        if dataset.classes().len() < 2 {
            return Err(Error::TooFewClasses(dataset.classes().len()));
        }
        let labelled: Vec<usize> = (0..dataset.len()).filter(|clip| dataset.label(*clip).is_some()).collect();
        let plan = |fit, inner| Self { fold: 0, fit, inner, test: Vec::new() };
        let Some(fraction) = inner_fraction else { return Ok(plan(labelled, Vec::new())) };
        let groups: Vec<_> =
            labelled.iter().map(|clip| (dataset.row(*clip).group.clone(), dataset.label(*clip))).collect();
        let held = split::hold_out(&groups, fraction, seed.derive("inner-of-all", &[]));
        if held.is_empty() {
            return Err(Error::NoInnerGroupOfAll);
        }
        let (inner, fit) = labelled.into_iter().partition(|clip| held.contains(&dataset.row(*clip).group));
        Ok(plan(fit, inner))
    }

    /// Plans a fold of which few labels are known: of each class the labelled clips of some groups are learnt from. Of the same seed
    /// a larger number of groups contains a smaller one.
    ///
    /// - `known`: how many groups of a class, of so many
    /// - `inner_fraction`: of the known groups, held out for the inner validation; none if absent, or where no class knows two
    ///
    /// # Errors
    /// As [`folds`]; when there is no such fold, or a class has no clip outside of it.
    pub fn few(
        dataset: &Dataset,
        fold: usize,
        known: impl Fn(usize) -> usize,
        inner_fraction: Option<f64>,
        seed: Seed,
    ) -> Result<Self, Error> {
        let (training, test) = sides(dataset, fold)?;
        let mut fit = Vec::new();
        for class in 0..dataset.classes().len() {
            let clips = || training.iter().copied().filter(|clip| dataset.label(*clip) == Some(class));
            let of_class: BTreeSet<&str> = clips().map(|clip| dataset.row(clip).group.as_str()).collect();
            let mut order: Vec<&str> = of_class.into_iter().collect();
            order.shuffle(&mut seed.stream("few", &[fold as u64, class as u64]));
            order.truncate(known(order.len()));
            fit.extend(clips().filter(|clip| order.contains(&dataset.row(*clip).group.as_str())));
        }
        fit.sort_unstable();
        let held = inner_fraction.map_or_else(BTreeSet::new, |fraction| held_out(dataset, &fit, fold, fraction, seed));
        let (inner, fit) = fit.into_iter().partition(|clip| held.contains(&dataset.row(*clip).group));
        Ok(Self { fold, fit, inner, test })
    }

    /// All training clips, in the order of the data set.
    #[must_use]
    pub fn training(&self) -> Vec<usize> {
        let mut clips = [self.fit.as_slice(), self.inner.as_slice()].concat();
        clips.sort_unstable();
        clips
    }
}

/// The groups of the inner validation of a fold.
///
/// - `clips`: all that might be learnt from
fn held_out(dataset: &Dataset, clips: &[usize], fold: usize, fraction: f64, seed: Seed) -> BTreeSet<String> {
    let groups: Vec<_> = clips.iter().map(|clip| (dataset.row(*clip).group.clone(), dataset.label(*clip))).collect();
    split::hold_out(&groups, fraction, seed.derive("inner", &[fold as u64]))
}

/// Labelled clips outside a fold and in it.
fn sides(dataset: &Dataset, fold: usize) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let folds = folds(dataset)?;
    if !folds.contains(&fold) {
        return Err(Error::UnknownFold { fold, folds });
    }
    let labelled = (0..dataset.len()).filter(|clip| dataset.label(*clip).is_some());
    let (test, training): (Vec<_>, Vec<_>) = labelled.partition(|clip| dataset.row(*clip).fold == Some(fold));
    for (class, name) in dataset.classes().iter().enumerate() {
        if !training.iter().any(|clip| dataset.label(*clip) == Some(class)) {
            return Err(Error::NothingToLearn { fold, class: name.clone() });
        }
    }
    Ok((training, test))
}

/// Clips whose group has no clip in the fold: all that an encoder may see which is tested there.
#[must_use]
pub fn clips_outside(dataset: &Dataset, fold: usize) -> Vec<usize> {
    let in_fold = |clip: &usize| dataset.row(*clip).fold == Some(fold);
    let tested: Vec<usize> = (0..dataset.len()).filter(in_fold).collect();
    let tested: BTreeSet<String> = groups_of(dataset, &tested);
    (0..dataset.len()).filter(|clip| !tested.contains(&dataset.row(*clip).group)).collect()
}

/// The groups that clips belong to.
#[must_use]
pub fn groups_of(dataset: &Dataset, clips: &[usize]) -> BTreeSet<String> {
    clips.iter().map(|clip| dataset.row(*clip).group.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::clip::evenly_spaced;
    use hico_model::test_data;
    use proptest::prelude::*;

    #[test]
    fn frames_are_evenly_spaced_from_first_to_last() {
        assert_eq!(evenly_spaced(9, 3), [0, 4, 8]);
        assert_eq!(evenly_spaced(10, 4), [0, 3, 6, 9]);
        assert_eq!(evenly_spaced(3, 8), [0, 1, 2]);
        assert_eq!(evenly_spaced(5, 1), [2]);
        assert_eq!(evenly_spaced(0, 4), [0; 0]);
    }

    #[test]
    fn an_unlabelled_clip_is_neither_learnt_from_nor_tested() {
        let data = test_data::spots(
            &[("p0", Some(0), 0), ("p1", Some(1), 0), ("p2", Some(0), 1), ("p3", Some(1), 1)]
                .into_iter()
                .chain([("p4", Some(0), 1), ("p5", None, 1), ("p6", None, 0)])
                .collect::<Vec<_>>(),
        );
        let plan = FoldPlan::new(&data, 0, 0.3, Seed(1)).unwrap();
        assert_eq!(plan.test, [0, 1]);
        assert_eq!(plan.training(), [2, 3, 4]);
    }

    #[test]
    fn few_groups_of_each_class_are_drawn_and_more_of_them_contain_fewer() {
        let names: Vec<String> = (0..12).map(|group| format!("p{group:02}")).collect();
        // Groups 0 to 3 are tested; of class 0 four groups are left, of class 1 four, and p04 has clips of both.
        let mut rows: Vec<_> = (0..12)
            .flat_map(|group| vec![(names[group].as_str(), Some(group % 2), usize::from(group >= 4)); 2])
            .collect();
        rows.push((names[4].as_str(), Some(1), 1));
        let data = test_data::spots(&rows);
        let few = |groups| FoldPlan::few(&data, 0, |_| groups, None, Seed(3)).unwrap();
        let of_class = |plan: &FoldPlan, class| -> BTreeSet<String> {
            let clips: Vec<usize> = plan.fit.iter().copied().filter(|clip| data.label(*clip) == Some(class)).collect();
            groups_of(&data, &clips)
        };
        for groups in 1..=5 {
            let plan = few(groups);
            assert_eq!(of_class(&plan, 0).len(), groups.min(4));
            assert_eq!(of_class(&plan, 1).len(), groups.min(5));
            assert!(plan.inner.is_empty() && plan.test == FoldPlan::new(&data, 0, 0.3, Seed(3)).unwrap().test);
            assert!(groups_of(&data, &plan.fit).is_disjoint(&groups_of(&data, &plan.test)));
            assert!(plan.fit.iter().all(|clip| few(groups + 1).fit.contains(clip)));
        }
        assert_ne!(few(1).fit, FoldPlan::few(&data, 0, |_| 1, None, Seed(4)).unwrap().fit);
        for groups in 1..=5 {
            let chosen_on = FoldPlan::few(&data, 0, |_| groups, Some(0.3), Seed(3)).unwrap();
            assert_eq!(chosen_on.training(), few(groups).fit);
            assert!(groups_of(&data, &chosen_on.fit).is_disjoint(&groups_of(&data, &chosen_on.inner)));
            assert_eq!(chosen_on.inner.is_empty(), groups == 1, "one group of a class cannot be spared");
            assert!((0..2).all(|class| !of_class(&chosen_on, class).is_empty()));
        }
    }

    #[test]
    fn what_cannot_be_evaluated_is_refused_with_its_reason() {
        let reason = |rows: &[(&str, Option<usize>, usize)], fold| {
            FoldPlan::new(&test_data::spots(rows), fold, 0.3, Seed(1)).unwrap_err().to_string()
        };
        let good = [("a", Some(0), 0), ("b", Some(1), 0), ("c", Some(0), 1), ("d", Some(1), 1)];
        assert_eq!(reason(&good, 7), "there is no fold 7; the folds are [0, 1]");
        assert!(reason(&good, 0).contains("no class with two groups"));
        let one_class = [("a", Some(0), 0), ("b", Some(0), 1)];
        assert!(reason(&one_class, 0).starts_with("the labels have 1 class:"));
        let lacking = [("a", Some(0), 0), ("b", Some(0), 1), ("c", Some(1), 1)];
        assert!(reason(&lacking, 0).starts_with("fold 0 has no clip of class"));
    }

    proptest! {
        #[test]
        fn no_group_stands_on_two_sides(
            clips in prop::collection::vec((0..14_usize, prop::option::weighted(0.8, 0..3_usize)), 12..50),
            fraction in 0.05..0.6_f64,
            seed: u64,
        ) {
            let names: Vec<String> = (0..14).map(|group| format!("p{group}")).collect();
            let rows: Vec<_> = clips.iter().map(|(group, label)| (names[*group].as_str(), *label, group % 3)).collect();
            let data = test_data::spots(&rows);
            for fold in 0..3 {
                let Ok(plan) = FoldPlan::new(&data, fold, fraction, Seed(seed)) else { continue };
                let [fit, inner, test] = [&plan.fit, &plan.inner, &plan.test].map(|clips| groups_of(&data, clips));
                prop_assert!(fit.is_disjoint(&inner) && fit.is_disjoint(&test) && inner.is_disjoint(&test));
                prop_assert!(!fit.is_empty() && !inner.is_empty() && !test.is_empty());
                let mut all = [plan.fit, plan.inner, plan.test].concat();
                all.sort_unstable();
                let labelled: Vec<usize> = (0..data.len()).filter(|clip| data.label(*clip).is_some()).collect();
                prop_assert_eq!(all, labelled);
            }
        }
    }
}
