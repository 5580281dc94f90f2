//! MoCo v2 (He et al. 2020, "Momentum Contrast for Unsupervised Visual Representation Learning"; Chen et al. 2020b): a
//! query is told from a queue of earlier keys, which a momentum (EMA) teacher made.

use super::simclr::PROJECTOR;
use super::teacher::Teacher;
use super::{Batch, Draw, Method, Objective, Rows, restored};
use crate::Error;
use crate::loss::{queue_nce, unit_rows};
use crate::model::init::{Distribution, Init};
use crate::model::projected::Projected;
use crate::model::weights::{NamedTensor, to_named};
use crate::model::{Mode, Pass};
use crate::recipe::{MocoRecipe, Recipe};
use burn::tensor::{Device, Tensor};
use hico_data::{Seed, view};

/// Name of the queue in checkpoints.
const QUEUE: &str = "queue";

/// MoCo v2, with its teacher and its queue.
#[derive(Debug)]
pub struct Moco {
    temperature: f64,
    teacher: Teacher,
    /// Unit keys, the newest first, `[queue, 128]`.
    queue: Tensor<2>,
}

impl Moco {
    pub(super) const fn temperature(&self) -> f64 {
        self.temperature
    }

    pub(super) fn queue(&self) -> Tensor<2> {
        self.queue.clone()
    }

    /// Puts unit keys, `[batch, 128]`, into the queue in place of the oldest.
    pub(super) fn remember(&mut self, keys: &Tensor<2>) {
        let [size, _] = self.queue.dims();
        let keys = Tensor::cat(vec![keys.clone().without_autodiff(), self.queue.clone()], 0);
        self.queue = keys.narrow(0, 0, size);
    }
}

impl Method for Moco {
    type Recipe = MocoRecipe;
    type Network = Projected;

    const DRAW: Draw =
        |data, clip, recipe, seed, epoch| view::twice(data, clip, recipe.view(), seed, epoch).map(Into::into);

    fn new(own: &MocoRecipe, recipe: &Recipe, _classes: usize, device: &Device, seed: Seed) -> (Self, Projected) {
        let init = Init::new(device, seed).in_precision(recipe.train().precision.into());
        let network = Projected::new(&init, recipe.model().depth, PROJECTOR);
        let shape = [own.queue.get(), PROJECTOR.output];
        let noise = init.parameter(QUEUE, shape, Distribution::Normal(1.0)).val().without_autodiff();
        let method = Self {
            temperature: own.temperature.get(),
            teacher: Teacher::of(&network, own.momentum.get()),
            queue: unit_rows(noise),
        };
        (method, network)
    }

    /// Of the first view the student's query, of the others the teacher's keys.
    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Vec<Rows> {
        let keys = self.teacher.projections(&views[1..], pass.mode()).into_iter();
        let queries = network.views(&views[..1], pass).into_iter().map(|seen| seen.projection);
        queries.chain(keys).map(|rows| vec![rows]).collect()
    }

    fn objective(&mut self, outputs: Vec<Rows>, _batch: &Batch, mode: Mode) -> Objective {
        let query = outputs[0][0].clone();
        let key = unit_rows(outputs[1][0].clone().detach());
        let total = queue_nce(query.clone(), key.clone(), self.queue.clone(), self.temperature);
        if mode == Mode::Train {
            self.remember(&key);
        }
        Objective { terms: vec![("contrast", total.clone())], total, embeddings: vec![query, key] }
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
        let mut state = self.teacher.state();
        state.push(to_named(QUEUE, self.queue.clone()));
        state
    }

    fn restore(&mut self, state: &[NamedTensor], device: &Device) -> Result<(), Error> {
        self.teacher.restore(state)?;
        self.queue = restored(state, QUEUE, &self.queue, device)?;
        Ok(())
    }
}
