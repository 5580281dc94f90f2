//! Trains by a method that hico does not know: `cargo run --manifest-path examples/Cargo.toml -p own-method`.
//!
//! `barlow_twins.rs` is the method. Once it is registered, recipes name it, runs are resumed, and whatever reads a run reads
//! its encoder.

mod barlow_twins;

use barlow_twins::BarlowTwins;
use hico::data::phantom::{PhantomRecipe, generate};
use hico::data::{Dataset, Job};
use hico::train::recipe::Recipe;
use hico::train::{PretrainOptions, pretrain, pretrained, register};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    register::<BarlowTwins>()?;

    // A key that the method does not read is an error that names the nearest right one.
    let error = Recipe::parse("[method]\nname = \"barlow-twins\"\nwith = 64").unwrap_err().to_string();
    assert!(error.contains("did you mean width below [method]?"), "{error}");

    let few = PhantomRecipe { patients: 12, clips_per_patient: [1, 1], frames: 3, side: 32, ..PhantomRecipe::default() };
    let clips = Arc::new(generate(&few));
    let folder = tempfile::tempdir()?;

    // At once, and stopped after half of it and resumed: the same weights.
    let [whole, halves] = ["whole", "halves"].map(|name| folder.path().join(name));
    let losses = run(&clips, 6, &whole)?;
    assert!(losses[1] < losses[0], "the loss falls: {losses:?}");
    run(&clips, 3, &halves)?;
    run(&clips, 6, &halves)?;
    let [at_once, resumed] = [&whole, &halves].map(|run| pretrained::read(run));
    let (at_once, resumed) = (at_once?, resumed?);
    assert!(at_once == resumed, "a resumed run gives the same weights");

    println!("{}: the loss falls from {:.2} to {:.2}", at_once.name, losses[0], losses[1]);
    Ok(())
}

/// Pretrains by the recipe for some epochs, or goes on with the run in `folder`; the loss of the first and of the last of them.
fn run(clips: &Arc<Dataset>, epochs: usize, folder: &Path) -> Result<[f64; 2], Box<dyn Error>> {
    let recipe = "[method]\nname = \"barlow-twins\"\nwidth = 64\n[view]\nimage_size = 32\n\
                  [train]\nbatch = 8\nwarmup_epochs = 0\nschedule = \"constant\"\nval_fraction = 0\n";
    let recipe = Recipe::parse(&format!("{recipe}epochs = {epochs}"))?;
    let options = PretrainOptions { folder: Some(folder.into()), resume: true, by_its_records: true, ..Default::default() };
    let losses = std::sync::Mutex::new(Vec::new());
    let tell = |event| {
        if let hico::train::Event::Epoch(entry) = event {
            losses.lock().unwrap().push(entry.losses["total"]);
        }
    };
    pretrain(clips, &recipe, &options, Job::default().telling(&tell))?;
    let losses = losses.into_inner()?;
    Ok([losses[0], losses[losses.len() - 1]])
}
