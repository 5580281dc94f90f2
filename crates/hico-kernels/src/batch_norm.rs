//! Batch normalisation in training as one operation of the graph, with what follows it in a residual block.

use crate::graph::{Context, Handle, Tracked, close, contiguous, dims, open, tensor};
use crate::norm::{self, Shape};
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module as operation;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::{Flex, FlexTensor};

/// What follows the normalisation.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "it lives for one call")]
pub enum Tail {
    /// Nothing.
    None,
    /// Negative values become zero.
    Relu,
    /// A tensor of the same shape is added, then negative values become zero.
    AddRelu(Tensor<4>),
}

impl Tail {
    /// What follows, by burn's own operations.
    #[must_use]
    pub fn apply(self, normalised: Tensor<4>) -> Tensor<4> {
        match self {
            Self::None => normalised,
            Self::Relu => relu(normalised),
            Self::AddRelu(residual) => relu(normalised + residual),
        }
    }
}

/// What came of a batch.
#[derive(Debug, Clone)]
pub struct Normalised {
    /// As the input, `[batch, channels, height, width]`.
    pub output: Tensor<4>,
    /// Mean of the batch, `[channels]`; no gradient flows through it.
    pub mean: Tensor<1>,
    /// Biased variance of the batch, `[channels]`; no gradient flows through it.
    pub variance: Tensor<1>,
}

/// Normalises every channel by the statistics of this batch (Ioffe and Szegedy 2015, algorithm 1), then the tail.
///
/// - `x`: `[batch, channels, height, width]`
/// - `weight`, `bias`: `[channels]`
/// - `epsilon`: added to the variance
#[must_use]
pub fn batch_norm_train(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64, tail: Tail) -> Normalised {
    let opened = || {
        let residual = match &tail {
            Tail::AddRelu(residual) => Some(open(residual.clone())?),
            Tail::None | Tail::Relu => None,
        };
        Some((open(x.clone())?, open(weight.clone())?, open(bias.clone())?, residual))
    };
    let Some(((x, of_x), (weight, of_weight), (bias, of_bias), residual)) = opened() else {
        return by_burn(x, weight, bias, epsilon, tail);
    };
    let (residual, of_residual) = residual.unzip();
    let context = of_x.merge(of_weight).merge(of_bias).merge(of_residual.unwrap_or_default());
    let rectified = !matches!(tail, Tail::None);
    let inputs = Inputs { x, weight, bias, residual, rectified, epsilon };
    inputs.run(context)
}

fn by_burn(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64, tail: Tail) -> Normalised {
    let result = operation::batch_norm_train(x, weight, bias, epsilon);
    Normalised { output: tail.apply(result.output), mean: result.mean.detach(), variance: result.variance.detach() }
}

struct Inputs {
    x: Handle,
    weight: Handle,
    bias: Handle,
    residual: Option<Handle>,
    rectified: bool,
    epsilon: f64,
}

impl Inputs {
    fn run(self, context: Context) -> Normalised {
        let handles = [Some(&self.x), Some(&self.weight), Some(&self.bias), self.residual.as_ref()];
        let tracked = handles.into_iter().flatten().any(|handle| matches!(handle, Handle::Tracked(_)));
        let numbers = |handle: &Handle| contiguous(&handle.clone().plain());
        let (x, weight, bias) = (numbers(&self.x), numbers(&self.weight), numbers(&self.bias));
        let residual = self.residual.as_ref().map(numbers);
        let [batch, channels, height, width] = dims(&x);
        let shape = Shape { channels, map: height * width };
        let statistics = norm::statistics(x.storage(), shape);
        let tail = match &residual {
            Some(residual) => norm::Tail::AddRelu(residual.storage()),
            None if self.rectified => norm::Tail::Relu,
            None => norm::Tail::None,
        };
        let (scale, shift) = (weight.storage(), bias.storage());
        let y = norm::normalise(x.storage(), &statistics, scale, shift, self.epsilon, shape, tail);
        let y = tensor(y, [batch, channels, height, width]);
        let one = |which: usize| {
            let values = statistics.iter().map(|pair| pair[which]).collect();
            close(Handle::Plain(tensor(values, [channels])), Context::default())
        };
        let (mean, variance) = (one(0), one(1));
        let output = if tracked {
            let rectified = self.rectified.then(|| y.clone());
            let state = State { x, weight, rectified, statistics, epsilon: self.epsilon, shape };
            Handle::Tracked(self.track(y, state))
        } else {
            Handle::Plain(y)
        };
        Normalised { output: close(output, context), mean, variance }
    }

    fn track(self, y: FlexTensor, state: State) -> Tracked {
        let nodes = [self.x, self.weight, self.bias].map(|handle| handle.tracked().node());
        match self.residual {
            Some(residual) => {
                let [x, weight, bias] = nodes;
                let nodes = [x, weight, bias, residual.tracked().node()];
                match WithResidual.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
                    OpsKind::Tracked(prepared) => prepared.finish(state, y),
                    OpsKind::UnTracked(prepared) => prepared.finish(y),
                }
            }
            None => match Alone.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(prepared) => prepared.finish(state, y),
                OpsKind::UnTracked(prepared) => prepared.finish(y),
            },
        }
    }
}

/// What the way back needs.
#[derive(Debug, Clone)]
struct State {
    x: FlexTensor,
    weight: FlexTensor,
    /// The output, where a rectifier made it.
    rectified: Option<FlexTensor>,
    statistics: Vec<[f32; 2]>,
    epsilon: f64,
    shape: Shape,
}

impl State {
    /// The gradient before the tail.
    fn before_tail(&self, dy: FlexTensor) -> FlexTensor {
        match &self.rectified {
            Some(y) => tensor(norm::behind_rectifier(dy.storage(), y.storage()), dims::<4>(y)),
            None => dy,
        }
    }

    /// The gradients for input, weight and bias.
    fn gradients(&self, dy: &FlexTensor) -> [FlexTensor; 3] {
        let Self { x, weight, statistics, epsilon, shape, .. } = self;
        let found = norm::gradients(x.storage(), dy.storage(), statistics, weight.storage(), *epsilon, *shape);
        let channels = [shape.channels];
        [tensor(found.x, dims::<4>(x)), tensor(found.weight, channels), tensor(found.bias, channels)]
    }
}

#[derive(Debug)]
struct Alone;

#[derive(Debug)]
struct WithResidual;

impl Backward<Flex, 3> for Alone {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = ops.state.before_tail(contiguous(&gradients.consume::<Flex>(&ops.node)));
        for (node, gradient) in ops.parents.into_iter().zip(ops.state.gradients(&dy)) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}

impl Backward<Flex, 4> for WithResidual {
    type State = State;

    fn backward(self, ops: Ops<State, 4>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = ops.state.before_tail(contiguous(&gradients.consume::<Flex>(&ops.node)));
        let [x, weight, bias] = ops.state.gradients(&dy);
        for (node, gradient) in ops.parents.into_iter().zip([x, weight, bias, dy]) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}
