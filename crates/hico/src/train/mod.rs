//! The training loop and what it leaves on disk.

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
pub(crate) mod outline;
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

pub use log::Lengths;
pub use outline::{Outline, outline};
pub use pretrain::{CheckpointEvery, Event, PretrainOptions, PretrainOutcome, pretrain};
pub use resume::recipe_of;
