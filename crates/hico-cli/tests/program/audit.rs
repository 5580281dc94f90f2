//! `hico audit` on phantoms of which one was copied into another patient's files.

use crate::setting::{done, run, snapshot};
use hico_data::Manifest;
use std::path::Path;

/// A data set in two folds in which a clip of the first patient is a clip of another one in another fold, too.
fn planted(folder: &Path) {
    done(folder, "phantom --out clips --patients 9 --frames 3 --side 96 --seed 2 --quiet");
    done(folder, "ingest clips --labels clips/labels.csv --out before --side 0 --quiet");
    done(folder, "split before --folds 2 --quiet");
    let rows = Manifest::read(&folder.join("before")).unwrap().rows;
    let copy = rows.iter().find(|row| row.fold != rows[0].fold).unwrap();
    let clips = folder.join("clips");
    let (from, to) = (clips.join(&rows[0].source), clips.join(&copy.source));
    if from.is_dir() {
        std::fs::remove_dir_all(&to).unwrap();
        std::fs::create_dir(&to).unwrap();
        for file in std::fs::read_dir(&from).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
    done(folder, "ingest clips --labels clips/labels.csv --out data --side 0 --quiet");
    done(folder, "split data --folds 2 --quiet");
}

#[test]
fn a_copy_is_found_fails_a_strict_audit_and_is_mended_by_fix_and_apply() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    planted(folder);
    let strict = run(folder, ["audit", "data", "--strict", "--quiet", "--html", "audit.html"]);
    assert_eq!(strict.code, Some(3), "{}{}", strict.out, strict.err);
    assert!(strict.out.contains("same file"), "{}", strict.out);
    assert!(std::fs::read_to_string(folder.join("audit.html")).unwrap().contains("Same file"));

    done(folder, "audit data --fix --no-confounds --quiet");
    let before = Manifest::read(&folder.join("data")).unwrap();
    let applied = done(folder, "audit data --apply");
    // The two patients have two findings, and nobody knows which of them is right.
    assert!(applied.out.contains("2 left out"), "{}", applied.out);
    let after = Manifest::read(&folder.join("data")).unwrap();
    assert_eq!(after.rows.len() + 2, before.rows.len());
    let strict = run(folder, ["audit", "data", "--strict", "--quiet", "--no-confounds"]);
    assert_eq!(strict.code, Some(0), "{}{}", strict.out, strict.err);
}

#[test]
fn a_page_or_proposal_that_exists_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, "phantom --out clips --patients 3 --frames 1 --side 32 --quiet");
    done(folder, "ingest clips --labels clips/labels.csv --out data --side 0 --quiet");
    std::fs::write(folder.join("audit.html"), "mine").unwrap();
    done(folder, "audit data --fix --quiet");
    let before = snapshot(folder);
    for line in ["audit data --html audit.html", "audit data --fix", "audit clips", "audit data --apply --fix"] {
        let said = run(folder, line.split_whitespace());
        assert!(said.code.is_some_and(|code| code != 0) && said.err.contains("error: "), "{line}: {}", said.err);
    }
    assert!(snapshot(folder) == before);
}
