//! The networks there are.

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
}
