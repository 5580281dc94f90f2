//! The recipes that come with hico, by name.

use super::Recipe;
use std::path::Path;
use toml::Table;

/// A recipe that comes with hico.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its name: that of its file in `recipes/`, without the ending.
    pub name: &'static str,
    /// The file, comments included.
    pub toml: &'static str,
}

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        [$(Shipped { name: $name, toml: include_str!(concat!("../../../../recipes/", $name, ".toml")) }),+]
    };
}

/// Every recipe that comes with hico; the first is the paper's.
pub const SHIPPED: [Shipped; 13] = shipped![
    "hico",
    "hico-plus",
    "hico-authors",
    "simclr",
    "dcl",
    "uscl",
    "moco",
    "byol",
    "vicreg",
    "dino",
    "ucl",
    "ivpp",
    "latent",
];

impl Shipped {
    /// Finds a recipe by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SHIPPED.into_iter().find(|shipped| shipped.name == name)
    }

    /// Finds the recipe that a path is the bare name of: `hico-plus`, but neither `./hico-plus` nor `hico-plus.toml`,
    /// which are files.
    #[must_use]
    pub fn asked_for(path: &Path) -> Option<Self> {
        path.to_str().and_then(Self::named)
    }

    /// Finds the recipe that somebody means who names an absent file: `recipes/hico.toml` outside of a clone.
    #[must_use]
    pub fn meant_by(path: &Path) -> Option<Self> {
        path.file_stem().and_then(|stem| stem.to_str()).and_then(Self::named)
    }

    /// Parses it.
    ///
    /// # Panics
    /// Never; a test reads every one of them.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test reads every recipe that comes with hico")]
    pub fn recipe(self) -> Recipe {
        Recipe::parse(self.toml).expect("a recipe that comes with hico")
    }

    /// Returns the keys that its file does not write, each with its value: `("train.drop_last", "false")`.
    ///
    /// # Panics
    /// Never: a recipe that comes with hico is a table of tables.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test does it with every recipe that comes with hico")]
    pub fn unwritten(self) -> Vec<(String, String)> {
        let written: Table = toml::from_str(self.toml).expect("TOML");
        let every = Table::try_from(self.recipe()).expect("a table");
        let tables = every.into_iter().filter_map(|(section, keys)| Some((section, keys.as_table()?.clone())));
        let mut unwritten = Vec::new();
        for (section, keys) in tables {
            let there = written.get(&section).and_then(toml::Value::as_table);
            let absent = keys.into_iter().filter(|(key, _)| there.is_none_or(|there| !there.contains_key(key)));
            unwritten.extend(absent.map(|(key, value)| (format!("{section}.{key}"), value.to_string())));
        }
        unwritten
    }

    /// Returns its first sentence: what it is.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.toml.lines().next().unwrap_or_default().trim_start_matches(['#', ' '])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::MethodName;

    #[test]
    fn every_recipe_that_comes_with_hico_is_found_by_its_name_and_reads() {
        for shipped in SHIPPED {
            assert_eq!(Shipped::asked_for(Path::new(shipped.name)), Some(shipped));
            assert_eq!(Shipped::meant_by(Path::new(&format!("recipes/{}.toml", shipped.name))), Some(shipped));
            assert!(!shipped.about().is_empty() && !shipped.recipe().train().drop_last, "{}", shipped.name);
        }
        for shipped in SHIPPED {
            // What is not written is as it stands there: written out, the recipe is the same.
            let rest: String = shipped.unwritten().iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
            let layers = [shipped.toml, &rest].map(|text| toml::from_str::<Table>(text).unwrap());
            assert_eq!(Recipe::of_layers(&layers.each_ref()).unwrap(), shipped.recipe(), "{}", shipped.name);
        }
        let unwritten = |name: &str| Shipped::named(name).unwrap().unwritten();
        assert!(unwritten("simclr").contains(&("train.drop_last".to_owned(), "false".to_owned())));
        assert!(!unwritten("hico").iter().any(|(key, _)| key.starts_with("train.")), "{:?}", unwritten("hico"));
        assert_eq!(Shipped::asked_for(Path::new("./hico")), None, "a path is a file");
        assert_eq!(Shipped::meant_by(Path::new("my.toml")), None);
        // What a method is by default stands in its file as well, key by key, for people to read.
        for method in MethodName::all() {
            let shipped = Shipped::named(method.name()).unwrap();
            assert_eq!(shipped.recipe(), Recipe::of_method(method), "{method}");
            let name = format!("[method]\nname = \"{method}\"\n");
            assert_eq!(Recipe::parse(&name).unwrap(), shipped.recipe(), "{method}");
            for written in toml::Table::try_from(shipped.recipe()).unwrap()["method"].as_table().unwrap().keys() {
                assert!(shipped.toml.contains(&format!("\n{written} = ")), "{method}: {written}");
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_comes_with_hico() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort_unstable();
        let mut names: Vec<&str> = SHIPPED.iter().map(|shipped| shipped.name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
    }
}
