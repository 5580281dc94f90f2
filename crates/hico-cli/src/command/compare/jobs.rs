//! Cells in processes of their own: a crash costs one cell, and each has its share of the cores.

use crate::args::CompareArgs;
use crate::args::checkpoints::as_flag;
use crate::interrupt::{self, EXIT_INTERRUPTED};
use hico_data::{Error, Job};
use hico_eval::compare::grid::Cell;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long processes have to keep what they have done when the work is interrupted.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often processes are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A cell at work.
struct Running {
    cell: usize,
    child: Child,
}

/// Runs cells, `args.jobs` at a time, which share the job's threads.
///
/// - returns: the failures, in words; all other cells are finished
pub(super) fn run(cells: &[Cell], missing: &[usize], args: &CompareArgs, job: Job<'_>) -> anyhow::Result<Vec<String>> {
    let (mut waiting, mut running) = (missing.iter().copied(), Vec::<Running>::new());
    let (mut done, mut failures) = (cells.len() - missing.len(), Vec::new());
    let threads = (job.threads / args.jobs.get()).max(1);
    let mut what = String::new();
    loop {
        while running.len() < args.jobs.get() && job.go_on().is_ok() {
            let Some(cell) = waiting.next() else { break };
            what.clone_from(&cells[cell].name);
            running.push(Running { cell, child: start(args, cell, threads)? });
        }
        job.at([done, cells.len()], "cells", &what);
        if running.is_empty() {
            break;
        }
        std::thread::sleep(LOOK);
        if let Err(interrupted) = job.go_on() {
            end(running);
            return Err(interrupted.into());
        }
        let mut still = Vec::new();
        for mut cell in running {
            match cell.child.try_wait()? {
                None => still.push(cell),
                Some(status) if status.success() => done += 1,
                Some(status) if status.code() == Some(i32::from(EXIT_INTERRUPTED)) => {
                    end(still);
                    return Err(Error::Interrupted.into());
                }
                Some(status) => failures.push(failure(&cells[cell.cell].name, status, cell.child)),
            }
        }
        running = still;
    }
    Ok(failures)
}

fn start(args: &CompareArgs, cell: usize, threads: usize) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--quiet", "--json", "--threads", &threads.to_string(), "compare"]);
    command.arg(&args.study).arg("--out").arg(&args.out);
    command.args(["--cell", &cell.to_string(), "--device", &args.device.to_string()]);
    command.args(["--checkpoint-every", &as_flag(args.checkpoints.checkpoint_every)]);
    // Its input ends when this process lets go of it, be it because it was interrupted or because it was killed.
    command.env(interrupt::STOP_AT_END_OF_INPUT, "1").stdin(Stdio::piped());
    Ok(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
}

/// The last words of a process that failed.
fn failure(name: &str, status: std::process::ExitStatus, mut child: Child) -> String {
    let mut words = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        // Words that cannot be read are no reason to hide the failure.
        stderr.read_to_string(&mut words).ok();
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{name}: {}", if words.is_empty() { status.to_string() } else { words })
}

/// The processes are asked to stop, which a signal to this one alone does not do, and given time to keep what they have
/// done.
fn end(mut running: Vec<Running>) {
    let began = Instant::now();
    running.iter_mut().for_each(|cell| drop(cell.child.stdin.take()));
    for mut cell in running {
        while began.elapsed() < PATIENCE && matches!(cell.child.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK);
        }
        // What is kept of a cell is whole at any moment.
        cell.child.kill().ok();
        cell.child.wait().ok();
    }
}
