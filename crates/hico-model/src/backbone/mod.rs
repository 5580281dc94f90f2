//! The backbones there are, each a description of stages, blocks and operations.
//!
//! - [`Backbone`]: a name and an [`Architecture`]
//! - [`register`]: adds one, from wherever it is
//! - [`BackboneName`]: which one a recipe, a record or a file means

mod architecture;
mod resnet;
mod convnext;
mod registry;

pub use architecture::{Architecture, Backbone, Block, ChannelLinear, Convolution, Library, Operation, Stage};
pub(crate) use architecture::{Placed, below};
pub use registry::{BackboneName, all, register};
