//! USCL (Chen et al. 2021, "USCL: Pretraining Deep Ultrasound Image Diagnosis Model through Video Contrastive
//! Representation Learning"): mixed frames of one clip are a pair, and what labels there are are learnt beside.
//!
//! As in the released code the classifier reads the projection, and labels weigh on the sum of both views' cross-entropies.

use super::simclr::PROJECTOR;
use super::{Batch, Keys, Method, Objective, Setup, Views};
use crate::loss::{nt_xent, soft_cross_entropy};
use crate::model::projected::{MlpDims, Projected, Seen};
use crate::outputs;
use crate::settings::{NonNegative, SoftTarget, Supervision, Temperature, TrainRecipe, Width, views};
use burn::tensor::Tensor;
use hico_data::view::{ViewRecipe, ViewSource};
use hico_model::{Mode, Pass};
use serde::{Deserialize, Serialize};

/// USCL (Chen et al. 2021).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UsclRecipe {
    /// What the objective learns from.
    pub supervision: Supervision,
    /// Temperature of NT-Xent.
    pub temperature: Temperature,
    /// Weight of the sum of both views' cross-entropies.
    pub label_weight: NonNegative,
    /// Numbers of a projection, which the classifier reads.
    pub projection: Width,
}

impl Default for UsclRecipe {
    fn default() -> Self {
        Self {
            supervision: Supervision::default(),
            temperature: Temperature::known(0.5),
            label_weight: NonNegative::known(0.2),
            projection: Width::known(256),
        }
    }
}

impl Keys for UsclRecipe {
    fn supervision(&self) -> Option<Supervision> {
        Some(self.supervision)
    }

    fn before_there_were() -> Vec<(&'static str, toml::Value)> {
        vec![("projection", 128.into())]
    }
}

/// What the loss reads of a view.
#[derive(Debug, Clone)]
pub struct UsclOutputs {
    /// Its projection, `[clips, projection]`.
    pub projection: Tensor<2>,
    /// What the classifier makes of that, `[clips, classes]`, before the softmax.
    pub logits: Tensor<2>,
}

outputs!(UsclOutputs { projection, logits });

/// USCL; it remembers nothing besides its network.
#[derive(Debug, Clone)]
pub struct Uscl {
    keys: UsclRecipe,
}

impl Method for Uscl {
    const NAME: &'static str = "uscl";
    const ABOUT: &'static str = "Mixed frames of a clip, and labels (Chen et al. 2021)";
    const VIEW_KEYS: &'static [&'static str] = views::MIXED;

    type Keys = UsclRecipe;
    type Network = Projected;
    type Outputs = [UsclOutputs; 2];

    fn view() -> ViewRecipe {
        views::mixed()
    }

    fn draw(_keys: &UsclRecipe, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        source.pair().map(Into::into)
    }

    fn new(keys: &UsclRecipe, setup: &Setup<'_>) -> (Self, Projected) {
        let backbone = setup.model.backbone;
        let projector = MlpDims { output: keys.projection.get(), ..PROJECTOR };
        let network = Projected::new(&setup.init, backbone, projector).with_classifier(
            &setup.init,
            projector,
            setup.sizes.classes,
        );
        (Self { keys: *keys }, network)
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        network
            .pair(views, pass)
            .map(|Seen { projection, .. }| UsclOutputs { logits: network.classified(projection.clone()), projection })
    }

    fn objective(&mut self, outputs: Self::Outputs, batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = outputs;
        let embeddings = vec![first.projection.clone(), second.projection.clone()];
        let cross_entropy = |logits| soft_cross_entropy(logits, &batch.labels, 0.0, SoftTarget::OverClasses);
        let labels = cross_entropy(first.logits) + cross_entropy(second.logits);
        if self.keys.supervision == Supervision::Full {
            let labels = labels * 0.5;
            return Objective { total: labels.clone(), terms: vec![("cross_entropy", labels)], embeddings };
        }
        let contrast = nt_xent(first.projection, second.projection, self.keys.temperature.get());
        let mut terms = vec![("contrast", contrast.clone())];
        let mut total = contrast;
        if self.keys.supervision == Supervision::Semi {
            total = total + labels.clone() * self.keys.label_weight.get();
            terms.push(("cross_entropy", labels));
        }
        Objective { total, terms, embeddings }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }
}
