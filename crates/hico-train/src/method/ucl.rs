//! UCL (Basu et al. 2022, "Unsupervised Contrastive Learning of Image Representations from Ultrasound Videos with Hard
//! Negative Mining"): momentum contrast of frames close in time. Negatives of a query are three frames of its own clip far away and one
//! key made of those of other clips; the curriculum begins without far frames and lets them come closer.

use super::moco::{GROUPS, MocoOutputs, has_groups};
use super::{Batch, Draw, Extra, Method, Moco, Objective, Sizes, Views};
use crate::Error;
use crate::loss::{far_nce, unit_rows};
use crate::model::projected::Projected;
use crate::outputs;
use crate::recipe::{MocoRecipe, OwnGroup, Recipe, UclRecipe};
use burn::tensor::{Device, Tensor};
use hico_data::{Seed, view};
use hico_model::weights::NamedTensor;
use hico_model::{Mode, Pass};

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
    type Recipe = UclRecipe;
    type Network = Projected;
    type Outputs = UclOutputs;

    /// Query, key, and the frames far away; where there are none, the query again with weight 0.
    const DRAW: Draw = |source, recipe| {
        let away = away(source.epoch() as f64 / recipe.train().epochs.get() as f64);
        let view::WithFar { pair, far } = source.with_far(FAR, away)?;
        let weight = if far.is_some() { 1.0 } else { 0.0 };
        let view::Pair { a, b, .. } = pair;
        let far = far.unwrap_or_else(|| vec![a.clone(); FAR as usize]);
        Ok(Views { images: [a, b].into_iter().chain(far).collect(), extra: Extra::Weight(weight) })
    };

    fn new(own: &UclRecipe, recipe: &Recipe, sizes: Sizes, device: &Device, seed: Seed) -> (Self, Projected) {
        let UclRecipe { temperature, momentum, negatives: queue } = *own;
        let own = MocoRecipe { temperature, momentum, queue, own_group: OwnGroup::Hidden };
        let (moco, network) = Moco::new(&own, recipe, sizes, device, seed);
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

    fn begins_with(&mut self, network: &Projected) {
        self.0.begins_with(network);
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
