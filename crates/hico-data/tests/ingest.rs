//! Taking pictures and animations in: what is stored, what is refused, and going on after an interruption.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use hico_data::info::INFO_FILE;
use hico_data::ingest::journal::{self, IngestEntry};
use hico_data::ingest::{Column, Columns, IngestOptions, IngestReport, Programs, Rows, Stills, ingest};
use hico_data::preprocessing::{Fit, Preprocessing};
use hico_data::{Channels, Dataset, Error, Event, Job, Manifest};
use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, GrayImage, Luma, Rgba, RgbaImage};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A tree of small clips: two animations, a folder of frames, and labels for them.
struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        let tree = Self { folder: tempfile::tempdir().unwrap() };
        gif(&tree.source().join("covid/a+(1).GIF"), 5, 10);
        gif(&tree.source().join("regular/b.gif"), 3, 90);
        for frame in [1, 2, 10] {
            still(&tree.source().join(format!("regular/c/f{frame}.png")), 8, frame * 10);
        }
        let labels = "file,label,patient,fold\nsource/covid/a+(1).GIF,covid,p1,0\nregular/b.gif,regular,p2,1\n\
                      regular/c,regular,p3,0\n";
        fs::write(tree.labels(), labels).unwrap();
        tree
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    fn labels(&self) -> PathBuf {
        self.folder.path().join("labels.csv")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn options(&self) -> IngestOptions {
        IngestOptions {
            preprocessing: Preprocessing::resized(8),
            labels: Some((self.labels(), Columns::default())),
            ..IngestOptions::default()
        }
    }

    fn ingest(&self, options: &IngestOptions) -> Result<IngestReport, Error> {
        ingest(&self.source(), &self.out(), options, Job::default())
    }
}

fn gif(path: &Path, frames: u8, grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = GifEncoder::new(fs::File::create(path).unwrap());
    for frame in 0..frames {
        let value = grey + frame;
        let picture = RgbaImage::from_pixel(8, 8, Rgba([value, value, value, 255]));
        let delay = Delay::from_saturating_duration(Duration::from_millis(100));
        encoder.encode_frame(Frame::from_parts(picture, 0, 0, delay)).unwrap();
    }
}

fn still(path: &Path, side: u32, grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    GrayImage::from_pixel(side, side, Luma([grey])).save(path).unwrap();
}

/// Every file of a data set but its record.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()));
    files.filter(|(name, _)| name != journal::JOURNAL_FILE).collect()
}

fn reasons(report: &IngestReport) -> BTreeMap<&str, &str> {
    report.refused.iter().map(|refused| (refused.source.as_str(), refused.reason.as_str())).collect()
}

#[test]
fn a_mixed_tree_becomes_a_data_set_that_opens() {
    let tree = Tree::new();
    let report = tree.ingest(&tree.options()).unwrap();
    assert_eq!((report.clips, report.frames, report.refused.len()), (3, 11, 0));
    assert_eq!((report.unmatched.len(), report.without_row.len()), (0, 0));
    let data = Dataset::open(&tree.out()).unwrap();
    assert_eq!(data.classes(), ["covid", "regular"]);
    let row = data.row(0);
    assert_eq!((row.clip.as_str(), row.source.as_str()), ("covid__a__1_", "covid/a+(1).GIF"));
    assert_eq!((row.group.as_str(), row.fold, row.frames, row.fps), ("p1", Some(0), 5, Some(10.0)));
    assert_eq!(row.channels, Channels::Grey);
    let clip = data.read_clip(2).unwrap();
    assert_eq!(clip.pixels, [[10; 64], [20; 64], [100; 64]].concat());
    for entry in files(&tree.out()).keys() {
        assert!(["clips.csv", INFO_FILE, "frames-0000.safetensors"].contains(&entry.as_str()), "{entry}");
    }
    let text = fs::read_to_string(tree.out().join("clips.csv")).unwrap();
    assert!(!text.contains(tree.folder.path().to_str().unwrap()), "an absolute path leaked: {text}");
}

#[test]
fn bad_files_are_refused_each_with_its_own_words_and_nothing_else_is_lost() {
    let tree = Tree::new();
    let at = |name: &str| tree.source().join("covid").join(name);
    fs::write(at("empty.mp4"), "").unwrap();
    fs::write(at("text.avi"), "these are words\n").unwrap();
    still(&at("picture.png"), 4, 1);
    fs::rename(at("picture.png"), at("picture.mp4")).unwrap();
    gif(&at("cut.gif"), 4, 7);
    let whole = fs::read(at("cut.gif")).unwrap();
    fs::write(at("cut.gif"), &whole[..whole.len() - 30]).unwrap();
    let mut dicom = vec![0; 200];
    dicom[128..132].copy_from_slice(b"DICM");
    fs::write(at("IM0001"), dicom).unwrap();
    fs::write(at("notes.txt"), "no clip, and nobody says so").unwrap();
    still(&tree.source().join("mixed/1.png"), 4, 1);
    still(&tree.source().join("mixed/2.png"), 5, 1);
    let report = tree.ingest(&tree.options()).unwrap();
    let reasons = reasons(&report);
    assert_eq!(report.clips, 3);
    assert_eq!(reasons.len(), 6, "{reasons:?}");
    assert_eq!(reasons["covid/empty.mp4"], "the file is empty");
    assert_eq!(reasons["covid/text.avi"], "a text file, not a video or picture");
    assert_eq!(reasons["covid/picture.mp4"], "its name says a video (.mp4), its content is a PNG picture");
    assert!(reasons["covid/cut.gif"].starts_with("damaged or cut short: "), "{reasons:?}");
    assert_eq!(reasons["covid/IM0001"], "a DICOM file that names no transfer syntax (0002,0010)");
    assert_eq!(reasons["mixed"], "frames differ in size: 4x4, but 2.png is 5x5 (height x width)");
    assert_eq!(report.ignored, ["covid/notes.txt"]);
}

#[test]
fn a_file_the_labels_name_is_never_left_out_without_a_word() {
    let tree = Tree::new();
    fs::write(tree.source().join("notes.txt"), "words").unwrap();
    let labels = fs::read_to_string(tree.labels()).unwrap();
    fs::write(tree.labels(), format!("{labels}notes.txt,covid,p4,1\ngone.mp4,covid,p5,1\n")).unwrap();
    let report = tree.ingest(&tree.options()).unwrap();
    assert_eq!(reasons(&report)["notes.txt"], "a text file, not a video or picture");
    assert_eq!(report.unmatched, [(6, "gone.mp4".to_owned())]);
}

#[test]
fn without_ffmpeg_videos_are_refused_and_the_rest_is_taken_in() {
    let tree = Tree::new();
    fs::write(tree.source().join("v.mp4"), b"\0\0\0\x0cftypisom").unwrap();
    fs::write(tree.source().join("Thumbs.db"), [0xd0, 0xcf, 0x11, 0xe0]).unwrap();
    let programs = Programs { ffmpeg: "/nowhere/ffmpeg".into(), ffprobe: "/nowhere/ffprobe".into() };
    let report = tree.ingest(&IngestOptions { programs, ..tree.options() }).unwrap();
    assert_eq!(report.clips, 3);
    assert_eq!(reasons(&report), BTreeMap::from([("v.mp4", "a video, and ffmpeg is not installed")]));
    assert!(report.refused[0].hint.contains("apt install ffmpeg"));
    assert_eq!(report.ignored, ["Thumbs.db"]);
}

#[test]
fn interrupted_after_any_clip_it_goes_on_to_the_same_bytes() {
    let tree = Tree::new();
    tree.ingest(&tree.options()).unwrap();
    let whole = files(&tree.out());
    for after in 1..3 {
        fs::remove_dir_all(tree.out()).unwrap();
        let stop = AtomicBool::new(false);
        let progress = |event: Event| {
            if matches!(event, Event::Progress { done, .. } if done == after) {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let job = Job::new(&stop).with_threads(1).telling(&progress);
        let stopped = ingest(&tree.source(), &tree.out(), &tree.options(), job).unwrap_err();
        assert!(matches!(stopped, Error::Interrupted) && Dataset::open(&tree.out()).is_err());
        let report = tree.ingest(&tree.options()).unwrap();
        assert!(report.kept >= after);
        assert!(files(&tree.out()) == whole, "other bytes after {after}");
    }
}

#[test]
fn a_data_set_says_how_its_clips_are_prepared_also_where_none_had_to_be_resized() {
    let tree = Tree::new();
    let report = tree.ingest(&tree.options()).unwrap();
    assert!(report.manifest.rows.iter().all(|row| !row.steps.to_string().contains("resize")));
    assert_eq!(Dataset::open(&tree.out()).unwrap().preprocessing(), Preprocessing::resized(8));
    // One that an earlier version wrote gets its description when it is gone on with.
    let info = fs::read(tree.out().join(INFO_FILE)).unwrap();
    fs::remove_file(tree.out().join(INFO_FILE)).unwrap();
    assert_eq!(Dataset::open(&tree.out()).unwrap().preprocessing(), Preprocessing::default());
    tree.ingest(&tree.options()).unwrap();
    assert_eq!(fs::read(tree.out().join(INFO_FILE)).unwrap(), info);
    fs::write(tree.out().join(INFO_FILE), r#"{"format":2}"#).unwrap();
    assert!(matches!(Dataset::open(&tree.out()), Err(Error::Info { .. })));
}

/// `fixtures/format-0/data` was written by version 0.1.0 before there was a `dataset.json`, from clips of a phantom.
#[test]
fn a_data_set_of_format_0_opens_as_it_was_prepared_and_keeps_its_hash() {
    let data = Dataset::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/format-0/data")).unwrap();
    let expected = Preprocessing { fit: Fit::Pad, ..Preprocessing::resized(24) };
    assert_eq!((data.len(), data.preprocessing()), (6, expected));
    assert_eq!(data.manifest().hash(), "23925731cf18f20210758fde6f3c6bedfb3fbdeeba4123389e920f5398b7bf77");
}

#[test]
fn run_again_it_keeps_everything_and_adds_what_is_new_or_mended() {
    let tree = Tree::new();
    fs::write(tree.source().join("d.gif"), "").unwrap();
    let report = tree.ingest(&tree.options()).unwrap();
    assert_eq!(report.refused.len(), 1);
    // The folds a person gave later stay.
    let mut manifest = Manifest::read(&tree.out()).unwrap();
    manifest.rows[0].fold = Some(7);
    manifest.write(&tree.out()).unwrap();
    gif(&tree.source().join("d.gif"), 2, 50);
    let report = tree.ingest(&tree.options()).unwrap();
    assert_eq!((report.clips, report.kept, report.refused.len()), (4, 3, 0));
    let data = Dataset::open(&tree.out()).unwrap();
    assert_eq!(data.row(0).fold, Some(7));
    assert_eq!(data.row(1).clip, "d");
    assert_eq!(data.row(1).group, "d");
    let before = files(&tree.out());
    assert_eq!(tree.ingest(&tree.options()).unwrap().kept, 4);
    assert!(files(&tree.out()) == before, "something was written");
}

#[test]
fn other_options_a_changed_source_and_a_foreign_folder_are_refused() {
    let tree = Tree::new();
    fs::create_dir(tree.out()).unwrap();
    fs::write(tree.out().join("thesis.tex"), "precious").unwrap();
    assert!(matches!(tree.ingest(&tree.options()), Err(Error::NoUnfinishedIngest(_))));
    fs::remove_file(tree.out().join("thesis.tex")).unwrap();
    tree.ingest(&tree.options()).unwrap();
    let before = files(&tree.out());
    let error =
        tree.ingest(&IngestOptions { preprocessing: Preprocessing::resized(16), ..tree.options() }).unwrap_err();
    assert!(error.to_string().ends_with("was begun with --image-size 8, now 16"), "{error}");
    let error = tree.ingest(&IngestOptions { labels: None, ..tree.options() }).unwrap_err();
    assert!(matches!(error, Error::OptionChanged { option: "--labels", .. }), "{error}");
    gif(&tree.source().join("regular/b.gif"), 3, 91);
    let error = tree.ingest(&tree.options()).unwrap_err();
    assert_eq!(error.to_string(), "regular/b.gif: has changed since it was taken in");
    assert!(files(&tree.out()) == before, "something was written");
}

#[test]
fn an_image_folder_tree_is_a_clip_a_picture_with_its_own_label() {
    let tree = Tree::new();
    let rows = "file,label\nregular/c/f1.png,x\nregular/c/f2.png,y\n";
    fs::write(tree.labels(), rows).unwrap();
    let error = tree.ingest(&tree.options()).unwrap_err();
    let Error::Contradiction { rows: Rows::OfFrames, .. } = error else { panic!("{error}") };
    let report = tree.ingest(&IngestOptions { stills: Some(Stills::Each), ..tree.options() }).unwrap();
    assert_eq!((report.clips, report.without_row.len()), (5, 3));
    let labels: Vec<_> = report.manifest.rows.iter().map(|row| (row.clip.as_str(), row.label.as_deref())).collect();
    assert_eq!(labels[2..4], [("regular__c__f1", Some("x")), ("regular__c__f10", None)]);
}

#[test]
fn folds_that_cut_through_a_group_are_refused_before_anything_is_written() {
    let tree = Tree::new();
    fs::write(tree.labels(), "file,patient,fold\ncovid/a+(1).GIF,p,0\nregular/b.gif,p,1\n").unwrap();
    let error = tree.ingest(&tree.options()).unwrap_err();
    assert!(error.to_string().contains("stands in fold 0 and in fold 1"), "{error}");
    assert!(!tree.out().exists());
    let columns = Columns { fold: Column::Ignored, ..Columns::default() };
    let report = tree.ingest(&IngestOptions { labels: Some((tree.labels(), columns)), ..tree.options() }).unwrap();
    assert!(report.manifest.rows.iter().all(|row| row.fold.is_none()));
}

#[test]
fn an_out_folder_within_the_source_is_not_taken_in_again() {
    let tree = Tree::new();
    let out = tree.source().join("data");
    for _ in 0..2 {
        let report = ingest(&tree.source(), &out, &tree.options(), Job::default()).unwrap();
        assert_eq!((report.clips, report.refused.len(), report.ignored.len()), (3, 0, 0));
    }
}

#[test]
fn the_record_tells_what_was_asked_and_done() {
    let tree = Tree::new();
    tree.ingest(&tree.options()).unwrap();
    let entries = journal::read(&tree.out()).unwrap();
    assert!(
        matches!(&entries[0], IngestEntry::Start { settings, .. } if settings.preprocessing.image_size == Some(8) && settings.source == "source")
    );
    let IngestEntry::Clip(clip) = &entries[1] else { panic!("{entries:?}") };
    assert_eq!((clip.luma, clip.steps.to_string().as_str()), ([10.0, 12.0, 14.0], "decode gif;grey"));
    assert_eq!(entries.last(), Some(&IngestEntry::Finished { clips: 3, refused: 0 }));
}

#[test]
fn a_folder_without_clips_and_a_file_for_a_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "words").unwrap();
    let run = |source: &Path| {
        let out = folder.path().join("out");
        ingest(source, &out, &IngestOptions::default(), Job::default()).unwrap_err()
    };
    assert!(matches!(run(folder.path()), Error::NothingFound(_)));
    assert!(matches!(run(&folder.path().join("notes.txt")), Error::Source { .. }));
    assert!(matches!(run(&folder.path().join("nowhere")), Error::Source { .. }));
    assert!(!folder.path().join("out").exists());
}
