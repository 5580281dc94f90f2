//! Seconds to decode all frames of DICOM files, one thread: `dicom ROUNDS FILE...`, a line of JSON a file.
//! `benches/against_pydicom.py` runs it beside pydicom.

#![expect(clippy::print_stdout, reason = "its result is a line")]

use hico_data::ingest::Limits;
use hico_io::dicom::read_frames;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo itself asks with flags, when it tests or benches everything.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(rounds) = arguments.next() else { return Ok(()) };
    let rounds: usize = rounds.parse()?;
    for file in arguments {
        let mut seconds = Vec::new();
        let mut frames = 0;
        for _ in 0..rounds.max(1) {
            let begin = Instant::now();
            frames = 0;
            read_frames(Path::new(&file), Limits::default(), |frame| {
                std::hint::black_box(frame);
                frames += 1;
            })?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
        println!("{}", serde_json::json!({ "file": file, "frames": frames, "seconds": seconds }));
    }
    Ok(())
}
