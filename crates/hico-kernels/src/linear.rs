//! A fully connected layer as an operation of the graph, for weights that are large beside the batch.
//!
//! The gradient of such a weight, `x' dy`, has few degrees of freedom and many values: to write it, to read it for its
//! norm and to read it again for the update costs more than the arithmetic. It is therefore left in its two factors,
//! as a tensor `[batch, inputs + outputs]` in the place of the gradient; [`dense`] multiplies them out, and
//! `adam` does so a piece at a time, while it moves the weight.

use crate::graph::{Context, Handle, Tracked, close, contiguous, dims, open, tensor};
use crate::wide_linear::{self as wide, Factors};
use burn::tensor::Tensor;
use burn::tensor::module as operation;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::{Flex, FlexTensor};

/// Values of a weight from which on its gradient stays in factors, and how many times those of the factors they are.
const LARGE: usize = 1 << 20;
const SAVING: usize = 4;

/// `x weight + bias`.
///
/// The gradient of a large weight is left in factors; see [`dense`].
///
/// - `x`: `[batch, inputs]`
/// - `weight`: `[inputs, outputs]`
/// - `bias`: `[outputs]`
/// - returns: `[batch, outputs]`
#[must_use]
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    let ([batch, _], [inputs, outputs]) = (x.dims(), weight.dims());
    let large = inputs * outputs >= LARGE && inputs * outputs >= SAVING * batch * (inputs + outputs);
    let opened = || Some((open(x.clone())?, open(weight.clone())?, open(bias.clone())?));
    let opened = (large && outputs.is_multiple_of(wide::OUTPUTS)).then(opened).flatten();
    let Some(((x, of_x), (weight, of_weight), (bias, of_bias))) = opened else {
        return operation::linear(x, weight, Some(bias));
    };
    let context = of_x.merge(of_weight).merge(of_bias);
    let numbers = |handle: &Handle| contiguous(&handle.clone().plain());
    let (x_values, weight_values, bias_values) = (numbers(&x), numbers(&weight), numbers(&bias));
    let y = wide::forward(x_values.storage(), weight_values.storage(), bias_values.storage(), batch);
    let y = tensor(y, [batch, outputs]);
    if let (Handle::Plain(_), Handle::Plain(_), Handle::Plain(_)) = (&x, &weight, &bias) {
        return close(Handle::Plain(y), context);
    }
    let (x, weight, bias) = (x.tracked(), weight.tracked(), bias.tracked());
    let nodes = [x.node(), weight.node(), bias.node()];
    let state = State { x: x_values, weight_values, weight };
    let y = match Linear.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(state, y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    };
    close(Handle::Tracked(y), context)
}

/// What the way back needs.
#[derive(Debug, Clone)]
struct State {
    x: FlexTensor,
    weight_values: FlexTensor,
    weight: Tracked,
}

#[derive(Debug)]
struct Linear;

impl Backward<Flex, 3> for Linear {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&gradients.consume::<Flex>(&ops.node));
        let State { x, weight_values, weight } = ops.state;
        let [batch, outputs] = dims(&dy);
        let [_, inputs] = dims(&x);
        let [of_x, of_weight, of_bias] = ops.parents;
        if let Some(node) = of_x {
            let dx = wide::input_gradient(weight_values.storage(), dy.storage(), batch);
            gradients.register::<Flex>(node.id, tensor(dx, [batch, inputs]));
        }
        if let Some(node) = of_weight {
            // Where the weight was used before, the products add up: so do factors, one batch below the other.
            let before = gradients.remove::<Flex>(&weight);
            let before = before.as_ref().map(contiguous);
            let mut factors: Vec<f32> = before.as_ref().map_or_else(Vec::new, |before| before.storage().to_vec());
            factors.reserve_exact(batch * (inputs + outputs));
            for (x, dy) in x.storage::<f32>().chunks_exact(inputs).zip(dy.storage::<f32>().chunks_exact(outputs)) {
                factors.extend_from_slice(x);
                factors.extend_from_slice(dy);
            }
            let rows = factors.len() / (inputs + outputs);
            gradients.register::<Flex>(node.id, tensor(factors, [rows, inputs + outputs]));
        }
        if let Some(node) = of_bias {
            let sums = (0..outputs).map(|output| {
                let of_output = dy.storage::<f32>().iter().skip(output).step_by(outputs);
                of_output.map(|value| f64::from(*value)).sum::<f64>() as f32
            });
            gradients.register::<Flex>(node.id, tensor(sums.collect(), [outputs]));
        }
    }
}

/// The gradient that [`linear`] left for a weight, whether in factors or not.
///
/// - `gradient`: of any rank where it is not in factors
/// - `shape`: of the weight
/// - returns: of that shape
#[must_use]
pub fn dense<const D: usize>(gradient: Tensor<D>, shape: [usize; D]) -> Tensor<D> {
    match factors(&gradient, &shape) {
        None => gradient,
        Some(factors) => close(Handle::Plain(tensor(factors.as_ref().product(), shape)), Context::default()),
    }
}

/// The sum of two gradients of one weight, each of which [`linear`] may have left in factors: then it is in factors too.
///
/// - `shape`: of the weight
#[must_use]
pub fn sum<const D: usize>(first: Tensor<D>, second: Tensor<D>, shape: [usize; D]) -> Tensor<D> {
    let in_factors = |gradient: &Tensor<D>| factors(gradient, &shape).is_some();
    if in_factors(&first) && in_factors(&second) {
        return Tensor::cat(vec![first, second], 0);
    }
    dense(first, shape) + dense(second, shape)
}

/// The factors of a gradient that is left in them.
pub(crate) fn factors<const D: usize>(gradient: &Tensor<D>, shape: &[usize]) -> Option<Factors> {
    let found = gradient.dims();
    let &[inputs, outputs] = shape else { return None };
    if found[..] == *shape || found[1..] != [inputs + outputs] {
        return None;
    }
    let (handle, _) = open(gradient.clone())?;
    Some(Factors { rows: contiguous(&handle.plain()), inputs, outputs })
}
