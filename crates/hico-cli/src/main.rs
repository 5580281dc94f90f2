//! The `hico` program: arguments in, words and files out.

mod args;
mod command;
mod interrupt;
mod output;

use clap::Parser as _;
use std::process::ExitCode;

/// Training asks for the same large buffers in every step; this allocator keeps them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let output = output::Output::new(cli.shared.json, cli.shared.quiet);
    match command::run(&cli, &output) {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}
