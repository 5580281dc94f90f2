//! Facts that a reader tells of single clips, gathered by kind for the person who runs an ingest.

use super::journal::ClipEntry;
use std::collections::BTreeMap;

/// Files that are named for each kind.
const NAMED: usize = 3;

/// One sentence for each kind of note: how many clips it holds for, and the first of them.
///
/// - `named`: path of a source by how it is written down, where a hash is written down
pub(super) fn warnings(stored: &BTreeMap<String, ClipEntry>, named: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for clip in stored.values() {
        let file = named.get(clip.source.as_str()).copied().unwrap_or(&clip.source);
        clip.notes.iter().for_each(|note| kinds.entry(note).or_default().push(file));
    }
    kinds.into_iter().map(|(note, files)| sentence(note, files)).collect()
}

fn sentence(note: &str, mut files: Vec<&str>) -> String {
    files.sort_unstable();
    let more = if files.len() > NAMED { ", ..." } else { "" };
    match files[..] {
        [file] => format!("1 clip: {note} ({file})"),
        _ => format!("{} clips: {note} (first: {}{more})", files.len(), files[..files.len().min(NAMED)].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_of_one_kind_are_one_sentence_that_names_the_first() {
        assert_eq!(sentence("odd", vec!["a"]), "1 clip: odd (a)");
        assert_eq!(sentence("odd", vec!["b", "a"]), "2 clips: odd (first: a, b)");
        assert_eq!(sentence("odd", vec!["d", "b", "c", "a"]), "4 clips: odd (first: a, b, c, ...)");
    }
}
