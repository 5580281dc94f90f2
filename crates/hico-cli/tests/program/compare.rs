//! A study from outside: in parallel, interrupted, one cell alone, a cell again.

use crate::setting::{dataset, done, run};
use std::path::Path;

const STUDY: &str = r#"
title = "Phantom"
seeds = [1]
[budget]
images = 16
[judge]
probe = ["all", 1]
finetune = []
frames_per_clip = 1
[recipe]
view.side = 32
train.batch = 4
[[data]]
name = "phantom"
folder = "data"
[[method]]
name = "random"
[[method]]
name = "hico"
recipe = "hico.toml"
set.method.supervision = "self"
"#;

fn study(folder: &Path) {
    dataset(folder, "--patients 12 --frames 3 --seed 2");
    std::fs::write(folder.join("study.toml"), STUDY).unwrap();
    std::fs::write(folder.join("hico.toml"), "").unwrap();
}

#[test]
fn a_study_is_listed_run_in_parallel_summed_up_and_repeated_to_the_last_digit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    study(folder);
    let listed = done(folder, "compare study.toml --out out --list").out;
    assert_eq!(listed.matches("to do").count(), 4, "{listed}");
    let one = done(folder, "compare study.toml --out out --cell 1 --device cpu --quiet").out;
    assert!(one.starts_with("method,data,fold,seed,labels,way"), "{one}");
    let kept = std::fs::read_to_string(folder.join("out/cells/hico--phantom-fold0--seed1.csv")).unwrap();
    assert_eq!(one.trim_end(), kept.trim_end());
    let text = done(folder, "compare study.toml --out out --jobs 2 --device cpu --quiet").out;
    assert!(text.contains("hico minus random"), "{text}");
    for file in ["cells.csv", "summary.json", "summary.md", "report.html"] {
        assert!(folder.join("out").join(file).is_file(), "{file}");
    }
    assert_eq!(std::fs::read_to_string(folder.join("out/cells/hico--phantom-fold0--seed1.csv")).unwrap(), kept);
    let again = done(folder, "compare study.toml --out out --verify 3 --threads 1 --device cpu --quiet").out;
    assert!(again.contains("the same to the last digit"), "{again}");
    // An answer that was changed is found out.
    let path = folder.join("out/cells/hico--phantom-fold1--seed1.csv");
    let changed = std::fs::read_to_string(&path).unwrap().replacen(",probe,", ",knn,", 1);
    std::fs::write(&path, changed).unwrap();
    let said = run(folder, "compare study.toml --out out --verify 3 --device cpu --quiet".split_whitespace());
    assert_eq!(said.code, Some(3));
}

#[test]
fn a_folder_of_another_study_and_a_cell_that_is_not_there_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    study(folder);
    done(folder, "compare study.toml --out out --cell 0 --device cpu --quiet");
    let words = run(folder, "compare study.toml --out out --cell 9 --quiet".split_whitespace()).err;
    assert!(words.contains("there is no cell 9") && words.contains("hint: the cells are 0 to 3"), "{words}");
    std::fs::write(folder.join("study.toml"), STUDY.replace("images = 16", "images = 32")).unwrap();
    let words = run(folder, "compare study.toml --out out --cell 1 --quiet".split_whitespace()).err;
    assert!(
        words.contains("begun with budget.images = 16, now asked for 32")
            && words.contains("hint: choose another --out"),
        "{words}"
    );
    // What is new is no contradiction.
    std::fs::write(folder.join("study.toml"), STUDY.replace("seeds = [1]", "seeds = [1, 2]")).unwrap();
    done(folder, "compare study.toml --out out --cell 4 --device cpu --quiet");
}
