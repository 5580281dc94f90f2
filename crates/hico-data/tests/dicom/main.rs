//! DICOM files: real ones against an independent decoder, and small ones made here for everything else.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop at what it did not expect, and say why it skips"
)]

mod closed_form;
mod coded;
mod columns;
mod identity;
mod made;
mod memory;
mod odd;
mod pixels;
mod real;
mod refusals;
mod streams;
mod study;
mod video;

use std::path::{Path, PathBuf};

/// The folder with the real data, or `None` after saying why the test is skipped.
fn shared(test: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("HICO_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let data = shared.join("data");
    if !data.join("dicom/dicom.csv").is_file() {
        println!("skipped: {test}: ../shared is absent");
        return None;
    }
    Some(data)
}
