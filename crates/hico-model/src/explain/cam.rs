//! Grad-CAM (Selvaraju et al. 2017): the maps of a level, weighted by how much the class's score grows with each on average.

use super::Map;
use crate::classifier::Classifier;
use crate::{Mode, Stages};
use burn::module::Module as _;
use burn::tensor::Tensor;
use serde::Serialize;

/// A level of the hierarchy, by the backbone's map that a class's score is traced back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// C2, stride 4, from which the pyramid's local level is made.
    Local,
    /// C4, stride 16: the medium level.
    Medium,
    /// C5, stride 32: the global level.
    Global,
}

impl Level {
    /// Every level, fine to coarse.
    pub const ALL: [Self; 3] = [Self::Local, Self::Medium, Self::Global];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Medium => "medium",
            Self::Global => "global",
        }
    }

    /// Its map.
    const fn of(self, stages: &mut Stages) -> &mut Tensor<4> {
        match self {
            Self::Local => &mut stages.c2,
            Self::Medium => &mut stages.c4,
            Self::Global => &mut stages.c5,
        }
    }

    /// Stages of the backbone that make its map.
    const fn stages(self) -> usize {
        match self {
            Self::Local => 1,
            Self::Medium => 3,
            Self::Global => 4,
        }
    }
}

/// Where each picture speaks for a class, at every level; what speaks against it is 0.
///
/// - `classifier`: without automatic differentiation
/// - `images`: `[batch, 3, side, side]`, the same
/// - `class`: below the number of classes
/// - `levels`: which; each asked for costs its own way back
/// - returns: for each picture the maps of `levels`, not scaled
///
/// # Panics
/// Never: each level's map has a gradient, because the score is computed from it, and each picture a map.
#[must_use]
#[expect(clippy::expect_used, reason = "the score is computed from the leaf, and each picture has a map")]
pub fn grad_cam<const N: usize>(
    classifier: &Classifier,
    images: &Tensor<4>,
    class: usize,
    levels: [Level; N],
) -> Vec<[Map; N]> {
    let stages = classifier.encoder.backbone.forward(images.clone(), Mode::Eval);
    let with_gradients = classifier.clone().train();
    let of_level = |level: Level| {
        let Stages { c2, c3, c4, c5 } = stages.clone();
        let [c2, c3, c4, c5] = [c2, c3, c4, c5].map(Tensor::from_inner);
        let mut of_graph = Stages { c2, c3, c4, c5 };
        let leaf = level.of(&mut of_graph).clone().require_grad();
        let map = leaf.clone().inner();
        *level.of(&mut of_graph) = leaf.clone();
        // What the head reads of maps before this one does not depend on it.
        let logits = with_gradients.logits_of(with_gradients.encoder.backbone.behind(level.stages(), of_graph));
        // A picture's score depends on its own map alone, so the gradients of the sum are those of each.
        let mut gradients = logits.narrow(1, class, 1).sum().backward();
        let gradient = leaf.grad_remove(&mut gradients).expect("a gradient");
        weighted(map, gradient).into_iter()
    };
    let mut of_levels = levels.map(of_level);
    let [pictures, ..] = images.dims();
    (0..pictures).map(|_| of_levels.each_mut().map(|maps| maps.next().expect("a map for each picture"))).collect()
}

/// `relu(sum over channels of mean(gradient) * map)`.
///
/// - `map`, `gradient`: `[batch, channels, height, width]`
fn weighted(map: Tensor<4>, gradient: Tensor<4>) -> Vec<Map> {
    let [_, _, height, width] = map.dims();
    let weights = gradient.mean_dim(3).mean_dim(2); // [batch, channels, 1, 1]
    let sum = (map * weights).sum_dim(1).clamp_min(0.0); // [batch, 1, height, width]
    let values: Vec<f32> = sum.into_data().iter::<f32>().collect();
    values.chunks(height * width).map(|values| Map { height, width, values: values.to_vec() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::Trainable;
    use crate::init::Init;
    use crate::weights::NamedTensor;
    use crate::{BackboneName, Encoder, FeatureSet};
    use burn::tensor::{Device, TensorData};
    use hico_data::Seed;

    const SIDE: usize = 64;

    fn classifier(trainable: Trainable, features: FeatureSet) -> Classifier {
        let device = Device::flex();
        let init = Init::new(&device, Seed(1));
        Classifier::new(&init, Encoder::new(&init.at("encoder"), BackboneName::RESNET18), 3, trainable, features)
    }

    fn images() -> Tensor<4> {
        let values: Vec<f32> = (0..2 * 3 * SIDE * SIDE).map(|place| (place as f32 * 0.37).sin()).collect();
        Tensor::from_data(TensorData::new(values, [2, 3, SIDE, SIDE]), &Device::flex())
    }

    #[test]
    fn the_global_map_is_the_head_s_weights_times_c5() {
        // The head reads the mean of C5, so its gradient is the class's weight over the number of places.
        let classifier = classifier(Trainable::All, FeatureSet::C5);
        let tensors = classifier.to_tensors();
        let weight: &NamedTensor = tensors.iter().find(|tensor| tensor.name == "head.weight").unwrap();
        let (class, channels) = (1, 512);
        // As PyTorch has it, [classes, features].
        assert_eq!(weight.shape, [3, channels]);
        let row = &weight.values[class * channels..(class + 1) * channels];
        let c5 = classifier.encoder.backbone.forward(images(), Mode::Eval).c5;
        let [_, _, height, width] = c5.dims();
        let places = height * width;
        let c5: Vec<f32> = c5.into_data().iter::<f32>().collect();
        let found = grad_cam(&classifier, &images(), class, [Level::Global]);
        for (image, [global]) in found.iter().enumerate() {
            assert_eq!((global.height, global.width), (height, width));
            for place in 0..places {
                let at = |channel: usize| c5[(image * channels + channel) * places + place];
                let sum: f32 = (0..channels).map(|channel| row[channel] * at(channel)).sum::<f32>() / places as f32;
                let expected = sum.max(0.0);
                assert!((global.values[place] - expected).abs() < 1e-5 + 1e-4 * expected, "{image} {place}");
            }
        }
    }

    #[test]
    fn every_level_leads_to_the_same_score() {
        let sets = FeatureSet::ALL.map(|features| (Trainable::All, features));
        for (trainable, features) in sets.into_iter().chain([(Trainable::LastBlock, FeatureSet::C5)]) {
            let classifier = classifier(trainable, features);
            let expected = classifier.head(classifier.features(images(), false));
            let stages = classifier.encoder.backbone.forward(images(), Mode::Eval);
            for level in Level::ALL {
                let behind = classifier.encoder.backbone.behind(level.stages(), stages.clone());
                let apart = (classifier.logits_of(behind) - expected.clone()).abs().max().into_scalar::<f32>();
                assert!(apart < 1e-5, "{trainable:?} {features} {level:?} {apart}");
            }
            let [local, medium, global] = &grad_cam(&classifier, &images(), 0, Level::ALL)[1];
            assert_eq!([local.height, medium.height, global.height], [16, 4, 2]);
        }
    }
}
