//! What every command prints: its help and its result as stored in `tests/cmd`, and the result as JSON.
//!
//! After a change of words: `TRYCMD=overwrite cargo test --workspace commands`, then read the difference.

use crate::setting::done;

#[test]
fn commands_say_what_is_stored() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}

#[test]
fn every_result_is_there_as_json() {
    let folder = tempfile::tempdir().unwrap();
    for (line, key) in [
        ("phantom --out clips --patients 9 --frames 2 --side 32 --seed 2", "clips"),
        ("ingest clips --labels clips/labels.csv --out data --side 0", "refused"),
        ("split data --folds 2", "0"),
        ("inspect data", "classes"),
        ("audit data", "pairs"),
        ("export-data data --to webdataset --out shards", "classes"),
        ("pretrain data --side 32 --batch 4 --epochs 1 --out run", "best"),
        ("crossval data --cheap-floors --side 32 --epochs 1 --frames-per-clip 1 --out floors", "tables"),
        ("finetune run --data data --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out tuned", "tables"),
        ("export run --to torchvision --out encoder.safetensors", "preprocessing"),
        ("report run floors", "studies"),
    ] {
        let said = done(folder.path(), &format!("{line} --json --quiet"));
        let result: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert!(result.get(key).is_some(), "hico {line}: no {key} in {}", said.out);
    }
}

#[test]
fn with_v_it_is_logged_what_is_done_and_the_result_stays_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    done(path, "phantom --out clips --patients 3 --frames 2 --side 32 --seed 2 --quiet");
    let levels = |err: &str| ["WARN", "INFO", "DEBUG"].map(|level| err.lines().any(|line| line.contains(level)));
    for (flag, expected) in [
        ("", [false; 3]),
        ("-v", [false, true, false]),
        ("--verbose --verbose", [false, true, true]),
        ("-vvv", [false, true, true]),
    ] {
        let out = format!("data{flag}").replace(' ', "");
        let said = done(path, &format!("ingest clips --labels clips/labels.csv --out {out} --side 0 --json {flag}"));
        let result: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(result["refused"].as_array().map(Vec::len), Some(0), "{flag}: {}", said.out);
        assert_eq!(levels(&said.err), expected, "{flag}: {}", said.err);
        // A clip's name may be a patient's; progress names it, the log does not.
        let log = said.err.lines().filter(|line| line.contains("hico_data"));
        assert!(!log.clone().any(|line| line.contains("P001")), "{flag}: {}", said.err);
        assert_eq!(log.clone().any(|line| line.contains("decoded")), expected[2], "{flag}: {}", said.err);
    }
    let again = done(path, "ingest clips --labels clips/labels.csv --out data --side 0 --json -v --quiet");
    assert!(again.err.contains("an earlier ingest is gone on with stored=4"), "{}", again.err);
}
