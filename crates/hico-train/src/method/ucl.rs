//! UCL (Basu et al. 2022, "Unsupervised Contrastive Learning of Image Representations from Ultrasound Videos with Hard
//! Negative Mining"): momentum contrast of frames close in time. Negatives of a query are three frames of its own clip far away and one
//! key made of those of other clips; the curriculum begins without far frames and lets them come closer.

use super::moco::{GROUPS, MocoOutputs, MocoRecipe, has_groups};
use super::{Batch, Extra, Keys, Method, Moco, Objective, Setup, Views};
use crate::Error;
use crate::loss::{far_nce, unit_rows};
use crate::model::projected::Projected;
use crate::outputs;
use crate::settings::{Fraction, MOMENTUM, OwnGroup, QueueLength, Temperature, TrainRecipe, views};
use burn::tensor::{Device, Tensor};
use hico_data::view::{self, ViewRecipe, ViewSource};
use hico_model::weights::NamedTensor;
use hico_model::{Mode, Pass};
use serde::{Deserialize, Serialize};

/// UCL (Basu et al. 2022).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UclRecipe {
    /// Temperature of InfoNCE.
    pub temperature: Temperature,
    /// Momentum of the teacher.
    pub momentum: Fraction,
    /// Earlier keys, of which one negative is made.
    pub negatives: QueueLength,
}

impl Default for UclRecipe {
    fn default() -> Self {
        Self { temperature: Temperature::known(0.07), momentum: MOMENTUM, negatives: QueueLength::known(32) }
    }
}

impl Keys for UclRecipe {}

/// UCL: the teacher and the earlier keys of [`Moco`], and another loss.
#[derive(Debug)]
pub struct Ucl(Moco);

/// What the loss reads of the views of a clip.
#[derive(Debug, Clone)]
pub struct UclOutputs {
    /// Query and key, as MoCo has them.
    pub pair: MocoOutputs,
    /// The student's projections of the far frames, `[clips, 128]` each.
    pub far: Vec<Tensor<2>>,
}

outputs!(UclOutputs { pair, far });

/// Far frames of a clip.
const FAR: u64 = 3;

/// Parts of a run from which far frames are drawn, and the shares of the clip's length that they are away: epochs 10, 30 and 50
/// of 60 in the released code.
const CURRICULUM: [(f64, [f64; 2]); 3] = [(1.0 / 6.0, [0.2, 0.4]), (0.5, [0.1, 0.15]), (5.0 / 6.0, [0.03, 0.07])];

/// Shares of a clip's length that far frames are away, by the share of the run that has passed; none at first.
fn away(passed: f64) -> Option<[f64; 2]> {
    CURRICULUM.into_iter().rev().find(|(begins, _)| passed >= *begins).map(|(_, away)| away)
}

impl Method for Ucl {
    const NAME: &'static str = "ucl";
    const ABOUT: &'static str = "Momentum contrast whose hard negatives are far frames of the clip (Basu et al. 2022)";
    const VIEW_KEYS: &'static [&'static str] = views::NEAR;

    type Keys = UclRecipe;
    type Network = Projected;
    type Outputs = UclOutputs;

    fn view() -> ViewRecipe {
        views::three_frames()
    }

    fn losses_compare(_keys: &UclRecipe) -> bool {
        false
    }

    fn images_a_clip(_keys: &UclRecipe) -> usize {
        5
    }

    /// Query, key, and the frames far away; where there are none, the query again with weight 0.
    fn draw(_keys: &UclRecipe, source: &ViewSource<'_>, train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        let away = away(source.epoch() as f64 / train.epochs.get() as f64);
        let view::WithFar { pair, far } = source.with_far(FAR, away)?;
        let weight = if far.is_some() { 1.0 } else { 0.0 };
        let view::Pair { a, b, .. } = pair;
        let far = far.unwrap_or_else(|| vec![a.clone(); FAR as usize]);
        Ok(Views { images: [a, b].into_iter().chain(far).collect(), extra: Extra::Weight(weight) })
    }

    fn new(keys: &UclRecipe, setup: &Setup<'_>) -> (Self, Projected) {
        let UclRecipe { temperature, momentum, negatives: queue } = *keys;
        let keys = MocoRecipe { temperature, momentum, queue, own_group: OwnGroup::Hidden };
        let (moco, network) = Moco::new(&keys, setup);
        (Self(moco), network)
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        let (pair, far) = views.split_at(2);
        let pair = self.0.outputs(network, pair, pass);
        UclOutputs { pair, far: network.views(far, pass).into_iter().map(|seen| seen.projection).collect() }
    }

    fn objective(&mut self, outputs: Self::Outputs, batch: &Batch, mode: Mode) -> Objective {
        let UclOutputs { pair: MocoOutputs { query, key }, far } = outputs;
        let key = unit_rows(key.detach());
        let (queue, temperature) = (self.0.queue(&batch.groups), self.0.temperature());
        let total = far_nce(query.clone(), key.clone(), far, &batch.weights(), &queue, temperature);
        if mode == Mode::Train {
            self.0.remember(&key, &batch.groups);
        }
        Objective { terms: vec![("contrast", total.clone())], total, embeddings: vec![query, key] }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }

    fn on_init_weights(&mut self, network: &Projected) {
        self.0.on_init_weights(network);
    }

    fn after_step(&mut self, network: &Projected, step: u64) {
        self.0.after_step(network, step);
    }

    fn state(&self) -> Vec<NamedTensor> {
        self.0.state()
    }

    fn restore(&mut self, state: &[NamedTensor], device: &Device) -> Result<(), Error> {
        // Checkpoints of versions that computed another loss have no groups.
        if !has_groups(state) {
            return Err(hico_model::Error::NoTensor { name: GROUPS.to_owned() }.into());
        }
        self.0.restore(state, device)
    }
}

#[cfg(test)]
mod tests {
    use super::away;

    #[test]
    fn far_frames_come_after_a_sixth_of_a_run_and_come_closer() {
        let by_epoch = |epoch: u32| away(f64::from(epoch) / 60.0);
        assert_eq!([0, 9].map(by_epoch), [None; 2]);
        assert_eq!([10, 29].map(by_epoch), [Some([0.2, 0.4]); 2]);
        assert_eq!([30, 49].map(by_epoch), [Some([0.1, 0.15]); 2]);
        assert_eq!([50, 60].map(by_epoch), [Some([0.03, 0.07]); 2]);
    }
}
