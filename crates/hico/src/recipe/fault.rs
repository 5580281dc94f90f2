//! Refusals of values.

use super::values::OutOfRange;
use crate::{Error, KeyFault};

/// Refuses the value of a key.
pub(super) fn fault(key: impl Into<String>, value: String, reason: String) -> Error {
    Error::RecipeKey(Box::new(KeyFault { line: None, key: key.into(), value, method: None, reason }))
}

/// Refuses a number as the value of a key.
pub(super) fn range_fault(key: &str, OutOfRange { value, expected }: OutOfRange) -> Error {
    fault(key, value, format!("must be {expected}"))
}
