//! Operations of an architecture as layers with parameters; a convolution and its batch norm are computed as one.

use crate::Mode;
use crate::backbone::{Operation, below};
use crate::batch_norm::{BatchNorm, Tail};
use crate::channel_layers::{LayerNorm, Pointwise, gelu, of_channels};
use crate::init::{Distribution, Init};
use crate::layers::{Conv2d, max_pool, relu};
use burn::module::Param;
use burn::tensor::Tensor;
use hico_kernels::conv_norm::Folded;
use std::sync::Arc;

/// Operations that are computed as one.
#[derive(Debug, Clone)]
pub(super) enum Layer {
    ConvNorm(Box<ConvNorm>),
    Conv(Named<Conv2d>),
    BatchNorm(Box<Named<BatchNorm>>),
    ChannelNorm(Named<LayerNorm>),
    Linear(Named<Pointwise>),
    /// What each channel is multiplied by, `[channels]`.
    Scale(Named<Param<Tensor<1>>>),
    Relu,
    Gelu,
    /// Kernel, stride and padding.
    MaxPool([usize; 3]),
    Add(Vec<Layer>),
}

/// A layer, and what it is called in the network.
#[derive(Debug, Clone)]
pub(super) struct Named<M> {
    pub(super) name: String,
    pub(super) layer: M,
}

/// Where layers are made.
pub(super) struct Place<'a> {
    pub(super) init: &'a Init<'a>,
    /// What stands before their names.
    pub(super) prefix: &'a str,
}

impl Place<'_> {
    fn named<M>(&self, name: &str, make: impl FnOnce(&Init<'_>) -> M) -> Named<M> {
        let name = below(self.prefix, name);
        Named { layer: make(&self.init.at(&name)), name }
    }
}

/// The layers of operations that read `inputs` channels; a convolution and its batch norm are one, with the rectifier, or the
/// sum and the rectifier, behind them.
pub(super) fn layers(operations: &[Operation], place: &Place<'_>, inputs: usize) -> Vec<Layer> {
    let (mut layers, mut channels, mut rest) = (Vec::new(), inputs, operations);
    let branch = |around: &[Operation]| self::layers(around, place, inputs);
    while let [first, behind @ ..] = rest {
        let outputs = first.channels(channels);
        let conv = |init: &Init<'_>, shape| Conv2d::new(init, channels, shape);
        let norm = |name: &str| place.named(name, |init| BatchNorm::new(init, outputs));
        let layer = match first {
            Operation::Convolution(shape) => {
                let conv = place.named(&shape.name, |init| conv(init, shape));
                match behind {
                    [Operation::BatchNorm { name }, behind @ ..] => {
                        let norm = norm(name);
                        let (after, behind) = match behind {
                            [Operation::Relu, behind @ ..] => (After::Relu, behind),
                            [Operation::Add(around), Operation::Relu, behind @ ..] => {
                                (After::AddRelu(branch(around)), behind)
                            }
                            behind => (After::Nothing, behind),
                        };
                        rest = behind;
                        channels = outputs;
                        layers.push(Layer::ConvNorm(Box::new(ConvNorm { conv, norm, after, folded: None })));
                        continue;
                    }
                    _ => Layer::Conv(conv),
                }
            }
            Operation::BatchNorm { name } => Layer::BatchNorm(Box::new(norm(name))),
            Operation::LayerNorm { name, epsilon } => {
                Layer::ChannelNorm(place.named(name, |init| LayerNorm::new(init, channels, *epsilon)))
            }
            Operation::Linear(linear) => {
                Layer::Linear(place.named(&linear.name, |init| Pointwise::new(init, channels, linear)))
            }
            Operation::LayerScale { name, first } => {
                Layer::Scale(place.named(name, |init| init.value([channels], Distribution::Constant(*first))))
            }
            Operation::Relu => Layer::Relu,
            Operation::Gelu => Layer::Gelu,
            Operation::MaxPool { kernel, stride, padding } => Layer::MaxPool([*kernel, *stride, *padding]),
            Operation::Add(around) => Layer::Add(branch(around)),
        };
        layers.push(layer);
        (rest, channels) = (behind, outputs);
    }
    layers
}

impl Layer {
    /// What makes the map that it adds, where it adds one.
    pub(super) fn branch(&self) -> Option<&[Self]> {
        match self {
            Self::Add(branch) => Some(branch),
            Self::ConvNorm(layer) => match &layer.after {
                After::AddRelu(branch) => Some(branch),
                After::Nothing | After::Relu => None,
            },
            _ => None,
        }
    }

    pub(super) fn fold(self) -> Self {
        let all = |layers: Vec<Self>| layers.into_iter().map(Self::fold).collect();
        match self {
            Self::ConvNorm(layer) => Self::ConvNorm(Box::new(layer.fold())),
            Self::Add(branch) => Self::Add(all(branch)),
            other => other,
        }
    }

    fn forward(&self, x: Tensor<4>, mode: Mode, branches: &mut impl Iterator<Item = Tensor<4>>) -> Tensor<4> {
        match self {
            Self::ConvNorm(layer) => {
                let tail = match layer.after {
                    After::Nothing => Tail::None,
                    After::Relu => Tail::Relu,
                    After::AddRelu(_) => branches.next().map_or(Tail::Relu, Tail::AddRelu),
                };
                layer.forward(x, mode, tail)
            }
            Self::Conv(conv) => conv.layer.forward(x),
            Self::BatchNorm(norm) => norm.layer.forward(x, mode, Tail::None),
            Self::ChannelNorm(norm) => norm.layer.forward(x),
            Self::Linear(linear) => linear.layer.forward(x),
            Self::Scale(scale) => x * of_channels(scale.layer.val()),
            Self::Relu => relu(x),
            Self::Gelu => gelu(x),
            Self::MaxPool(window) => max_pool(x, *window),
            Self::Add(_) => match branches.next() {
                Some(branch) => x + branch,
                None => x,
            },
        }
    }
}

/// Goes through layers one after the other.
///
/// - `branches`: what is added, in turn
pub(super) fn run(
    layers: &[Layer],
    x: Tensor<4>,
    mode: Mode,
    branches: &mut impl Iterator<Item = Tensor<4>>,
) -> Tensor<4> {
    layers.iter().fold(x, |x, layer| layer.forward(x, mode, branches))
}

/// A convolution, the batch norm behind it, and what follows.
#[derive(Debug, Clone)]
pub(super) struct ConvNorm {
    pub(super) conv: Named<Conv2d>,
    pub(super) norm: Named<BatchNorm>,
    pub(super) after: After,
    /// Convolution and norm as one, for as long as neither changes.
    pub(super) folded: Option<Arc<Folded>>,
}

/// What follows a batch norm.
#[derive(Debug, Clone)]
pub(super) enum After {
    Nothing,
    Relu,
    /// The sum with what these layers make, and the rectifier.
    AddRelu(Vec<Layer>),
}

impl ConvNorm {
    fn fold(self) -> Self {
        let (conv, norm) = (&self.conv.layer, &self.norm.layer);
        let still = self.folded.filter(|folded| conv.is_folded(norm, folded));
        let folded = still.or_else(|| conv.folded(norm).map(Arc::new));
        let after = match self.after {
            After::AddRelu(branch) => After::AddRelu(branch.into_iter().map(Layer::fold).collect()),
            after @ (After::Nothing | After::Relu) => after,
        };
        Self { folded, after, ..self }
    }

    fn forward(&self, x: Tensor<4>, mode: Mode, tail: Tail) -> Tensor<4> {
        let (conv, norm) = (&self.conv.layer, &self.norm.layer);
        let at_once = || match &self.folded {
            Some(folded) if conv.is_folded(norm, folded) => folded.run(&x, &tail),
            _ => conv.normalised(&x, norm, &tail),
        };
        match mode.views().is_none().then(at_once).flatten() {
            Some(y) => y,
            None => norm.forward(conv.forward(x), mode, tail),
        }
    }
}
