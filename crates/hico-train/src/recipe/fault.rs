//! Refusals of values.

use super::{MethodName, OutOfRange};
use crate::{Error, KeyFault};

/// Refuses the value of a key.
pub(super) fn fault(key: impl Into<String>, value: String, reason: String) -> Error {
    Error::RecipeKey(Box::new(KeyFault { line: None, key: key.into(), value, method: None, reason }))
}

/// Refuses a number as the value of a key.
pub(super) fn range_fault(key: &str, OutOfRange { value, expected }: OutOfRange) -> Error {
    fault(key, value, format!("must be {expected}"))
}

/// Names the method whose recipe has the fault, where it does not say so itself.
pub(super) fn of_method(error: Error, method: MethodName) -> Error {
    match error {
        Error::RecipeKey(fault) => {
            let method = fault.method.or(Some(method.name()));
            Error::RecipeKey(Box::new(KeyFault { method, ..*fault }))
        }
        other => other,
    }
}
