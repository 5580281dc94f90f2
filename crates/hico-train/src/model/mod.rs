//! The networks that are pretrained: encoders with the heads of their methods.
//!
//! - [`Projector`]s and a [`SoftHead`] on an [`hico_model::Encoder`] make a [`HicoModel`]
//! - [`Projected`]: a backbone and MLPs, for the methods that HiCo is compared with

mod head;
#[cfg(test)]
mod local_tests;
pub mod projected;
mod hico;

pub use head::{Projector, SoftHead};
pub use hico::{DENSE_CELLS, GlobalBranch, HicoModel, Outputs};
pub use projected::Projected;
