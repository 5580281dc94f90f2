//! Training: pretraining by HiCo and the methods that it is compared with, and fine-tuning on labels.
//!
//! The modules are listed in the order in which data flows; nothing uses what is listed below it.
//!
//! - [`settings`]: the values that a recipe is made of
//! - [`model`], [`loss`], [`method`]: the networks, the terms, and who puts them together
//! - [`recipe`]: what to run
//! - [`pretrain()`]: the loop, and what it leaves in a run's folder
//! - [`plan`], [`finetune`], [`linear`]: who learns in a fold; fine-tuning, and the linear probe
//! - [`predictions`]: what was predicted of frames, clips and patients
//!
//! ```
//! use hico_train::method::{MethodName, SimClr};
//! use hico_train::recipe::Recipe;
//!
//! let recipe = Recipe::parse("[method]\nname = \"simclr\"\ntemperature = 0.2")?;
//! assert_eq!(recipe.method().name(), MethodName::of::<SimClr>());
//! // A key that the method does not read is an error that names the nearest right one.
//! let error = Recipe::parse("[method]\nname = \"simclr\"\ntemprature = 0.2").unwrap_err();
//! assert!(error.to_string().contains("temperature"), "{error}");
//! # Ok::<(), hico_train::Error>(())
//! ```

mod error;
pub mod settings;
pub mod metrics;
pub mod knn;
pub mod difference;
pub mod model;
pub mod loss;
pub mod method;
pub mod recipe;
mod append;
mod average;
pub mod tensorboard;
pub mod journal;
mod log;
pub mod gradient;
pub mod optimiser;
pub mod checkpoint;
pub mod schedule;
pub mod sampler;
pub mod run_record;
pub mod pretrained;
pub mod init_weights;
mod options;
pub mod select;
pub mod outline;
mod run_plan;
pub mod health;
pub mod keep;
mod load;
mod validation;
mod run;
mod resume;
mod pretrain;
pub mod clock;
pub mod predictions;
pub mod plan;
pub mod inputs;
mod lbfgs;
pub mod linear;
pub mod tuning_state;
pub mod finetune;

pub use error::{Error, KeyFault};
pub use log::Lengths;
pub use options::{CheckpointEvery, PretrainOptions};
pub use outline::{Outline, outline};
pub use pretrain::{pretrain, register};
pub use resume::recipe_of;
pub use run_plan::{Event, PretrainOutcome};
