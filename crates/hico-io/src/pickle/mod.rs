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
mod content;
mod picture;
mod source;
mod machine;
mod open;
#[cfg(test)]
mod tests;

pub use crate::pickle_fault::PickleFault;
pub use content::PickledLabel;
pub use open::{PickledItem, PickledParts, open};
pub use picture::{Axes, PickledPicture};
