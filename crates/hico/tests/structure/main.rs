//! The borders of the house, computed from the sources: which crate may need which, no circle between files, and lists of
//! modules in the order in which data flows.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::Visit;
use syn::{Attribute, Item, UseTree};

/// A module is known by its path below the root of its crate, which is empty.
type Module = Vec<String>;

/// What one module says.
#[derive(Default)]
struct Contents {
    /// Modules in files of their own, in the order of the list; those for tests alone are left out.
    children: Vec<String>,
    /// Where names come from that a `use` brings in, also for others.
    names: BTreeMap<String, Vec<String>>,
    /// Paths that begin with `crate`, `super` or `self`.
    paths: BTreeSet<Vec<String>>,
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg = attribute.path().is_ident("cfg");
        is_cfg && attribute.meta.require_list().unwrap().tokens.to_string().contains("test")
    })
}

/// Calls `take` with every path of a `use`, and the name that it gets.
fn leaves(tree: &UseTree, before: &[String], take: &mut dyn FnMut(Vec<String>, String)) {
    let with = |name: String| [before, &[name]].concat();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(path.ident.to_string()), take),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, before, take)),
        UseTree::Glob(_) => take(before.to_vec(), "*".to_owned()),
        UseTree::Name(name) if name.ident == "self" => {
            take(before.to_vec(), before.last().cloned().unwrap_or_default());
        }
        UseTree::Name(name) => take(with(name.ident.to_string()), name.ident.to_string()),
        UseTree::Rename(name) => take(with(name.ident.to_string()), name.rename.to_string()),
    }
}

/// The path from the root of the crate that `crate`, `super` or `self` begins.
fn absolute(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let (mut base, mut rest) = match path.first()?.as_str() {
        "crate" => (Vec::new(), &path[1..]),
        "self" => (module.to_vec(), &path[1..]),
        "super" => (module.to_vec(), path),
        _ => return None,
    };
    while rest.first().is_some_and(|first| first == "super") {
        base.pop()?;
        rest = &rest[1..];
    }
    Some([base, rest.to_vec()].concat())
}

/// Gathers paths of everything that is no test.
struct Paths<'a> {
    module: &'a [String],
    found: &'a mut BTreeSet<Vec<String>>,
}

impl Visit<'_> for Paths<'_> {
    fn visit_path(&mut self, path: &syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.found.extend(absolute(self.module, &names));
        syn::visit::visit_path(self, path);
    }

    fn visit_item(&mut self, item: &Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return syn::visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            syn::visit::visit_item(self, item);
        }
    }
}

/// Reads a module's file and those below it.
fn read(file: &Path, folder: &Path, module: Module, all: &mut BTreeMap<Module, Contents>) {
    let parsed = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
    let mut contents = Contents::default();
    for item in &parsed.items {
        match item {
            Item::Mod(item) if item.content.is_none() && !is_for_tests(&item.attrs) => {
                contents.children.push(item.ident.to_string());
            }
            Item::Use(item) if !is_for_tests(&item.attrs) => leaves(&item.tree, &[], &mut |path, name| {
                let own = [module.clone(), path.clone()].concat();
                let from = absolute(&module, &path);
                contents.paths.extend(from.clone());
                contents.names.insert(name, from.unwrap_or(own));
            }),
            _ => {}
        }
    }
    Paths { module: &module, found: &mut contents.paths }.visit_file(&parsed);
    for child in &contents.children {
        let below = folder.join(child);
        let flat = folder.join(format!("{child}.rs"));
        let file = if flat.is_file() { flat } else { below.join("mod.rs") };
        read(&file, &below, [module.clone(), vec![child.clone()]].concat(), all);
    }
    all.insert(module, contents);
}

/// The module in which what a path names is defined, through re-exports.
fn home(path: &[String], all: &BTreeMap<Module, Contents>) -> Module {
    let mut path = path.to_vec();
    for _ in 0..8 {
        let length = (0..=path.len()).rev().find(|length| all.contains_key(&path[..*length])).unwrap_or(0);
        let (module, rest) = path.split_at(length);
        let from = rest.first().and_then(|name| all[module].names.get(name));
        match from {
            Some(from) if from.as_slice() != path => path = [from.as_slice(), &rest[1..]].concat(),
            _ => return module.to_vec(),
        }
    }
    Vec::new()
}

/// Every module of a crate that has sources of its own.
fn modules(name: &str) -> BTreeMap<Module, Contents> {
    let source = crates().join(name).join("src");
    let root = ["lib.rs", "main.rs"].map(|file| source.join(file)).into_iter().find(|file| file.is_file()).unwrap();
    let mut all = BTreeMap::new();
    read(&root, &source, Module::new(), &mut all);
    all
}

/// Who uses whom; a module that holds another one is no user of it, nor the other way round: together they are one.
fn uses(all: &BTreeMap<Module, Contents>) -> BTreeSet<(Module, Module)> {
    let mut uses = BTreeSet::new();
    for (module, contents) in all {
        for path in &contents.paths {
            let other = home(path, all);
            if !module.starts_with(&other) && !other.starts_with(module) {
                uses.insert((module.clone(), other));
            }
        }
    }
    uses
}

fn names() -> Vec<String> {
    let entries = fs::read_dir(crates()).unwrap().map(Result::unwrap);
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What is left when whoever uses nobody that is left is taken out, again and again: the circles, and what leads to them.
fn in_circles(uses: &BTreeSet<(Module, Module)>) -> BTreeSet<Module> {
    let mut left: BTreeSet<Module> = uses.iter().flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    loop {
        let stays = |module: &Module, ends: fn(&(Module, Module)) -> (&Module, &Module)| {
            uses.iter().map(ends).any(|(from, to)| from == module && left.contains(to))
        };
        let kept: BTreeSet<Module> = left
            .iter()
            .filter(|module| stays(module, |(a, b)| (a, b)) && stays(module, |(a, b)| (b, a)))
            .cloned()
            .collect();
        if kept.len() == left.len() {
            return kept;
        }
        left = kept;
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for name in names() {
        let found = in_circles(&uses(&modules(&name)));
        circles.extend(found.iter().map(|module| format!("{name}: {}", module.join("::"))));
    }
    assert!(circles.is_empty(), "these use each other in a circle, or stand between circles: {circles:#?}");
}

#[test]
fn modules_are_listed_in_the_order_in_which_data_flows() {
    let mut wrong = BTreeSet::new();
    for name in names() {
        let all = modules(&name);
        for (module, other) in uses(&all) {
            let shared = module.iter().zip(&other).take_while(|(a, b)| a == b).count();
            let children = &all[&module[..shared]].children;
            let place = |module: &Module| children.iter().position(|child| *child == module[shared]).unwrap();
            if place(&other) > place(&module) {
                wrong.insert(format!(
                    "{name}: {} uses {}, which is listed below it",
                    module.join("::"),
                    other.join("::")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What each crate of ours needs, itself and through others.
fn needed() -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeSet<String> = names().into_iter().collect();
    let manifest = |name: &String| -> toml::Table {
        fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap().parse().unwrap()
    };
    let mut needed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in &names {
        let manifest = manifest(name);
        let direct =
            manifest.get("dependencies").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
        needed.insert(name.clone(), direct.filter(|other| names.contains(*other)).cloned().collect());
    }
    for _ in &names {
        for name in &names {
            let through: BTreeSet<String> = needed[name].iter().flat_map(|other| needed[other].clone()).collect();
            needed.get_mut(name).unwrap().extend(through);
        }
    }
    needed
}

#[test]
fn a_crate_needs_only_what_stands_above_it_in_the_flow() {
    let needed = needed();
    let of = |name: &str| needed[name].iter().map(String::as_str).collect::<Vec<_>>();
    // Who reads files knows no data set, no label and no option of ingest.
    assert_eq!(of("hico-io"), [""; 0]);
    assert_eq!(of("hico-data"), ["hico-io"]);
    assert_eq!(of("hico-kernels"), [""; 0]);
    assert_eq!(of("hico-model"), ["hico-data", "hico-io", "hico-kernels"]);
    assert_eq!(of("hico-train"), ["hico-data", "hico-io", "hico-kernels", "hico-model"]);
    assert_eq!(of("hico-eval"), ["hico-data", "hico-io", "hico-kernels", "hico-model", "hico-train"]);
    // Who answers requests needs no training and no evaluation.
    assert_eq!(of("hico-serve"), ["hico-data", "hico-io", "hico-kernels", "hico-model"]);
}
