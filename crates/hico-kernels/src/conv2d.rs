//! Convolution as an operation of the graph.

use crate::Precision;
use crate::conv::{Geometry, bias_gradient, forward, input_gradient, weight_gradient};
use crate::graph::{Handle, close, contiguous, dims, open, tensor};
use burn::tensor::Tensor;
use burn::tensor::module as operation;
use burn::tensor::ops::ConvOptions;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::{Flex, FlexTensor};

/// How a kernel moves, and how it is multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Step of the kernel, on both axes.
    pub stride: usize,
    /// Zeros around the map, on both axes.
    pub padding: usize,
    /// Of the products, on the CPU engine; see [`crate::conv::forward`].
    pub precision: Precision,
}

/// A two-dimensional convolution with a square kernel.
///
/// - `x`: `[batch, inputs, height, width]`
/// - `weight`: `[outputs, inputs, kernel, kernel]`
/// - `bias`: `[outputs]`
/// - returns: `[batch, outputs, (height + 2 padding - kernel) / stride + 1, ...]`
#[must_use]
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, setting: Setting) -> Tensor<4> {
    let Setting { stride, padding, .. } = setting;
    let [_, _, kernel, across] = weight.dims();
    let opened = || {
        let bias = match &bias {
            Some(bias) => Some(open(bias.clone())?),
            None => None,
        };
        Some((open(x.clone())?, open(weight.clone())?, bias))
    };
    let Some(((x, of_x), (weight, of_weight), bias)) = (kernel == across).then(opened).flatten() else {
        return operation::conv2d(x, weight, bias, ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1));
    };
    let (bias, of_bias) = bias.unzip();
    let context = of_x.merge(of_weight).merge(of_bias.unwrap_or_default());
    let plain = matches!((&x, &weight), (Handle::Plain(_), Handle::Plain(_)));
    let y = if plain && !matches!(bias, Some(Handle::Tracked(_))) {
        Handle::Plain(compute(&x.plain(), &weight.plain(), bias.map(Handle::plain).as_ref(), setting))
    } else {
        Handle::Tracked(track(x, weight, bias, setting))
    };
    close(y, context)
}

/// The sizes; the kernel is square.
pub(crate) fn geometry(x: &FlexTensor, weight: &FlexTensor, setting: Setting) -> Geometry {
    let Setting { stride, padding, .. } = setting;
    let ([batch, inputs, height, width], [outputs, of_weight, kernel, _]) = (dims(x), dims(weight));
    assert_eq!(inputs, of_weight, "channels that go in");
    Geometry { batch, inputs, outputs, height, width, kernel, stride, padding }
}

fn compute(x: &FlexTensor, weight: &FlexTensor, bias: Option<&FlexTensor>, setting: Setting) -> FlexTensor {
    let geometry = geometry(x, weight, setting);
    let bias = bias.map(contiguous);
    let bias = bias.as_ref().map(FlexTensor::storage);
    let y = forward(contiguous(x).storage(), contiguous(weight).storage(), bias, geometry, setting.precision);
    tensor(y, [geometry.batch, geometry.outputs, geometry.out_height(), geometry.out_width()])
}

fn track(x: Handle, weight: Handle, bias: Option<Handle>, setting: Setting) -> crate::graph::Tracked {
    let (x, weight, bias) = (x.tracked(), weight.tracked(), bias.map(Handle::tracked));
    let run = |bias: Option<&FlexTensor>| {
        let (x, weight) = (x.clone().into_primitive(), weight.clone().into_primitive());
        let y = compute(&x, &weight, bias, setting);
        let state = State { geometry: geometry(&x, &weight, setting), precision: setting.precision, x, weight };
        (y, state)
    };
    match bias {
        Some(bias) => {
            let nodes = [x.node(), weight.node(), bias.node()];
            let (y, state) = run(Some(&bias.into_primitive()));
            match WithBias.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(prepared) => prepared.finish(state, y),
                OpsKind::UnTracked(prepared) => prepared.finish(y),
            }
        }
        None => {
            let nodes = [x.node(), weight.node()];
            let (y, state) = run(None);
            match WithoutBias.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(prepared) => prepared.finish(state, y),
                OpsKind::UnTracked(prepared) => prepared.finish(y),
            }
        }
    }
}

/// What the way back needs.
#[derive(Debug, Clone)]
struct State {
    geometry: Geometry,
    precision: Precision,
    x: FlexTensor,
    weight: FlexTensor,
}

impl State {
    fn x_gradient(&self, dy: &FlexTensor) -> FlexTensor {
        let Geometry { batch, inputs, height, width, .. } = self.geometry;
        let dx = input_gradient(contiguous(&self.weight).storage(), dy.storage(), self.geometry, self.precision);
        tensor(dx, [batch, inputs, height, width])
    }

    fn weight_gradient(&self, dy: &FlexTensor) -> FlexTensor {
        let Geometry { inputs, outputs, kernel, .. } = self.geometry;
        let gradient = weight_gradient(contiguous(&self.x).storage(), dy.storage(), self.geometry, self.precision);
        tensor(gradient, [outputs, inputs, kernel, kernel])
    }

    fn bias_gradient(&self, dy: &FlexTensor) -> FlexTensor {
        let Geometry { outputs, .. } = self.geometry;
        let map = self.geometry.out_height() * self.geometry.out_width();
        tensor(bias_gradient(dy.storage(), outputs, map), [outputs])
    }
}

#[derive(Debug)]
struct WithBias;

#[derive(Debug)]
struct WithoutBias;

impl Backward<Flex, 3> for WithBias {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&gradients.consume::<Flex>(&ops.node));
        let [x, weight, bias] = ops.parents;
        if let Some(node) = x {
            gradients.register::<Flex>(node.id, ops.state.x_gradient(&dy));
        }
        if let Some(node) = weight {
            gradients.register::<Flex>(node.id, ops.state.weight_gradient(&dy));
        }
        if let Some(node) = bias {
            gradients.register::<Flex>(node.id, ops.state.bias_gradient(&dy));
        }
    }
}

impl Backward<Flex, 2> for WithoutBias {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&gradients.consume::<Flex>(&ops.node));
        let [x, weight] = ops.parents;
        if let Some(node) = x {
            gradients.register::<Flex>(node.id, ops.state.x_gradient(&dy));
        }
        if let Some(node) = weight {
            gradients.register::<Flex>(node.id, ops.state.weight_gradient(&dy));
        }
    }
}
