//! HiCo (Zhang et al. 2022): pairs at three levels, pairs across them, and softened labels.

use super::teacher::Teacher;
use super::{Batch, Draw, Extra, Method, Objective, Rows, Sizes, Views};
use crate::Error;
use crate::loss::{HicoLoss, cross_prediction, dense, hico_loss, label_loss};
use crate::model::{DENSE_CELLS, HicoModel, Outputs};
use crate::recipe::{HicoRecipe, MethodRecipe, Recipe, Supervision};
use burn::tensor::{Device, Tensor};
use hico_data::Seed;
use hico_data::view::Place;
use hico_model::init::Init;
use hico_model::layers::average;
use hico_model::weights::NamedTensor;
use hico_model::{FeatureSet, Mode, Pass};

/// HiCo; it remembers nothing besides its network, but for a teacher where it has one.
#[derive(Debug)]
pub struct Hico {
    recipe: HicoRecipe,
    teacher: Option<Teacher<HicoModel>>,
}

/// The next of a view's rows, which [`Hico::outputs`] has put there.
#[expect(clippy::expect_used, reason = "a method reads what it gave")]
fn next(rows: &mut impl Iterator<Item = Tensor<2>>) -> Tensor<2> {
    rows.next().expect("as many rows as were given")
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
        dense(cells(first), cells(second), &places, self.recipe.dense_temperature.get())
    }
}

impl Method for Hico {
    type Recipe = HicoRecipe;
    type Network = HicoModel;

    /// Two views, and the small crops that the local level reads, where it does; where pairs of places are learnt from, with the places
    /// of both views in their frames.
    const DRAW: Draw = |source, recipe| {
        let mut views: Views = source.pair()?.into();
        let MethodRecipe::Hico(own) = recipe.method() else { return Ok(views) };
        if own.has_local_crops() {
            views.images.extend(source.small_crops()?);
        }
        if own.has_dense_pairs() {
            views.extra = Extra::Places(source.places());
        }
        Ok(views)
    };

    fn new(own: &HicoRecipe, recipe: &Recipe, sizes: Sizes, device: &Device, seed: Seed) -> (Self, HicoModel) {
        let init = Init::new(device, seed).in_precision(recipe.train().precision.into());
        let network = HicoModel::new(recipe.model().depth, own, recipe.view().side, sizes.classes.max(1), &init);
        let teacher = own.has_teacher().then(|| Teacher::of(&network, own.momentum.get()));
        (Self { recipe: *own, teacher }, network)
    }

    fn outputs<'n>(&self, network: &'n HicoModel, views: &[Tensor<4>], pass: &Pass<'n>) -> Vec<Rows> {
        if self.recipe.supervision == Supervision::Full {
            // Labels alone do not train the projectors: what they tell apart is the pooled features.
            let [clips, ..] = views[0].dims();
            let pooled = average(pass.backbone(&network.encoder.backbone, views).c5);
            let of_view = |view: usize| pooled.clone().narrow(0, view * clips, clips);
            let rows = |pooled: Tensor<2>| vec![network.soft.forward(pooled.clone()), pooled];
            return (0..views.len()).map(|view| rows(of_view(view))).collect();
        }
        let (pair, small) = views.split_at(2);
        let both = network.views(&[0, 1].map(|view: usize| pair[view].clone()), small, pass);
        let taught = self.taught(pair, pass.mode());
        let rows = |(view, outputs): (usize, Outputs)| {
            let Outputs { local, medium, global, dense, predicted, logits, pooled } = outputs;
            let rows = [logits, pooled, local, medium, global].into_iter().chain(predicted.into_iter().flatten());
            rows.chain(taught.get(view).cloned()).chain(dense).collect()
        };
        both.into_iter().enumerate().map(rows).collect()
    }

    fn objective(&mut self, outputs: Vec<Rows>, batch: &Batch, _mode: Mode) -> Objective {
        let [first, second] = [0, 1].map(|view: usize| &outputs[view]);
        if self.recipe.supervision == Supervision::Full {
            let loss = label_loss(&first[0], &second[0], &batch.labels, &self.recipe);
            let embeddings = vec![first[1].clone(), second[1].clone()];
            return Objective { total: loss.total, terms: loss.terms, embeddings };
        }
        let mut taught = Vec::new();
        let [first, second] = [first, second].map(|rows| {
            let mut rows = rows.iter().cloned();
            let [logits, pooled, local, medium, global] = std::array::from_fn(|_| next(&mut rows));
            let predicted = self.teacher.as_ref().map(|_| std::array::from_fn(|_| next(&mut rows)));
            taught.extend(self.teacher.as_ref().map(|_| next(&mut rows)));
            Outputs { local, medium, global, dense: rows.next(), predicted, logits, pooled }
        });
        let HicoLoss { mut total, mut terms } = hico_loss(&first, &second, &batch.labels, &self.recipe);
        if let [Some(first), Some(second)] = [&first.dense, &second.dense] {
            let term = self.dense(first, second, batch);
            total = total + term.clone() * self.recipe.dense_weight.get();
            terms.push(("dense", term));
        }
        if let ([Some(of_first), Some(of_second)], [first, second]) =
            ([&first.predicted, &second.predicted], taught.as_slice())
        {
            let term = cross_prediction([of_first, of_second], [first, second]);
            total = total + term.clone() * self.recipe.teacher_weight.get();
            terms.push(("teacher", term));
        }
        Objective { total, terms, embeddings: vec![first.global, second.global] }
    }

    fn features(&self, network: &HicoModel, images: Tensor<4>) -> Tensor<2> {
        network.encoder.features(images, FeatureSet::C5, Mode::Eval)
    }

    fn begins_with(&mut self, network: &HicoModel) {
        if let Some(teacher) = &mut self.teacher {
            teacher.begins_with(network);
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
