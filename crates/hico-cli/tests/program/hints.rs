//! Every `hint:` that names a flag or a step is followed: a command fails, says the hint, and what the hint says works.

mod table;

use crate::setting::{Said, dataset, done};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use table::{NOT_FOLLOWED, ROWS, Row};

/// A folder with the phantom clips `clips`, their data set `data` in two folds, the run `run`, the fine-tuned `tuned`,
/// weights `two.safetensors` of two networks and a recipe `r.toml` of little work; made once, copied for each row.
fn fixture() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = tempfile::tempdir().unwrap();
        let folder = made.path();
        dataset(folder, "--patients 9 --frames 3 --seed 2");
        let recipe = "[view]\nside = 32\n[train]\nbatch = 4\nepochs = 1\n";
        std::fs::write(folder.join("r.toml"), recipe).unwrap();
        done(folder, "pretrain data --recipe r.toml --quiet --out run");
        done(folder, "finetune run --data data --holdout-fold 0 --epochs 1 --quiet --out tuned");
        std::fs::write(folder.join("two.safetensors"), twice(&folder.join("run/best.safetensors"))).unwrap();
        made
    })
    .path()
}

/// Two backbones that differ, `left.` and `right.`, of which nobody knows which is meant.
fn twice(checkpoint: &Path) -> Vec<u8> {
    let bytes = std::fs::read(checkpoint).unwrap();
    let read = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<(String, TensorView<'_>)> = Vec::new();
    let mut other: Vec<Vec<u8>> = Vec::new();
    let backbone = || read.iter().filter_map(|(name, tensor)| Some((name.strip_prefix("encoder.backbone.")?, tensor)));
    for (_, tensor) in backbone() {
        let mut changed = tensor.data().to_vec();
        changed[0] ^= 1;
        other.push(changed);
    }
    for ((name, tensor), changed) in backbone().zip(&other) {
        let right = TensorView::new(tensor.dtype(), tensor.shape().to_vec(), changed).unwrap();
        tensors.extend([(format!("left.{name}"), tensor), (format!("right.{name}"), right)]);
    }
    safetensors::serialize(tensors, None).unwrap()
}

/// Runs a script by `sh -e` in `folder`, with this build's `hico` on the path, a DICOM file as `$DICOM` and
/// small files of many kinds below `$FILES`.
fn shell(folder: &Path, script: &str) -> Said {
    let program = Path::new(env!("CARGO_BIN_EXE_hico")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hico-data/tests/regressions");
    let mut command = Command::new("sh");
    command.args(["-ec", script]).current_dir(folder).env("PATH", path).env_remove("RUST_BACKTRACE");
    command.env("DICOM", files.join("dicom/good-native")).env("FILES", files);
    Said::new(&command.output().unwrap())
}

fn follow(row: &Row) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let copied = Command::new("cp").arg("-r").arg(fixture().join(".")).arg(folder).status().unwrap();
    assert!(copied.success());
    let ready = shell(folder, row.before);
    assert_eq!(ready.code, Some(0), "{}: before {:?}: {}", row.hint, row.before, ready.err);
    let failed = shell(folder, row.fails);
    assert!(!matches!(failed.code, Some(0) | None), "{:?} does not fail: {}{}", row.fails, failed.out, failed.err);
    let mut hints = failed.err.lines().filter_map(|line| line.trim_start().strip_prefix("hint: "));
    assert!(hints.any(|said| says(said, row.hint)), "{:?} does not hint {:?}: {}", row.fails, row.hint, failed.err);
    let then = shell(folder, row.then);
    assert_eq!(then.code, Some(0), "the hint {:?} of {:?} is false: {}{}", row.hint, row.fails, then.out, then.err);
}

/// Whether a line is the hint as the source has it, where `{}` stands for anything.
fn says(line: &str, hint: &str) -> bool {
    let mut rest = line;
    pieces(hint).iter().all(|piece| match rest.find(piece.as_str()) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

/// What of a format string is always said.
fn pieces(hint: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut inside = false;
    for letter in hint.chars() {
        match letter {
            '{' => inside = true,
            '}' => {
                inside = false;
                pieces.push(String::new());
            }
            _ if inside => {}
            letter => pieces.last_mut().unwrap().push(letter),
        }
    }
    pieces
}

fn of_chapter(chapter: &str) {
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.chapter == chapter).collect();
    assert!(!rows.is_empty(), "{chapter}: no such chapter");
    rows.into_iter().for_each(follow);
}

#[test]
fn hints_of_ingest_work_when_they_are_followed() {
    of_chapter("ingest");
}

#[test]
fn hints_about_data_sets_work_when_they_are_followed() {
    of_chapter("data");
}

#[test]
fn hints_of_training_work_when_they_are_followed() {
    of_chapter("train");
}

#[test]
fn hints_of_evaluations_work_when_they_are_followed() {
    of_chapter("evaluate");
}

#[test]
fn hints_about_networks_in_use_work_when_they_are_followed() {
    of_chapter("use");
}

/// String literals between the bracket at `begin` and the one that closes it.
fn literals(text: &str, begin: usize) -> Vec<String> {
    let (mut found, mut depth) = (Vec::new(), 0_usize);
    let mut letters = text[begin..].chars();
    while let Some(letter) = letters.next() {
        match letter {
            '{' | '(' => depth += 1,
            '}' | ')' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            '"' => {
                let mut literal = String::new();
                while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
                    match letter {
                        '\\' => match letters.next() {
                            Some('\n') => {
                                let rest = letters.as_str();
                                letters = rest.trim_start().chars();
                            }
                            Some(escaped) => literal.push(escaped),
                            None => {}
                        },
                        letter => literal.push(letter),
                    }
                }
                found.push(literal);
            }
            _ => {}
        }
    }
    found
}

/// Source files of the workspace.
fn sources() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" && name != "benches" {
                folders.push(path);
            } else if name.ends_with(".rs") {
                files.push(path);
            }
        }
    }
    files
}

/// Source code whose strings go on over the ends of lines, each on one line.
fn joined(code: &str) -> String {
    code.split("\\\n").enumerate().map(|(line, code)| if line == 0 { code } else { code.trim_start() }).collect()
}

/// Every hint of the source that names a flag or a command.
fn hints_of_the_source() -> BTreeSet<String> {
    let mut hints = BTreeSet::new();
    for file in sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let functions = code.match_indices("fn hint").filter_map(|(at, _)| {
            let head = code[at..].find(['{', ';'])?;
            code.as_bytes().get(at + head).filter(|byte| **byte == b'{').map(|_| at + head)
        });
        let calls = code.match_indices(".hint(").map(|(at, word)| at + word.len() - 1);
        let mut all: Vec<String> = functions.chain(calls).flat_map(|begin| literals(code, begin)).collect();
        // Every sentence of these files is a hint.
        if file.components().any(|part| part.as_os_str() == "hints") {
            all.extend(literals(&format!("({code})"), 0));
        }
        hints.extend(all.into_iter().filter(|hint| hint.contains("--") || hint.contains("hico ")));
    }
    hints
}

#[test]
fn every_hint_that_names_a_flag_or_a_step_is_followed_or_says_why_not() {
    let hints = hints_of_the_source();
    assert!(hints.len() > 60, "only {} hints were found in the source", hints.len());
    let followed: BTreeSet<&str> = ROWS.iter().map(|row| row.hint).collect();
    let excused: BTreeSet<&str> = NOT_FOLLOWED.iter().map(|(hint, _)| *hint).collect();
    let missing: Vec<&String> =
        hints.iter().filter(|hint| !followed.contains(hint.as_str()) && !excused.contains(hint.as_str())).collect();
    assert!(missing.is_empty(), "{} hints that nobody follows: {missing:#?}", missing.len());
    // Those that are put together outside of a `hint` are in the source all the same.
    let source: String = sources().iter().map(|file| joined(&std::fs::read_to_string(file).unwrap())).collect();
    let gone: Vec<&&str> = excused.iter().chain(&followed).filter(|hint| !source.contains(**hint)).collect();
    assert!(gone.is_empty(), "hints of the table that the source does not have: {gone:#?}");
    for (hint, why) in NOT_FOLLOWED {
        assert!(why.len() > 20 && !followed.contains(hint), "{hint}: {why}");
    }
}
