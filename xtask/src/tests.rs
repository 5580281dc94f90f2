//! Runs tests, and counts and names those that left something out for want of data or of another program.

use crate::{Outcome, shown, words};
use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// Test files of the quick tests, beside the unit tests: none needs another program, and each takes seconds.
const QUICK: &str = "--test structure --test graph --test differences --test golden --test ingest --test prepare --test layouts \
                     --test tables --test pickles --test phantom --test regressions";

/// Unit tests that are left to `test-all`, by a part of their names: they train, or read and write whole networks. Of the time
/// of all unit tests they take most.
const SLOW: [&str; 9] = [
    "weights::recognise::",
    "onnx::tests::every_value_is_made_once",
    "cam::tests::every_level_leads",
    "finetune::tests::",
    "gradient::tests::",
    "init_weights::",
    "crossval::tests::",
    "resume_tests::",
    "card::tests::",
];

/// Test files that read the real data.
const REAL: &str = "--test dicom --test videos --test audit --test outlines --test burned_in --test sector --test golden \
                    --test export";

/// Tests in other files that read the real data.
const REAL_ALSO: &str = "on_pocus_frames_thumbnails xrays_and_noise a_person_finds_their_way";

/// What a test prints before the reason why it left something out.
const SKIPPED: &str = "skipped: ";

pub(crate) fn quick(more: &[String]) -> Outcome {
    let line = format!("test --locked --workspace --lib --bins {QUICK} -- --show-output");
    counted(words(&line).args(SLOW.iter().flat_map(|name| ["--skip", name])).args(more))
}

pub(crate) fn real(more: &[String]) -> Outcome {
    let whole = format!("test --locked --workspace {REAL} -- --show-output");
    let single = format!("test --locked --workspace --lib --test program -- --show-output {REAL_ALSO}");
    [whole, single].iter().try_for_each(|line| counted(words(line).args(more).env("HICO_REQUIRE_DATA", "1")))
}

pub(crate) fn all(more: &[String]) -> Outcome {
    counted(words("test --locked --workspace --lib --bins --tests --examples -- --show-output").args(more))
}

/// Runs tests, shows what they print, and tells what they left out; with `HICO_REQUIRE_DATA=1` it is an error that they left
/// something out for want of the real data.
fn counted(command: &mut Command) -> Outcome {
    println!("{}", shown(command));
    let spawned = command.stdout(Stdio::piped()).spawn();
    let failed = |error| format!("{error}: {}", shown(command));
    let mut child = spawned.map_err(failed)?;
    let mut left_out = Vec::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = String::from_utf8_lossy(&line.map_err(failed)?).into_owned();
            println!("{line}");
            if line.starts_with(SKIPPED) {
                left_out.push(line);
            }
        }
    }
    let status = child.wait().map_err(failed)?;
    println!("\n== skipped within the tests: {}", left_out.len());
    let wants_data = left_out.iter().any(|line| line.contains("shared"));
    left_out.into_iter().collect::<BTreeSet<_>>().iter().for_each(|line| println!("{line}"));
    if !status.success() {
        return Err(format!("{status}: {}", shown(command)));
    }
    if wants_data && required(command) {
        return Err("HICO_REQUIRE_DATA=1, and tests were skipped for want of the real data: \
                    set HICO_SHARED to its folder"
            .to_owned());
    }
    Ok(())
}

/// Whether the tests were told to fail without the real data.
fn required(command: &Command) -> bool {
    let name = "HICO_REQUIRE_DATA";
    let given = command.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value.map(ToOwned::to_owned));
    given.or_else(|| env::var_os(name)).is_some_and(|value| value == "1")
}
