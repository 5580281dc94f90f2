//! The phantom: the same on any number of threads, moving, and no easier than it should be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end there")]

use hico_data::phantom::{self, Finding, PhantomRecipe};
use hico_data::{Channels, Dataset, Error, Job, Seed, split};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

fn small() -> PhantomRecipe {
    PhantomRecipe { patients: 7, frames: 3, side: 48, seed: Seed(3), ..PhantomRecipe::default() }
}

fn clips_of(data: &Dataset) -> Vec<hico_data::Clip> {
    (0..data.len()).map(|clip| data.read_clip(clip).unwrap()).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_number_of_threads() {
    let on = |threads: usize, recipe: PhantomRecipe| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let data = pool.install(|| phantom::generate(&recipe));
        (data.manifest().hash(), clips_of(&data))
    };
    let one = on(1, small());
    assert_eq!(one, on(2, small()));
    assert_eq!(one, on(7, small()));
    assert_ne!(one.0, on(2, PhantomRecipe { seed: Seed(4), ..small() }).0);
}

#[test]
fn more_patients_or_frames_leave_those_that_were_there_as_they_were() {
    let few = phantom::generate(&small());
    let longer = phantom::generate(&PhantomRecipe { frames: 5, ..small() });
    for clip in 0..few.len() {
        assert_eq!(few.row(clip).clip, longer.row(clip).clip);
        assert_eq!(few.read_frame(clip, 2).unwrap(), longer.read_frame(clip, 2).unwrap());
    }
}

#[test]
fn every_finding_has_its_share_of_patients_and_a_patient_has_one() {
    let data = phantom::generate(&PhantomRecipe { patients: 12, frames: 1, side: 32, ..small() });
    assert_eq!(data.classes(), ["b_lines", "consolidation", "normal"]);
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut clips: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &data.manifest().rows {
        found.entry(row.label.as_deref().unwrap()).or_default().insert(&row.group);
        *clips.entry(&row.group).or_default() += 1;
    }
    assert!(found.values().all(|patients| patients.len() == 4), "{found:?}");
    assert!(clips.values().all(|clips| (1..=3).contains(clips)), "{clips:?}");
    assert_eq!(found.values().map(BTreeSet::len).sum::<usize>(), clips.len());
    assert_eq!(Finding::ALL.map(Finding::name), ["normal", "b_lines", "consolidation"]);
}

#[test]
fn an_unlabelled_share_is_drawn_without_touching_the_pictures() {
    let recipe = PhantomRecipe { patients: 40, frames: 1, side: 32, ..small() };
    let all = phantom::generate(&recipe);
    let some = phantom::generate(&PhantomRecipe { unlabelled_fraction: 0.5, ..recipe });
    assert_eq!(clips_of(&all), clips_of(&some));
    let unlabelled = (0..some.len()).filter(|clip| some.label(*clip).is_none()).count();
    // Standard deviation below 0.06 of about 80 clips: four of them.
    assert!((unlabelled as f64 / some.len() as f64 - 0.5).abs() < 0.24, "{unlabelled} of {}", some.len());
}

#[test]
fn frames_of_a_clip_move_and_have_a_sector_around_speckle() {
    let data = phantom::generate(&PhantomRecipe { side: 96, ..small() });
    let mut colours = BTreeSet::new();
    for clip in 0..data.len() {
        let frames = [0, 1, 2].map(|frame| data.read_frame(clip, frame).unwrap());
        let differ = |a: usize, b: usize| {
            let pairs = frames[a].pixels.iter().zip(&frames[b].pixels);
            pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / frames[a].pixels.len() as f64
        };
        // They move, yet they are frames of one clip: nearer to each other than to another patient's.
        assert!(differ(0, 1) > 0.5, "clip {clip}: {}", differ(0, 1));
        assert!(differ(0, 1) < 30.0, "clip {clip}: {}", differ(0, 1));
        let dark = frames[0].pixels.iter().filter(|value| **value == 0).count();
        let share = dark as f64 / frames[0].pixels.len() as f64;
        assert!((0.02..0.95).contains(&share), "clip {clip}: {share} black");
        assert!(frames[0].pixels.iter().any(|value| *value > 200), "clip {clip} shows no pleura");
        colours.insert(frames[0].channels == Channels::Rgb);
    }
    assert_eq!(colours.len(), 2, "some devices tint their pictures");
}

#[test]
fn one_device_colours_every_clip_alike_and_of_several_a_patient_meets_more_than_one() {
    let colours = |devices: usize| {
        let data = phantom::generate(&PhantomRecipe { patients: 30, devices, frames: 1, side: 32, ..small() });
        let mut of_patient: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
        for row in &data.manifest().rows {
            of_patient.entry(row.group.clone()).or_default().insert(row.channels == Channels::Rgb);
        }
        of_patient
    };
    assert_eq!(colours(1).into_values().flatten().collect::<BTreeSet<_>>().len(), 1);
    assert!(colours(6).values().any(|colours| colours.len() == 2));
}

/// Balanced accuracy of 5-NN on 16x16 grey thumbnails of one frame a clip, by folds of patients.
fn thumbnail_floor(seed: u64) -> f64 {
    let data = phantom::generate(&PhantomRecipe { patients: 60, frames: 1, side: 64, seed: Seed(seed), ..small() });
    let folds = split::k_folds(data.manifest(), 5, Seed(seed)).unwrap();
    let thumbnail = |clip: usize| -> Vec<f64> {
        let frame = data.read_frame(clip, 0).unwrap();
        let (channels, block) = (frame.channels.count(), frame.size.width / 16);
        let cell = |cell: usize| {
            let (top, left) = (cell / 16 * block, cell % 16 * block);
            let inside = (top..top + block).flat_map(|row| (left..left + block).map(move |column| (row, column)));
            inside.map(|(row, column)| f64::from(frame.pixels[(row * frame.size.width + column) * channels])).sum()
        };
        (0..256).map(cell).collect()
    };
    let thumbnails: Vec<Vec<f64>> = (0..data.len()).map(thumbnail).collect();
    let distance =
        |a: usize, b: usize| -> f64 { thumbnails[a].iter().zip(&thumbnails[b]).map(|(a, b)| (a - b).powi(2)).sum() };
    let (mut right, mut all) = ([0.0; 3], [0.0; 3]);
    for clip in 0..data.len() {
        let mut others: Vec<usize> = (0..data.len()).filter(|other| folds[*other] != folds[clip]).collect();
        others.sort_by(|a, b| distance(clip, *a).total_cmp(&distance(clip, *b)));
        let mut votes = [0; 3];
        others[..5].iter().for_each(|other| votes[data.label(*other).unwrap()] += 1);
        let winner = (0..3).max_by_key(|class| votes[*class]).unwrap();
        let truth = data.label(clip).unwrap();
        all[truth] += 1.0;
        right[truth] += f64::from(u8::from(winner == truth));
    }
    (0..3).map(|class| right[class] / all[class]).sum::<f64>() / 3.0
}

#[test]
fn thumbnails_tell_something_and_do_not_solve_it() {
    let floors = [1, 2, 3, 4, 5, 6, 7, 8].map(thumbnail_floor);
    println!("thumbnail floors {floors:?}");
    let mean = floors.iter().sum::<f64>() / 8.0;
    // Chance is 0.33. Each floor comes from about 120 clips of 60 patients: standard error near 0.05, the mean's 0.03.
    assert!((0.40..0.80).contains(&mean), "{floors:?}");
}

#[test]
fn the_tree_holds_every_byte_of_every_clip_and_its_label() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = PhantomRecipe { unlabelled_fraction: 0.3, ..small() };
    let written = phantom::write_tree(&recipe, folder.path(), Job::default()).unwrap();
    let data = phantom::generate(&recipe);
    assert_eq!((written.patients, written.clips, written.frames), (7, data.len(), 3 * data.len()));
    let mut table = csv::Reader::from_path(folder.path().join(phantom::LABELS_FILE)).unwrap();
    assert_eq!(table.headers().unwrap(), ["file", "label", "patient", "group"].as_slice());
    let mut gifs = 0;
    for (index, record) in table.records().enumerate() {
        let record = record.unwrap();
        let (row, clip) = (data.row(index), data.read_clip(index).unwrap());
        assert_eq!(&record[1], row.label.as_deref().unwrap_or_default());
        assert_eq!(&record[2], row.patient.as_deref().unwrap());
        let path = folder.path().join(&record[0]);
        let frames: Vec<image::DynamicImage> = if path.is_dir() {
            (0..3).map(|frame| image::open(path.join(format!("{frame:04}.png"))).unwrap()).collect()
        } else {
            gifs += 1;
            let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
            let decoder = image::codecs::gif::GifDecoder::new(file).unwrap();
            image::AnimationDecoder::into_frames(decoder).map(|frame| frame.unwrap().into_buffer().into()).collect()
        };
        assert_eq!(frames.len(), 3);
        for (number, frame) in frames.iter().enumerate() {
            let stored = match clip.channels {
                Channels::Grey => frame.to_luma8().into_raw(),
                Channels::Rgb => frame.to_rgb8().into_raw(),
            };
            assert_eq!(stored, clip.frame(number).unwrap(), "{} frame {number}", row.clip);
        }
    }
    assert_eq!(gifs, data.len() / 6);
    let again = phantom::write_tree(&recipe, folder.path(), Job::default());
    assert!(matches!(again, Err(Error::NotEmpty(_))));
}

#[test]
fn a_caller_who_asks_to_stop_gets_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let stopped = phantom::write_tree(&small(), folder.path(), Job::new(&AtomicBool::new(true)));
    assert!(matches!(stopped, Err(Error::Interrupted)));
    assert!(!folder.path().join(phantom::LABELS_FILE).exists());
}
