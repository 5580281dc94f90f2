//! What a folder of cells is after a kill, and after a data set was added.

use super::cell;
use super::cell_file::CellFiles;
use super::grid::cells;
use super::study::Study;
use super::tests::{STUDY, read, run, spots};
use hico_data::Dataset;
use std::sync::Arc;

#[test]
fn a_cell_that_was_killed_between_its_table_and_its_json_goes_on_and_a_changed_table_is_told() {
    let study =
        read(&STUDY.replace("curve_points = 1", "curve_points = 0").replace("finetune = [\"all\"]", "finetune = []"))
            .unwrap();
    let data = [spots(), spots()];
    let cell = &cells(&study, &data).unwrap()[0];
    let folder = tempfile::tempdir().unwrap();
    let answers = run(&study, &data, cell, folder.path()).unwrap();
    assert!(answers.len() > 1);
    let files = CellFiles { root: folder.path(), cell, study: &study, data: &data };
    // The JSON of before and the table of after, as a kill leaves them.
    files.write(&answers[..1]).unwrap();
    let json = folder.path().join("cells").join(format!("{}.json", cell.name));
    let before = std::fs::read(&json).unwrap();
    files.write(&answers).unwrap();
    std::fs::write(&json, before).unwrap();
    assert_eq!(files.read().unwrap().unwrap(), answers[..1]);
    // A table of other probabilities is none of this cell.
    let mut other = answers[..1].to_vec();
    other[0].predictions[0].probabilities.swap(0, 1);
    files.write(&other).unwrap();
    let error = files.read().unwrap_err().to_string();
    assert!(error.contains(".parquet") && error.contains("are not those that the cell wrote"), "{error}");
}

#[test]
fn a_pool_is_pretrained_on_once_for_all_sets_and_a_set_may_be_added_later() {
    let text = STUDY
        .replace("seeds = [1, 2]", "seeds = [1]")
        .replace("name = \"spots\"\nfolder = \"spots\"", "name = \"spots\"\nfolder = \"spots\"\nevaluated = false")
        .replace("curve_points = 1", "curve_points = 0")
        .replace("finetune = [\"all\"]", "finetune = []");
    let third = "[[data]]\nname = \"third\"\nfolder = \"third\"\npretrain = \"spots\"\n\n[[method]]\nname = \"random\"";
    let more = read(&text.replacen("[[method]]\nname = \"random\"", third, 1)).unwrap();
    let study = read(&text).unwrap();
    let data = [spots(), spots(), spots()];
    let before = cells(&study, &data[..2]).unwrap();
    let after = cells(&more, &data).unwrap();
    assert_eq!(before.len(), 3, "a cell a method");
    assert_eq!(before[1].tests, [(1, 1)]);
    assert_eq!(
        (after[1].name.as_str(), after[1].tests.as_slice()),
        ("self--on-spots--seed1", &[(1, 1), (2, 0), (2, 1)][..])
    );
    let folder = tempfile::tempdir().unwrap();
    let first = run(&study, &data[..2], &before[1], folder.path()).unwrap();
    assert!(cell::is_finished(&study, &before[1], folder.path()).unwrap());
    assert!(!cell::is_finished(&more, &after[1], folder.path()).unwrap());
    let both = run(&more, &data, &after[1], folder.path()).unwrap();
    assert!(both.len() == 3 * first.len() && both[..first.len()] == first[..], "what was known is not asked again");
    // The sets are the same, and so is the encoder.
    let of = |data: &str, fold: usize| -> Vec<_> {
        both.iter().filter(|row| row.data == data && row.fold == fold).map(|row| row.predictions.clone()).collect()
    };
    assert_eq!(of("other", 1), of("third", 1));
    assert!(cell::is_finished(&more, &after[1], folder.path()).unwrap());
}

#[test]
fn a_cell_that_was_copied_from_another_study_or_another_split_is_refused() {
    let text = STUDY.replace("curve_points = 1", "curve_points = 0").replace("finetune = [\"all\"]", "finetune = []");
    let study = read(&text).unwrap();
    let data = [spots(), spots()];
    let cell = &cells(&study, &data).unwrap()[0];
    let folder = tempfile::tempdir().unwrap();
    run(&study, &data, cell, folder.path()).unwrap();
    let refusal = |study: &Study, data: &[Arc<Dataset>]| {
        let files = CellFiles { root: folder.path(), cell, study, data };
        files.read().unwrap_err().to_string()
    };
    let other = read(&text.replace("frames_per_clip = 2", "frames_per_clip = 3")).unwrap();
    let words = refusal(&other, &data);
    assert!(words.ends_with("it is of another study: evaluation.frames_per_clip = 2, now asked for 3"), "{words}");
    assert!(cell::is_finished(&other, cell, folder.path()).is_err(), "nor is it called finished");
    let mut manifest = data[0].manifest().clone();
    for row in &mut manifest.rows {
        row.fold = row.fold.map(|fold| 1 - fold);
    }
    let clips = (0..data[0].len()).map(|clip| data[0].read_clip(clip).unwrap()).collect();
    let turned = [Arc::new(Dataset::in_memory(manifest, clips)), spots()];
    let words = refusal(&study, &turned);
    assert!(words.ends_with("it is of another study: another table of the data set spots"), "{words}");
    // Cells of versions that did not write it down are read as before.
    let json = folder.path().join("cells").join(format!("{}.json", cell.name));
    let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert!(record.as_object_mut().unwrap().remove("study").is_some());
    std::fs::write(&json, record.to_string()).unwrap();
    assert!(cell::is_finished(&other, cell, folder.path()).unwrap());
}
