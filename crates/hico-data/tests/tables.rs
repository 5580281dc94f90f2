//! Tables and trees that could mislead: rows of absent files, words for nothing, letters in two forms, links, masks.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use hico_data::ingest::{Columns, IngestOptions, IngestReport, KeptWords, Layout, Masks, Stills, ingest};
use hico_data::{Error, Job, Preprocessing};
use image::{GrayImage, Luma};
use std::fs;
use std::path::PathBuf;

/// A folder with a source in it, a table beside it, and where the data set goes.
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

    fn table(&self, bytes: impl AsRef<[u8]>) -> IngestOptions {
        let path = self.0.path().join("table.csv");
        fs::write(&path, bytes).unwrap();
        IngestOptions { labels: Some((path, Columns::default())), ..each() }
    }

    fn ingest(&self, options: &IngestOptions) -> Result<IngestReport, Error> {
        let out = tempfile::tempdir_in(self.0.path()).unwrap().path().join("out");
        ingest(&self.source(), &out, options, Job::default())
    }
}

/// Every picture is a clip.
fn each() -> IngestOptions {
    IngestOptions { preprocessing: Preprocessing::default(), stills: Some(Stills::Each), ..IngestOptions::default() }
}

/// Source, label and patient of each clip.
fn rows(report: &IngestReport) -> Vec<String> {
    let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
    let rows = report.manifest.rows.iter();
    rows.map(|row| format!("{} {} {}", row.source, word(&row.label), word(&row.patient))).collect()
}

#[test]
fn a_row_of_an_absent_file_takes_no_other_clip() {
    let desk = Desk::with(&["P002/loop.png", "P003/other.png"]);
    let report =
        desk.ingest(&desk.table("file,label,patient\nP001/loop.png,sick,P001\nP003/other.png,well,P003\n")).unwrap();
    assert_eq!(rows(&report), ["P002/loop.png - -", "P003/other.png well P003"]);
    assert_eq!(report.unmatched, [(2, "P001/loop.png".to_owned())]);
    assert_eq!(report.without_row, ["P002/loop.png"]);
    assert_eq!((report.labelled, report.unlabelled, report.patients, report.rows), (1, 1, 1, 2));
    // Nor does it contradict the row of the file that is there.
    let table = "file,label\nP001/loop.png,sick\nP002/loop.png,well\nC:\\x\\P009\\other.png,sick\n";
    let report = desk.ingest(&desk.table(table)).unwrap();
    assert_eq!(rows(&report), ["P002/loop.png well -", "P003/other.png - -"]);
    assert_eq!(report.unmatched.len(), 2);
}

#[test]
fn pictures_of_several_patients_in_one_folder_are_clips_of_their_own() {
    let desk = Desk::with(&["benign/1.png", "benign/2.png", "malignant/1.png", "malignant/2.png"]);
    let table = |patients: [&str; 4]| {
        let [a, b, c, d] = patients;
        format!("file,patient\nbenign/1.png,{a}\nbenign/2.png,{b}\nmalignant/1.png,{c}\nmalignant/2.png,{d}\n")
    };
    let open = |text: String| IngestOptions { stills: None, ..desk.table(text) };
    let report = desk.ingest(&open(table(["A", "B", "C", "D"]))).unwrap();
    assert_eq!((report.clips, report.patients), (4, 4));
    assert!(
        report.notes.iter().any(|note| note.contains("different patients or groups in one folder (benign)")),
        "{:?}",
        report.notes
    );
    // One patient a folder: the folder may be a clip. What is asked for is not decided otherwise.
    assert_eq!(desk.ingest(&open(table(["A", "A", "C", "C"]))).unwrap().clips, 2);
    let asked = IngestOptions { stills: Some(Stills::Clip), ..desk.table(table(["A", "B", "C", "D"])) };
    assert!(desk.ingest(&asked).unwrap_err().to_string().contains("say different things of benign"));
    // A picture without a patient is nobody else's.
    assert!(desk.ingest(&open(table(["A", "NA", "C", ""]))).unwrap_err().to_string().contains("say different things"));
    // Labels alone, or a slip in one folder of several, do not decide it.
    let labels = "file,patient,label\nbenign/1.png,A,x\nbenign/2.png,A,y\n".to_owned();
    assert!(desk.ingest(&open(labels)).is_err());
    let desk = Desk::with(&["a/1.png", "a/2.png", "b/1.png", "b/2.png", "c/1.png", "c/2.png"]);
    let slip = "file,patient\na/1.png,A\na/2.png,B\nb/1.png,B\nb/2.png,B\nc/1.png,C\nc/2.png,C\n";
    assert!(desk.ingest(&IngestOptions { stills: None, ..desk.table(slip) }).is_err());
}

#[test]
fn the_root_that_a_warning_names_finds_the_files() {
    let desk = Desk::with(&["P1/a.png", "P2/b.png"]);
    let options = desk.table("file,label\nscans/P1/a.png,x\nscans/P2/b.png,y\nscans/P3/c.png,y\n");
    let report = desk.ingest(&options).unwrap();
    assert_eq!(report.unmatched.len(), 3);
    assert!(report.warnings.iter().any(|words| words.ends_with("add --labels-root scans")), "{:?}", report.warnings);
    let report = desk.ingest(&IngestOptions { labels_roots: vec!["scans".to_owned()], ..options }).unwrap();
    assert_eq!(rows(&report), ["P1/a.png x -", "P2/b.png y -"]);
    assert_eq!(report.unmatched, [(4, "scans/P3/c.png".to_owned())]);
}

#[test]
fn words_for_nothing_are_no_class_and_no_patient_and_are_counted() {
    let desk = Desk::with(&["a.png", "b.png", "c.png", "d.png"]);
    let options =
        desk.table("file,label,patient,fold\na.png,nan,nan,\nb.png,x,nan,nan\nc.png,NA,1,None\nd.png,y,2,-\n");
    let report = desk.ingest(&options).unwrap();
    assert_eq!(rows(&report), ["a.png - -", "b.png x -", "c.png - 1", "d.png y 2"]);
    assert_eq!((report.groups, report.patients, report.labelled), (4, 2, 2));
    let told: Vec<_> =
        report.placeholders.iter().map(|of| (of.column.as_str(), of.word.as_str(), of.cells, of.line)).collect();
    let folds = [("fold", "-", 1, 5), ("fold", "None", 1, 4), ("fold", "nan", 1, 3)];
    assert_eq!(told, [&[("label", "NA", 1, 4), ("label", "nan", 1, 2), ("patient", "nan", 2, 2)][..], &folds].concat());
    let kept_words = KeptWords::new(["NA".to_owned()]);
    let report = desk.ingest(&IngestOptions { kept_words, ..options }).unwrap();
    assert_eq!(rows(&report)[2], "c.png NA 1");
}

#[test]
fn a_folder_called_unlabelled_is_no_class_unless_it_is_kept() {
    let desk = Desk::with(&["benign/a.png", "unlabelled/b.png", "Unknown/c.png"]);
    let options = IngestOptions { layout: Layout::ImageFolder, ..each() };
    let report = desk.ingest(&options).unwrap();
    assert_eq!(rows(&report), ["Unknown/c.png - -", "benign/a.png benign -", "unlabelled/b.png - -"]);
    assert!(report.notes.iter().any(|note| note.contains("--keep-word Unknown")), "{:?}", report.notes);
    let kept_words = KeptWords::new(["Unknown".to_owned()]);
    let report = desk.ingest(&IngestOptions { kept_words, ..options }).unwrap();
    assert_eq!(rows(&report)[0], "Unknown/c.png Unknown -");
}

#[test]
fn ids_and_classes_that_are_probably_the_same_are_told() {
    let desk = Desk::with(&["a.png", "b.png", "c.png", "d.png"]);
    let table = "file,label,patient\na.png,COVID,7\nb.png,covid,007\nc.png,1,7.0\nd.png,1.0,P01\n";
    let report = desk.ingest(&desk.table(table)).unwrap();
    let told = |words: &str| report.warnings.iter().any(|warning| warning.starts_with(words));
    assert!(told("patients \"007\" and \"7\" and \"7.0\" are probably the same: "), "{:?}", report.warnings);
    assert!(told("classes \"COVID\" and \"covid\" are"), "{:?}", report.warnings);
    assert!(told("classes \"1\" and \"1.0\" are"), "{:?}", report.warnings);
    assert_eq!(report.manifest.rows.len(), 4);
    // The remedy that the warning names.
    let table = "file,label,patient\na.png,covid,7\nb.png,covid,7\nc.png,1,7\nd.png,1,P01\n";
    assert_eq!(desk.ingest(&desk.table(table)).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn names_in_two_forms_of_unicode_are_one_name() {
    let desk = Desk::with(&["Mu\u{308}ller/a.png", "b.png"]);
    let table = "file,label,patient\nM\u{fc}ller/a.png,\u{e9}tat,\u{e9}\nb.png,e\u{301}tat,e\u{301}\n";
    let report = desk.ingest(&desk.table(table)).unwrap();
    assert_eq!((report.unmatched.len(), report.without_row.len()), (0, 0));
    assert_eq!((report.patients, report.manifest.classes().len(), report.warnings.len()), (1, 1, 0));
}

#[test]
fn tables_of_excel_are_read_as_it_writes_them() {
    let desk = Desk::with(&["a.png", "b.png"]);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for bytes in [
        b"sep=;\nfile;label\na.png;x\nb.png;y\n".to_vec(),
        b"\xef\xbb\xbfsep=,\r\nfile,label\r\na.png,x\r\nb.png,y\r\n".to_vec(),
        b"\"sep=\t\"\nfile\tlabel\na.png\tx\nb.png\ty\n".to_vec(),
        utf16("\u{feff}file\tlabel\r\na.png\tx\r\nb.png\ty\r\n"),
        utf16("\u{feff}sep=;\r\nfile;label\r\na.png;x\r\nb.png;y\r\n"),
    ] {
        let report = desk.ingest(&desk.table(&bytes)).unwrap();
        assert_eq!(rows(&report), ["a.png x -", "b.png y -"], "{bytes:?}");
    }
    // Lines are those that an editor shows.
    let report = desk.ingest(&desk.table("sep=;\nfile;label\nabsent.png;x\n")).unwrap();
    assert_eq!(report.unmatched, [(3, "absent.png".to_owned())]);
}

#[test]
fn masks_are_left_out_and_told_and_can_be_kept() {
    let desk = Desk::with(&["b/b (1).png", "b/b (1)_mask.png", "b/b (1)_mask_1.png", "masks/m.png"]);
    for layout in [Layout::Plain, Layout::ImageFolder] {
        let report = desk.ingest(&IngestOptions { layout: layout.clone(), ..each() }).unwrap();
        assert_eq!((report.clips, report.masks.len()), (2, 2), "{layout:?}");
        assert!(report.notes.iter().any(|note| note.starts_with("2 masks of other pictures are left out")));
        let report = desk.ingest(&IngestOptions { layout, masks: Masks::Kept, ..each() }).unwrap();
        assert_eq!((report.clips, report.masks.len()), (4, 0));
    }
    // A column of masks names others, in folders of their own; as frames of a clip they are no clip either.
    let table = "file,label,mask\nb/b (1).png,x,masks/m.png\n";
    let report = desk.ingest(&desk.table(table)).unwrap();
    assert_eq!(rows(&report), ["b/b (1).png x -"]);
    let options = IngestOptions { stills: Some(Stills::Clip), ..desk.table(table) };
    assert_eq!(rows(&desk.ingest(&options).unwrap()), ["b x -"]);
}

#[cfg(unix)]
#[test]
fn links_are_told_and_followed_on_request() {
    use hico_data::ingest::Links;
    let desk = Desk::with(&["b.png", "P1/c.png"]);
    let link =
        |from: &str, to: &str| std::os::unix::fs::symlink(desk.0.path().join(from), desk.source().join(to)).unwrap();
    fs::create_dir(desk.0.path().join("store")).unwrap();
    fs::rename(desk.source().join("b.png"), desk.0.path().join("store/b.png")).unwrap();
    link("store/b.png", "a.png");
    let options = desk.table("file,label\na.png,x\nP1/c.png,y\n");
    let report = desk.ingest(&options).unwrap();
    assert_eq!(
        (report.links, report.linked.as_slice(), report.unmatched.len()),
        (1, &[(2, "a.png".to_owned())][..], 0)
    );
    assert!(report.warnings[0].contains("1 link (a.png) was not followed; --follow-links"), "{:?}", report.warnings);
    let report = desk.ingest(&IngestOptions { links: Links::Followed, ..options }).unwrap();
    assert_eq!(rows(&report), ["P1/c.png y -", "a.png x -"]);
    fs::remove_dir_all(desk.source().join("P1")).unwrap();
    let error = desk.ingest(&each()).unwrap_err();
    assert!(matches!(&error, Error::OnlyLinks { links, .. } if links == &["a.png"]), "{error}");
    assert_eq!(desk.ingest(&IngestOptions { links: Links::Followed, ..each() }).unwrap().clips, 1);
}

#[test]
fn folds_and_numbers_that_cannot_be_are_refused_by_line() {
    let desk = Desk::with(&["a.png"]);
    let error = desk.ingest(&desk.table("file,fold\na.png,4000000000\n")).unwrap_err().to_string();
    assert!(error.contains("line 2: fold \"4000000000\" is above 9999"), "{error}");
    for cell in ["inf", "-inf", "1e999", "high"] {
        let mut options = desk.table(format!("file,label\na.png,{cell}\n"));
        options.labels.as_mut().unwrap().1.bins = "1".parse().unwrap();
        let error = desk.ingest(&options).unwrap_err().to_string();
        assert!(error.contains("line 2: ") && error.contains("is no number"), "{error}");
    }
    let mut options = desk.table("file,label\na.png,nan\n");
    options.labels.as_mut().unwrap().1.bins = "1".parse().unwrap();
    let report = desk.ingest(&options).unwrap();
    assert_eq!((report.unlabelled, report.placeholders[0].cells), (1, 1));
}
