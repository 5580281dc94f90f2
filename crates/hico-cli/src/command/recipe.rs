//! The recipes that come with hico, and those that a person names.

use crate::args::{RecipeArgs, RecipeCommand};
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico_train::Error;
use hico_train::recipe::{self, MethodName, Recipe, SHIPPED, Shipped};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

/// What to do about a recipe with a fault.
pub(crate) fn remedy(error: &Error) -> String {
    let of_key = match error {
        Error::RecipeKey(fault) => fault.method,
        _ => None,
    };
    let method = of_key.unwrap_or(MethodName::default().name());
    format!("`hico recipe show {method}` prints a recipe with every key of that method and what it may be")
}

/// A recipe, or its fault and what to do about it.
pub(crate) fn hinted(recipe: Result<Recipe, Error>) -> anyhow::Result<Recipe> {
    let remedy = recipe.as_ref().err().map_or_else(String::new, remedy);
    recipe.hint(|| remedy)
}

/// A line of the list.
#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    about: &'static str,
}

/// `hico recipe list` and `hico recipe show NAME`; without a word, and with the name alone, as earlier versions.
pub(crate) fn run(args: &RecipeArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let name = match &args.command {
        Some(RecipeCommand::List) => None,
        Some(RecipeCommand::Show { name }) => Some(name),
        None => args.name.as_ref(),
    };
    match name {
        Some(name) => {
            let shipped = Shipped::asked_for(Path::new(name)).or_else(|| Shipped::meant_by(Path::new(name)));
            let shipped = shipped.with_context(|| format!("{name}: no recipe of that name comes with hico"));
            let shipped = shipped.hint(|| "`hico recipe list` names those that do".to_owned())?;
            if output.is_json() {
                output.result(&shipped.recipe(), |_| String::new())?;
            } else {
                let rest = shipped.unwritten().into_iter().map(|(key, value)| format!("# {key} = {value}\n"));
                let rest: String = rest.collect();
                let head = if rest.is_empty() { "" } else { "\n# Not written above, and so at their defaults:\n" };
                output.text(&format!("{}{head}{rest}", shipped.toml));
            }
        }
        None => {
            let listed = SHIPPED.map(|shipped| Listed { name: shipped.name, about: shipped.about() });
            let line = |listed: &Listed| format!("{:<13} {}\n", listed.name, listed.about);
            output.result(&listed, |listed| listed.iter().map(line).collect())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A recipe that a person named.
pub(crate) struct ReadRecipe {
    /// What an error shall call it.
    pub(crate) shown: String,
    pub(crate) recipe: Recipe,
    /// Whether its file says how views are normalised.
    pub(crate) sets_normalisation: bool,
}

/// Reads the recipe that a person names, by a name that comes with hico or a file, or by a method; the paper's where there
/// is neither.
pub(crate) fn read(named: Option<&Path>, method: Option<MethodName>) -> anyhow::Result<ReadRecipe> {
    let Some(path) = named else {
        let method = method.unwrap_or_default();
        let (shown, recipe) = (format!("the recipe of {method}"), Recipe::of_method(method));
        return Ok(ReadRecipe { shown, recipe, sets_normalisation: false });
    };
    let shown = path.display().to_string();
    if let Some(shipped) = Shipped::asked_for(path) {
        let sets_normalisation = recipe::sets_normalisation(shipped.toml);
        return Ok(ReadRecipe { shown: format!("the recipe {shown}"), recipe: shipped.recipe(), sets_normalisation });
    }
    let text = std::fs::read_to_string(path).with_context(|| shown.clone()).hint(|| match Shipped::meant_by(path) {
        Some(shipped) => format!("`--recipe {}` takes the recipe of that name, which comes with hico", shipped.name),
        None => "`hico recipe list` names the recipes that come with hico, which --recipe takes by name".to_owned(),
    })?;
    let recipe = hinted(Recipe::parse(&text)).with_context(|| shown.clone())?;
    Ok(ReadRecipe { shown, recipe, sets_normalisation: recipe::sets_normalisation(&text) })
}
