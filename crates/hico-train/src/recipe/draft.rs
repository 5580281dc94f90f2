//! From what is written to a checked recipe: the method's defaults, with one key after the other laid over them.

use super::entries::{Written, of_json, of_table, of_text};
use super::fault::{self, fault};
use super::keys::{Key, Section, distance, find, is_old_record};
use super::view_keys::{check_together, check_view};
use super::{MethodName, ModelRecipe, Recipe, TrainRecipe};
use crate::{Error, KeyFault};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Reads a recipe that a person wrote. One that a run of an earlier version wrote is read as such.
pub(super) fn read(text: &str) -> Result<Recipe, Error> {
    let written = of_text(text)?;
    if is_old_record(&written) { of_record(written) } else { build(&[written], false) }
}

/// Reads a recipe that a run wrote.
pub(super) fn read_record(text: &str) -> Result<Recipe, Error> {
    of_record(of_text(text)?)
}

/// Reads a recipe out of a record in JSON.
pub(super) fn read_json(record: &serde_json::Value) -> Result<Recipe, Error> {
    of_record(of_json(record)?)
}

fn of_record(mut written: Vec<Written>) -> Result<Recipe, Error> {
    let method = method(std::slice::from_ref(&written))?;
    for (section, key, value) in before_there_was_a_key(method) {
        if !written.iter().any(|one| one.section == section && one.key == key) {
            let (section, key) = (section.to_owned(), key.to_owned());
            written.push(Written { section, key, value, line: None });
        }
    }
    build(&[written], true)
}

/// What a record that lacks a key is of: a version that did always what the value says.
fn before_there_was_a_key(method: MethodName) -> Vec<(&'static str, &'static str, Value)> {
    let mut keys = vec![("train", "drop_last", true.into()), ("train", "groups_apart", false.into())];
    keys.extend(method.before_there_were().into_iter().map(|(key, value)| ("method", key, value)));
    keys
}

/// Reads a recipe of which each table is laid over those before it.
pub(super) fn read_layers(layers: &[&Table]) -> Result<Recipe, Error> {
    let layers: Vec<Vec<Written>> = layers.iter().map(|table| of_table(table)).collect::<Result<_, _>>()?;
    build(&layers, false)
}

fn build(layers: &[Vec<Written>], record: bool) -> Result<Recipe, Error> {
    let method = method(layers)?;
    lay_over(Recipe::of_method(method), layers, record).map_err(|error| fault::of_method(error, method))
}

fn lay_over(mut recipe: Recipe, layers: &[Vec<Written>], record: bool) -> Result<Recipe, Error> {
    for layer in layers {
        let mut seen: BTreeMap<(&str, String), String> = BTreeMap::new();
        for written in layer {
            let Some(key) = find(written, recipe.method.name(), record)? else { continue };
            let before = seen.insert((key.section.name(), key.name.clone()), written.name());
            if let Some(before) = before {
                let reason = format!("it says the same as {before}: leave one of them out");
                return Err(fault(written.name(), written.shown(), reason));
            }
            // Which method it is was settled before.
            if !key.is_name() {
                set(&mut recipe, &key, written)?;
            }
        }
    }
    check_together(&recipe.method, &recipe.view)?;
    Ok(recipe)
}

/// Returns the method that the last layer names, or HiCo.
fn method(layers: &[Vec<Written>]) -> Result<MethodName, Error> {
    let mut named = layers.iter().rev().flatten().filter(|one| one.section == "method" && one.key == "name");
    let Some(written) = named.next() else { return Ok(MethodName::default()) };
    let word = written.value.as_str().unwrap_or_default();
    MethodName::named(word).ok_or_else(|| fault(written.name(), written.shown(), no_such_method(word)))
}

/// Says which method is meant by a word that is none.
pub fn no_such_method(word: &str) -> String {
    let words: Vec<&str> = MethodName::all().into_iter().map(MethodName::name).collect();
    match words.iter().find(|known| distance(known, &word.to_lowercase()) <= 1) {
        Some(near) => format!("there is no such method; did you mean {near}?"),
        None => format!("must be one of {}", words.join(", ")),
    }
}

/// Sets one key; every other keeps its value, so whatever is wrong is wrong with this one.
fn set(recipe: &mut Recipe, key: &Key, written: &Written) -> Result<(), Error> {
    let refuse = |reason: String| fault(written.name(), written.shown(), reason);
    match key.section {
        Section::Method => {
            let method = recipe.method.with(&key.name, written.value.clone());
            recipe.method = method.map_err(|message| refuse(in_words(&message)))?;
        }
        Section::Model => {
            let model: ModelRecipe = with(&recipe.model, &key.name, &written.value).map_err(refuse)?;
            recipe.model = model;
        }
        Section::View => {
            let view = with(&recipe.view, &key.name, &written.value).map_err(refuse)?;
            check_view(&view).map_err(|error| match error {
                Error::RecipeKey(fault) => Error::RecipeKey(Box::new(KeyFault { key: written.name(), ..*fault })),
                other => other,
            })?;
            recipe.view = view;
        }
        Section::Train => {
            let train: TrainRecipe = with(&recipe.train, &key.name, &written.value).map_err(refuse)?;
            recipe.train = train;
        }
    }
    Ok(())
}

/// Returns a section with one key of another value.
fn with<T: serde::Serialize + DeserializeOwned>(section: &T, key: &str, value: &Value) -> Result<T, String> {
    let mut table = Table::try_from(section).map_err(|error| error.to_string())?;
    table.insert(key.to_owned(), value.clone());
    table.try_into().map_err(|error: toml::de::Error| in_words(error.message()))
}

/// The words of the reader of TOML, for people who never saw a type.
fn in_words(message: &str) -> String {
    let words = [
        ("expected usize", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
    ];
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    words.iter().fold(message, |message, (theirs, ours)| message.replace(theirs, ours))
}
