//! UCL (Basu et al. 2022, "Unsupervised Contrastive Learning of Image Representations from Ultrasound Videos with Hard
//! Negative Mining"): momentum contrast of frames close in time, whose hard negatives are frames of the same clip far
//! away; the curriculum begins without them and lets them come closer.
//!
//! Its loss is not the published one, which has no queue (docs/DEVIATIONS.md): figures from here are not UCL's.

use super::{Batch, Draw, Method, Moco, Objective, Rows, Views};
use crate::Error;
use crate::loss::{queue_nce_with_far, unit_rows};
use crate::model::projected::Projected;
use crate::model::weights::NamedTensor;
use crate::model::{Mode, Pass};
use crate::recipe::{Recipe, UclRecipe};
use burn::tensor::{Device, Tensor};
use hico_data::{Seed, view};

/// UCL: [`Moco`] with one more key a clip.
#[derive(Debug)]
pub struct Ucl(Moco);

/// Share of a clip's length that a hard negative is away, by the share of the run that is done: none for the first third,
/// then from three quarters down to a quarter.
fn beyond(done: f64) -> Option<f64> {
    let (begins, [far, near]) = (1.0 / 3.0, [0.75, 0.25]);
    (done >= begins).then(|| far + (near - far) * (done - begins) / (1.0 - begins))
}

impl Method for Ucl {
    type Recipe = UclRecipe;
    type Network = Projected;

    /// Query, key, and the frame far away; where there is none, another query with weight 0.
    const DRAW: Draw = |data, clip, recipe, seed, epoch| {
        let beyond = beyond(epoch as f64 / recipe.train().epochs.get() as f64);
        let view::WithFar { pair, far } = view::with_far(data, clip, recipe.view(), seed, epoch, beyond)?;
        let weight = if far.is_some() { 1.0 } else { 0.0 };
        let view::Pair { a, b, .. } = pair;
        let far = far.unwrap_or_else(|| a.clone());
        Ok(Views { images: vec![a, b, far], weight })
    };

    fn new(own: &UclRecipe, recipe: &Recipe, classes: usize, device: &Device, seed: Seed) -> (Self, Projected) {
        let (moco, network) = Moco::new(&own.0, recipe, classes, device, seed);
        (Self(moco), network)
    }

    /// Of the first view the student's query, of the others the teacher's keys.
    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Vec<Rows> {
        self.0.outputs(network, views, pass)
    }

    fn objective(&mut self, outputs: Vec<Rows>, batch: &Batch, mode: Mode) -> Objective {
        let query = outputs[0][0].clone();
        let [key, far] = [1, 2].map(|view: usize| unit_rows(outputs[view][0].clone().detach()));
        let temperature = self.0.temperature();
        let total = queue_nce_with_far(query.clone(), key.clone(), far, &batch.weights, self.0.queue(), temperature);
        if mode == Mode::Train {
            self.0.remember(&key);
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
        self.0.restore(state, device)
    }
}

#[cfg(test)]
mod tests {
    use super::beyond;

    #[test]
    fn hard_negatives_come_after_a_third_and_come_closer() {
        assert_eq!([0.0, 0.33].map(beyond), [None; 2]);
        let found = [1.0 / 3.0, 2.0 / 3.0, 1.0].map(|done| beyond(done).unwrap());
        for (found, expected) in found.into_iter().zip([0.75, 0.5, 0.25]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
    }
}
