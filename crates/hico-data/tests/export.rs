//! Exports read back: by the tar crate and the PNG decoder, and by our own ingest.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use hico_data::export::{ExportOptions, ExportReport, Format, Parts, Sample, export};
use hico_data::ingest::{Columns, IngestOptions, Layout, Stills, ingest};
use hico_data::manifest::Manifest;
use hico_data::{Channels, Clip, ClipRow, Dataset, Error, Event, Job, Preprocessing, Size};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const SIZE: Size = Size { height: 5, width: 7 };

/// Twelve clips of six patients in three folds and two classes, one clip unlabelled; every fourth in colour.
fn data() -> Dataset {
    let clip = |number: usize| {
        let channels = if number.is_multiple_of(4) { Channels::Rgb } else { Channels::Grey };
        let count = (number % 3 + 1) * SIZE.height * SIZE.width * channels.count();
        let pixels = (0..count).map(|at| (at * 37 + number * 11 + (at % 3) * 90) as u8).collect();
        Clip { size: SIZE, channels, pixels, fps: Some(10.0) }
    };
    let clips: Vec<Clip> = (0..12).map(clip).collect();
    let row = |(number, clip): (usize, &Clip)| ClipRow {
        patient: Some(format!("p{}", number / 2)),
        group: format!("p{}", number / 2),
        label: (number != 5).then(|| if number % 4 < 2 { "a/b".to_owned() } else { "c".to_owned() }),
        fold: Some(number / 2 % 3),
        fps: clip.fps,
        source: format!("s/{number}.avi"),
        ..ClipRow::new(format!("clip.{number}"), clip.frames(), SIZE, clip.channels)
    };
    let rows = clips.iter().enumerate().map(row).collect();
    Dataset::in_memory(Manifest { rows }, clips)
}

fn shards(sample: Sample, shard_bytes: u64) -> Format {
    Format::WebDataset { sample, shard_bytes, seed: 3 }
}

fn run(out: &Path, format: Format, parts: Parts) -> Result<ExportReport, Error> {
    export(&data(), out, &ExportOptions { format, parts }, Job::default())
}

/// Every file of every tar below a folder, by tar and name.
fn unpacked(folder: &Path) -> BTreeMap<(String, String), Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".tar") {
            for entry in tar::Archive::new(fs::File::open(&path).unwrap()).entries().unwrap() {
                let mut entry = entry.unwrap();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                let file = entry.path().unwrap().to_str().unwrap().to_owned();
                assert!(files.insert((name.clone(), file), bytes).is_none(), "twice in {name}");
            }
        }
    }
    files
}

fn pixels(png: &[u8]) -> Vec<u8> {
    image::load_from_memory_with_format(png, image::ImageFormat::Png).unwrap().into_bytes()
}

#[test]
fn a_sample_a_clip_holds_its_frames_its_class_and_what_is_known_of_it() {
    let out = tempfile::tempdir().unwrap();
    let report = run(out.path(), shards(Sample::Clip, 1 << 20), Parts::default()).unwrap();
    assert_eq!((report.clips, report.files, report.unlabelled), (12, 1, 0));
    let files = unpacked(out.path());
    let data = data();
    for clip in 0..12 {
        let file = |name: &str| files.get(&("data-000000.tar".to_owned(), format!("clip_{clip}/clip.{name}")));
        let stored = data.read_clip(clip).unwrap();
        for frame in 0..stored.frames() {
            assert_eq!(pixels(file(&format!("{frame:05}.png")).unwrap()), stored.frame(frame).unwrap());
        }
        assert!(file(&format!("{:05}.png", stored.frames())).is_none());
        let about: serde_json::Value = serde_json::from_slice(file("json").unwrap()).unwrap();
        assert_eq!((&about["clip"], &about["fps"]), (&format!("clip.{clip}").into(), &10.0.into()));
        assert_eq!(
            file("cls").map(|bytes| String::from_utf8(bytes.clone()).unwrap()),
            data.label(clip).map(|it| it.to_string())
        );
    }
    assert_eq!(fs::read_to_string(out.path().join("classes.txt")).unwrap(), "a/b\nc\n");
}

#[test]
fn a_sample_a_frame_has_a_key_a_frame() {
    let out = tempfile::tempdir().unwrap();
    let report = run(out.path(), shards(Sample::Frame, 1 << 20), Parts::default()).unwrap();
    let files = unpacked(out.path());
    let of = |suffix: &str| files.keys().filter(|(_, name)| name.ends_with(suffix)).count();
    // The unlabelled clip, number 5, has three frames.
    assert_eq!((of(".png"), of(".json"), of(".cls")), (report.frames, report.frames, report.frames - 3));
    assert_eq!(files[&("data-000000.tar".to_owned(), "clip_2/00001.cls".to_owned())], b"1");
}

#[test]
fn shards_are_bounded_in_size_and_no_group_crosses_parts() {
    let out = tempfile::tempdir().unwrap();
    let bound = 150;
    let report = run(out.path(), shards(Sample::Clip, bound), Parts { val_fold: Some(1), test_fold: Some(2) }).unwrap();
    assert_eq!(report.parts.values().copied().collect::<Vec<_>>(), [4, 4, 4]);
    let data = data();
    let mut of_shard: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (shard, file) in unpacked(out.path()).into_keys() {
        let clip: usize = file.split('/').next().unwrap().strip_prefix("clip_").unwrap().parse().unwrap();
        of_shard.entry(shard).or_default().insert(clip);
    }
    assert_eq!(of_shard.len(), report.files);
    assert!(of_shard.len() > 3);
    for (shard, clips) in of_shard {
        let bytes: usize = clips.iter().map(|clip| data.read_clip(*clip).unwrap().pixels.len()).sum();
        assert!(bytes <= bound as usize || clips.len() == 1, "{shard}: {bytes} bytes");
        let part = ["train", "val", "test"][data.row(*clips.first().unwrap()).fold.unwrap()];
        assert!(
            shard.starts_with(part)
                && clips.iter().all(|clip| data.row(*clip).fold == data.row(*clips.first().unwrap()).fold)
        );
    }
}

/// What has to come back: label, patient, group, fold and frames, by name of the clip.
fn essence(data: &Dataset, name: impl Fn(&ClipRow) -> String) -> BTreeMap<String, String> {
    let clips = data.manifest().rows.iter().enumerate();
    let essence = |(clip, row): (usize, &ClipRow)| {
        let pixels = data.read_clip(clip).unwrap().pixels;
        (
            name(row),
            format!("{:?} {:?} {} {:?} {:?} {pixels:?}", row.label, row.patient, row.group, row.fold, row.channels),
        )
    };
    clips.map(essence).collect()
}

#[test]
fn an_image_folder_tree_is_taken_in_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, again) = (folder.path().join("tree"), folder.path().join("again"));
    let report = run(&tree, Format::ImageFolder, Parts { val_fold: None, test_fold: Some(2) }).unwrap();
    assert_eq!((report.clips, report.unlabelled), (11, 1));
    assert!(tree.join("train/a_b/clip_0/00000.png").is_file() && tree.join("test/a_b/clip_4/00000.png").is_file());
    let labels = Some((tree.join("labels.csv"), Columns::default()));
    let options = IngestOptions { preprocessing: Preprocessing::default(), labels, ..IngestOptions::default() };
    let report = ingest(&tree, &again, &options, Job::default()).unwrap();
    assert_eq!((report.refused.len(), report.unmatched.len(), report.without_row.len()), (0, 0, 0));
    let mut expected = essence(&data(), |row| row.clip.replace('.', "_"));
    expected.remove("clip_5").unwrap();
    let last = |row: &ClipRow| row.source.rsplit('/').next().unwrap().to_owned();
    assert_eq!(essence(&Dataset::open(&again).unwrap(), last), expected);
    // By names of folders alone: the class as a folder can be called, and the split as folds.
    let options = IngestOptions { layout: Layout::ImageFolder, stills: Some(Stills::Clip), labels: None, ..options };
    let report = ingest(&tree, &folder.path().join("third"), &options, Job::default()).unwrap();
    let row = &report.manifest.rows[0];
    assert_eq!((row.source.as_str(), row.label.as_deref(), row.fold), ("test/a_b/clip_4", Some("a_b"), Some(2)));
}

#[test]
fn unpacked_shards_are_taken_in_again_as_they_were() {
    for sample in [Sample::Clip, Sample::Frame] {
        let folder = tempfile::tempdir().unwrap();
        let (out, tree, again) = (folder.path().join("out"), folder.path().join("tree"), folder.path().join("again"));
        run(&out, shards(sample, 200), Parts::default()).unwrap();
        for ((_, file), bytes) in unpacked(&out) {
            fs::create_dir_all(tree.join(&file).parent().unwrap()).unwrap();
            fs::write(tree.join(&file), bytes).unwrap();
        }
        let labels = Some((out.join("labels.csv"), Columns::default()));
        let options = IngestOptions { preprocessing: Preprocessing::default(), labels, ..IngestOptions::default() };
        let report = ingest(&tree, &again, &options, Job::default()).unwrap();
        assert_eq!((report.refused.len(), report.unmatched.len()), (0, 0), "{:?}", report.refused);
        let expected = essence(&data(), |row| row.clip.replace('.', "_"));
        assert_eq!(essence(&Dataset::open(&again).unwrap(), |row| row.source.clone()), expected);
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn stopped_and_gone_on_with_it_is_the_same_byte_for_byte() {
    for format in [shards(Sample::Clip, 200), Format::ImageFolder] {
        let folder = tempfile::tempdir().unwrap();
        let (whole, out) = (folder.path().join("whole"), folder.path().join("out"));
        run(&whole, format, Parts::default()).unwrap();
        let stop = AtomicBool::new(false);
        let options = ExportOptions { format, parts: Parts::default() };
        let done = AtomicUsize::new(0);
        let after_one = |_: Event| {
            done.fetch_add(1, Ordering::SeqCst);
            stop.store(true, Ordering::SeqCst);
        };
        let first = export(&data(), &out, &options, Job::new(&stop).telling(&after_one)).unwrap_err();
        assert!(matches!(first, Error::Interrupted) && !out.join("labels.csv").exists(), "{first:?}");
        // As a killed one leaves it.
        fs::create_dir_all(out.join("c/.part-clip_2")).unwrap();
        fs::write(out.join("c/.part-clip_2/00000.png"), "half").unwrap();
        fs::write(out.join(".part-xyz"), "half").unwrap();
        let second = run(&out, format, Parts::default()).unwrap();
        assert!(second.kept == done.into_inner() && second.kept < second.files, "{second:?}");
        assert_eq!(files(&out), files(&whole));
    }
}

#[test]
fn what_would_mix_or_leak_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let refuse = |parts: Parts| run(&out, Format::ImageFolder, parts).unwrap_err().to_string();
    assert_eq!(
        refuse(Parts { val_fold: Some(7), test_fold: None }),
        "fold 7: no clip stands in it; there are folds 0, 1, 2"
    );
    assert!(refuse(Parts { val_fold: Some(1), test_fold: Some(1) }).contains("both validation and test"));
    let mut crossing = data().manifest().clone();
    crossing.rows[0].fold = Some(1);
    let clips = (0..12).map(|clip| data().read_clip(clip).unwrap()).collect();
    let crossing = Dataset::in_memory(crossing, clips);
    let options = ExportOptions { format: Format::ImageFolder, parts: Parts { val_fold: Some(1), test_fold: None } };
    let error = export(&crossing, &out, &options, Job::default()).unwrap_err();
    assert_eq!(error.to_string(), "group \"p0\" would stand in val and in train");
    assert!(!out.exists());
    fs::create_dir(&out).unwrap();
    fs::write(out.join("mine.txt"), "mine").unwrap();
    assert!(matches!(run(&out, Format::ImageFolder, Parts::default()), Err(Error::NoUnfinishedExport(_))));
    fs::remove_file(out.join("mine.txt")).unwrap();
    run(&out, Format::ImageFolder, Parts::default()).unwrap();
    assert!(matches!(run(&out, shards(Sample::Clip, 9), Parts::default()), Err(Error::NoUnfinishedExport(_))));
    assert_eq!(files(&out).keys().filter(|name| name.ends_with(".tar")).count(), 0);
}
