//! What a report is made from: pretraining runs and summaries of studies, found in folders and checked.

use super::history::History;
use crate::Error;
use crate::compare::summary::{SUMMARY_FILE, Summary};
use hico_train::journal::JOURNAL_FILE;
use hico_train::run_record::{RECIPE_FILE, RUN_FILE, RunRecord, compatible};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Everything a report shows.
#[derive(Debug, Default, Serialize)]
pub struct Sources {
    /// Pretraining runs, those of one folder together.
    pub families: Vec<Family>,
    /// Studies.
    pub studies: Vec<Found>,
}

/// Pretraining runs that were found in one folder, for instance one a fold.
#[derive(Debug, Serialize)]
pub struct Family {
    /// Name of the folder.
    pub name: String,
    /// Its runs, by name.
    pub runs: Vec<Pretraining>,
}

/// One pretraining run.
#[derive(Debug, Serialize)]
pub struct Pretraining {
    /// Its folder below the family's; the family's own name where it lies there itself.
    pub name: String,
    /// What was run; absent where only the journal is left.
    pub record: Option<RunRecord>,
    /// Its recipe as written.
    pub recipe: Option<String>,
    /// What happened.
    pub history: History,
}

/// One study.
#[derive(Debug, Serialize)]
pub struct Found {
    /// Name of its folder.
    pub name: String,
    /// What was found.
    pub summary: Summary,
}

/// What earlier versions wrote in the place of a summary.
const OLD_FILE: &str = "evaluation.json";

/// Largest JSON or TOML file that is read: far above what a thousand folds write.
const LARGEST_FILE: u64 = 512 << 20;
/// Folders below an input that are searched, and how deep: a cross-validation keeps its runs one or two levels down.
const MOST_FOLDERS: usize = 10_000;
const DEEPEST: usize = 3;

/// Reads every run and every summary of a study in the given folders and the folders below them.
///
/// # Errors
/// When a folder is missing or holds nothing to report, or a file in it is broken or of another version. A journal that
/// is cut in the middle of its last line, as a killed run leaves it, is no error.
pub fn read(inputs: &[PathBuf]) -> Result<Sources, Error> {
    let mut sources = Sources::default();
    let mut seen = BTreeSet::new();
    for input in inputs {
        if !input.is_dir() {
            return Err(Error::NoFolder(input.clone()));
        }
        let name = folder_name(input);
        let mut runs = Vec::new();
        let mut found = false;
        for folder in folders_below(input)? {
            let is_run = folder.join(RUN_FILE).is_file() || folder.join(JOURNAL_FILE).is_file();
            let is_study = folder.join(SUMMARY_FILE).is_file();
            found |= is_run || is_study;
            // The same folder given twice, or a folder and its parent, is reported once.
            if !(is_run || is_study) || !seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
                continue;
            }
            let below = folder.strip_prefix(input).map(|path| path.display().to_string()).unwrap_or_default();
            let below = if below.is_empty() { name.clone() } else { below };
            if is_run {
                runs.push(read_run(&folder, below.clone())?);
            }
            if is_study {
                sources.studies.push(Found { name: below, summary: read_summary(&folder)? });
            }
        }
        if !found {
            let old = input.join(OLD_FILE).is_file();
            return Err(match old {
                true => Error::OldEvaluation { folder: input.clone(), file: OLD_FILE },
                false => {
                    Error::NothingToReport { folder: input.clone(), wanted: [RUN_FILE, JOURNAL_FILE, SUMMARY_FILE] }
                }
            });
        }
        if !runs.is_empty() {
            sources.families.push(Family { name, runs });
        }
    }
    Ok(sources)
}

fn folder_name(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    full.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// `input` and the folders below it, parents first, in the order a person counts: `fold-2` before `fold-10`.
fn folders_below(input: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut folders = vec![input.to_owned()];
    let mut level = folders.clone();
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for folder in &level {
            let failed = |source| Error::Read { path: folder.clone(), source };
            for entry in std::fs::read_dir(folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                // Links are not followed: they may lead round in a circle.
                if entry.file_type().map_err(failed)?.is_dir() && folders.len() + next.len() < MOST_FOLDERS {
                    next.push(entry.path());
                }
            }
        }
        folders.extend(next.iter().cloned());
        level = next;
    }
    folders.sort_by_cached_key(|folder| natural(&folder.to_string_lossy()));
    Ok(folders)
}

/// A key that sorts runs of digits by their value.
fn natural(name: &str) -> Vec<(u8, u64, char)> {
    let mut key = Vec::new();
    let mut digits: Option<u64> = None;
    for character in name.chars() {
        if let Some(digit) = character.to_digit(10) {
            digits = Some(digits.unwrap_or(0).saturating_mul(10).saturating_add(digit.into()));
        } else {
            key.extend(digits.take().map(|value| (0, value, ' ')));
            key.push((1, 0, character));
        }
    }
    key.extend(digits.map(|value| (0, value, ' ')));
    key
}

fn read_run(folder: &Path, name: String) -> Result<Pretraining, Error> {
    let record = folder.join(RUN_FILE);
    let record = if record.is_file() { Some(parse::<RunRecord>(&record)?) } else { None };
    let recipe = folder.join(RECIPE_FILE);
    let recipe = if recipe.is_file() { Some(read_text(&recipe)?) } else { None };
    let journal = folder.join(JOURNAL_FILE);
    let history = if journal.is_file() { History::read(&journal)? } else { History::default() };
    if let Some(version) = history.version.as_deref().filter(|version| !compatible(version)) {
        return Err(Error::FileVersion { path: journal, found: version.to_owned() });
    }
    Ok(Pretraining { name, record, recipe, history })
}

/// Reads the summary in a study's folder.
///
/// # Errors
/// When it is not there, broken, or of another version.
pub fn read_summary(folder: &Path) -> Result<Summary, Error> {
    let path = folder.join(SUMMARY_FILE);
    let summary: Summary = parse(&path)?;
    check(&summary).map_err(|reason| Error::Broken { path, reason })?;
    Ok(summary)
}

fn read_text(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes > LARGEST_FILE {
        return Err(Error::TooLarge { path: path.to_owned(), bytes, most: LARGEST_FILE });
    }
    let mut text = String::new();
    file.take(LARGEST_FILE).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Parses a record of ours; the version it names is checked first, so that an old file is called old and not broken.
fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: String,
    }
    let text = read_text(path)?;
    let broken = |error: serde_json::Error| Error::Broken { path: path.to_owned(), reason: error.to_string() };
    let Versioned { version } = serde_json::from_str(&text).map_err(broken)?;
    if !compatible(&version) {
        return Err(Error::FileVersion { path: path.to_owned(), found: version });
    }
    serde_json::from_str(&text).map_err(broken)
}

/// Every table is of a data set that is there, and everything that is indexed by class has as many entries as it has classes.
fn check(summary: &Summary) -> Result<(), String> {
    for table in &summary.tables {
        let data = summary.data.iter().find(|data| data.name == table.data);
        let classes = data.ok_or_else(|| format!("no data set {:?}", table.data))?.classes.len();
        for entry in &table.entries {
            let Some(found) = &entry.scores else { continue };
            let expect = |found: usize, what: &str| match found == classes {
                true => Ok(()),
                false => {
                    Err(format!("{:?}: {what} has {found} entries, expected one a class: {classes}", entry.method))
                }
            };
            for unit in [&found.scores.frame, &found.scores.clip, &found.scores.patient] {
                expect(unit.per_class.len(), "per_class")?;
                expect(unit.confusion.len(), "confusion")?;
                unit.confusion.iter().try_for_each(|row| expect(row.len(), "a row of confusion"))?;
                // Curves are left out of frames and clips, and where a class is missing.
                if !unit.roc.is_empty() {
                    expect(unit.roc.len(), "roc")?;
                }
            }
            found.mistakes.iter().try_for_each(|clip| expect(clip.probabilities.len(), "probabilities"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;
    use hico_model::VERSION;

    fn folder_with(file: &str, content: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), content).unwrap();
        folder
    }

    fn error_of(folder: &Path) -> String {
        let error = read(&[folder.to_owned()]).unwrap_err();
        let text = error.to_string();
        assert!(!text.contains('\n'), "{text}");
        text
    }

    #[test]
    fn runs_below_a_folder_form_a_family_in_the_order_a_person_counts() {
        let folder = tempfile::tempdir().unwrap();
        for fold in [10, 2, 1] {
            let run = folder.path().join(format!("fold-{fold}"));
            std::fs::create_dir(&run).unwrap();
            std::fs::write(run.join(JOURNAL_FILE), synthetic::lines(&synthetic::journal(2, 2, fold))).unwrap();
        }
        let summary = serde_json::to_string(&synthetic::summary(2, 1)).unwrap();
        std::fs::write(folder.path().join(SUMMARY_FILE), summary).unwrap();
        let sources = read(&[folder.path().to_owned(), folder.path().join("fold-2")]).unwrap();
        assert_eq!(sources.studies.len(), 1);
        let [family] = sources.families.as_slice() else { panic!("a folder given twice is reported once") };
        let names: Vec<&str> = family.runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names, ["fold-1", "fold-2", "fold-10"]);
    }

    #[test]
    fn a_folder_with_nothing_in_it_says_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        assert!(error_of(folder.path()).contains("holds no run.json"));
        assert!(error_of(&folder.path().join("absent")).contains("no such folder"));
    }

    #[test]
    fn the_evaluation_of_an_earlier_version_is_called_old() {
        let folder = folder_with(OLD_FILE, "{}");
        assert!(error_of(folder.path()).contains("an earlier version"));
    }

    #[test]
    fn another_version_is_called_by_its_name_and_not_broken() {
        let folder = folder_with(SUMMARY_FILE, r#"{"version": "9.1.0", "something": "else"}"#);
        assert!(error_of(folder.path()).contains("written by hico 9.1.0"));
        assert!(compatible(VERSION));
        assert!(!compatible(""));
    }

    #[test]
    fn a_broken_summary_says_where() {
        let text = serde_json::to_string(&synthetic::summary(2, 1)).unwrap();
        let folder = folder_with(SUMMARY_FILE, &text[..text.len() / 2]);
        assert!(error_of(folder.path()).contains("EOF"));
    }

    #[test]
    fn lists_of_the_wrong_length_are_refused_before_they_are_drawn() {
        let refused = |spoil: fn(&mut Summary)| {
            let mut summary = synthetic::summary(2, 1);
            spoil(&mut summary);
            error_of(folder_with(SUMMARY_FILE, &serde_json::to_string(&summary).unwrap()).path())
        };
        let confusion = refused(|summary| {
            let scores = summary.tables[0].entries[1].scores.as_mut().unwrap();
            scores.scores.clip.confusion.pop();
        });
        assert!(confusion.contains("\"hico\": confusion has 2 entries"), "{confusion}");
        let data = refused(|summary| summary.tables[1].data = "breast".to_owned());
        assert!(data.contains("no data set \"breast\""), "{data}");
    }
}
