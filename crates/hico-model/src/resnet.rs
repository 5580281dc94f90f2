//! Residual networks (He et al. 2016) with torchvision's architecture, so that its weights fit.

use super::Mode;
use super::batch_norm::{BatchNorm, Tail};
use super::init::Init;
use super::layers::{Conv2d, ConvShape, max_pool};
use crate::Depth;
use burn::module::Module;
use burn::tensor::Tensor;
use hico_kernels::conv_norm::Folded;
use std::sync::Arc;

/// A convolution and the batch norm behind it.
#[derive(Module, Debug)]
pub struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
    /// Both as one, for as long as neither changes.
    #[module(skip)]
    folded: Option<Arc<Folded>>,
}

impl ConvNorm {
    fn new(init: &Init<'_>, names: [&str; 2], shape: ConvShape) -> Self {
        Self {
            conv: Conv2d::before_norm(&init.at(names[0]), shape),
            norm: BatchNorm::new(&init.at(names[1]), shape.outputs),
            folded: None,
        }
    }

    fn fold(self) -> Self {
        let still = self.folded.filter(|folded| self.conv.is_folded(&self.norm, folded));
        let folded = still.or_else(|| self.conv.folded(&self.norm).map(Arc::new));
        Self { folded, ..self }
    }

    fn forward(&self, x: Tensor<4>, mode: Mode, tail: Tail) -> Tensor<4> {
        let at_once = || match &self.folded {
            Some(folded) if self.conv.is_folded(&self.norm, folded) => folded.run(&x, &tail),
            _ => self.conv.normalised(&x, &self.norm, &tail),
        };
        match mode.views().is_none().then(at_once).flatten() {
            Some(y) => y,
            None => self.norm.forward(self.conv.forward(x), mode, tail),
        }
    }
}

/// A residual block: two convolutions (basic) or three (bottleneck), and a way around them.
#[derive(Module, Debug)]
pub struct Block {
    stages: Vec<ConvNorm>,
    shortcut: Option<ConvNorm>,
}

/// Input channels, inner width and stride of a block.
#[derive(Debug, Clone, Copy)]
struct BlockShape {
    inputs: usize,
    width: usize,
    stride: usize,
}

impl Block {
    fn basic(init: &Init<'_>, shape: BlockShape) -> Self {
        let BlockShape { inputs, width, stride } = shape;
        let kernels = [
            ConvShape { inputs, outputs: width, kernel: 3, stride },
            ConvShape { inputs: width, outputs: width, kernel: 3, stride: 1 },
        ];
        Self::new(init, &kernels, stride)
    }

    fn bottleneck(init: &Init<'_>, shape: BlockShape) -> Self {
        let BlockShape { inputs, width, stride } = shape;
        let kernels = [
            ConvShape { inputs, outputs: width, kernel: 1, stride: 1 },
            ConvShape { inputs: width, outputs: width, kernel: 3, stride },
            ConvShape { inputs: width, outputs: 4 * width, kernel: 1, stride: 1 },
        ];
        Self::new(init, &kernels, stride)
    }

    fn new(init: &Init<'_>, kernels: &[ConvShape], stride: usize) -> Self {
        let stages = (1..).zip(kernels);
        let stages = stages.map(|(n, shape)| ConvNorm::new(init, [&format!("conv{n}"), &format!("bn{n}")], *shape));
        let (inputs, outputs) = (kernels[0].inputs, kernels[kernels.len() - 1].outputs);
        let shortcut = (stride != 1 || inputs != outputs).then(|| {
            let shape = ConvShape { inputs, outputs, kernel: 1, stride };
            ConvNorm::new(init, ["downsample.0", "downsample.1"], shape)
        });
        Self { stages: stages.collect(), shortcut }
    }

    fn fold(self) -> Self {
        Self {
            stages: self.stages.into_iter().map(ConvNorm::fold).collect(),
            shortcut: self.shortcut.map(ConvNorm::fold),
        }
    }

    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let around = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x.clone(), mode, Tail::None),
            None => x.clone(),
        };
        let Some((last, before)) = self.stages.split_last() else { return around };
        let through = before.iter().fold(x, |x, stage| stage.forward(x, mode, Tail::Relu));
        last.forward(through, mode, Tail::AddRelu(around))
    }
}

/// The convolutional part of a residual network, without its classifier.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: ConvNorm,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
}

/// The maps of a residual network, `[batch, channels, height, width]`.
///
/// A side of `s` becomes `(s - 1) / 2 + 1` at each halving.
#[derive(Debug, Clone)]
pub struct Stages {
    /// Stride 4; 64 channels (256 in ResNet-50).
    pub c2: Tensor<4>,
    /// Stride 8; 128 channels (512).
    pub c3: Tensor<4>,
    /// Stride 16; 256 channels (1024).
    pub c4: Tensor<4>,
    /// Stride 32; 512 channels (2048).
    pub c5: Tensor<4>,
}

/// Blocks in each of the four layers.
const fn blocks(depth: Depth) -> [usize; 4] {
    match depth {
        Depth::R18 => [2, 2, 2, 2],
        Depth::R34 | Depth::R50 => [3, 4, 6, 3],
    }
}

/// Channels of `[c2, c3, c4, c5]`.
#[must_use]
pub const fn channels(depth: Depth) -> [usize; 4] {
    match depth {
        Depth::R18 | Depth::R34 => [64, 128, 256, 512],
        Depth::R50 => [256, 512, 1024, 2048],
    }
}

/// Length of the averaged C5: 512, or 2048 for ResNet-50.
#[must_use]
pub const fn pooled_features(depth: Depth) -> usize {
    channels(depth)[3]
}

impl ResNet {
    /// A network with random weights.
    #[must_use]
    pub fn new(init: &Init<'_>, depth: Depth) -> Self {
        let stem = ConvShape { inputs: 3, outputs: 64, kernel: 7, stride: 2 };
        let outputs = channels(depth);
        let block = match depth {
            Depth::R18 | Depth::R34 => Block::basic,
            Depth::R50 => Block::bottleneck,
        };
        let layer = |index: usize| -> Vec<Block> {
            let init = init.at(&format!("layer{}", index + 1));
            let width = 64 << index;
            let before = if index == 0 { 64 } else { outputs[index - 1] };
            let shape = |first: bool| BlockShape {
                inputs: if first { before } else { outputs[index] },
                width,
                stride: if first && index > 0 { 2 } else { 1 },
            };
            (0..blocks(depth)[index]).map(|number| block(&init.at(&number.to_string()), shape(number == 0))).collect()
        };
        Self {
            stem: ConvNorm::new(init, ["conv1", "bn1"], stem),
            layer1: layer(0),
            layer2: layer(1),
            layer3: layer(2),
            layer4: layer(3),
        }
    }

    /// The same network, whose kernels are laid out once and not for every batch, for as long as no weight changes. They take
    /// twice the memory of the weights besides, from the first batch on.
    #[must_use]
    pub fn fold(self) -> Self {
        let layer = |blocks: Vec<Block>| blocks.into_iter().map(Block::fold).collect();
        let [layer1, layer2, layer3, layer4] = [self.layer1, self.layer2, self.layer3, self.layer4].map(layer);
        Self { stem: self.stem.fold(), layer1, layer2, layer3, layer4 }
    }

    /// - `x`: `[batch, 3, height, width]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Stages {
        self.forward_seen(x, mode, &mut |_| ())
    }

    /// As [`Self::forward`], showing what each of [`Self::steps`] made.
    pub(crate) fn forward_seen(&self, x: Tensor<4>, mode: Mode, see: &mut impl FnMut(&Tensor<4>)) -> Stages {
        let mut steps = self.steps();
        let mut x = x;
        // Each layer ends at the first step that says so.
        let [c2, c3, c4, c5] = [(); 4].map(|()| {
            for step in steps.by_ref() {
                x = step.forward(x.clone(), mode);
                see(&x);
                if step.ends_layer() {
                    break;
                }
            }
            x.clone()
        });
        Stages { c2, c3, c4, c5 }
    }

    /// The maps again, those behind a number of layers made anew from the map of the last of them: behind 1 from C2, behind 4
    /// there are none. Nothing is learnt.
    pub(crate) fn behind(&self, layers: usize, Stages { c2, c3, c4, c5 }: Stages) -> Stages {
        let mut maps = [c2, c3, c4, c5];
        let mut map = maps[layers - 1].clone();
        let mut ended = 0;
        for step in self.steps() {
            let ends = step.ends_layer();
            if ended >= layers {
                map = step.forward(map, Mode::Eval);
                if ends {
                    maps[ended] = map.clone();
                }
            }
            ended += usize::from(ends);
        }
        let [c2, c3, c4, c5] = maps;
        Stages { c2, c3, c4, c5 }
    }

    /// Stem and blocks, each of which reads what the one before it made.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let layers = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let blocks = layers.into_iter().enumerate().flat_map(|(layer, blocks)| {
            let of_layer = blocks.len();
            blocks.iter().enumerate().map(move |(number, block)| match (number + 1 == of_layer, layer) {
                (false, _) => Step::Inside(block),
                (true, 3) => Step::Last(block),
                (true, _) => Step::EndOfLayer(block),
            })
        });
        std::iter::once(Step::Stem(&self.stem)).chain(blocks)
    }
}

/// A step of a residual network.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'n> {
    /// The first convolution and the pooling behind it.
    Stem(&'n ConvNorm),
    /// A block that others of its layer follow.
    Inside(&'n Block),
    /// A block that makes C2, C3 or C4.
    EndOfLayer(&'n Block),
    /// The block that makes C5.
    Last(&'n Block),
}

impl Step<'_> {
    /// Whether what it makes is a map of [`Stages`].
    pub(crate) const fn ends_layer(self) -> bool {
        matches!(self, Self::EndOfLayer(_) | Self::Last(_))
    }

    /// - `x`: the images, or what the step before it made
    pub(crate) fn forward(self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let before = mode.before_last_block();
        match self {
            Self::Stem(stem) => max_pool(stem.forward(x, before, Tail::Relu)),
            Self::Inside(block) | Self::EndOfLayer(block) => block.forward(x, before),
            Self::Last(block) => block.forward(x, if mode == Mode::TrainLastBlock { Mode::Train } else { mode }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};
    use hico_data::Seed;

    #[test]
    fn a_folded_network_says_the_same_also_after_it_has_learnt() {
        let device = Device::flex();
        let plain = ResNet::new(&Init::new(&device, Seed(1)), Depth::R18);
        let values: Vec<f32> = (0..2 * 3 * 33 * 33).map(|place| (place as f32 * 0.37).sin()).collect();
        let x: Tensor<4> = Tensor::from_data(TensorData::new(values, [2, 3, 33, 33]), &device);
        let says = |network: &ResNet| -> Vec<f32> {
            network.forward(x.clone(), Mode::Eval).c5.into_data().try_to_vec().unwrap()
        };
        let (before, folded) = (says(&plain), plain.clone().fold());
        assert!(folded.stem.folded.is_some() && folded.layer4[1].stages[1].folded.is_some());
        assert_eq!([says(&folded), says(&folded)], [before.clone(), before.clone()]);
        for network in [&plain, &folded] {
            let _ = network.forward(x.clone(), Mode::Train);
        }
        let after = says(&plain);
        assert_ne!(after, before, "its norms have learnt");
        assert_eq!(says(&folded), after, "what was laid out before is not used");
        assert_eq!(says(&folded.fold()), after);
    }
}
