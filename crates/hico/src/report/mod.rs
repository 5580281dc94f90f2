//! Tables and pages made from journals and evaluations.
//!
//! [`read`] gathers what lies in folders, [`page`] makes one HTML file of it that needs nothing else: no network, no
//! script, no font. [`terminal::table`] shows one evaluation as text.

pub mod answer;
pub mod audit;
pub mod comparison;
pub mod embedding;
pub mod explanation;
mod chart;
pub mod history;
mod number;
mod page;
mod section;
pub mod source;
mod tables;
pub mod terminal;
mod thumbnail;

#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Verdict, answer};
pub use page::STYLE;
pub use source::{ReportError, Sources, read};

use hico_data::Dataset;
use std::path::PathBuf;

/// One self-contained HTML file with everything that was read.
///
/// - `dataset`: where example frames are taken from; without it there are none
#[must_use]
pub fn page(sources: &Sources, dataset: Option<&Dataset>) -> String {
    page::page(sources, dataset)
}

/// Reads the folders and makes the page: [`read`], then [`page`].
///
/// # Errors
/// As [`read`].
pub fn build(inputs: &[PathBuf], dataset: Option<&Dataset>) -> Result<String, ReportError> {
    Ok(page(&read(inputs)?, dataset))
}
