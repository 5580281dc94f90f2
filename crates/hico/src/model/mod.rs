//! The network: a residual encoder with a feature pyramid, and HiCo's heads on it.
//!
//! - [`layers`]: the operations, in one place so that faster ones can take theirs
//! - [`init`]: first weights, from a seed and each parameter's own name
//! - [`ResNet`] and [`Pyramid`] make an [`Encoder`]; [`Projector`]s and a [`SoftHead`] on it make a [`HicoModel`]
//! - [`weights`]: parameters by name, out of and into files

pub mod batch_norm;
mod encoder;
mod fpn;
mod head;
mod hico;
pub mod init;
pub mod layers;
mod resnet;
pub mod weights;

pub use encoder::{Encoder, Levels, Maps};
pub use fpn::Pyramid;
pub use head::{Projector, SoftHead};
pub use hico::{HicoModel, Outputs, map_side};
pub use resnet::{Block, ConvNorm, ResNet, Stages};

/// Which batch norms use, and learn, the statistics of the batch before them; the others use their running statistics.
///
/// A device with automatic differentiation changes nothing here, unlike in burn's own layers: the caller says what it
/// wants, at every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// All of them.
    Train,
    /// Only those of the backbone's last block, for fine-tuning it on a frozen network.
    TrainLastBlock,
    /// None: the result for one image does not depend on the others.
    Eval,
}

impl Mode {
    /// The mode of everything before the last block.
    pub(crate) const fn before_last_block(self) -> Self {
        match self {
            Self::Train => Self::Train,
            Self::TrainLastBlock | Self::Eval => Self::Eval,
        }
    }
}
