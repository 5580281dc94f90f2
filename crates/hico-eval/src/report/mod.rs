//! Tables and pages made from journals and from the summaries of studies.
//!
//! [`read`] gathers what lies in folders, [`page`] makes one HTML file of it that needs nothing else: no network, no
//! script, no font. [`study`] shows one study, as text or as a page.

pub mod history;
mod number;
mod chart;
pub mod source;
mod tables;
mod thumbnail;
mod section;
pub mod study;
mod page;
pub mod audit;
pub mod embedding;
pub mod explanation;

#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;

pub use source::{Sources, read, read_summary};

use crate::Error;
use crate::compare::summary::Summary;
use hico_data::Dataset;
use std::path::PathBuf;

/// One self-contained HTML file with everything that was read.
///
/// - `dataset`: where example frames are taken from; without it there are none
#[must_use]
pub fn page(sources: &Sources, dataset: Option<&Dataset>) -> String {
    page::page(sources, dataset)
}

/// One self-contained HTML file that shows one study.
#[must_use]
pub fn page_of(summary: &Summary) -> String {
    page::of_study(summary)
}

/// Reads the folders and makes the page: [`read`], then [`page`].
///
/// # Errors
/// As [`read`].
pub fn build(inputs: &[PathBuf], dataset: Option<&Dataset>) -> Result<String, Error> {
    Ok(page(&read(inputs)?, dataset))
}
