//! How a data set grows with the number of its clips: seconds and memory to take clips in, to open them, to split them
//! and to audit them, a row for each number of clips.
//!
//!     cargo bench -p hico-data --bench scale              # 1,000, 10,000 and 100,000 clips; 2 GB of disk
//!     cargo bench -p hico-data --bench scale -- 10000     # up to 10,000
//!
//! Clips are those of `hico phantom`: 4 frames of 32x32 pixels, a folder of PNG pictures each and every sixth a GIF, with
//! a table of labels. The closer look of the audit is timed on 2,000 candidates, milliseconds each. Each step runs in a
//! process of its own, so that the memory told is its own.

#![expect(clippy::print_stdout, reason = "what it prints is its result")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on should end there")]

use hico_data::audit::candidates::{ALL_PAIRS, Search, candidates};
use hico_data::audit::compare::{Dense, compare};
use hico_data::audit::signature::Signature;
use hico_data::audit::{AuditOptions, Corpus};
use hico_data::clip::evenly_spaced;
use hico_data::ingest::{Columns, IngestOptions, ingest};
use hico_data::phantom::{LABELS_FILE, PhantomRecipe, write_tree};
use hico_data::split::k_folds;
use hico_data::{Dataset, Job, Preprocessing, Seed, inspect};
use rayon::prelude::*;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Candidates that are looked at.
const SAMPLE: usize = 2000;

/// What a child measures: seconds, most megabytes of memory, and counts of its own.
type Measured = (Vec<f64>, Option<u64>);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [step, folder, clips] = words.as_slice() {
        let seconds = run(step, Path::new(folder), clips.parse().unwrap());
        println!("{}", serde_json::to_string(&(seconds, peak_memory())).unwrap());
        return;
    }
    // Cargo itself asks with flags, when it tests or benches everything.
    let most = words.iter().filter_map(|word| word.parse().ok()).next().unwrap_or(100_000);
    println!(
        "| clips | ingest, s | MB | again, s | MB | open, s | facts, s | split, s | MB | hash, s | search, s | \
         look, ms | candidates | MB |"
    );
    println!("|{}", " ---: |".repeat(14));
    for clips in [1000, 10_000, 100_000].into_iter().filter(|clips| *clips <= most) {
        row(clips);
    }
}

fn row(clips: usize) {
    let folder = tempfile::tempdir().unwrap();
    let step = |step: &str| child(step, folder.path(), clips);
    step("make");
    let mut cells = vec![clips.to_string()];
    for (name, whole) in [("ingest", 0), ("again", 0), ("open", 0), ("audit", 1)] {
        let (figures, peak) = step(name);
        let (seconds, counts) = figures.split_at(figures.len() - whole);
        cells.extend(seconds.iter().map(|seconds| format!("{seconds:.2}")));
        cells.extend(counts.iter().map(|count| format!("{count:.0}")));
        cells.push(peak.map_or_else(|| "?".to_owned(), |megabytes| megabytes.to_string()));
    }
    println!("| {} |", cells.join(" | "));
}

/// Runs a step in a process of its own.
fn child(step: &str, folder: &Path, clips: usize) -> Measured {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.arg(step).arg(folder).arg(clips.to_string()).output().unwrap();
    assert!(output.status.success(), "{step}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn run(step: &str, folder: &Path, clips: usize) -> Vec<f64> {
    let (source, out) = (folder.join("source"), folder.join("data"));
    let mut clock = Instant::now();
    let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed().as_secs_f64();
    match step {
        "make" => {
            let recipe = PhantomRecipe {
                patients: clips / 2,
                clips_per_patient: [2, 2],
                frames: 4,
                side: 32,
                ..PhantomRecipe::default()
            };
            write_tree(&recipe, &source, Job::default()).unwrap();
            vec![lap()]
        }
        "ingest" | "again" => {
            let labels = Some((source.join(LABELS_FILE), Columns::default()));
            let options =
                IngestOptions { preprocessing: Preprocessing::resized(32), labels, ..IngestOptions::default() };
            let report = ingest(&source, &out, &options, Job::default()).unwrap();
            assert_eq!((report.clips, report.kept), (clips, if step == "again" { clips } else { 0 }));
            vec![lap()]
        }
        "open" => {
            let dataset = Dataset::open(&out).unwrap();
            let opened = lap();
            assert_eq!(inspect::facts(dataset.manifest()).clips, clips);
            let told = lap();
            assert_eq!(k_folds(dataset.manifest(), 5, Seed(0)).unwrap().len(), clips);
            vec![opened, told, lap()]
        }
        "audit" => {
            let dataset = Dataset::open(&out).unwrap();
            let corpus = Corpus::new(vec![("data", &dataset)]);
            lap();
            let signature = |clip: usize| Signature::of(&dataset, clip).unwrap();
            let signatures: Vec<Signature> = (0..clips).into_par_iter().map(signature).collect();
            let hashed = lap();
            let search = Search { radius: AuditOptions::default().radius, all_pairs: ALL_PAIRS };
            let found = candidates(&signatures, search, Job::default()).unwrap();
            let searched = lap();
            let sample = evenly_spaced(found.len(), SAMPLE);
            sample.par_iter().for_each(|place| drop(black_box(compare(&corpus, &found[*place], Dense::Below(0.93)))));
            vec![hashed, searched, lap() / sample.len() as f64 * 1e3, found.len() as f64]
        }
        other => panic!("{other}: no such step"),
    }
}

/// Most memory that this process had, on systems that tell.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}
