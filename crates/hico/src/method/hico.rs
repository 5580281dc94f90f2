//! HiCo (Zhang et al. 2022): pairs at three levels, pairs across them, and softened labels.

use super::{Batch, Draw, Method, Objective};
use crate::loss::{hico_loss, label_loss};
use crate::model::init::Init;
use crate::model::{HicoModel, Mode};
use crate::recipe::{LossFile, Recipe, Supervision};
use burn::tensor::{Device, Tensor};
use hico_data::{Seed, view};

/// HiCo; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct Hico {
    loss: LossFile,
    supervision: Supervision,
}

impl Method for Hico {
    type Network = HicoModel;

    const DRAW: Draw = |data, clip, recipe, seed, epoch| {
        let view::Pair { a, b, .. } = view::pair(data, clip, recipe, seed, epoch)?;
        Ok(vec![a, b])
    };

    fn new(recipe: &Recipe, classes: usize, device: &Device, seed: Seed) -> (Self, HicoModel) {
        let init = Init::new(device, seed).in_precision(recipe.train().precision.into());
        let network = HicoModel::new(recipe.model(), recipe.view().side, classes.max(1), &init);
        (Self { loss: *recipe.loss(), supervision: recipe.method().supervision }, network)
    }

    fn loss(&mut self, network: &HicoModel, batch: &Batch, mode: Mode) -> Objective {
        // Batch statistics are those of one view, as in the paper.
        if self.supervision == Supervision::Full {
            let (images, rows) = (Tensor::cat(batch.views.clone(), 0), batch.clips.len());
            let pooled = network.encoder.pooled(images, mode.for_views(2));
            let [a, b] = [0, 1].map(|view: usize| pooled.clone().narrow(0, view * rows, rows));
            let logits = [&a, &b].map(|pooled| network.soft.forward(pooled.clone()));
            let loss = label_loss(&logits[0], &logits[1], &batch.labels, &self.loss);
            // Labels alone do not train the projectors: what they tell apart is the pooled features.
            return Objective { total: loss.total, terms: loss.terms, embeddings: vec![a, b] };
        }
        let [a, b] = network.views([0, 1].map(|view: usize| batch.views[view].clone()), mode);
        let loss = hico_loss(&a, &b, &batch.labels, &self.loss, self.supervision);
        Objective { total: loss.total, terms: loss.terms, embeddings: vec![a.global, b.global] }
    }

    fn features(&self, network: &HicoModel, images: Tensor<4>) -> Tensor<2> {
        network.encoder.pooled(images, Mode::Eval)
    }
}
