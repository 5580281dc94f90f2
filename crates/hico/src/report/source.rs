//! What a report is made from: pretraining runs and evaluations, found in folders and checked.

use super::history::{History, HistoryError};
use crate::evaluate::outcome::{EVALUATION_FILE, Evaluation, Scores};
use crate::train::journal::JOURNAL_FILE;
use crate::train::run_record::{RECIPE_FILE, RUN_FILE, RunRecord, VERSION, compatible};
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
    /// Evaluations.
    pub evaluations: Vec<Judged>,
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

/// One evaluation.
#[derive(Debug, Serialize)]
pub struct Judged {
    /// Name of its folder.
    pub name: String,
    /// What was found.
    pub evaluation: Evaluation,
}

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no such folder.
    #[error("{}: no such folder", .0.display())]
    Missing(PathBuf),
    /// The folder holds nothing to report.
    #[error("{}: holds no {RUN_FILE}, {JOURNAL_FILE} or {EVALUATION_FILE}", .0.display())]
    Nothing(PathBuf),
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is larger than any we write.
    #[error("{}: {bytes} bytes, expected at most {most}", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most that is read.
        most: u64,
    },
    /// A file was written by another version of the program.
    #[error("{}: written by hico {found}, this is hico {VERSION}", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it names.
        found: String,
    },
    /// A file is not what its name says.
    #[error("{}: {reason}", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A journal is broken before its last line.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl ReportError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) | Self::Nothing(_) => {
                "give the --out folder of `hico pretrain`, `hico finetune` or `hico crossval`"
            }
            Self::Read { .. } => "check that you may read it",
            Self::TooLarge { .. } => "this is no file of hico; give another folder",
            Self::Version { .. } => "make the report with the version that wrote it, or run it again with this one",
            Self::Broken { .. } => "the file was changed or cut short; run the command that writes it again",
            Self::History(_) => "the journal was changed; remove the line that is named",
        }
    }
}

/// Largest JSON or TOML file that is read: far above what a thousand folds write.
const LARGEST_FILE: u64 = 512 << 20;
/// Folders below an input that are searched, and how deep: a cross-validation keeps its runs one or two levels down.
const MOST_FOLDERS: usize = 10_000;
const DEEPEST: usize = 3;

/// Reads every run and evaluation in the given folders and the folders below them.
///
/// # Errors
/// When a folder is missing or holds nothing to report, or a file in it is broken or of another version. A journal that
/// is cut in the middle of its last line, as a killed run leaves it, is no error.
pub fn read(inputs: &[PathBuf]) -> Result<Sources, ReportError> {
    let mut sources = Sources::default();
    let mut seen = BTreeSet::new();
    for input in inputs {
        if !input.is_dir() {
            return Err(ReportError::Missing(input.clone()));
        }
        let name = folder_name(input);
        let mut runs = Vec::new();
        let mut found = false;
        for folder in folders_below(input)? {
            let is_run = folder.join(RUN_FILE).is_file() || folder.join(JOURNAL_FILE).is_file();
            let is_evaluation = folder.join(EVALUATION_FILE).is_file();
            found |= is_run || is_evaluation;
            // The same folder given twice, or a folder and its parent, is reported once.
            if !(is_run || is_evaluation) || !seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
                continue;
            }
            let below = folder.strip_prefix(input).map(|path| path.display().to_string()).unwrap_or_default();
            let below = if below.is_empty() { name.clone() } else { below };
            if is_run {
                runs.push(read_run(&folder, below.clone())?);
            }
            if is_evaluation {
                sources.evaluations.push(Judged { name: below, evaluation: read_evaluation(&folder)? });
            }
        }
        if !found {
            return Err(ReportError::Nothing(input.clone()));
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
fn folders_below(input: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut folders = vec![input.to_owned()];
    let mut level = folders.clone();
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for folder in &level {
            let failed = |source| ReportError::Read { path: folder.clone(), source };
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

fn read_run(folder: &Path, name: String) -> Result<Pretraining, ReportError> {
    let record = folder.join(RUN_FILE);
    let record = if record.is_file() { Some(parse::<RunRecord>(&record)?) } else { None };
    let recipe = folder.join(RECIPE_FILE);
    let recipe = if recipe.is_file() { Some(read_text(&recipe)?) } else { None };
    let journal = folder.join(JOURNAL_FILE);
    let history = if journal.is_file() { History::read(&journal)? } else { History::default() };
    if let Some(version) = history.version.as_deref().filter(|version| !compatible(version)) {
        return Err(ReportError::Version { path: journal, found: version.to_owned() });
    }
    Ok(Pretraining { name, record, recipe, history })
}

fn read_evaluation(folder: &Path) -> Result<Evaluation, ReportError> {
    let path = folder.join(EVALUATION_FILE);
    let evaluation: Evaluation = parse(&path)?;
    check(&evaluation).map_err(|reason| ReportError::Broken { path, reason })?;
    Ok(evaluation)
}

fn read_text(path: &Path) -> Result<String, ReportError> {
    let failed = |source| ReportError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes > LARGEST_FILE {
        return Err(ReportError::TooLarge { path: path.to_owned(), bytes, most: LARGEST_FILE });
    }
    let mut text = String::new();
    file.take(LARGEST_FILE).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Parses a record of ours; the version it names is judged first, so that an old file is called old and not broken.
fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ReportError> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: String,
    }
    let text = read_text(path)?;
    let broken = |error: serde_json::Error| ReportError::Broken { path: path.to_owned(), reason: error.to_string() };
    let Versioned { version } = serde_json::from_str(&text).map_err(broken)?;
    if !compatible(&version) {
        return Err(ReportError::Version { path: path.to_owned(), found: version });
    }
    serde_json::from_str(&text).map_err(broken)
}

/// Everything that is indexed by class has as many entries as there are classes.
fn check(evaluation: &Evaluation) -> Result<(), String> {
    let data = &evaluation.data;
    let classes = data.classes.len();
    let expect = |found: usize, what: &str| {
        if found == classes {
            Ok(())
        } else {
            Err(format!("{what} has {found} entries, expected one a class: {classes}"))
        }
    };
    for (found, what) in
        [(data.clips.len(), "data.clips"), (data.groups.len(), "data.groups"), (data.frames.len(), "data.frames")]
    {
        expect(found, what)?;
    }
    for candidate in &evaluation.candidates {
        let named = |what: &str| format!("candidate {:?}: {what}", candidate.name);
        for Scores { frame, clip, patient } in
            [Some(&candidate.honest), candidate.published.as_ref()].into_iter().flatten()
        {
            for unit in [frame, clip, patient] {
                expect(unit.per_class.len(), &named("per_class"))?;
                expect(unit.confusion.len(), &named("confusion"))?;
                for row in &unit.confusion {
                    expect(row.len(), &named("a row of confusion"))?;
                }
                // A curve may be left out altogether where a class is missing.
                if !unit.roc.is_empty() {
                    expect(unit.roc.len(), &named("roc"))?;
                }
            }
        }
        for clip in candidate.runs.iter().flat_map(|run| &run.clips_tested) {
            expect(clip.probabilities.len(), &named("probabilities"))?;
            if clip.truth >= classes {
                return Err(named(&format!("clip {:?} has class {}, of {classes}", clip.clip, clip.truth)));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    fn folder_with(file: &str, content: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), content).unwrap();
        folder
    }

    fn error_of(folder: &Path) -> String {
        let error = read(&[folder.to_owned()]).unwrap_err();
        assert!(!error.hint().is_empty());
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
        let evaluation = serde_json::to_string(&synthetic::evaluation(2, 1)).unwrap();
        std::fs::write(folder.path().join(EVALUATION_FILE), evaluation).unwrap();
        let sources = read(&[folder.path().to_owned(), folder.path().join("fold-2")]).unwrap();
        assert_eq!(sources.evaluations.len(), 1);
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
    fn another_version_is_called_by_its_name_and_not_broken() {
        let folder = folder_with(EVALUATION_FILE, r#"{"version": "9.1.0", "something": "else"}"#);
        assert!(error_of(folder.path()).contains("written by hico 9.1.0"));
        assert!(compatible(VERSION));
        assert!(!compatible(""));
    }

    #[test]
    fn a_broken_evaluation_says_where() {
        let text = serde_json::to_string(&synthetic::evaluation(2, 1)).unwrap();
        let folder = folder_with(EVALUATION_FILE, &text[..text.len() / 2]);
        assert!(error_of(folder.path()).contains("EOF"));
    }

    #[test]
    fn lists_of_the_wrong_length_are_refused_before_they_are_drawn() {
        let mut evaluation = synthetic::evaluation(2, 1);
        evaluation.candidates[1].honest.clip.confusion.pop();
        let folder = folder_with(EVALUATION_FILE, &serde_json::to_string(&evaluation).unwrap());
        assert!(error_of(folder.path()).contains("candidate \"thumbnails\": confusion has 2 entries"));
        let mut evaluation = synthetic::evaluation(2, 1);
        evaluation.candidates[1].runs[0].clips_tested[0].truth = 3;
        let folder = folder_with(EVALUATION_FILE, &serde_json::to_string(&evaluation).unwrap());
        assert!(error_of(folder.path()).contains("has class 3, of 3"));
    }
}
