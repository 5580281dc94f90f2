//! Pretraining on ultrasound videos with HiCo, judging honestly what it is worth, and using what comes of it.
//!
//! This crate gathers the others under one name:
//!
//! - [`data`]: clips → data sets → folds → views
//! - [`model`]: networks and their use
//! - [`train`]: pretraining and fine-tuning
//! - [`eval`]: evaluation, studies, reports

pub use hico_data as data;
pub use hico_eval as eval;
pub use hico_model as model;
pub use hico_train as train;
