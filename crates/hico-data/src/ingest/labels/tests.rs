//! Tables as people write them, and tables that make no sense.

use super::*;
use crate::error::Error;

fn parse(text: &str) -> Result<LabelTable, Error> {
    LabelTable::parse(text.as_bytes(), Path::new("labels.csv"), &Columns::default())
}

#[test]
fn obvious_columns_are_found_and_empty_cells_are_none() {
    let table = parse("Patient ID,file,Class,fold\n7,a.mp4,covid,1\n,b.mp4,,\n").unwrap();
    assert_eq!(table.used.patient.as_deref(), Some("Patient ID"));
    let expected = Facts { label: Some("covid".into()), patient: Some("7".into()), group: None, fold: Some(1) };
    assert_eq!(table.rows[0].facts, expected);
    assert_eq!(table.rows[1], LabelRow { line: 3, file: "b.mp4".into(), facts: Facts::default() });
}

#[test]
fn tables_of_spreadsheets_are_read_alike() {
    let plain = parse("file,label,fold\na.mp4,x,2\n\"b, c.mp4\",y,0\n").unwrap();
    for text in [
        "\u{feff}file;label;fold\r\na.mp4;x;2.0\r\nb, c.mp4;y;0\r\n",
        "file\tlabel\tfold\n a.mp4 \tx\t2\nb, c.mp4\ty\t0.0\n\t\t\n",
    ] {
        assert_eq!(parse(text).unwrap(), plain, "{text}");
    }
}

#[test]
fn a_table_of_echonets_form_gives_folds_by_word_and_classes_by_threshold() {
    let columns = Columns { label: Column::Named("EF".into()), bins: "40,50".parse().unwrap(), ..Columns::default() };
    let text = "FileName,EF,ESV,Split\n0XA,78.4,14.9,VAL\n0XB,39.5,1,TRAIN\n0XC,,1,test\n";
    let table = LabelTable::parse(text.as_bytes(), Path::new("t"), &columns).unwrap();
    assert_eq!((table.used.file.as_deref(), table.used.fold.as_deref()), (Some("FileName"), Some("Split")));
    assert_eq!((table.used.bins.as_deref(), table.folds_are_words), (Some("40,50"), true));
    let facts: Vec<_> = table.rows.iter().map(|row| (row.facts.label.as_deref(), row.facts.fold)).collect();
    assert_eq!(facts, [(Some("2-from-50"), Some(1)), (Some("0-below-40"), Some(0)), (None, Some(2))]);
    let error = LabelTable::parse(b"FileName,EF\n0XA,high\n", Path::new("t"), &columns).unwrap_err();
    assert_eq!(error.to_string(), "t: line 2: \"high\" is no number, and cannot be binned into a class");
    let error = LabelTable::parse(b"FileName,EFF\n", Path::new("t"), &Columns { label: Column::Obvious, ..columns });
    assert_eq!(error.unwrap_err().to_string(), "t: no column of the class, to be binned; it has FileName, EFF");
}

#[test]
fn a_table_without_files_has_a_row_a_patient() {
    let table = parse("patient_id,class\n37,0\n").unwrap();
    assert_eq!((table.used.file, table.used.patient.as_deref()), (None, Some("patient_id")));
    assert_eq!(table.rows[0].file, "37");
    assert_eq!(parse("patient_id,class\n,0\n").unwrap_err().to_string(), "labels.csv: line 2: it names no patient");
}

#[test]
fn a_cell_that_nobody_would_write_is_refused_and_not_told_whole() {
    for cell in ["\"a\nb,x\"", "a\u{1b}[2J", &"x".repeat(1001)] {
        let error = parse(&format!("file,label,note\na,{cell},\n")).unwrap_err().to_string();
        assert!(error.contains("line 2: ") && error.ends_with("is a quote missing?"), "{error}");
        assert!(error.len() < 250 && !error.contains(char::is_control), "{error}");
        // A column that is not read may hold what it likes.
        assert!(parse(&format!("file,label,note\na,b,{cell}\n")).is_ok());
    }
    let error = parse(&format!("{}\n", "x,".repeat(3000))).unwrap_err().to_string();
    assert!(error.ends_with("x, x, ...") && error.len() < 300, "{error}");
}

#[test]
fn columns_can_be_named_or_ignored() {
    let columns = Columns { label: Column::Named("hico_class".into()), fold: Column::Ignored, ..Columns::default() };
    let text = "file,label,hico_class,fold\na,x,y,oops\n";
    let table = LabelTable::parse(text.as_bytes(), Path::new("t"), &columns).unwrap();
    assert_eq!(table.rows[0].facts, Facts { label: Some("y".into()), ..Facts::default() });
    let missing = Columns { label: Column::Named("klass".into()), ..Columns::default() };
    let error = LabelTable::parse(text.as_bytes(), Path::new("t"), &missing).unwrap_err();
    assert_eq!(error.to_string(), "t: no column \"klass\"; it has file, label, hico_class, fold");
}

#[test]
fn a_table_that_makes_no_sense_is_refused_with_its_line() {
    let error = |text: &str| parse(text).unwrap_err().to_string();
    assert!(error("name,label\n").contains("no column that names the file"), "{}", error("name,label\n"));
    assert_eq!(error("file,label,Label\na,x,y\n"), "labels.csv: two columns are called \"label\"");
    assert_eq!(
        error("file,fold\na,1\nb,-1\n"),
        "labels.csv: line 3: fold \"-1\" is no whole number from 0, and none of the words train, val, test; --no-folds leaves it out"
    );
    assert_eq!(error("file,label\n,x\n"), "labels.csv: line 2: it names no file");
    assert!(error("file,label\na,x,oops\n").contains("line: 2"), "{}", error("file,label\na,x,oops\n"));
    assert_eq!(
        error("file,fold\r\na,1\r\n\r\nb,x\r\n"),
        "labels.csv: line 4: fold \"x\" is no whole number from 0, and none of the words train, val, test; --no-folds leaves it out"
    );
    let latin = LabelTable::parse(b"file\nM\xfcller.mp4\n", Path::new("t"), &Columns::default()).unwrap_err();
    assert!(latin.to_string().contains("not UTF-8"));
}
