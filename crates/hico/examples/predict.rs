//! Asks a fine-tuned network about files: `cargo run --release --example predict -- MODEL FILE...`. Clips are prepared as those
//! that the network learnt from; nothing is written.

#![expect(clippy::print_stdout, reason = "an example shows what comes of it")]

use hico::data::Job;
use hico::data::ingest::PrepareOptions;
use hico::model::device::DeviceChoice;
use hico::model::predict::clip::Asking;
use hico::model::predict::model::Model;
use hico::model::predict::sources::each_clip;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = std::env::args().skip(1).map(PathBuf::from);
    let Some(file) = paths.next() else { return Err("give a network and files".into()) };
    let model = Model::open(&file, &DeviceChoice::Cpu.open()?)?;
    let options = PrepareOptions { preprocessing: model.saved.facts.preprocessing, ..PrepareOptions::default() };
    let asking = Asking { frame_stride: 1, job: Job::default() };
    let files: Vec<PathBuf> = paths.collect();
    each_clip::<hico::model::Error>(&files, &options, asking.job, |clip| {
        match clip {
            Ok(clip) => {
                let answer = model.ask(clip, asking, |_| {})?;
                println!("{}: {} ({:.1} %)", answer.source, answer.prediction, 100.0 * answer.confidence);
            }
            Err(refused) => println!("{}: {}", refused.source, refused.reason),
        }
        Ok(())
    })?;
    Ok(())
}
