//! Predictions as a Parquet table: a row for each tested frame, which pandas, Polars, R and DuckDB read.
//!
//! Columns: `method`, `data`, `evaluation`, `labels`, `epochs`, `fold`, `seed` tell one answer from another; `clip`,
//! `group`, `frame`, `true_class`, `predicted_class` and a probability for each class, `p_CLASS`, are the answer.

use hico_data::{Dataset, guarded};
use hico_model::rows::argmax;
use hico_train::predictions::FramePrediction;
use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Tells the predictions of one answer from those of others in the same table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswerKey {
    /// The method.
    pub method: String,
    /// The data set.
    pub data: String,
    /// `knn`, `linear-probe`, `finetune`.
    pub evaluation: String,
    /// The labels that were known: `all`, or a number of groups of each class.
    pub labels: String,
    /// Epochs of pretraining before.
    pub epochs: usize,
    /// The tested fold.
    pub fold: usize,
    /// The seed.
    pub seed: u64,
}

/// Columns that tell answers apart, or clips: all that is text.
const TEXTS: [&str; 4] = ["method", "data", "evaluation", "labels"];

/// Probabilities of a row may miss a sum of 1 by this: they were rounded to 32 bits where a network gave them.
const ROUNDING: f64 = 1e-4;

/// Encodes the predictions of several answers on one data set.
///
/// # Errors
/// When Parquet cannot be written; nothing here depends on a disk.
pub fn to_parquet(dataset: &Dataset, answers: &[(AnswerKey, &[FramePrediction])]) -> Result<Vec<u8>, ParquetError> {
    let rows: Vec<(&AnswerKey, &FramePrediction)> =
        answers.iter().flat_map(|(key, frames)| frames.iter().map(move |frame| (key, frame))).collect();
    let class = |class: Option<usize>| class.and_then(|class| dataset.classes().get(class)).map_or("", String::as_str);
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, Arc::new(schema(dataset.classes())?), Arc::default())?;
    let mut group = file.next_row_group()?;
    for name in TEXTS {
        let of = |key: &AnswerKey| match name {
            "method" => ByteArray::from(key.method.as_str()),
            "data" => key.data.as_str().into(),
            "evaluation" => key.evaluation.as_str().into(),
            _ => key.labels.as_str().into(),
        };
        column::<ByteArrayType>(&mut group, rows.iter().map(|(key, _)| of(key)))?;
    }
    column::<Int32Type>(&mut group, rows.iter().map(|(key, _)| key.epochs as i32))?;
    column::<Int32Type>(&mut group, rows.iter().map(|(key, _)| key.fold as i32))?;
    column::<Int64Type>(&mut group, rows.iter().map(|(key, _)| key.seed.cast_signed()))?;
    column::<ByteArrayType>(&mut group, rows.iter().map(|(_, frame)| dataset.row(frame.clip).clip.as_str().into()))?;
    column::<ByteArrayType>(&mut group, rows.iter().map(|(_, frame)| dataset.row(frame.clip).group.as_str().into()))?;
    column::<Int32Type>(&mut group, rows.iter().map(|(_, frame)| frame.frame as i32))?;
    column::<ByteArrayType>(&mut group, rows.iter().map(|(_, frame)| class(dataset.label(frame.clip)).into()))?;
    let predicted = |frame: &FramePrediction| class(Some(argmax(&frame.probabilities)));
    column::<ByteArrayType>(&mut group, rows.iter().map(|(_, frame)| predicted(frame).into()))?;
    for place in 0..dataset.classes().len() {
        column::<DoubleType>(&mut group, rows.iter().map(|(_, frame)| frame.probabilities[place]))?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}

/// Decodes a table and checks every row against the data set.
///
/// # Errors
/// Says what is wrong: it is no Parquet, lacks a column, or tells of clips, classes or probabilities that cannot be.
pub fn from_parquet(dataset: &Dataset, bytes: Vec<u8>) -> Result<BTreeMap<AnswerKey, Vec<FramePrediction>>, String> {
    // The crate that decodes it panics over some broken files.
    let table = guarded(|| Table::read(bytes).map_err(|error| error.to_string()))?;
    table.answers(dataset)
}

/// The columns as they were read; all of one length.
struct Table {
    texts: HashMap<String, Vec<ByteArray>>,
    numbers: HashMap<String, Vec<i64>>,
    probabilities: HashMap<String, Vec<f64>>,
    rows: usize,
}

impl Table {
    fn read(bytes: Vec<u8>) -> Result<Self, ParquetError> {
        let file = SerializedFileReader::new(bytes::Bytes::from(bytes))?;
        let mut table = Self { texts: HashMap::new(), numbers: HashMap::new(), probabilities: HashMap::new(), rows: 0 };
        for place in 0..file.num_row_groups() {
            let group = file.get_row_group(place)?;
            let columns = group.metadata().schema_descr().columns();
            for (index, of) in columns.iter().enumerate() {
                let name = of.name().to_owned();
                match of.physical_type() {
                    Physical::BYTE_ARRAY => {
                        table.texts.entry(name).or_default().extend(values::<ByteArrayType>(&*group, index)?);
                    }
                    Physical::INT32 => {
                        let found = values::<Int32Type>(&*group, index)?.into_iter().map(i64::from);
                        table.numbers.entry(name).or_default().extend(found);
                    }
                    Physical::INT64 => {
                        table.numbers.entry(name).or_default().extend(values::<Int64Type>(&*group, index)?);
                    }
                    Physical::DOUBLE => {
                        table.probabilities.entry(name).or_default().extend(values::<DoubleType>(&*group, index)?);
                    }
                    other => return Err(ParquetError::General(format!("column {name} is of type {other}"))),
                }
            }
        }
        table.rows = table.texts.get("clip").map_or(0, Vec::len);
        Ok(table)
    }

    fn answers(&self, dataset: &Dataset) -> Result<BTreeMap<AnswerKey, Vec<FramePrediction>>, String> {
        let text = |name: &str| whole(&self.texts, name, self.rows);
        let [methods, data, evaluations, labels] =
            [text("method")?, text("data")?, text("evaluation")?, text("labels")?];
        let [clips, groups, truths] = [text("clip")?, text("group")?, text("true_class")?];
        let number = |name: &str| whole(&self.numbers, name, self.rows);
        let [epochs, folds, seeds, frames] = [number("epochs")?, number("fold")?, number("seed")?, number("frame")?];
        let probabilities: Vec<&[f64]> = dataset
            .classes()
            .iter()
            .map(|class| whole(&self.probabilities, &probability_column(class), self.rows))
            .collect::<Result<_, _>>()?;
        let ids: HashMap<&str, usize> =
            (0..dataset.len()).map(|clip| (dataset.row(clip).clip.as_str(), clip)).collect();
        let mut found: BTreeMap<AnswerKey, Vec<FramePrediction>> = BTreeMap::new();
        for row in 0..self.rows {
            let name = words(&clips[row])?;
            let clip = *ids.get(name).ok_or_else(|| format!("clip {name:?} is not in the data set"))?;
            let truth = dataset.label(clip).map(|class| dataset.classes()[class].as_str());
            if truth != Some(words(&truths[row])?) || dataset.row(clip).group != words(&groups[row])? {
                return Err(format!("clip {name:?} has another class or group in the data set"));
            }
            let frame = usize::try_from(frames[row]).ok().filter(|frame| *frame < dataset.row(clip).frames);
            let frame = frame.ok_or_else(|| format!("clip {name:?} has no frame {}", frames[row]))?;
            let probabilities: Vec<f64> = probabilities.iter().map(|column| column[row]).collect();
            let sum: f64 = probabilities.iter().sum();
            if !probabilities.iter().all(|value| (0.0..=1.0).contains(value)) || (sum - 1.0).abs() > ROUNDING {
                return Err(format!("the probabilities of frame {frame} of clip {name:?} do not sum to 1"));
            }
            let count = |number: i64| usize::try_from(number).map_err(|_| format!("{number} is no epoch and no fold"));
            let key = AnswerKey {
                method: words(&methods[row])?.to_owned(),
                data: words(&data[row])?.to_owned(),
                evaluation: words(&evaluations[row])?.to_owned(),
                labels: words(&labels[row])?.to_owned(),
                epochs: count(epochs[row])?,
                fold: count(folds[row])?,
                seed: seeds[row].cast_unsigned(),
            };
            found.entry(key).or_default().push(FramePrediction { clip, frame, probabilities });
        }
        Ok(found)
    }
}

/// Returns a column that is there and as long as the others.
fn whole<'a, T>(columns: &'a HashMap<String, Vec<T>>, name: &str, rows: usize) -> Result<&'a [T], String> {
    match columns.get(name) {
        Some(column) if column.len() == rows => Ok(column),
        Some(_) => Err(format!("column {name} is too short")),
        None => Err(format!("there is no column {name}")),
    }
}

fn words(bytes: &ByteArray) -> Result<&str, String> {
    bytes.as_utf8().map_err(|error| error.to_string())
}

fn probability_column(class: &str) -> String {
    format!("p_{class}")
}

fn schema(classes: &[String]) -> Result<Type, ParquetError> {
    let field = |name: &str, physical: Physical, converted: ConvertedType| {
        let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED);
        Ok(Arc::new(field.with_converted_type(converted).build()?))
    };
    let text = |name: &str| field(name, Physical::BYTE_ARRAY, ConvertedType::UTF8);
    let number = |name: &str| field(name, Physical::INT32, ConvertedType::INT_32);
    let mut fields: Vec<Arc<Type>> = TEXTS.into_iter().map(text).collect::<Result<_, ParquetError>>()?;
    fields.extend([number("epochs")?, number("fold")?, field("seed", Physical::INT64, ConvertedType::UINT_64)?]);
    fields.extend([text("clip")?, text("group")?, number("frame")?, text("true_class")?, text("predicted_class")?]);
    for class in classes {
        fields.push(field(&probability_column(class), Physical::DOUBLE, ConvertedType::NONE)?);
    }
    Type::group_type_builder("predictions").with_fields(fields).build()
}

/// Writes the next column.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: impl Iterator<Item = T::T>,
) -> Result<(), ParquetError> {
    let next = group.next_column()?;
    let mut column = next.ok_or_else(|| ParquetError::General("there is no such column".to_owned()))?;
    column.typed::<T>().write_batch(&values.collect::<Vec<_>>(), None, None)?;
    column.close()
}

/// Reads a column of a row group.
fn values<T: DataType>(group: &dyn RowGroupReader, index: usize) -> Result<Vec<T::T>, ParquetError> {
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(index)?);
    let mut values = Vec::new();
    reader.read_records(rows, None, None, &mut values)?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_model::test_data;

    fn key(fold: usize, seed: u64) -> AnswerKey {
        AnswerKey {
            method: "hico".to_owned(),
            data: "lung".to_owned(),
            evaluation: "linear-probe".to_owned(),
            labels: "all".to_owned(),
            epochs: 60,
            fold,
            seed,
        }
    }

    fn frame(clip: usize, frame: usize, first: f64) -> FramePrediction {
        FramePrediction { clip, frame, probabilities: vec![first, 1.0 - first] }
    }

    #[test]
    fn predictions_come_back_to_the_last_bit() {
        let data = test_data::spots(&[("p", Some(0), 0), ("q", Some(1), 0), ("r", Some(1), 1)]);
        let answers = [
            (key(0, u64::MAX), vec![frame(0, 0, 1.0 / 3.0), frame(0, 3, f64::MIN_POSITIVE), frame(1, 2, 0.1 + 0.2)]),
            (key(1, 2), vec![frame(2, 0, 1.0)]),
        ];
        let borrowed: Vec<_> = answers.iter().map(|(key, frames)| (key.clone(), frames.as_slice())).collect();
        let bytes = to_parquet(&data, &borrowed).unwrap();
        let found = from_parquet(&data, bytes).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), {
            let mut answers = answers.to_vec();
            answers.sort_by(|a, b| a.0.cmp(&b.0));
            answers
        });
    }

    #[test]
    fn a_table_of_other_data_or_no_table_at_all_is_refused_with_its_reason() {
        let data = test_data::spots(&[("p", Some(0), 0), ("q", Some(1), 0)]);
        let refused = |other: &Dataset, frames: &[FramePrediction]| {
            let bytes = to_parquet(&data, &[(key(0, 1), frames)]).unwrap();
            from_parquet(other, bytes).unwrap_err()
        };
        let fewer = test_data::spots(&[("p", Some(0), 0)]);
        assert!(refused(&fewer, &[frame(1, 0, 0.5)]).contains("is not in the data set"));
        let more = test_data::spots(&[("p", Some(0), 0), ("q", Some(2), 0)]);
        assert!(refused(&more, &[frame(0, 0, 0.5)]).contains("no column p_class-2"));
        let others = test_data::spots(&[("p", Some(1), 0), ("q", Some(0), 0)]);
        assert!(refused(&others, &[frame(0, 0, 0.5)]).contains("another class or group"));
        let regrouped = test_data::spots(&[("p", Some(0), 0), ("r", Some(1), 0)]);
        assert!(refused(&regrouped, &[frame(1, 0, 0.5)]).contains("another class or group"));
        assert!(refused(&data, &[frame(0, 99, 0.5)]).contains("no frame 99"));
        let odd = FramePrediction { clip: 0, frame: 0, probabilities: vec![0.5, 0.9] };
        assert!(refused(&data, &[odd]).contains("do not sum to 1"));
        let odd = FramePrediction { clip: 0, frame: 0, probabilities: vec![f64::NAN, 0.5] };
        assert!(refused(&data, &[odd]).contains("do not sum to 1"));
        let bytes = to_parquet(&data, &[(key(0, 1), &[frame(0, 0, 0.5)])]).unwrap();
        for cut in [0, 4, bytes.len() / 2, bytes.len() - 1] {
            from_parquet(&data, bytes[..cut].to_vec()).unwrap_err();
        }
        let mut broken = 0;
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x55;
            broken += usize::from(from_parquet(&data, changed).is_err());
        }
        assert!(broken > bytes.len() / 4, "{broken} of {}", bytes.len());
    }

    #[test]
    fn no_answers_are_a_table_without_rows() {
        let data = test_data::spots(&[("p", Some(0), 0), ("q", Some(1), 0)]);
        assert!(from_parquet(&data, to_parquet(&data, &[]).unwrap()).unwrap().is_empty());
    }
}
