//! What tells a patient stays outside the data set.

use crate::made::{DicomFile, is};
use crate::study::{Study, options};
use hico_data::ingest::{Columns, Identity, IngestOptions};
use hico_data::phi::{PhiOptions, PhiReport, scan_files};
use hico_data::{Error, Job};
use hico_io::dicom::{BurnedIn, HeaderFacts};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every byte of a folder, names of files included.
pub(crate) fn everything(folder: &Path) -> Vec<u8> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .flat_map(|entry| [entry.file_name().into_encoded_bytes(), fs::read(entry.path()).unwrap()].concat())
        .collect()
}

pub(crate) fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.to_ascii_lowercase().windows(word.len()).any(|window| window == word.to_ascii_lowercase().as_bytes())
}

fn identified(id: &str) -> DicomFile {
    DicomFile::grey(2, 2, &[1, 2, 3, 4])
        .with(0x0008, 0x0020, "DA", b"20260102")
        .with(0x0008, 0x103e, "LO", b"Secret words")
        .with(0x0010, 0x0010, "PN", b"Doe^Jane")
        .with(0x0010, 0x0020, "LO", id.as_bytes())
        .with(0x0010, 0x0030, "DA", b"19700304")
        .with(0x0020, 0x000d, "UI", b"1.2.826.77.5")
}

#[test]
fn nothing_that_tells_a_patient_enters_the_data_set() {
    let broken = identified("ID-X4711").with(0x0028, 0x0008, "IS", &is("9"));
    let study = Study::new(&[
        ("Doe_Jane/20260102/IM1", &identified("ID-X4711")),
        ("Doe_Jane/20260102/IM2", &identified("ID-X4711")),
        ("Doe_Jane/broken.dcm", &broken),
        ("Roe/IM3", &identified("ID-X4712")),
        ("Roe/IM4", &identified("")),
    ]);
    fs::write(study.source().join("Doe_Jane/empty.dcm"), "").unwrap();
    let random = IngestOptions { identity: Identity::default(), ..options() };
    let report = study.ingest(&random).unwrap();
    assert_eq!((report.clips, report.refused.len()), (4, 2));
    assert!(report.refused[0].source.starts_with("Doe_Jane/"), "its owner is told which file it is");
    let rows = &report.manifest.rows;
    let patients: BTreeSet<_> = rows.iter().map(|row| row.patient.clone().unwrap()).collect();
    assert_eq!(patients.len(), 3);
    assert!(rows.iter().all(|row| Some(&row.group) == row.patient.as_ref()));
    let bytes = everything(&study.out());
    for word in ["Doe", "Jane", "X4711", "X4712", "19700304", "20260102", "Secret", "1.2.826.77", "Roe/", "IM1"] {
        assert!(!holds(&bytes, word), "{word}");
    }
    let salt = fs::read_to_string(study.folder.path().join("out.salt")).unwrap();
    assert!(!holds(&bytes, salt.trim()));
    let list = fs::read_to_string(study.folder.path().join("out.sources.csv")).unwrap();
    assert!(rows.iter().all(|row| list.contains(&row.source)) && list.contains("Doe_Jane/20260102/IM1"));
    // A later session finds its clips again, and a new one of a known patient joins its group.
    study.add("later/IM5", &identified("ID-X4712"));
    let later = study.ingest(&random).unwrap();
    assert_eq!((later.kept, later.clips), (4, 5));
    assert_eq!(later.manifest.rows.iter().map(|row| &row.group).collect::<BTreeSet<_>>().len(), 3);
    let other_salt = study.ingest(&options());
    assert!(matches!(other_salt, Err(Error::OptionChanged { .. })), "{other_salt:?}");
    fs::remove_file(study.folder.path().join("out.salt")).unwrap();
    let without_salt = study.ingest(&random);
    assert!(matches!(without_salt, Err(Error::SaltGone(_))), "{without_salt:?}");
}

#[test]
fn ids_are_kept_where_that_is_asked_for_and_labels_outweigh_them() {
    let study = Study::new(&[("a/IM1", &identified("ID-1")), ("b/IM2", &identified("ID-2"))]);
    let labels = study.folder.path().join("labels.csv");
    fs::write(&labels, "file,label,patient\nb/IM2,x,own\n").unwrap();
    let kept = IngestOptions { identity: Identity::Kept, labels: Some((labels, Columns::default())), ..options() };
    let report = study.ingest(&kept).unwrap();
    let rows: Vec<_> = report
        .manifest
        .rows
        .iter()
        .map(|row| (row.source.as_str(), row.group.as_str(), row.label.as_deref()))
        .collect();
    assert_eq!(rows, [("a/IM1", "ID-1", None), ("b/IM2", "own", Some("x"))]);
    assert_eq!((report.without_row, report.beside.len()), (vec!["a/IM1".to_owned()], 0));
    assert!(!study.folder.path().join("out.salt").exists());
    fs::remove_dir_all(study.out()).unwrap();
    let report = study.ingest(&IngestOptions { identity: options().identity, ..kept }).unwrap();
    let labelled = report.manifest.rows.iter().find(|row| row.label.is_some()).unwrap();
    assert!(labelled.group == "own" && labelled.source.starts_with("dicom-") && labelled.clip == labelled.source);
}

#[test]
fn a_scan_names_the_elements_that_are_filled_and_never_what_they_hold() {
    let blank =
        DicomFile::grey(2, 2, &[1, 2, 3, 4]).with(0x0010, 0x0010, "PN", b"    ").with(0x0010, 0x0020, "LO", b"  ");
    let burned = identified("ID-X4711").with(0x0028, 0x0301, "CS", b"YES ");
    let study = Study::new(&[("a.dcm", &burned), ("b.dcm", &blank), ("c.dcm", &identified("ID-X4712"))]);
    let options = PhiOptions::default();
    let mut report = PhiReport::default();
    scan_files(&study.source(), &options, &mut report, Job::default()).unwrap();
    let header = |clip: usize| report.clips[clip].header.clone().unwrap();
    let names = vec!["PatientName", "PatientID", "PatientBirthDate", "StudyDate"];
    assert_eq!(header(0), HeaderFacts { burned_in: BurnedIn::Yes, filled: names.clone() });
    assert_eq!(header(1), HeaderFacts { burned_in: BurnedIn::Unstated, filled: Vec::new() });
    assert_eq!(header(2), HeaderFacts { burned_in: BurnedIn::Unstated, filled: names });
    let suspected: Vec<bool> = report.clips.iter().map(|clip| clip.suspected).collect();
    assert_eq!((suspected, report.headers), (vec![true, false, false], 2));
    let json = serde_json::to_vec(&report.clips).unwrap();
    for word in ["Doe", "Jane", "X4711", "X4712", "19700304", "20260102"] {
        assert!(!holds(&json, word), "{word}");
    }
}

#[test]
fn placeholder_patients_are_reported_until_a_table_names_them() {
    let files = [("a/IM1", identified("ANONYMOUS")), ("b/IM2", identified("ANONYMOUS")), ("c/IM3", identified("ID-1"))];
    let study = Study::new(&files.each_ref().map(|(name, file)| (*name, file)));
    let report = study.ingest(&options()).unwrap();
    assert_eq!(report.manifest.rows.iter().map(|row| &row.group).collect::<BTreeSet<_>>().len(), 2);
    let [warning] = report.warnings.as_slice() else { panic!("{:?}", report.warnings) };
    assert!(warning.starts_with("the DICOM files of 2 clips have a placeholder as their patient"), "{warning}");
    assert!(warning.contains("are 1 group,") && warning.contains("--labels"), "{warning}");
    assert_eq!(study.ingest(&options()).unwrap().warnings, report.warnings, "a later sitting knows it, too");
    fs::remove_dir_all(study.out()).unwrap();
    let labels = study.folder.path().join("labels.csv");
    fs::write(&labels, "file,patient\na/IM1,p\nb/IM2,q\n").unwrap();
    let labelled = study.ingest(&IngestOptions { labels: Some((labels, Columns::default())), ..options() }).unwrap();
    assert_eq!(labelled.warnings, [] as [String; 0]);
}

#[test]
fn files_without_a_patient_are_grouped_by_study_and_told() {
    let other = identified("").with(0x0020, 0x000d, "UI", b"1.2.826.77.6");
    let study = Study::new(&[("a/IM1", &identified("")), ("a/IM2", &identified("  ")), ("b/IM3", &other)]);
    let report = study.ingest(&options()).unwrap();
    assert_eq!(report.manifest.rows.iter().map(|row| &row.group).collect::<BTreeSet<_>>().len(), 2);
    let [warning] = report.warnings.as_slice() else { panic!("{:?}", report.warnings) };
    let expected = "the DICOM files of 3 clips name no patient, so a study is treated as a patient (2 groups), and";
    assert!(warning.starts_with(expected), "{warning}");
}
