//! Judging an encoder honestly: folds by group, baselines beside every figure.
//!
//! - [`plan`]: who learns, who chooses the epoch, who is tested
//! - [`baselines`], [`knn`], [`linear`], [`finetune`]: ways of getting from frames to classes
//! - [`confounds`]: how well the label is told without looking at what a clip shows
//! - [`pretrained`]: an encoder and what it has seen
//! - [`history`]: where a network comes from, what it learnt from and what it reached
//! - [`rows`]: features by their directions
//! - [`calibration`], [`known`]: what a prediction is worth: confidence that is true, and whether the clip is like any seen
//! - [`classifier`], [`classifier_file`]: a fine-tuned network, and its file
//! - [`cross_validate`]: every fold, seed and candidate, resumable
//! - [`predictions`], [`prediction_table`], [`scores`], [`comparison`], [`outcome`]: predictions → figures with their doubt → the record that reports read

pub mod baselines;
pub mod calibration;
mod candidates;
mod cells;
pub mod classifier;
pub mod classifier_file;
mod clock;
pub mod comparison;
pub mod confounds;
pub mod cross_validate;
pub mod tuning_state;
pub mod finetune;
pub mod history;
pub mod inputs;
pub mod knn;
pub mod known;
mod lbfgs;
pub mod linear;
pub mod outcome;
pub mod plan;
pub mod prediction_table;
pub mod predictions;
pub mod pretrained;
mod request;
pub mod rows;
pub mod scores;
mod summary;

pub use cells::{CELLS_FOLDER, CellsError, PLAN_FILE};

#[cfg(test)]
mod cross_validate_tests;
#[cfg(test)]
pub(crate) mod test_data;
