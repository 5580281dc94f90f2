//! The program as a person runs it, on a small data set of phantom clips.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where real clips lie, if they do.
pub(crate) fn shared() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("HICO_SHARED").map_or_else(beside, PathBuf::from)
}

/// `hico`, not yet started, in `folder`.
pub(crate) fn hico(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hico"));
    command.current_dir(folder).env_remove("RUST_BACKTRACE");
    command
}

/// What a finished program said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// Runs `hico` to its end.
pub(crate) fn run<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Said {
    Said::new(&hico(folder).args(args).output().unwrap())
}

/// As [`run`], with arguments separated by spaces; it must succeed.
pub(crate) fn done(folder: &Path, line: &str) -> Said {
    let said = run(folder, line.split_whitespace());
    assert_eq!(said.code, Some(0), "hico {line}: {}", said.err);
    said
}

/// Phantom clips and the data set `data` made of them, in two folds.
pub(crate) fn dataset(folder: &Path, phantom: &str) -> PathBuf {
    done(folder, &format!("phantom --out clips --quiet --side 32 {phantom}"));
    done(folder, "ingest clips --labels clips/labels.csv --out data --side 0 --quiet");
    done(folder, "split data --folds 2 --quiet");
    folder.join("data")
}

/// Every file below a folder, and what is in it.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// The tensors of a checkpoint: all that follows the header, which tells of seconds and dates.
pub(crate) fn tensors(file: &Path) -> (Vec<String>, Vec<u8>) {
    let bytes = std::fs::read(file).unwrap();
    let (length, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let describe = |(name, info): (&String, &safetensors::tensor::TensorInfo)| format!("{name} {info:?}");
    let mut names: Vec<String> = header.tensors().iter().map(|(name, info)| describe((name, *info))).collect();
    names.sort();
    (names, bytes[8 + length..].to_vec())
}
