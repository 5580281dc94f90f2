//! The `hico` program: arguments in, words and files out.

mod args;
mod gauge;
mod interrupt;
mod log;
mod output;
mod hints;
mod command;

use clap::Parser as _;
use std::process::ExitCode;

/// Training asks for the same large buffers in every step.
#[global_allocator]
static ALLOCATOR: hico_kernels::memory::Allocator = hico_kernels::memory::Allocator;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    // A server does something else with every request, for days, and would end up with pages for all of it.
    if !matches!(cli.command, args::Command::Serve(_)) {
        hico_kernels::memory::keep_freed_pages();
    }
    let level = log::level(cli.shared.verbose, matches!(cli.command, args::Command::Serve(_)) && !cli.shared.quiet);
    log::start(level);
    let output = output::Output::new(cli.shared.json, cli.shared.quiet, cli.shared.verbose > 0);
    match command::run(&cli, &output) {
        Ok(code) => code,
        Err(error) if interrupt::is_cause(&error) => {
            output.note(&format!("interrupted; {}", command::after_interruption(&cli.command)));
            ExitCode::from(interrupt::EXIT_INTERRUPTED)
        }
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}
