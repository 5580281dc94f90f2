//! SimCLR (Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations"): two augmented views
//! of one frame are a pair, all else in the batch is not.

use super::{Batch, Keys, Method, Objective, Setup, Views};
use crate::loss::pair_loss;
use crate::model::projected::{MlpDims, Projected};
use crate::settings::{Temperature, TrainRecipe, views};
use burn::tensor::Tensor;
use hico_data::view::ViewSource;
use hico_model::{Mode, Pass};
use serde::{Deserialize, Serialize};

/// SimCLR (Chen et al. 2020).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SimClrRecipe {
    /// Temperature of NT-Xent.
    pub temperature: Temperature,
    /// Leaves a pair's own similarity out of what it is compared with: decoupled contrastive learning (Yeh et al. 2022).
    pub decoupled: bool,
}

impl Default for SimClrRecipe {
    fn default() -> Self {
        Self { temperature: Temperature::known(0.5), decoupled: false }
    }
}

impl Keys for SimClrRecipe {}

/// The paper's projector (section 4.2): as wide as the features of ResNet-18, and 128 values.
pub(super) const PROJECTOR: MlpDims = MlpDims { hidden: 512, output: 128, normalised: false };

/// SimCLR; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct SimClr {
    keys: SimClrRecipe,
}

impl Method for SimClr {
    const NAME: &'static str = "simclr";
    const ABOUT: &'static str = "Two augmented views of one frame (Chen et al. 2020)";
    const VIEW_KEYS: &'static [&'static str] = views::PAIRED;

    type Keys = SimClrRecipe;
    type Network = Projected;
    type Outputs = [Tensor<2>; 2];

    fn draw(_keys: &SimClrRecipe, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        source.twice().map(Into::into)
    }

    fn new(keys: &SimClrRecipe, setup: &Setup<'_>) -> (Self, Projected) {
        (Self { keys: *keys }, Projected::new(&setup.init, setup.model.backbone, PROJECTOR))
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        network.pair(views, pass).map(|seen| seen.projection)
    }

    fn objective(&mut self, outputs: Self::Outputs, _batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = outputs;
        let cost = pair_loss(self.keys.decoupled);
        let total = cost(first.clone(), second.clone(), self.keys.temperature.get());
        Objective { terms: vec![("contrast", total.clone())], total, embeddings: vec![first, second] }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }
}
