//! Pickles that numpy wrote, in every protocol (`golden/generate_pickles.py`), taken in as data sets.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use hico_data::ingest::{Axes, Pickles};
use hico_data::ingest::{IngestOptions, IngestReport, Layout, ingest};
use hico_data::{Channels, Dataset, Error, Job, Preprocessing, Size};
use std::fs;
use std::path::{Path, PathBuf};

const SIZE: Size = Size { height: 9, width: 11 };

/// The rule by which the pictures were written.
fn value(number: usize, channel: usize, row: usize, column: usize) -> u8 {
    ((number * 97 + channel * 83 + row * 29 + column * 13) % 256) as u8
}

/// A picture as it has to be stored, `[height, width, 3]`.
fn picture(number: usize) -> Vec<u8> {
    let places = (0..SIZE.height).flat_map(|row| (0..SIZE.width).map(move |column| (row, column)));
    places.flat_map(|(row, column)| (0..3).map(move |channel| value(number, channel, row, column))).collect()
}

struct Shelf(tempfile::TempDir);

impl Shelf {
    fn with(names: &[&str]) -> Self {
        let shelf = Self(tempfile::tempdir().unwrap());
        fs::create_dir(shelf.source()).unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pickles");
        for name in names {
            fs::copy(fixtures.join(name), shelf.source().join(name)).unwrap();
        }
        shelf
    }

    fn source(&self) -> PathBuf {
        self.0.path().join("source")
    }

    fn ingest(&self, layout: Layout) -> Result<IngestReport, Error> {
        let options = IngestOptions { preprocessing: Preprocessing::default(), layout, ..IngestOptions::default() };
        ingest(&self.source(), &self.0.path().join("out"), &options, Job::default())
    }

    fn dataset(&self) -> Dataset {
        Dataset::open(&self.0.path().join("out")).unwrap()
    }
}

fn classes(names: &[&str]) -> Layout {
    Layout::Pickles(Pickles { classes: names.iter().map(|name| (*name).to_owned()).collect(), axes: Axes::AsStored })
}

fn labels(data: &Dataset) -> Vec<&str> {
    data.manifest().rows.iter().map(|row| row.label.as_deref().unwrap_or("-")).collect()
}

#[test]
fn every_protocol_gives_the_same_pictures_and_labels() {
    for protocol in 0..6 {
        let shelf = Shelf::with(&[&format!("stacked-p{protocol}.pkl")]);
        let report = shelf.ingest(classes(&["covid19", "pneumonia", "regular"])).unwrap();
        assert_eq!((report.clips, report.refused.len()), (3, 0), "{protocol}: {:?}", report.refused);
        let data = shelf.dataset();
        assert_eq!(labels(&data), ["regular", "covid19", "pneumonia"]);
        for number in 0..3 {
            let clip = data.read_clip(number).unwrap();
            assert_eq!((clip.size, clip.channels), (SIZE, Channels::Rgb));
            assert_eq!(clip.pixels, picture(number), "protocol {protocol}, picture {number}");
        }
        assert_eq!(data.row(1).source, format!("stacked-p{protocol}.pkl/00001"));
        assert_eq!(data.row(1).steps.to_string(), "decode pickle");
    }
}

#[test]
fn a_tree_of_pickles_is_recognised_and_says_what_it_lacks() {
    let shelf = Shelf::with(&["stacked-p4.pkl"]);
    fs::write(shelf.source().join("README.txt"), "words\n").unwrap();
    let report = shelf.ingest(Layout::Auto).unwrap();
    assert_eq!(labels(&shelf.dataset()), ["2", "0", "1"]);
    assert_eq!(report.notes[0], "layout pickles: 3 pictures in one pickle; nothing in them was executed");
    assert_eq!(report.notes[2], "recognised by itself; --layout plain takes no label from names or pickles");
    assert_eq!(report.notes[1], "classes without a name: 0, 1, 2; name them with --classes");
    assert!(report.warnings.iter().any(|warning| warning.contains("hico audit")), "{:?}", report.warnings);
    assert_eq!(report.ignored, ["README.txt"]);
    // A second session knows every picture again.
    let again = shelf.ingest(Layout::Auto).unwrap();
    assert_eq!((again.kept, again.clips), (3, 3));
}

#[test]
fn pickles_beside_videos_and_pictures_are_no_clips_unless_asked_for() {
    let shelf = Shelf::with(&["stacked-p4.pkl"]);
    image::GrayImage::new(4, 4).save(shelf.source().join("a.png")).unwrap();
    let report = shelf.ingest(Layout::Auto).unwrap();
    assert_eq!((report.clips, report.ignored.as_slice()), (1, &["stacked-p4.pkl".to_owned()][..]));
}

#[test]
fn pictures_that_were_written_columns_first_can_be_turned_back() {
    for name in ["turned-p4.pkl", "turned-p5.pkl", "turned-whole-p5.pkl"] {
        for (axes, turned) in [(Axes::Swapped, false), (Axes::AsStored, true)] {
            let shelf = Shelf::with(&[name]);
            shelf.ingest(Layout::Pickles(Pickles { axes, classes: Vec::new() })).unwrap();
            let data = shelf.dataset();
            assert_eq!(labels(&data), ["2", "0", "1"]);
            let clip = data.read_clip(2).unwrap();
            let size = if turned { Size { height: SIZE.width, width: SIZE.height } } else { SIZE };
            assert_eq!(clip.size, size, "{name} {axes:?}");
            let expected = if turned {
                let places = (0..size.height).flat_map(|row| (0..size.width).map(move |column| (column, row)));
                places.flat_map(|(row, column)| (0..3).map(move |channel| value(2, channel, row, column))).collect()
            } else {
                picture(2)
            };
            assert_eq!(clip.pixels, expected, "{name} {axes:?}");
            assert_eq!(data.row(2).steps.to_string().contains("rows and columns swapped"), !turned);
        }
    }
}

#[test]
fn channels_last_fractions_and_rows_with_one_1_are_understood() {
    let shelf = Shelf::with(&["last-p4.pkl"]);
    shelf.ingest(Layout::Auto).unwrap();
    assert_eq!(labels(&shelf.dataset()), ["b", "a", "b"]);
    assert_eq!(shelf.dataset().read_clip(1).unwrap().pixels, picture(1));
    let shelf = Shelf::with(&["fractions-p2.pkl"]);
    shelf.ingest(Layout::Auto).unwrap();
    let data = shelf.dataset();
    assert_eq!(labels(&data), ["2", "0", "1"]);
    assert_eq!(data.read_clip(2).unwrap().pixels, picture(2));
    assert_eq!(data.row(2).steps.to_string(), "decode pickle;values times 255");
}

#[test]
fn pictures_of_different_size_stand_in_an_array_of_objects() {
    let shelf = Shelf::with(&["ragged-p4.pkl"]);
    shelf.ingest(Layout::Auto).unwrap();
    let data = shelf.dataset();
    assert_eq!(labels(&data), ["p", "q", "p"]);
    let clip = data.read_clip(2).unwrap();
    assert_eq!((clip.channels, clip.size), (Channels::Grey, Size { height: 9, width: 9 }));
    let expected: Vec<u8> = (0..9).flat_map(|row| (0..9).map(move |column| value(2, 0, row, column))).collect();
    assert_eq!(clip.pixels, expected);
}

#[test]
fn the_test_part_of_each_pickle_of_a_cross_validation_is_its_fold() {
    let shelf = Shelf::with(&["fold-1.pkl", "fold-2.pkl", "fold-3.pkl"]);
    let report = shelf.ingest(Layout::Auto).unwrap();
    let data = shelf.dataset();
    let rows: Vec<_> = data.manifest().rows.iter().map(|row| (row.source.as_str(), row.fold.unwrap())).collect();
    let expected = [
        ("fold-1.pkl/test/00000", 0),
        ("fold-1.pkl/test/00001", 0),
        ("fold-2.pkl/test/00000", 1),
        ("fold-3.pkl/test/00000", 2),
        ("fold-3.pkl/test/00001", 2),
        ("fold-3.pkl/test/00002", 2),
    ];
    assert_eq!(rows, expected);
    assert_eq!(labels(&data), ["0", "1", "0", "1", "0", "1"]);
    assert!((0..6).all(|number| data.read_clip(number).unwrap().pixels == picture(number)));
    assert!(report.notes[1].contains("the test part of fold-1.pkl is fold 0"), "{:?}", report.notes);
}

#[test]
fn one_pickle_of_two_parts_is_a_split_and_parts_that_do_not_add_up_are_none() {
    let shelf = Shelf::with(&["fold-2.pkl"]);
    shelf.ingest(Layout::Auto).unwrap();
    let data = shelf.dataset();
    let folds: Vec<_> = data.manifest().rows.iter().map(|row| (row.source.as_str(), row.fold)).collect();
    assert_eq!(folds[0], ("fold-2.pkl/test/00000", Some(2)));
    assert_eq!(folds[1], ("fold-2.pkl/train/00000", Some(0)));
    let shelf = Shelf::with(&["fold-2.pkl", "fold-3.pkl"]);
    let report = shelf.ingest(Layout::Auto).unwrap();
    assert_eq!(report.clips, 12);
    assert!(shelf.dataset().manifest().rows.iter().all(|row| row.fold.is_none()));
    assert!(report.notes[1].contains("do not add up"), "{:?}", report.notes);
}

#[test]
fn a_pickle_that_means_harm_is_refused_and_the_others_are_taken() {
    let shelf = Shelf::with(&["stacked-p4.pkl"]);
    let victim = shelf.0.path().join("victim");
    let harm = format!("cos\nsystem\n(S'touch {}'\ntR.", victim.display());
    fs::write(shelf.source().join("harm.pkl"), harm).unwrap();
    let report = shelf.ingest(Layout::Auto).unwrap();
    assert_eq!(report.clips, 3);
    assert_eq!(
        report.refused[0].reason,
        "a pickle: it asks for os.system, and only the parts of numpy arrays are made"
    );
    assert!(!victim.exists());
}
