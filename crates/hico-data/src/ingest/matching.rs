//! Rows of a labels table ↔ clips found on disk. A row that could mean two clips is an error, never a guess.

use super::labels::{Facts, LabelError, LabelRow};
use crate::split::SplitError;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a labels table says of the clips that were found.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Matched {
    /// By key of the clip.
    pub(crate) facts: BTreeMap<String, Facts>,
    /// Rows that name nothing that was found: line and file as written.
    pub(crate) unmatched: Vec<(u64, String)>,
    /// Rows that repeat what another row says.
    pub(crate) repeated: usize,
}

/// Finds the clip of each row.
///
/// A row's file is looked for relative to the source folder, then to the folder of the table and to that folder's parent,
/// then by its file name, then by its file name without suffix, if exactly one clip has it.
///
/// - `prefixes`: for each place a path may be relative to, the way from there to the source folder, as `a/b/`; a path
///   that begins so is inside the source folder
/// - `keys`: the clips; `clip_of_frame`: the clip of each picture in a folder of frames
pub(crate) fn match_rows<'a>(
    rows: &[LabelRow],
    prefixes: &[String],
    keys: &BTreeSet<&str>,
    clip_of_frame: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<Matched, LabelError> {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut by_stem: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in keys {
        let name = key.rsplit('/').next().unwrap_or(key);
        by_name.entry(name).or_default().push(key);
        by_stem.entry(name.rsplit_once('.').map_or(name, |(stem, _)| stem)).or_default().push(key);
    }
    let find = |row: &LabelRow| -> Result<Option<(String, bool)>, LabelError> {
        let file = plain(&row.file);
        let inside = std::iter::once(file.as_str())
            .chain(prefixes.iter().filter_map(|prefix| file.strip_prefix(prefix.as_str())))
            .collect::<Vec<_>>();
        if let Some(key) = inside.iter().find(|path| keys.contains(**path)) {
            return Ok(Some(((*key).to_owned(), false)));
        }
        if let Some(clip) = inside.iter().find_map(|path| clip_of_frame(path)) {
            return Ok(Some((clip.to_owned(), true)));
        }
        let name = file.rsplit('/').next().unwrap_or(&file);
        match by_name.get(name).or_else(|| by_stem.get(name)).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([key]) => Ok(Some(((*key).to_owned(), false))),
            Some([first, second, ..]) => Err(LabelError::Ambiguous {
                line: row.line,
                file: row.file.clone(),
                first: (*first).to_owned(),
                second: (*second).to_owned(),
            }),
        }
    };
    let mut matched = Matched::default();
    let mut line_of: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        let Some((clip, by_frame)) = find(row)? else {
            matched.unmatched.push((row.line, row.file.clone()));
            continue;
        };
        match matched.facts.entry(clip) {
            Entry::Vacant(place) => {
                line_of.insert(place.key().clone(), row.line);
                place.insert(row.facts.clone());
            }
            Entry::Occupied(place) if *place.get() == row.facts => matched.repeated += usize::from(!by_frame),
            Entry::Occupied(place) => {
                let clip = place.key().clone();
                let first = line_of.get(&clip).copied().unwrap_or_default();
                return Err(LabelError::Contradiction { clip, first, second: row.line, frames: by_frame });
            }
        }
    }
    Ok(matched)
}

/// The ways from the table's folder and from its parent to the source folder; all three canonical.
pub(crate) fn prefixes(table: &Path, source: &Path) -> Vec<String> {
    let folders = table.parent().into_iter().flat_map(|folder| [Some(folder), folder.parent()]).flatten();
    let ways = folders.filter_map(|folder| source.strip_prefix(folder).ok()).filter_map(|way| {
        let parts: Option<Vec<&str>> = way.components().map(|part| part.as_os_str().to_str()).collect();
        parts.map(|parts| parts.iter().map(|part| format!("{part}/")).collect::<String>())
    });
    let mut prefixes: Vec<String> = ways.filter(|way| !way.is_empty()).collect();
    // A path as written from the source folder itself, whose name it may begin with.
    if let Some(name) = source.file_name().and_then(|name| name.to_str()) {
        prefixes.push(format!("{name}/"));
    }
    prefixes.push(format!("{}/", source.display()));
    prefixes.dedup();
    prefixes
}

/// Without `./` in front and `/` behind.
fn plain(file: &str) -> String {
    let mut file = file.trim_end_matches('/');
    while let Some(rest) = file.strip_prefix("./") {
        file = rest;
    }
    file.to_owned()
}

/// Gives every clip its group: its own; else the one its patient's other clips have; else its patient; else itself.
/// Checks that no group stands in two folds.
///
/// - `clips`: id and facts of every clip
/// - returns: the groups, and what a person should look at
pub(crate) fn groups(clips: &[(&str, &Facts)]) -> Result<(Vec<String>, Vec<String>), LabelError> {
    let mut of_patient: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, facts) in clips {
        if let (Some(patient), Some(group)) = (&facts.patient, &facts.group) {
            of_patient.entry(patient).or_default().insert(group);
        }
    }
    let mut warnings = Vec::new();
    for (patient, groups) in of_patient.iter().filter(|(_, groups)| groups.len() > 1) {
        let groups = groups.iter().copied().collect::<Vec<_>>().join(", ");
        warnings
            .push(format!("patient {patient} stands in groups {groups}: a split may put the patient on both sides"));
    }
    let mut result = Vec::with_capacity(clips.len());
    let mut fold_of: BTreeMap<String, Option<usize>> = BTreeMap::new();
    for (id, facts) in clips {
        let known = facts.patient.as_deref().and_then(|patient| of_patient.get(patient));
        let group = match (&facts.group, &facts.patient, known) {
            (Some(group), ..) => group.clone(),
            (None, Some(patient), Some(groups)) => {
                let mut groups = groups.iter();
                match (groups.next(), groups.next()) {
                    (Some(first), Some(second)) => {
                        return Err(LabelError::WhichGroup {
                            clip: (*id).to_owned(),
                            patient: patient.clone(),
                            first: (*first).to_owned(),
                            second: (*second).to_owned(),
                        });
                    }
                    (first, _) => first.map_or_else(|| patient.clone(), |group| (*group).to_owned()),
                }
            }
            (None, Some(patient), None) => patient.clone(),
            (None, None, _) => (*id).to_owned(),
        };
        let first = *fold_of.entry(group.clone()).or_insert(facts.fold);
        if first != facts.fold {
            let name = |fold: Option<usize>| fold.map_or_else(|| "no fold".to_owned(), |fold| format!("fold {fold}"));
            return Err(SplitError::GroupInTwoFolds { group, first: name(first), second: name(facts.fold) }.into());
        }
        result.push(group);
    }
    Ok((result, warnings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, file: &str, label: &str) -> LabelRow {
        LabelRow { line, file: file.into(), facts: Facts { label: Some(label.into()), ..Facts::default() } }
    }

    fn find(file: &str, prefixes: &[&str], keys: &[&str]) -> Result<Option<String>, LabelError> {
        let prefixes: Vec<String> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
        let matched = match_rows(&[row(2, file, "x")], &prefixes, &keys.iter().copied().collect(), &|_| None)?;
        Ok(matched.facts.into_keys().next())
    }

    #[test]
    fn a_row_is_found_from_any_folder_people_write_paths_from() {
        let keys = ["covid/a+(1).GIF", "b/a.gif"];
        let found = Some("covid/a+(1).GIF".to_owned());
        for file in [
            "covid/a+(1).GIF",
            "./covid/a+(1).GIF",
            "videos/covid/a+(1).GIF",
            "elsewhere/a+(1).GIF",
            "a+(1).GIF",
            "a+(1)",
        ] {
            assert_eq!(find(file, &["videos/"], &keys).unwrap(), found, "{file}");
        }
        assert_eq!(find("covid/other.gif", &["videos/"], &keys).unwrap(), None);
    }

    #[test]
    fn a_name_that_two_clips_have_is_no_guess() {
        let error = find("z/a.gif", &[], &["x/a.gif", "y/a.gif"]).unwrap_err();
        let expected = "line 2: \"z/a.gif\" could be x/a.gif or y/a.gif; write its path relative to the source folder";
        assert_eq!(error.to_string(), expected);
        assert!(find("a", &[], &["a.gif", "x/a.mp4"]).is_err());
    }

    #[test]
    fn the_way_to_the_source_is_known_from_the_table_and_its_parent() {
        let ways = prefixes(Path::new("/data/videos/videos.csv"), Path::new("/data/videos"));
        assert_eq!(ways, ["videos/", "/data/videos/"]);
        let ways = prefixes(Path::new("/data/labels.csv"), Path::new("/data/us/videos"));
        assert_eq!(ways, ["us/videos/", "data/us/videos/", "videos/", "/data/us/videos/"]);
    }

    #[test]
    fn repeated_rows_count_and_contradicting_rows_are_an_error() {
        let keys = BTreeSet::from(["a.mp4"]);
        let same = match_rows(&[row(2, "a.mp4", "x"), row(3, "a.mp4", "x")], &[], &keys, &|_| None).unwrap();
        assert_eq!((same.facts.len(), same.repeated), (1, 1));
        let error = match_rows(&[row(2, "a.mp4", "x"), row(3, "./a.mp4", "y")], &[], &keys, &|_| None).unwrap_err();
        assert_eq!(error.to_string(), "lines 2 and 3 say different things of a.mp4; keep one");
    }

    #[test]
    fn rows_of_frames_speak_for_their_clip() {
        let keys = BTreeSet::from(["p"]);
        let frames = |path: &str| path.starts_with("p/").then_some("p");
        let rows = [row(2, "p/1.png", "x"), row(3, "p/2.png", "x")];
        assert_eq!(match_rows(&rows, &[], &keys, &frames).unwrap().facts.len(), 1);
        let rows = [row(2, "p/1.png", "x"), row(3, "p/2.png", "y")];
        assert!(match_rows(&rows, &[], &keys, &frames).unwrap_err().to_string().contains("--stills each"));
    }

    fn facts(patient: Option<&str>, group: Option<&str>, fold: Option<usize>) -> Facts {
        Facts { label: None, patient: patient.map(str::to_owned), group: group.map(str::to_owned), fold }
    }

    #[test]
    fn a_group_falls_back_to_the_patients_group_then_the_patient_then_the_clip() {
        let all = [
            facts(Some("p"), Some("g"), None),
            facts(Some("p"), None, None),
            facts(Some("q"), None, None),
            facts(None, None, None),
        ];
        let clips: Vec<_> = ["a", "b", "c", "d"].into_iter().zip(&all).collect();
        assert_eq!(groups(&clips).unwrap().0, ["g", "g", "q", "d"]);
    }

    #[test]
    fn a_patient_in_two_groups_is_told_and_a_group_in_two_folds_is_refused() {
        let all = [facts(Some("p"), Some("g"), None), facts(Some("p"), Some("h"), None)];
        let clips: Vec<_> = ["a", "b"].into_iter().zip(&all).collect();
        assert_eq!(groups(&clips).unwrap().1.len(), 1);
        let third = facts(Some("p"), None, None);
        let clips: Vec<_> = [("a", &all[0]), ("b", &all[1]), ("c", &third)].to_vec();
        assert!(matches!(groups(&clips), Err(LabelError::WhichGroup { .. })));
        let all = [facts(Some("p"), None, Some(1)), facts(Some("p"), None, Some(2))];
        let clips: Vec<_> = ["a", "b"].into_iter().zip(&all).collect();
        assert!(groups(&clips).unwrap_err().to_string().contains("fold 1 and in fold 2"));
    }
}
