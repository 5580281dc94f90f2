//! VICReg (Bardes et al. 2022, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning"): the
//! two views agree, every feature varies over the batch, and no two features say the same.

use super::{Batch, Draw, Method, Objective, Sizes};
use crate::loss::vicreg;
use crate::model::projected::{Projected, Widths};
use crate::recipe::{Fitted, Recipe, VicRegRecipe};
use burn::tensor::{Device, Tensor};
use hico_data::Seed;
use hico_model::init::Init;
use hico_model::{Mode, Pass};

/// The paper's expander has three layers of 8192 and batches of 2048, four times as many features as rows. By chance alone the
/// covariance of `d` features of unit variance over `n` rows costs `(d - 1) / (n - 1)` a view, so small batches bear fewer.
fn expander(width: Fitted, batch: usize) -> Widths {
    Widths { hidden: 512, output: width.or(|| (2 * batch).clamp(64, 8192)), normalised: true }
}

/// Weights of invariance, variance and covariance (section 4.2).
const WEIGHTS: [f64; 3] = [25.0, 25.0, 1.0];

/// VICReg; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct VicReg;

impl Method for VicReg {
    type Recipe = VicRegRecipe;
    type Network = Projected;
    type Outputs = [Tensor<2>; 2];

    const DRAW: Draw = |source, _| source.twice().map(Into::into);

    fn new(own: &VicRegRecipe, recipe: &Recipe, sizes: Sizes, device: &Device, seed: Seed) -> (Self, Projected) {
        let init = Init::new(device, seed).in_precision(recipe.train().precision.into());
        let expander = expander(own.width, sizes.batch);
        (Self, Projected::new(&init, recipe.model().depth, expander))
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
