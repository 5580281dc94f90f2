//! BYOL (Grill et al. 2020, "Bootstrap Your Own Latent"): one view's projection predicts what a momentum (EMA) teacher
//! makes of the other; there are no negatives. SimSiam (Chen and He 2021) is the same with the network as its own teacher.

use super::teacher::Teacher;
use super::{Batch, Draw, Method, Objective, Rows, Sizes};
use crate::Error;
use crate::loss::negative_cosine;
use crate::model::projected::{Projected, Seen, Widths};
use crate::recipe::{ByolRecipe, Recipe};
use burn::tensor::{Device, Tensor};
use hico_data::Seed;
use hico_model::init::Init;
use hico_model::weights::NamedTensor;
use hico_model::{Mode, Pass};

/// The paper's have hidden vectors of 4096 on ResNet-50's 2048 features; the same proportion.
const PROJECTOR: Widths = Widths { hidden: 1024, output: 256, normalised: true };

/// BYOL, with its teacher.
#[derive(Debug)]
pub struct Byol {
    teacher: Teacher<Projected>,
}

impl Method for Byol {
    type Recipe = ByolRecipe;
    type Network = Projected;

    const DRAW: Draw = |source, _| source.twice().map(Into::into);

    fn new(own: &ByolRecipe, recipe: &Recipe, _sizes: Sizes, device: &Device, seed: Seed) -> (Self, Projected) {
        let init = Init::new(device, seed).in_precision(recipe.train().precision.into());
        let network = Projected::new(&init, recipe.model().depth, PROJECTOR).with_predictor(&init, PROJECTOR);
        (Self { teacher: Teacher::of(&network, own.momentum.get()) }, network)
    }

    /// Of each view the prediction and the teacher's projection.
    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Vec<Rows> {
        let taught = self.teacher.projections(views, pass.mode());
        let seen = network.views(views, pass).into_iter().zip(taught);
        let rows = |(seen, taught): (Seen, Tensor<2>)| {
            let predicted = network.predictor.as_ref().map(|head| head.forward(seen.projection, pass.mode()));
            predicted.into_iter().chain([taught]).collect()
        };
        seen.map(rows).collect()
    }

    fn objective(&mut self, outputs: Vec<Rows>, _batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = [0, 1].map(|view: usize| &outputs[view]);
        let one_way = |from: &Rows, to: &Rows| negative_cosine(from[0].clone(), to[1].clone().detach());
        // Equation 2 is the squared distance of unit vectors: 2 minus twice their cosine, each way.
        let total = (one_way(first, second) + one_way(second, first)) * 2.0 + 4.0;
        let embeddings = vec![first[0].clone(), second[0].clone()];
        Objective { terms: vec![("prediction", total.clone())], total, embeddings }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }

    fn begins_with(&mut self, network: &Projected) {
        self.teacher.begins_with(network);
    }

    fn after_step(&mut self, network: &Projected, _step: u64) {
        self.teacher.follow(network);
    }

    fn state(&self) -> Vec<NamedTensor> {
        self.teacher.state()
    }

    fn restore(&mut self, state: &[NamedTensor], _device: &Device) -> Result<(), Error> {
        self.teacher.restore(state)
    }
}
