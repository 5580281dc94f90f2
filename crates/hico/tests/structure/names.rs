//! The words of the code: a public type says what it is without its module, and words that were given up for those of the
//! field do not come back.

use super::{crates, is_for_tests};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Ident, ItemMod, Visibility};

/// Names that say nothing without their module; of each there is one public type at most.
const VAGUE: [&str; 8] = ["Entry", "Kind", "Part", "Place", "Progress", "Row", "Source", "Step"];

/// Words of names that were given up, and what is written instead.
#[rustfmt::skip]
const RETIRED: &[(&[&str], &str)] = &[
    (&["contender", "contenders"], "encoder"),
    (&["cuts"], "bins"),
    (&["desk", "door"], "concurrency limit, permit, auth"),
    (&["floor", "floors"], "baseline"),
    (&["gravity"], "severity"),
    (&["judge", "judged", "judging"], "evaluate, evaluator, evaluation"),
    (&["perceptron", "widths", "trunk"], "MLP, MLP dims, backbone"),
    (&["sitting"], "ingest session"),
    (&["veil", "veiled"], "pseudonymise"),
    (&["watch", "watched"], "validation"),
    (&["whose"], "patient reference"),
    (&["workplace"], "context"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".rs"))
            && !path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests"))
        {
            found.push(path);
        }
    }
}

/// Names of items outside of tests, of whole types that are public apart.
#[derive(Default)]
struct Names {
    items: Vec<String>,
    public_types: Vec<String>,
}

impl Names {
    fn item(&mut self, name: &Ident) {
        self.items.push(name.to_string());
    }

    fn of_type(&mut self, name: &Ident, visibility: &Visibility) {
        self.item(name);
        if matches!(visibility, Visibility::Public(_)) {
            self.public_types.push(name.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            self.item(&item.ident);
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.of_type(&item.ident, &item.vis);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.of_type(&item.ident, &item.vis);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.of_type(&item.ident, &item.vis);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.of_type(&item.ident, &item.vis);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.item(&item.ident);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.item(&signature.ident);
        visit::visit_signature(self, signature);
    }
}

/// The words of a name, in lower case: `FrameSource` and `frame_source` are made of the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        let begins = letter == '_' || letter.is_uppercase() && !words.last().unwrap().ends_with(char::is_uppercase);
        if begins && !words.last().unwrap().is_empty() {
            words.push(String::new());
        }
        if letter != '_' {
            words.last_mut().unwrap().push(letter);
        }
    }
    words.into_iter().map(|word| word.to_lowercase()).collect()
}

fn names_by_file() -> BTreeMap<PathBuf, Names> {
    let crates = crates();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&crates).unwrap() {
        let folder = entry.unwrap().path().join("src");
        if folder.is_dir() {
            sources(&folder, &mut files);
        }
    }
    let of_file = |path: PathBuf| {
        let mut names = Names::default();
        names.visit_file(&syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap());
        (path.strip_prefix(&crates).unwrap().to_owned(), names)
    };
    files.into_iter().map(of_file).collect()
}

#[test]
fn a_name_that_says_nothing_is_of_one_public_type_at_most() {
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (file, names) in names_by_file() {
        for name in names.public_types.into_iter().filter(|name| VAGUE.contains(&name.as_str())) {
            found.entry(name).or_default().push(file.clone());
        }
    }
    let several: Vec<_> = found.into_iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(several.is_empty(), "{several:#?}");
}

#[test]
fn a_word_that_was_given_up_is_in_no_name() {
    assert_eq!(words("FrameSource"), ["frame", "source"]);
    assert_eq!(words("MOST_WATCHED"), ["most", "watched"]);
    let mut found = Vec::new();
    for (file, names) in names_by_file() {
        for name in names.items {
            let retired =
                |(retired, _): &&(&[&str], &str)| words(&name).iter().any(|word| retired.contains(&word.as_str()));
            if let Some((_, write)) = RETIRED.iter().find(retired) {
                found.push(format!("{}: {name}: write {write}", file.display()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
