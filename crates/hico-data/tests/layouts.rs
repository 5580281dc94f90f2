//! Data as other people lay it out: their labels, folds and patients.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use hico_data::ingest::{Column, Columns, Folds, IngestOptions, IngestReport, LabelMap, Layout, Stills, ingest};
use hico_data::{Error, Job, Preprocessing};
use image::{GrayImage, Luma};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder with a source in it, and where the data set goes.
struct Desk(tempfile::TempDir);

impl Desk {
    /// - `pictures`: below the source; each has a grey of its own
    fn with(pictures: &[&str]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for (grey, picture) in pictures.iter().enumerate() {
            let path = desk.source().join(picture);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            GrayImage::from_pixel(4, 4, Luma([u8::try_from(grey).unwrap()])).save(path).unwrap();
        }
        desk
    }

    fn source(&self) -> PathBuf {
        self.0.path().join("source")
    }

    fn table(&self, text: &str) -> PathBuf {
        let path = self.0.path().join("table.csv");
        fs::write(&path, text).unwrap();
        path
    }

    fn ingest(&self, options: &IngestOptions) -> Result<IngestReport, Error> {
        let out = self.0.path().join("out");
        ingest(&self.source(), &out, options, Job::default())
    }
}

fn options(layout: Layout) -> IngestOptions {
    let stills = if layout == Layout::ImageFolder { Stills::Each } else { Stills::Clip };
    IngestOptions { preprocessing: Preprocessing::default(), layout, stills: Some(stills), ..IngestOptions::default() }
}

fn labelled(table: &Path, columns: Columns) -> IngestOptions {
    IngestOptions { labels: Some((table.to_owned(), columns)), ..options(Layout::Auto) }
}

/// Source, label, patient and fold of each clip.
fn rows(report: &IngestReport) -> Vec<String> {
    let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
    let rows = report.manifest.rows.iter();
    let fold = |fold: Option<usize>| fold.map_or_else(|| "-".to_owned(), |fold| fold.to_string());
    rows.map(|row| format!("{} {} {} {}", row.source, word(&row.label), word(&row.patient), fold(row.fold))).collect()
}

#[test]
fn a_tree_of_us4_gets_its_labels_unasked_and_says_so() {
    let desk = Desk::with(&["Butte/Cov-1/1.png", "Butte/Cov-1/2.png", "Butte/Reg-2/1.png", "Liver/F3_7/1.png"]);
    let report = desk.ingest(&options(Layout::Auto)).unwrap();
    assert_eq!(rows(&report), ["Butte/Cov-1 Cov-Bli-Ple-Oth - -", "Butte/Reg-2 Reg-Ali - -", "Liver/F3_7 F3 - -"]);
    assert!(report.notes[0].starts_with("layout uscl: 3 of 3 clips labelled"), "{:?}", report.notes);
    assert!(report.warnings.iter().any(|warning| warning.starts_with("no patient is known")), "{:?}", report.warnings);
    // Begun so it does not go on as another data set.
    let error = desk.ingest(&options(Layout::Plain)).unwrap_err().to_string();
    assert!(error.contains("was begun with --layout uscl with label map us4, now plain"), "{error}");
}

#[test]
fn a_folder_that_no_prefix_fits_is_named_and_taken_without_a_label() {
    let desk = Desk::with(&["Cov-1/1.png", "Ali-1/1.png", "xyz/1.png"]);
    let report = desk.ingest(&options(Layout::Uscl(LabelMap::named("butterfly").unwrap()))).unwrap();
    assert_eq!(rows(&report), ["Ali-1 - - -", "Cov-1 Cov - -", "xyz - - -"]);
    assert_eq!(report.without_class, ["Ali-1", "xyz"]);
}

#[test]
fn a_table_outweighs_the_names_of_folders() {
    let desk = Desk::with(&["Cov-1/1.png", "Reg-2/1.png", "xyz/1.png"]);
    let table = desk.table("file,label,patient\nCov-1,Reg,p1\nxyz,Cov,p2\n");
    let layout = Layout::Uscl(LabelMap::named("butterfly").unwrap());
    let report = desk.ingest(&IngestOptions { layout, ..labelled(&table, Columns::default()) }).unwrap();
    assert_eq!(rows(&report), ["Cov-1 Reg p1 -", "Reg-2 Reg - -", "xyz Cov p2 -"]);
    assert_eq!((report.without_class.len(), report.without_row.as_slice()), (0, &["Reg-2".to_owned()][..]));
}

#[test]
fn a_chest_xray_tree_has_classes_folds_and_patients_in_its_names() {
    let desk = Desk::with(&[
        "train/PNEUMONIA/person1_bacteria_1.png",
        "train/PNEUMONIA/person1_bacteria_2.png",
        "train/NORMAL/IM-0115.png",
        "val/NORMAL/IM-0116.png",
        "test/PNEUMONIA/person2_virus_1.png",
    ]);
    let patient_in_name = Some("person*_".parse().unwrap());
    let options = IngestOptions { patient_in_name, ..options(Layout::ImageFolder) };
    let report = desk.ingest(&options).unwrap();
    assert_eq!(
        rows(&report),
        [
            "test/PNEUMONIA/person2_virus_1.png PNEUMONIA 2 2",
            "train/NORMAL/IM-0115.png NORMAL - 0",
            "train/PNEUMONIA/person1_bacteria_1.png PNEUMONIA 1 0",
            "train/PNEUMONIA/person1_bacteria_2.png PNEUMONIA 1 0",
            "val/NORMAL/IM-0116.png NORMAL - 1",
        ]
    );
    assert_eq!(report.notes[1], "train, validation and test are folds 0, 1 and 2: test with --holdout-fold 2");
    assert!(report.notes[2].starts_with("2 patients in the names of 3 clips"), "{:?}", report.notes);
    // A patient on both sides is refused, and taken once the folds are left out.
    let desk = Desk::with(&["train/a/person1_1.png", "test/a/person1_2.png"]);
    assert!(desk.ingest(&options).unwrap_err().to_string().contains("group \"1\" stands in"));
    let report = desk.ingest(&IngestOptions { folds: Folds::Ignored, ..options }).unwrap();
    assert_eq!(rows(&report), ["test/a/person1_2.png a 1 -", "train/a/person1_1.png a 1 -"]);
}

#[test]
fn masks_of_busi_are_left_out_by_name() {
    let desk = Desk::with(&["benign/benign (1).png", "benign/benign (1)_mask.png", "normal/normal (1).png"]);
    let report = desk.ingest(&options(Layout::ImageFolder)).unwrap();
    assert_eq!(rows(&report), ["benign/benign (1).png benign - -", "normal/normal (1).png normal - -"]);
    assert_eq!(report.ignored, ["benign/benign (1)_mask.png"]);
}

#[test]
fn echonets_table_names_files_without_suffix_and_is_cut_into_classes() {
    let desk = Desk::with(&["Videos/0XA/1.png", "Videos/0XB/1.png", "Videos/0XC/1.png"]);
    let table = desk.table("FileName,EF,NumberOfFrames,Split\n0XA,35.2,1,TRAIN\n0XB,55,1,VAL\n0XC,62,1,TEST\n");
    let bins = "50".parse().unwrap();
    let columns = Columns { label: Column::Named("EF".into()), bins, ..Columns::default() };
    let report = desk.ingest(&labelled(&table, columns)).unwrap();
    assert_eq!(rows(&report), ["Videos/0XA 0-below-50 - 0", "Videos/0XB 1-from-50 - 1", "Videos/0XC 1-from-50 - 2"]);
    assert_eq!(report.unmatched.len() + report.without_row.len(), 0);
}

#[test]
fn a_split_column_of_other_words_is_refused_and_can_be_left_out() {
    let desk = Desk::with(&["a/1.png", "b/1.png"]);
    let table = desk.table("file,label,split\na,x,left\nb,y,right\n");
    let options = labelled(&table, Columns::default());
    let error = desk.ingest(&options).unwrap_err().to_string();
    assert!(error.contains("fold \"left\"") && error.contains("--no-folds"), "{error}");
    let report = desk.ingest(&IngestOptions { folds: Folds::Ignored, ..options }).unwrap();
    assert_eq!(rows(&report), ["a x - -", "b y - -"]);
}

#[test]
fn a_row_a_patient_labels_every_clip_whose_name_holds_the_patient() {
    let desk =
        Desk::with(&["v/patient_37_L1/1.png", "v/patient_37_L1_2/1.png", "v/patient_4_R1/1.png", "v/other/1.png"]);
    let table = desk.table("patient_id,cov_test\n37,0\n4,1\n12,1\n");
    let columns = Columns { label: Column::Named("cov_test".into()), ..Columns::default() };
    let error = desk.ingest(&labelled(&table, columns.clone())).unwrap_err().to_string();
    assert!(error.contains("--patient-in-name 'patient_*_'"), "{error}");
    let patient_in_name = Some("patient_*_".parse().unwrap());
    let report = desk.ingest(&IngestOptions { patient_in_name, ..labelled(&table, columns) }).unwrap();
    let expected = ["v/other - - -", "v/patient_37_L1 0 37 -", "v/patient_37_L1_2 0 37 -", "v/patient_4_R1 1 4 -"];
    assert_eq!(rows(&report), expected);
    assert_eq!((report.unmatched, report.without_row), (vec![(4, "12".to_owned())], vec!["v/other".to_owned()]));
}
