//! Files that are broken, cut short or beyond us, and what is kept of them.

use crate::made::{DicomFile, RLE, US, is};
use crate::study::{Study, options};
use hico_data::ingest::{Damaged, IngestOptions, Limits};
use hico_io::dicom::read_frames;
use std::fs;

/// Why a file is refused.
fn refusal(file: &DicomFile) -> String {
    let report = Study::new(&[("one", file)]).ingest(&options()).unwrap();
    report.refused[0].reason.clone()
}

#[test]
fn what_is_broken_is_refused_in_its_own_words() {
    let file = DicomFile::grey(2, 2, &[1, 2, 3, 4]);
    assert_eq!(refusal(&file.clone().without(0x7fe0, 0x0010)), "a DICOM file without pictures");
    assert_eq!(
        refusal(&file.clone().without(0x0028, 0x0101).without(0x0028, 0x0010)),
        "a DICOM file without Rows (0028,0010)"
    );
    let frames = file.clone().with(0x0028, 0x0008, "IS", &is("3"));
    assert_eq!(refusal(&frames), "cut short: 1 of 3 announced frames are whole");
    assert_eq!(
        refusal(&file.clone().with(0x0028, 0x0100, "US", &US(32))),
        "a DICOM file of pixels of 32 bits a sample, which is not read"
    );
    assert!(
        refusal(&file.clone().in_syntax("1.2.840.10008.1.2.4.201")).contains("transfer syntax 1.2.840.10008.1.2.4.201")
    );
    assert!(refusal(&file.in_syntax(RLE)).contains("compressed, they are not"));
}

#[test]
fn what_is_whole_of_a_damaged_file_can_be_kept() {
    let file = DicomFile::grey(2, 2, &[1, 2, 3, 4, 5]).with(0x0028, 0x0008, "IS", &is("3"));
    let study = Study::new(&[("one", &file)]);
    let report = study.ingest(&IngestOptions { damaged: Damaged::Keep, ..options() }).unwrap();
    let row = &report.manifest.rows[0];
    assert_eq!(
        (row.frames, row.steps.to_string().as_str()),
        (1, "decode dicom native;grey;damaged: cut short: 1 of 3 announced frames are whole")
    );
}

#[test]
fn a_file_cut_anywhere_or_with_any_byte_changed_breaks_nothing() {
    let file = DicomFile::rgb(2, 2, &[7; 12]).with(0x0010, 0x0020, "LO", b"P1");
    let whole = file.bytes();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut good = 0;
    let mut read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let limits = Limits { pixels: 10_000, frames: 100, ..Limits::default() };
        good += usize::from(read_frames(&path, limits, |_| {}).is_ok());
    };
    (0..whole.len()).for_each(|length| read(&whole[..length]));
    for at in 128..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            read(&bytes);
        }
    }
    assert!(good > 0);
}
