//! A signal loses nothing: however a run is asked to end, what it has done is kept and goes on to the same weights.

use crate::setting::{dataset, done, hico, tensors};
use signal_hook::consts::{SIGHUP, SIGTERM};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TIMES: usize = 20;

/// Long enough to be stopped in the middle of, without a checkpoint of its own on the way.
const RUN: &str = "pretrain data --side 32 --batch 4 --epochs 400 --resume --quiet --out";

fn start(folder: &Path, run: &str) -> Child {
    let mut command = hico(folder);
    command.args(RUN.split_whitespace()).arg(run).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Sends a signal by the shell's own command, which every system has.
fn send(signal: i32, child: &Child) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

/// Waits until the run has steps in its journal that were not there before.
fn has_begun(run: &Path, before: u64) {
    let began = Instant::now();
    let length = || std::fs::metadata(run.join("journal.jsonl")).map_or(0, |found| found.len());
    while length() <= before + 500 {
        assert!(began.elapsed() < Duration::from_secs(120), "the run does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn ended(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    panic!("it does not end");
}

#[test]
fn two_signals_at_once_are_one_and_the_run_is_saved_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder, "--patients 9 --frames 3 --seed 2");
    let run = folder.join("stopped");
    let length = |run: &Path| std::fs::metadata(run.join("journal.jsonl")).map_or(0, |found| found.len());
    for time in 0..TIMES {
        let before = length(&run);
        let mut child = start(folder, "stopped");
        has_begun(&run, before);
        // As `timeout` does: to the program and to its group, within the same instant or a little later.
        let signal = if time % 4 == 3 { SIGHUP } else { SIGTERM };
        send(signal, &child);
        std::thread::sleep(Duration::from_millis(7 * (time as u64 % 10)));
        if child.try_wait().unwrap().is_none() {
            send(SIGTERM, &child);
        }
        assert_eq!(ended(&mut child), Some(130), "time {time}");
        let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
        assert!(journal.lines().last().unwrap().contains(r#""event":"stopped""#), "time {time}");
    }
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
    let steps = journal.lines().filter(|line| line.contains(r#""event":"step""#)).count();
    println!("{TIMES} times two signals at once, each time saved; {steps} steps");
    // It goes on to the same bits as one that nobody stopped: both end after the epochs that were begun.
    let epochs = journal.lines().filter(|line| line.contains(r#""event":"epoch""#)).count() + 1;
    done(folder, &format!("pretrain --resume --out stopped --epochs {epochs} --quiet"));
    let whole = RUN.replace("--epochs 400", "--epochs 400 --checkpoint-every 1000000");
    let mut child = {
        let mut command = hico(folder);
        command.args(whole.split_whitespace()).arg("whole").stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let whole = folder.join("whole");
    let done_by = |run: &Path| {
        let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap_or_default();
        journal.lines().filter(|line| line.contains(r#""event":"step""#)).count()
    };
    while done_by(&whole) <= steps {
        std::thread::sleep(Duration::from_millis(20));
    }
    send(SIGTERM, &child);
    assert_eq!(ended(&mut child), Some(130));
    let losses = |run: &Path| -> Vec<String> {
        let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
        let step = |line: &str| Some(line.split(r#","seconds""#).next()?.to_owned());
        journal.lines().filter(|line| line.contains(r#""event":"step""#)).filter_map(step).take(steps).collect()
    };
    assert!(losses(&run) == losses(&whole), "loss, gradient or rate of a step differs");
    assert!(!tensors(&run.join("last.safetensors")).0.is_empty());
}

#[test]
fn a_second_signal_later_ends_at_once_and_leaves_a_whole_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder, "--patients 9 --frames 3 --seed 2");
    let mut child = start(folder, "run");
    has_begun(&folder.join("run"), 0);
    send(SIGTERM, &child);
    std::thread::sleep(Duration::from_millis(1300));
    if child.try_wait().unwrap().is_none() {
        send(SIGTERM, &child);
    }
    assert_eq!(ended(&mut child), Some(130));
    let journal = std::fs::read_to_string(folder.join("run/journal.jsonl")).unwrap();
    let epochs = journal.lines().filter(|line| line.contains(r#""event":"epoch""#)).count() + 1;
    done(folder, &format!("pretrain --resume --out run --quiet --epochs {epochs}"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_that_the_program_was_started_to_ignore_stays_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder, "--patients 9 --frames 3 --seed 2");
    let program = hico(folder).get_program().to_string_lossy().into_owned();
    let line = format!("trap '' HUP; exec {program} {RUN} run");
    let mut child = Command::new("sh").args(["-c", &line]).current_dir(folder).spawn().unwrap();
    has_begun(&folder.join("run"), 0);
    send(SIGHUP, &child);
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    send(SIGTERM, &child);
    assert_eq!(ended(&mut child), Some(130));
}
