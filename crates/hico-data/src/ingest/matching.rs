//! Rows of a labels table ↔ clips found on disk. A row that could mean two clips is an error, never a guess.

use super::finder::{Finder, Named, Written, common_root, likeliest_root};
use super::labels::{Facts, LabelRow};
use crate::error::{Error, Rows};
use std::collections::{BTreeMap, BTreeSet};

/// What a labels table says of the clips that were found.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Matched {
    /// By key of the clip.
    pub(crate) facts: BTreeMap<String, Facts>,
    /// Rows that name nothing that was found: line and file as written.
    pub(crate) unmatched: Vec<(u64, String)>,
    /// Rows that repeat what another row says.
    pub(crate) repeated: usize,
    /// Rows whose file was found only where case did not count, or `%20` was a space: line, file and clip.
    pub(crate) loosely: Vec<(u64, String, String)>,
    /// What stands for the source folder in absolute paths of another machine.
    pub(crate) root: Option<String>,
    /// What might stand for it in paths that are relative, and is not taken for it unasked.
    pub(crate) possible_root: Option<String>,
}

/// The clips that a column of masks names, and no row as a file: by themselves, or picture by picture all of them.
pub(crate) fn masks<'a>(masks: &[String], finder: &Finder<'a>, matched: &Matched) -> BTreeSet<&'a str> {
    let mut pictures: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut clips = BTreeSet::new();
    for mask in masks {
        match finder.find(mask, &Written::of(mask)) {
            Named::Exactly { clip, .. } if matched.facts.contains_key(clip) => {}
            Named::Exactly { clip, by_frame: false } => drop(clips.insert(clip)),
            Named::Exactly { clip, by_frame: true } => drop(pictures.entry(clip).or_default().insert(mask)),
            _ => {}
        }
    }
    let whole = pictures.into_iter().filter(|(clip, masks)| finder.frames_of(clip) == masks.len());
    clips.extend(whole.map(|(clip, _)| clip));
    clips
}

/// A clip that has its row.
struct Taken {
    line: u64,
    exactly: bool,
}

/// Finds the clip of each row, by the rules of [`Finder`].
pub(crate) fn match_rows(rows: &[LabelRow], finder: &Finder<'_>) -> Result<Matched, Error> {
    let mut matched = Matched::default();
    let mut taken: BTreeMap<String, Taken> = BTreeMap::new();
    let written: Vec<Written> = rows.iter().map(|row| Written::of(&row.file)).collect();
    let mut found: Vec<Named<'_>> = rows.iter().zip(&written).map(|(row, path)| finder.find(&row.file, path)).collect();
    matched.root = on_another_machine(&mut found, &written, finder);
    // Rows that tell their file whole come first: another that could only be meant by it is then of a file that is absent.
    for exactly in [true, false] {
        for (row, named) in rows.iter().zip(&found) {
            let (clip, by_frame) = match named {
                Named::Exactly { clip, by_frame } if exactly => (*clip, *by_frame),
                Named::Only { clip, by_frame } if !exactly => (*clip, *by_frame),
                Named::Either(first, second) if !exactly => return Err(ambiguous(row, first, second)),
                _ => continue,
            };
            match taken.get(clip) {
                None => {
                    taken.insert(clip.to_owned(), Taken { line: row.line, exactly });
                    matched.facts.insert(clip.to_owned(), row.facts.clone());
                }
                Some(_) if matched.facts.get(clip) == Some(&row.facts) => matched.repeated += usize::from(!by_frame),
                Some(first) if first.exactly == exactly => {
                    let (first, clip) = (first.line, clip.to_owned());
                    let frames = match by_frame {
                        false => Rows::OfClips,
                        true if name_patients_of_pictures(rows, &found) => Rows::OfPictures,
                        true => Rows::OfFrames,
                    };
                    return Err(Error::Contradiction { clip, first, second: row.line, rows: frames });
                }
                Some(_) => matched.unmatched.push((row.line, row.file.clone())),
            }
        }
    }
    let rest = rows.iter().zip(&written).zip(&found).filter(|(_, named)| **named == Named::Nothing);
    let rest: Vec<(&LabelRow, &Written)> = rest.map(|(row, _)| row).collect();
    find_loosely(&rest, finder, &mut matched);
    matched.unmatched.sort();
    Ok(matched)
}

/// Decides whether rows of single pictures say that a folder is no clip: half of the folders or more, of those with several
/// rows, hold pictures of several patients (or groups). One slip in a table of frames does not.
fn name_patients_of_pictures(rows: &[LabelRow], found: &[Named<'_>]) -> bool {
    let mut folders: BTreeMap<&str, Vec<&Facts>> = BTreeMap::new();
    for (row, named) in rows.iter().zip(found) {
        if let Named::Exactly { clip, by_frame: true } | Named::Only { clip, by_frame: true } = named {
            folders.entry(clip).or_default().push(&row.facts);
        }
    }
    // A picture of which no patient is told is not another one's.
    let differ = |rows: &[&Facts], id: fn(&Facts) -> &Option<String>| {
        let ids: BTreeSet<&String> = rows.iter().filter_map(|facts| id(facts).as_ref()).collect();
        ids.len() > 1
    };
    let several = folders.values().filter(|rows| rows.len() > 1);
    let (of_several, of_one): (Vec<_>, Vec<_>) =
        several.partition(|rows| differ(rows, |facts| &facts.patient) || differ(rows, |facts| &facts.group));
    !of_several.is_empty() && of_several.len() >= of_one.len()
}

fn ambiguous(row: &LabelRow, first: &str, second: &str) -> Error {
    let (first, second) = (first.to_owned(), second.to_owned());
    Error::Ambiguous { line: row.line, file: row.file.clone(), first, second }
}

/// Finds absolute paths that were written on another machine.
///
/// - returns: what stands for the source folder in them
fn on_another_machine<'a>(found: &mut [Named<'a>], written: &[Written], finder: &Finder<'a>) -> Option<String> {
    let is_lost = |at: &usize| written[*at].is_absolute() && found[*at] == Named::Nothing;
    let lost: Vec<usize> = (0..written.len()).filter(is_lost).collect();
    let ends: Vec<_> = lost.iter().map(|at| finder.end_of(&written[*at])).collect();
    let absolute = written.iter().filter(|path| path.is_absolute());
    let root = common_root(ends.iter().flatten().map(|(_, root)| root.as_slice()), absolute)?;
    for (at, end) in lost.into_iter().zip(ends) {
        if let Some((named, _)) = end {
            found[at] = named;
        }
    }
    Some(root.join("/"))
}

/// Finds rows whose file differs from a clip in case, or by `%20`; a clip that has a row is not given another.
fn find_loosely<'a>(rest: &[(&LabelRow, &Written)], finder: &Finder<'a>, matched: &mut Matched) {
    let named: Vec<Named<'_>> = rest.iter().map(|(_, path)| finder.find_loosely(path)).collect();
    let mut rows_of: BTreeMap<&'a str, Vec<&LabelRow>> = BTreeMap::new();
    for ((row, _), named) in rest.iter().zip(&named) {
        match named {
            Named::Only { clip, .. } | Named::Exactly { clip, .. } if !matched.facts.contains_key(*clip) => {
                rows_of.entry(clip).or_default().push(row);
            }
            _ => matched.unmatched.push((row.line, row.file.clone())),
        }
    }
    for (clip, rows) in rows_of {
        if rows.iter().any(|row| row.facts != rows[0].facts) {
            matched.unmatched.extend(rows.iter().map(|row| (row.line, row.file.clone())));
            continue;
        }
        matched.facts.insert(clip.to_owned(), rows[0].facts.clone());
        matched.loosely.push((rows[0].line, rows[0].file.clone(), clip.to_owned()));
        matched.repeated += rows.len() - 1;
    }
    let lost: BTreeSet<u64> = matched.unmatched.iter().map(|(line, _)| *line).collect();
    let lost = rest.iter().filter(|(row, path)| lost.contains(&row.line) && path.has_folders());
    let ends: Vec<Vec<String>> = lost.filter_map(|(_, path)| finder.end_of(path)).map(|(_, root)| root).collect();
    matched.possible_root = likeliest_root(&ends).map(|root| root.join("/"));
}

/// Gives every clip its group: its own; else the one its patient's other clips have; else its patient; else itself.
/// Checks that no group stands in two folds.
///
/// - `clips`: id and facts of every clip
/// - returns: the groups, and what a person should look at
pub(crate) fn groups(clips: &[(&str, &Facts)]) -> Result<(Vec<String>, Vec<String>), Error> {
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
            .push(format!("patient {patient} stands in groups {groups}: folds may separate them, which is leakage"));
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
                        return Err(Error::WhichGroup {
                            clip: (*id).into(),
                            patient: patient.as_str().into(),
                            first: (*first).into(),
                            second: (*second).into(),
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
            return Err(Error::GroupInTwoFolds { group, first: name(first), second: name(facts.fold) });
        }
        result.push(group);
    }
    Ok((result, warnings))
}

#[cfg(test)]
mod tests {
    use super::super::finder::Places;
    use super::*;
    use std::path::Path;

    fn row(line: u64, file: &str, label: &str) -> LabelRow {
        LabelRow { line, file: file.into(), facts: Facts { label: Some(label.into()), ..Facts::default() } }
    }

    /// Rows of a table `/data/labels.csv` of clips below `/data/videos`.
    fn matched(rows: &[LabelRow], keys: &[&str], frames: &[(&str, &str)]) -> Result<Matched, Error> {
        let source = Path::new("/data/videos");
        let places = Places::new(Path::new("/data/labels.csv"), source, source, &[]);
        let clip_of_frame = |path: &str| {
            frames
                .iter()
                .find(|(frame, _)| *frame == path)
                .and_then(|(_, clip)| keys.iter().find(|key| *key == clip).copied())
        };
        let all = || frames.iter().map(|(frame, clip)| ((*frame).to_owned(), *clip)).collect();
        match_rows(rows, &Finder::new(places, &keys.iter().copied().collect(), &clip_of_frame, &all))
    }

    fn find(file: &str, keys: &[&str]) -> Result<Option<String>, Error> {
        Ok(matched(&[row(2, file, "x")], keys, &[])?.facts.into_keys().next())
    }

    #[test]
    fn a_row_is_found_from_any_folder_people_write_paths_from() {
        let keys = ["covid/a+(1).GIF", "b/a.gif", "site/P1/c d.gif", "M\u{fc}ller.gif"];
        let found = |file: &str| find(file, &keys).unwrap();
        for file in [
            "covid/a+(1).GIF",
            "./covid/a+(1).GIF",
            "videos/covid/a+(1).GIF",
            "data/videos/covid/a+(1).GIF",
            "/data/videos/covid/a+(1).GIF",
            "file:///data/videos/covid/a+(1).GIF",
            "../data/videos/covid/a+(1).GIF",
            "videos/b/../covid//a+(1).GIF",
            "covid/a+(1)",
            "a+(1).GIF",
            "a+(1)",
            "/mnt/elsewhere/covid/a+(1).GIF",
            "C:/Users/x/covid/a+(1).GIF",
            "Covid/A+(1).gif",
            "VIDEOS/covid/a+(1).gif",
            "covid/a%2B(1).GIF",
        ] {
            assert_eq!(found(file).as_deref(), Some("covid/a+(1).GIF"), "{file}");
        }
        for file in ["P1/c d.gif", "P1/c%20d.gif", "p1/C D", "/x/site/P1/c d.gif"] {
            assert_eq!(found(file).as_deref(), Some("site/P1/c d.gif"), "{file}");
        }
        assert_eq!(found("Mu\u{308}ller.gif").as_deref(), Some("M\u{fc}ller.gif"));
        assert_eq!(found("Mu\u{308}ller").as_deref(), Some("M\u{fc}ller.gif"));
        assert_eq!(found("covid/other.gif"), None);
    }

    #[test]
    fn a_rows_own_folders_are_never_contradicted() {
        let keys = ["P002/loop.gif", "P003/other.gif", "top.gif"];
        for file in [
            "P001/loop.gif",
            "elsewhere/loop.gif",
            "videos/P001/loop.gif",
            "/data/videos/P001/loop.gif",
            "/mnt/P001/loop.gif",
            "P001/top.gif",
            "P002/x/loop.gif",
            "x/P002/loop.gif",
            "p001/LOOP",
            "P001%2Floop.gif",
            "C:/data/P001/loop.gif",
        ] {
            assert_eq!(find(file, &keys).unwrap(), None, "{file}");
        }
        // Absolute paths that do not agree on what stands for the source folder.
        let rows = [row(2, "/x/P001/top.gif", "a"), row(3, "/x/P003/other.gif", "b")];
        let matched = matched(&rows, &keys, &[]).unwrap();
        assert_eq!((matched.facts.len(), matched.unmatched.len(), matched.root), (0, 2, None));
    }

    #[test]
    fn a_row_of_an_absent_file_contradicts_no_other_row() {
        let keys = ["P002/IM1.gif", "P003/IM2.gif"];
        let rows = [row(2, "P001/IM1.gif", "sick"), row(3, "P002/IM1.gif", "well"), row(4, "P003/IM2.gif", "well")];
        let of = matched(&rows, &keys, &[]).unwrap();
        assert_eq!(of.unmatched, [(2, "P001/IM1.gif".to_owned())]);
        assert_eq!(of.facts["P002/IM1.gif"].label.as_deref(), Some("well"));
        // A row that tells less than another one, and in another case, is of a file that is absent.
        for file in ["IM1.gif", "IM1", "p002/im1.gif"] {
            let rows = [row(2, file, "sick"), row(3, "P002/IM1.gif", "well")];
            let of = matched(&rows, &keys, &[]).unwrap();
            assert_eq!((of.unmatched.as_slice(), of.facts.len()), (&[(2, file.to_owned())][..], 1), "{file}");
        }
    }

    #[test]
    fn what_is_found_by_less_than_its_letters_is_told() {
        let keys = ["P01/loop 1.gif"];
        let of = matched(&[row(2, "p01/loop%201.gif", "x")], &keys, &[]).unwrap();
        assert_eq!(of.loosely, [(2, "p01/loop%201.gif".to_owned(), keys[0].to_owned())]);
        let of = matched(&[row(2, "//nas/share/P01/loop 1.gif", "x")], &keys, &[]).unwrap();
        assert_eq!((of.facts.len(), of.root.as_deref()), (1, Some("nas/share")));
        let of = matched(&[row(2, "images/P01/loop 1.gif", "x")], &keys, &[]).unwrap();
        assert_eq!((of.facts.len(), of.possible_root.as_deref()), (0, Some("images")));
        let rows = [row(2, "p01/loop 1.gif", "x"), row(3, "P01/LOOP 1.gif", "y")];
        assert_eq!(matched(&rows, &keys, &[]).unwrap().unmatched.len(), 2);
    }

    #[test]
    fn a_table_inside_the_source_and_a_root_that_is_told_count() {
        let source = Path::new("/data/videos");
        let keys: BTreeSet<&str> = ["P1/loop.gif", "P2/loop.gif"].into();
        let find = |table: &str, roots: &[String], file: &str| {
            let places = Places::new(Path::new(table), source, source, roots);
            let finder = Finder::new(places, &keys, &|_| None, &Vec::new);
            match_rows(&[row(2, file, "x")], &finder).map(|of| of.facts.into_keys().next())
        };
        let table = "/data/videos/P1/labels.csv";
        assert_eq!(find(table, &[], "loop.gif").unwrap().as_deref(), Some("P1/loop.gif"));
        assert_eq!(find(table, &[], "../P2/loop.gif").unwrap().as_deref(), Some("P2/loop.gif"));
        assert_eq!(find("/t.csv", &[], "a/b/P2/loop.gif").unwrap(), None);
        assert_eq!(find("/t.csv", &["a/b/".to_owned()], "a/b/P2/loop.gif").unwrap().as_deref(), Some("P2/loop.gif"));
        assert!(find("/t.csv", &[], "loop.gif").is_err());
    }

    #[test]
    fn a_name_that_two_clips_have_is_no_guess() {
        let error = find("a.gif", &["x/a.gif", "y/a.gif"]).unwrap_err();
        let expected = "line 2: \"a.gif\" could be x/a.gif or y/a.gif";
        assert_eq!(error.to_string(), expected);
        assert!(find("a", &["x/a.gif", "y/a.mp4"]).is_err());
        assert_eq!(find("z/a.gif", &["x/a.gif", "y/a.gif"]).unwrap(), None);
        // The end of a UID is no suffix.
        assert_eq!(find("1.2", &["1.2.840"]).unwrap(), None);
    }

    #[test]
    fn repeated_rows_count_and_contradicting_rows_are_an_error() {
        let same = matched(&[row(2, "a.mp4", "x"), row(3, "a.mp4", "x")], &["a.mp4"], &[]).unwrap();
        assert_eq!((same.facts.len(), same.repeated), (1, 1));
        let error = matched(&[row(2, "a.mp4", "x"), row(3, "./a.mp4", "y")], &["a.mp4"], &[]).unwrap_err();
        assert_eq!(error.to_string(), "lines 2 and 3 say different things of a.mp4");
    }

    #[test]
    fn rows_of_frames_speak_for_their_clip() {
        let frames = [("p/1.png", "p"), ("p/2.png", "p")];
        let of = |rows: &[LabelRow]| matched(rows, &["p", "q"], &frames);
        assert_eq!(of(&[row(2, "p/1.png", "x"), row(3, "p/2.png", "x")]).unwrap().facts.len(), 1);
        let error = of(&[row(2, "p/1.png", "x"), row(3, "p/2.png", "y")]).unwrap_err();
        assert!(matches!(error, Error::Contradiction { rows: Rows::OfFrames, .. }), "{error:?}");
        assert_eq!(of(&[row(2, "/mnt/x/p/1.png", "x"), row(3, "P/2.PNG", "x")]).unwrap().facts.len(), 1);
        // A picture of another folder is none of this one.
        assert_eq!(of(&[row(2, "q/1.png", "x"), row(3, "1.png", "x")]).unwrap().facts.len(), 0);
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
        assert!(matches!(groups(&clips), Err(Error::WhichGroup { .. })));
        let all = [facts(Some("p"), None, Some(1)), facts(Some("p"), None, Some(2))];
        let clips: Vec<_> = ["a", "b"].into_iter().zip(&all).collect();
        assert!(groups(&clips).unwrap_err().to_string().contains("fold 1 and in fold 2"));
    }
}
