//! Features of clips for other programs, and which clips are alike, from outside.

use crate::setting::{dataset, done, run};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::process::Command;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Phantom clips and a run on them.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "--patients 9 --frames 3 --seed 2");
    done(folder.path(), "pretrain data --side 32 --batch 4 --epochs 1 --out run --quiet");
    folder
}

/// What stock Python reads of the three files: shapes, sums, names.
const PYTHON: &str = r#"
import sys, json
import numpy as np
from safetensors import safe_open
array = np.load("e.npy")
with safe_open("e.safetensors", "np") as file:
    tensor, ids = file.get_tensor("features"), json.loads(file.metadata()["hico.ids"])
print(json.dumps([list(array.shape), list(tensor.shape), bool((array == tensor).all()), len(ids), ids[0]["clip"]]))
"#;

#[test]
fn three_formats_hold_the_same_rows_and_a_page_shows_them() {
    let folder = world();
    let path = folder.path();
    for file in ["e.safetensors", "e.npy", "e.parquet"] {
        let page = if file == "e.npy" { "--page plane.html" } else { "" };
        let said = json(&done(path, &format!("embed run data --out {file} {page} --json --quiet")).out);
        assert_eq!((&said["rows"], &said["features"]), (&17.into(), &512.into()), "{said}");
    }
    let ids = std::fs::read_to_string(path.join("e.npy.ids.csv")).unwrap();
    assert!(ids.lines().count() == 18 && ids.starts_with("clip,frame,group,label\nP001-1,,P001,"), "{ids}");
    let page = std::fs::read_to_string(path.join("plane.html")).unwrap();
    assert!(page.contains("By label") && page.contains("By group") && page.matches("<svg").count() >= 2);
    assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"));
    let frames = json(&done(path, "embed run data --per frame --frames-per-clip 2 --out f.npy --json --quiet").out);
    assert_eq!(frames["rows"], 34);
    assert!(std::fs::read_to_string(path.join("f.npy.ids.csv")).unwrap().contains("\nP001-1,2,P001,"));

    let python = std::env::var("HICO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).args(["-c", PYTHON]).current_dir(path).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        return println!("skipped: reading by Python: no numpy and safetensors");
    };
    let found = json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(found.to_string(), r#"[[17,512],[17,512],true,17,"P001-1"]"#);
}

#[test]
fn a_clip_is_most_like_itself_from_its_file_too() {
    let folder = world();
    let path = folder.path();
    done(path, "embed run data --out all.safetensors --quiet");
    for among in ["data", "all.safetensors"] {
        let found = json(&done(path, &format!("similar run data --among {among} --count 3 --json --quiet")).out);
        let found = found.as_array().unwrap();
        assert_eq!(found.len(), 17);
        for row in found {
            let similar = row["similar"].as_array().unwrap();
            assert_eq!((similar.len(), &similar[0]["clip"]), (3, &row["of"]["clip"]));
            assert!((similar[0]["similarity"].as_f64().unwrap() - 1.0).abs() < 1e-6);
            assert!(similar.windows(2).all(|pair| pair[0]["similarity"].as_f64() >= pair[1]["similarity"].as_f64()));
        }
    }
    let clip = std::fs::read_dir(path.join("clips")).unwrap().map(|entry| entry.unwrap().path());
    let clip = clip.filter(|entry| entry.is_dir()).min().unwrap();
    let name = clip.file_name().unwrap().to_str().unwrap().to_owned();
    let said = done(path, &format!("similar run clips/{name} --among data --count 1"));
    assert!(said.out.contains(&format!("1.000  {name} (")), "{}", said.out);
}

#[test]
fn what_cannot_be_embedded_is_refused_and_nothing_is_written() {
    let folder = world();
    let path = folder.path();
    let refused = |line: &str, words: &str| {
        let said = run(path, line.split(' '));
        assert!(said.code == Some(1) && said.err.contains(words), "{line}: {}", said.err);
    };
    refused("embed run data --out e.txt", "end it in .safetensors");
    refused("embed run gone --out e.npy", "gone: No such file");
    refused("embed gone data --out e.npy", "gone");
    std::fs::write(path.join("e.npy"), "mine").unwrap();
    refused("embed run data --out e.npy", "e.npy: exists");
    std::fs::write(path.join("words.txt"), "no clip").unwrap();
    refused("embed run words.txt --out new.npy", "no clip could be taken in");
    refused("similar run data --among run/last.safetensors", "no embedding");
    assert!(!path.join("new.npy").exists() && std::fs::read(path.join("e.npy")).unwrap() == b"mine");
    // Rows of another encoder are not compared.
    let ids = r#"[{"clip":"a","frame":null,"group":"g","label":"x"}]"#.to_owned();
    let metadata = Some(HashMap::from([("hico.ids".to_owned(), ids)]));
    let row = TensorView::new(Dtype::F32, vec![1, 3], &[0; 12]).unwrap();
    let bytes = safetensors::serialize([("features", row)], metadata).unwrap();
    std::fs::write(path.join("short.safetensors"), bytes).unwrap();
    refused("similar run data --among short.safetensors", "has 3 features a row, this encoder 512");
}
