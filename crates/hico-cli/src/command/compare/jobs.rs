//! Cells in processes of their own: a crash costs one cell, and each has its share of the cores.

use crate::args::CompareArgs;
use crate::args::checkpoints::as_flag;
use crate::interrupt::{self, EXIT_INTERRUPTED};
use crate::output::Meter;
use hico::compare::grid::Cell;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How the work ended.
pub(super) enum Ending {
    Finished,
    Interrupted,
    /// With these failures, in words; the other cells are finished.
    Failed(Vec<String>),
}

/// How long processes have to keep what they have done when the work is interrupted.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often processes are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A cell at work.
struct Job {
    cell: usize,
    child: Child,
}

/// Runs cells, `args.jobs` at a time.
pub(super) fn run(
    cells: &[Cell],
    missing: &[usize],
    args: &CompareArgs,
    threads: Option<NonZeroUsize>,
    meter: &mut Meter,
) -> anyhow::Result<Ending> {
    let stop = interrupt::flag()?;
    let (mut waiting, mut running) = (missing.iter().copied(), Vec::<Job>::new());
    let (mut done, mut failures) = (cells.len() - missing.len(), Vec::new());
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = (threads.map_or_else(cores, NonZeroUsize::get) / args.jobs.get()).max(1);
    let mut what = String::new();
    loop {
        while running.len() < args.jobs.get() && !stop.load(Ordering::SeqCst) {
            let Some(cell) = waiting.next() else { break };
            what.clone_from(&cells[cell].name);
            running.push(Job { cell, child: start(args, cell, threads)? });
        }
        meter.show(done as u64, cells.len() as u64, &what);
        if running.is_empty() {
            break;
        }
        std::thread::sleep(LOOK);
        if stop.load(Ordering::SeqCst) {
            end(running);
            return Ok(Ending::Interrupted);
        }
        let mut still = Vec::new();
        for mut job in running {
            match job.child.try_wait()? {
                None => still.push(job),
                Some(status) if status.success() => done += 1,
                Some(status) if status.code() == Some(i32::from(EXIT_INTERRUPTED)) => {
                    end(still);
                    return Ok(Ending::Interrupted);
                }
                Some(status) => failures.push(failure(&cells[job.cell].name, status, job.child)),
            }
        }
        running = still;
    }
    Ok(if failures.is_empty() { Ending::Finished } else { Ending::Failed(failures) })
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
fn end(mut jobs: Vec<Job>) {
    let began = Instant::now();
    jobs.iter_mut().for_each(|job| drop(job.child.stdin.take()));
    for mut job in jobs {
        while began.elapsed() < PATIENCE && matches!(job.child.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK);
        }
        // What is kept of a cell is whole at any moment.
        job.child.kill().ok();
        job.child.wait().ok();
    }
}
