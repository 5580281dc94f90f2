//! Finds the clip that a path in a table names. A row's own folders are never contradicted: `P001/loop.gif` is not
//! `P002/loop.gif`, whatever else there is. The rules stand in `docs/DATA.md`.

use super::suffixes::{Suffixes, Target};
use crate::spelling::{caseless, composed};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where paths of a table may begin.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Folders of the absolute path of the source folder.
    source: Vec<String>,
    /// Absolute folders that a path may be relative to: that of the table.
    bases: Vec<Vec<String>>,
    /// Ways that stand for the source folder, longest first.
    roots: Vec<Vec<String>>,
    /// Ways from the source folder down to the folder of a table inside of it, deepest first.
    below: Vec<Vec<String>>,
}

impl Places {
    /// - `table`, `source`: canonical
    /// - `given`: the source folder as it was given
    /// - `roots`: what the user says that paths begin with
    pub(super) fn new(table: &Path, source: &Path, given: &Path, roots: &[String]) -> Self {
        let source_parts = folders(source);
        let table_parts = table.parent().map(folders).unwrap_or_default();
        let below = table_parts.strip_prefix(source_parts.as_slice()).unwrap_or_default();
        let below = (1..=below.len()).rev().map(|end| below[..end].to_vec()).collect();
        let mut ways = BTreeSet::new();
        for path in [source_parts.clone(), std::path::absolute(given).map(|path| folders(&path)).unwrap_or_default()] {
            ways.extend((0..path.len()).map(|begin| path[begin..].to_vec()));
        }
        ways.extend(roots.iter().map(|root| parts_of_root(root)).filter(|parts| !parts.is_empty()));
        let mut roots: Vec<Vec<String>> = ways.into_iter().collect();
        roots.sort_by_key(|parts| std::cmp::Reverse(parts.len()));
        Self { source: source_parts, bases: vec![table_parts], roots, below }
    }

    /// Paths of a source folder that is not at hand.
    ///
    /// - `roots`: as for [`Self::new`]
    pub(super) fn of_roots(roots: &[String]) -> Self {
        let roots = roots.iter().map(|root| parts_of_root(root)).filter(|parts| !parts.is_empty()).collect();
        Self { roots, ..Self::default() }
    }

    /// The ways inside the source folder that a path may mean, likeliest first.
    fn inside(&self, path: &Written, same: fn(&str, &str) -> bool) -> Vec<Vec<String>> {
        let mut inside: Vec<Vec<String>> = Vec::new();
        let climbs = path.parts.first().is_some_and(|part| part == "..");
        if !path.absolute && !climbs {
            inside.push(path.parts.clone());
            inside.extend(self.below.iter().map(|way| [way.as_slice(), &path.parts].concat()));
        }
        if !path.absolute {
            for base in self.bases.iter().chain([&self.source]) {
                let whole = resolved(base.iter().chain(&path.parts));
                inside.extend(stripped(&whole, &self.source, same));
            }
        }
        inside.extend(self.roots.iter().filter_map(|root| stripped(&path.parts, root, same)));
        inside.retain(|way| !way.is_empty());
        inside
    }
}

/// A root as the user wrote it, perhaps with the backslashes of the table.
fn parts_of_root(root: &str) -> Vec<String> {
    Written::of(&root.replace('\\', "/")).parts
}

/// Whether a path of a table begins with what is said to stand for the source folder, in letters of any case.
pub(super) fn begins_with(path: &str, root: &str) -> bool {
    stripped(&Written::of(path).parts, &parts_of_root(root), |a, b| caseless(a) == caseless(b)).is_some()
}

fn folders(path: &Path) -> Vec<String> {
    let text = path.to_str().unwrap_or_default().replace('\\', "/");
    Written::of(&text).parts
}

fn stripped(path: &[String], root: &[String], same: fn(&str, &str) -> bool) -> Option<Vec<String>> {
    let begins = path.len() > root.len() && root.iter().zip(path).all(|(a, b)| same(a, b));
    begins.then(|| path[root.len()..].to_vec())
}

/// `a/b` of `a/x/../b`; a `..` in front stays.
fn resolved<'a>(parts: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for part in parts {
        match part.as_str() {
            "" | "." => {}
            ".." if out.last().is_some_and(|last| last != "..") => drop(out.pop()),
            _ => out.push(part.clone()),
        }
    }
    out
}

/// A path as a table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// Its folders and its name, without `.` and, but in front, `..`; in composed letters.
    parts: Vec<String>,
    /// Whether it begins at the root of some machine.
    absolute: bool,
}

impl Written {
    /// - `text`: with `/`
    pub(super) fn of(text: &str) -> Self {
        let text = composed(text);
        let (scheme, path) = match text.split_once("://") {
            Some((scheme, path)) if scheme.chars().all(|letter| letter.is_ascii_alphanumeric()) => (true, path),
            _ => (false, text.as_ref()),
        };
        let drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
        let absolute = scheme || drive || path.starts_with('/') || path.starts_with("~/");
        let parts: Vec<String> = path.split('/').map(|part| part.trim().to_owned()).collect();
        Self { parts: resolved(parts.iter()), absolute }
    }

    /// `a b` for `a%20b`; nothing where it holds no such letters.
    fn decoded(&self) -> Option<Self> {
        let parts: Vec<String> = self.parts.iter().map(|part| decoded(part)).collect::<Option<_>>()?;
        (parts != self.parts).then_some(Self { parts, absolute: self.absolute })
    }

    fn folders(&self) -> &[String] {
        &self.parts[..self.parts.len().saturating_sub(1)]
    }
}

/// Letters for their `%20`; nothing where that is no text.
fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let code =
            code.filter(|code| code.iter().all(u8::is_ascii_hexdigit)).and_then(|code| str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|byte| *byte != b'/' && *byte != 0) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok().map(|text| composed(&text).into_owned())
}

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named<'a> {
    /// This clip, all folders told, or one picture of it.
    Exactly { clip: &'a str, by_frame: bool },
    /// The only clip that it can name: it tells fewer folders than there are, no suffix, or lies on another machine.
    Only { clip: &'a str, by_frame: bool },
    /// Either of two.
    Either(&'a str, &'a str),
    /// None.
    Nothing,
}

/// The clips that paths may name.
pub(super) struct Finder<'a> {
    places: Places,
    by_path: BTreeMap<Cow<'a, str>, Vec<&'a str>>,
    clip_of_frame: &'a dyn Fn(&str) -> Option<&'a str>,
    frames: &'a dyn Fn() -> Vec<(String, &'a str)>,
    suffixes: OnceCell<Suffixes<'a>>,
}

fn equal(a: &str, b: &str) -> bool {
    a == b
}

fn equal_but_for_case(a: &str, b: &str) -> bool {
    a == b || caseless(a) == caseless(b)
}

impl<'a> Finder<'a> {
    /// - `keys`: the clips; `clip_of_frame`: the clip of a picture in a folder of frames
    /// - `frames`: every picture in a folder of frames, and its clip
    pub(super) fn new(
        places: Places,
        keys: &BTreeSet<&'a str>,
        clip_of_frame: &'a dyn Fn(&str) -> Option<&'a str>,
        frames: &'a dyn Fn() -> Vec<(String, &'a str)>,
    ) -> Self {
        let mut by_path: BTreeMap<Cow<'a, str>, Vec<&'a str>> = BTreeMap::new();
        for key in keys {
            by_path.entry(composed(key)).or_default().push(key);
        }
        Self { places, by_path, clip_of_frame, frames, suffixes: OnceCell::new() }
    }

    fn suffixes(&self) -> &Suffixes<'a> {
        self.suffixes.get_or_init(|| {
            let clips = self.by_path.iter().flat_map(|(path, clips)| {
                clips.iter().map(|clip| Target { path: path.clone(), clip, is_frame: false })
            });
            let frames = (self.frames)().into_iter().map(|(path, clip)| {
                let path = Cow::Owned(composed(&path).into_owned());
                Target { path, clip, is_frame: true }
            });
            Suffixes::of(clips.chain(frames).collect())
        })
    }

    /// The clip of a path as it is written: case counts.
    ///
    /// - `raw`: the path before its letters were composed
    pub(super) fn find(&self, raw: &str, path: &Written) -> Named<'a> {
        let inside = self.places.inside(path, equal);
        for way in &inside {
            let way = way.join("/");
            match self.by_path.get(way.as_str()).map(Vec::as_slice) {
                Some([clip]) => return Named::Exactly { clip, by_frame: false },
                // Two files whose names are the same letters in two forms.
                Some([first, second, ..]) => {
                    let same = self.by_path[way.as_str()].iter().find(|clip| **clip == raw || raw.ends_with(**clip));
                    return same.map_or(Named::Either(first, second), |clip| Named::Exactly { clip, by_frame: false });
                }
                _ => {}
            }
            if let Some(clip) = (self.clip_of_frame)(&way) {
                return Named::Exactly { clip, by_frame: true };
            }
        }
        self.find_by_suffix(path, &inside, equal)
    }

    /// The clip of a path where case does not count and `%20` may stand for a space.
    pub(super) fn find_loosely(&self, path: &Written) -> Named<'a> {
        for path in [Some(path.clone()), path.decoded()].into_iter().flatten() {
            let inside = self.places.inside(&path, equal_but_for_case);
            match self.find_by_suffix(&path, &inside, equal_but_for_case) {
                Named::Nothing => {}
                named => return named,
            }
        }
        Named::Nothing
    }

    fn find_by_suffix(&self, path: &Written, inside: &[Vec<String>], same: fn(&str, &str) -> bool) -> Named<'a> {
        let suffixes = self.suffixes();
        for stem in [false, true] {
            for way in inside {
                let hits = suffixes.ending(way, same, stem);
                match one(hits.iter().filter(|(_, whole)| *whole).map(|(target, _)| *target)) {
                    Named::Nothing => {}
                    named => return named,
                }
            }
        }
        if path.absolute || path.parts.first().is_some_and(|part| part == "..") {
            return Named::Nothing;
        }
        for stem in [false, true] {
            // One picture of many clips is told from others by its folder alone.
            let hits = suffixes.ending(&path.parts, same, stem);
            let is_bare = path.parts.len() == 1;
            match one(hits.iter().map(|(target, _)| *target).filter(|target| !(is_bare && target.is_frame))) {
                Named::Nothing => {}
                named => return named,
            }
        }
        Named::Nothing
    }

    /// How many pictures a folder of frames has.
    pub(super) fn frames_of(&self, clip: &str) -> usize {
        (self.frames)().iter().filter(|(_, of)| *of == clip).count()
    }

    /// The longest end of a path that is a whole way inside the source folder, and the folders before it.
    pub(super) fn end_of(&self, path: &Written) -> Option<(Named<'a>, Vec<String>)> {
        let suffixes = self.suffixes();
        (1..path.parts.len()).find_map(|begin| {
            let way = &path.parts[begin..];
            let hits = suffixes.ending(way, equal, false);
            match one(hits.iter().filter(|(_, whole)| *whole).map(|(target, _)| *target)) {
                Named::Nothing => None,
                named => Some((named, path.parts[..begin].to_vec())),
            }
        })
    }
}

/// The clip that all targets belong to.
fn one<'a, 't>(mut targets: impl Iterator<Item = &'t Target<'a>>) -> Named<'a>
where
    'a: 't,
{
    let Some(first) = targets.next() else { return Named::Nothing };
    match targets.find(|target| target.clip != first.clip) {
        Some(second) => Named::Either(first.clip, second.clip),
        None => Named::Only { clip: first.clip, by_frame: first.is_frame },
    }
}

/// The way that most paths begin with, which may stand for the source folder.
pub(super) fn likeliest_root(ends: &[Vec<String>]) -> Option<Vec<String>> {
    let mut counts: BTreeMap<&Vec<String>, usize> = BTreeMap::new();
    ends.iter().for_each(|root| *counts.entry(root).or_default() += 1);
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(root, _)| root.clone())
}

/// The way that stands for the source folder in absolute paths of another machine: all that were found agree on it, and
/// all absolute paths begin with it.
pub(super) fn common_root<'p>(
    ends: impl Iterator<Item = &'p [String]>,
    absolute: impl Iterator<Item = &'p Written>,
) -> Option<Vec<String>> {
    let roots: BTreeSet<&[String]> = ends.collect();
    let [root] = roots.into_iter().collect::<Vec<_>>()[..] else { return None };
    let mut absolute = absolute;
    absolute.all(|path| path.folders().starts_with(root)).then(|| root.to_vec())
}

impl Written {
    pub(super) const fn is_absolute(&self) -> bool {
        self.absolute
    }

    pub(super) const fn has_folders(&self) -> bool {
        self.parts.len() > 1
    }
}
