//! MoCo v2 (He et al. 2020, "Momentum Contrast for Unsupervised Visual Representation Learning"; Chen et al. 2020b): a
//! query is contrasted with a queue of earlier keys, which a momentum (EMA) teacher made. Keys of its own group (patient) do not
//! count: among a few hundred clips every query would meet some.

use super::simclr::PROJECTOR;
use super::teacher::Teacher;
use super::{Batch, Keys, Method, Objective, Setup, Views, restored};
use crate::Error;
use crate::loss::{Queue, queue_nce, unit_rows};
use crate::model::projected::Projected;
use crate::outputs;
use crate::settings::{Fraction, MOMENTUM, OwnGroup, QueueLength, Temperature, TrainRecipe, views};
use burn::tensor::{Device, Tensor, TensorData};
use hico_data::view::ViewSource;
use hico_model::init::Distribution;
use hico_model::weights::{NamedTensor, to_named};
use hico_model::{Mode, Pass};
use serde::{Deserialize, Serialize};

/// MoCo v2 (He et al. 2020; Chen et al. 2020b).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MocoRecipe {
    /// Temperature of InfoNCE.
    pub temperature: Temperature,
    /// Momentum of the teacher: its share of itself that each step leaves.
    pub momentum: Fraction,
    /// Earlier keys that a query is contrasted with.
    pub queue: QueueLength,
    /// Keys of a query's own group.
    pub own_group: OwnGroup,
}

impl Default for MocoRecipe {
    fn default() -> Self {
        // The paper has a queue of 65,536, of a million pictures.
        Self {
            temperature: Temperature::known(0.2),
            momentum: MOMENTUM,
            queue: QueueLength::known(512),
            own_group: OwnGroup::default(),
        }
    }
}

impl Keys for MocoRecipe {
    fn before_there_were() -> Vec<(&'static str, toml::Value)> {
        vec![("own_group", "kept".into())]
    }
}

/// Names of the queue in checkpoints, and of the groups of its keys.
const QUEUE: &str = "queue";
pub(super) const GROUPS: &str = "queue_groups";

/// Group of a key that is of no clip's own group.
const NO_GROUP: f64 = -1.0;

/// What the loss reads of a pair of views.
#[derive(Debug, Clone)]
pub struct MocoOutputs {
    /// The student's projection of the first, `[clips, 128]`.
    pub query: Tensor<2>,
    /// The teacher's projection of the second, `[clips, 128]`.
    pub key: Tensor<2>,
}

outputs!(MocoOutputs { query, key });

/// MoCo v2, with its teacher and its queue.
#[derive(Debug)]
pub struct Moco {
    temperature: f64,
    own_group: OwnGroup,
    teacher: Teacher<Projected>,
    /// Unit keys, the newest first, `[queue, 128]`.
    queue: Tensor<2>,
    /// Groups of the keys, `[queue, 1]`: whole numbers.
    groups: Tensor<2>,
}

impl Moco {
    pub(super) const fn temperature(&self) -> f64 {
        self.temperature
    }

    /// The queue as clips of these groups see it.
    pub(super) fn queue(&self, groups: &[usize]) -> Queue {
        let [size, _] = self.queue.dims();
        let of_clips = column(groups, &self.groups.device()).expand([groups.len(), size]);
        let of_keys = self.groups.clone().transpose().expand([groups.len(), size]);
        Queue { keys: self.queue.clone(), own: of_clips.equal(of_keys) }
    }

    /// Puts unit keys, `[batch, 128]`, and their groups into the queue in place of the oldest.
    pub(super) fn remember(&mut self, keys: &Tensor<2>, groups: &[usize]) {
        let [size, _] = self.queue.dims();
        let groups = match self.own_group {
            OwnGroup::Hidden => column(groups, &self.groups.device()),
            OwnGroup::Kept => Tensor::full([groups.len(), 1], NO_GROUP, &self.groups.device()),
        };
        for (queue, newest) in [(&mut self.queue, keys.clone().without_autodiff()), (&mut self.groups, groups)] {
            *queue = Tensor::cat(vec![newest, queue.clone()], 0).narrow(0, 0, size);
        }
    }
}

/// Numbers of groups, `[clips, 1]`; 32 bits hold those below 16,777,216.
fn column(groups: &[usize], device: &Device) -> Tensor<2> {
    let numbers: Vec<f32> = groups.iter().map(|group| *group as f32).collect();
    Tensor::from_data(TensorData::new(numbers, [groups.len(), 1]), device)
}

/// Returns false for a checkpoint of a version that knew no groups.
pub(super) fn has_groups(state: &[NamedTensor]) -> bool {
    state.iter().any(|tensor| tensor.name == GROUPS)
}

impl Method for Moco {
    const NAME: &'static str = "moco";
    const ABOUT: &'static str = "Momentum contrast with a queue, version 2 (He et al. 2020)";
    const VIEW_KEYS: &'static [&'static str] = views::PAIRED;

    type Keys = MocoRecipe;
    type Network = Projected;
    type Outputs = MocoOutputs;

    fn losses_compare(_keys: &MocoRecipe) -> bool {
        false
    }

    fn draw(_keys: &MocoRecipe, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        source.twice().map(Into::into)
    }

    fn new(keys: &MocoRecipe, setup: &Setup<'_>) -> (Self, Projected) {
        let network = Projected::new(&setup.init, setup.model.backbone, PROJECTOR);
        let shape = [keys.queue.get(), PROJECTOR.output];
        let noise = setup.init.parameter(QUEUE, shape, Distribution::Normal(1.0)).val().without_autodiff();
        let method = Self {
            temperature: keys.temperature.get(),
            own_group: keys.own_group,
            teacher: Teacher::of(&network, keys.momentum.get()),
            groups: Tensor::full([keys.queue.get(), 1], NO_GROUP, &noise.device()),
            queue: unit_rows(noise),
        };
        (method, network)
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        let key = self.teacher.projection(&views[1], pass.mode());
        MocoOutputs { query: network.view(&views[0], pass).projection, key }
    }

    fn objective(&mut self, outputs: Self::Outputs, batch: &Batch, mode: Mode) -> Objective {
        let MocoOutputs { query, key } = outputs;
        let key = unit_rows(key.detach());
        let total = queue_nce(query.clone(), key.clone(), &self.queue(&batch.groups), self.temperature);
        if mode == Mode::Train {
            self.remember(&key, &batch.groups);
        }
        Objective { terms: vec![("contrast", total.clone())], total, embeddings: vec![query, key] }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }

    fn on_init_weights(&mut self, network: &Projected) {
        self.teacher.on_init_weights(network);
    }

    fn after_step(&mut self, network: &Projected, _step: u64) {
        self.teacher.follow(network);
    }

    fn state(&self) -> Vec<NamedTensor> {
        let mut state = self.teacher.state();
        state.extend([to_named(QUEUE, self.queue.clone()), to_named(GROUPS, self.groups.clone())]);
        state
    }

    fn restore(&mut self, state: &[NamedTensor], device: &Device) -> Result<(), Error> {
        self.teacher.restore(state)?;
        self.queue = restored(state, QUEUE, &self.queue, device)?;
        if has_groups(state) {
            self.groups = restored(state, GROUPS, &self.groups, device)?;
        }
        Ok(())
    }
}
