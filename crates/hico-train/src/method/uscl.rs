//! USCL (Chen et al. 2021, "USCL: Pretraining Deep Ultrasound Image Diagnosis Model through Video Contrastive
//! Representation Learning"): mixed frames of one clip are a pair, and what labels there are are learnt beside.
//!
//! As in the released code the classifier reads the projection, and labels weigh on the sum of both views' cross-entropies.

use super::simclr::PROJECTOR;
use super::{Batch, Draw, Method, Objective, Sizes};
use crate::loss::{nt_xent, soft_cross_entropy};
use crate::model::projected::{Projected, Seen, Widths};
use crate::outputs;
use crate::recipe::{Recipe, SoftTarget, Supervision, UsclRecipe};
use burn::tensor::{Device, Tensor};
use hico_data::Seed;
use hico_model::init::Init;
use hico_model::{Mode, Pass};

/// What the loss reads of a view.
#[derive(Debug, Clone)]
pub struct UsclOutputs {
    /// Its projection, `[clips, projection]`.
    pub projection: Tensor<2>,
    /// What the classifier makes of that, `[clips, classes]`, before the softmax.
    pub logits: Tensor<2>,
}

outputs!(UsclOutputs { projection, logits });

/// USCL; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct Uscl {
    recipe: UsclRecipe,
}

impl Method for Uscl {
    type Recipe = UsclRecipe;
    type Network = Projected;
    type Outputs = [UsclOutputs; 2];

    const DRAW: Draw = |source, _| source.pair().map(Into::into);

    fn new(own: &UsclRecipe, recipe: &Recipe, sizes: Sizes, device: &Device, seed: Seed) -> (Self, Projected) {
        let init = Init::new(device, seed).in_precision(recipe.train().precision.into());
        let depth = recipe.model().depth;
        let projector = Widths { output: own.projection.get(), ..PROJECTOR };
        let network = Projected::new(&init, depth, projector).with_classifier(&init, projector, sizes.classes);
        (Self { recipe: *own }, network)
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        network
            .pair(views, pass)
            .map(|Seen { projection, .. }| UsclOutputs { logits: network.classified(projection.clone()), projection })
    }

    fn objective(&mut self, outputs: Self::Outputs, batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = outputs;
        let embeddings = vec![first.projection.clone(), second.projection.clone()];
        let cross_entropy = |logits| soft_cross_entropy(logits, &batch.labels, 0.0, SoftTarget::OverClasses);
        let labels = cross_entropy(first.logits) + cross_entropy(second.logits);
        if self.recipe.supervision == Supervision::Full {
            let labels = labels * 0.5;
            return Objective { total: labels.clone(), terms: vec![("cross_entropy", labels)], embeddings };
        }
        let contrast = nt_xent(first.projection, second.projection, self.recipe.temperature.get());
        let mut terms = vec![("contrast", contrast.clone())];
        let mut total = contrast;
        if self.recipe.supervision == Supervision::Semi {
            total = total + labels.clone() * self.recipe.label_weight.get();
            terms.push(("cross_entropy", labels));
        }
        Objective { total, terms, embeddings }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }
}
