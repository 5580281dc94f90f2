//! The heads on the encoder: a projector for each level, and the classifier of the softened objective.

use crate::settings;
use burn::module::Module;
use burn::tensor::Tensor;
use hico_model::CHANNELS;
use hico_model::init::Init;
use hico_model::layers::{Linear, average, averages, relu};

/// Length of a projection.
pub(crate) const EMBEDDING: usize = 256;

/// Cells along each side of the grid of [`settings::Projector::Grid`].
const CELLS: usize = 4;

/// A map → a vector by a two-layer MLP, on the means of a grid of cells, on the whole map flattened, or on its mean.
///
/// The pyramid is linear, so the mean of P2 is nearly a linear function of the means of C2 to C5: only a grid or a
/// flattened map still says where something is.
#[derive(Module, Debug)]
pub struct Projector {
    hidden: Linear,
    output: Linear,
    #[module(skip)]
    kind: settings::Projector,
}

impl Projector {
    /// A projector for maps of `map_side` pixels a side; only the flattened kind depends on it.
    #[must_use]
    pub fn new(init: &Init<'_>, kind: settings::Projector, map_side: usize) -> Self {
        let inputs = match kind {
            settings::Projector::Pooled => CHANNELS,
            settings::Projector::Grid => CHANNELS * CELLS * CELLS,
            settings::Projector::Flattened => CHANNELS * map_side * map_side,
        };
        Self {
            hidden: Linear::new(&init.at("hidden"), inputs, EMBEDDING),
            output: Linear::new(&init.at("output"), EMBEDDING, EMBEDDING),
            kind,
        }
    }

    /// - `map`: `[batch, 256, height, width]`
    /// - returns: `[batch, 256]`, not normalised
    #[must_use]
    pub fn forward(&self, map: Tensor<4>) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(self.read(map))))
    }

    /// What the first layer reads of a map, `[batch, inputs]`.
    pub(super) fn read(&self, map: Tensor<4>) -> Tensor<2> {
        match self.kind {
            settings::Projector::Pooled => average(map),
            settings::Projector::Grid => averages(map, CELLS),
            settings::Projector::Flattened => map.flatten(1, 3), // [batch, 256 * height * width]
        }
    }
}

/// The classifier of the softened objective, on the pooled backbone features.
#[derive(Module, Debug)]
pub struct SoftHead {
    hidden: Linear,
    classifier: Linear,
}

impl SoftHead {
    /// A classifier with random weights.
    #[must_use]
    pub fn new(init: &Init<'_>, features: usize, classes: usize) -> Self {
        Self {
            hidden: Linear::new(&init.at("hidden"), features, EMBEDDING),
            classifier: Linear::new(&init.at("classifier"), EMBEDDING, classes),
        }
    }

    /// - `pooled`: `[batch, features]`
    /// - returns: `[batch, classes]`, before the softmax
    #[must_use]
    pub fn forward(&self, pooled: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(relu(self.hidden.forward(pooled)))
    }
}
