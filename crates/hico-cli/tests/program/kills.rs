//! Every command that takes long is killed at random moments and goes on by the same command, to the same files.
//!
//! `HICO_KILLS=200` kills so often over all commands; without it once each, as the default suite must stay short.

use crate::setting::{dataset, done, hico, snapshot, tensors};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const STUDY: &str = r#"
title = "Kills"
seeds = [1]
[budget]
images = 24
[evaluation]
probe = ["all"]
finetune = ["all"]
finetune_steps = 3
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
recipe = "hico"
set.method.supervision = "self"
"#;

/// Every command, run in a folder of its own beside the inputs.
const COMMANDS: [(&str, &str); 6] = [
    ("ingest", "ingest ../clips --labels ../clips/labels.csv --out out --side 0 --quiet"),
    (
        "pretrain",
        "pretrain ../data --side 32 --batch 4 --epochs 3 --checkpoint-every 1 --resume --device cpu --quiet --out out",
    ),
    (
        "finetune",
        "finetune random --data ../data --holdout-fold 0 --side 32 --epochs 3 --batch 4 --frames-per-clip 1 \
         --checkpoint-every 1 --device cpu --quiet --out out",
    ),
    (
        "crossval",
        "crossval ../data --pretrain-inside --pretrain-epochs 2 --pretrain-batch 4 --side 32 --epochs 2 --batch 4 \
         --frames-per-clip 1 --checkpoint-every 1 --device cpu --quiet --out out",
    ),
    ("compare", "compare ../study.toml --checkpoint-every 1 --device cpu --quiet --out out"),
    ("export", "export ../run --to torchvision --quiet --out out/encoder.safetensors"),
];

/// Keys, and columns of tables, that are readings of a clock.
const CLOCKS: [&str; 4] = ["seconds", "data_seconds", "pretrain_seconds", "finished"];

fn start(folder: &Path, line: &str) -> Child {
    let mut command = hico(folder);
    command.args(line.split_whitespace()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// A new folder for a command, with what it expects.
fn place(inputs: &Path, name: &str) -> PathBuf {
    let folder = inputs.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    if name.ends_with("export") {
        std::fs::create_dir(folder.join("out")).unwrap();
    }
    folder
}

/// What stands in a file, without the readings of clocks.
fn facts(path: &Path, bytes: &[u8]) -> String {
    let text = || String::from_utf8(bytes.to_vec()).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    if name.ends_with(".jsonl") {
        // How often the work was taken up and ended is told there too; what counts is each step, epoch and clip once.
        let line = |line: &str| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            forget(&mut value);
            let event = value["event"].as_str().unwrap_or_default().to_owned();
            (!["resume", "stopped", "finished"].contains(&event.as_str())).then(|| value.to_string())
        };
        return text().lines().filter_map(line).collect::<Vec<_>>().join("\n");
    }
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => {
            let mut value: Value = serde_json::from_slice(bytes).unwrap();
            forget(&mut value);
            value.to_string()
        }
        Some("safetensors") => {
            let (names, values) = tensors(path);
            format!("{names:?} {:?}", fingerprint(&values))
        }
        Some("csv") => without_clocks(&text()),
        _ => format!("{:?}", fingerprint(bytes)),
    }
}

fn fingerprint(bytes: &[u8]) -> (usize, u64) {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    (bytes.len(), hasher.finish())
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(keys) => {
            keys.retain(|key, _| !CLOCKS.contains(&key.as_str()));
            keys.values_mut().for_each(forget);
        }
        Value::Array(values) => values.iter_mut().for_each(forget),
        _ => {}
    }
}

fn without_clocks(text: &str) -> String {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let kept: Vec<usize> = {
        let header = reader.headers().unwrap();
        (0..header.len()).filter(|at| !CLOCKS.contains(&&header[*at])).collect()
    };
    let row = |row: csv::StringRecord| kept.iter().filter_map(|at| row.get(*at)).collect::<Vec<_>>().join(",");
    reader.records().map(|record| row(record.unwrap())).collect::<Vec<_>>().join("\n")
}

/// Every file that a command leaves, and what is in it. Left out are files that hold readings of clocks in a form of their
/// own (TensorBoard's events) or pages made of them (the report of a study), and empty locks.
fn left(folder: &Path) -> BTreeMap<PathBuf, String> {
    let files = snapshot(folder).into_iter().filter(|(path, _)| {
        let name = path.file_name().unwrap().to_string_lossy();
        let keeps_time = name.contains("tfevents") || ["report.html", "summary.md"].contains(&name.as_ref());
        !keeps_time && !name.ends_with(".lock")
    });
    files.map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_owned(), facts(&path, &bytes))).collect()
}

fn compare(command: &str, whole: &BTreeMap<PathBuf, String>, found: &BTreeMap<PathBuf, String>) {
    assert_eq!(found.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>(), "{command}");
    for (path, facts) in whole {
        let at = found[path].bytes().zip(facts.bytes()).take_while(|(a, b)| a == b).count();
        let near = |text: &str| text.chars().skip(at.saturating_sub(60)).take(160).collect::<String>();
        assert!(
            found[path] == *facts,
            "{command}: {} differs: {:?} was {:?}",
            path.display(),
            near(&found[path]),
            near(facts)
        );
    }
}

#[test]
fn commands_that_are_killed_go_on_by_the_same_command_to_the_same_files() {
    let asked = std::env::var("HICO_KILLS").ok().and_then(|kills| kills.parse::<usize>().ok());
    let each = asked.map_or(1, |kills| kills.div_ceil(COMMANDS.len()));
    let inputs = tempfile::tempdir().unwrap();
    let inputs = inputs.path();
    dataset(inputs, "--patients 9 --frames 3 --seed 2");
    std::fs::write(inputs.join("study.toml"), STUDY).unwrap();
    done(inputs, "pretrain data --side 32 --batch 4 --epochs 1 --device cpu --quiet --out run");
    // A fixed sequence that reads as random: the golden ratio's multiples.
    let mut moment = 0.37_f64;
    let mut figures = Vec::new();
    for (name, line) in COMMANDS {
        let began = Instant::now();
        let folder = place(inputs, &format!("whole-{name}"));
        done(&folder, line);
        let takes = began.elapsed();
        let whole = left(&folder.join("out"));
        let (mut kills, mut rounds) = (0, 0);
        while kills < each {
            rounds += 1;
            let folder = place(inputs, &format!("killed-{name}"));
            loop {
                moment = (moment + 0.618_033_988_75).fract();
                let patience = Duration::from_secs_f64(takes.as_secs_f64() * if kills < each { moment } else { 1e6 });
                let mut child = start(&folder, line);
                let begun = Instant::now();
                while begun.elapsed() < patience && child.try_wait().unwrap().is_none() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                let finished = child.try_wait().unwrap();
                child.kill().ok();
                child.wait().unwrap();
                kills += usize::from(finished.is_none());
                let Some(status) = finished else { continue };
                // An export that was killed behind its last file has nothing left to do, and says so.
                let written = name == "export" && folder.join("out/encoder.safetensors").is_file();
                assert!(status.success() || written, "{name} after {kills} kills: {status}");
                break;
            }
            compare(name, &whole, &left(&folder.join("out")));
        }
        figures.push(format!("{name}: {kills} kills in {rounds} runs"));
    }
    println!("{}", figures.join("; "));
}
