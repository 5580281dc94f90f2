//! The gradient of a batch, at once or with the maps of a part of it in memory.
//!
//! A contrastive loss compares every clip of a batch with every other, so a batch cannot simply be cut into smaller
//! ones. Gradient caching (Gao et al. 2021) goes through the network twice: first without a graph, part by part, for
//! what the loss reads; the loss gives the gradient there; then part by part with a graph, from that gradient to the
//! weights. The gradient is the plain one. Only batch statistics are those of a part, as they would be in the plain
//! gradient of a network that saw the parts one after the other.

use crate::method::{Batch, Method, Objective, Outputs};
use burn::module::Module;
use burn::tensor::{Gradients, Tensor};
use hico_model::{Mode, Pass, added};
use std::ops::Range;

/// What of a batch is in memory while its gradient is computed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Clips whose maps may be there at a time; `None` is all.
    pub part: Option<usize>,
    /// Whether the maps of backbones are computed again instead of kept.
    pub recompute: bool,
}

impl Memory {
    /// Evens out the parts of a batch that is shorter than the others of its run, so that no clip is left to the
    /// statistics of a part of its own: nine clips in parts of eight are five and four. The parts of full batches stay as
    /// the recipe says.
    #[must_use]
    pub fn of_short(self, clips: usize) -> Self {
        let even = |part: usize| clips.div_ceil(clips.div_ceil(part.max(1)).max(1)).max(1);
        Self { part: self.part.map(even), ..self }
    }

    /// A pass whose maps a gradient reads.
    fn pass<'n>(self) -> Pass<'n> {
        if self.recompute { Pass::recomputing(Mode::Train) } else { Pass::keeping(Mode::Train) }
    }
}

/// The loss of a batch and its gradient.
pub fn of_batch<M: Method>(
    method: &mut M,
    network: &M::Network,
    batch: &Batch,
    memory: Memory,
) -> (Objective, Gradients) {
    match memory.part.filter(|&part| part < batch.clips.len()) {
        Some(part) => cached(method, network, batch, part.max(1), memory),
        None => {
            let pass = memory.pass();
            let outputs = method.outputs(network, &batch.views, &pass);
            let objective = method.objective(outputs, batch, Mode::Train);
            let gradients = pass.gradients(&objective.total);
            (objective, gradients)
        }
    }
}

fn cached<M: Method>(
    method: &mut M,
    network: &M::Network,
    batch: &Batch,
    part: usize,
    memory: Memory,
) -> (Objective, Gradients) {
    let clips = batch.clips.len();
    let parts: Vec<Range<usize>> = (0..clips).step_by(part).map(|begin| begin..clips.min(begin + part)).collect();
    let views = |rows: &Range<usize>| -> Vec<Tensor<4>> {
        batch.views.iter().map(|view| view.clone().narrow(0, rows.start, rows.len())).collect()
    };

    // A copy: what its batch norms learn is forgotten, since the second pass learns it again.
    let forgetful = network.valid();
    let outputs = parts.iter().map(|rows| method.outputs(&forgetful, &views(rows), &Pass::keeping(Mode::Train)));
    let mut leaves = Vec::new();
    let whole = together(outputs.collect()).each(&mut |tensor| {
        let leaf = Tensor::from_inner(tensor).require_grad();
        leaves.push(leaf.clone());
        leaf
    });
    let objective = method.objective(whole, batch, Mode::Train);
    let mut at_outputs = objective.total.backward();
    let at_outputs: Vec<Option<Tensor<2>>> = leaves.iter().map(|leaf| leaf.grad_remove(&mut at_outputs)).collect();

    let mut sum: Option<Gradients> = None;
    for rows in &parts {
        let pass = memory.pass();
        let outputs = method.outputs(network, &views(rows), &pass);
        let pairs = tensors(outputs).into_iter().zip(&at_outputs);
        // What has this gradient at the outputs: their product with it.
        let product = pairs.filter_map(|(output, gradient)| {
            let gradient = gradient.clone()?.narrow(0, rows.start, rows.len());
            Some((output * Tensor::from_inner(gradient)).sum())
        });
        let Some(product) = product.reduce(|sum, product| sum + product) else { continue };
        let gradients = pass.gradients(&product);
        sum = Some(match sum {
            None => gradients,
            Some(sum) => added(network, sum, gradients),
        });
    }
    // Without any gradient at the outputs the loss does not depend on the network, and neither has a gradient.
    let gradients = sum.unwrap_or_else(|| objective.total.clone().backward());
    (objective, gradients)
}

/// Joins the outputs of the parts of a batch to those of the whole of it.
fn together<O: Outputs>(parts: Vec<O>) -> O {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { unreachable!("a batch has clips") };
    let mut others: Vec<_> = parts.map(|part| tensors(part).into_iter()).collect();
    first.each(&mut |tensor| {
        let below = others.iter_mut().filter_map(Iterator::next);
        Tensor::cat(std::iter::once(tensor).chain(below).collect(), 0)
    })
}

/// Lists every tensor of outputs.
fn tensors(outputs: impl Outputs) -> Vec<Tensor<2>> {
    let mut tensors = Vec::new();
    let _ = outputs.each(&mut |tensor| {
        tensors.push(tensor.clone());
        tensor
    });
    tensors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::{Extra, Hico, Setup, Sizes};
    use crate::model::HicoModel;
    use crate::settings::{HicoRecipe, ModelRecipe, NonNegative, Projector, Supervision};
    use burn::module::{ModuleVisitor, Param};
    use burn::tensor::{Device, TensorData};
    use hico_data::Seed;
    use hico_data::view::{Place, ViewRecipe};
    use hico_kernels::linear;
    use hico_model::init::Init;
    use hico_model::weights::{Naming, parameters, to_tensors};
    use std::collections::BTreeMap;

    const SIDE: usize = 32;

    fn of(supervision: Supervision, projector: Projector) -> HicoRecipe {
        HicoRecipe { supervision, projector, ..HicoRecipe::default() }
    }

    /// HiCo with all that goes beyond its paper.
    fn with_more() -> HicoRecipe {
        let weight = NonNegative::new(0.7).unwrap();
        HicoRecipe { decoupled: true, dense_weight: weight, teacher_weight: weight, ..HicoRecipe::default() }
    }

    fn start(own: HicoRecipe) -> (Hico, HicoModel) {
        let view = ViewRecipe { side: SIDE, ..ViewRecipe::default() };
        let (model, sizes) = (ModelRecipe::default(), Sizes { classes: 3, clips: 8, batch: 8 });
        let device = Device::flex().autodiff();
        Method::new(&own, &Setup { model: &model, view: &view, sizes, init: Init::new(&device, Seed(5)) })
    }

    /// Two views of a clip that overlap, the second mirrored.
    fn places(clip: usize) -> Extra {
        let begin = 0.05 * clip as f64;
        let [first, second] = [[0.0, 0.7], [begin, begin + 0.6]];
        let place = |along: [f64; 2], mirrored| Place { rows: along, columns: along, mirrored };
        Extra::Places([place(first, false), place(second, true)])
    }

    fn batch(clips: usize) -> Batch {
        let device = Device::flex();
        let view = |number: usize| {
            let value = |place: usize| ((place + number * 77) as f32 * 0.37).sin();
            let values = (0..clips * 3 * SIDE * SIDE).map(value).collect::<Vec<f32>>();
            Tensor::from_data(TensorData::new(values, [clips, 3, SIDE, SIDE]), &device)
        };
        let labels = (0..clips).map(|clip| (clip % 2 == 0).then_some(clip % 3)).collect();
        Batch {
            clips: (0..clips).collect(),
            views: vec![view(0), view(1)],
            labels,
            extras: (0..clips).map(places).collect(),
            groups: (0..clips).collect(),
        }
    }

    /// Every gradient by its parameter's name, multiplied out.
    fn values(network: &HicoModel, gradients: &Gradients) -> BTreeMap<String, Vec<f64>> {
        struct Read<'a> {
            names: BTreeMap<String, String>,
            gradients: &'a Gradients,
            found: BTreeMap<String, Vec<f64>>,
        }
        impl ModuleVisitor for Read<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let value = param.val();
                if let Some(gradient) = value.grad(self.gradients) {
                    let dense = linear::dense(gradient, value.dims()).into_data().iter::<f64>().collect();
                    self.found.insert(self.names[&param.id.to_string()].clone(), dense);
                }
            }
        }
        let names = parameters(network).into_iter().map(|parameter| (parameter.id.to_string(), parameter.name));
        let mut read = Read { names: names.collect(), gradients, found: BTreeMap::new() };
        network.visit(&mut read);
        read.found
    }

    /// The gradient with every part's graph in memory.
    fn plain(method: &mut Hico, network: &HicoModel, batch: &Batch, part: usize) -> (f64, Gradients) {
        let clips = batch.clips.len();
        let of = |begin: usize| {
            let views: Vec<Tensor<4>> =
                batch.views.iter().map(|view| view.clone().narrow(0, begin, part.min(clips - begin))).collect();
            method.outputs(network, &views, &Pass::keeping(Mode::Train))
        };
        let outputs = together((0..clips).step_by(part).map(of).collect());
        let total = method.objective(outputs, batch, Mode::Train).total;
        (total.clone().into_scalar::<f64>(), total.backward())
    }

    /// Loss, gradients by name and network after `of_batch`.
    fn found(own: HicoRecipe, batch: &Batch, memory: Memory) -> (f64, BTreeMap<String, Vec<f64>>, HicoModel) {
        let (mut method, network) = start(own);
        let (objective, gradients) = of_batch(&mut method, &network, batch, memory);
        (objective.total.into_scalar::<f64>(), values(&network, &gradients), network)
    }

    fn compare(own: HicoRecipe, clips: usize, part: usize) {
        let batch = batch(clips);
        let (mut method, network) = start(own);
        let (loss, gradients) = plain(&mut method, &network, &batch, part);
        let expected = values(&network, &gradients);
        let learnt = to_tensors(&network, Naming::Ours);

        let memory = Memory { part: Some(part), recompute: false };
        let (total, found, network) = found(own, &batch, memory);
        assert!((total - loss).abs() <= 1e-6 * loss.abs(), "{total} {loss}");
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, expected) in &expected {
            let largest = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            for (found, expected) in found[name].iter().zip(expected) {
                // Sums over parts are taken in another order.
                assert!((found - expected).abs() <= 2e-5 * largest + 1e-9, "{name}: {found} {expected} of {largest}");
            }
        }
        assert_eq!(to_tensors(&network, Naming::Ours), learnt, "running statistics are learnt once, part after part");
    }

    #[test]
    fn gradients_from_parts_are_the_plain_ones() {
        compare(of(Supervision::Semi, Projector::Pooled), 6, 3);
        compare(of(Supervision::SelfOnly, Projector::Pooled), 7, 3);
        compare(of(Supervision::Semi, Projector::Grid), 6, 3);
        compare(with_more(), 6, 3);
        compare(of(Supervision::Full, Projector::Pooled), 6, 4);
    }

    #[test]
    fn the_parts_of_a_short_batch_are_even_and_none_is_larger_than_asked() {
        let part = |part, clips| Memory { part: Some(part), recompute: false }.of_short(clips).part.unwrap();
        assert_eq!([part(8, 9), part(4, 5), part(8, 8), part(8, 3), part(3, 7), part(1, 5)], [5, 3, 8, 3, 3, 1]);
        assert_eq!(Memory::default().of_short(9).part, None);
    }

    #[test]
    fn gradients_in_factors_add_up() {
        compare(of(Supervision::Semi, Projector::Flattened), 4, 2);
    }

    #[test]
    fn maps_computed_again_give_the_same_bits() {
        for (own, part) in [
            (of(Supervision::Semi, Projector::Pooled), None),
            (of(Supervision::Semi, Projector::Flattened), None),
            (of(Supervision::Semi, Projector::Grid), None),
            (of(Supervision::Full, Projector::Pooled), None),
            (of(Supervision::Semi, Projector::Pooled), Some(3)),
        ] {
            let batch = batch(5);
            let (loss, expected, kept) = found(own, &batch, Memory { part, recompute: false });
            let (total, again, recomputed) = found(own, &batch, Memory { part, recompute: true });
            assert_eq!(total, loss);
            assert!(expected.keys().any(|name| name.contains("backbone.conv1")), "{:?}", expected.keys());
            assert_eq!(again, expected, "{own:?} {part:?}");
            assert_eq!(to_tensors(&recomputed, Naming::Ours), to_tensors(&kept, Naming::Ours), "running statistics");
        }
    }
}
