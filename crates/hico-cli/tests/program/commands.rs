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
        ("crossval data --cheap-floors --side 32 --epochs 1 --frames-per-clip 1 --out floors", "candidates"),
        ("finetune run --data data --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out tuned", "candidates"),
        ("export run --to torchvision --out encoder.safetensors", "preprocessing"),
        ("report run floors", "evaluations"),
    ] {
        let said = done(folder.path(), &format!("{line} --json --quiet"));
        let result: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert!(result.get(key).is_some(), "hico {line}: no {key} in {}", said.out);
    }
}
