//! The networks there are.

use crate::backbone::{Architecture, ResNet};
use serde::{Deserialize, Serialize};

/// Depth of the residual network (He et al. 2016).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// ResNet-18.
    #[default]
    R18,
    /// ResNet-34.
    R34,
    /// ResNet-50.
    R50,
}

impl Depth {
    /// Its name, as its paper has it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::R18 => "ResNet-18",
            Self::R34 => "ResNet-34",
            Self::R50 => "ResNet-50",
        }
    }

    /// Its stages, blocks and operations.
    #[must_use]
    pub fn architecture(self) -> Architecture {
        let (bottleneck, blocks) = match self {
            Self::R18 => (false, [2, 2, 2, 2]),
            Self::R34 => (false, [3, 4, 6, 3]),
            Self::R50 => (true, [3, 4, 6, 3]),
        };
        ResNet { bottleneck, blocks }.architecture()
    }
}
