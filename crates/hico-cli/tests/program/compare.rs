//! A study from outside: in parallel, interrupted, one cell alone, a cell again.

use crate::setting::{Said, dataset, done, hico, run, snapshot};
use std::path::Path;
use std::process::Command;

const STUDY: &str = r#"
title = "Phantom"
seeds = [1]
[budget]
images = 16
[evaluation]
probe = ["all", 1]
finetune = []
baselines = false
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
    assert!(one.starts_with("method,data,fold,seed,labels,evaluation"), "{one}");
    let kept = snapshot(&folder.join("out/predictions"));
    assert_eq!(kept.len(), 1);
    let text = done(folder, "compare study.toml --out out --jobs 2 --device cpu --quiet").out;
    assert!(text.contains("hico minus random"), "{text}");
    for file in ["answers.csv", "summary.json", "summary.md", "report.html"] {
        assert!(folder.join("out").join(file).is_file(), "{file}");
    }
    let after = snapshot(&folder.join("out/predictions"));
    assert!(after.len() == 4 && kept.iter().all(|(path, bytes)| after[path] == *bytes));
    let again = done(folder, "compare study.toml --out out --verify 3 --threads 1 --device cpu --quiet").out;
    assert!(again.contains("the same to the last digit"), "{again}");
    // An answer that was changed is found out.
    let path = folder.join("out/cells/hico--phantom-fold1--seed1.json");
    let changed = std::fs::read_to_string(&path).unwrap().replacen("\"clips\": ", "\"clips\": 9", 1);
    std::fs::write(&path, changed).unwrap();
    let said = run(folder, "compare study.toml --out out --verify 3 --device cpu --quiet".split_whitespace());
    assert_eq!(said.code, Some(3), "{}", said.err);
    // A table that was cut is told by its name.
    let table = folder.join("out/predictions/phantom/hico--phantom-fold1--seed1.parquet");
    let bytes = std::fs::read(&table).unwrap();
    std::fs::write(&table, &bytes[..bytes.len() / 2]).unwrap();
    let said = run(folder, "compare study.toml --out out --summarise --quiet".split_whitespace());
    assert!(said.code == Some(1) && said.err.contains("hico--phantom-fold1--seed1.parquet"), "{}", said.err);
    // Without its JSON the cell is done again, also where an older version finished it.
    std::fs::rename(&path, path.with_extension("csv")).unwrap();
    let said = done(folder, "compare study.toml --out out --device cpu");
    assert!(said.err.contains("1 cells were finished by an older version"), "{}", said.err);
    assert_eq!(std::fs::read(&table).unwrap(), bytes);
}

#[test]
fn tasks_of_an_array_job_run_the_cells_of_their_numbers_and_other_programs_find_the_same_figures() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder, "--patients 16 --frames 3 --seed 2");
    std::fs::rename(folder.join("data"), folder.join("first")).unwrap();
    done(folder, "phantom --out clips2 --quiet --side 32 --patients 18 --frames 3 --seed 5");
    done(folder, "ingest clips2 --labels clips2/labels.csv --out second --side 0 --quiet");
    done(folder, "split second --folds 2 --quiet");
    let text = STUDY
        .replace("seeds = [1]", "seeds = [1, 2]")
        .replace("probe = [\"all\", 1]", "knn = [\"all\"]\nlinear_probe = [\"all\"]\nlooks = 1")
        .replace("baselines = false\n", "")
        .replace(
            "name = \"phantom\"\nfolder = \"data\"",
            "name = \"first\"\nfolder = \"first\"\n[[data]]\nname = \"second\"\nfolder = \"second\"",
        );
    std::fs::write(folder.join("study.toml"), text).unwrap();
    std::fs::write(folder.join("hico.toml"), "").unwrap();
    // The files of the documentation, as a scheduler runs them.
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cluster");
    let programs = Path::new(env!("CARGO_BIN_EXE_hico")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    for cell in 0..14 {
        let mut script = Command::new("sh");
        script.arg(docs.join("compare.slurm")).args(["study.toml", "study"]).current_dir(folder);
        let output = script.env("PATH", &path).env("SLURM_ARRAY_TASK_ID", cell.to_string()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let job = std::fs::read_to_string(docs.join("compare-job.yaml")).unwrap();
    let line = job.lines().find_map(|line| line.trim().strip_prefix("command: ")).unwrap();
    let line: Vec<String> = serde_json::from_str(line).unwrap();
    for cell in 14..28 {
        let output = hico(folder).args(&line[1..]).env("JOB_COMPLETION_INDEX", cell.to_string()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let odd = hico(folder).args(&line[1..]).env("SLURM_ARRAY_TASK_ID", "seven").output().unwrap();
    let odd = Said::new(&odd);
    assert!(odd.err.contains("SLURM_ARRAY_TASK_ID = \"seven\"") && odd.err.contains("hint: "), "{}", odd.err);
    let plan = done(folder, "compare study.toml --out study --plan").out;
    assert!(plan.contains("28 cells; 4 tests") && plan.contains("smallest difference with power 0.8"), "{plan}");
    assert!(!done(folder, "compare study.toml --out study --list").out.contains("to do"));
    done(folder, "compare study.toml --out study --summarise --quiet");

    let named = std::env::var("HICO_PYTHON");
    let python = named.clone().unwrap_or_else(|_| "python3".to_owned());
    let needed = "import duckdb, pandas, pyarrow, scipy, sklearn";
    if !Command::new(&python).args(["-c", needed]).output().is_ok_and(|output| output.status.success()) {
        // The gate makes an interpreter that has them and names it; elsewhere they may be absent.
        assert!(named.is_err(), "{python} cannot {needed}: delete that environment, and ./check makes it anew");
        println!("skipped: other programs on a study's predictions: {python} cannot {needed}");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/study_figures.py");
    let output = Command::new(&python).arg(script).arg(folder.join("study")).output().unwrap();
    let said = Said::new(&output);
    assert!(output.status.success(), "{}{}", said.out, said.err);
    println!("{}", said.out);
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
    let listed = run(folder, "compare study.toml --out out --list --quiet".split_whitespace());
    assert!(listed.code == Some(1) && listed.err == words && listed.out.is_empty(), "{}", listed.err);
    done(folder, "compare study.toml --out other --list");
    let nothing = run(folder, "compare study.toml --out other --summarise".split_whitespace());
    assert!(nothing.code == Some(1) && nothing.err.contains("no cell of this study is finished"), "{}", nothing.err);
    assert!(!folder.join("other").exists(), "neither writes anything");
    // What is new is no contradiction.
    std::fs::write(folder.join("study.toml"), STUDY.replace("seeds = [1]", "seeds = [1, 2]")).unwrap();
    done(folder, "compare study.toml --out out --cell 4 --device cpu --quiet");
}
