//! HiCo (Zhang et al. 2022): pairs at three levels, pairs across them, and softened labels.

use super::teacher::Teacher;
use super::{Batch, Extra, Keys, Method, Objective, Setup, Unfit, Views};
use crate::Error;
use crate::loss::{HicoLoss, cross_prediction, dense, hico_loss, label_loss};
use crate::model::{self, DENSE_CELLS, HicoModel};
use crate::settings::{HicoRecipe, Projector, Supervision, TrainRecipe, views};
use burn::tensor::{Device, Tensor};
use hico_data::view::{Place, ViewRecipe, ViewSource};
use hico_model::layers::average;
use hico_model::weights::NamedTensor;
use hico_model::{FeatureSet, Mode, Pass};

impl Keys for HicoRecipe {
    fn supervision(&self) -> Option<Supervision> {
        Some(self.supervision)
    }

    /// Refuses small crops where a projector takes no other map than a whole view's, and pairs of places where a place of both views
    /// does not show the same: frames mixed out of line, far apart in time, or of two clips.
    fn check(&self, view: &ViewRecipe) -> Result<(), Unfit> {
        if self.local_crops && self.projector == Projector::Flattened {
            let expected = "false with projector = \"flattened\", which fits maps of one size only";
            return Err(Unfit { key: "local_crops", value: self.local_crops.to_string(), expected });
        }
        let in_line = view.aligned_mix || view.mixup == 0.0;
        let same_place = in_line && view.pair_within > 0.0 && view.pair_across_clips == 0.0;
        if self.dense_weight.get() > 0.0 && !same_place {
            let expected = "0, unless view.aligned_mix is true or view.mixup is 0, view.pair_within is above 0, and \
                            view.pair_across_clips is 0";
            return Err(Unfit { key: "dense_weight", value: self.dense_weight.to_string(), expected });
        }
        Ok(())
    }
}

/// HiCo; it remembers nothing besides its network, but for a teacher where it has one.
#[derive(Debug)]
pub struct Hico {
    keys: HicoRecipe,
    teacher: Option<Teacher<HicoModel>>,
}

/// What the loss reads of a view.
#[derive(Debug, Clone)]
pub enum HicoOutputs {
    /// Where labels alone teach: they do not train the projectors, and what they tell apart is the pooled features.
    Labels {
        /// `[clips, classes]`, before the softmax.
        logits: Tensor<2>,
        /// Pooled backbone features, `[clips, features]`.
        pooled: Tensor<2>,
    },
    /// Everything that the network says.
    Levels {
        /// The projections of each level, and what else is made of the maps.
        outputs: Box<model::Outputs>,
        /// The teacher's global projection, `[clips, 256]`; only where there is a teacher.
        taught: Option<Tensor<2>>,
    },
}

impl super::Outputs for HicoOutputs {
    fn each(self, change: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        match self {
            Self::Labels { logits, pooled } => Self::Labels { logits: change(logits), pooled: change(pooled) },
            Self::Levels { outputs, taught } => {
                let model::Outputs { local, medium, global, dense, predicted, logits, pooled } = *outputs;
                // Their gradients are added in this order.
                let [logits, pooled, local, medium, global] = [logits, pooled, local, medium, global].map(&mut *change);
                let predicted = predicted.each(change);
                let taught = taught.each(change);
                let outputs =
                    model::Outputs { dense: dense.each(change), local, medium, global, predicted, logits, pooled };
                Self::Levels { outputs: Box::new(outputs), taught }
            }
        }
    }
}

impl Hico {
    /// The teacher's global projection of each view, without a graph; nothing where there is no teacher.
    fn taught(&self, views: &[Tensor<4>], mode: Mode) -> Vec<Tensor<2>> {
        let Some(teacher) = &self.teacher else { return Vec::new() };
        // A copy: what its batch norms learn is forgotten.
        let network = teacher.network().clone();
        let views: Vec<Tensor<4>> = views.iter().map(|view| view.clone().without_autodiff()).collect();
        network.forward(&views, mode)
    }

    /// The softened cross-entropy alone.
    fn of_labels(&self, outputs: [HicoOutputs; 2], batch: &Batch) -> Objective {
        let of_view = |outputs| match outputs {
            HicoOutputs::Labels { logits, pooled } => (logits, pooled),
            HicoOutputs::Levels { outputs, .. } => (outputs.logits, outputs.pooled),
        };
        let [(of_first, first), (of_second, second)] = outputs.map(of_view);
        let loss = label_loss(&of_first, &of_second, &batch.labels, &self.keys);
        Objective { total: loss.total, terms: loss.terms, embeddings: vec![first, second] }
    }

    /// The pairs of places.
    fn dense(&self, first: &Tensor<2>, second: &Tensor<2>, batch: &Batch) -> Tensor<1> {
        let places = |extra: &Extra| match extra {
            Extra::Places(places) => *places,
            Extra::Nothing | Extra::Weight(_) | Extra::Hidden(_) => unreachable!("views are drawn with their places"),
        };
        let places: Vec<[Place; 2]> = batch.extras.iter().map(places).collect();
        let cells = |rows: &Tensor<2>| {
            let [clips, numbers] = rows.dims();
            let cells = DENSE_CELLS * DENSE_CELLS;
            rows.clone().reshape([clips * cells, numbers / cells])
        };
        dense(cells(first), cells(second), &places, self.keys.dense_temperature.get())
    }
}

impl Method for Hico {
    const NAME: &'static str = "hico";
    const ABOUT: &'static str = "Frames of a clip at three levels and across them, and labels (Zhang et al. 2022)";
    const VIEW_KEYS: &'static [&'static str] = views::MIXED;

    type Keys = HicoRecipe;
    type Network = HicoModel;
    type Outputs = [HicoOutputs; 2];

    fn view() -> ViewRecipe {
        views::mixed()
    }

    fn losses_compare(keys: &HicoRecipe) -> bool {
        !keys.has_teacher()
    }

    fn images_a_clip(keys: &HicoRecipe) -> usize {
        2 + usize::from(keys.has_local_crops())
    }

    /// Two views, and the small crops that the local level reads, where it does; where pairs of places are learnt from, with the places
    /// of both views in their frames.
    fn draw(keys: &HicoRecipe, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        let mut views: Views = source.pair()?.into();
        if keys.has_local_crops() {
            views.images.extend(source.small_crops()?);
        }
        if keys.has_dense_pairs() {
            views.extra = Extra::Places(source.places());
        }
        Ok(views)
    }

    fn new(keys: &HicoRecipe, setup: &Setup<'_>) -> (Self, HicoModel) {
        let network =
            HicoModel::new(setup.model.backbone, keys, setup.view.side, setup.sizes.classes.max(1), &setup.init);
        let teacher = keys.has_teacher().then(|| Teacher::of(&network, keys.momentum.get()));
        (Self { keys: *keys, teacher }, network)
    }

    fn outputs<'n>(&self, network: &'n HicoModel, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        if self.keys.supervision == Supervision::Full {
            let [clips, ..] = views[0].dims();
            let pooled = average(pass.backbone(&network.encoder.backbone, views).c5);
            return [0, 1].map(|view: usize| {
                let pooled = pooled.clone().narrow(0, view * clips, clips);
                HicoOutputs::Labels { logits: network.soft.forward(pooled.clone()), pooled }
            });
        }
        let (pair, small) = views.split_at(2);
        let both = network.views(&[0, 1].map(|view: usize| pair[view].clone()), small, pass);
        let mut taught = self.taught(pair, pass.mode()).into_iter();
        both.map(|outputs| HicoOutputs::Levels { outputs: Box::new(outputs), taught: taught.next() })
    }

    fn objective(&mut self, outputs: Self::Outputs, batch: &Batch, _mode: Mode) -> Objective {
        let ([first, second], taught) = match outputs {
            [
                HicoOutputs::Levels { outputs: first, taught: of_first },
                HicoOutputs::Levels { outputs: second, taught: of_second },
            ] => ([*first, *second], [of_first, of_second]),
            of_labels => return self.of_labels(of_labels, batch),
        };
        let HicoLoss { mut total, mut terms } = hico_loss(&first, &second, &batch.labels, &self.keys);
        if let [Some(first), Some(second)] = [&first.dense, &second.dense] {
            let term = self.dense(first, second, batch);
            total = total + term.clone() * self.keys.dense_weight.get();
            terms.push(("dense", term));
        }
        if let ([Some(of_first), Some(of_second)], [Some(first), Some(second)]) =
            ([&first.predicted, &second.predicted], &taught)
        {
            let term = cross_prediction([of_first, of_second], [first, second]);
            total = total + term.clone() * self.keys.teacher_weight.get();
            terms.push(("teacher", term));
        }
        Objective { total, terms, embeddings: vec![first.global, second.global] }
    }

    fn features(&self, network: &HicoModel, images: Tensor<4>) -> Tensor<2> {
        network.encoder.features(images, FeatureSet::C5, Mode::Eval)
    }

    fn on_init_weights(&mut self, network: &HicoModel) {
        if let Some(teacher) = &mut self.teacher {
            teacher.on_init_weights(network);
        }
    }

    fn after_step(&mut self, network: &HicoModel, _step: u64) {
        if let Some(teacher) = &mut self.teacher {
            teacher.follow(network);
        }
    }

    fn state(&self) -> Vec<NamedTensor> {
        self.teacher.as_ref().map(Teacher::state).unwrap_or_default()
    }

    fn restore(&mut self, state: &[NamedTensor], _device: &Device) -> Result<(), Error> {
        self.teacher.as_mut().map_or(Ok(()), |teacher| teacher.restore(state))
    }
}
