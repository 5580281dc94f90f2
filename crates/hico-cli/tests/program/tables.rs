//! Labels, trees and splits: what is not as a table says is told, and every remedy that a hint names works.

use crate::setting::{Said, done, run};
use std::path::Path;

fn hint(said: &Said) -> String {
    let hint = said.err.lines().find_map(|line| line.strip_prefix("hint: "));
    hint.unwrap_or_else(|| panic!("no hint: {}", said.err)).to_owned()
}

/// A data set of nine patients, of whom those called `rare` have a class of their own.
fn with_rare(folder: &Path, rare: &[&str]) {
    done(folder, "phantom --out clips --quiet --side 32 --patients 9 --frames 2 --seed 2");
    let table = std::fs::read_to_string(folder.join("clips/labels.csv")).unwrap();
    let row = |row: &str| {
        let cells: Vec<&str> = row.split(',').collect();
        let is_rare = rare.contains(&cells[2]);
        format!("{},{},{},{}\n", cells[0], if is_rare { "a rare one" } else { "label" }, cells[2], cells[3])
    };
    let rows: String = table.lines().skip(1).map(row).collect();
    std::fs::write(folder.join("clips/labels.csv"), format!("file,label,patient,group\n{rows}")).unwrap();
    done(folder, "ingest clips --labels clips/labels.csv --out data --side 0 --quiet");
}

#[test]
fn the_remedies_of_a_refused_split_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    with_rare(folder, &["P001"]);
    for folds in ["5", "4", "3", "2"] {
        let said = run(folder, ["split", "data", "--folds", folds]);
        assert_eq!(said.code, Some(1));
        assert!(said.err.contains("\"a rare one\"") && said.err.contains("in 1 groups"), "{}", said.err);
        let hint = hint(&said);
        assert!(hint.starts_with(&format!("--folds {folds} --unlabel 'a rare one' works")), "{hint}");
    }
    let table = std::fs::read(folder.join("data/clips.csv")).unwrap();
    let said = run(folder, ["split", "data", "--folds", "5", "--unlabel", "a rare one"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    done(folder, "split data --check");
    assert_eq!(std::fs::read(folder.join("data/clips.before-split.csv")).unwrap(), table);
    let said = run(folder, ["split", "data", "--force", "--unlabel", "absent"]);
    assert!(said.code == Some(1) && hint(&said).contains("label"), "{}", said.err);
}

#[test]
fn fewer_folds_are_named_where_they_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    with_rare(folder, &["P001", "P002"]);
    let said = run(folder, ["split", "data", "--folds", "5"]);
    assert!(hint(&said).starts_with("--folds 2 works; --folds 5 --unlabel 'a rare one' works"), "{}", said.err);
    done(folder, "split data --folds 2");
}

#[test]
fn patients_that_two_data_sets_share_are_told_and_kept_together_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    with_rare(folder, &[]);
    let said = done(folder, "join a=data b=data --out apart");
    assert!(
        said.out.contains("warning: 9 patients are named alike in several data sets (P001, P002, P003, ...)"),
        "{}",
        said.out
    );
    assert!(said.out.contains("--same-patients"), "{}", said.out);
    done(folder, "join a=data b=data --same-patients --out same");
    for (data, groups) in [("apart", "18 groups"), ("same", "9 groups")] {
        let said = done(folder, &format!("inspect {data}"));
        assert!(said.out.contains(groups), "{}", said.out);
    }
}

#[test]
fn the_summary_says_what_was_read_and_what_was_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    with_rare(folder, &["P001"]);
    let table = std::fs::read_to_string(folder.join("clips/labels.csv")).unwrap();
    let table = table.replace("a rare one", "nan") + "elsewhere/P002-1.gif,label,P002,P002\n";
    std::fs::write(folder.join("clips/labels.csv"), table).unwrap();
    let said = done(folder, "ingest clips --labels clips/labels.csv --out other --side 0");
    for words in [
        "2 unlabelled; 9 patients, 9 groups",
        "18 rows, columns file, label, patient, group",
        "column label: 2 cells with \"nan\"",
        "1 in the labels table without a file\n  line 19: elsewhere/P002-1.gif",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let said = done(folder, "ingest clips --labels clips/labels.csv --keep-word nan --out kept --side 0");
    assert!(said.out.contains("0 unlabelled"), "{}", said.out);
}

#[cfg(unix)]
#[test]
fn a_tree_of_links_names_the_flag_that_follows_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, "phantom --out clips --quiet --side 32 --patients 2 --frames 2");
    std::fs::create_dir(folder.join("src")).unwrap();
    std::os::unix::fs::symlink("../clips", folder.join("src/clips")).unwrap();
    let said = run(folder, ["ingest", "src", "--out", "data"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("1 link (clips)") && hint(&said).starts_with("--follow-links "), "{}", said.err);
    done(folder, "ingest src --follow-links --out data --quiet");
    let said = run(folder, ["audit", "src", "--phi"]);
    assert!(hint(&said).starts_with("--follow-links "), "{}", said.err);
    done(folder, "audit src --phi --follow-links --quiet");
}
