//! Barlow Twins (Zbontar et al. 2021, "Barlow Twins: Self-Supervised Learning via Redundancy Reduction"): the features of two
//! views of a frame correlate each with itself and with no other.

use burn::tensor::Tensor;
use hico::data;
use hico::data::view::ViewSource;
use hico::model::{Mode, Pass};
use hico::train::method::{Batch, Keys, Method, Objective, Setup, Views};
use hico::train::model::projected::{MlpDims, Projected};
use hico::train::settings::{NonNegative, TrainRecipe, Width, views};
use serde::{Deserialize, Serialize};

/// Its keys below `[method]`, each in its range.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BarlowTwinsKeys {
    /// Weight of what features have in common with each other (lambda of the paper).
    pub off_diagonal_weight: NonNegative,
    /// Features that are compared.
    pub width: Width,
}

impl Default for BarlowTwinsKeys {
    fn default() -> Self {
        let known = "a number in its range";
        Self { off_diagonal_weight: NonNegative::new(0.005).expect(known), width: Width::new(128).expect(known) }
    }
}

impl Keys for BarlowTwinsKeys {}

/// Barlow Twins; it remembers nothing besides its network.
#[derive(Debug)]
pub struct BarlowTwins {
    off_diagonal_weight: f64,
}

impl Method for BarlowTwins {
    const NAME: &'static str = "barlow-twins";
    const ABOUT: &'static str = "Features of two views correlate with themselves only (Zbontar et al. 2021)";
    const VIEW_KEYS: &'static [&'static str] = views::PAIRED;

    type Keys = BarlowTwinsKeys;
    type Network = Projected;
    type Outputs = [Tensor<2>; 2];

    fn draw(_keys: &BarlowTwinsKeys, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, data::Error> {
        source.twice().map(Into::into)
    }

    fn new(keys: &BarlowTwinsKeys, setup: &Setup<'_>) -> (Self, Projected) {
        let projector = MlpDims { hidden: 512, output: keys.width.get(), normalised: true };
        let network = Projected::new(&setup.init, setup.model.backbone, projector);
        (Self { off_diagonal_weight: keys.off_diagonal_weight.get() }, network)
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> [Tensor<2>; 2] {
        network.pair(views, pass).map(|seen| seen.projection)
    }

    fn objective(&mut self, outputs: [Tensor<2>; 2], _batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = outputs.clone().map(standardised); // [clips, width]
        let [clips, width] = first.dims();
        let correlation = first.transpose().matmul(second) / clips as f64; // [width, width]
        let diagonal = Tensor::<2>::eye(width, &correlation.device());
        let on = ((correlation.clone() - 1.0) * diagonal.clone()).powi_scalar(2).sum();
        let off = (correlation * (diagonal * -1.0 + 1.0)).powi_scalar(2).sum();
        let total = on.clone() + off.clone() * self.off_diagonal_weight;
        Objective { total, terms: vec![("on_diagonal", on), ("off_diagonal", off)], embeddings: outputs.to_vec() }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }
}

/// Columns of mean 0 and variance 1 over the batch.
fn standardised(rows: Tensor<2>) -> Tensor<2> {
    let centred = rows.clone() - rows.mean_dim(0);
    let variance = centred.clone().powi_scalar(2).mean_dim(0);
    centred / (variance + 1e-5).sqrt()
}
