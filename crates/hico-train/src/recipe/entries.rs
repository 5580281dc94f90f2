//! What is written: the keys of a recipe, one by one, as text, table or record has them.

use super::fault::fault;
use crate::Error;
use std::collections::BTreeMap;
use toml::{Spanned, Value};

/// A key as it is written, with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: Value,
    /// From 1, in a text.
    pub(super) line: Option<usize>,
}

impl Written {
    /// Returns the key with its section.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// Returns the value as an error shows it.
    pub(super) fn shown(&self) -> String {
        shown(&self.value)
    }
}

/// Letters of a value that an error shows, at most.
const LONGEST: usize = 60;

fn shown(value: &Value) -> String {
    let whole = match value {
        // `1.0` is 1 and `nan` is NaN, as everywhere else in our messages.
        Value::Float(number) => number.to_string(),
        Value::Array(numbers) => format!("[{}]", numbers.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => other.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    };
    match whole.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &whole[..end]),
        None => whole,
    }
}

/// The line, from 1, in which a place of a text is.
fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

/// Returns the line, from 1, and the words of what is wrong with a text in TOML.
pub fn toml_fault(text: &str, error: &toml::de::Error) -> (usize, String) {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    (line, error.message().split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Reads the keys of a text, in its order.
pub(super) fn of_text(text: &str) -> Result<Vec<Written>, Error> {
    let line = |at: usize| line_of(text, at);
    let fault = |error: toml::de::Error| {
        let (line, reason) = toml_fault(text, &error);
        Error::RecipeText { line, reason }
    };
    let sections: BTreeMap<Spanned<String>, Value> = toml::from_str(text).map_err(fault)?;
    if let Some((name, value)) = sections.iter().find(|(_, value)| !value.is_table()) {
        return Err(outside(name.get_ref(), value, Some(line(name.span().start))));
    }
    let sections: BTreeMap<String, BTreeMap<Spanned<String>, Value>> = toml::from_str(text).map_err(fault)?;
    let mut written: Vec<(usize, Written)> = Vec::new();
    for (section, keys) in sections {
        for (key, value) in keys {
            let at = key.span().start;
            let line = Some(line(at));
            written.push((at, Written { section: section.clone(), key: key.into_inner(), value, line }));
        }
    }
    written.sort_by_key(|(at, _)| *at);
    Ok(written.into_iter().map(|(_, written)| written).collect())
}

/// Reads the keys of a table.
pub(super) fn of_table(table: &toml::Table) -> Result<Vec<Written>, Error> {
    let mut written = Vec::new();
    for (section, keys) in table {
        let Value::Table(keys) = keys else { return Err(outside(section, keys, None)) };
        let of = |(key, value): (&String, &Value)| {
            let (section, key, value) = (section.clone(), key.clone(), value.clone());
            Written { section, key, value, line: None }
        };
        written.extend(keys.iter().map(of));
    }
    Ok(written)
}

/// Reads the keys of a record; a `null` stands for a key that is absent.
pub(super) fn of_json(record: &serde_json::Value) -> Result<Vec<Written>, Error> {
    let fault = || Error::RecipeText { line: 1, reason: "a recipe must be a record of sections".to_owned() };
    let mut written = Vec::new();
    for (section, keys) in record.as_object().ok_or_else(fault)? {
        for (key, value) in keys.as_object().ok_or_else(fault)?.iter().filter(|(_, value)| !value.is_null()) {
            let value = Value::try_from(value).map_err(|_| fault())?;
            written.push(Written { section: section.clone(), key: key.clone(), value, line: None });
        }
    }
    Ok(written)
}

fn outside(key: &str, value: &Value, line: Option<usize>) -> Error {
    let line = line.map_or_else(String::new, |line| format!("line {line}: "));
    let reason = "must stand below a section: [method], [model], [view] or [train]".to_owned();
    fault(format!("{line}{key}"), shown(value), reason)
}
