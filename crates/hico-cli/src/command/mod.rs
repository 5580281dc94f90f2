//! One file a command, each: read inputs, call one library function, show the result.

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
        Command::Completions(args) => completions::run(args, output),
    }
}
