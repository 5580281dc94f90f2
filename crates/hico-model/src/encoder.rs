//! Backbone and pyramid joined, with every map by its name.

use super::init::Init;
use super::{Mode, Stages};
use crate::{BackboneName, BackboneNetwork, FeatureSet, Pyramid};
use burn::module::Module;
use burn::tensor::Tensor;

/// What pretraining learns and everything else uses.
#[derive(Module, Debug)]
pub struct Encoder {
    /// The backbone.
    pub backbone: BackboneNetwork,
    /// The feature pyramid on it.
    pub pyramid: Pyramid,
}

/// Every map of an image, `[batch, channels, height, width]`; C as the backbone makes them, P in the pyramid (256
/// channels).
#[derive(Debug, Clone)]
pub struct Maps {
    /// Stride 4.
    pub c2: Tensor<4>,
    /// Stride 8.
    pub c3: Tensor<4>,
    /// Stride 16.
    pub c4: Tensor<4>,
    /// Stride 32.
    pub c5: Tensor<4>,
    /// Stride 4.
    pub p2: Tensor<4>,
    /// Stride 8.
    pub p3: Tensor<4>,
    /// Stride 16.
    pub p4: Tensor<4>,
    /// Stride 32.
    pub p5: Tensor<4>,
}

impl Encoder {
    /// An encoder with random weights.
    #[must_use]
    pub fn new(init: &Init<'_>, backbone: BackboneName) -> Self {
        Self {
            backbone: BackboneNetwork::new(&init.at("backbone"), backbone),
            pyramid: Pyramid::new(&init.at("pyramid"), backbone.channels()),
        }
    }

    /// As [`BackboneNetwork::fold`], for a network that is asked again and again.
    #[must_use]
    pub fn fold(self) -> Self {
        Self { backbone: self.backbone.fold(), ..self }
    }

    /// Every map.
    ///
    /// - `x`: `[batch, 3, height, width]`
    #[must_use]
    pub fn maps(&self, x: Tensor<4>, mode: Mode) -> Maps {
        let stages = self.backbone.forward(x, mode);
        let [p2, p3, p4, p5] = self.pyramid.forward(stages.clone());
        let Stages { c2, c3, c4, c5 } = stages;
        Maps { c2, c3, c4, c5, p2, p3, p4, p5 }
    }

    /// The features of pictures; the pyramid is computed only where they are read from it.
    ///
    /// - `x`: `[batch, 3, height, width]`
    /// - returns: `[batch, set.len(self.backbone.name())]`
    #[must_use]
    pub fn features(&self, x: Tensor<4>, set: FeatureSet, mode: Mode) -> Tensor<2> {
        set.read(&self.pyramid, self.backbone.forward(x, mode))
    }

    /// Length of an averaged map of the pyramid, which a head may read besides.
    pub const TOP_FEATURES: usize = crate::CHANNELS;
}
