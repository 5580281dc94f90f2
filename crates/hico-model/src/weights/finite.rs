//! Numbers that no network can have: NaN, infinity, a variance below 0. One of them spoils every answer, or hides in it.

use super::NamedTensor;
use crate::Error;
use std::path::Path;

/// How the names of running variances end.
const VARIANCE: &str = "running_var";

/// Refuses a tensor with a value that is no finite number, or a running variance below 0.
///
/// # Errors
/// Names the first such tensor as it is called, what is wrong with it, and where.
pub fn finite<'a>(tensors: impl IntoIterator<Item = &'a NamedTensor>) -> Result<(), Error> {
    tensors.into_iter().try_for_each(|tensor| of_tensor(tensor, &tensor.name))
}

/// As [`finite`], of one tensor and by another name than its own.
pub(super) fn of_tensor(tensor: &NamedTensor, name: &str) -> Result<(), Error> {
    let odd = |value: &&f32| !value.is_finite();
    let values = &tensor.values;
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        let (value, count) = (values[index], values.iter().filter(odd).count());
        return Err(Error::TensorNotFinite { name: name.to_owned(), value, index, count, of: values.len() });
    }
    let below = values.iter().position(|value| *value < 0.0);
    if let Some(index) = below.filter(|_| tensor.name.ends_with(VARIANCE)) {
        return Err(Error::NegativeVariance { name: name.to_owned(), value: values[index], index });
    }
    Ok(())
}

/// As [`finite`], naming the file.
///
/// # Errors
/// As [`finite`].
pub fn finite_in(path: &Path, tensors: &[NamedTensor]) -> Result<(), Error> {
    finite(tensors).map_err(|source| source.of_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, values: &[f32]) -> NamedTensor {
        NamedTensor { name: name.to_owned(), shape: vec![values.len()], values: values.to_vec() }
    }

    fn said(tensors: &[NamedTensor]) -> String {
        finite_in(Path::new("a/w.pth"), tensors).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_number_is_named_with_its_file_tensor_and_place() {
        let good = tensor("conv1.weight", &[-1.0, 0.0, f32::MAX, f32::MIN_POSITIVE / 2.0]);
        assert!(finite(std::slice::from_ref(&good)).is_ok());
        for (odd, word) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
            let words = said(&[good.clone(), tensor("layer1.0.bn1.bias", &[0.0, odd, 1.0, odd])]);
            for part in ["a/w.pth", "layer1.0.bn1.bias", "2 of its 4 values", &format!("{word} at index 1")] {
                assert!(words.contains(part), "{part}: {words}");
            }
        }
    }

    #[test]
    fn a_variance_below_0_is_named_and_other_tensors_may_be_negative() {
        assert!(finite(&[tensor("bn1.running_var", &[0.0, 1.0]), tensor("bn1.running_mean", &[-1.0])]).is_ok());
        let words = said(&[tensor("bn1.running_var", &[1.0, -0.5])]);
        assert!(words.contains("bn1.running_var") && words.contains("cannot be -0.5, as it is at index 1"), "{words}");
    }
}
