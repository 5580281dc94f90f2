//! The whole network that HiCo trains (Zhang et al. 2022, figure 2).

use super::encoder::Encoder;
use super::head::{Projector, SoftHead};
use super::init::Init;
use super::{FeatureSet, Levels, Mode, Pass, Stages, pooled_features};
use crate::recipe::{self, Depth, HicoRecipe, MediumFrom};
use burn::module::Module;
use burn::tensor::Tensor;

/// Encoder, a projector for each level, and the classifier of the softened objective.
#[derive(Module, Debug)]
pub struct HicoModel {
    /// What is kept after pretraining.
    pub encoder: Encoder,
    /// Projector of P2.
    pub local: Projector,
    /// Projector of P3 or P4.
    pub medium: Projector,
    /// Projector of P5.
    pub global: Projector,
    /// Classifier on the pooled features.
    pub soft: SoftHead,
    #[module(skip)]
    medium_from: MediumFrom,
}

/// What the network says of a batch of images.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// Projection of P2, `[batch, 256]`, not normalised.
    pub local: Tensor<2>,
    /// Projection of P3 or P4, `[batch, 256]`, not normalised.
    pub medium: Tensor<2>,
    /// Projection of P5, `[batch, 256]`, not normalised.
    pub global: Tensor<2>,
    /// `[batch, classes]`, before the softmax.
    pub logits: Tensor<2>,
    /// Pooled backbone features, `[batch, features]`.
    pub pooled: Tensor<2>,
}

/// Side of a pyramid map of level 2 to 5 for images of `side` pixels: halved `level` times, rounded up.
#[must_use]
pub fn map_side(side: usize, level: u32) -> usize {
    side.div_ceil(1 << level)
}

impl HicoModel {
    /// A model with random weights, the same for the same seed.
    ///
    /// - `side`: of the images, pixels; only flattened projectors depend on it
    /// - `classes`: 1 or more; without labels the classifier is there but nothing trains it
    /// - `init`: of the root, on a device `.autodiff()` to train
    #[must_use]
    pub fn new(depth: Depth, recipe: &HicoRecipe, side: usize, classes: usize, init: &Init<'_>) -> Self {
        let medium_level = match recipe.medium_from {
            MediumFrom::P3 => 3,
            MediumFrom::P4 => 4,
        };
        let projector = |name: &str, kind, level| Projector::new(&init.at(name), kind, map_side(side, level));
        // A grid is for what is local: the global level stays one vector.
        let global = match recipe.projector {
            recipe::Projector::Grid => recipe::Projector::Pooled,
            kind @ (recipe::Projector::Flattened | recipe::Projector::Pooled) => kind,
        };
        let encoder = Encoder::new(&init.at("encoder"), depth);
        Self {
            local: projector("local", recipe.projector, 2),
            medium: projector("medium", recipe.projector, medium_level),
            global: projector("global", global, 5),
            soft: SoftHead::new(&init.at("soft"), pooled_features(depth), classes.max(1)),
            medium_from: recipe.medium_from,
            encoder,
        }
    }

    /// Everything that the objective reads, from the backbone's maps.
    #[must_use]
    pub fn heads(&self, stages: Stages) -> Outputs {
        let Levels { local, medium, global, pooled } = self.encoder.levels(stages, self.medium_from);
        Outputs {
            local: self.local.forward(local),
            medium: self.medium.forward(medium),
            global: self.global.forward(global),
            logits: self.soft.forward(pooled.clone()),
            pooled,
        }
    }

    /// Everything that the objective reads, of several views in one pass. In training each view has batch statistics of
    /// its own, which the running ones learn in their order: the same as one [`Self::forward`] a view.
    ///
    /// - `views`: `[batch, 3, side, side]` each
    #[must_use]
    pub fn views<'n, const N: usize>(&'n self, views: &[Tensor<4>; N], pass: &Pass<'n>) -> [Outputs; N] {
        let [batch, ..] = views[0].dims();
        let all = self.heads(pass.backbone(&self.encoder.backbone, views));
        std::array::from_fn(|view| {
            let rows = |tensor: &Tensor<2>| tensor.clone().narrow(0, view * batch, batch);
            let Outputs { local, medium, global, logits, pooled } = &all;
            Outputs {
                local: rows(local),
                medium: rows(medium),
                global: rows(global),
                logits: rows(logits),
                pooled: rows(pooled),
            }
        })
    }

    /// Everything that the objective reads, of one view: batch statistics are those of all of `x`.
    ///
    /// - `x`: `[batch, 3, side, side]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Outputs {
        self.heads(self.encoder.backbone.forward(x, mode))
    }

    /// The classes only; neither the pyramid nor the projectors are computed.
    ///
    /// - `x`: `[batch, 3, side, side]`
    /// - returns: `[batch, classes]`, before the softmax
    #[must_use]
    pub fn logits(&self, x: Tensor<4>, mode: Mode) -> Tensor<2> {
        self.soft.forward(self.encoder.features(x, FeatureSet::C5, mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Projector;
    use burn::tensor::Device;
    use hico_data::Seed;

    #[test]
    fn a_map_is_halved_as_often_as_its_level_says_and_rounded_up() {
        assert_eq!([2, 3, 4, 5].map(|level| map_side(224, level)), [56, 28, 14, 7]);
        assert_eq!([2, 3, 4, 5].map(|level| map_side(33, level)), [9, 5, 3, 2]);
    }

    #[test]
    fn every_side_even_or_odd_gives_maps_of_the_stated_size() {
        let device = Device::flex();
        let recipe = HicoRecipe::default();
        let model = HicoModel::new(Depth::R18, &recipe, 33, 3, &Init::new(&device, Seed(1)));
        for side in [32, 33, 65] {
            let maps = model.encoder.maps(Tensor::zeros([1, 3, side, side], &device), Mode::Eval);
            let found = [maps.p2, maps.p3, maps.p4, maps.p5].map(|map| map.dims());
            assert_eq!(found, [2, 3, 4, 5].map(|level| [1, 256, map_side(side, level), map_side(side, level)]));
        }
        let outputs = model.forward(Tensor::zeros([2, 3, 40, 40], &device), Mode::Eval);
        assert_eq!(outputs.local.dims(), [2, 256]);
        assert_eq!(outputs.logits.dims(), [2, 3]);
    }

    #[test]
    fn views_in_one_pass_are_those_of_one_pass_a_view() {
        let device = Device::flex();
        let model = |seed| HicoModel::new(Depth::R18, &HicoRecipe::default(), 33, 3, &Init::new(&device, Seed(seed)));
        let (together, alone) = (model(1), model(1));
        let view = |shift: f32| {
            let values = (0..4 * 3 * 33 * 33).map(|place| (place as f32 * 0.37 + shift).sin());
            Tensor::from_data(burn::tensor::TensorData::new(values.collect::<Vec<f32>>(), [4, 3, 33, 33]), &device)
        };
        for mode in [Mode::Train, Mode::Eval] {
            let found = together.views(&[view(0.0), view(1.0)], &Pass::keeping(mode));
            let expected = [0.0, 1.0].map(|shift| alone.forward(view(shift), mode));
            for (found, expected) in found.into_iter().zip(expected) {
                for (found, expected) in [(found.local, expected.local), (found.pooled, expected.pooled)] {
                    let off = (found - expected.clone()).abs().max().into_scalar::<f32>();
                    let largest = expected.abs().max().into_scalar::<f32>();
                    assert!(off <= 1e-4 * largest, "{mode:?}: {off} of {largest}");
                }
            }
        }
    }

    #[test]
    fn flattened_projectors_fit_odd_maps() {
        let device = Device::flex();
        let recipe = HicoRecipe { projector: Projector::Flattened, ..HicoRecipe::default() };
        let model = HicoModel::new(Depth::R18, &recipe, 33, 1, &Init::new(&device, Seed(1)));
        let outputs = model.forward(Tensor::zeros([1, 3, 33, 33], &device), Mode::Eval);
        assert_eq!(outputs.medium.dims(), [1, 256]);
    }

    #[test]
    fn the_published_sizes_are_ours() {
        // torchvision states 11,176,512 parameters for the convolutional part of ResNet-18, 21,284,672 for 34 and
        // 23,508,032 for 50; burn counts the running statistics too, which is 4,800, 8,512 and 26,560 channels twice.
        let device = Device::flex();
        for (depth, parameters, channels) in
            [(Depth::R18, 11_176_512, 4_800), (Depth::R34, 21_284_672, 8_512), (Depth::R50, 23_508_032, 26_560)]
        {
            let backbone = super::super::ResNet::new(&Init::new(&device, Seed(1)), depth);
            assert_eq!(backbone.num_params(), parameters + 2 * channels, "{depth:?}");
        }
    }
}
