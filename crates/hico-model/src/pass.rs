//! One way through a backbone: with its maps kept for the gradient, or computed again (activation checkpointing, Chen et
//! al. 2016, "Training Deep Nets with Sublinear Memory Cost").
//!
//! To compute them again, the backbone is first gone through without a graph, and of every step only the input is kept.
//! What reads its four maps takes them as leaves. From their gradients the way goes back step by step, each with the
//! graph of that step alone. The numbers are those of the plain way: the same operations on the same maps, and running
//! statistics are learnt once. Only the gradients of several readers of one map may be added in another order, which can
//! change their last bits; those of HiCo do not change (`train/gradient.rs` tests it).

use super::{BackboneNetwork, Mode, Stages};
use crate::added;
use burn::module::Module;
use burn::tensor::{Gradients, Tensor};
use std::cell::RefCell;

/// One way through the backbones of a network, there and, with [`Self::gradients`], back.
#[derive(Debug)]
pub struct Pass<'n> {
    mode: Mode,
    recomputed: Option<RefCell<Vec<Recomputed<'n>>>>,
}

/// A backbone gone through without a graph.
#[derive(Debug)]
struct Recomputed<'n> {
    backbone: &'n BackboneNetwork,
    mode: Mode,
    /// What each step read.
    inputs: Vec<Tensor<4>>,
    /// The leaves that stand for the maps of its stages.
    ends: [Tensor<4>; 4],
}

impl<'n> Pass<'n> {
    /// A pass in which the graph keeps every map.
    #[must_use]
    pub const fn keeping(mode: Mode) -> Self {
        Self { mode, recomputed: None }
    }

    /// A pass in which the maps of backbones are computed again on the way back.
    #[must_use]
    pub const fn recomputing(mode: Mode) -> Self {
        Self { mode, recomputed: Some(RefCell::new(Vec::new())) }
    }

    /// What of the network learns from the batch.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The maps of several views, one below the other; batch statistics are those of one view, as in the paper.
    ///
    /// - `views`: `[batch, 3, height, width]` each
    pub fn backbone(&self, backbone: &'n BackboneNetwork, views: &[Tensor<4>]) -> Stages {
        let (x, mode) = (Tensor::cat(views.to_vec(), 0), self.mode.for_views(views.len()));
        let Some(recomputed) = &self.recomputed else { return backbone.forward(x, mode) };
        let mut inputs = vec![x.clone().without_autodiff()];
        // A copy: what its batch norms learn is forgotten, since the way back learns it again.
        let Stages { c2, c3, c4, c5 } =
            backbone.valid().forward_seen(x.without_autodiff(), mode, &mut |map| inputs.push(map.clone()));
        inputs.pop();
        let ends = [c2, c3, c4, c5].map(|map| Tensor::from_inner(map).require_grad());
        recomputed.borrow_mut().push(Recomputed { backbone, mode, inputs, ends: ends.clone() });
        let [c2, c3, c4, c5] = ends;
        Stages { c2, c3, c4, c5 }
    }

    /// The gradients of a loss, or of anything else that was computed from the maps of this pass.
    #[must_use]
    pub fn gradients(self, loss: &Tensor<1>) -> Gradients {
        let gradients = loss.backward();
        let backbones = self.recomputed.into_iter().flat_map(RefCell::into_inner);
        backbones.fold(gradients, |gradients, backbone| backbone.back(gradients))
    }
}

impl Recomputed<'_> {
    /// Adds the gradients of the backbone's parameters to those there are, which hold those of the leaves.
    fn back(self, mut gradients: Gradients) -> Gradients {
        let mut ends: Vec<Tensor<4>> = self.ends.into();
        let mut at_output: Option<Tensor<4>> = None;
        let steps = self.backbone.steps().iter().enumerate().zip(self.inputs);
        for ((index, step), input) in steps.collect::<Vec<_>>().into_iter().rev() {
            if step.ends_stage {
                let of_readers = ends.pop().and_then(|end| end.grad_remove(&mut gradients));
                at_output = match (of_readers, at_output) {
                    (Some(of_readers), Some(of_step)) => Some(of_readers + of_step),
                    (of_readers, of_step) => of_readers.or(of_step),
                };
            }
            let Some(gradient) = at_output.take() else {
                // Nothing reads it, but its batch norms learn all the same.
                let _ = step.forward(Tensor::from_inner(input), self.mode);
                continue;
            };
            let input = Tensor::from_inner(input);
            // Nobody asks for the gradient of the images.
            let input = if index == 0 { input } else { input.require_grad() };
            // What has this gradient at the output: its product with it.
            let output = step.forward(input.clone(), self.mode);
            let mut newer = (output * Tensor::from_inner(gradient)).sum().backward();
            at_output = input.grad_remove(&mut newer);
            gradients = added(step, gradients, newer);
        }
        gradients
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BackboneName;
    use crate::init::Init;
    use crate::weights::{Naming, to_tensors};
    use burn::module::{ModuleVisitor, Param};
    use burn::tensor::{Device, TensorData};
    use hico_data::Seed;

    /// Every gradient there is, in the order of the parameters.
    struct Read<'a> {
        gradients: &'a Gradients,
        found: Vec<Option<Vec<f32>>>,
    }

    impl ModuleVisitor for Read<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param.val().grad(self.gradients);
            self.found.push(gradient.map(|gradient| gradient.into_data().iter().collect()));
        }
    }

    #[test]
    fn maps_that_nothing_reads_give_no_gradient_and_their_norms_learn() {
        let device = Device::flex();
        let side = 33;
        let values: Vec<f32> = (0..2 * 3 * side * side).map(|place| (place as f32 * 0.37).sin()).collect();
        let view = Tensor::<4>::from_data(TensorData::new(values, [2, 3, side, side]), &device);
        let run = |recompute: bool| {
            let backbone =
                &BackboneNetwork::new(&Init::new(&device.clone().autodiff(), Seed(3)), BackboneName::RESNET50);
            let pass = if recompute { Pass::recomputing(Mode::Train) } else { Pass::keeping(Mode::Train) };
            // C3 and C4 reach no further than the third layer.
            let Stages { c3, c4, .. } = pass.backbone(backbone, &[view.clone(), view.clone() * 0.5]);
            let gradients = pass.gradients(&(c3.powi_scalar(2).mean() + c4.mean()));
            let mut read = Read { gradients: &gradients, found: Vec::new() };
            backbone.visit(&mut read);
            (read.found, to_tensors(backbone, Naming::Ours))
        };
        let (kept, recomputed) = (run(false), run(true));
        assert!(kept.0.iter().flatten().count() > 60 && kept.0.iter().any(Option::is_none));
        for (kept, recomputed) in kept.0.iter().zip(&recomputed.0) {
            assert_eq!(kept.is_some(), recomputed.is_some());
            for (kept, recomputed) in kept.iter().zip(recomputed) {
                let largest = kept.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
                // C3 has three readers, whose gradients are added in another order.
                let near = |(kept, recomputed): (&f32, &f32)| (kept - recomputed).abs() <= 1e-5 * largest;
                assert!(largest > 0.0 && kept.iter().zip(recomputed).all(near));
            }
        }
        assert!(kept.1 == recomputed.1, "running statistics");
    }

    #[test]
    fn a_convnext_has_the_same_gradient_where_its_maps_are_computed_again() {
        let device = Device::flex();
        let values: Vec<f32> = (0..2 * 3 * 32 * 32).map(|place| (place as f32 * 0.37).sin()).collect();
        let view = Tensor::<4>::from_data(TensorData::new(values, [2, 3, 32, 32]), &device);
        let run = |recompute: bool| {
            let device = device.clone().autodiff();
            let backbone = &BackboneNetwork::new(&Init::new(&device, Seed(3)), BackboneName::CONVNEXT_TINY);
            let pass = if recompute { Pass::recomputing(Mode::Train) } else { Pass::keeping(Mode::Train) };
            let c5 = pass.backbone(backbone, std::slice::from_ref(&view)).c5;
            let gradients = pass.gradients(&c5.powi_scalar(2).mean());
            let mut read = Read { gradients: &gradients, found: Vec::new() };
            backbone.visit(&mut read);
            read.found
        };
        let (kept, recomputed) = (run(false), run(true));
        // Four tensors of the stem, four of each halving, and nine of each of the eighteen blocks.
        assert_eq!(kept.iter().flatten().count(), 4 + 3 * 4 + 18 * 9);
        assert!(kept == recomputed);
    }
}
