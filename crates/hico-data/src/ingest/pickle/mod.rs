//! Pictures and labels in pickles of numpy arrays, as those of POCUS that USCL hands out.
//!
//! A pickle is a program, and unpickling runs it. Here none is run: `machine.rs` knows the few instructions that arrays
//! need, refuses every other one by its name, and calls nothing. Lengths are believed once the file is that long, and
//! pictures stay in the file until each is decoded.

mod array;
mod content;
mod data;
mod fault;
mod machine;
mod numpy;
mod picture;
mod reading;
mod shelf;
mod source;
#[cfg(test)]
mod tests;

pub use fault::PickleFault;
pub use picture::Axes;
pub(crate) use picture::Picture;
pub(crate) use shelf::{is_pickle, unpack};

/// How pickles are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pickles {
    /// Names of the classes 0, 1, ...; without them the numbers are the names.
    pub classes: Vec<String>,
    /// Which way round rows and columns are.
    pub axes: Axes,
}
