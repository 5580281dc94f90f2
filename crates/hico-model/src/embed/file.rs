//! Embeddings as files that other programs read: safetensors, NumPy's `.npy`, Parquet.

use super::{Embedding, RowId};
use crate::Error;
use crate::weights::{self, NamedTensor};
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Name of the tensor of features, `[rows, features]`.
const FEATURES: &str = "features";

/// Where the ids stand in a safetensors file's metadata, as a JSON list.
const IDS: &str = "hico.ids";

/// Where it stands what made the rows, as JSON.
const MADE_BY: &str = "hico.made_by";

/// How an embedding is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A tensor `features`, and the ids in the metadata.
    Safetensors,
    /// A NumPy array; the ids stand beside it.
    Npy,
    /// A table: clip, frame, group, label, and a column for each feature, `f0` and on.
    Parquet,
}

impl Format {
    /// The format that a file's suffix names.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "safetensors" => Some(Self::Safetensors),
            "npy" => Some(Self::Npy),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

impl Embedding {
    /// Features of a row; 0 without rows.
    #[must_use]
    pub fn width(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// Words of what cannot be written; nothing here depends on a disk.
    pub fn to_bytes(&self, format: Format) -> Result<Vec<u8>, String> {
        match format {
            Format::Safetensors => self.safetensors().map_err(|error| error.to_string()),
            Format::Npy => Ok(self.npy()),
            Format::Parquet => self.parquet().map_err(|error| error.to_string()),
        }
    }

    fn safetensors(&self) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let shape = vec![self.rows.len(), self.width()];
        let tensor = NamedTensor { name: FEATURES.to_owned(), shape, values: self.rows.concat() };
        let mut metadata = BTreeMap::from([(IDS.to_owned(), serde_json::to_string(&self.ids)?)]);
        if let Some(made_by) = &self.made_by {
            metadata.insert(MADE_BY.to_owned(), serde_json::to_string(made_by)?);
        }
        Ok(weights::to_safetensors(&[tensor], &metadata)?)
    }

    /// Version 1.0 of the format: a header of text, padded so that values begin at a multiple of 64, then 32-bit values.
    fn npy(&self) -> Vec<u8> {
        let mut header =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", self.rows.len(), self.width());
        let begin = 10;
        let padding = 63 - (begin + header.len()) % 64;
        header.push_str(&" ".repeat(padding));
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(self.rows.iter().flatten().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    fn parquet(&self) -> Result<Vec<u8>, ParquetError> {
        let features: String = (0..self.width()).map(|place| format!("REQUIRED FLOAT f{place}; ")).collect();
        let text = |name: &str| format!("REQUIRED BYTE_ARRAY {name} (UTF8); ");
        let ids = [text("clip"), "OPTIONAL INT32 frame; ".to_owned(), text("group"), text("label")].concat();
        let schema = Arc::new(parse_message_type(&format!("message embedding {{ {ids}{features}}}"))?);
        let mut bytes = Vec::new();
        let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::default())?;
        let mut group = file.next_row_group()?;
        self.texts(&mut group, |id| &id.clip)?;
        column(&mut group, |column| {
            let frames: Vec<i32> = self.ids.iter().filter_map(|id| id.frame).map(|frame| frame as i32).collect();
            let present: Vec<i16> = self.ids.iter().map(|id| i16::from(id.frame.is_some())).collect();
            column.typed::<Int32Type>().write_batch(&frames, Some(&present), None)
        })?;
        self.texts(&mut group, |id| &id.group)?;
        self.texts(&mut group, |id| &id.label)?;
        for place in 0..self.width() {
            let values: Vec<f32> = self.rows.iter().map(|row| row[place]).collect();
            column(&mut group, |column| column.typed::<FloatType>().write_batch(&values, None, None))?;
        }
        group.close()?;
        file.close()?;
        Ok(bytes)
    }

    fn texts<W: std::io::Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        of: fn(&RowId) -> &str,
    ) -> Result<(), ParquetError> {
        let values: Vec<ByteArray> = self.ids.iter().map(|id| of(id).into()).collect();
        column(group, |column| column.typed::<ByteArrayType>().write_batch(&values, None, None))
    }

    /// The ids as a table, to stand beside an array.
    ///
    /// # Panics
    /// Never: flat rows can be written to memory.
    #[must_use]
    #[expect(clippy::expect_used, reason = "writing flat rows to memory cannot fail")]
    pub fn ids_csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        self.ids.iter().for_each(|id| writer.serialize(id).expect("a flat row"));
        writer.into_inner().expect("memory")
    }

    /// Reads an embedding that was written as safetensors.
    ///
    /// # Errors
    /// When the file cannot be read or is none.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let broken = |reason: &str| Error::BrokenWeights { path: path.to_owned(), reason: reason.to_owned() };
        let (tensors, metadata) = weights::read_safetensors(path)?;
        weights::finite_in(path, &tensors)?;
        let none = || broken("it is no embedding of `hico embed`");
        let features = tensors.into_iter().find(|tensor| tensor.name == FEATURES).ok_or_else(none)?;
        let ids = metadata.get(IDS).ok_or_else(none)?;
        let ids: Vec<RowId> = serde_json::from_str(ids).map_err(|error| broken(&error.to_string()))?;
        let made_by = metadata.get(MADE_BY).map(|text| serde_json::from_str(text)).transpose();
        let made_by = made_by.map_err(|error| broken(&error.to_string()))?;
        match *features.shape.as_slice() {
            [rows, width] if rows == ids.len() && width > 0 => {
                let rows = features.values.chunks_exact(width).map(<[f32]>::to_vec).collect();
                Ok(Self { made_by, ids, rows })
            }
            _ => Err(broken("its ids do not fit its features")),
        }
    }
}

/// Writes the next column of a table.
fn column<W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    write: impl FnOnce(&mut SerializedColumnWriter<'_>) -> Result<usize, ParquetError>,
) -> Result<(), ParquetError> {
    let next = group.next_column()?;
    let mut column = next.ok_or_else(|| ParquetError::General("there is no such column".to_owned()))?;
    write(&mut column)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;

    #[test]
    fn safetensors_come_back_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.safetensors");
        std::fs::write(&path, example().to_bytes(Format::of(&path).unwrap()).unwrap()).unwrap();
        assert_eq!(Embedding::read(&path).unwrap(), example());
        let tensor = NamedTensor { name: "other".to_owned(), shape: vec![1], values: vec![0.0] };
        let other = weights::to_safetensors(&[tensor], &BTreeMap::new()).unwrap();
        std::fs::write(&path, other).unwrap();
        assert!(Embedding::read(&path).unwrap_err().to_string().contains("no embedding"));
        let mut odd = example();
        odd.rows[1][2] = f32::INFINITY;
        std::fs::write(&path, odd.to_bytes(Format::Safetensors).unwrap()).unwrap();
        assert!(Embedding::read(&path).unwrap_err().to_string().contains("tensor features"));
        let mut short = example();
        short.ids.pop();
        std::fs::write(&path, short.to_bytes(Format::Safetensors).unwrap()).unwrap();
        assert!(Embedding::read(&path).unwrap_err().to_string().contains("do not fit"));
    }

    #[test]
    fn an_array_has_the_header_that_numpy_states() {
        let bytes = example().to_bytes(Format::Npy).unwrap();
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(header.contains("'shape': (4, 3)") && header.ends_with('\n') && (10 + length).is_multiple_of(64));
        let values: Vec<f32> =
            bytes[10 + length..].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(values, example().rows.concat());
    }

    #[test]
    fn a_table_holds_ids_and_features() {
        let mut embedding = example();
        embedding.ids[2].frame = None;
        let bytes = embedding.to_bytes(Format::Parquet).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 4);
        for (row, (id, features)) in rows.iter().zip(embedding.ids.iter().zip(&embedding.rows)) {
            assert_eq!((row.get_string(0).unwrap(), row.get_string(3).unwrap()), (&id.clip, &id.label));
            assert_eq!(row.get_int(1).ok(), id.frame.map(|frame| frame as i32));
            assert_eq!((4..7).map(|place| row.get_float(place).unwrap()).collect::<Vec<_>>(), *features);
        }
        let table = String::from_utf8(embedding.ids_csv()).unwrap();
        assert!(table.starts_with("clip,frame,group,label\na,0,of a,x\n"), "{table}");
        assert!(table.contains("\"b, \"\"c\"\"\",,"), "{table}");
    }
}
