//! What a result says of itself: how much was tested, where a network comes from, and what it is worth.

use crate::setting::{dataset, done, run};
use serde_json::Value;
use std::path::Path;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn read(path: &Path) -> Value {
    json(&std::fs::read_to_string(path).unwrap())
}

/// Nine patients in two folds; the network of fold 0 is fine-tuned from a run that did not see it.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    dataset(path, "--patients 9 --frames 2 --seed 2");
    done(path, "pretrain data --side 32 --batch 4 --epochs 1 --seed 5 --holdout-fold 0 --out run --quiet");
    folder
}

/// Clips and groups of fold 0 that have a label, of all that have one.
fn of_fold_0(path: &Path) -> ([usize; 2], usize) {
    let mut table = csv::Reader::from_path(path.join("data/clips.csv")).unwrap();
    let heads = table.headers().unwrap().clone();
    let column = |name: &str| heads.iter().position(|head| head == name).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let labelled: Vec<_> = rows.iter().filter(|row| !row[column("label")].is_empty()).collect();
    let tested: Vec<_> = labelled.iter().filter(|row| &row[column("fold")] == "0").collect();
    let groups: std::collections::BTreeSet<&str> = tested.iter().map(|row| &row[column("group")]).collect();
    ([tested.len(), groups.len()], labelled.len())
}

#[test]
fn a_network_says_what_was_tested_and_where_it_comes_from_wherever_it_is_shown() {
    let folder = world();
    let path = folder.path();
    let ([clips, groups], all) = of_fold_0(path);
    assert!(clips < all, "one fold is not everything");
    let tune = "finetune run --data data --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out tuned";
    let said = done(path, tune);
    let counted = format!("tested on {clips} clips of {groups} patients ({all} clips have a label)");
    assert!(said.out.contains(&counted), "{}", said.out);
    let summary = read(&path.join("tuned/summary.json"));
    assert_eq!(summary["pretraining"][0]["run"], "run");

    // The card of the folder that `predict` takes.
    done(path, "export tuned --to hico --out new/folder/lung.safetensors --quiet");
    let card = read(&path.join("new/folder/lung.safetensors.card.json"));
    let run_facts = &card["history"]["beginning"]["run"];
    assert_eq!([&run_facts["run"], &run_facts["method"]], ["run", "hico"]);
    assert_eq!((&run_facts["seed"], &run_facts["epochs"]), (&5.into(), &1.into()));
    assert_eq!(run_facts["data"], card["history"]["tuning"]["data"]);
    for seen in [&run_facts["learnt"], &card["history"]["tuning"]["learnt"], &card["history"]["tuning"]["validation"]] {
        assert!(seen["count"].as_u64().unwrap() > 0 && seen["names"].is_array(), "{card}");
    }
    let test = &card["reached"]["test"];
    assert_eq!((&test["clips"], &test["groups"]), (&clips.into(), &groups.into()));
    assert_eq!(card["evaluations"][0]["tested"]["clips"], clips);
    let words = std::fs::read_to_string(path.join("new/folder/lung.safetensors.card.md")).unwrap();
    assert!(words.contains("pretrained by hico (run run, ") && !words.contains("not recorded"), "{words}");
    assert!(words.contains(&format!("On {clips} clips of {groups} patients it never saw")), "{words}");
    done(path, "export tuned --to hico --out hidden.safetensors --hide-groups --quiet");
    for file in ["hidden.safetensors.card.json", "hidden.safetensors"] {
        let text = String::from_utf8_lossy(&std::fs::read(path.join(file)).unwrap()).into_owned();
        let named = (1..=9).map(|number| format!("P00{number}")).find(|name| text.contains(name));
        assert_eq!(named, None, "{file} names no patient");
    }

    // The answers, as text and as JSON.
    let text = done(path, "predict tuned clips/P001-1");
    assert!(text.err.contains(&format!("On {clips} clips of {groups} patients it never saw (fold 0)")), "{}", text.err);
    for per in ["clip", "frame"] {
        let answer = done(path, &format!("predict tuned clips/P001-1 --per {per} --json --quiet")).out;
        let answer = json(answer.lines().next().unwrap());
        assert_eq!(answer["network"]["test"]["clips"], clips, "{answer}");
        assert_eq!(answer["probabilities"].as_object().unwrap().len(), 3, "by class: {answer}");
    }

    // A copy, the checkpoint alone, and what was made from the network still know who was seen.
    for (encoder, fold) in [("run/best.safetensors", 1), ("new/folder/lung.safetensors", 1), ("tuned", 1)] {
        std::fs::remove_dir_all(path.join("again")).ok();
        let line = format!(
            "finetune {encoder} --data data --holdout-fold {fold} --epochs 1 --frames-per-clip 1 --out again --json --quiet"
        );
        let summary = json(&done(path, &line).out);
        let entries = summary["tables"][0]["entries"].as_array().unwrap();
        let runs = entries.iter().flat_map(|entry| &entry["scores"]["runs"].as_array().unwrap()[..]);
        let spoilt = runs.filter(|run| run["seen_groups"].as_array().is_some_and(|seen| !seen.is_empty())).count();
        assert_eq!(spoilt, 1, "{encoder}: fold 1 was learnt from");
        let warned = done(path, "predict again clips/P001-1 --quiet").err;
        assert!(warned.contains("warning: its pretraining saw"), "{warned}");
    }
}

#[test]
fn folders_are_taken_everywhere_and_a_study_without_a_network_says_how_to_make_one() {
    let folder = world();
    let path = folder.path();
    done(path, "finetune run --data data --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out tuned --quiet");
    done(path, "embed tuned data --out e.safetensors --page e.html --quiet");
    assert!(std::fs::read_to_string(path.join("e.html")).unwrap().contains("<title>P001-1; label"));
    done(path, "similar tuned clips/P001-1 --among e.safetensors --quiet");
    // Two formats of one stem have a card each.
    done(path, "export tuned --to torchvision --out lung.safetensors --quiet");
    done(path, "export tuned --to onnx --part classifier --out lung.onnx --python nowhere --quiet");
    for card in ["lung.safetensors.card.md", "lung.onnx.card.md"] {
        assert!(path.join(card).is_file(), "{card}");
    }
    let said = run(path, "export tuned --to torchvision --out lung.safetensors".split(' '));
    assert!(said.code == Some(1) && said.err.contains("lung.safetensors: is there already"), "{}", said.err);

    // The hint is a command that works.
    let study = "crossval data --pretrain-inside --pretrain-epochs 1 --pretrain-batch 4 --side 32 --epochs 1 \
                 --frames-per-clip 1 --cheap-floors --out study --quiet";
    done(path, study);
    for command in ["predict study clips/P001-1", "embed study data --out f.npy", "export study --to hico --out f.onnx"]
    {
        let said = run(path, command.split(' '));
        assert!(said.code == Some(1) && said.err.contains("hint: "), "{command}: {}", said.err);
    }
    let said = run(path, ["predict", "study", "clips/P001-1"]);
    let hint = said.err.lines().find_map(|line| line.strip_prefix("hint: `hico ")).unwrap();
    let (line, _) = hint.split_once('`').unwrap();
    assert!(line.starts_with("finetune study/pretrain/fold-0-seed-1 --data data --holdout-fold 0"), "{line}");
    done(path, &line.replace("--out OUT", "--epochs 1 --frames-per-clip 1 --out made --quiet"));
    let said = done(path, "predict made clips/P001-1");
    assert!(said.err.contains("patients it never saw"), "{}", said.err);

    // A folder with several networks names one that can be given; `predict` takes their mean.
    std::fs::copy(path.join("tuned/hico-fold0-seed1.safetensors"), path.join("tuned/other.safetensors")).unwrap();
    assert!(done(path, "predict tuned clips/P001-1").err.contains("An ensemble of 2 networks"));
    for command in ["embed", "export", "similar"] {
        let rest = match command {
            "embed" => "data --out g.npy",
            "export" => "--to hico --out g.safetensors",
            _ => "clips/P001-1 --among data",
        };
        let said = run(path, format!("{command} tuned {rest}").split(' '));
        assert!(said.code == Some(1) && said.err.contains("2 fine-tuned networks"), "{command}: {}", said.err);
        let named = said.err.lines().find_map(|line| line.strip_prefix("hint: ")?.rsplit_once(": ")).unwrap().1;
        done(path, &format!("{command} {named} {rest} --quiet"));
    }
}

#[test]
fn one_patient_has_no_interval_and_a_useless_network_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    dataset(path, "--patients 9 --frames 2 --seed 2");
    // One patient of each class is tested.
    let text = std::fs::read_to_string(path.join("data/clips.csv")).unwrap();
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let heads = table.headers().unwrap().clone();
    let column = |name: &str| heads.iter().position(|head| head == name).unwrap();
    let mut written = csv::Writer::from_path(path.join("data/clips.csv")).unwrap();
    written.write_record(&heads).unwrap();
    let mut tested: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    for row in table.records().map(Result::unwrap) {
        let (label, group) = (row[column("label")].to_owned(), row[column("group")].to_owned());
        let first = tested.entry(label).or_insert_with(|| group.clone());
        let fold = if *first == group { "0" } else { "1" };
        let cells = row.iter().enumerate().map(|(at, cell)| if at == column("fold") { fold } else { cell });
        written.write_record(cells).unwrap();
    }
    written.flush().unwrap();
    let said = run(path, "finetune random --data data --side 32 --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out tuned --learning-rate 1e-9".split(' '));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.contains("one patient a class") && said.out.contains("one patient of each class: no interval"),
        "{}",
        said.out
    );
    let summary = read(&path.join("tuned/summary.json"));
    for entry in summary["tables"][0]["entries"].as_array().unwrap() {
        let figure = &entry["scores"]["patient"]["balanced_accuracy"];
        assert!(figure["low"].is_null() && figure["no_interval"] == "one-group-a-class", "{figure}");
    }
    done(path, "report tuned --out report.html --quiet");
    let page = std::fs::read_to_string(path.join("report.html")).unwrap();
    assert!(page.contains("one patient a class") && page.contains("clips tested"), "the page says why");
    // Weights that hardly moved name one class always.
    let said = done(path, "predict tuned clips/P001-1 --quiet");
    assert!(said.err.contains("warning: this network is no better than naming one class always"), "{}", said.err);
}

#[test]
fn a_network_of_every_patient_goes_on_predicts_and_says_that_it_was_never_tested() {
    let folder = world();
    let path = folder.path();
    let tune = "finetune run --data data --all --epochs 2 --frames-per-clip 1 --checkpoint-every 1 --json --quiet";
    let trained = json(&done(path, &format!("{tune} --out all")).out);
    let file = path.join("all/hico-all-seed1.safetensors");
    assert!(file.is_file() && trained["network"].as_str().unwrap().ends_with("hico-all-seed1.safetensors"));
    assert!(trained["fold"].is_null() && !path.join("all/work").exists(), "{trained}");
    let (_, labelled) = of_fold_0(path);
    let clips: Vec<u64> = trained["clips"].as_array().unwrap().iter().map(|clips| clips.as_u64().unwrap()).collect();
    assert!(clips[0] + clips[1] == labelled as u64 && clips[1] > 0, "{clips:?}");
    let said = done(path, "predict all clips/P001-1");
    assert!(said.err.contains("never tested"), "{}", said.err);
    // What is there is not trained again.
    let before = std::fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(json(&done(path, &format!("{tune} --out all")).out), trained);
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), before);
    // Nor is the top of a pyramid that weights lack.
    done(path, "export run --to torchvision --out backbone.safetensors --quiet");
    let top = "finetune backbone.safetensors --data data --all --trainable last-block --epochs 1 --out top";
    let said = run(path, top.split(' '));
    assert!(said.code == Some(1) && said.err.contains("no feature pyramid"), "{}", said.err);
    // The last epoch, learnt from every patient.
    let last = json(&done(path, &format!("{tune} --model-selection last --out last")).out);
    assert_eq!(last["clips"], serde_json::json!([labelled, 0]));
    done(path, "predict last clips/P001-1");
    for (flags, words) in [
        ("--all --holdout-fold 0", "cannot be used with"),
        ("--all --labels-per-class 1", "cannot be used with"),
        ("--all --model-selection test-fold", "there is no test fold"),
        ("", "--holdout-fold"),
    ] {
        let line = format!("finetune run --data data --epochs 1 --out none {flags}");
        let said = run(path, line.split_whitespace());
        assert!(said.code != Some(0) && said.err.contains(words), "{flags}: {}", said.err);
        assert!(!path.join("none").exists());
    }
    let said = run(path, "finetune run --data data --holdout-fold 0 --epochs 1 --out all".split(' '));
    assert!(said.code == Some(1) && said.err.contains("holds the network of every patient"), "{}", said.err);
}
