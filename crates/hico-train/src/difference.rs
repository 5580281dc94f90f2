//! The first setting in which what a folder was begun with differs from what is asked for now, by its key.

use serde_json::{Map, Value};
use std::fmt;

/// Longest value that an error shows whole, in letters.
const LONGEST: usize = 80;

/// One setting that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its key, with the keys above it: `finetune.view.image_size`.
    pub key: String,
    /// Its value in the folder.
    pub there: String,
    /// Its value now.
    pub asked: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} = {}, now asked for {}", self.key, self.there, self.asked)
    }
}

/// Finds the first key, `name` before all others and those in alphabetical order, at which two records differ; `None` where
/// they are the same.
///
/// Records within a text, as a plan keeps a recipe, are gone into like any other.
#[must_use]
pub fn first(there: &Value, asked: &Value) -> Option<Difference> {
    at(String::new(), Some(there), Some(asked))
}

fn at(key: String, there: Option<&Value>, asked: Option<&Value>) -> Option<Difference> {
    if there == asked {
        return None;
    }
    if let (Some(before), Some(now)) = (there.and_then(record), asked.and_then(record)) {
        let mut names: Vec<&String> = before.keys().chain(now.keys()).collect();
        // What a thing is called is told before what follows from it.
        names.sort_unstable_by_key(|name| (name.as_str() != "name", *name));
        names.dedup();
        let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
        // Equal records in texts that differ, by a blank for instance, are no difference.
        return names.into_iter().find_map(|name| at(below(name), before.get(name), now.get(name)));
    }
    Some(Difference { key, there: words(there), asked: words(asked) })
}

/// The record that a value is, or holds as text.
fn record(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(record) => Some(record.clone()),
        Value::String(text) if text.starts_with('{') => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn words(value: Option<&Value>) -> String {
    let whole = match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::Object(_)) => "a record".to_owned(),
        Some(Value::String(text)) if text.starts_with('{') => "a record".to_owned(),
        Some(value) => value.to_string(),
    };
    match whole.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &whole[..end]),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_one_key_that_differs_is_named_and_not_the_records_around_it() {
        let recipe = |batch: usize| json!({"view": {"side": 64}, "train": {"batch": batch, "epochs": 9}});
        let plan = |batch| json!({"data": "00ff", "encoder": recipe(batch).to_string()});
        let found = first(&plan(16), &plan(32)).unwrap();
        assert_eq!(found.to_string(), "encoder.train.batch = 16, now asked for 32");
        assert_eq!(first(&plan(16), &plan(16)), None);
        assert_eq!(first(&recipe(16), &recipe(8)).unwrap().key, "train.batch");
    }

    #[test]
    fn a_key_that_only_one_side_has_is_nothing_on_the_other_and_long_values_are_cut() {
        let found = first(&json!({"a": 1}), &json!({"a": 1, "b": "x".repeat(500)})).unwrap();
        assert_eq!((found.key.as_str(), found.there.as_str()), ("b", "nothing"));
        assert!(found.asked.len() < 100, "{}", found.asked);
        let found = first(&json!({"encoder": "none"}), &json!({"encoder": "{\"train\":{}}"})).unwrap();
        assert_eq!(found.to_string(), "encoder = \"none\", now asked for a record");
    }
}
