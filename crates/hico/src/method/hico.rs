//! HiCo (Zhang et al. 2022): pairs at three levels, pairs across them, and softened labels.

use super::{Batch, Draw, Method, Objective, Rows, Sizes};
use crate::loss::{hico_loss, label_loss};
use crate::model::init::Init;
use crate::model::layers::average;
use crate::model::{FeatureSet, HicoModel, Mode, Outputs, Pass};
use crate::recipe::{HicoRecipe, Recipe, Supervision};
use burn::tensor::{Device, Tensor};
use hico_data::{Seed, view};

/// HiCo; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct Hico {
    recipe: HicoRecipe,
}

impl Method for Hico {
    type Recipe = HicoRecipe;
    type Network = HicoModel;

    const DRAW: Draw =
        |data, clip, recipe, seed, epoch| view::pair(data, clip, recipe.view(), seed, epoch).map(Into::into);

    fn new(own: &HicoRecipe, recipe: &Recipe, sizes: Sizes, device: &Device, seed: Seed) -> (Self, HicoModel) {
        let init = Init::new(device, seed).in_precision(recipe.train().precision.into());
        let network = HicoModel::new(recipe.model().depth, own, recipe.view().side, sizes.classes.max(1), &init);
        (Self { recipe: *own }, network)
    }

    fn outputs<'n>(&self, network: &'n HicoModel, views: &[Tensor<4>], pass: &Pass<'n>) -> Vec<Rows> {
        if self.recipe.supervision == Supervision::Full {
            // Labels alone do not train the projectors: what they tell apart is the pooled features.
            let [clips, ..] = views[0].dims();
            let pooled = average(pass.backbone(&network.encoder.backbone, views).c5);
            let of_view = |view: usize| pooled.clone().narrow(0, view * clips, clips);
            let rows = |pooled: Tensor<2>| vec![network.soft.forward(pooled.clone()), pooled];
            return (0..views.len()).map(|view| rows(of_view(view))).collect();
        }
        let both = network.views(&[0, 1].map(|view: usize| views[view].clone()), pass);
        both.map(|Outputs { local, medium, global, logits, pooled }| vec![logits, pooled, local, medium, global]).into()
    }

    fn objective(&mut self, outputs: Vec<Rows>, batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = [0, 1].map(|view: usize| &outputs[view]);
        if self.recipe.supervision == Supervision::Full {
            let loss = label_loss(&first[0], &second[0], &batch.labels, &self.recipe);
            let embeddings = vec![first[1].clone(), second[1].clone()];
            return Objective { total: loss.total, terms: loss.terms, embeddings };
        }
        let [first, second] = [first, second].map(|rows| {
            let [logits, pooled, local, medium, global] = [0, 1, 2, 3, 4].map(|tensor: usize| rows[tensor].clone());
            Outputs { local, medium, global, logits, pooled }
        });
        let loss = hico_loss(&first, &second, &batch.labels, &self.recipe);
        Objective { total: loss.total, terms: loss.terms, embeddings: vec![first.global, second.global] }
    }

    fn features(&self, network: &HicoModel, images: Tensor<4>) -> Tensor<2> {
        network.encoder.features(images, FeatureSet::C5, Mode::Eval)
    }
}
