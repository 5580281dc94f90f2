//! BYOL (Grill et al. 2020, "Bootstrap Your Own Latent"): one view's projection predicts what a momentum (EMA) teacher
//! makes of the other; there are no negatives. SimSiam (Chen and He 2021) is the same with the network as its own teacher.

use super::teacher::Teacher;
use super::{Batch, Keys, Method, Objective, Setup, Views};
use crate::Error;
use crate::loss::negative_cosine;
use crate::model::projected::{MlpDims, Projected};
use crate::outputs;
use crate::settings::{Fraction, MOMENTUM, TrainRecipe, views};
use burn::tensor::{Device, Tensor};
use hico_data::view::ViewSource;
use hico_model::weights::NamedTensor;
use hico_model::{Mode, Pass};
use serde::{Deserialize, Serialize};

/// BYOL (Grill et al. 2020).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ByolRecipe {
    /// Momentum of the teacher.
    pub momentum: Fraction,
}

impl Default for ByolRecipe {
    fn default() -> Self {
        Self { momentum: MOMENTUM }
    }
}

impl Keys for ByolRecipe {}

/// The paper's have hidden vectors of 4096 on ResNet-50's 2048 features; the same proportion.
const PROJECTOR: MlpDims = MlpDims { hidden: 1024, output: 256, normalised: true };

/// What the loss reads of a view.
#[derive(Debug, Clone)]
pub struct ByolOutputs {
    /// Prediction of the teacher's projection of the other view, `[clips, 256]`.
    pub predicted: Tensor<2>,
    /// The teacher's projection of this view, `[clips, 256]`.
    pub taught: Tensor<2>,
}

outputs!(ByolOutputs { predicted, taught });

/// BYOL, with its teacher.
#[derive(Debug)]
pub struct Byol {
    teacher: Teacher<Projected>,
}

impl Method for Byol {
    const NAME: &'static str = "byol";
    const ABOUT: &'static str = "A momentum (EMA) teacher, no negatives (Grill et al. 2020)";
    const VIEW_KEYS: &'static [&'static str] = views::PAIRED;

    type Keys = ByolRecipe;
    type Network = Projected;
    type Outputs = [ByolOutputs; 2];

    fn losses_compare(_keys: &ByolRecipe) -> bool {
        false
    }

    fn draw(_keys: &ByolRecipe, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        source.twice().map(Into::into)
    }

    fn new(keys: &ByolRecipe, setup: &Setup<'_>) -> (Self, Projected) {
        let network =
            Projected::new(&setup.init, setup.model.backbone, PROJECTOR).with_predictor(&setup.init, PROJECTOR);
        (Self { teacher: Teacher::of(&network, keys.momentum.get()) }, network)
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        let taught = self.teacher.pair(views, pass.mode());
        let predicted = network.pair(views, pass).map(|seen| network.predicted(seen.projection, pass.mode()));
        let [of_first, of_second] = predicted;
        let [first, second] = taught;
        [ByolOutputs { predicted: of_first, taught: first }, ByolOutputs { predicted: of_second, taught: second }]
    }

    fn objective(&mut self, outputs: Self::Outputs, _batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = &outputs;
        let one_way =
            |from: &ByolOutputs, to: &ByolOutputs| negative_cosine(from.predicted.clone(), to.taught.clone().detach());
        // Equation 2 is the squared distance of unit vectors: 2 minus twice their cosine, each way.
        let total = (one_way(first, second) + one_way(second, first)) * 2.0 + 4.0;
        let embeddings = outputs.map(|view| view.predicted).to_vec();
        Objective { terms: vec![("prediction", total.clone())], total, embeddings }
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
        self.teacher.state()
    }

    fn restore(&mut self, state: &[NamedTensor], _device: &Device) -> Result<(), Error> {
        self.teacher.restore(state)
    }
}
