use super::*;
use crate::clip::{Channels, Size};
use crate::error::Error;
use crate::manifest::ClipRow;
use proptest::prelude::*;

fn row(clip: usize, group: &str, label: Option<&str>, fold: Option<usize>) -> ClipRow {
    ClipRow {
        group: group.to_owned(),
        label: label.map(str::to_owned),
        fold,
        source: format!("{clip}.png"),
        ..ClipRow::new(format!("clip-{clip}"), 1, Size { height: 1, width: 1 }, Channels::Grey)
    }
}

fn manifest(clips: &[(&str, Option<&str>, Option<usize>)]) -> Manifest {
    let rows = clips.iter().enumerate().map(|(clip, (group, label, fold))| row(clip, group, *label, *fold));
    Manifest { rows: rows.collect() }
}

/// Clips as (group, label): label 3 stands for none.
fn clips() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0_usize..14, 0_usize..4), 1..80)
}

fn from_clips(clips: &[(usize, usize)]) -> Manifest {
    let names = ["covid", "pneumonia", "regular"];
    let rows = clips.iter().enumerate();
    Manifest {
        rows: rows.map(|(i, (group, label))| row(i, &format!("g{group}"), names.get(*label).copied(), None)).collect(),
    }
}

proptest! {
    #[test]
    fn no_group_stands_in_two_folds_and_no_fold_lacks_a_class(clips in clips(), folds in 2_usize..6, seed: u64) {
        let mut manifest = from_clips(&clips);
        if let Ok(fold_of) = k_folds(&manifest, folds, Seed(seed)) {
            prop_assert!(fold_of.iter().all(|fold| *fold < folds));
            for (row, fold) in manifest.rows.iter_mut().zip(fold_of) {
                row.fold = Some(fold);
            }
            prop_assert_eq!(check_folds(&manifest).unwrap(), (0..folds).collect::<Vec<_>>());
        }
    }

    #[test]
    fn folds_depend_on_the_seed_and_not_on_the_order_of_the_rows(clips in clips(), seed: u64) {
        let forward = from_clips(&clips);
        let mut backward = forward.clone();
        backward.rows.reverse();
        let there = k_folds(&forward, 3, Seed(seed));
        let back = k_folds(&backward, 3, Seed(seed)).map(|mut folds| { folds.reverse(); folds });
        let words = |error: Error| error.to_string();
        prop_assert_eq!(there.map_err(words), back.map_err(words));
    }

    #[test]
    fn groups_of_one_class_and_one_size_spread_within_one_group(per_class in 4_usize..20, seed: u64) {
        let clips: Vec<_> = (0..3 * per_class).map(|group| (group, group % 3)).collect();
        let manifest = from_clips(&clips);
        let fold_of = k_folds(&manifest, 4, Seed(seed)).unwrap();
        for label in 0..3 {
            let in_fold = |fold| clips.iter().zip(&fold_of).filter(|((_, l), f)| *l == label && **f == fold).count();
            let counts: Vec<usize> = (0..4).map(in_fold).collect();
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{:?}", counts);
        }
    }

    #[test]
    fn a_hold_out_leaves_every_class_a_training_group_and_takes_one_where_there_are_two(clips in clips(), seed: u64) {
        // One label a group: with several, a class may have to be kept whole for another's sake.
        let clips: Vec<_> = clips.iter().map(|(group, _)| (format!("g{group}"), Some(group % 4).filter(|l| *l < 3))).collect();
        let held = hold_out(&clips, 0.25, Seed(seed));
        for label in 0..3 {
            let of_class: BTreeSet<&String> = clips.iter().filter(|(_, l)| *l == Some(label)).map(|(g, _)| g).collect();
            let held_of_class = of_class.iter().filter(|group| held.contains(**group)).count();
            prop_assert!(of_class.is_empty() || held_of_class < of_class.len());
            prop_assert!(of_class.len() < 2 || held_of_class >= 1);
        }
    }

    #[test]
    fn a_hold_out_never_takes_the_last_training_group_of_a_class(clips in clips(), fraction in 0.0..1.5, seed: u64) {
        let clips: Vec<_> = clips.iter().map(|(g, label)| (format!("g{g}"), Some(*label).filter(|l| *l < 3))).collect();
        let held = hold_out(&clips, fraction, Seed(seed));
        for label in clips.iter().filter_map(|(_, label)| *label) {
            prop_assert!(clips.iter().any(|(group, l)| *l == Some(label) && !held.contains(group)));
        }
    }
}

#[test]
fn a_hold_out_takes_the_fraction_where_groups_are_small() {
    let clips: Vec<_> = (0..300).map(|group| (format!("g{group}"), Some(group % 3).filter(|l| *l < 2))).collect();
    let held = hold_out(&clips, 0.2, Seed(1));
    for label in [Some(0), Some(1), None] {
        assert_eq!(clips.iter().filter(|(group, l)| *l == label && held.contains(group)).count(), 20);
    }
    assert_ne!(held, hold_out(&clips, 0.2, Seed(2)));
    assert_eq!(held, hold_out(&clips, 0.2, Seed(1)));
    assert_eq!(hold_out(&clips, 0.0, Seed(1)), BTreeSet::new());
}

#[test]
fn a_hold_out_of_unlabelled_clips_takes_groups_but_not_all() {
    let clips: Vec<_> = (0..4).map(|group| (format!("g{group}"), None)).collect();
    assert_eq!(hold_out(&clips, 0.1, Seed(3)).len(), 1);
    assert_eq!(hold_out(&clips, 1.0, Seed(3)).len(), 3);
    assert!(hold_out(&clips[..1], 0.5, Seed(3)).is_empty());
}

#[test]
fn unlabelled_groups_are_spread_too() {
    let clips: Vec<_> = (0..12).map(|group| (group, 3)).collect();
    let fold_of = k_folds(&from_clips(&clips), 4, Seed(5)).unwrap();
    assert!((0..4).all(|fold| fold_of.iter().filter(|f| **f == fold).count() == 3), "{fold_of:?}");
}

#[test]
fn another_seed_gives_other_folds() {
    let manifest = from_clips(&(0..30).map(|group| (group, group % 3)).collect::<Vec<_>>());
    assert_ne!(k_folds(&manifest, 5, Seed(1)).unwrap(), k_folds(&manifest, 5, Seed(2)).unwrap());
}

#[test]
fn a_class_with_fewer_groups_than_folds_is_named_with_the_fold_that_lacks_it() {
    let data = manifest(&[
        ("a", Some("rare"), None),
        ("b", Some("rare"), None),
        ("c", Some("common"), None),
        ("d", Some("common"), None),
        ("e", Some("common"), None),
    ]);
    let error = k_folds(&data, 3, Seed(0)).unwrap_err();
    assert!(matches!(&error, Error::FoldWithoutClass { class, groups: 2, .. } if class == "rare"), "{error}");
    assert!(error.to_string().contains("fewer folds"), "{error}");
    assert!(matches!(k_folds(&data, 6, Seed(0)), Err(Error::TooFewGroups { folds: 6, groups: 5 })));
    assert!(matches!(k_folds(&data, 1, Seed(0)), Err(Error::TooFewFolds { folds: 1 })));
}

#[test]
fn given_folds_are_refused_when_a_group_crosses_them() {
    let crossing = manifest(&[("a", None, Some(0)), ("b", None, Some(1)), ("a", None, Some(1))]);
    let error = check_folds(&crossing).unwrap_err();
    assert_eq!(error.to_string(), "group \"a\" stands in fold 0 and in fold 1; give all clips of a group one fold");
    let partly = manifest(&[("a", None, Some(0)), ("b", None, Some(1)), ("b", None, None)]);
    assert!(check_folds(&partly).unwrap_err().to_string().contains("fold 1 and in no fold"));
    assert!(matches!(check_folds(&manifest(&[("a", None, None)])), Err(Error::NoFolds)));
    let lacking = manifest(&[("a", Some("x"), Some(0)), ("b", Some("y"), Some(0)), ("c", Some("x"), Some(1))]);
    let error = check_folds(&lacking).unwrap_err();
    assert!(matches!(&error, Error::FoldWithoutClass { fold: 1, class, groups: 1 } if class == "y"), "{error}");
}

#[test]
fn groups_of_two_classes_do_not_hide_a_split_that_exists() {
    // Whichever fold "ab" goes to, the other must get "a" and "b" both.
    let data =
        manifest(&[("ab", Some("A"), None), ("ab", Some("B"), None), ("a", Some("A"), None), ("b", Some("B"), None)]);
    let fold_of = k_folds(&data, 2, Seed(9)).unwrap();
    assert_ne!(fold_of[0], fold_of[2]);
    assert_eq!(fold_of[2], fold_of[3]);
}

#[test]
fn every_remedy_of_a_refused_split_works_when_it_is_followed() {
    let common = [("c", "x"), ("d", "x"), ("e", "x"), ("f", "x"), ("g", "x")];
    let of = |rare: &[(&'static str, &'static str)]| {
        let clips: Vec<_> = common.iter().chain(rare).map(|(group, label)| (*group, Some(*label), None)).collect();
        manifest(&clips)
    };
    for (rare, fewer, left_out) in [
        (&[("a", "rare")][..], None, &["rare"][..]),
        (&[("a", "rare"), ("a", "rarer")], None, &["rare", "rarer"]),
        (&[("a", "rare"), ("b", "rare")], Some(2), &["rare"]),
        (&[("a", "rare"), ("b", "rare"), ("c", "rare")], Some(3), &["rare"]),
        (&[("a", "rare"), ("b", "rare"), ("a", "one")], None, &["one", "rare"]),
    ] {
        let data = of(rare);
        assert!(k_folds(&data, 5, Seed(1)).is_err());
        let mut told = (None, Vec::new());
        for remedy in remedies(&data, 5, Seed(1)) {
            match remedy {
                Remedy::Folds(folds) => {
                    assert!(k_folds(&data, folds, Seed(1)).is_ok());
                    told.0 = Some(folds);
                }
                Remedy::Unlabel { folds, mut classes } => {
                    let mut data = data.clone();
                    assert!(classes.iter().all(|class| unlabel(&mut data, class) > 0));
                    assert!(folds == 5 && k_folds(&data, folds, Seed(1)).is_ok());
                    classes.sort();
                    told.1 = classes;
                }
                Remedy::MoreGroups => panic!("there are enough"),
            }
        }
        assert_eq!(told, (fewer, left_out.iter().map(|class| (*class).to_owned()).collect()));
    }
    assert_eq!(
        remedies(&manifest(&[("a", Some("x"), None), ("a", Some("y"), None)]), 5, Seed(1)),
        [Remedy::MoreGroups]
    );
    assert_eq!(remedies(&of(&[]), 50, Seed(1)), [Remedy::Folds(5)]);
    assert_eq!(remedies(&of(&[]), 1, Seed(1)), [Remedy::Folds(2)]);
    let error = k_folds(&manifest(&[("a", None, None)]), 2, Seed(1)).unwrap_err().to_string();
    assert!(!error.contains("at most 1"), "{error}");
}
