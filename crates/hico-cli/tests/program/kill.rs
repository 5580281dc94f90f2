//! A run that is killed again and again ends in the same weights, bit for bit.

use crate::setting::{dataset, hico, tensors};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const KILLS: usize = 20;

/// A step takes some milliseconds here, a checkpoint some tens.
const RUN: &str = "pretrain data --side 32 --batch 4 --epochs 8 --checkpoint-every 1 --resume --quiet --out";

fn start(folder: &Path, run: &str) -> Child {
    let mut command = hico(folder);
    command.args(RUN.split_whitespace()).arg(run).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Whether a checkpoint is being written.
fn writing(run: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(run) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(".part-"))
}

/// Journal lines of finished steps.
fn steps(run: &Path) -> usize {
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap_or_default();
    journal.lines().filter(|line| line.contains(r#""event":"step""#)).count()
}

#[test]
fn twenty_kills_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder, "--patients 9 --frames 3 --seed 2");
    let whole = start(folder, "whole").wait().unwrap();
    assert!(whole.success());

    let run = folder.join("killed");
    // A fixed sequence that reads as random: the golden ratio's multiples.
    let mut moment = 0.37;
    let (mut kills, mut during_checkpoints, mut before_end) = (0, 0, Vec::new());
    while kills < KILLS {
        let mut child = start(folder, "killed");
        let begun = Instant::now();
        moment = (moment + 0.618_033_988_75_f64).fract();
        let patience = Duration::from_millis(60 + (moment * 700.0) as u64);
        // Every other kill waits for the middle of a checkpoint.
        let aimed = kills % 2 == 1;
        while begun.elapsed() < patience || (aimed && !writing(&run) && child.try_wait().unwrap().is_none()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        during_checkpoints += usize::from(writing(&run));
        let finished = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!finished, "the run is too short to be killed {KILLS} times; it was after {kills}");
        before_end.push(steps(&run));
        kills += 1;
    }
    assert!(start(folder, "killed").wait().unwrap().success());
    println!("{kills} kills, {during_checkpoints} of them in a checkpoint, with {before_end:?} steps in the journal");
    assert!(during_checkpoints >= KILLS / 4, "only {during_checkpoints} kills came during a checkpoint");
    assert!(!writing(&run), "half-written files are left");
    assert_eq!(steps(&run), steps(&folder.join("whole")), "each step stands in the journal once");
    for file in ["last.safetensors", "best.safetensors"] {
        let (expected, found) = (tensors(&folder.join("whole").join(file)), tensors(&run.join(file)));
        assert_eq!(found.0, expected.0, "{file}");
        assert!(found.1 == expected.1, "{file}: the weights differ");
    }
}
