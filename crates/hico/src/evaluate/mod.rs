//! Judging an encoder honestly: folds by group, baselines beside every figure.
//!
//! - [`plan`]: who learns, who chooses the epoch, who is tested
//! - [`baselines`], [`linear`], [`finetune`]: ways of getting from frames to classes
//! - [`confounds`]: how well the label is told without looking at what a clip shows
//! - [`calibration`]: confidence that is true
//! - [`predictions`], [`prediction_table`], [`scores`], [`comparison`], [`coverage`], [`outcome`]: predictions → figures with their doubt

pub mod baselines;
pub mod calibration;
pub(crate) mod clock;
pub mod comparison;
pub mod confounds;
pub mod coverage;
pub mod tuning_state;
pub mod finetune;
pub mod inputs;
mod lbfgs;
pub mod linear;
pub mod outcome;
pub mod plan;
pub mod prediction_table;
pub mod predictions;
pub mod scores;
