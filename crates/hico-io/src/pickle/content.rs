//! Tells what a pickle holds, as far as it matters here: groups of pictures, each with its labels.

use super::array::Array;
use super::numpy::word;
use super::object::{Id, Node, Objects};
use super::reading::{LABELS, Reading};
use crate::pickle_fault::PickleFault;

/// Deepest nesting of lists and dictionaries that is looked into.
const DEEPEST: usize = 6;
/// Most groups of pictures or labels; a pickle of pictures one by one is a list, which is one group.
const MOST_GROUPS: usize = 64;
/// Most objects that are looked into. Lists that share their parts are a few bytes each and would be looked into again
/// and again.
const MOST_LOOKS: usize = 4096;
/// Groups that are told of.
const MOST_TOLD: usize = 8;
/// Most pictures, and labels, of a pickle: each takes memory, however small it is, and one that stands in many lists
/// takes it many times.
const MOST_PICTURES: usize = 1_000_000;
/// Most classes where labels are rows with one 1.
const MOST_CLASSES: usize = 1000;

/// Pictures and their labels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// The key under which it stands in a dictionary, or `train` and `test` where there are two parts.
    pub(super) name: Option<String>,
    pub(super) pictures: Pictures,
    /// As they are written, one a picture.
    pub(super) labels: Option<Vec<PickledLabel>>,
}

/// Pictures of one group.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pictures {
    /// The first axis counts them.
    Stacked(Array),
    /// One array each.
    Each(Vec<Array>),
}

impl Pictures {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Stacked(array) => array.len(),
            Self::Each(arrays) => arrays.len(),
        }
    }
}

/// A label as a pickle has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PickledLabel {
    /// A whole number.
    Number(i64),
    /// Words.
    Words(String),
}

/// One group, in the order in which it stands.
enum Group {
    Pictures(Option<String>, Pictures),
    Labels(Vec<PickledLabel>),
}

/// Finds the parts of a pickle.
pub(super) fn parts(objects: &Objects, reading: &Reading<'_>) -> Result<Vec<Part>, PickleFault> {
    let mut finder = Finder { objects, reading, groups: Vec::new(), looks: 0, things: 0 };
    finder.look(objects.root, None, 0)?;
    let groups = finder.groups;
    let found = describe(&groups);
    let content = |said: String| PickleFault::Content { said };
    let mut labels: Vec<Vec<PickledLabel>> = Vec::new();
    let mut pictures = Vec::new();
    for group in groups {
        match group {
            Group::Pictures(name, group) => pictures.push((name, group)),
            Group::Labels(group) => labels.push(group),
        }
    }
    if pictures.is_empty() {
        return Err(content(format!("no pictures; it holds {found}")));
    }
    if !labels.is_empty() && labels.len() != pictures.len() {
        return Err(content(format!("it holds {found}")));
    }
    let fit = labels.iter().zip(&pictures).all(|(labels, (_, pictures))| labels.len() == pictures.len());
    if !fit {
        return Err(content(format!("not one label a picture; it holds {found}")));
    }
    let two = pictures.len() == 2;
    let mut labels = labels.into_iter();
    let parts = pictures.into_iter().zip(["train", "test"].iter().chain(std::iter::repeat(&"")));
    Ok(parts
        .map(|((name, pictures), usual)| {
            let usual = two.then(|| (*usual).to_owned());
            Part { name: name.as_deref().and_then(split_word).or(usual).or(name), pictures, labels: labels.next() }
        })
        .collect())
}

/// `train`, `val` or `test`, where a key holds the word.
fn split_word(key: &str) -> Option<String> {
    let key = key.to_lowercase();
    ["train", "val", "test"].into_iter().find(|word| key.contains(word)).map(str::to_owned)
}

fn describe(groups: &[Group]) -> String {
    let words = groups.iter().map(|group| match group {
        Group::Pictures(_, Pictures::Stacked(array)) => format!("an array {:?}", array.shape),
        Group::Pictures(_, Pictures::Each(arrays)) => format!("{} pictures", arrays.len()),
        Group::Labels(labels) => format!("{} labels", labels.len()),
    });
    let words: Vec<String> = words.take(MOST_TOLD).collect();
    let end = if groups.len() > MOST_TOLD { ", ..." } else { "" };
    if words.is_empty() { "nothing of the kind".to_owned() } else { format!("{}{end}", words.join(", ")) }
}

struct Finder<'a> {
    objects: &'a Objects,
    reading: &'a Reading<'a>,
    groups: Vec<Group>,
    /// Objects that were looked into.
    looks: usize,
    /// Pictures and labels so far.
    things: usize,
}

impl Finder<'_> {
    fn node(&self, id: Id) -> &Node {
        &self.objects.nodes[id]
    }

    fn look(&mut self, id: Id, name: Option<&str>, depth: usize) -> Result<(), PickleFault> {
        self.looks += 1;
        if depth > DEEPEST || self.groups.len() > MOST_GROUPS || self.looks > MOST_LOOKS {
            return Err(PickleFault::Content { said: "lists within lists, or more than 64 groups".to_owned() });
        }
        let name = name.map(str::to_owned);
        // Counted before anything is made of them.
        self.things += match self.node(id) {
            Node::Array(array) => array.len(),
            Node::List(items) | Node::Tuple(items) => items.len(),
            _ => 0,
        }
        .min(MOST_PICTURES + 1);
        if self.things > MOST_PICTURES {
            return Err(PickleFault::Content { said: format!("more than {MOST_PICTURES} pictures or labels") });
        }
        match self.node(id) {
            Node::Array(array) => match array.shape.len() {
                4 => self.groups.push(Group::Pictures(name, Pictures::Stacked((**array).clone()))),
                3 if is_colour(array) => {
                    self.groups.push(Group::Pictures(name, Pictures::Each(vec![(**array).clone()])))
                }
                3 => self.groups.push(Group::Pictures(name, Pictures::Stacked((**array).clone()))),
                1 | 2 => {
                    let labels = self.labels_of(array)?;
                    self.groups.push(Group::Labels(labels));
                }
                _ => {}
            },
            Node::List(items) | Node::Tuple(items) => {
                let items = items.clone();
                if let Some(group) = self.list(&items, name.as_deref()) {
                    self.groups.extend(group);
                } else if items.len() <= MOST_GROUPS {
                    for item in items {
                        self.look(item, name.as_deref(), depth + 1)?;
                    }
                } else {
                    let said = format!("a list of {} things that are neither all pictures nor all labels", items.len());
                    return Err(PickleFault::Content { said });
                }
            }
            Node::Dict(pairs) => {
                if pairs.len() > MOST_GROUPS {
                    return Err(PickleFault::Content { said: format!("a dictionary of {} keys", pairs.len()) });
                }
                for (key, value) in pairs.clone() {
                    let key = word(self.node(key));
                    self.look(value, key.as_deref().or(name.as_deref()), depth + 1)?;
                }
            }
            // A lone number or word describes; it labels nothing.
            _ => {}
        }
        Ok(())
    }

    /// A list of pictures, of labels, or of pairs of both.
    fn list(&self, items: &[Id], name: Option<&str>) -> Option<Vec<Group>> {
        let pictures = |ids: &[Id]| ids.iter().map(|id| self.picture(*id).cloned()).collect::<Option<Vec<Array>>>();
        let labels = |ids: &[Id]| ids.iter().map(|id| self.label(*id)).collect::<Option<Vec<PickledLabel>>>();
        let name = name.map(str::to_owned);
        if items.is_empty() {
            return None;
        }
        if let Some(pictures) = pictures(items) {
            return Some(vec![Group::Pictures(name, Pictures::Each(pictures))]);
        }
        if let Some(labels) = labels(items) {
            return Some(vec![Group::Labels(labels)]);
        }
        let pair = |id: &Id| match self.node(*id) {
            Node::Tuple(pair) | Node::List(pair) => <[Id; 2]>::try_from(pair.as_slice()).ok(),
            _ => None,
        };
        let pairs = items.iter().map(pair).collect::<Option<Vec<[Id; 2]>>>()?;
        let (first, second): (Vec<Id>, Vec<Id>) = pairs.into_iter().map(|[first, second]| (first, second)).unzip();
        Some(vec![Group::Pictures(name, Pictures::Each(pictures(&first)?)), Group::Labels(labels(&second)?)])
    }

    /// One picture: two axes, or three of which one holds the channels.
    fn picture(&self, id: Id) -> Option<&Array> {
        match self.node(id) {
            Node::Array(array) => {
                let large = array.shape.len() == 2 && array.shape.iter().all(|axis| *axis > 1);
                (array.dtype.is_number() && (large || array.shape.len() == 3 && is_colour(array))).then_some(array)
            }
            _ => None,
        }
    }

    fn label(&self, id: Id) -> Option<PickledLabel> {
        match self.node(id) {
            Node::Int(number) => Some(PickledLabel::Number(*number)),
            Node::Bool(number) => Some(PickledLabel::Number(i64::from(*number))),
            Node::Float(number) => whole(*number).map(PickledLabel::Number),
            node => word(node).map(PickledLabel::Words),
        }
    }

    /// Labels of an array of one axis, or of rows in which one 1 stands.
    fn labels_of(&self, array: &Array) -> Result<Vec<PickledLabel>, PickleFault> {
        let wrong = |said: &str| PickleFault::Content { said: format!("labels of shape {:?} {said}", array.shape) };
        let columns = array.shape.get(1).copied().unwrap_or(1);
        if columns == 0 || columns > MOST_CLASSES || array.len() > MOST_PICTURES {
            return Err(wrong("are no labels"));
        }
        let elements = self.reading.elements(array, LABELS)?;
        if !array.dtype.is_number() {
            let words = elements.chunks(array.dtype.size).map(|bytes| PickledLabel::Words(array.dtype.words(bytes)));
            return if columns == 1 { Ok(words.collect()) } else { Err(wrong("are words in rows")) };
        }
        let numbers: Vec<f64> = elements.chunks(array.dtype.size).map(|bytes| array.dtype.number(bytes)).collect();
        if columns == 1 {
            let numbers: Option<Vec<i64>> = numbers.into_iter().map(whole).collect();
            return Ok(numbers
                .ok_or_else(|| wrong("are no whole numbers"))?
                .into_iter()
                .map(PickledLabel::Number)
                .collect());
        }
        let rows = array.len();
        let at = |row: usize, column: usize| numbers[row * array.steps[0] + column * array.steps[1]];
        let class = |row: usize| {
            let ones: Vec<usize> = (0..columns).filter(|column| at(row, *column) == 1.0).collect();
            let zeros = (0..columns).filter(|column| at(row, *column) == 0.0).count();
            match ones.as_slice() {
                [class] if zeros == columns - 1 => i64::try_from(*class).ok().map(PickledLabel::Number),
                _ => None,
            }
        };
        (0..rows).map(class).collect::<Option<_>>().ok_or_else(|| wrong("are not rows with one 1"))
    }
}

/// Tells whether the first or the last of three axes can be channels.
pub(super) fn is_colour(array: &Array) -> bool {
    matches!(array.shape.as_slice(), [1 | 3, _, _] | [_, _, 1 | 3])
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}
