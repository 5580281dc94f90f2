mod jobs;

use super::evaluation;
use crate::args::CompareArgs;
use crate::hints::{self, hinted};
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico_data::Dataset;
use hico_eval::compare::answer::Answer;
use hico_eval::compare::cell;
use hico_eval::compare::grid::{Cell, cells};
use hico_eval::compare::options::Options;
use hico_eval::compare::plan::plan;
use hico_eval::compare::study::Study;
use hico_eval::compare::summary::Origin;
use hico_eval::compare::{ledger, table};
use hico_eval::{Error, report};
use serde::Serialize;
use std::process::ExitCode;
use std::sync::Arc;

/// Exit code of `--verify` where an answer differs.
const EXIT_DIFFERS: u8 = 3;

/// A study with its data open.
struct Open {
    study: Study,
    data: Vec<Arc<Dataset>>,
    cells: Vec<Cell>,
    options: Options,
}

/// A line of `--list`.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    cell: usize,
    name: &'a str,
    finished: bool,
}

/// `hico compare STUDY.toml --out OUT`.
pub(crate) fn run(args: &CompareArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let open = open(args)?;
    if args.list || args.summarise {
        hinted(ledger::fits(&args.out, &open.study, &open.data), hints::ledger)?;
    }
    if args.list {
        return list(&open, output);
    }
    if args.plan {
        output.result(&plan(&open.study, &open.data, &open.cells), report::study::plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.summarise {
        some_finished(&open)?;
    }
    hinted(ledger::check(&args.out, &open.study, &open.data), hints::ledger)?;
    let alone = args.cell.is_none() && args.verify.is_none() && !args.summarise;
    let cell = if alone { cell_of_array_job()? } else { args.cell };
    match (cell, args.verify) {
        (Some(number), _) => one(&open, number, output),
        (None, Some(number)) => verify(&open, number, output),
        (None, None) if args.summarise => sum_up(&open, output),
        (None, None) => all(args, &open, output),
    }
}

/// Variables by which schedulers number the tasks of an array job: Slurm, and an indexed Job of Kubernetes.
const TASK_VARIABLES: [&str; 2] = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"];

/// The cell that this task of an array job is to run; `None` outside of one.
fn cell_of_array_job() -> anyhow::Result<Option<usize>> {
    let set = TASK_VARIABLES.into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    let Some((name, value)) = set.filter(|(_, value)| !value.is_empty()) else { return Ok(None) };
    let cell = value.parse().with_context(|| format!("{name} = {value:?} is no number of a cell"));
    Ok(Some(cell.hint(|| "give the cell with --cell N, or unset that variable".to_owned())?))
}

fn open(args: &CompareArgs) -> anyhow::Result<Open> {
    let study = hinted(Study::read(&args.study), hints::study)?;
    let data = hinted(study.open(), hints::study_data)?;
    let cells = hinted(cells(&study, &data), hints::study_folds)?;
    let options = Options {
        device: args.device,
        checkpoint_every: args.checkpoints.checkpoint_every,
        ..Options::new(args.out.clone())
    };
    Ok(Open { study, data, cells, options })
}

fn list(open: &Open, output: &Output) -> anyhow::Result<ExitCode> {
    let mut listed = Vec::new();
    for (cell, of) in open.cells.iter().enumerate() {
        listed.push(Listed { cell, name: &of.name, finished: finished(open, of)? });
    }
    let line = |listed: &Listed<'_>| {
        format!("{:>5}  {:<8}  {}\n", listed.cell, if listed.finished { "finished" } else { "to do" }, listed.name)
    };
    output.result(&listed, |listed| listed.iter().map(line).collect())?;
    Ok(ExitCode::SUCCESS)
}

fn finished(open: &Open, cell: &Cell) -> anyhow::Result<bool> {
    hinted(cell::is_finished(&open.study, cell, &open.options.folder), hints::cell)
}

fn numbered(open: &Open, number: usize) -> anyhow::Result<&Cell> {
    let cell = open.cells.get(number).with_context(|| format!("there is no cell {number}"));
    cell.hint(|| format!("the cells are 0 to {}; --list shows them", open.cells.len() - 1))
}

fn one(open: &Open, number: usize, output: &Output) -> anyhow::Result<ExitCode> {
    let cell = numbered(open, number)?;
    let answers = run_cell(open, cell, &open.options, output)?;
    output.result(&answers, |answers| table::to_csv(&open.study, &open.data, answers))?;
    Ok(ExitCode::SUCCESS)
}

fn run_cell(open: &Open, cell: &Cell, options: &Options, output: &Output) -> anyhow::Result<Vec<Answer>> {
    let answers = output.work(&cell.name, |job| cell::run(&open.study, &open.data, cell, options, job))?;
    hinted(answers, hints::cell)
}

/// Runs a finished cell again in a folder of its own.
fn verify(open: &Open, number: usize, output: &Output) -> anyhow::Result<ExitCode> {
    let cell = numbered(open, number)?;
    let before = hinted(cell::read(&open.study, &open.data, cell, &open.options.folder), hints::cell)?;
    let before = before.ok_or_else(|| Error::CellUnfinished(cell.name.clone()));
    let before = before.hint(|| format!("run it first: `--cell {number}`"))?;
    let folder = open.options.folder.join("verify").join(&cell.name);
    let epochs = before.iter().map(|row| row.epochs).max().filter(|epochs| *epochs > 0);
    let options = Options { folder: folder.clone(), epochs, ..open.options.clone() };
    let again = run_cell(open, cell, &options, output)?;
    std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let same = before.len() == again.len() && before.iter().zip(&again).all(|(a, b)| a.same_answer(b));
    let csv = |answers: &[Answer]| table::to_csv(&open.study, &open.data, answers);
    let words = |same: &bool| match same {
        true => format!("{}: all {} answers are the same to the last digit", cell.name, before.len()),
        false => format!("{}: DIFFERS\nbefore:\n{}\nnow:\n{}", cell.name, csv(&before), csv(&again)),
    };
    output.result(&same, words)?;
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DIFFERS) })
}

/// Runs what is missing, then sums up.
fn all(args: &CompareArgs, open: &Open, output: &Output) -> anyhow::Result<ExitCode> {
    let mut missing = Vec::new();
    for (number, cell) in open.cells.iter().enumerate() {
        if !finished(open, cell)? {
            missing.push(number);
        }
    }
    let is_older = |cell: &&usize| cell::has_older_answers(&open.options.folder, &open.cells[**cell]);
    let older = missing.iter().filter(is_older).count();
    if older > 0 {
        output.warning(&format!(
            "{older} cells were finished by an older version that kept no probabilities; they are run again"
        ));
    }
    if missing.len() == open.cells.len() {
        output.note(report::study::plan(&plan(&open.study, &open.data, &open.cells)).trim_end());
    }
    let failures = output.work("", |job| jobs::run(&open.cells, &missing, args, job))??;
    failures.iter().for_each(|failure| output.warning(failure));
    // Where no cell is finished there is nothing to sum up.
    let code = if failures.len() < open.cells.len() { sum_up(open, output)? } else { ExitCode::FAILURE };
    match failures.len() {
        0 => Ok(code),
        failed => Err(anyhow::anyhow!("{failed} of {} cells failed", missing.len())).hint(|| {
            "mend what the warnings above say of each, and repeat the command, which runs those cells again".to_owned()
        }),
    }
}

/// Refuses to sum up where no cell is finished.
fn some_finished(open: &Open) -> anyhow::Result<()> {
    for cell in &open.cells {
        if finished(open, cell)? {
            return Ok(());
        }
    }
    let none = anyhow::anyhow!("{}: no cell of this study is finished", open.options.folder.display());
    Err(none).hint(|| "run its cells first: the same command without --summarise".to_owned())
}

fn sum_up(open: &Open, output: &Output) -> anyhow::Result<ExitCode> {
    let Open { study, data, cells, options } = open;
    let origin = Origin::now(evaluation::command_line(), options.device);
    let summary = hinted(hico_eval::compare::sum_up(study, data, cells, &options.folder, origin), hints::cell)?;
    evaluation::show_summary(&summary, &options.folder, output)?;
    Ok(ExitCode::SUCCESS)
}
