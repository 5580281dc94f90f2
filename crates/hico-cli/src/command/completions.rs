use crate::args::{Cli, CompletionsArgs};
use crate::output::Output;
use clap::CommandFactory as _;
use std::process::ExitCode;

/// `hico completions SHELL`: prints the script.
pub(crate) fn run(args: &CompletionsArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hico", &mut script);
    output.text(&String::from_utf8(script)?);
    Ok(ExitCode::SUCCESS)
}
