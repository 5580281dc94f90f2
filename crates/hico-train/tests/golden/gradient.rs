//! The gradient of every parameter, by name.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Gradients, Tensor};
use hico_model::weights::{self, Naming, to_named};
use std::collections::HashMap;

/// In PyTorch's layout; a parameter that got none is left out.
pub(crate) fn of<M: Module>(network: &M, gradients: &Gradients, naming: Naming) -> Vec<(String, Vec<f64>)> {
    let names = weights::parameters(network).into_iter().map(|known| (known.id, naming.name(&known.name))).collect();
    let mut visitor = Visitor { gradients, names, found: Vec::new() };
    network.visit(&mut visitor);
    visitor.found
}

struct Visitor<'a> {
    gradients: &'a Gradients,
    names: HashMap<ParamId, String>,
    found: Vec<(String, Vec<f64>)>,
}

impl ModuleVisitor for Visitor<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = param.val().grad(self.gradients) else { return };
        let name = &self.names[&param.id];
        let gradient = hico_kernels::linear::dense(gradient, param.val().dims());
        let values = to_named(name, gradient).values.into_iter().map(f64::from).collect();
        self.found.push((name.clone(), values));
    }
}
