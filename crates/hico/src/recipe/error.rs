//! Why a recipe is refused.

use super::MethodName;
use super::values::OutOfRange;
use std::fmt;

/// Why a recipe is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// It is not TOML, or not in sections.
    #[error("line {line}: {reason}")]
    Toml {
        /// Line of the fault, from 1.
        line: usize,
        /// The fault.
        reason: String,
    },
    /// A key is unknown, is not read by the method, or has a value of the wrong kind or out of its range.
    #[error("{0}")]
    Key(Box<KeyFault>),
}

/// What is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// Line of the key, from 1, where the key itself is wrong and the recipe is a text.
    pub line: Option<usize>,
    /// The key, with its section, as it is written there.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The method, where the key itself is wrong.
    pub method: Option<MethodName>,
    /// The fault and the way out.
    pub reason: String,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(formatter, "line {line}: ")?;
        }
        write!(formatter, "{} = {}: {}", self.key, self.value, self.reason)
    }
}

impl RecipeError {
    /// Returns the method whose keys were asked for, where that matters.
    #[must_use]
    pub fn method(&self) -> Option<MethodName> {
        match self {
            Self::Key(fault) => fault.method,
            Self::Toml { .. } => None,
        }
    }

    /// Refuses the value of a key.
    pub(super) fn value(key: impl Into<String>, value: String, reason: String) -> Self {
        Self::Key(Box::new(KeyFault { line: None, key: key.into(), value, method: None, reason }))
    }

    /// Refuses a number as the value of a key.
    pub(super) fn range(key: &str, OutOfRange { value, expected }: OutOfRange) -> Self {
        Self::value(key, value, format!("must be {expected}"))
    }
}
