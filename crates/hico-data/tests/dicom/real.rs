//! Real DICOM files against what an independent decoder made of them (`dicom.csv`, `frames.csv`).

use crate::identity::{everything, holds};
use crate::shared;
use crate::study::Study;
use hico_data::ingest::{Damaged, Identity, IngestOptions, Limits, ingest};
use hico_data::{Dataset, Job, Preprocessing};
use hico_io::dicom::{StoredFrame, Values, read_frames};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

type Row = BTreeMap<String, String>;

fn table(path: &Path) -> Vec<Row> {
    csv::Reader::from_path(path).unwrap().deserialize::<Row>().map(Result::unwrap).collect()
}

/// Bytes as `frames.csv` hashes them: values little endian.
fn bytes(frame: &StoredFrame) -> Vec<u8> {
    match &frame.values {
        Values::Bytes(bytes) => bytes.clone(),
        Values::Words(words) => words.iter().flat_map(|word| word.to_le_bytes()).collect(),
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Mean of each channel.
fn means(frame: &StoredFrame) -> Vec<f64> {
    let values: Vec<f64> = match &frame.values {
        Values::Bytes(bytes) => bytes.iter().map(|value| f64::from(*value)).collect(),
        Values::Words(words) => words.iter().map(|value| f64::from(*value)).collect(),
    };
    let mean = |channel| {
        let channel: Vec<f64> = values.iter().skip(channel).step_by(frame.samples).copied().collect();
        channel.iter().sum::<f64>() / channel.len() as f64
    };
    (0..frame.samples).map(mean).collect()
}

#[test]
fn every_file_decodes_to_the_pixels_of_an_independent_decoder_or_is_refused() {
    let test = "every_file_decodes_to_the_pixels_of_an_independent_decoder_or_is_refused";
    let Some(data) = shared(test) else { return };
    let mut expected: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in table(&data.join("dicom/frames.csv")) {
        expected.entry(row["file"].clone()).or_default().push(row);
    }
    let (mut decoded, mut refused, mut slowest, mut furthest) = (0, 0, 0.0_f64, 0.0_f64);
    for row in table(&data.join("dicom/dicom.csv")) {
        let file = &row["file"];
        let begin = Instant::now();
        let mut frames = Vec::new();
        let outcome = read_frames(&data.join(file), Limits::default(), |frame| frames.push(frame));
        let seconds = begin.elapsed().as_secs_f64();
        slowest = slowest.max(seconds);
        println!(
            "{file}: {} frames, {seconds:.3} s, {}",
            frames.len(),
            outcome.as_ref().map_or_else(ToString::to_string, |()| "decoded".to_owned())
        );
        assert_eq!(outcome.is_ok(), row["reference_decode"].starts_with("ok"), "{file}: {outcome:?}");
        let Ok(()) = outcome else {
            refused += 1;
            continue;
        };
        decoded += 1;
        let mut rows = expected.remove(file).unwrap();
        if rows.len() == 1 && rows[0]["shape"].starts_with("4x") {
            // The reference took the four frames for one.
            let whole: Vec<u8> = frames.iter().flat_map(bytes).collect();
            assert_eq!((frames.len(), hash(&whole)), (4, rows.remove(0)["sha256"].clone()), "{file}");
            continue;
        }
        assert_eq!(frames.len(), rows.len(), "{file}");
        for (number, (frame, row)) in frames.iter().zip(&rows).enumerate() {
            if row["sha256"].is_empty() {
                let off = row["means"]
                    .split(' ')
                    .zip(means(frame))
                    .map(|(there, here)| (there.parse::<f64>().unwrap() - here).abs());
                furthest = off.fold(furthest, f64::max);
                assert!(furthest <= 1.0, "{file}: frame {number}: {:?}, expected {}", means(frame), row["means"]);
            } else {
                assert_eq!(
                    hash(&bytes(frame)),
                    row["sha256"],
                    "{file}: frame {number}: {:?}, expected {}",
                    means(frame),
                    row["means"]
                );
            }
        }
    }
    assert!(expected.is_empty(), "{expected:?}");
    println!(
        "{decoded} decoded, {refused} refused; slowest {slowest:.2} s; means of lossy frames at most {furthest:.3} off"
    );
    assert!(slowest < 5.0);
}

/// Patient's name and id of a file, by their bytes: explicit, little or big endian.
fn identity(bytes: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    for (big, tag) in
        [(false, b"\x10\0\x10\0PN"), (false, b"\x10\0\x20\0LO"), (true, b"\0\x10\0\x10PN"), (true, b"\0\x10\0\x20LO")]
    {
        let Some(at) = bytes.windows(6).position(|window| window == tag) else { continue };
        let length = [bytes[at + 6], bytes[at + 7]];
        let length = usize::from(if big { u16::from_be_bytes(length) } else { u16::from_le_bytes(length) });
        let text = String::from_utf8_lossy(&bytes[at + 8..at + 8 + length]).into_owned();
        // A word of one letter only stands in any pixels of one grey.
        let tells = |word: &&str| word.len() >= 5 && word.bytes().any(|byte| !word.starts_with(char::from(byte)));
        words.extend(text.split(['^', ' ', '\0']).filter(tells).map(str::to_owned));
    }
    words
}

#[test]
fn a_folder_with_all_of_them_is_taken_in_to_the_end_and_tells_no_patient() {
    let test = "a_folder_with_all_of_them_is_taken_in_to_the_end_and_tells_no_patient";
    let Some(data) = shared(test) else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let options = IngestOptions { preprocessing: Preprocessing::resized(64), ..IngestOptions::default() };
    let begin = Instant::now();
    let report = ingest(&data.join("dicom"), &out, &options, Job::default()).unwrap();
    println!(
        "{:#?}",
        report.refused.iter().map(|clip| format!("{}: {}", clip.source, clip.reason)).collect::<Vec<_>>()
    );
    let rows = table(&data.join("dicom/dicom.csv"));
    let good = rows.iter().filter(|row| row["reference_decode"].starts_with("ok")).count();
    assert_eq!((report.clips, report.refused.len()), (good, rows.len() - good));
    assert_eq!(report.ignored, ["dicom.csv", "frames.csv"]);
    assert!(report.refused.iter().all(|clip| !clip.hint.is_empty()));
    println!("{} clips in {:.2} s", report.clips, begin.elapsed().as_secs_f64());

    let opened = Dataset::open(&out).unwrap();
    let by_hash: BTreeMap<&str, &Row> = rows.iter().map(|row| (row["sha256"].as_str(), row)).collect();
    for row in &opened.manifest().rows {
        let fact = by_hash[row.sha256.as_str()];
        assert_eq!(
            [row.source_height, row.source_width].map(|side| side.to_string()),
            [fact["rows"].clone(), fact["cols"].clone()]
        );
        assert!(row.patient.is_some() && row.fps.is_some() == (fact["modality"] == "US" && row.frames > 2), "{row:?}");
    }
    // The derived files are one study of one patient.
    let groups = |name: &str| {
        let files = rows.iter().filter(|row| row["file"].contains(name)).map(|row| row["sha256"].as_str());
        let files: BTreeSet<&str> = files.collect();
        let rows = opened.manifest().rows.iter().filter(|row| files.contains(row.sha256.as_str()));
        rows.map(|row| row.group.as_str()).collect::<BTreeSet<_>>()
    };
    assert_eq!(groups("/der_").len(), 1);
    assert_eq!(groups("/der_"), groups("us_cine_jpeg_ybr422_30f"));

    let written = everything(&out);
    let words: BTreeSet<String> =
        rows.iter().flat_map(|row| identity(&std::fs::read(data.join(&row["file"])).unwrap())).collect();
    assert!(words.len() > 12 && words.contains("HP_EXAMPLE"), "{words:?}");
    for word in words {
        assert!(!holds(&written, &word), "{word}");
    }
}

#[test]
fn what_decodes_of_a_damaged_file_can_be_kept() {
    let test = "what_decodes_of_a_damaged_file_can_be_kept";
    let Some(data) = shared(test) else { return };
    let study = Study::new(&[]);
    std::fs::create_dir(study.source()).unwrap();
    for file in ["bad_jpeg_two_broken_frames.dcm", "bad_jpeg_truncated.dcm", "bad_truncated_in_frame_3.dcm"] {
        std::fs::copy(data.join("dicom").join(file), study.source().join(file)).unwrap();
    }
    let kept = IngestOptions {
        damaged: Damaged::Keep,
        identity: Identity::Kept,
        preprocessing: Preprocessing::resized(64),
        ..IngestOptions::default()
    };
    let report = study.ingest(&kept).unwrap();
    assert_eq!(report.refused, []);
    let frames: Vec<usize> = report.manifest.rows.iter().map(|row| row.frames).collect();
    assert_eq!(frames, [3, 2, 2], "{:?}", report.manifest.rows);
    assert!(report.manifest.rows.iter().all(|row| row.steps.is_damaged()));
}
