//! Which keys a method reads, where they used to stand, and what to say of one that it does not read.

use super::entries::Written;
use super::{MethodName, MethodRecipe, ModelRecipe, Supervision, TrainRecipe};
use crate::settings::views::OF_SOME;
use crate::{Error, KeyFault};
use hico_data::view::ViewRecipe;
use serde::Serialize;
use toml::Value;

/// A section of a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Method,
    Model,
    View,
    Train,
}

impl Section {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Model => "model",
            Self::View => "view",
            Self::Train => "train",
        }
    }
}

/// A key where it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) section: Section,
    pub(super) name: String,
}

impl Key {
    fn of_method(name: &str) -> Self {
        Self { section: Section::Method, name: name.to_owned() }
    }

    /// Returns true for the key that names the method.
    pub(super) fn is_name(&self) -> bool {
        self.section == Section::Method && self.name == NAME
    }

    /// Returns true where a method reads it.
    fn is_read_by(&self, method: MethodName) -> bool {
        match self.section {
            Section::Method => self.is_name() || MethodRecipe::of(method).table().contains_key(&self.name),
            Section::View if OF_SOME.contains(&self.name.as_str()) => method.view_keys().contains(&self.name.as_str()),
            Section::View | Section::Model | Section::Train => true,
        }
    }

    /// Returns true for a value that turns off what a method that does not read the key does not do anyway.
    fn is_neutral(&self, value: &Value) -> bool {
        match (self.section, self.name.as_str(), value) {
            (Section::View, "mixup" | "pair_within" | "pair_across_clips", Value::Float(number)) => *number == 0.0,
            (Section::View, "mixup" | "pair_within" | "pair_across_clips", Value::Integer(number)) => *number == 0,
            (Section::View, "aligned_mix", Value::Boolean(on)) => !on,
            (Section::Method, "supervision", Value::String(word)) => word == "self",
            _ => false,
        }
    }

    fn in_words(&self) -> String {
        format!("{} below [{}]", self.name, self.section.name())
    }
}

/// The key that names the method, which no method has among its own.
const NAME: &str = "name";

/// Keys that have moved or have another name: where they stood, and where they stand.
const MOVED: [(&str, &str, Section, &str); 14] = [
    ("loss", "temperature", Section::Method, "temperature"),
    ("loss", "peer_weight", Section::Method, "peer_weight"),
    ("loss", "label_weight", Section::Method, "label_weight"),
    ("loss", "smoothing", Section::Method, "smoothing"),
    ("loss", "cross_pairs", Section::Method, "cross_pairs"),
    ("loss", "soft_target", Section::Method, "soft_target"),
    ("model", "depth", Section::Model, "backbone"),
    ("model", "medium_from", Section::Method, "medium_from"),
    ("model", "projector", Section::Method, "projector"),
    ("method", "teacher_momentum", Section::Method, "momentum"),
    ("view", "side", Section::View, "image_size"),
    ("train", "watch_fraction", Section::Train, "val_fraction"),
    ("train", "recompute_activations", Section::Train, "gradient_checkpointing"),
    ("train", "decay", Section::Train, "weight_decay_mode"),
];

/// Keys of which a record of an earlier version holds every one, whatever its method.
const OF_EVERY_OLD_RECORD: [(&str, &str); 6] = [
    ("method", "teacher_momentum"),
    ("method", "queue"),
    ("model", "projector"),
    ("loss", "temperature"),
    ("loss", "soft_target"),
    ("view", "pair_within"),
];

/// Returns true where a program of an earlier version wrote the recipe, with every key of every method.
pub(super) fn is_old_record(written: &[Written]) -> bool {
    OF_EVERY_OLD_RECORD
        .iter()
        .all(|(section, key)| written.iter().any(|one| one.section == *section && one.key == *key))
}

/// Finds the key that a method reads where something is written; nothing where that may be read over.
///
/// - `record`: it is the record of a run: a key that its method never read says nothing
pub(super) fn find(written: &Written, method: MethodName, record: bool) -> Result<Option<Key>, Error> {
    let moved = MOVED.iter().find(|(section, name, ..)| *section == written.section && *name == written.key);
    let key = match moved {
        Some((.., section, name)) => Key { section: *section, name: (*name).to_owned() },
        None => {
            let mut known = MethodName::all().into_iter().flat_map(known_to);
            let there = known.find(|key| key.section.name() == written.section && key.name == written.key);
            there.ok_or_else(|| refuse(written, method, unknown(written, method)))?
        }
    };
    if key.is_read_by(method) {
        return Ok(Some(key));
    }
    // In earlier records the only temperature of DINO is the student's.
    let student = Key::of_method("student_temperature");
    if record && key.name == "temperature" && student.is_read_by(method) {
        return Ok(Some(student));
    }
    if record || key.is_neutral(&written.value) {
        return Ok(None);
    }
    Err(refuse(written, method, unread(&key, method)))
}

/// Refuses labels for a method that does not read them.
pub(super) fn reads_no_labels(method: MethodName, asked: Supervision) -> Error {
    let value = serde_json::to_value(asked).map_or_else(|_| format!("{asked:?}"), |word| word.to_string());
    let [fact, remedy] = unread(&Key::of_method("supervision"), method);
    let (reason, key) = (format!("{fact}; {remedy}"), "method.supervision".to_owned());
    Error::RecipeKey(Box::new(KeyFault { line: None, key, value, method: Some(method.name()), reason }))
}

fn refuse(written: &Written, method: MethodName, [fact, remedy]: [String; 2]) -> Error {
    let (line, key, value) = (written.line, written.name(), written.shown());
    let reason = format!("{fact}; {remedy}");
    Error::RecipeKey(Box::new(KeyFault { line, key, value, method: Some(method.name()), reason }))
}

fn unread(key: &Key, method: MethodName) -> [String; 2] {
    let fact = format!("the method {method} does not read it");
    let counterparts: &[&str] = match key.name.as_str() {
        "temperature" => &["student_temperature", "teacher_temperature"],
        "student_temperature" | "teacher_temperature" => &["temperature"],
        "queue" => &["negatives"],
        "negatives" => &["queue"],
        _ => &[],
    };
    let read = |name: &&&str| Key::of_method(name).is_read_by(method);
    let own: Vec<&str> = counterparts.iter().filter(read).copied().collect();
    if !own.is_empty() {
        return [fact, format!("write {} below [method]", own.join(" or "))];
    }
    let readers = readers(key);
    let does = if readers.len() == 1 { "does" } else { "do" };
    [fact, format!("leave it out, or choose a method that does: {} {does}", and(&readers))]
}

fn readers(key: &Key) -> Vec<&'static str> {
    let readers = MethodName::all().into_iter().filter(|method| known_to(*method).contains(key));
    readers.map(|method| method.name()).collect()
}

fn and(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn unknown(written: &Written, method: MethodName) -> [String; 2] {
    let fact = format!("there is no such key of the method {method}");
    let near = |known: Vec<Key>| {
        // Under the name of an earlier version it is the same key.
        let earlier = |key: &Key| {
            let of = |(_, old, section, name): &(&str, &str, Section, &str)| {
                (*section == key.section && *name == key.name).then(|| (*old).to_owned())
            };
            MOVED.iter().filter_map(of).collect::<Vec<_>>()
        };
        let named = known.into_iter().flat_map(|key| {
            let names = earlier(&key).into_iter().chain([key.name.clone()]).collect::<Vec<_>>();
            names.into_iter().map(move |name| (name, key.clone()))
        });
        // Of two that are as near, the one of the same section.
        let rank = |(name, key): &(String, Key)| (apart(name, &written.key), key.section.name() != written.section);
        let (name, nearest) = named.min_by_key(rank)?;
        (apart(&name, &written.key) <= 1.max(written.key.chars().count() / 3)).then_some(nearest)
    };
    if let Some(own) = near(known_to(method)) {
        return [fact, format!("did you mean {}?", own.in_words())];
    }
    match near(MethodName::all().into_iter().flat_map(known_to).collect()) {
        Some(key) => {
            let readers = readers(&key);
            let read = if readers.len() == 1 { "reads" } else { "read" };
            [fact, format!("did you mean {}? {} {read} it", key.in_words(), and(&readers))]
        }
        None => [fact, "leave it out".to_owned()],
    }
}

/// Returns every key that a method reads.
fn known_to(method: MethodName) -> Vec<Key> {
    let of = |section: Section, names: Vec<String>| names.into_iter().map(move |name| Key { section, name });
    let own = of(Section::Method, MethodRecipe::of(method).table().keys().cloned().chain([NAME.to_owned()]).collect());
    let model = of(Section::Model, keys_of(&ModelRecipe::default()));
    let view = of(Section::View, keys_of(&ViewRecipe::default())).filter(|key| key.is_read_by(method));
    own.chain(model).chain(view).chain(of(Section::Train, keys_of(&TrainRecipe::default()))).collect()
}

fn keys_of(section: &impl Serialize) -> Vec<String> {
    match serde_json::to_value(section) {
        Ok(serde_json::Value::Object(keys)) => keys.into_iter().map(|(key, _)| key).collect(),
        _ => Vec::new(),
    }
}

/// How far what is written is from a name: a part of it that stands by itself, as `warmup` of `warmup_epochs`, is as near as
/// one letter.
fn apart(name: &str, written: &str) -> usize {
    let far = distance(name, written);
    if written.len() > 3 && name.split('_').any(|word| word == written) { far.min(1) } else { far }
}

/// Counts the letters to put in, take out or exchange to make one word of another (Levenshtein 1966).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let exchanged = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
