//! What a file costs: less than a gigabyte and five seconds of processor each, whatever its header claims.
//!
//! Each file is decoded in a process of its own, this test run again, which tells the most memory that it ever had.

use crate::made::{DicomFile, RLE, US, is};
use crate::shared;
use hico_data::ingest::{Limits, Programs, look};
use hico_io::dicom::read_frames;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the file to the process that decodes it.
const FILE: &str = "HICO_TEST_DECODES";

/// Most memory, kB.
const MOST: u64 = 1_000_000;

/// Most seconds of processor.
const SECONDS: f64 = 5.0;

/// The child: decodes every frame, then looks at the file as ingest does; tells kB, hundredths of a second, frames, and
/// whether it decodes.
fn tell(path: &Path) {
    let mut frames = 0;
    let outcome = read_frames(path, Limits::default(), |_| frames += 1);
    let looked = look(path, Limits::default(), &Programs::default());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // User and system time are the 12th and 13th word after the name, in brackets, which may hold anything.
    let ticks = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    println!("\ntold {peak} {ticks} {frames} {}", outcome.is_ok() && looked.is_ok());
}

/// What a file cost: kB, seconds of processor, frames, and whether it decodes.
fn cost(test: &str, path: &Path) -> (u64, f64, usize, bool) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let child = command.args(["--exact", test, "--nocapture"]).env(FILE, path).output().unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    let told = said.lines().find_map(|line| line.strip_prefix("told "));
    let words: Vec<&str> = told.unwrap_or_else(|| panic!("{}: {said}", path.display())).split_whitespace().collect();
    let [peak, ticks, frames, whole] = words[..] else { panic!("{said}") };
    let seconds = ticks.parse::<f64>().unwrap() / 100.0;
    (peak.parse().unwrap(), seconds, frames.parse().unwrap(), whole == "true")
}

/// Whether this process is the child, and has done its work.
fn is_child() -> bool {
    std::env::var_os(FILE).map(|path| tell(&PathBuf::from(path))).is_some()
}

fn is_measured(test: &str) -> bool {
    if !cfg!(target_os = "linux") {
        println!("skipped: {test}: the system does not tell a process its memory in /proc");
    }
    cfg!(target_os = "linux")
}

#[test]
fn no_real_file_costs_a_gigabyte_or_five_seconds() {
    let test = "no_real_file_costs_a_gigabyte_or_five_seconds";
    if is_child() || !is_measured(test) {
        return;
    }
    let Some(data) = shared(test) else { return };
    let mut rows = csv::Reader::from_path(data.join("dicom/dicom.csv")).unwrap();
    let files: Vec<String> = rows.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert!(files.len() >= 54, "{}", files.len());
    let (mut largest, mut slowest, mut decoded) = (0, 0.0_f64, 0);
    for file in &files {
        let (peak, seconds, frames, whole) = cost(&format!("memory::{test}"), &data.join(file));
        println!("{file}: {peak} kB, {seconds} s, {frames} frames, whole: {whole}");
        assert!(peak < MOST && seconds < SECONDS, "{file}: {peak} kB, {seconds} s");
        largest = largest.max(peak);
        slowest = slowest.max(seconds);
        decoded += usize::from(whole);
    }
    // A child that decodes nothing would cost nothing.
    assert!(decoded > files.len() / 2, "{decoded} of {}", files.len());
    println!("{decoded} of {} decode; the most memory is {largest} kB, the most time {slowest} s", files.len());
}

#[test]
fn a_size_that_is_only_claimed_costs_nothing() {
    let test = "a_size_that_is_only_claimed_costs_nothing";
    if is_child() || !is_measured(test) {
        return;
    }
    let small = DicomFile::grey(2, 2, &[1, 2, 3, 4]);
    let wide =
        |file: DicomFile, side: u16| file.with(0x0028, 0x0010, "US", &US(side)).with(0x0028, 0x0011, "US", &US(side));
    let packed = DicomFile::rgb(2, 2, &[]).in_syntax(RLE).in_items(&[], &[vec![0; 64]]);
    let files = [
        ("huge", wide(small.clone(), 65_535)),
        ("endless", small.with(0x0028, 0x0008, "IS", &is("2147483647"))),
        ("huge and packed", wide(packed.clone(), 65_535)),
        ("as large as is allowed, and packed", wide(packed, 8_000)),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, file.bytes()).unwrap();
        let (peak, seconds, frames, whole) = cost(&format!("memory::{test}"), &path);
        println!("{name}: {peak} kB, {seconds} s");
        assert!(peak < MOST && seconds < SECONDS && !whole && frames == 0, "{name}: {peak} kB, {seconds} s, {frames}");
    }
}
