//! One file a command, each: read inputs, call one library function, show the result.

mod demo;
mod phantom;
mod join;
mod split;
mod recipe;
mod pretrain;
mod evaluation;
mod inspect;
mod export_data;
mod finetune;
mod crossval;
mod compare;
mod export;
mod taking;
mod ingest;
mod relabel;
mod audit;
mod predict;
mod explain;
mod embed;
mod serve;
mod report;
mod completions;

use crate::args::{Cli, Command};
use crate::output::Output;
use std::process::ExitCode;

/// Runs the command that was asked for; its exit code.
pub(crate) fn run(cli: &Cli, output: &Output) -> anyhow::Result<ExitCode> {
    if let Some(threads) = cli.shared.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global()?;
    }
    match &cli.command {
        Command::Demo(args) => demo::run(args, output),
        Command::Phantom(args) => phantom::run(args, output),
        Command::Ingest(args) => ingest::run(args, output),
        Command::Relabel(args) => relabel::run(args, output),
        Command::Inspect(args) => inspect::run(args, output),
        Command::Split(args) => split::run(args, output),
        Command::Audit(args) => audit::run(args, output),
        Command::Join(args) => join::run(args, output),
        Command::ExportData(args) => export_data::run(args, output),
        Command::Recipe(args) => recipe::run(args, output),
        Command::Pretrain(args) => pretrain::run(args, output),
        Command::Finetune(args) => finetune::run(args, output),
        Command::Crossval(args) => crossval::run(args, output),
        Command::Compare(args) => compare::run(args, output),
        Command::Predict(args) => predict::run(args, output),
        Command::Explain(args) => explain::run(args, output),
        Command::Embed(args) => embed::run(args, output),
        Command::Similar(args) => embed::similar(args, output),
        Command::Serve(args) => serve::run(args, output),
        Command::Export(args) => export::run(args, output),
        Command::Report(args) => report::run(args, output),
        Command::Completions(args) => completions::run(args, output),
    }
}

/// What became of the work of a command that was asked to stop.
pub(crate) const fn after_interruption(command: &Command) -> &'static str {
    match command {
        Command::Pretrain(_) => "a checkpoint is written, and the same command with --resume goes on",
        Command::Phantom(_) => "remove the folder and run it again",
        Command::Audit(_) | Command::Embed(_) | Command::Similar(_) => "nothing was written",
        Command::Explain(_) => "the clips that are explained stay",
        Command::Predict(_) => "the printed predictions are valid",
        _ => "finished work is kept, and the same command goes on",
    }
}
