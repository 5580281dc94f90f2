//! ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s"), with timm's names, so that its weights fit.
//!
//! The network is the paper's without stochastic depth. Its last layer norm, which follows the average of C5 and belongs to the
//! classifier, is left out.

use super::architecture::{Architecture, Backbone, Block, ChannelLinear, Convolution, Library, Operation, Stage};
use crate::init::Distribution;

/// Of every layer norm.
const EPSILON: f64 = 1e-6;

/// Of weights, the paper's; those that it cuts off lie a hundred deviations away.
const WEIGHT: Distribution = Distribution::Normal(0.02);
const BIAS: Distribution = Distribution::Constant(0.0);

/// What a block is multiplied by at first.
const SCALE: f32 = 1e-6;

/// A ConvNeXt: the blocks and the channels of its stages.
#[derive(Debug)]
pub(super) struct ConvNext {
    name: &'static str,
    title: &'static str,
    blocks: [usize; 4],
    channels: [usize; 4],
}

pub(super) static CONVNEXT_TINY: ConvNext =
    ConvNext { name: "convnext_tiny", title: "ConvNeXt-T", blocks: [3, 3, 9, 3], channels: [96, 192, 384, 768] };

impl Backbone for ConvNext {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn libraries(&self) -> &'static [Library] {
        &[Library::Timm]
    }

    fn architecture(&self) -> Architecture {
        let patches = Convolution::new("0", self.channels[0], 4).stride(4).padding(0).with_bias(WEIGHT, BIAS);
        Architecture {
            stem: block("stem", vec![patches.into(), Operation::layer_norm("1", EPSILON)]),
            stages: [0, 1, 2, 3].map(|index| self.stage(index)),
        }
    }
}

impl ConvNext {
    fn stage(&self, index: usize) -> Stage {
        let channels = self.channels[index];
        let halve = Convolution::new("1", channels, 2).stride(2).padding(0).with_bias(WEIGHT, BIAS);
        let downsample = block("downsample", vec![Operation::layer_norm("0", EPSILON), halve.into()]);
        let blocks = (0..self.blocks[index]).map(|number| block(&format!("blocks.{number}"), residual(channels)));
        Stage {
            name: format!("stages.{index}"),
            stride: 4 << index,
            channels,
            blocks: (index > 0).then_some(downsample).into_iter().chain(blocks).collect(),
        }
    }
}

fn block(name: &str, operations: Vec<Operation>) -> Block {
    Block { name: name.to_owned(), operations }
}

/// The operations of a block (figure 4 of the paper).
fn residual(channels: usize) -> Vec<Operation> {
    let linear = |name: &str, outputs| {
        Operation::Linear(ChannelLinear { name: name.to_owned(), outputs, weight: WEIGHT, bias: BIAS })
    };
    vec![
        Convolution::new("conv_dw", channels, 7).groups(channels).with_bias(WEIGHT, BIAS).into(),
        Operation::layer_norm("norm", EPSILON),
        linear("mlp.fc1", 4 * channels),
        Operation::Gelu,
        linear("mlp.fc2", channels),
        Operation::LayerScale { name: "gamma".to_owned(), first: SCALE },
        Operation::Add(Vec::new()),
    ]
}
