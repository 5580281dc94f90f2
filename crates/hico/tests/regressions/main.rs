//! Small files that are no weights, checkpoints, recipes or studies, or are: each is read or refused as it should be, in
//! bounded time and memory. `fuzz/` looks for more of them (docs/FUZZING.md).

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

#[expect(unreachable_pub, reason = "public where the fuzz targets have it")]
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use targets::Outcome;

type Target = (&'static str, fn(&[u8]) -> Outcome);

const TARGETS: [Target; 4] = [
    ("checkpoint", targets::checkpoint),
    ("recipe", targets::recipe),
    ("study", targets::study),
    ("weights", targets::weights),
];

/// What is said of each file that is refused; `good-` ones are read.
const REFUSED: &str = include_str!("refused.csv");

/// One input, debug build, a busy machine.
const LONGEST: Duration = Duration::from_secs(10);

/// Bytes that an input may add to the most memory that was ever taken.
const MOST_MEMORY: u64 = 150 << 20;

fn files(target: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions").join(target);
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn within_time(name: &str, work: impl FnOnce() -> Outcome) -> Outcome {
    let begin = Instant::now();
    let outcome = work();
    assert!(begin.elapsed() < LONGEST, "{name} took {:?}", begin.elapsed());
    outcome
}

/// The most memory that this process ever took, bytes; 0 where the system does not tell.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) << 10
}

// One test, so that the memory is that of the inputs.
#[test]
fn every_file_is_read_or_refused_with_its_words_in_bounded_time_and_memory() {
    let words: BTreeMap<&str, &str> = REFUSED.lines().filter_map(|line| line.split_once(',')).collect();
    let mut seen = BTreeSet::new();
    for (target, run) in TARGETS {
        for (name, bytes) in files(target) {
            let name = format!("{target}/{name}");
            let peak = memory();
            let outcome = within_time(&name, || run(&bytes));
            let took = memory() - peak;
            match (outcome, words.get(name.as_str())) {
                (Ok(count), None) => assert!(name.contains("/good-") && count > 0, "{name} is not refused"),
                (Err(said), Some(words)) => assert!(said.contains(words), "{name}: {said}"),
                (outcome, words) => panic!("{name}: {outcome:?}, expected {words:?}"),
            }
            assert!(took < MOST_MEMORY, "{name} took {took} bytes");
            seen.insert(name);
        }
    }
    assert_eq!(words.keys().filter(|name| !seen.contains(**name)).count(), 0, "files of refused.csv are gone");
    // Cut anywhere, or with a byte turned, a good file may be read or not; the targets assert the rest.
    let mut tried = 0;
    for (target, run) in TARGETS {
        for (name, bytes) in files(target).iter().filter(|(name, _)| name.starts_with("good-")) {
            for at in (0..bytes.len()).step_by(13) {
                let mut turned = bytes.clone();
                turned[at] ^= 0xff;
                for input in [&bytes[..at], &turned] {
                    within_time(name, || run(input)).ok();
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
}
