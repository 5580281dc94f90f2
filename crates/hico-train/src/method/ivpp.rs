//! IVPP (VanBerlo et al. 2024, "Intra-Video Positive Pairs in Self-Supervised Learning for Ultrasound") in SimCLR: frames
//! close in time are a pair, and the closer they are the more it counts.

use super::simclr::PROJECTOR;
use super::{Batch, Extra, Keys, Method, Objective, Setup, Views};
use crate::loss::weighted_nt_xent;
use crate::model::projected::Projected;
use crate::settings::{Temperature, TrainRecipe, WeightUnit, views};
use burn::tensor::Tensor;
use hico_data::view::{self, ViewRecipe, ViewSource};
use hico_model::{Mode, Pass};
use serde::{Deserialize, Serialize};

/// IVPP in SimCLR (VanBerlo et al. 2024).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IvppRecipe {
    /// Temperature of NT-Xent.
    pub temperature: Temperature,
    /// Unit of the distance by which a pair is weighted.
    pub weight_unit: WeightUnit,
}

impl Default for IvppRecipe {
    fn default() -> Self {
        Self { temperature: Temperature::known(0.1), weight_unit: WeightUnit::default() }
    }
}

impl Keys for IvppRecipe {
    fn before_there_were() -> Vec<(&'static str, toml::Value)> {
        vec![("weight_unit", "seconds".into())]
    }
}

/// IVPP; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct Ivpp {
    temperature: f64,
}

/// How much a pair counts (section 3.2): 1 where its frames are one, and `1 / (most + 1)` where they are as far apart as
/// they may be. In frames, as the released code counts, weights fall much further than in seconds.
///
/// - `apart`: the distance of its frames
/// - `most`: the largest such distance; 0 means that there is none, and every pair counts as 1
fn weight(apart: f64, most: f64) -> f32 {
    // Neighbours are a pair even where their distance is more than `most`.
    if most > 0.0 { ((most - apart.min(most) + 1.0) / (most + 1.0)) as f32 } else { 1.0 }
}

impl Method for Ivpp {
    const NAME: &'static str = "ivpp";
    const ABOUT: &'static str = "Frames close in time, weighted by how close (VanBerlo et al. 2024)";
    const VIEW_KEYS: &'static [&'static str] = views::NEAR;

    type Keys = IvppRecipe;
    type Network = Projected;
    type Outputs = [Tensor<2>; 2];

    fn view() -> ViewRecipe {
        views::a_second()
    }

    fn draw(keys: &IvppRecipe, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        let view::Near { pair, seconds, fps } = source.near()?;
        let unit = match keys.weight_unit {
            WeightUnit::Seconds => 1.0,
            WeightUnit::Frames => fps,
        };
        let weight = weight(seconds * unit, source.recipe().pair_within * unit);
        Ok(Views { extra: Extra::Weight(weight), ..pair.into() })
    }

    fn new(keys: &IvppRecipe, setup: &Setup<'_>) -> (Self, Projected) {
        (Self { temperature: keys.temperature.get() }, Projected::new(&setup.init, setup.model.backbone, PROJECTOR))
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        network.pair(views, pass).map(|seen| seen.projection)
    }

    fn objective(&mut self, outputs: Self::Outputs, batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = outputs;
        let total = weighted_nt_xent(first.clone(), second.clone(), &batch.weights(), self.temperature);
        Objective { terms: vec![("contrast", total.clone())], total, embeddings: vec![first, second] }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn a_pair_counts_less_the_farther_its_frames_are_apart() {
        assert_eq!([0.0, 0.5, 1.0, 3.0].map(|seconds| weight(seconds, 1.0)), [1.0, 0.75, 0.5, 0.5]);
        assert_eq!(weight(0.5, 0.5), 1.0 / 1.5);
        assert_eq!(weight(9.0, 0.0), 1.0);
        // In frames, 25 a second: from 1/26.
        assert_eq!([0.0, 25.0].map(|frames| weight(frames, 25.0)), [1.0, 1.0 / 26.0]);
    }
}
