//! EvaluationSettings an encoder honestly: folds by group, baselines beside every figure; studies and reports.
//!
//! The modules are listed in the order in which data flows; nothing uses what is listed below it.
//!
//! - [`baselines`], [`confounds`]: what a figure is compared with
//! - [`prediction_table`], [`scores`], [`comparison`], [`coverage`], [`outcome`]: predictions → figures with their doubt
//! - [`compare`]: studies, cell by cell; a cross-validation is one of them
//! - [`card`], [`report`]: what a reader must know of a network, a run, a study
//!
//! ```
//! use hico_data::Seed;
//! use hico_eval::stats::sign_flip;
//!
//! // One method is better than the other for each of eight patients: 2 of the 256 ways to flip the signs are as extreme.
//! let differences = [0.1, 0.2, 0.05, 0.3, 0.1, 0.2, 0.15, 0.25];
//! assert!((sign_flip(&differences, Seed(1)) - 2.0 / 256.0).abs() < 1e-12);
//! ```

mod error;
pub mod stats;
pub mod outcome;
pub mod thumbnail;
pub mod confounds;
pub mod baselines;
pub mod calibration;
pub mod prediction_table;
pub mod scores;
pub mod comparison;
pub mod coverage;
pub mod compare;
pub mod card;
pub mod report;
pub mod demo;

pub use error::{Error, StudyPart};
