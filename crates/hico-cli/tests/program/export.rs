//! Weights out and in again, from outside: every format with its card, and what cannot be done.

use crate::setting::{dataset, done, run, snapshot};
use std::path::Path;

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Phantom clips, a run of HiCo, one of SimCLR, and a fine-tuned network.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    dataset(path, "--patients 9 --frames 2 --seed 2");
    done(path, "pretrain data --side 32 --batch 4 --epochs 1 --out run --quiet");
    done(path, "pretrain data --method simclr --side 32 --batch 4 --epochs 1 --out simclr --quiet");
    done(path, "finetune run --data data --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out tuned --quiet");
    folder
}

/// Names of a safetensors file's tensors.
fn names(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    header.tensors().keys().cloned().collect()
}

#[test]
fn every_format_is_written_with_its_card_and_read_again() {
    let folder = world();
    let folder = folder.path();
    for (line, file, tensor) in [
        ("run --to torchvision", "t.safetensors", "layer4.1.bn2.running_var"),
        ("run --to timm", "m.safetensors", "conv1.weight"),
        ("run --to authors", "a.safetensors", "features.latlayer1.weight"),
        ("run --to hico", "h.safetensors", "encoder.pyramid.lateral5.weight"),
        ("tuned/hico-fold0-seed1.safetensors --to torchvision", "c.safetensors", "fc.weight"),
    ] {
        let said = done(folder, &format!("export {line} --out {file}"));
        assert!(said.out.contains("card"), "{}", said.out);
        assert!(names(&folder.join(file)).iter().any(|name| name == tensor), "{line}: no {tensor}");
        let card = json(&folder.join(format!("{file}.card.json")));
        let tensors = card["network"]["tensors"].as_array().unwrap();
        assert_eq!(tensors.len(), names(&folder.join(file)).len());
        let markdown = std::fs::read_to_string(folder.join(format!("{file}.card.md"))).unwrap();
        assert!(markdown.contains("## Limits") && markdown.contains(card["sha256"].as_str().unwrap()), "{markdown}");
        // What was written is an encoder for the next command.
        let again = done(folder, &format!("export {file} --to hico --out again-{file} --json --quiet")).out;
        let again: serde_json::Value = serde_json::from_str(&again).unwrap();
        assert_eq!(again["network"]["backbone"], "resnet18");
    }
    let card = json(&folder.join("t.safetensors.card.json"));
    assert_eq!(card["data"]["groups"].as_u64().unwrap(), card["data"]["group_names"].as_array().unwrap().len() as u64);
    // The figures beside a fine-tuned network are found without being named.
    assert_eq!(json(&folder.join("c.safetensors.card.json"))["evaluations"].as_array().unwrap().len(), 1);
    done(folder, "export run --to torchvision --out hidden.safetensors --hide-groups --data-licence CC0-1.0 --quiet");
    let card = json(&folder.join("hidden.safetensors.card.json"));
    assert!(card["data"]["group_names"].is_null() && card["data_licence"] == "CC0-1.0");
}

#[test]
fn onnx_is_written_for_each_part_and_says_how_pictures_are_prepared() {
    let folder = world();
    let folder = folder.path();
    for (source, part) in [("run", "encoder"), ("run", "pyramid"), ("tuned/hico-fold0-seed1.safetensors", "classifier")]
    {
        // Without an interpreter the file is written all the same, and a warning says what was not compared.
        let line = format!("export {source} --to onnx --part {part} --side 64 --out {part}.onnx --python nowhere");
        let said = done(folder, &line);
        assert!(said.err.contains("not compared with ONNX Runtime"), "{}", said.err);
        let bytes = std::fs::read(folder.join(part).with_extension("onnx")).unwrap();
        for words in ["channel_order", "mean", "source_sha256"] {
            assert!(bytes.windows(words.len()).any(|window| window == words.as_bytes()), "{part}: no {words}");
        }
        let card = json(&folder.join(format!("{part}.onnx.card.json")));
        assert!(card["checked"].is_null() && card["preprocessing"]["image_size"] == 64, "{card}");
    }
}

#[test]
fn what_cannot_be_exported_is_refused_and_nothing_is_written() {
    let folder = world();
    let folder = folder.path();
    std::fs::write(folder.join("there.onnx"), "mine").unwrap();
    let before = snapshot(folder);
    for (line, words, hint) in [
        ("run --to onnx --out there.onnx", "there.onnx: is there already", "choose another --out"),
        ("simclr --to onnx --part pyramid --out new.onnx", "simclr: has no pyramid", "--part encoder"),
        ("run --to onnx --part classifier --out new.onnx", "run: has no classifier", "hico finetune"),
        ("run --to onnx --check data --python nowhere --out new.onnx", "nowhere has no onnxruntime", "pip install"),
        ("clips/labels.csv --to hico --out new.safetensors", "labels.csv", "hint: "),
    ] {
        let said = run(folder, format!("export {line}").split_whitespace());
        assert_eq!(said.code, Some(1), "{line}");
        assert!(said.err.contains(words) && said.err.contains(hint), "{line}: {}", said.err);
    }
    assert!(snapshot(folder) == before);
}

#[test]
fn a_run_begins_with_weights_by_file_and_records_which() {
    let folder = world();
    let folder = folder.path();
    done(folder, "export run --to torchvision --out first.safetensors --quiet");
    let begin = "pretrain data --method byol --side 32 --batch 4 --epochs 1";
    let said = done(folder, &format!("{begin} --init first.safetensors --out begun"));
    assert!(said.err.contains("100 tensors used"), "{}", said.err);
    let record = json(&folder.join("begun/run.json"));
    assert_eq!(record["init_weights"]["file"], "first.safetensors");
    assert_eq!(record["init_weights"]["sha256"], json(&folder.join("first.safetensors.card.json"))["sha256"]);
    std::fs::write(folder.join("deep.toml"), "model.depth = \"r34\"\n").unwrap();
    let deeper = "pretrain data --recipe deep.toml --init first.safetensors --out deeper";
    let deeper = run(folder, deeper.split_whitespace());
    assert_eq!(deeper.code, Some(1));
    assert!(deeper.err.contains("layer1.2.conv1.weight") && deeper.err.contains("hint: "), "{}", deeper.err);
    assert!(!folder.join("deeper").exists());
}

/// `examples/use_from_python.py` comes to the answers of `hico predict`, by torchvision and by ONNX Runtime.
#[test]
fn the_python_example_comes_to_the_same_answers() {
    let python = std::env::var("HICO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let needs = "import onnxruntime, pandas, PIL, safetensors.torch, torch, torchvision";
    if !std::process::Command::new(&python).args(["-c", needs]).output().is_ok_and(|output| output.status.success()) {
        return println!("skipped: the_python_example_comes_to_the_same_answers: {python} cannot {needs}");
    }
    let folder = world();
    let path = folder.path();
    let network = "tuned/hico-fold0-seed1.safetensors";
    done(path, &format!("export {network} --to torchvision --out lung.safetensors --quiet"));
    let graph =
        format!("export {network} --to onnx --part classifier --out lung-classifier.onnx --quiet --python {python}");
    done(path, &graph);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/use_from_python.py");
    let mut command = std::process::Command::new(&python);
    command.arg(script).args(["data", "lung.safetensors", "lung-classifier.onnx"]).current_dir(path);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let apart: f64 = said.lines().last().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(apart < 1e-4, "{said}");
    let mut compared = 0;
    for line in done(path, "predict tuned data --per frame --json --quiet").out.lines() {
        let frame: serde_json::Value = serde_json::from_str(line).unwrap();
        let clip = frame["source"].as_str().unwrap();
        // Two frames a clip: the example shows the middle one.
        if frame["frame"] != 1 {
            continue;
        }
        let row = said.lines().find(|line| line.split_whitespace().next() == Some(clip)).unwrap();
        let found: Vec<f64> = row.split_whitespace().skip(1).map(|value| value.parse().unwrap()).collect();
        let ours = frame["probabilities"].as_object().unwrap().values().map(|value| value.as_f64().unwrap());
        assert!(found.iter().zip(ours).all(|(a, b)| (a - b).abs() < 6e-4), "{row}: {frame}");
        compared += 1;
    }
    assert_eq!(compared, 17);
}
