use super::super::plain;
use super::*;
use crate::clip::{Channels, Clip, Size};
use crate::manifest::Manifest;
use crate::prefetch;
use std::sync::Arc;

/// Clips of smooth noise, `frames[i]` frames in clip `i`.
fn dataset(frames: &[usize], channels: Channels) -> Dataset {
    let size = Size { height: 20, width: 26 };
    let clips: Vec<Clip> = (0..frames.len())
        .map(|clip| {
            let mut rng = Seed(7).stream("clip", &[clip as u64]);
            let values = frames[clip] * size.height * size.width;
            let grey = (0..values).map(|_| rng.random::<u8>());
            let pixels = grey.flat_map(|value| std::iter::repeat_n(value, channels.count())).collect();
            Clip { size, channels, pixels, fps: None }
        })
        .collect();
    let row = |clip: usize| ClipRow {
        group: format!("group-{clip}"),
        ..ClipRow::new(format!("clip-{clip}"), frames[clip], size, channels)
    };
    Dataset::in_memory(Manifest { rows: (0..frames.len()).map(row).collect() }, clips)
}

fn source<'a>(data: &'a Dataset, clip: usize, recipe: &'a ViewRecipe, seed: Seed, epoch: u64) -> ViewSource<'a> {
    ViewSource::new(data, clip, recipe, seed, epoch).unwrap()
}

fn recipe() -> ViewRecipe {
    ViewRecipe { side: 33, ..ViewRecipe::default() }
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_number_of_threads() {
    let data = Arc::new(dataset(&[5, 1, 2, 9, 3], Channels::Rgb));
    let views = |threads, seed| -> Vec<Pair> {
        let data = Arc::clone(&data);
        let jobs: Vec<(u64, usize)> = (0..4).flat_map(|epoch| (0..5).map(move |clip| (epoch, clip))).collect();
        prefetch::ordered(jobs, threads, 6, move |(epoch, clip)| {
            source(&data, *clip, &recipe(), seed, *epoch).pair().unwrap()
        })
        .collect()
    };
    let one = views(1, Seed(1));
    assert_eq!(one, views(2, Seed(1)));
    assert_eq!(one, views(7, Seed(1)));
    assert_ne!(one, views(7, Seed(2)));
    assert_ne!(one[0], one[5], "another epoch, other views");
    assert_eq!(one.iter().map(|pair| pair.clip).collect::<Vec<_>>()[..6], [0, 1, 2, 3, 4, 0]);
}

#[test]
fn a_grey_clip_gives_the_views_of_the_same_clip_in_three_equal_channels() {
    let (grey, three) = (dataset(&[4, 2], Channels::Grey), dataset(&[4, 2], Channels::Rgb));
    for clip in 0..2 {
        for epoch in 0..10 {
            let views = |data| source(data, clip, &recipe(), Seed(3), epoch).pair().unwrap();
            assert_eq!(views(&grey), views(&three));
        }
    }
    let frames = [&grey, &three].map(|data| data.read_frame(0, 0).unwrap());
    assert_eq!(plain(&frames[0], &recipe()), plain(&frames[1], &recipe()));
}

#[test]
fn views_of_three_frames_share_their_anchor_and_views_of_two_are_not_mixed() {
    // Frames of one even grey each, and no jitter: a view is even, and tells what it was mixed from.
    let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
    let even = |greys: &[u8]| {
        let mut data = dataset(&[greys.len()], Channels::Grey);
        let clip = data.read_clip(0).unwrap();
        let pixels = greys.iter().flat_map(|grey| vec![*grey; clip.frame_bytes()]).collect();
        data = Dataset::in_memory(data.manifest().clone(), vec![Clip { pixels, ..clip }]);
        data
    };
    let value = |grey: u8| (f32::from(grey) / 255.0 - 0.5) / 0.25;
    let greys = [0u8, 50, 200];
    let three = even(&greys);
    for epoch in 0..50 {
        let Pair { a, b, .. } = source(&three, 0, &still, Seed(4), epoch).pair().unwrap();
        // With weight w: a = w*x1 + (1-w)*x2 and b = w*x3 + (1-w)*x2, so a - b = w*(x1 - x3) for some order.
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let explained = orders.iter().any(|order| {
            let [first, second, anchor] = order.map(|frame: usize| value(greys[frame]));
            let weight = (a[0] - b[0]) / (first - second);
            (0.0..=1.0 + 1e-5).contains(&weight) && (weight * first + (1.0 - weight) * anchor - a[0]).abs() < 1e-4
        });
        assert!(explained, "epoch {epoch}: {} and {}", a[0], b[0]);
    }
    let two = even(&greys[..2]);
    for epoch in 0..10 {
        let Pair { a, b, .. } = source(&two, 0, &still, Seed(4), epoch).pair().unwrap();
        let mut seen = [a[0], b[0]];
        seen.sort_by(f32::total_cmp);
        assert_eq!(seen, [value(0), value(50)]);
    }
}

#[test]
fn two_views_of_one_frame_are_of_one_frame_and_frames_come_from_anywhere() {
    let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
    let data = dataset(&[4], Channels::Grey);
    let clip = data.read_clip(0).unwrap();
    let greys = [10, 80, 150, 220];
    let pixels = greys.iter().flat_map(|grey| vec![*grey; clip.frame_bytes()]).collect();
    let data = Dataset::in_memory(data.manifest().clone(), vec![Clip { pixels, ..clip }]);
    let mut seen = std::collections::BTreeSet::new();
    for epoch in 0..60 {
        let Pair { a, b, .. } = source(&data, 0, &still, Seed(4), epoch).twice().unwrap();
        assert_eq!(a[0], b[0], "even frames without jitter");
        seen.insert(((a[0] * 0.25 + 0.5) * 255.0).round() as u8);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), greys);
    let moving = dataset(&[4], Channels::Grey);
    let Pair { a, b, .. } = source(&moving, 0, &recipe(), Seed(4), 0).twice().unwrap();
    assert_ne!(a, b, "each is changed on its own");
}

#[test]
fn a_clip_that_is_not_there_is_an_error() {
    let data = dataset(&[3], Channels::Grey);
    assert!(matches!(ViewSource::new(&data, 1, &recipe(), Seed(0), 0), Err(Error::OutOfRange { clip: 1, .. })));
}

/// A clip whose frame `i` is evenly grey, `20 + 20 i`, at 10 frames a second, and a recipe that keeps it so.
fn even(frames: usize) -> (Dataset, ViewRecipe) {
    let data = dataset(&[frames], Channels::Grey);
    let clip = data.read_clip(0).unwrap();
    let pixels = (0..frames).flat_map(|frame| vec![(20 + 20 * frame) as u8; clip.frame_bytes()]).collect();
    let mut manifest = data.manifest().clone();
    manifest.rows[0].fps = Some(10.0);
    let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
    (Dataset::in_memory(manifest, vec![Clip { pixels, fps: Some(10.0), ..clip }]), still)
}

/// Number of the frame behind an even view.
fn frame_of(view: &[f32]) -> usize {
    (((view[0] * 0.25 + 0.5) * 255.0).round() as usize - 20) / 20
}

#[test]
fn near_frames_are_near_and_their_distance_is_told_in_seconds() {
    let (data, still) = even(11);
    let close = ViewRecipe { pair_within: 0.25, ..still };
    let mut apart = std::collections::BTreeSet::new();
    for epoch in 0..200 {
        let Near { pair: Pair { a, b, .. }, seconds, fps } = source(&data, 0, &close, Seed(4), epoch).near().unwrap();
        let frames = frame_of(&a).abs_diff(frame_of(&b));
        assert!((seconds - frames as f64 / 10.0).abs() < 1e-9 && fps == 10.0);
        apart.insert(frames);
    }
    assert_eq!(apart.into_iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_far_frame_is_farther_than_asked_and_than_a_pair_and_may_be_missing() {
    let (data, still) = even(10);
    let close = ViewRecipe { pair_within: 0.3, ..still };
    let far = |away, epoch| source(&data, 0, &close, Seed(4), epoch).with_far(3, away).unwrap();
    let mut missing = 0;
    for epoch in 0..200 {
        let WithFar { pair, far: None } = far(None, epoch) else { panic!("not asked for") };
        let first = frame_of(&pair.a);
        assert!(frame_of(&pair.b).abs_diff(first) <= 3);
        for (away, apart) in [([0.0, 1.0], 4..=10), ([0.55, 0.7], 6..=7), ([0.0, 0.1], 4..=4)] {
            let WithFar { pair: same, far } = far(Some(away), epoch);
            assert_eq!(same, pair, "the pair does not depend on far frames");
            assert_eq!(far.is_some(), (0..10).any(|frame: usize| apart.contains(&frame.abs_diff(first))));
            let Some(far) = far else {
                missing += 1;
                continue;
            };
            assert_eq!(far.len(), 3);
            assert!(far.iter().all(|far| apart.contains(&frame_of(far).abs_diff(first))), "{away:?}");
        }
    }
    assert!(missing > 0);
}

#[test]
fn views_show_what_lies_in_their_places() {
    // A slope of grey from left to right, and one from top to bottom, tell where a view's corners are.
    let side = 64;
    let size = Size { height: side, width: side };
    let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
    let alone = ViewRecipe { side, mixup: 0.0, ..still };
    let mixed = ViewRecipe { mixup: 0.5, aligned_mix: true, ..alone.clone() };
    for (recipe, frames) in [(&alone, 1), (&alone, 3), (&mixed, 3)] {
        views_of_slopes(side, size, recipe, frames);
    }
}

fn views_of_slopes(side: usize, size: Size, recipe: &ViewRecipe, frames: usize) {
    for slope in [|row: usize, _: usize| row * 4, |_: usize, column: usize| column * 4] {
        let pixels = (0..frames * side * side).map(|at| slope(at / side % side, at % side) as u8).collect();
        let row = ClipRow { group: "g".into(), ..ClipRow::new("c".into(), frames, size, Channels::Grey) };
        let clip = Clip { size, channels: Channels::Grey, pixels, fps: None };
        let data = Dataset::in_memory(Manifest { rows: vec![row] }, vec![clip]);
        let mut mirrored = 0;
        for epoch in 0..60 {
            let Pair { a, b, .. } = source(&data, 0, recipe, Seed(5), epoch).pair().unwrap();
            for (view, place) in [a, b].iter().zip(source(&data, 0, recipe, Seed(5), epoch).places()) {
                mirrored += usize::from(place.mirrored);
                for (row, column) in [(8, 8), (8, 55), (55, 8), (40, 30)] {
                    let along = |[first, last]: [f64; 2], at: f64| first + (last - first) * (at + 0.5) / side as f64;
                    let across = if place.mirrored { side - 1 - column } else { column };
                    let [y, x] = [along(place.rows, row as f64), along(place.columns, across as f64)];
                    let at = |place: f64| place * side as f64 - 0.5;
                    let expected = if slope(1, 0) > 0 { at(y) } else { at(x) } * 4.0;
                    let grey = f64::from((view[row * side + column] * recipe.std as f32 + recipe.mean as f32) * 255.0);
                    assert!((grey - expected).abs() < 4.0, "{epoch} {place:?} {row} {column}: {grey} {expected}");
                }
            }
        }
        assert!((20..100).contains(&mirrored), "{mirrored}");
    }
}

#[test]
fn a_single_view_is_the_first_of_two_of_the_same_frame() {
    let data = dataset(&[5], Channels::Grey);
    let of = |epoch| source(&data, 0, &recipe(), Seed(4), epoch).single().unwrap();
    assert_eq!(of(3), source(&data, 0, &recipe(), Seed(4), 3).twice().unwrap().a);
    assert_ne!(of(3), of(4));
}

#[test]
fn crops_are_large_and_small_and_of_one_frame() {
    let (data, still) = even(10);
    for epoch in 0..20 {
        let Crops { global, local } = source(&data, 0, &still, Seed(4), epoch).crops().unwrap();
        assert!(global.iter().all(|view| view.len() == 3 * 33 * 33));
        assert!(local.iter().all(|view| view.len() == 3 * 32 * 32));
        let frames: std::collections::BTreeSet<usize> =
            global.iter().chain(&local).map(|view| frame_of(view)).collect();
        assert_eq!(frames.len(), 1);
    }
    assert_eq!([32, 64, 112, 224].map(Crops::small_side), [32, 32, 48, 96]);
    let moving = dataset(&[3], Channels::Grey);
    let Crops { global, local } = source(&moving, 0, &recipe(), Seed(4), 0).crops().unwrap();
    assert!(global[0] != global[1] && local.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn frames_mixed_in_line_keep_an_edge_where_it_is() {
    // Every frame is the same picture, half black and half white: mixed after one and the same changes it has two
    // greys; mixed after crops and flips of their own it has ghosts in between.
    let size = Size { height: 20, width: 20 };
    let frame: Vec<u8> = (0..400).map(|pixel| if pixel % 20 < 8 { 0 } else { 255 }).collect();
    let clip = Clip { size, channels: Channels::Grey, pixels: frame.repeat(3), fps: None };
    let row = ClipRow::new("clip".to_owned(), 3, size, Channels::Grey);
    let data = Dataset::in_memory(Manifest { rows: vec![row] }, vec![clip]);
    let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
    let between = |recipe: &ViewRecipe| -> usize {
        let grey = |value: &f32| value.abs() < 1.6;
        (0..20)
            .map(|epoch| source(&data, 0, recipe, Seed(2), epoch).pair().unwrap())
            .map(|pair| pair.a.iter().chain(&pair.b).filter(|value| grey(value)).count())
            .sum()
    };
    let aligned = ViewRecipe { aligned_mix: true, ..still.clone() };
    let (ghosts, none) = (between(&still), between(&aligned));
    // What is left is the blur of the edge itself.
    assert!(ghosts > 4 * none, "{ghosts} {none}");
}

#[test]
fn a_second_view_comes_from_another_clip_of_the_patient_as_often_as_asked() {
    // Clip i is evenly grey, a level of its own for each frame.
    let size = Size { height: 20, width: 20 };
    let frames = [3, 1, 2, 3];
    let grey = |clip: usize, frame: usize| (20 + 40 * clip + 10 * frame) as u8;
    let clips = (0..4).map(|clip| {
        let pixels = (0..frames[clip]).flat_map(|frame| vec![grey(clip, frame); 400]).collect();
        Clip { size, channels: Channels::Grey, pixels, fps: None }
    });
    let rows = (0..4).map(|clip| ClipRow::new(format!("clip-{clip}"), frames[clip], size, Channels::Grey)).collect();
    let data = Dataset::in_memory(Manifest { rows }, clips.collect());
    let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
    let clip_of = |view: &[f32]| (((view[0] * 0.25 + 0.5) * 255.0).round() as usize - 20) / 40;
    let patient = [0, 1, 3];
    for rate in [0.0, 0.3, 1.0] {
        let view = ViewRecipe { pair_across_clips: rate, ..still.clone() };
        let mut partners = [0; 4];
        for epoch in 0..1000 {
            let alone = source(&data, 0, &view, Seed(6), epoch);
            let source = alone.with_partner(&patient);
            let (pair, twice) = (source.pair().unwrap(), source.twice().unwrap());
            let partner = clip_of(&twice.b);
            assert_eq!(clip_of(&twice.a), 0);
            if partner == 0 {
                assert_eq!((pair, twice), (alone.pair().unwrap(), alone.twice().unwrap()));
            } else {
                assert_eq!(pair, twice, "frames of two clips are not mixed");
                assert_eq!(pair.clip, 0);
            }
            partners[partner] += 1;
        }
        let [own, first, stranger, second] = partners;
        assert_eq!(stranger, 0);
        // Standard deviation 14.5 of 300, and 16 of 500.
        assert!((f64::from(own) - 1000.0 * (1.0 - rate)).abs() < 60.0, "{rate}: {partners:?}");
        assert!((f64::from(first - second)).abs() < 120.0, "{rate}: {partners:?}");
        let alone = source(&data, 2, &view, Seed(6), 0);
        assert_eq!(alone.with_partner(&[2]).twice().unwrap(), alone.twice().unwrap(), "a patient of one clip");
    }
}

#[test]
fn small_crops_are_of_the_frames_that_a_pair_shows() {
    let (data, still) = even(10);
    let alone = ViewRecipe { mixup: 0.0, ..still.clone() };
    for epoch in 0..40 {
        let source = source(&data, 0, &alone, Seed(4), epoch);
        let (pair, small) = (source.pair().unwrap(), source.small_crops().unwrap());
        assert!(small.iter().all(|crop| crop.len() == 3 * 32 * 32));
        assert_eq!(small.each_ref().map(|crop| frame_of(crop)), [&pair.a, &pair.b].map(|view| frame_of(view)));
        let mixed = ViewSource::new(&data, 0, &still, Seed(4), epoch).unwrap();
        let frames = mixed.small_crops().unwrap().map(|crop| frame_of(&crop));
        assert!(frames[0] != frames[1] && frames.iter().all(|frame| *frame < 10), "one frame each, not a mixture");
    }
    let moving = dataset(&[3], Channels::Grey);
    let recipe = recipe();
    let [first, second] = source(&moving, 0, &recipe, Seed(4), 0).small_crops().unwrap();
    assert_ne!(first, second);
}
