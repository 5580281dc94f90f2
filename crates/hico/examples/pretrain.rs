//! Pretrains an encoder with HiCo on a data set, without labels: `cargo run --release --example pretrain -- DATASET RUN`.

#![expect(clippy::print_stdout, reason = "an example shows what comes of it")]

use hico::data::{Dataset, Job};
use hico::train::recipe::Recipe;
use hico::train::{Event, PretrainOptions, pretrain};
use std::path::PathBuf;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [data, run] = [1, 2].map(|place| std::env::args().nth(place));
    let (Some(data), Some(run)) = (data, run) else { return Err("give a data set and a folder for the run".into()) };
    let clips = Arc::new(Dataset::open(data.as_ref())?);
    let recipe = Recipe::parse("[method]\nname = \"hico\"\nsupervision = \"self\"\n[train]\nepochs = 20")?;
    // The same command goes on with a run that was stopped.
    let options = PretrainOptions { folder: Some(PathBuf::from(run)), resume: true, ..PretrainOptions::default() };
    let tell = |event: Event| {
        if let Event::Epoch(entry) = event {
            println!("epoch {}: loss {:.3}", entry.epoch + 1, entry.losses["total"]);
        }
    };
    let outcome = pretrain(&clips, &recipe, &options, Job::default().telling(&tell))?;
    println!("{} epochs, {} steps", outcome.epochs, outcome.step);
    Ok(())
}
