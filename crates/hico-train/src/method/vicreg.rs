//! VICReg (Bardes et al. 2022, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning"): the
//! two views agree, every feature varies over the batch, and no two features say the same.

use super::{Batch, Keys, Method, Objective, Setup, Views};
use crate::loss::vicreg;
use crate::model::projected::{MlpDims, Projected};
use crate::settings::{Fitted, TrainRecipe, views};
use burn::tensor::Tensor;
use hico_data::view::ViewSource;
use hico_model::{Mode, Pass};
use serde::{Deserialize, Serialize};

/// VICReg (Bardes et al. 2022); its weights are the paper's.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct VicRegRecipe {
    /// Features that are compared; fitted they are twice the batch, from 64 to 8,192.
    pub width: Fitted,
}

impl Keys for VicRegRecipe {
    fn before_there_were() -> Vec<(&'static str, toml::Value)> {
        vec![("width", 512.into())]
    }
}

/// The paper's expander has three layers of 8192 and batches of 2048, four times as many features as rows. By chance alone the
/// covariance of `d` features of unit variance over `n` rows costs `(d - 1) / (n - 1)` a view, so small batches bear fewer.
fn expander(width: Fitted, batch: usize) -> MlpDims {
    MlpDims { hidden: 512, output: width.or(|| (2 * batch).clamp(64, 8192)), normalised: true }
}

/// Weights of invariance, variance and covariance (section 4.2).
const WEIGHTS: [f64; 3] = [25.0, 25.0, 1.0];

/// VICReg; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct VicReg;

impl Method for VicReg {
    const NAME: &'static str = "vicreg";
    const ABOUT: &'static str = "Variance, invariance and covariance (Bardes et al. 2022)";
    const VIEW_KEYS: &'static [&'static str] = views::PAIRED;

    type Keys = VicRegRecipe;
    type Network = Projected;
    type Outputs = [Tensor<2>; 2];

    fn draw(_keys: &VicRegRecipe, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        source.twice().map(Into::into)
    }

    fn new(keys: &VicRegRecipe, setup: &Setup<'_>) -> (Self, Projected) {
        let expander = expander(keys.width, setup.sizes.batch);
        (Self, Projected::new(&setup.init, setup.model.backbone, expander))
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        network.pair(views, pass).map(|seen| seen.projection)
    }

    fn objective(&mut self, outputs: Self::Outputs, _batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = outputs;
        let [invariance, variance, covariance] = vicreg(&first, &second);
        let [i, v, c] = WEIGHTS;
        let total = invariance.clone() * i + variance.clone() * v + covariance.clone() * c;
        let terms = vec![("invariance", invariance), ("variance", variance), ("covariance", covariance)];
        Objective { total, terms, embeddings: vec![first, second] }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }
}
