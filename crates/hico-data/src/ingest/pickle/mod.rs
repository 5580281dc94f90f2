//! Pictures and labels in pickles of numpy arrays, as those of POCUS that USCL hands out.
//!
//! A pickle is a program, and unpickling runs it. Here none is run: `machine.rs` knows the few instructions that arrays
//! need, refuses every other one by its name, and calls nothing. Lengths are believed once the file is that long, and
//! pictures stay in the file until each is decoded.

mod data;
mod array;
mod object;
mod numpy;
mod reading;
pub(super) mod content;
mod picture;
mod source;
mod machine;
pub(super) mod open;
#[cfg(test)]
mod tests;

pub use super::pickle_fault::PickleFault;
pub use picture::Axes;
pub(crate) use picture::Picture;

/// How pickles are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pickles {
    /// Names of the classes 0, 1, ...; without them the numbers are the names.
    pub classes: Vec<String>,
    /// Which way round rows and columns are.
    pub axes: Axes,
}
