//! Latent prediction on a residual network, after data2vec (Baevski et al. 2022, "data2vec: A General Framework for
//! Self-supervised Learning in Speech, Vision and Language") and I-JEPA (Assran et al. 2023, "Self-Supervised Learning from
//! Images with a Joint-Embedding Predictive Architecture"), which are made for transformers: a student sees a picture with
//! blocks hidden, and predicts for every hidden place what a momentum (EMA) teacher makes of it in the whole picture, at
//! three stages of the backbone.

use super::teacher::{Taught, Teacher};
use super::{Batch, Extra, Keys, Method, Objective, Setup, Views};
use crate::Error;
use crate::loss::latent_prediction;
use crate::model::projected::{Mlp, MlpDims, PlainEncoder};
use crate::outputs;
use crate::settings::{Fraction, MOMENTUM, MaskRatio, TrainRecipe};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use hico_data::view::ViewSource;
use hico_model::init::Init;
use hico_model::layers::average;
use hico_model::weights::NamedTensor;
use hico_model::{BackboneName, BackboneNetwork, Mode, Pass, Stages};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

/// Latent prediction, after Baevski et al. (2022) and Assran et al. (2023).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatentRecipe {
    /// Momentum of the teacher.
    pub momentum: Fraction,
    /// Share of a picture that is hidden from the student.
    pub mask_ratio: MaskRatio,
}

impl Default for LatentRecipe {
    fn default() -> Self {
        Self { momentum: MOMENTUM, mask_ratio: MaskRatio::known(0.6) }
    }
}

impl Keys for LatentRecipe {}

/// Cells of a picture's side: a cell is hidden or not.
const GRID: usize = 8;

/// Sides of a hidden block, in cells.
const BLOCK: std::ops::RangeInclusive<usize> = 2..=4;

/// Numbers that a predictor's hidden layer has; it is normalised, as BYOL's.
const HIDDEN: usize = 512;

/// Backbone, and for C3, C4 and C5 what predicts a place of the teacher's map.
#[derive(Module, Debug)]
pub struct LatentNetwork {
    /// What is kept after pretraining.
    pub encoder: PlainEncoder,
    predictors: Vec<Mlp>,
}

impl LatentNetwork {
    fn new(init: &Init<'_>, depth: BackboneName) -> Self {
        let [_, predicted @ ..] = depth.channels();
        let predictor = |(level, channels): (usize, usize)| {
            let widths = MlpDims { hidden: HIDDEN, output: channels, normalised: true };
            Mlp::new(&init.at("predictors").at(&level.to_string()), channels, widths)
        };
        Self {
            encoder: PlainEncoder { backbone: BackboneNetwork::new(&init.at("encoder").at("backbone"), depth) },
            predictors: predicted.into_iter().enumerate().map(predictor).collect(),
        }
    }
}

impl Taught for LatentNetwork {
    type Teacher = Self;

    fn as_teacher(&self) -> Self {
        Self { predictors: Vec::new(), ..self.valid() }
    }
}

/// What the loss reads of a picture; of a map every place of a clip in a row, `[clips, places * channels]`.
#[derive(Debug, Clone)]
pub struct LatentOutputs {
    /// The teacher's C3, C4 and C5 of the whole picture.
    pub targets: [Tensor<2>; 3],
    /// The teacher's averaged C5, `[clips, features]`.
    pub of_teacher: Tensor<2>,
    /// What the student predicts of the targets behind the hidden blocks.
    pub predictions: [Tensor<2>; 3],
    /// The student's averaged C5, `[clips, features]`.
    pub of_student: Tensor<2>,
}

outputs!(LatentOutputs { targets, of_teacher, predictions, of_student });

/// Latent prediction, with its teacher.
#[derive(Debug)]
pub struct Latent {
    teacher: Teacher<LatentNetwork>,
    /// Channels of C3, C4 and C5.
    channels: [usize; 3],
}

/// Hides blocks of cells until at least a share of them is hidden, and never all; `GRID * GRID` of them, row by row.
fn mask(share: f64, rng: &mut impl rand::Rng) -> Vec<bool> {
    let mut hidden = vec![false; GRID * GRID];
    let count = |hidden: &[bool]| hidden.iter().filter(|hidden| **hidden).count();
    while (count(&hidden) as f64) < share * hidden.len() as f64 {
        let [height, width] = [(); 2].map(|()| rng.random_range(BLOCK));
        let [top, left] = [height, width].map(|cells| rng.random_range(0..=GRID - cells));
        let mut with_block = hidden.clone();
        for row in top..top + height {
            with_block[row * GRID + left..row * GRID + left + width].fill(true);
        }
        if count(&with_block) < hidden.len() {
            hidden = with_block;
        }
    }
    hidden
}

/// The cell of [`GRID`] that a place of a map or picture lies in, of `count` places in a row: that of its middle.
const fn cell(place: usize, count: usize) -> usize {
    (2 * place + 1) * GRID / (2 * count)
}

/// Whether the places of a square map are hidden, row by row: where more than half of the cells below a place are, and of maps
/// that are finer than the grid where its cell is.
fn of_map(mask: &[bool], side: usize) -> Vec<bool> {
    let below = |place: usize| {
        if side < GRID {
            place * GRID / side..((place + 1) * GRID).div_ceil(side)
        } else {
            cell(place, side)..cell(place, side) + 1
        }
    };
    let is_hidden = |place: usize| {
        let (rows, columns) = (below(place / side), below(place % side));
        let cells = || rows.clone().flat_map(|row| columns.clone().map(move |column| row * GRID + column));
        2 * cells().filter(|cell| mask[*cell]).count() > cells().count()
    };
    (0..side * side).map(is_hidden).collect()
}

/// Returns which places of a clip's map are hidden.
fn of_clip(extra: &Extra, side: usize) -> Vec<bool> {
    match extra {
        Extra::Hidden(mask) => of_map(mask, side),
        Extra::Nothing | Extra::Weight(_) | Extra::Places(_) => vec![false; side * side],
    }
}

/// Gives hidden pixels the mean of the picture, so that a block is no signal by itself.
fn hide(image: &[f32], mask: &[bool]) -> Vec<f32> {
    let mean = image.iter().sum::<f32>() / image.len().max(1) as f32;
    let side = (image.len() / 3).isqrt();
    let is_hidden = |at: usize| {
        let [row, column] = [at / side % side, at % side].map(|place| cell(place, side));
        mask[row * GRID + column]
    };
    image.iter().enumerate().map(|(at, value)| if is_hidden(at) { mean } else { *value }).collect()
}

/// Places of a map one below the other: `[batch, channels, side, side]` to `[batch * side * side, channels]`.
fn places(map: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = map.dims();
    map.permute([0, 2, 3, 1]).reshape([batch * height * width, channels])
}

/// The maps that are predicted.
fn predicted(Stages { c3, c4, c5, .. }: Stages) -> [Tensor<4>; 3] {
    [c3, c4, c5]
}

impl Method for Latent {
    const NAME: &'static str = "latent";
    const ABOUT: &'static str = "A momentum (EMA) teacher's features behind hidden blocks (after Assran et al. 2023)";
    const VIEW_KEYS: &'static [&'static str] = &[];

    type Keys = LatentRecipe;
    type Network = LatentNetwork;
    type Outputs = LatentOutputs;

    fn losses_compare(_keys: &LatentRecipe) -> bool {
        false
    }

    /// The whole picture, and the same with blocks hidden.
    fn draw(keys: &LatentRecipe, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        let whole = source.single()?;
        let mask = mask(keys.mask_ratio.get(), &mut source.stream("mask"));
        let hidden = hide(&whole, &mask);
        Ok(Views { images: vec![whole, hidden], extra: Extra::Hidden(mask) })
    }

    fn new(keys: &LatentRecipe, setup: &Setup<'_>) -> (Self, LatentNetwork) {
        let backbone = setup.model.backbone;
        let network = LatentNetwork::new(&setup.init, backbone);
        let [_, channels @ ..] = backbone.channels();
        (Self { teacher: Teacher::of(&network, keys.momentum.get()), channels }, network)
    }

    fn outputs<'n>(&self, network: &'n LatentNetwork, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        let [batch, ..] = views[0].dims();
        let in_rows = |places: Tensor<2>| {
            let [count, channels] = places.dims();
            places.reshape([batch, count / batch * channels])
        };
        // A copy: what its batch norms learn is forgotten.
        let teacher = self.teacher.network().clone();
        let whole = views[0].clone().without_autodiff();
        let taught = Pass::keeping(pass.mode()).backbone(&teacher.encoder.backbone, &[whole]);
        let seen = pass.backbone(&network.encoder.backbone, &views[1..]);
        let [of_teacher, of_student] = [&taught, &seen].map(|stages| average(stages.c5.clone()));
        let mut heads = network.predictors.iter();
        let predicted_by_its_head = |map| match heads.next() {
            Some(head) => in_rows(head.forward(places(map), pass.mode())),
            None => in_rows(places(map)),
        };
        LatentOutputs {
            targets: predicted(taught).map(|map| in_rows(places(map))),
            of_teacher,
            predictions: predicted(seen).map(predicted_by_its_head),
            of_student,
        }
    }

    fn objective(&mut self, outputs: Self::Outputs, batch: &Batch, _mode: Mode) -> Objective {
        let of_level = |level: usize| {
            let [target, predicted] = [&outputs.targets[level], &outputs.predictions[level]];
            let [clips, numbers] = predicted.dims();
            let count = numbers / self.channels[level];
            let hidden: Vec<bool> = batch.extras.iter().flat_map(|extra| of_clip(extra, count.isqrt())).collect();
            let [target, predicted] = [target.clone().detach(), predicted.clone()]
                .map(|rows| rows.reshape([clips * count, self.channels[level]]));
            latent_prediction(predicted, target, &hidden)
        };
        let [c3, c4, c5] = [0, 1, 2].map(of_level);
        let total = (c3.clone() + c4.clone() + c5.clone()) / 3.0;
        let terms = vec![("stage_3", c3), ("stage_4", c4), ("stage_5", c5)];
        Objective { terms, total, embeddings: vec![outputs.of_student, outputs.of_teacher] }
    }

    fn features(&self, network: &LatentNetwork, images: Tensor<4>) -> Tensor<2> {
        average(network.encoder.backbone.forward(images, Mode::Eval).c5)
    }

    fn on_init_weights(&mut self, network: &LatentNetwork) {
        self.teacher.on_init_weights(network);
    }

    fn after_step(&mut self, network: &LatentNetwork, _step: u64) {
        self.teacher.follow(network);
    }

    fn state(&self) -> Vec<NamedTensor> {
        self.teacher.state()
    }

    fn restore(&mut self, state: &[NamedTensor], _device: &Device) -> Result<(), Error> {
        self.teacher.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::Seed;

    #[test]
    fn blocks_hide_the_share_that_is_asked_for_and_little_more() {
        let mut rng = Seed(1).stream("mask", &[]);
        for share in [0.1, 0.6, 0.9] {
            for _ in 0..50 {
                let hidden = mask(share, &mut rng).iter().filter(|hidden| **hidden).count() as f64 / 64.0;
                assert!(hidden >= share && hidden < (share + 0.25).min(1.0), "{share}: {hidden}");
            }
        }
    }

    #[test]
    fn a_place_of_a_map_is_hidden_where_most_of_the_picture_below_it_is() {
        // The left half.
        let left: Vec<bool> = (0..64).map(|at| at % GRID < 4).collect();
        assert_eq!(of_map(&left, 2), [true, false, true, false]);
        for side in [4, 8, 14, 28] {
            let expected: Vec<bool> = (0..side * side).map(|at| at % side < side / 2).collect();
            assert_eq!(of_map(&left, side), expected, "{side}");
        }
        // Of a place in the middle just half is hidden.
        assert_eq!(of_map(&left, 1), [false]);
        let image: Vec<f32> = (0..3 * 64 * 64).map(|at| (at % 3) as f32).collect();
        let hidden = hide(&image, &left);
        for (at, value) in hidden.iter().enumerate() {
            assert_eq!(*value, if at % 64 < 32 { 1.0 } else { image[at] });
        }
    }
}
