//! The labels table: a CSV with one row a clip, as people have them.
//!
//! - `columns`: which column says what
//! - `fold`: folds as numbers and as words
//! - `lines`: what separates cells, and the line on which a row stands
//! - `fault`: why a table cannot be used

mod columns;
mod fault;
mod fold;
mod lines;

pub use columns::{Column, Columns, UsedColumns};
pub use fault::LabelError;
pub use fold::Folds;
pub(crate) use fold::fold_of_word;

use columns::Places;
use fold::whole_number;
use lines::{Lines, separator};
use std::path::Path;

/// Longest labels file that is read, bytes.
const LONGEST: u64 = 1 << 30;

/// One row; empty cells are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelRow {
    /// Line of the file it stands on, from 1.
    pub line: u64,
    /// The clip's file or folder as written, `\` turned into `/`; in a table of patients the patient.
    pub file: String,
    /// What is known of the clip.
    pub facts: Facts,
}

/// What a labels table says of a clip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Its class.
    pub label: Option<String>,
    /// Its patient.
    pub patient: Option<String>,
    /// The unit of every split.
    pub group: Option<String>,
    /// Its fold.
    pub fold: Option<usize>,
}

impl Facts {
    /// Takes over what is not known yet.
    pub(crate) fn fill(&mut self, other: Self) {
        self.label = self.label.take().or(other.label);
        self.patient = self.patient.take().or(other.patient);
        self.group = self.group.take().or(other.group);
        self.fold = self.fold.or(other.fold);
    }
}

/// A labels table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTable {
    /// The rows, in file order.
    pub rows: Vec<LabelRow>,
    /// The columns that were read.
    pub used: UsedColumns,
    /// Whether folds stand there as words, `train`, `val` and `test`.
    pub folds_are_words: bool,
}

impl LabelTable {
    /// Reads a table. Comma, semicolon and tab separate; a byte-order mark is skipped; cells are trimmed.
    ///
    /// # Errors
    /// When it cannot be read, is not UTF-8, has rows of different length, lacks a column that was named (or any that
    /// could name the file or the patient), a fold is neither a whole number nor one of the usual words, or a class
    /// that is to be cut is no number.
    pub fn read(path: &Path, columns: &Columns) -> Result<Self, LabelError> {
        let read = |source| LabelError::Read { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(read)?.len();
        if length > LONGEST {
            return Err(LabelError::Table {
                path: path.to_owned(),
                reason: format!("{length} bytes are no labels table"),
            });
        }
        Self::parse(&std::fs::read(path).map_err(read)?, path, columns)
    }

    /// As [`Self::read`], from bytes; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(bytes: &[u8], path: &Path, columns: &Columns) -> Result<Self, LabelError> {
        let table = |reason: String| LabelError::Table { path: path.to_owned(), reason };
        let text = std::str::from_utf8(bytes).map_err(|_| table("not UTF-8; save it as CSV UTF-8".to_owned()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator(text)).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header: Vec<String> =
            reader.headers().map_err(|error| table(error.to_string()))?.iter().map(str::to_owned).collect();
        let places = Places::find(&header, columns, path)?;
        let mut rows = Vec::new();
        let mut folds_are_words = false;
        let mut lines = Lines::new(text);
        for record in reader.records() {
            let record = record.map_err(|error| table(error.to_string()))?;
            let line = lines.of(record.position().map_or(0, csv::Position::byte));
            if record.iter().all(str::is_empty) {
                continue;
            }
            let cell = |place: Option<usize>| place.and_then(|at| record.get(at)).filter(|it| !it.is_empty());
            let broken = |reason: String| LabelError::Cell { path: path.to_owned(), line, reason };
            let named = match places.file {
                Some(_) => cell(places.file).ok_or_else(|| broken("it names no file".to_owned()))?,
                None => cell(places.patient).ok_or_else(|| broken("it names no patient".to_owned()))?,
            };
            let fold = cell(places.fold).map(|fold| {
                folds_are_words |= whole_number(fold).is_none();
                whole_number(fold).or_else(|| fold_of_word(fold)).ok_or_else(|| {
                    broken(format!("fold {fold:?} is no whole number from 0, and none of the words train, val, test; --no-folds leaves it out"))
                })
            });
            let own = |place| cell(place).map(str::to_owned);
            let class = |cell| {
                let cut = columns.cuts.class(cell);
                cut.ok_or_else(|| broken(format!("{cell:?} is no number, and cannot be cut into a class")))
            };
            let facts = Facts {
                label: cell(places.label).map(class).transpose()?,
                patient: own(places.patient),
                group: own(places.group),
                fold: fold.transpose()?,
            };
            rows.push(LabelRow { line, file: named.replace('\\', "/"), facts });
        }
        let name = |place: usize| header[place].clone();
        let used = UsedColumns {
            file: places.file.map(name),
            label: places.label.map(name),
            patient: places.patient.map(name),
            group: places.group.map(name),
            fold: places.fold.map(name),
            cuts: columns.cuts.words().filter(|_| places.label.is_some()),
        };
        Ok(Self { rows, used, folds_are_words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<LabelTable, LabelError> {
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
        let columns =
            Columns { label: Column::Named("EF".into()), cuts: "40,50".parse().unwrap(), ..Columns::default() };
        let text = "FileName,EF,ESV,Split\n0XA,78.4,14.9,VAL\n0XB,39.5,1,TRAIN\n0XC,,1,test\n";
        let table = LabelTable::parse(text.as_bytes(), Path::new("t"), &columns).unwrap();
        assert_eq!((table.used.file.as_deref(), table.used.fold.as_deref()), (Some("FileName"), Some("Split")));
        assert_eq!((table.used.cuts.as_deref(), table.folds_are_words), (Some("40,50"), true));
        let facts: Vec<_> = table.rows.iter().map(|row| (row.facts.label.as_deref(), row.facts.fold)).collect();
        assert_eq!(facts, [(Some("2-from-50"), Some(1)), (Some("0-below-40"), Some(0)), (None, Some(2))]);
        let error = LabelTable::parse(b"FileName,EF\n0XA,high\n", Path::new("t"), &columns).unwrap_err();
        assert_eq!(error.to_string(), "t: line 2: \"high\" is no number, and cannot be cut into a class");
        let error =
            LabelTable::parse(b"FileName,EFF\n", Path::new("t"), &Columns { label: Column::Obvious, ..columns });
        assert_eq!(error.unwrap_err().to_string(), "t: no column of the class, to be cut; it has FileName, EFF");
    }

    #[test]
    fn a_table_without_files_has_a_row_a_patient() {
        let table = parse("patient_id,class\n37,0\n").unwrap();
        assert_eq!((table.used.file, table.used.patient.as_deref()), (None, Some("patient_id")));
        assert_eq!(table.rows[0].file, "37");
        assert_eq!(parse("patient_id,class\n,0\n").unwrap_err().to_string(), "labels.csv: line 2: it names no patient");
    }

    #[test]
    fn columns_can_be_named_or_ignored() {
        let columns =
            Columns { label: Column::Named("hico_class".into()), fold: Column::Ignored, ..Columns::default() };
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
}
