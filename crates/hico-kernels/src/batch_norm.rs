//! Batch normalisation in training as one operation of the graph, with what follows it in a residual block.

use crate::graph::{Context, Handle, Tracked, close, contiguous, dims, open, own, tensor};
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
    /// Mean of each view, `[views, channels]`; no gradient flows through it.
    pub mean: Tensor<2>,
    /// Biased variance of each view, `[views, channels]`; no gradient flows through it.
    pub variance: Tensor<2>,
}

/// Normalises every channel by the statistics of this batch (Ioffe and Szegedy 2015, algorithm 1), then the tail.
///
/// A batch may hold several views of as many images each, one after the other; each has statistics of its own, as if it
/// had been alone.
///
/// - `x`: `[batch, channels, height, width]`
/// - `views`: divides `batch`
/// - `weight`, `bias`: `[channels]`
/// - `epsilon`: added to the variance
#[must_use]
pub fn batch_norm_train(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    views: usize,
    tail: Tail,
) -> Normalised {
    assert!(views > 0 && x.dims()[0].is_multiple_of(views), "{} images are not {views} views", x.dims()[0]);
    let opened = || {
        let residual = match &tail {
            Tail::AddRelu(residual) => Some(open(residual.clone())?),
            Tail::None | Tail::Relu => None,
        };
        Some((open(x.clone())?, open(weight.clone())?, open(bias.clone())?, residual))
    };
    let Some(((x, of_x), (weight, of_weight), (bias, of_bias), residual)) = opened() else {
        return by_burn(x, weight, bias, epsilon, views, tail);
    };
    let (residual, of_residual) = residual.unzip();
    let context = of_x.merge(of_weight).merge(of_bias).merge(of_residual.unwrap_or_default());
    let rectified = !matches!(tail, Tail::None);
    let inputs = Inputs { x, weight, bias, residual, rectified, epsilon, views };
    inputs.run(context)
}

fn by_burn(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64, views: usize, tail: Tail) -> Normalised {
    let (mut outputs, mut means, mut variances) = (Vec::new(), Vec::new(), Vec::new());
    for view in x.chunk(views, 0) {
        let result = operation::batch_norm_train(view, weight.clone(), bias.clone(), epsilon);
        outputs.push(result.output);
        means.push(result.mean.detach());
        variances.push(result.variance.detach());
    }
    let output = tail.apply(Tensor::cat(outputs, 0));
    Normalised { output, mean: Tensor::stack(means, 0), variance: Tensor::stack(variances, 0) }
}

struct Inputs {
    x: Handle,
    weight: Handle,
    bias: Handle,
    residual: Option<Handle>,
    rectified: bool,
    epsilon: f64,
    views: usize,
}

impl Inputs {
    fn run(self, context: Context) -> Normalised {
        let handles = [Some(&self.x), Some(&self.weight), Some(&self.bias), self.residual.as_ref()];
        let tracked = handles.into_iter().flatten().any(|handle| matches!(handle, Handle::Tracked(_)));
        let numbers = |handle: &Handle| contiguous(&handle.clone().plain());
        let (x, weight, bias) = (numbers(&self.x), numbers(&self.weight), numbers(&self.bias));
        let residual = self.residual.as_ref().map(numbers);
        let [batch, channels, height, width] = dims(&x);
        let shape = Shape { images: batch / self.views, channels, map: height * width };
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
            close(Handle::Plain(tensor(values, [self.views, channels])), Context::default())
        };
        let (mean, variance) = (one(0), one(1));
        let output = if tracked {
            let summed = self.residual.is_some().then(|| y.clone());
            let (rectified, epsilon) = (self.rectified && summed.is_none(), self.epsilon);
            let state = State { x, weight, bias, summed, rectified, statistics, epsilon, shape };
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
    bias: FlexTensor,
    /// The output, where a residual was added before the rectifier.
    summed: Option<FlexTensor>,
    /// Whether a rectifier follows the normalisation at once.
    rectified: bool,
    statistics: Vec<[f32; 2]>,
    epsilon: f64,
    shape: Shape,
}

impl State {
    /// The gradient before the residual sum and its rectifier.
    fn before_sum(&self, mut dy: FlexTensor) -> FlexTensor {
        if let Some(y) = &self.summed {
            norm::behind_rectifier(dy.storage_mut(), y.storage());
        }
        dy
    }

    /// The gradients for input, weight and bias; the first in the place of `dy` where nobody else holds that.
    fn gradients(&self, mut dy: FlexTensor) -> [FlexTensor; 3] {
        let Self { x, weight, bias, rectified, statistics, epsilon, shape, .. } = self;
        let (weight, bias) = (weight.storage(), bias.storage());
        let norm = norm::Norm { statistics, weight, bias, epsilon: *epsilon, shape: *shape, rectified: *rectified };
        let [of_weight, of_bias] = norm::gradients(x.storage(), dy.storage_mut(), norm);
        let channels = [shape.channels];
        [dy, tensor(of_weight, channels), tensor(of_bias, channels)]
    }
}

#[derive(Debug)]
struct Alone;

#[derive(Debug)]
struct WithResidual;

impl Backward<Flex, 3> for Alone {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = own(gradients.consume::<Flex>(&ops.node));
        for (node, gradient) in ops.parents.into_iter().zip(ops.state.gradients(dy)) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}

impl Backward<Flex, 4> for WithResidual {
    type State = State;

    fn backward(self, ops: Ops<State, 4>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = ops.state.before_sum(own(gradients.consume::<Flex>(&ops.node)));
        let [x, weight, bias] = ops.state.gradients(dy.clone());
        for (node, gradient) in ops.parents.into_iter().zip([x, weight, bias, dy]) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}
