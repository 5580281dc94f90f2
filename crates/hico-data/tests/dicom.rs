//! Real DICOM files against what an independent decoder made of them (`dicom.csv`, `frames.csv`).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop at what it did not expect, and say why it skips"
)]

use hico_data::ingest::Limits;
use hico_data::ingest::dicom::{StoredFrame, Values, read_frames};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The folder with the real data, or `None` after saying why the test is skipped.
fn data(test: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("HICO_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let data = shared.join("data");
    if !data.join("dicom/dicom.csv").is_file() {
        println!("skipped: {test}: ../shared is absent");
        return None;
    }
    Some(data)
}

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
    let Some(data) = data(test) else { return };
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
