//! The backbones there are, each a description of stages, blocks and operations.

mod architecture;
mod resnet;

pub use architecture::{Architecture, Block, Convolution, Operation, Stage};
pub(crate) use architecture::{Placed, below};
pub(crate) use resnet::ResNet;
