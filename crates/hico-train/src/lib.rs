//! Training: pretraining by HiCo and the methods that it is compared with, and fine-tuning on labels.
//!
//! The modules are listed in the order in which data flows; nothing uses what is listed below it.
//!
//! - [`recipe`]: what to run
//! - [`model`], [`loss`], [`method`]: the networks, the terms, and who puts them together
//! - [`pretrain()`]: the loop, and what it leaves in a run's folder
//! - [`plan`], [`finetune`], [`linear`]: who learns in a fold; fine-tuning, and the linear probe
//! - [`predictions`]: what was predicted of frames, clips and patients

mod error;
pub mod recipe;
pub mod metrics;
pub mod knn;
pub mod difference;
pub mod model;
pub mod loss;
pub mod method;
mod append;
mod average;
pub mod checkpoint;
pub mod first_weights;
pub mod gradient;
pub mod health;
pub mod journal;
pub mod keep;
mod load;
mod log;
pub mod optimiser;
pub mod outline;
pub mod pretrained;
mod pretrain;
mod resume;
mod run;
pub mod run_record;
pub mod sampler;
pub mod schedule;
pub mod select;
pub mod tensorboard;
mod watch;
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
pub use outline::{Outline, outline};
pub use pretrain::{CheckpointEvery, Event, PretrainOptions, PretrainOutcome, pretrain};
pub use resume::recipe_of;
