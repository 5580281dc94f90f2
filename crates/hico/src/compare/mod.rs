//! Which method is best, and by how much: methods x data sets x folds x seeds x label budgets, as independent cells.
//!
//! - [`study`]: what is asked, as written and checked
//! - [`grid`]: the cells, each one encoder and every question put to it
//! - `judge.rs`: an encoder on one fold: neighbours, linear probe, fine-tuning
//! - [`cell`]: one cell at work, resumable
//! - [`row`]: what a cell leaves: one line an answer
//! - [`ledger`]: what a folder of cells was begun with
//! - [`ranks`], [`summary`]: all lines → figures with their doubt

pub mod cell;
pub mod grid;
pub mod ledger;
mod judge;
pub mod ranks;
pub mod row;
pub mod study;
pub mod summary;

#[cfg(test)]
mod tests;
