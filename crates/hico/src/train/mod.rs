//! The training loop and what it leaves on disk.

mod append;
pub mod health;
pub mod journal;
mod log;
pub mod run_record;
pub mod sampler;
pub mod schedule;
pub mod select;
pub mod tensorboard;

pub use log::{Lengths, LogError};
