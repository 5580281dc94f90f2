//! USCL (Chen et al. 2021, "USCL: Pretraining Deep Ultrasound Image Diagnosis Model through Video Contrastive
//! Representation Learning"): mixed frames of one clip are a pair, and what labels there are are learnt beside.
//!
//! As in the released code the classifier reads the projection, and labels weigh on the sum of both views' cross-entropies.

use super::simclr::PROJECTOR;
use super::{Batch, Draw, Method, Objective, Rows, Sizes};
use crate::loss::{nt_xent, soft_cross_entropy};
use crate::model::projected::{Projected, Seen, Widths};
use crate::recipe::{Recipe, SoftTarget, Supervision, UsclRecipe};
use burn::tensor::{Device, Tensor};
use hico_data::Seed;
use hico_model::init::Init;
use hico_model::{Mode, Pass};

/// USCL; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct Uscl {
    recipe: UsclRecipe,
}

impl Method for Uscl {
    type Recipe = UsclRecipe;
    type Network = Projected;

    const DRAW: Draw = |source, _| source.pair().map(Into::into);

    fn new(own: &UsclRecipe, recipe: &Recipe, sizes: Sizes, device: &Device, seed: Seed) -> (Self, Projected) {
        let init = Init::new(device, seed).in_precision(recipe.train().precision.into());
        let depth = recipe.model().depth;
        let projector = Widths { output: own.projection.get(), ..PROJECTOR };
        let network = Projected::new(&init, depth, projector).with_classifier(&init, projector, sizes.classes);
        (Self { recipe: *own }, network)
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Vec<Rows> {
        let rows = |seen: Seen| {
            let logits = network.classifier.as_ref().map(|classifier| classifier.forward(seen.projection.clone()));
            std::iter::once(seen.projection).chain(logits).collect()
        };
        network.views(views, pass).into_iter().map(rows).collect()
    }

    fn objective(&mut self, outputs: Vec<Rows>, batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = [0, 1].map(|view: usize| &outputs[view]);
        let embeddings = vec![first[0].clone(), second[0].clone()];
        let cross_entropy =
            |rows: &Rows| soft_cross_entropy(rows[1].clone(), &batch.labels, 0.0, SoftTarget::OverClasses);
        let labels = cross_entropy(first) + cross_entropy(second);
        if self.recipe.supervision == Supervision::Full {
            let labels = labels * 0.5;
            return Objective { total: labels.clone(), terms: vec![("cross_entropy", labels)], embeddings };
        }
        let contrast = nt_xent(first[0].clone(), second[0].clone(), self.recipe.temperature.get());
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
