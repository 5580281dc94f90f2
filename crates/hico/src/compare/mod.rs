//! Which method is best, and by how much: methods x data sets x folds x seeds x label budgets, as independent cells.
//!
//! - [`study`]: what is asked, as written and checked
//! - `labels.rs`: a label budget
//! - [`grid`]: the cells, each one encoder and every question put to it
//! - `judge.rs`: an encoder on one fold: neighbours, linear probe, fine-tuning
//! - `inner.rs`: what may choose between methods without a look at the test fold
//! - [`cell`]: one cell at work, resumable; `cell_error.rs`: why it has no answers
//! - [`row`]: what a cell leaves: one line an answer
//! - [`ledger`]: what a folder of cells was begun with
//! - [`ranks`], [`summary`], `curves.rs`: all lines → figures with their doubt

pub mod cell;
mod cell_error;
mod curves;
pub mod grid;
pub mod ledger;
mod inner;
mod judge;
mod labels;
pub mod ranks;
pub mod row;
pub mod study;
pub mod summary;

#[cfg(test)]
mod tests;
