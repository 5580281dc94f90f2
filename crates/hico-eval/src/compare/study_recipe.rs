//! The recipe of each method of a study: its own, with the keys of the study laid over it.

use super::study_text::{key, of_toml, read};
use crate::Error;
use hico_train::init_weights::InitWeights;
use hico_train::recipe::{MethodName, Recipe, Shipped, no_such_method};
use std::path::Path;
use std::sync::Arc;

/// The keys of every recipe, and with them the mean and deviation by which the weights to begin with learnt, unless the study
/// says others: encoders are evaluated on the views that they were pretrained on.
pub(super) fn normalised<'a>(
    recipe: &toml::Table,
    first: impl Iterator<Item = &'a Arc<InitWeights>>,
) -> Result<toml::Table, Error> {
    let mut over = recipe.clone();
    let known: Vec<[f64; 2]> = first.filter_map(|first| first.normalisation()).collect();
    let said = over.get("view").and_then(toml::Value::as_table);
    let Some(&[mean, std]) =
        known.first().filter(|_| said.is_none_or(|view| !view.contains_key("mean") && !view.contains_key("std")))
    else {
        return Ok(over);
    };
    if known.iter().any(|other| *other != [mean, std]) {
        let fact =
            "the files learnt with different means and deviations: say which by view.mean and view.std under [recipe]";
        return Err(key("method.init_weights", fact));
    }
    let view = over.entry("view").or_insert_with(|| toml::Value::Table(toml::Table::new()));
    if let Some(view) = view.as_table_mut() {
        view.extend([("mean", mean), ("std", std)].map(|(name, value)| (name.to_owned(), toml::Value::Float(value))));
    }
    Ok(over)
}

/// The recipe of a method by its name: its own keys and views.
pub(super) fn of_method(word: &str) -> Result<toml::Table, Error> {
    let method =
        MethodName::named(word).ok_or_else(|| key("method.method", format!("{word:?}: {}", no_such_method(word))))?;
    let name = toml::Table::from_iter([("name".to_owned(), toml::Value::String(method.to_string()))]);
    Ok(toml::Table::from_iter([("method".to_owned(), toml::Value::Table(name))]))
}

/// The recipe of a file, or of a name that comes with hico.
pub(super) fn of_file(path: &Path, folder: &Path) -> Result<toml::Table, Error> {
    let shipped = Shipped::asked_for(path);
    let path = folder.join(path);
    let text = shipped.map_or_else(|| read(&path), |shipped| Ok(shipped.toml.to_owned()))?;
    of_toml(&path, &text)
}

/// What of the shared keys every method reads: encoders are evaluated on such views.
pub(super) fn shared_recipe(shared: &toml::Table) -> Result<Recipe, Error> {
    let of = |section: &str| Some((section.to_owned(), shared.get(section)?.clone()));
    let of_every_method: toml::Table = ["model", "view", "train"].into_iter().filter_map(of).collect();
    laid_over(&toml::Table::new(), &[&of_every_method]).map_err(|error| {
        // The method by whose keys they are checked is none of the study.
        let fact = error.to_string().replace(&format!(" of the method {}", MethodName::default()), "");
        key("recipe", fact)
    })
}

/// The recipe of a method.
pub(super) fn recipe(method: &str, file: &toml::Table, over: &[&toml::Table]) -> Result<Recipe, Error> {
    laid_over(file, over).map_err(|source| Error::InMethod { method: method.to_owned(), source: Box::new(source) })
}

/// A recipe with the keys of other tables laid over it. No clip is held out for validation unless one of these says so:
/// the last network is evaluated, not the one of the lowest validation loss.
fn laid_over(file: &toml::Table, over: &[&toml::Table]) -> Result<Recipe, Error> {
    let none = toml::Table::from_iter([("val_fraction".to_owned(), toml::Value::Float(0.0))]);
    let unwatched = toml::Table::from_iter([("train".to_owned(), toml::Value::Table(none))]);
    let layers: Vec<&toml::Table> = [file, &unwatched].into_iter().chain(over.iter().copied()).collect();
    Ok(Recipe::of_layers(&layers)?)
}
