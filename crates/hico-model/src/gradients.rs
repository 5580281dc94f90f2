//! Gradients of parts of a network, as one.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};
use hico_kernels::linear;

/// Adds the gradients of a module's parameters to those there are; a parameter without one takes what comes.
pub fn added<M: Module>(module: &M, sum: Gradients, newer: Gradients) -> Gradients {
    struct Adding {
        sum: Gradients,
        newer: Gradients,
    }
    impl ModuleVisitor for Adding {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            if !value.is_require_grad() {
                return;
            }
            let Some(newer) = value.grad_remove(&mut self.newer) else { return };
            match value.grad_remove(&mut self.sum) {
                Some(sum) => value.grad_replace(&mut self.sum, linear::sum(sum, newer, value.dims())),
                None => value.grad_replace(&mut self.sum, newer),
            }
        }
    }
    let mut adding = Adding { sum, newer };
    module.visit(&mut adding);
    adding.sum
}
