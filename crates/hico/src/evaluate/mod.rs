//! Judging an encoder honestly: folds by group, baselines beside every figure.
//!
//! - [`plan`]: who learns, who chooses the epoch, who is tested
//! - [`baselines`], [`linear`], [`finetune`]: ways of getting from frames to classes
//! - [`confounds`]: how well the label is told without looking at what a clip shows
//! - [`pretrained`]: an encoder and what it has seen
//! - [`history`]: where a network comes from, what it learnt from and what it reached
//! - [`calibration`], [`known`]: what a prediction is worth: confidence that is true, and whether the clip is like any seen
//! - [`classifier`], [`classifier_file`]: a fine-tuned network, and its file
//! - [`predictions`], [`prediction_table`], [`scores`], [`comparison`], [`coverage`], [`outcome`]: predictions → figures with their doubt

pub mod baselines;
pub mod calibration;
pub mod classifier;
pub mod classifier_file;
pub(crate) mod clock;
pub mod comparison;
pub mod confounds;
pub mod coverage;
pub mod tuning_state;
pub mod finetune;
pub mod history;
pub mod inputs;
pub mod known;
mod lbfgs;
pub mod linear;
pub mod outcome;
pub mod plan;
pub mod prediction_table;
pub mod predictions;
pub mod pretrained;
pub mod scores;

#[cfg(test)]
pub(crate) mod test_data;
