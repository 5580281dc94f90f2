//! Symbolic links: left out and told, or followed on request, each file once and no round twice.

use crate::words::few;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is done with symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// They are left out, and told.
    #[default]
    Left,
    /// What they lead to is taken in, also where it lies outside the source folder.
    Followed,
}

/// What became of the links of a tree; paths are relative to the source folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FoundLinks {
    /// Links that were not followed.
    pub(crate) left: Vec<String>,
    /// Links that lead to what was reached by another way already, and were left out.
    pub(crate) twice: Vec<String>,
}

impl FoundLinks {
    /// What a person should know of them.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let left = left(&self.left).into_iter();
        let twice = (!self.twice.is_empty()).then(|| {
            let what = "to what is in the tree by another way; each file is taken in once";
            format!("{} {} {what}", few(&self.twice), if self.twice.len() == 1 { "leads" } else { "lead" })
        });
        left.chain(twice).collect()
    }

    /// Whether a path leads through a link that was left.
    pub(crate) fn lead_to(&self, path: &str) -> bool {
        self.left
            .iter()
            .any(|link| path.strip_prefix(link.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

/// Returns what is said of links that were not followed.
#[must_use]
pub fn left(links: &[String]) -> Option<String> {
    let were = if links.len() == 1 { "was" } else { "were" };
    let words = || format!("{} {were} not followed; --follow-links takes in what links lead to", few(links));
    (!links.is_empty()).then(words)
}

/// Files and folders that a walk has reached, by their real paths.
#[derive(Debug, Default)]
pub(super) struct Reached(BTreeSet<PathBuf>);

impl Reached {
    /// Whether it is reached for the first time.
    pub(super) fn first(&mut self, path: &Path) -> bool {
        self.0.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }
}
