//! The commands of who works on hico: `cargo xtask COMMAND...`. Each is a timed step; `./check` is made of them.
//!
//! Tests are always chosen by target, never by package: for a package alone Cargo chooses other features of the
//! dependencies, and compiles burn again.

mod tests;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

const HELP: &str = "\
cargo xtask COMMAND...

  fmt        Format the code
  lint       Check formatting, spelling and clippy; change nothing
  test       Run the quick tests: no network, no other program, no real data
  test-real  Run the tests that read the real data of ../shared; fail where it is absent
  test-all   Run every test; those of the documentation are in docs
  docs       Build the documentation, warnings are errors; run its tests
  all        Run the whole gate, ./check, which installs what it needs

Several run one after the other: cargo xtask fmt lint test. What follows -- goes to the tests.";

/// What went wrong, in words.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let mut commands: Vec<String> = env::args().skip(1).collect();
    let rest = commands.iter().position(|word| word == "--").map_or_else(Vec::new, |at| commands.split_off(at));
    let more = rest.get(1..).unwrap_or_default();
    if commands.is_empty() || commands.iter().any(|word| ["help", "--help", "-h"].contains(&word.as_str())) {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let outcome = env::set_current_dir(&root).map_err(|error| format!("{}: {error}", root.display()));
    match outcome.and_then(|()| commands.iter().try_for_each(|command| timed(command, more))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn timed(command: &str, more: &[String]) -> Outcome {
    println!("\n== {command}");
    let began = Instant::now();
    step(command, more)?;
    println!("== {command}: {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn step(command: &str, more: &[String]) -> Outcome {
    match command {
        "fmt" => cargo("fmt --all"),
        "lint" => lint(),
        "test" => tests::quick(more),
        "test-real" => tests::real(more),
        "test-all" => tests::all(more),
        "docs" => {
            let mut doc = words("doc --locked --workspace --no-deps --quiet");
            run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
            cargo("test --locked --workspace --doc --quiet")
        }
        "all" => run(&mut Command::new("./check")),
        other => Err(format!("there is no command {other:?}; see cargo xtask --help")),
    }
}

fn lint() -> Outcome {
    cargo("fmt --all -- --check")?;
    if Command::new("typos").arg("--version").output().is_ok() {
        run(&mut Command::new("typos"))?;
    } else {
        println!("no typos here, so spelling is left to ./check: cargo install typos-cli");
    }
    cargo("clippy --locked --workspace --all-targets --quiet -- -D warnings")
}

/// `cargo` with these words.
fn words(line: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(line.split_whitespace());
    command
}

fn cargo(line: &str) -> Outcome {
    run(&mut words(line))
}

fn run(command: &mut Command) -> Outcome {
    println!("{}", shown(command));
    let status = command.status().map_err(|error| format!("{}: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", shown(command))) }
}

/// A command as one could type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
