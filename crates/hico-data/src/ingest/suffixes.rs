//! An index of the ends of paths: which files end with `P001/loop.gif`, or with `P001/loop` and a suffix.

use crate::spelling::caseless;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A clip, or one of its pictures.
#[derive(Debug, Clone)]
pub(super) struct Target<'a> {
    /// Below the source folder, in composed letters.
    pub(super) path: Cow<'a, str>,
    pub(super) clip: &'a str,
    pub(super) is_frame: bool,
}

/// Every end of every path, by its hash: a few bytes each, for there may be millions.
#[derive(Debug)]
pub(super) struct Suffixes<'a> {
    targets: Vec<Target<'a>>,
    /// Sorted.
    ends: Vec<(u64, u32)>,
}

impl<'a> Suffixes<'a> {
    pub(super) fn of(targets: Vec<Target<'a>>) -> Self {
        let mut ends = Vec::with_capacity(targets.len() * 4);
        for (number, target) in (0_u32..).zip(&targets) {
            let path = caseless(&target.path);
            let stem = without_suffix(&path);
            for path in [Some(path.as_str()), stem].into_iter().flatten() {
                let begins = path.match_indices('/').map(|(at, _)| at + 1);
                ends.extend([0].into_iter().chain(begins).map(|begin| (hash(&path[begin..]), number)));
            }
        }
        ends.sort_unstable();
        ends.dedup();
        Self { targets, ends }
    }

    /// Targets whose path ends as told, and whether that is the whole path.
    ///
    /// - `stem`: whether the target has a suffix of its name besides
    pub(super) fn ending(&self, way: &[String], same: fn(&str, &str) -> bool, stem: bool) -> Vec<(&Target<'a>, bool)> {
        let key = hash(&caseless(&way.join("/")));
        let begin = self.ends.partition_point(|(hash, _)| *hash < key);
        let hits = self.ends[begin..].iter().take_while(|(hash, _)| *hash == key);
        let targets = hits.filter_map(|(_, number)| self.targets.get(*number as usize));
        let fits = |target: &&Target<'a>| {
            let path = if stem { without_suffix(&target.path) } else { Some(target.path.as_ref()) };
            path.is_some_and(|path| {
                path.rsplit('/').zip(way.iter().rev()).filter(|(a, b)| same(a, b)).count() == way.len()
            })
        };
        targets.filter(fits).map(|target| (target, target.path.split('/').count() == way.len())).collect()
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// `a/loop` of `a/loop.gif`. The last number of a UID is no suffix.
fn without_suffix(path: &str) -> Option<&str> {
    let (stem, suffix) = path.rsplit_once('.')?;
    let is_suffix = (1..=5).contains(&suffix.len())
        && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && suffix.bytes().any(|byte| byte.is_ascii_alphabetic());
    (is_suffix && !stem.is_empty() && !stem.ends_with('/')).then_some(stem)
}
