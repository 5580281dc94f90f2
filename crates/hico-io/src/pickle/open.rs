//! One pickle → its parts, and the pictures in each.

use super::array::Array;
use super::content::{Part, PickledLabel, Pictures, parts};
use super::data::Data;
use super::machine;
use super::picture::{Axes, PickledPicture, range};
use super::reading::Reading;
use crate::guard;
use crate::pickle_fault::PickleFault;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// One picture on its way to be a candidate.
pub struct PickledItem {
    /// The picture.
    pub picture: PickledPicture,
    /// Its label, where there is one a picture.
    pub label: Option<PickledLabel>,
}

/// The parts of a pickle, by name.
pub type PickledParts = Vec<(Option<String>, Vec<PickledItem>)>;

/// Reads the parts of one pickle; nothing of it is executed.
///
/// # Errors
/// When it is broken, holds more than arrays, or does not tell pictures from labels.
pub fn open(path: &Path, axes: Axes) -> Result<PickledParts, PickleFault> {
    let file = guard::open(path)?;
    let length = file.metadata()?.len();
    let objects = machine::run(BufReader::with_capacity(1 << 16, file), length)?;
    let reading = Reading { path };
    let path = Arc::new(path.to_owned());
    let parts = parts(&objects, &reading)?.into_iter().map(|Part { name, pictures, labels }| {
        let arrays = match &pictures {
            Pictures::Stacked(array) => vec![array],
            Pictures::Each(arrays) => arrays.iter().collect(),
        };
        let range = range(&reading, &arrays)?;
        let picture = |one: &Array, data: Data| {
            let (path, dtype, axes) = (Arc::clone(&path), one.dtype, axes);
            PickledPicture { path, dtype, shape: one.shape.clone(), steps: one.steps.clone(), data, range, axes }
        };
        let mut found = Vec::new();
        match &pictures {
            Pictures::Stacked(array) => {
                let (shape, steps) = (array.shape[1..].to_vec(), array.steps[1..].to_vec());
                let one = Array { shape, steps, ..array.clone() };
                PickledPicture::check(&one)?;
                if !array.is_stacked() {
                    let said = "whose pictures are not one after the other; numpy.ascontiguousarray mends it";
                    return Err(PickleFault::Array { said: said.to_owned() });
                }
                found.extend(reading.pieces(array)?.into_iter().map(|data| picture(&one, data)));
            }
            Pictures::Each(arrays) => {
                for array in arrays {
                    PickledPicture::check(array)?;
                    found.push(picture(array, array.data.clone()));
                }
            }
        }
        let mut labels = labels.map(Vec::into_iter);
        let label = |_| labels.as_mut().and_then(Iterator::next);
        let labels: Vec<Option<PickledLabel>> = (0..found.len()).map(label).collect();
        let items = found.into_iter().zip(labels).map(|(picture, label)| PickledItem { picture, label });
        Ok((name, items.collect()))
    });
    let mut parts: PickledParts = parts.collect::<Result<_, PickleFault>>()?;
    // Two parts of one name would be one.
    let names: Vec<Option<String>> = parts.iter().map(|(name, _)| name.clone()).collect();
    for (number, (name, _)) in parts.iter_mut().enumerate() {
        if names.iter().filter(|other| *other == name).count() > 1 {
            *name = Some(format!("{}{}", name.as_deref().unwrap_or("part"), number + 1));
        } else if name.as_deref().is_some_and(|name| name.is_empty() || name.contains(['/', '\\'])) {
            *name = Some(format!("part{}", number + 1));
        }
    }
    Ok(parts)
}
