//! The whole network that HiCo trains (Zhang et al. 2022, figure 2).

use super::head::{EMBEDDING, Projector, SoftHead};
use super::projected::{Mlp, MlpDims};
use crate::settings::{self, HicoRecipe, MediumFrom};
use burn::module::Module;
use burn::tensor::Tensor;
use hico_model::init::Init;
use hico_model::layers::{Conv2d, average, averages};
use hico_model::{BackboneName, BackboneNetwork, CHANNELS, Encoder, FeatureSet, Mode, Pass, Stages};

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
    /// Projector of each cell of P3, where pairs of places are learnt from.
    pub dense: Option<Mlp>,
    /// What predicts a teacher's global projection from the local and the medium one, where there is a teacher.
    pub predictors: Option<Predictors>,
    #[module(skip)]
    medium_from: MediumFrom,
}

/// A predictor for each level below the global one.
#[derive(Module, Debug)]
pub struct Predictors {
    local: Mlp,
    medium: Mlp,
}

/// The part of a network that makes its global projection; its tensors have the names that they have in [`HicoModel`].
#[derive(Module, Debug)]
pub struct GlobalBranch {
    encoder: TopEncoder,
    global: Projector,
}

/// Backbone, and the one layer of the pyramid that P5 needs.
#[derive(Module, Debug)]
struct TopEncoder {
    backbone: BackboneNetwork,
    pyramid: TopOfPyramid,
}

/// The layer between C5 and P5.
#[derive(Module, Debug)]
struct TopOfPyramid {
    lateral5: Conv2d,
}

impl GlobalBranch {
    /// Computes the global projection of several views in one pass, each with batch statistics of its own.
    ///
    /// - `views`: `[batch, 3, side, side]` each
    /// - returns: `[batch, 256]` each, not normalised
    #[must_use]
    pub fn forward(&self, views: &[Tensor<4>], mode: Mode) -> Vec<Tensor<2>> {
        let [batch, ..] = views[0].dims();
        let c5 = Pass::keeping(mode).backbone(&self.encoder.backbone, views).c5;
        let all = self.global.forward(self.encoder.pyramid.lateral5.forward(c5));
        (0..views.len()).map(|view| all.clone().narrow(0, view * batch, batch)).collect()
    }
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
    /// Projection of each cell of P3, `[batch, DENSE_CELLS² * 128]`, row by row and not normalised; only where pairs of places are learnt
    /// from.
    pub dense: Option<Tensor<2>>,
    /// What the local and the medium projection say of a teacher's global one, `[batch, 256]` each; only where there is a
    /// teacher.
    pub predicted: Option<[Tensor<2>; 2]>,
    /// `[batch, classes]`, before the softmax.
    pub logits: Tensor<2>,
    /// Pooled backbone features, `[batch, features]`.
    pub pooled: Tensor<2>,
}

/// Cells along each side of the maps whose places are pairs.
pub const DENSE_CELLS: usize = 8;

/// Lengths of the projection of a cell.
const OF_CELL: MlpDims = MlpDims { hidden: 256, output: 128, normalised: false };

/// Lengths of a predictor of a projection.
const PREDICTOR: MlpDims = MlpDims { hidden: 512, output: EMBEDDING, normalised: false };

/// Projects each cell of a map.
///
/// - `map`: `[batch, channels, height, width]`
/// - returns: `[batch, DENSE_CELLS² * 128]`, cell after cell, row by row
fn of_cells(projector: &Mlp, map: Tensor<4>) -> Tensor<2> {
    let [batch, channels, ..] = map.dims();
    let columns = averages(map, DENSE_CELLS).reshape([batch, channels, DENSE_CELLS, DENSE_CELLS]); // [batch, channels, column, row]
    let cells = columns.permute([0, 3, 2, 1]).reshape([batch * DENSE_CELLS * DENSE_CELLS, channels]);
    // Nothing in it depends on the batch, so neither does what a mode would change.
    projector.forward(cells, Mode::Eval).reshape([batch, DENSE_CELLS * DENSE_CELLS * OF_CELL.output])
}

impl HicoModel {
    /// A model with random weights, the same for the same seed.
    ///
    /// - `side`: of the images, pixels; only flattened projectors depend on it
    /// - `classes`: 1 or more; without labels the classifier is there but nothing trains it
    /// - `init`: of the root, on a device `.autodiff()` to train
    #[must_use]
    pub fn new(depth: BackboneName, recipe: &HicoRecipe, side: usize, classes: usize, init: &Init<'_>) -> Self {
        let medium_level = match recipe.medium_from {
            MediumFrom::P3 => 3,
            MediumFrom::P4 => 4,
        };
        let architecture = depth.architecture();
        let sides = architecture.map_sides(side);
        let projector = |name: &str, kind, level: usize| Projector::new(&init.at(name), kind, sides[level - 2]);
        // A grid is for what is local: the global level stays one vector.
        let global = match recipe.projector {
            settings::Projector::Grid => settings::Projector::Pooled,
            kind @ (settings::Projector::Flattened | settings::Projector::Pooled) => kind,
        };
        let encoder = Encoder::new(&init.at("encoder"), depth);
        Self {
            local: projector("local", recipe.projector, 2),
            medium: projector("medium", recipe.projector, medium_level),
            global: projector("global", global, 5),
            soft: SoftHead::new(&init.at("soft"), architecture.channels()[3], classes.max(1)),
            dense: recipe.has_dense_pairs().then(|| Mlp::new(&init.at("dense"), CHANNELS, OF_CELL)),
            predictors: recipe.has_teacher().then(|| {
                let of = |level: &str| Mlp::new(&init.at("predictors").at(level), EMBEDDING, PREDICTOR);
                Predictors { local: of("local"), medium: of("medium") }
            }),
            medium_from: recipe.medium_from,
            encoder,
        }
    }

    /// Everything that the objective reads, from the backbone's maps.
    ///
    /// - `small`: maps of small crops, if the local level reads those
    #[must_use]
    pub fn heads(&self, stages: Stages, small: Option<Stages>) -> Outputs {
        let is_dense = self.dense.is_some();
        let levels = levels(&self.encoder, stages, small, self.medium_from, is_dense);
        let Levels { local, medium, global, dense, pooled } = levels;
        let (local, medium) = (self.local.forward(local), self.medium.forward(medium));
        // Nothing in a predictor depends on the batch.
        let predict = |predictors: &Predictors| {
            let Predictors { local: of_local, medium: of_medium } = predictors;
            [of_local.forward(local.clone(), Mode::Eval), of_medium.forward(medium.clone(), Mode::Eval)]
        };
        Outputs {
            dense: self.dense.as_ref().zip(dense).map(|(projector, map)| of_cells(projector, map)),
            predicted: self.predictors.as_ref().map(predict),
            local,
            medium,
            global: self.global.forward(global),
            logits: self.soft.forward(pooled.clone()),
            pooled,
        }
    }

    /// Everything that the objective reads, of several views in one pass. In training each view has batch statistics of
    /// its own, which the running ones learn in their order: the same as one [`Self::forward`] a view.
    ///
    /// - `views`: `[batch, 3, side, side]` each
    /// - `small`: nothing, or a small crop for each view, which its local level reads
    #[must_use]
    pub fn views<'n, const N: usize>(
        &'n self,
        views: &[Tensor<4>; N],
        small: &[Tensor<4>],
        pass: &Pass<'n>,
    ) -> [Outputs; N] {
        let [batch, ..] = views[0].dims();
        let stages = pass.backbone(&self.encoder.backbone, views);
        let small = (!small.is_empty()).then(|| pass.backbone(&self.encoder.backbone, small));
        let all = self.heads(stages, small);
        std::array::from_fn(|view| {
            let rows = |tensor: &Tensor<2>| tensor.clone().narrow(0, view * batch, batch);
            let Outputs { local, medium, global, dense, predicted, logits, pooled } = &all;
            Outputs {
                dense: dense.as_ref().map(rows),
                predicted: predicted.as_ref().map(|both| both.each_ref().map(rows)),
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
        self.heads(self.encoder.backbone.forward(x, mode), None)
    }

    /// Returns what makes its global projection, outside of differentiation: all that a teacher needs.
    #[must_use]
    pub fn global_branch(&self) -> GlobalBranch {
        let Self { encoder, global, .. } = self.valid();
        let pyramid = TopOfPyramid { lateral5: encoder.pyramid.lateral5() };
        GlobalBranch { encoder: TopEncoder { backbone: encoder.backbone, pyramid }, global }
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

/// The maps that HiCo reads.
#[derive(Debug, Clone)]
struct Levels {
    /// P2, `[batch, 256, height, width]`; of small crops where there are any.
    local: Tensor<4>,
    /// P3 or P4.
    medium: Tensor<4>,
    /// P5.
    global: Tensor<4>,
    /// P3 where pairs of places are learnt from.
    dense: Option<Tensor<4>>,
    /// C5 averaged over its map, `[batch, features]`.
    pooled: Tensor<2>,
}

/// The maps that HiCo reads, and no other, from those of the backbone.
///
/// - `small`: of small crops, if the local level reads those
/// - `dense`: whether pairs of places are learnt from
fn levels(encoder: &Encoder, stages: Stages, small: Option<Stages>, medium_from: MediumFrom, dense: bool) -> Levels {
    let pyramid = &encoder.pyramid;
    let pooled = average(stages.c5.clone());
    let small = small.map(|small| pyramid.p2(&pyramid.merge(small)));
    let merged = pyramid.merge(stages);
    let local = small.unwrap_or_else(|| pyramid.p2(&merged));
    let p3 = (dense || medium_from == MediumFrom::P3).then(|| pyramid.p3(&merged));
    let medium = p3.clone().filter(|_| medium_from == MediumFrom::P3);
    let medium = medium.unwrap_or_else(|| pyramid.p4(&merged));
    Levels { local, medium, global: merged.p5, dense: p3.filter(|_| dense), pooled }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{NonNegative, Projector};
    use burn::tensor::Device;
    use hico_data::Seed;

    #[test]
    fn a_map_is_halved_as_often_as_its_level_says_and_rounded_up() {
        assert_eq!(BackboneName::RESNET18.architecture().map_sides(224), [56, 28, 14, 7]);
        assert_eq!(BackboneName::RESNET18.architecture().map_sides(33), [9, 5, 3, 2]);
    }

    #[test]
    fn every_side_even_or_odd_gives_maps_of_the_stated_size() {
        let device = Device::flex();
        let recipe = HicoRecipe::default();
        let model = HicoModel::new(BackboneName::RESNET18, &recipe, 33, 3, &Init::new(&device, Seed(1)));
        for side in [32, 33, 65] {
            let maps = model.encoder.maps(Tensor::zeros([1, 3, side, side], &device), Mode::Eval);
            let found = [maps.p2, maps.p3, maps.p4, maps.p5].map(|map| map.dims());
            assert_eq!(found, BackboneName::RESNET18.architecture().map_sides(side).map(|side| [1, 256, side, side]));
        }
        let outputs = model.forward(Tensor::zeros([2, 3, 40, 40], &device), Mode::Eval);
        assert_eq!(outputs.local.dims(), [2, 256]);
        assert_eq!(outputs.logits.dims(), [2, 3]);
    }

    #[test]
    fn views_in_one_pass_are_those_of_one_pass_a_view() {
        let device = Device::flex();
        let model = |seed| {
            HicoModel::new(BackboneName::RESNET18, &HicoRecipe::default(), 33, 3, &Init::new(&device, Seed(seed)))
        };
        let (together, alone) = (model(1), model(1));
        let view = |shift: f32| {
            let values = (0..4 * 3 * 33 * 33).map(|place| (place as f32 * 0.37 + shift).sin());
            Tensor::from_data(burn::tensor::TensorData::new(values.collect::<Vec<f32>>(), [4, 3, 33, 33]), &device)
        };
        for mode in [Mode::Train, Mode::Eval] {
            let found = together.views(&[view(0.0), view(1.0)], &[], &Pass::keeping(mode));
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
    fn a_cell_of_a_map_is_projected_to_its_place_row_by_row() {
        let device = Device::flex();
        let recipe = HicoRecipe { dense_weight: NonNegative::new(1.0).unwrap(), ..HicoRecipe::default() };
        let model = HicoModel::new(BackboneName::RESNET18, &recipe, 64, 1, &Init::new(&device, Seed(1)));
        // A map of 16x16 that is lit below the cell of row 1 and column 6.
        let [channels, side] = [CHANNELS, 16];
        let lit = |at: usize| f32::from(u8::from(at / side % side / 2 == 1 && at % side / 2 == 6));
        let values: Vec<f32> = (0..channels * side * side).map(lit).collect();
        let map = Tensor::<4>::from_data(burn::tensor::TensorData::new(values, [1, channels, side, side]), &device);
        let cells: Vec<f32> = of_cells(model.dense.as_ref().unwrap(), map).into_data().iter().collect();
        let cells: Vec<&[f32]> = cells.chunks(OF_CELL.output).collect();
        assert_eq!(cells.len(), 64);
        for (at, cell) in cells.iter().enumerate() {
            assert_eq!(*cell == cells[0], at != 8 + 6, "{at}");
        }
    }

    #[test]
    fn flattened_projectors_fit_odd_maps() {
        let device = Device::flex();
        let recipe = HicoRecipe { projector: Projector::Flattened, ..HicoRecipe::default() };
        let model = HicoModel::new(BackboneName::RESNET18, &recipe, 33, 1, &Init::new(&device, Seed(1)));
        let outputs = model.forward(Tensor::zeros([1, 3, 33, 33], &device), Mode::Eval);
        assert_eq!(outputs.medium.dims(), [1, 256]);
    }

    #[test]
    fn the_published_sizes_are_ours() {
        // torchvision states 11,176,512 parameters for the convolutional part of ResNet-18, 21,284,672 for 34 and
        // 23,508,032 for 50; burn counts the running statistics too, which is 4,800, 8,512 and 26,560 channels twice.
        let device = Device::flex();
        for (depth, parameters, channels) in [
            (BackboneName::RESNET18, 11_176_512, 4_800),
            (BackboneName::RESNET34, 21_284_672, 8_512),
            (BackboneName::RESNET50, 23_508_032, 26_560),
        ] {
            let backbone = BackboneNetwork::new(&Init::new(&device, Seed(1)), depth);
            assert_eq!(backbone.num_params(), parameters + 2 * channels, "{depth:?}");
        }
    }
}
