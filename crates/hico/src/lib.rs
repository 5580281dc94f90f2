//! Pretraining on ultrasound videos with HiCo, judging honestly what it is worth, and using what comes of it.
//!
//! This crate gathers the others under one name:
//!
//! - [`io`]: bytes of files → frames
//! - [`data`]: frames → clips → data sets → folds → views
//! - [`model`]: networks and their use
//! - [`train`]: pretraining and fine-tuning
//! - [`eval`]: evaluation, studies, reports
//!
//! # Pretrain an encoder
//!
//! ```
//! use hico::data::Job;
//! use hico::data::phantom::{PhantomRecipe, generate};
//! use hico::train::recipe::Recipe;
//! use hico::train::{PretrainOptions, pretrain};
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Clips of a phantom; `Dataset::open` opens a data set that `hico ingest` wrote.
//! let few = PhantomRecipe { patients: 9, clips_per_patient: [1, 1], frames: 2, side: 32, ..PhantomRecipe::default() };
//! let clips = Arc::new(generate(&few));
//! let recipe = Recipe::parse("[method]\nname = \"simclr\"\n[view]\nimage_size = 32\n[train]\nbatch = 2\nepochs = 1")?;
//! let outcome = pretrain(&clips, &recipe, &PretrainOptions::default(), Job::default().silent())?;
//! let weights = outcome.weights.unwrap_or_default();
//! assert!(weights.iter().any(|tensor| tensor.name == "encoder.backbone.conv1.weight"));
//! # Ok(())
//! # }
//! ```
//!
//! `examples/pretrain.rs` does so with clips on a disk, and `examples/predict.rs` asks a fine-tuned network about files.

pub use hico_data as data;
pub use hico_eval as eval;
pub use hico_io as io;
pub use hico_model as model;
pub use hico_train as train;
