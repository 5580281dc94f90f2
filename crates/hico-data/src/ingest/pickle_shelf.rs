//! All pickles of a tree → candidates for clips, a picture each, with label and fold.

use super::labels::{Facts, fold_of_word};
use super::told::{SPLIT_WORDS, Told};
use super::walk::{Found, Tree, What, natural};
use hico_io::pickle::{Axes, PickledItem, PickledLabel, PickledParts, open};
use hico_io::{Limits, guard, sniff};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How pickles are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pickles {
    /// Names of the classes 0, 1, ...; without them the numbers are the names.
    pub classes: Vec<String>,
    /// Which way round rows and columns are.
    pub axes: Axes,
}

const SUFFIXES: [&str; 4] = ["pkl", "pickle", "pck", "p"];

/// Whether a file's name says that it is a pickle; the content of most cannot say so.
pub(crate) fn is_pickle(key: &str) -> bool {
    sniff::suffix(key).is_some_and(|suffix| SUFFIXES.contains(&suffix.as_str()))
}

/// One pickle that could be read: its key, and its parts.
type Read = (String, PickledParts);

/// Makes the pictures in the pickles of a tree its candidates; whatever else it holds is left out.
pub(crate) fn unpack(root: &Path, tree: &mut Tree, reading: &Pickles) -> Told {
    let mut told = Told::default();
    let (mut keys, others): (Vec<String>, Vec<String>) =
        tree.found.drain(..).map(|found| found.key).partition(|key| is_pickle(key));
    told.left_out = others;
    keys.sort_by(|a, b| natural(a, b));
    let mut read: Vec<Read> = Vec::new();
    for key in keys {
        let (path, axes) = (root.join(&key), reading.axes);
        // What a pickle of pictures may cost is not asked for this early.
        let seconds = Limits::default().seconds;
        let opened = guard::run(seconds, &AtomicBool::new(false), move |_| Ok(open(&path, axes)?));
        match opened {
            Ok(parts) => read.push((key, parts)),
            Err(why) => tree.found.push(found(key, What::Refused(why.into()))),
        }
    }
    let folds = Folds::of(&read);
    told.notes.extend(folds.notes(&read));
    let names = Names::of(&read, &reading.classes);
    told.notes.extend(names.note());
    for (number, (key, parts)) in read.into_iter().enumerate() {
        for (name, items) in parts {
            let Some(fold) = folds.fold(number, name.as_deref()) else { continue };
            let folder = name.map_or_else(|| key.clone(), |name| format!("{key}/{name}"));
            for (place, item) in items.into_iter().enumerate() {
                let key = format!("{folder}/{place:05}");
                let label = item.label.as_ref().map(|label| names.name(label));
                if label.is_none() {
                    told.silent.push(key.clone());
                }
                told.facts.insert(key.clone(), Facts { label, fold, ..Facts::default() });
                tree.found.push(found(key, What::Pickled(Arc::new(item.picture))));
            }
        }
    }
    tree.found.sort_by(|a, b| a.key.cmp(&b.key));
    told
}

fn found(key: String, what: What) -> Found {
    Found { source: key.clone(), key, what, optional: false }
}

/// What the parts of the pickles say of folds.
enum Folds {
    /// Each pickle is one fold of a cross-validation: its test part is the fold, its train part all the other ones again.
    CrossValidation,
    /// One pickle with parts to train on and to test on.
    Split,
    /// Nothing.
    Unknown,
    /// Several pickles have such parts, and they do not add up to a cross-validation.
    Unclear,
}

impl Folds {
    fn of(read: &[Read]) -> Self {
        let words = |parts: &[(Option<String>, Vec<PickledItem>)]| {
            let folds = parts.iter().map(|(name, _)| fold_of_word(name.as_deref()?));
            folds.collect::<Option<Vec<usize>>>().filter(|folds| folds.len() > 1)
        };
        let size = |parts: &[(Option<String>, Vec<PickledItem>)], word: &str| -> usize {
            parts.iter().filter(|(name, _)| name.as_deref() == Some(word)).map(|(_, items)| items.len()).sum()
        };
        let splits = read.iter().filter(|(_, parts)| words(parts).is_some()).count();
        let tests: usize = read.iter().map(|(_, parts)| size(parts, "test")).sum();
        let adds_up = |(_, parts): &Read| {
            let (train, test) = (size(parts, "train"), size(parts, "test"));
            parts.len() == 2 && test > 0 && train + test == tests
        };
        match (read.len(), splits) {
            (_, 0) => Self::Unknown,
            (1, 1) => Self::Split,
            (2.., _) if read.iter().all(adds_up) => Self::CrossValidation,
            _ => Self::Unclear,
        }
    }

    /// The fold of a part, if it has one; `None` where the part is left out.
    fn fold(&self, pickle: usize, part: Option<&str>) -> Option<Option<usize>> {
        match self {
            Self::CrossValidation => (part == Some("test")).then_some(Some(pickle)),
            Self::Split => Some(part.and_then(fold_of_word)),
            Self::Unknown | Self::Unclear => Some(None),
        }
    }

    fn notes(&self, read: &[Read]) -> Vec<String> {
        if read.is_empty() {
            return Vec::new();
        }
        let pictures: usize = read
            .iter()
            .enumerate()
            .flat_map(|(number, (_, parts))| parts.iter().map(move |part| (number, part)))
            .filter(|(number, (name, _))| self.fold(*number, name.as_deref()).is_some())
            .map(|(_, (_, items))| items.len())
            .sum();
        let files = if read.len() == 1 { "one pickle".to_owned() } else { format!("{} pickles", read.len()) };
        let first = format!("layout pickles: {pictures} pictures in {files}; nothing in them was executed");
        let second = match self {
            Self::CrossValidation => format!(
                "the sizes of the train and test parts are those of a cross-validation: the test part of {} is fold 0, and so on; \
                 train parts hold the same pictures again and are left out",
                read[0].0
            ),
            Self::Split => {
                format!("two parts without a name are taken as train, then test; {}", SPLIT_WORDS)
            }
            Self::Unclear => {
                "train and test parts do not add up to a cross-validation: all parts are taken, without folds, and a \
                              picture may stand in several; hico audit finds it"
                    .to_owned()
            }
            Self::Unknown => return vec![first],
        };
        vec![first, second]
    }
}

/// Names of the classes.
struct Names {
    classes: Vec<String>,
    digits: usize,
    /// The numbers there are, by number.
    numbers: Vec<i64>,
}

impl Names {
    fn of(read: &[Read], classes: &[String]) -> Self {
        let items = read.iter().flat_map(|(_, parts)| parts).flat_map(|(_, items)| items);
        let mut numbers: Vec<i64> = items
            .filter_map(|item| match item.label {
                Some(PickledLabel::Number(number)) => Some(number),
                _ => None,
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let digits = numbers.iter().map(|number| number.to_string().len()).max().unwrap_or(1);
        Self { classes: classes.to_vec(), digits, numbers }
    }

    fn given(&self, number: i64) -> Option<&String> {
        self.classes.get(usize::try_from(number).ok()?)
    }

    fn name(&self, label: &PickledLabel) -> String {
        match label {
            PickledLabel::Words(words) => words.clone(),
            PickledLabel::Number(number) => {
                let digits = self.digits;
                self.given(*number).cloned().unwrap_or_else(|| format!("{number:0digits$}"))
            }
        }
    }

    fn note(&self) -> Option<String> {
        let nameless: Vec<String> =
            self.numbers.iter().filter(|number| self.given(**number).is_none()).map(i64::to_string).collect();
        let first = nameless.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
        (!nameless.is_empty()).then(|| format!("classes without a name: {first}; name them with --classes"))
    }
}
