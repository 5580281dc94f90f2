//! Tables and pages made from journals and evaluations.

pub mod answer;
mod number;
pub mod terminal;

#[cfg(test)]
mod synthetic;

pub use answer::{Answer, Verdict, answer};
