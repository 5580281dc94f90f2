//! SimCLR (Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations"): two augmented views
//! of one frame are a pair, all else in the batch is not.

use super::{Batch, Draw, Method, Objective, Sizes};
use crate::loss::pair_loss;
use crate::model::projected::{Projected, Widths};
use crate::recipe::{Recipe, SimClrRecipe};
use burn::tensor::{Device, Tensor};
use hico_data::Seed;
use hico_model::init::Init;
use hico_model::{Mode, Pass};

/// The paper's projector (section 4.2): as wide as the features of ResNet-18, and 128 values.
pub(super) const PROJECTOR: Widths = Widths { hidden: 512, output: 128, normalised: false };

/// SimCLR; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct SimClr {
    recipe: SimClrRecipe,
}

impl Method for SimClr {
    type Recipe = SimClrRecipe;
    type Network = Projected;
    type Outputs = [Tensor<2>; 2];

    const DRAW: Draw = |source, _| source.twice().map(Into::into);

    fn new(own: &SimClrRecipe, recipe: &Recipe, _sizes: Sizes, device: &Device, seed: Seed) -> (Self, Projected) {
        let init = Init::new(device, seed).in_precision(recipe.train().precision.into());
        (Self { recipe: *own }, Projected::new(&init, recipe.model().depth, PROJECTOR))
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        network.pair(views, pass).map(|seen| seen.projection)
    }

    fn objective(&mut self, outputs: Self::Outputs, _batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = outputs;
        let cost = pair_loss(self.recipe.decoupled);
        let total = cost(first.clone(), second.clone(), self.recipe.temperature.get());
        Objective { terms: vec![("contrast", total.clone())], total, embeddings: vec![first, second] }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }
}
