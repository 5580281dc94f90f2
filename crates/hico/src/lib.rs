//! Pretraining on ultrasound videos with HiCo, and judging honestly what it is worth.
//!
//! The modules are listed in the order in which data flows; nothing uses what is listed below it.

mod error;
pub mod recipe;
pub mod metrics;
pub mod stats;
pub mod knn;
pub mod difference;
pub mod model;
pub mod loss;
pub mod method;
pub mod train;
pub mod evaluate;
pub mod compare;
pub mod card;
pub mod report;
pub mod demo;

pub use error::{Error, KeyFault, StudyPart};
