//! A disk that fills at any write: what was there is whole, one line says what happened, and the work goes on once there is
//! room.
//!
//! A C library put before the program fails the n-th write to a file and all that follow. The default suite tries some n of
//! each command; `HICO_WRITE_FAILURES=all` tries every one.

use crate::setting::{Said, dataset, done, hico, snapshot, tensors};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Failures of each command that the default suite tries.
const SOME: usize = 3;

/// A command that writes, and what it leaves.
struct Case {
    /// The arguments; all that is written lies below `out`.
    line: &'static str,
    /// The same command once there is room again.
    again: &'static str,
    /// Files that must come out the same as without a failure.
    files: &'static [&'static str],
}

const CASES: [Case; 4] = [
    Case {
        line: "ingest clips --labels clips/labels.csv --out out --side 0",
        again: "ingest clips --labels clips/labels.csv --out out --side 0",
        files: &["clips.csv", "frames-0000.safetensors"],
    },
    Case {
        line: "pretrain data --side 32 --batch 4 --epochs 1 --out out",
        again: "pretrain data --side 32 --batch 4 --epochs 1 --out out --resume",
        files: &["last.safetensors", "best.safetensors"],
    },
    Case {
        line: "finetune random --data data --side 32 --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out out",
        again: "finetune random --data data --side 32 --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out out",
        files: &["predictions/data/random--data-fold0--seed1.parquet", "scratch-fold0-seed1.safetensors"],
    },
    Case {
        line: "export tuned --to torchvision --out out/new/lung.safetensors",
        again: "export tuned --to torchvision --out out/new/lung.safetensors",
        files: &["new/lung.safetensors", "new/lung.safetensors.card.md"],
    },
];

/// The library that fills the disk; nothing where there is no C compiler.
fn library(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/write_failures/full_disk.c");
    let library = folder.join("full_disk.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    // A library that does not compile is a fault of this test, and no reason to skip it.
    compiler.status().ok().map(|status| assert!(status.success(), "cc: {status}")).map(|()| library)
}

/// Runs a command on a disk that fills at write `at` (0: never); what it said, and how many writes there were.
fn on_a_disk(folder: &Path, library: &Path, line: &str, at: usize) -> (Said, usize) {
    let count = folder.join("count");
    let mut command = hico(folder);
    command.args(line.split(' ')).arg("--quiet").env("LD_PRELOAD", library);
    command.env("FULL_DISK_AT", at.to_string()).env("FULL_DISK_COUNT", &count);
    let said = Said::new(&command.output().unwrap());
    (said, std::fs::read_to_string(&count).unwrap().parse().unwrap())
}

/// What of a file must not depend on failures: all of it, but of weights not the dates and seconds in their header.
fn content(path: &Path) -> Vec<u8> {
    match path.extension().is_some_and(|suffix| suffix == "safetensors") {
        true => tensors(path).1,
        false => std::fs::read(path).unwrap(),
    }
}

fn contents(folder: &Path, files: &[&str]) -> BTreeMap<String, Vec<u8>> {
    files.iter().map(|file| ((*file).to_owned(), content(&folder.join("out").join(file)))).collect()
}

#[test]
fn a_disk_that_fills_at_any_write_leaves_whole_files_and_the_work_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let Some(library) = library(path) else {
        return println!("skipped: a_disk_that_fills_at_any_write: no C compiler");
    };
    dataset(path, "--patients 9 --frames 2 --seed 2");
    let tune =
        "finetune random --data data --side 32 --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out tuned --quiet";
    done(path, tune);
    let all = std::env::var("HICO_WRITE_FAILURES").is_ok_and(|word| word == "all");
    for Case { line, again, files } in CASES {
        let (said, writes) = on_a_disk(path, &library, line, 0);
        assert_eq!(said.code, Some(0), "{line}: {}", said.err);
        let expected = contents(path, files);
        std::fs::remove_dir_all(path.join("out")).unwrap();
        let step = if all { 1 } else { writes.div_ceil(SOME).max(1) };
        let mut tried = 0;
        for at in (1..=writes).step_by(step) {
            let (said, _) = on_a_disk(path, &library, line, at);
            let what = format!("{line}, write {at} of {writes}");
            assert!(matches!(said.code, Some(code) if code != 0), "{what}: {:?} {}", said.code, said.err);
            let begin = |start: &str| said.err.lines().filter(|line| line.starts_with(start)).count();
            assert_eq!((begin("error: "), begin("hint: ")), (1, 1), "{what}: {}", said.err);
            assert!(!said.err.contains("panicked"), "{what}: {}", said.err);
            let out = path.join("out");
            let left = if out.exists() { snapshot(&out) } else { BTreeMap::new() };
            let part = left.keys().find(|file| file.file_name().unwrap().to_string_lossy().starts_with(".part-"));
            assert_eq!(part, None, "{what}: half a file is left");
            for file in left.keys().filter(|file| file.extension().is_some_and(|suffix| suffix == "safetensors")) {
                // A file that has its name is whole.
                tensors(file);
            }
            let (said, _) = on_a_disk(path, &library, again, 0);
            assert_eq!(said.code, Some(0), "{what}, then {again}: {}", said.err);
            for (file, found) in contents(path, files) {
                assert!(found == expected[&file], "{what}: {file} differs from that of a run without a failure");
            }
            std::fs::remove_dir_all(out).unwrap();
            tried += 1;
        }
        println!("{line}: {tried} of {writes} writes failed, each was mended");
    }
}
