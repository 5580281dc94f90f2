//! Makes a data set of `.npy` clips, which hico does not read by itself, and reads it back.
//!
//! The reader is one file, `npy.rs`. Everything around it is hico's: what a clip may cost, the guard against panics and endless
//! loops, the preprocessing, labels from names of folders, and the record of what was refused.
//!
//!     cargo run --manifest-path examples/Cargo.toml -p own-reader

mod npy;

use hico_data::ingest::{IngestOptions, Layout, ingest};
use hico_data::{Channels, Dataset, Job, Preprocessing};
use hico_io::Readers;
use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("hico-own-reader-{}", std::process::id()));
    let outcome = run(&folder);
    fs::remove_dir_all(&folder)?;
    outcome
}

fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (source, out) = (folder.join("source"), folder.join("dataset"));
    let grey: Vec<u8> = (0..3 * 4 * 6).collect();
    let colour: Vec<u8> = (0..2 * 4 * 6 * 3).map(|at: usize| (at * 37 % 251) as u8).collect();
    save(&source.join("healthy/grey.npy"), "(3, 4, 6)", &grey)?;
    save(&source.join("ill/colour.npy"), "(2, 4, 6, 3)", &colour)?;
    // A header that claims eight terabytes costs nothing but its file.
    save(&source.join("ill/hostile.npy"), "(1000000, 2000, 4000)", &[0; 100])?;

    let options = IngestOptions {
        readers: Readers::default().with(npy::Npy),
        layout: Layout::ImageFolder,
        preprocessing: Preprocessing::default(),
        ..IngestOptions::default()
    };
    let report = ingest(&source, &out, &options, Job::default())?;
    assert_eq!((report.clips, report.frames, report.labelled), (2, 5, 2));
    assert_eq!(report.refused.len(), 1);
    let refused = &report.refused[0];
    assert_eq!(refused.source, "ill/hostile.npy");
    assert!(refused.reason.contains("[1000000, 2000, 4000] in a file of"), "{}", refused.reason);
    assert!(refused.hint.contains("numpy.save"), "{}", refused.hint);

    let dataset = Dataset::open(&out)?;
    assert_eq!(dataset.classes(), ["healthy", "ill"]);
    let clips = [dataset.read_clip(0)?, dataset.read_clip(1)?];
    assert_eq!((clips[0].channels, &clips[0].pixels), (Channels::Grey, &grey));
    assert_eq!((clips[1].channels, &clips[1].pixels), (Channels::Rgb, &colour));
    for clip in 0..2 {
        let row = dataset.row(clip);
        assert!(row.steps.to_string().starts_with("decode npy"), "{}", row.steps);
    }
    println!("2 clips of .npy files are a data set, frame for frame; 1 was refused: {}", refused.reason);
    Ok(())
}

/// Writes an array as `numpy.save` does (format 1.0).
fn save(path: &Path, shape: &str, pixels: &[u8]) -> std::io::Result<()> {
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 > 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), pixels].concat())
}
