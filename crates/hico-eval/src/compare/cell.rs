//! One cell: its lock, its files, and the work from where an interrupted one stopped.

use super::answer::{Answer, EvalMode};
pub use super::cell_file::has_older_answers;
use super::cell_file::{CELLS_FOLDER, CellFiles, PREDICTIONS_FOLDER, failed};
use super::grid::Cell;
use super::options::Options;
use super::study::{Start, Study};
use super::work::Work;
use crate::Error;
use hico_data::{Dataset, Job, atomic};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Folder of the cells that are not finished.
const WORK_FOLDER: &str = "work";

/// Reads the answers of a finished cell; `None` where it is not finished.
///
/// # Errors
/// When they cannot be read.
pub fn read(study: &Study, data: &[Arc<Dataset>], cell: &Cell, folder: &Path) -> Result<Option<Vec<Answer>>, Error> {
    let files = CellFiles { root: folder, cell, study, data };
    Ok(files.read()?.filter(|answers| files.covers(answers)))
}

/// Returns true where a cell is finished: all that it is tested on has an answer.
///
/// # Errors
/// When its file cannot be read.
pub fn is_finished(study: &Study, cell: &Cell, folder: &Path) -> Result<bool, Error> {
    CellFiles { root: folder, cell, study, data: &[] }.is_complete()
}

/// How much work a cell is, in epochs, roughly: an answer without a fine-tuning counts as one.
#[must_use]
pub fn epochs(study: &Study, cell: &Cell) -> usize {
    let method = &study.methods[cell.method];
    let pretraining = match &method.start {
        Start::Recipe(recipe) => recipe.train().epochs.get(),
        Start::Random | Start::Scratch | Start::Weights(_) | Start::Given(_) | Start::Baseline(_) => 0,
    };
    let a_fold = match method.is_baseline() {
        true => 1,
        false => {
            let epochs =
                |mode| if mode == EvalMode::Finetune { study.evaluation.finetune_epochs.unwrap_or(1) } else { 1 };
            study.evaluation.evaluations().iter().map(|(asked, budgets)| budgets.len() * epochs(asked.mode)).sum()
        }
    };
    pretraining + a_fold * cell.tests.len()
}

/// Runs a cell to its end, or reads its answers where it is finished.
///
/// - `job`: hears of every epoch and every answer; of the epochs of an unfinished cell that an earlier call worked at, it hears
///   again
///
/// # Errors
/// When the encoder cannot be had or evaluated, a file not be read or written, another process is at the cell, or it is
/// asked to stop.
pub fn run(
    study: &Study,
    data: &[Arc<Dataset>],
    cell: &Cell,
    options: &Options,
    job: Job<'_>,
) -> Result<Vec<Answer>, Error> {
    if let Some(answers) = read(study, data, cell, &options.folder)? {
        return Ok(answers);
    }
    let folder = options.folder.join(WORK_FOLDER).join(&cell.name);
    std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let _lock = lock(&options.folder.join(WORK_FOLDER), &cell.name, job)?;
    // Another process may have finished it before the lock was ours.
    if let Some(answers) = read(study, data, cell, &options.folder)? {
        return Ok(answers);
    }
    for root in [folder.as_path(), &options.folder] {
        remove_halves(root)?;
    }
    let device = options.device.open()?;
    let (finished, kept) =
        (CellFiles { root: &options.folder, cell, study, data }, CellFiles { root: &folder, cell, study, data });
    // A cell that was finished before a data set was added asks for that set alone.
    let answers = match kept.read()? {
        Some(answers) => answers,
        None => finished.read()?.unwrap_or_default(),
    };
    let device = &device;
    let total = epochs(study, cell);
    let mut work = Work { study, data, cell, options, device, folder: folder.clone(), answers, done: 0, total, job };
    work.all()?;
    work.keep_run()?;
    finished.write(&work.answers)?;
    std::fs::remove_dir_all(&folder).map_err(failed(&folder))?;
    Ok(work.answers)
}

/// Removes the locks of cells that are all finished.
pub(super) fn remove_locks(folder: &Path) {
    // One that cannot be removed does no harm.
    std::fs::remove_dir_all(folder.join(WORK_FOLDER)).ok();
}

/// Removes what killed processes left half-written in a folder of cells.
fn remove_halves(root: &Path) -> Result<(), Error> {
    let predictions = root.join(PREDICTIONS_FOLDER);
    let tables = std::fs::read_dir(&predictions).into_iter().flatten().flatten().map(|entry| entry.path());
    let folders = [root.to_owned(), root.join(CELLS_FOLDER)].into_iter().chain(tables);
    for folder in folders.filter(|folder| folder.is_dir()) {
        atomic::remove_halves(&folder).map_err(failed(&folder))?;
    }
    Ok(())
}

/// Held as long as a process is at a cell; the system lets go of it when the process ends, however it ends. A process
/// whose study was killed needs a moment to keep what it has done, so it is waited for.
fn lock(folder: &Path, name: &str, job: Job<'_>) -> Result<File, Error> {
    let path = folder.join(format!("{name}.lock"));
    let file = File::options().create(true).append(true).open(&path).map_err(failed(&path))?;
    let began = Instant::now();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < LEAVE => {
                job.go_on()?;
                if !std::mem::replace(&mut told, true) {
                    job.note(format!("{name}: another process is at it; waiting until it ends"));
                }
                std::thread::sleep(LOOK);
            }
            Err(TryLockError::WouldBlock) => return Err(Error::CellBusy(name.to_owned())),
            Err(TryLockError::Error(source)) => return Err(Error::Io { path, source }),
        }
    }
}

/// How long another process may take to leave a cell, and how often it is looked whether it has.
const LEAVE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
