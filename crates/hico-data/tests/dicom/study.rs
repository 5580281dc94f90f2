//! A folder with DICOM files, and a data set made of it.

use crate::made::DicomFile;
use hico_data::ingest::{Identity, IngestOptions, IngestReport, ingest};
use hico_data::{Dataset, Error, Job, Preprocessing};
use std::fs;
use std::path::PathBuf;

/// A folder with DICOM files and a place for the data set beside it.
pub(crate) struct Study {
    pub(crate) folder: tempfile::TempDir,
}

impl Study {
    pub(crate) fn new(files: &[(&str, &DicomFile)]) -> Self {
        let study = Self { folder: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(name, file)| study.add(name, file));
        study
    }

    pub(crate) fn add(&self, name: &str, file: &DicomFile) {
        self.add_bytes(name, &file.bytes());
    }

    pub(crate) fn add_bytes(&self, name: &str, bytes: &[u8]) {
        let path = self.source().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub(crate) fn ingest(&self, options: &IngestOptions) -> Result<IngestReport, Error> {
        ingest(&self.source(), &self.out(), options, Job::default())
    }
}

pub(crate) fn options() -> IngestOptions {
    let identity = Identity::Hashed { salt: Some("salt".into()) };
    IngestOptions { preprocessing: Preprocessing::default(), identity, ..IngestOptions::default() }
}

/// Pixels of the only clip, and what the summary tells of it.
pub(crate) fn read(bytes: &[u8]) -> (Vec<u8>, String) {
    let study = Study::new(&[]);
    study.add_bytes("one", bytes);
    let report = study.ingest(&IngestOptions { identity: Identity::Kept, ..options() }).unwrap();
    assert_eq!(report.refused, [], "{report:?}");
    let data = Dataset::open(&study.out()).unwrap();
    let told = report.warnings.join("\n");
    for warning in &report.warnings {
        let note = warning.strip_prefix("1 clip: ").unwrap().strip_suffix(" (one)").unwrap();
        assert!(data.row(0).steps.to_string().contains(&format!("note: {note}")), "{} {note}", data.row(0).steps);
    }
    (data.read_clip(0).unwrap().pixels, told)
}

pub(crate) fn refusal(bytes: &[u8]) -> String {
    let study = Study::new(&[]);
    study.add_bytes("one.dcm", bytes);
    study.ingest(&options()).unwrap().refused[0].reason.clone()
}
