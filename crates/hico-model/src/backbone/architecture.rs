//! What a backbone is, as a value: stages of blocks of operations, and what their parameters are called.
//!
//! A network is built and run from it (`network.rs`), written as ONNX from it (`export/onnx`), and known by it in files of
//! weights (`weights`). Channels that go into an operation are those that come out of the one before it.

use crate::init::Distribution;
use std::collections::BTreeSet;
use std::fmt;

/// Channels of an image.
const IMAGE: usize = 3;

/// Side of the smallest image that a network is shown ([`hico_data::view::ViewRecipe::check`]).
const SMALLEST: usize = 32;

/// A backbone: what it is called, and what it is. [`super::register`] adds one.
pub trait Backbone: fmt::Debug + Sync {
    /// The name by which recipes, records and files know it, such as `resnet18`: timm's, where timm has it.
    fn name(&self) -> &'static str;

    /// Its name as its paper has it, such as `ResNet-18`.
    fn title(&self) -> &'static str;

    /// Names by which earlier versions knew it; they are read and not written.
    fn former_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// Its stages, blocks and operations.
    fn architecture(&self) -> Architecture;

    /// The libraries whose network of this name calls its parameters as the description does.
    fn libraries(&self) -> &'static [Library] {
        &[]
    }

    /// What those libraries call a linear classifier on averaged C5; `None` where theirs reads something else.
    fn classifier(&self) -> Option<&'static str> {
        None
    }
}

/// A library of PyTorch with networks and their weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// torchvision.
    Torchvision,
    /// timm.
    Timm,
}

impl Library {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Torchvision => "torchvision",
            Self::Timm => "timm",
        }
    }
}

/// A stem, and the four stages behind it, whose maps are C2, C3, C4 and C5.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// What reads the image.
    pub stem: Block,
    /// What makes C2, C3, C4 and C5, each of the map before it.
    pub stages: [Stage; 4],
}

/// Blocks that make a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// How the names of its blocks begin, for instance `layer1`.
    pub name: String,
    /// Pixels of the image's side for one of its map's.
    pub stride: usize,
    /// Channels of its map.
    pub channels: usize,
    /// Its blocks, in their order.
    pub blocks: Vec<Block>,
}

/// Operations one after the other. Gradient checkpointing keeps what a block reads and computes the block again; fine-tuning
/// of the last block trains the last of the last stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// How the names of its parameters begin, behind the name of its stage; empty for none.
    pub name: String,
    /// Its operations, in their order.
    pub operations: Vec<Operation>,
}

/// An operation on maps, `[batch, channels, height, width]`. Names are those of parameters, behind the name of the block.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// A convolution: `weight`, and `bias` where it has one.
    Convolution(Convolution),
    /// Batch norm over each channel: `weight`, `bias`, `running_mean` and `running_var`.
    BatchNorm {
        /// Its name.
        name: String,
    },
    /// Layer norm over the channels of each place (Ba et al. 2016): `weight` and `bias`.
    LayerNorm {
        /// Its name.
        name: String,
        /// Added to the variance before its root is taken.
        epsilon: f64,
    },
    /// A fully connected layer over the channels of each place: `weight` and `bias`.
    Linear(ChannelLinear),
    /// Each channel times a number that is learnt (Touvron et al. 2021, "Going deeper with Image Transformers").
    LayerScale {
        /// The name of its one parameter.
        name: String,
        /// What every channel is multiplied by at first.
        first: f32,
    },
    /// `max(x, 0)`.
    Relu,
    /// `x` times the normal distribution's probability of less than `x` (Hendrycks and Gimpel 2016).
    Gelu,
    /// The largest value under a square window.
    MaxPool {
        /// Height and width of the window.
        kernel: usize,
        /// Step of the window.
        stride: usize,
        /// Pixels around the map that are no value.
        padding: usize,
    },
    /// Adds what the block reads, after these operations; after none as it is.
    Add(Vec<Operation>),
}

/// A two-dimensional convolution with a square kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    /// Its name.
    pub name: String,
    /// Channels that come out.
    pub outputs: usize,
    /// Groups of channels, each of which is read by outputs of its own.
    pub groups: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Step of the kernel.
    pub stride: usize,
    /// Zeros around the map.
    pub padding: usize,
    /// First weights.
    pub weight: Distribution,
    /// First biases, where it has any.
    pub bias: Option<Distribution>,
}

/// A fully connected layer over channels.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelLinear {
    /// Its name.
    pub name: String,
    /// Channels that come out.
    pub outputs: usize,
    /// First weights.
    pub weight: Distribution,
    /// First biases.
    pub bias: Distribution,
}

impl Convolution {
    /// A convolution without bias, of stride 1 and with a padding of half of its kernel, before a batch norm and a rectifier:
    /// normal weights that keep the variance of the gradient (He et al. 2015, fan out), as torchvision's residual networks.
    #[must_use]
    pub fn new(name: &str, outputs: usize, kernel: usize) -> Self {
        let weight = Distribution::Normal((2.0 / (outputs * kernel * kernel) as f64).sqrt());
        Self { name: name.to_owned(), outputs, groups: 1, kernel, stride: 1, padding: kernel / 2, weight, bias: None }
    }

    /// Kernel, stride and padding.
    pub(crate) const fn window(&self) -> [usize; 3] {
        [self.kernel, self.stride, self.padding]
    }

    /// The same with another stride.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The same with another padding.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// The same with its channels in groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// The same with biases, and other first weights.
    #[must_use]
    pub fn with_bias(self, weight: Distribution, bias: Distribution) -> Self {
        Self { weight, bias: Some(bias), ..self }
    }
}

impl From<Convolution> for Operation {
    fn from(convolution: Convolution) -> Self {
        Self::Convolution(convolution)
    }
}

impl Operation {
    /// A batch norm.
    #[must_use]
    pub fn batch_norm(name: &str) -> Self {
        Self::BatchNorm { name: name.to_owned() }
    }

    /// A layer norm.
    #[must_use]
    pub fn layer_norm(name: &str, epsilon: f64) -> Self {
        Self::LayerNorm { name: name.to_owned(), epsilon }
    }

    /// Channels that come out where `inputs` go in.
    pub(crate) fn channels(&self, inputs: usize) -> usize {
        match self {
            Self::Convolution(convolution) => convolution.outputs,
            Self::Linear(linear) => linear.outputs,
            Self::BatchNorm { .. }
            | Self::LayerNorm { .. }
            | Self::LayerScale { .. }
            | Self::Relu
            | Self::Gelu
            | Self::MaxPool { .. }
            | Self::Add(_) => inputs,
        }
    }

    /// Kernel, stride and padding of a window that moves over the map.
    const fn window(&self) -> Option<[usize; 3]> {
        match self {
            Self::Convolution(convolution) => Some(convolution.window()),
            Self::MaxPool { kernel, stride, padding } => Some([*kernel, *stride, *padding]),
            Self::BatchNorm { .. }
            | Self::LayerNorm { .. }
            | Self::Linear(_)
            | Self::LayerScale { .. }
            | Self::Relu
            | Self::Gelu
            | Self::Add(_) => None,
        }
    }

    /// Side of the map that comes out where one of `side` pixels goes in; 0 where the window is larger than the map.
    pub(crate) const fn side(&self, side: usize) -> usize {
        match self.window() {
            Some([kernel, stride, padding]) if side + 2 * padding >= kernel => {
                (side + 2 * padding - kernel) / stride + 1
            }
            Some(_) => 0,
            None => side,
        }
    }
}

/// A block of an architecture, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'a> {
    /// Its stage; `None` for the stem.
    pub(crate) stage: Option<&'a Stage>,
    pub(crate) block: &'a Block,
    /// Whether what it makes is the map of its stage.
    pub(crate) ends_stage: bool,
    /// Channels that it reads.
    pub(crate) inputs: usize,
}

impl Placed<'_> {
    /// What stands before the names of its parameters, without a dot behind it; empty for none.
    pub(crate) fn prefix(&self) -> String {
        let parts = [self.stage.map_or("", |stage| &stage.name), &self.block.name];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
    }
}

/// The name of a part of what is called `prefix`.
pub(crate) fn below(prefix: &str, name: &str) -> String {
    match (prefix, name) {
        ("", name) => name.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, name) => format!("{prefix}.{name}"),
    }
}

impl Architecture {
    /// Stem and blocks, each of which reads what the one before it made.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Placed<'_>> {
        let of_stage = |stage: &'_ Stage| {
            let count = stage.blocks.len();
            (1..=count).map(move |number| number == count)
        };
        let stages = self.stages.iter().flat_map(move |stage| {
            stage.blocks.iter().zip(of_stage(stage)).map(move |(block, ends_stage)| (Some(stage), block, ends_stage))
        });
        let mut channels = IMAGE;
        std::iter::once((None, &self.stem, false)).chain(stages).map(move |(stage, block, ends_stage)| {
            let inputs = channels;
            channels = block.operations.iter().fold(inputs, |channels, operation| operation.channels(channels));
            Placed { stage, block, ends_stage, inputs }
        })
    }

    /// Channels of C2, C3, C4 and C5.
    #[must_use]
    pub fn channels(&self) -> [usize; 4] {
        self.stages.each_ref().map(|stage| stage.channels)
    }

    /// Sides of C2, C3, C4 and C5 for images of `side` pixels; 0 where the images are too small.
    #[must_use]
    pub fn map_sides(&self, side: usize) -> [usize; 4] {
        let mut sides = self.blocks().scan(side, |side, Placed { block, ends_stage, .. }| {
            *side = block.operations.iter().fold(*side, |side, operation| operation.side(side));
            Some((*side, ends_stage))
        });
        [(); 4].map(|()| sides.by_ref().find_map(|(side, ends)| ends.then_some(side)).unwrap_or(0))
    }

    /// Names and shapes of every tensor, in PyTorch's layout and in the order in which the network holds them.
    pub(crate) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        Self::tensors_of(self.blocks())
    }

    /// The tensors of the stem, which are the first.
    pub(crate) fn tensors_of_stem(&self) -> Vec<(String, Vec<usize>)> {
        Self::tensors_of(self.blocks().take(1))
    }

    fn tensors_of<'a>(blocks: impl Iterator<Item = Placed<'a>>) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        for placed in blocks {
            placed.block.operations.iter().fold(placed.inputs, |channels, operation| {
                operation.tensors(&placed.prefix(), channels, placed.inputs, &mut tensors);
                operation.channels(channels)
            });
        }
        tensors
    }

    /// How the names of the parameters of the last block begin, without a dot behind it.
    #[must_use]
    pub fn last_block(&self) -> String {
        self.blocks().last().map(|placed| placed.prefix()).unwrap_or_default()
    }

    /// Checks that it can be built, and is what its stages say.
    ///
    /// # Errors
    /// The first thing that is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        if let Some(stage) = self.stages.iter().find(|stage| stage.blocks.is_empty()) {
            return Err(format!("stage {} has no block", stage.name));
        }
        let mut names = BTreeSet::new();
        let mut stride = 1;
        for placed in self.blocks() {
            let prefix = placed.prefix();
            let Placed { stage, block, ends_stage, inputs } = placed;
            let mut channels = inputs;
            for operation in &block.operations {
                check_operation(operation, &prefix, channels, &mut names)?;
                stride *= operation.window().map_or(1, |[_, stride, _]| stride);
                channels = operation.channels(channels);
                if let Operation::Add(around) = operation {
                    let of_branch = check_branch(around, &prefix, inputs, &mut names)?;
                    if of_branch != channels {
                        return Err(format!("block {prefix} adds {of_branch} channels to {channels}"));
                    }
                }
            }
            if let Some(stage) = stage.filter(|_| ends_stage)
                && (stage.channels, stage.stride) != (channels, stride)
            {
                let Stage { name, stride: said, channels: said_channels, .. } = stage;
                return Err(format!(
                    "stage {name} says {said_channels} channels at stride {said}, and makes {channels} at {stride}"
                ));
            }
        }
        match self.map_sides(SMALLEST) {
            [.., 0] => Err(format!("images of {SMALLEST} pixels, the smallest there are, leave no map")),
            _ => Ok(()),
        }
    }
}

/// Checks what is added to a block's map; returns its channels.
fn check_branch(
    around: &[Operation],
    prefix: &str,
    inputs: usize,
    names: &mut BTreeSet<String>,
) -> Result<usize, String> {
    let mut channels = inputs;
    for operation in around {
        if matches!(operation, Operation::Add(_)) {
            return Err(format!("block {prefix} adds within what it adds"));
        }
        check_operation(operation, prefix, channels, names)?;
        channels = operation.channels(channels);
    }
    Ok(channels)
}

fn check_operation(
    operation: &Operation,
    prefix: &str,
    inputs: usize,
    names: &mut BTreeSet<String>,
) -> Result<(), String> {
    if let Some([kernel, stride, padding]) = operation.window()
        && (kernel == 0 || stride == 0 || 2 * padding > kernel)
    {
        return Err(format!("block {prefix} has a window of {kernel} with stride {stride} and padding {padding}"));
    }
    if let Operation::Convolution(Convolution { groups, outputs, .. }) = operation
        && (*groups == 0 || !inputs.is_multiple_of(*groups) || !outputs.is_multiple_of(*groups))
    {
        return Err(format!("block {prefix} has a convolution of {inputs} to {outputs} channels in {groups} groups"));
    }
    if operation.channels(inputs) == 0 {
        return Err(format!("block {prefix} has an operation that makes no channel"));
    }
    match operation.name().map(|name| below(prefix, name)) {
        Some(name) if name.split('.').any(str::is_empty) => {
            Err(format!("block {prefix} has an operation without a name"))
        }
        Some(name) if !names.insert(name.clone()) => Err(format!("two operations are called {name}")),
        _ => Ok(()),
    }
}

impl Operation {
    /// - `inputs`: channels that go in
    /// - `of_block`: those that go into its block
    fn tensors(&self, prefix: &str, inputs: usize, of_block: usize, tensors: &mut Vec<(String, Vec<usize>)>) {
        let mut add =
            |own: &str, part: &str, shape: Vec<usize>| tensors.push((below(&below(prefix, own), part), shape));
        match self {
            Self::Convolution(Convolution { name, outputs, groups, kernel, bias, .. }) => {
                add(name, "weight", vec![*outputs, inputs / groups, *kernel, *kernel]);
                if bias.is_some() {
                    add(name, "bias", vec![*outputs]);
                }
            }
            Self::BatchNorm { name } => {
                for part in ["weight", "bias", "running_mean", "running_var"] {
                    add(name, part, vec![inputs]);
                }
            }
            Self::LayerNorm { name, .. } => {
                add(name, "weight", vec![inputs]);
                add(name, "bias", vec![inputs]);
            }
            Self::Linear(ChannelLinear { name, outputs, .. }) => {
                add(name, "weight", vec![*outputs, inputs]);
                add(name, "bias", vec![*outputs]);
            }
            Self::LayerScale { name, .. } => add(name, "", vec![inputs]),
            Self::Relu | Self::Gelu | Self::MaxPool { .. } => {}
            Self::Add(around) => {
                around.iter().fold(of_block, |channels, operation| {
                    operation.tensors(prefix, channels, of_block, tensors);
                    operation.channels(channels)
                });
            }
        }
    }

    /// What its parameters are called behind the name of its block; `None` where it has none.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Convolution(Convolution { name, .. })
            | Self::BatchNorm { name }
            | Self::LayerNorm { name, .. }
            | Self::Linear(ChannelLinear { name, .. })
            | Self::LayerScale { name, .. } => Some(name),
            Self::Relu | Self::Gelu | Self::MaxPool { .. } | Self::Add(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(name: &str, operations: Vec<Operation>) -> Block {
        Block { name: name.to_owned(), operations }
    }

    /// Four stages, each of one block with one convolution.
    fn small() -> Architecture {
        let halve = |outputs| vec![Convolution::new("conv", outputs, 3).stride(2).into()];
        let stage = |index: usize| {
            let (name, channels) = (format!("stage{index}"), 8 * (index + 1));
            Stage { name, stride: 4 << index, channels, blocks: vec![block("0", halve(channels))] }
        };
        Architecture { stem: block("stem", halve(8)), stages: [0, 1, 2, 3].map(stage) }
    }

    /// What is said of the small one after a change.
    fn refused(change: impl FnOnce(&mut Architecture)) -> String {
        let mut architecture = small();
        change(&mut architecture);
        architecture.check().unwrap_err()
    }

    #[test]
    fn a_description_that_cannot_be_built_is_refused_in_words() {
        assert_eq!(small().check(), Ok(()));
        assert!(
            refused(|a| a.stages[2].channels = 25).contains("stage2 says 25 channels at stride 16, and makes 24 at 16")
        );
        assert!(refused(|a| a.stages[0].stride = 2).contains("at stride 2, and makes 8 at 4"));
        assert!(refused(|a| a.stages[1].blocks.clear()).contains("stage1 has no block"));
        let twice = |a: &mut Architecture| a.stem.operations.push(Convolution::new("conv", 8, 1).into());
        assert!(refused(twice).contains("two operations are called stem.conv"));
        let wide = |a: &mut Architecture| {
            a.stages[0].blocks[0].operations.push(Operation::Add(vec![Convolution::new("around", 9, 1).into()]));
        };
        assert!(refused(wide).contains("block stage0.0 adds 9 channels to 8"));
        let nested = |a: &mut Architecture| {
            a.stages[0].blocks[0].operations.push(Operation::Add(vec![Operation::Add(Vec::new())]));
        };
        assert!(refused(nested).contains("adds within what it adds"));
        let groups = |a: &mut Architecture| a.stem.operations.push(Convolution::new("grouped", 8, 3).groups(3).into());
        assert!(refused(groups).contains("8 to 8 channels in 3 groups"));
        let large = |a: &mut Architecture| {
            a.stages[3].blocks[0].operations.push(Operation::MaxPool { kernel: 3, stride: 1, padding: 0 });
        };
        assert!(refused(large).contains("images of 32 pixels"));
        let no_name = |a: &mut Architecture| a.stem.operations.push(Operation::batch_norm("a..b"));
        assert!(refused(no_name).contains("without a name"));
        let still =
            |a: &mut Architecture| a.stem.operations.push(Operation::MaxPool { kernel: 3, stride: 0, padding: 1 });
        assert!(refused(still).contains("a window of 3 with stride 0 and padding 1"));
    }

    #[test]
    fn sides_are_those_of_windows_that_move_over_the_image() {
        assert_eq!(small().map_sides(33), [9, 5, 3, 2]);
        assert_eq!(small().channels(), [8, 16, 24, 32]);
        assert_eq!(small().last_block(), "stage3.0");
        let mut patches = small();
        patches.stem = block("stem", vec![Operation::MaxPool { kernel: 4, stride: 4, padding: 0 }]);
        assert_eq!([patches.map_sides(3), patches.map_sides(8)], [[0; 4], [1; 4]]);
    }
}
