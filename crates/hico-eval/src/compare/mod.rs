//! Which method is best, and by how much: methods x data sets x folds x seeds x label budgets, as independent cells.
//!
//! - [`study`]: what is asked, checked; [`settings`]: how encoders are evaluated; `study_file.rs`: as written; `study_text.rs`:
//!   its text; `study_recipe.rs`: its recipes
//! - `labels.rs`: a label budget
//! - [`grid`]: the cells, each one encoder and every question put to it
//! - [`plan`]: what a study can show, before it runs
//! - `evaluator.rs`: an encoder on one fold: neighbours, linear probe, fine-tuning; `network.rs`: a fine-tuned network as a file
//! - `inner.rs`: what may choose between methods without a look at the test fold
//! - [`answer`]: what a cell leaves; `cell_file.rs`: as it is kept, with the predictions as Parquet
//! - [`cell`]: one cell, resumable; `work.rs`, `pretraining.rs`: what is done within it
//! - [`crossval`]: the study of one encoder, as `hico crossval` and `hico finetune` ask for
//! - [`ledger`]: what a folder of cells was begun with
//! - `answers.rs`, `entry.rs`, `tables.rs`, [`strata`], `curves.rs`, [`ranks`], `facts.rs`, [`summary`]: all answers → figures with their doubt
//! - `sum_up.rs`: a folder of cells → its summary; [`table`]: answer by answer

pub mod labels;
pub mod answer;
mod answers;
mod inner;
pub mod options;
pub mod ranks;
pub mod settings;
mod evaluator;
pub mod strata;
pub mod study;
mod curves;
pub mod grid;
pub mod ledger;
mod cell_file;
mod network;
pub mod plan;
mod study_text;
mod study_recipe;
mod study_file;
pub mod summary;
mod entry;
pub mod table;
mod tables;
mod work;
pub mod cell;
mod pretraining;
mod facts;
pub mod summarise;
mod sum_up;
pub mod crossval;

pub use sum_up::sum_up;

#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod tests;
