use super::checkpoints::CheckpointArgs;
use clap::{Args, ValueEnum};
use hico::device::DeviceChoice;
use hico::evaluate::classifier::Trainable;
use hico::evaluate::finetune::Looks;
use hico::recipe::Depth;

/// Flags of every command that fine-tunes.
#[derive(Debug, Args)]
pub(crate) struct TuningArgs {
    /// What of a pretrained network is trained
    #[arg(long, value_enum, default_value_t = TrainableArg::All)]
    pub(crate) trainable: TrainableArg,
    /// Which looks at a test fold are taken
    #[arg(long, value_enum, default_value_t = ProtocolArg::Honest)]
    pub(crate) protocol: ProtocolArg,
    /// Passes over the training frames
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = whole::<1, 100_000>)]
    pub(crate) epochs: usize,
    /// Height and width of an image in pixels, 32 to 512; that of the pretraining, else 224, if absent
    #[arg(long, alias = "side", value_name = "PIXELS", value_parser = whole::<32, 512>)]
    pub(crate) image_size: Option<usize>,
    /// Frames of a clip used, evenly spaced from the first to the last
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = whole::<1, 100_000>)]
    pub(crate) frames_per_clip: usize,
    /// Frames a step
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = whole::<2, 100_000>)]
    pub(crate) batch: usize,
    /// Learning rate at the start, which a cosine takes to zero (HiCo's authors: 0.01)
    #[arg(long, visible_alias = "lr", default_value_t = 3e-4, value_name = "RATE", value_parser = above_zero)]
    pub(crate) learning_rate: f64,
    /// L2 weight decay
    #[arg(long, default_value_t = 1e-4, value_name = "DECAY", value_parser = zero_or_more)]
    pub(crate) weight_decay: f64,
    /// Share of the training groups that is held out to choose the epoch
    #[arg(long, default_value_t = 0.2, value_name = "SHARE", value_parser = inner_share)]
    pub(crate) inner_fraction: f64,
    /// Depth of a network that starts from random weights; a pretrained one brings its own
    #[arg(long, value_enum, default_value_t = DepthArg::R18)]
    pub(crate) depth: DepthArg,
    /// Where to compute: auto, cpu, wgpu[:N] or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
    #[command(flatten)]
    pub(crate) checkpoints: CheckpointArgs,
}

/// As [`Trainable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrainableArg {
    /// A linear head; the encoder is frozen and its features are computed once, without augmentation
    Head,
    /// As HiCo's authors: last block, top layer of the pyramid and head
    LastBlock,
    /// The whole backbone and the head
    All,
}

/// As [`Looks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProtocolArg {
    /// One look, at the epoch that the inner validation groups chose
    Honest,
    /// Beside it the best of a look after every epoch, as the literature; the difference is shown as optimism
    #[value(alias = "both")]
    Published,
}

/// As [`Depth`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DepthArg {
    /// ResNet-18
    R18,
    /// ResNet-34
    R34,
    /// ResNet-50
    R50,
}

impl From<TrainableArg> for Trainable {
    fn from(arg: TrainableArg) -> Self {
        match arg {
            TrainableArg::Head => Self::Head,
            TrainableArg::LastBlock => Self::LastBlock,
            TrainableArg::All => Self::All,
        }
    }
}

impl From<ProtocolArg> for Looks {
    fn from(arg: ProtocolArg) -> Self {
        match arg {
            ProtocolArg::Honest => Self::Honest,
            ProtocolArg::Published => Self::Published,
        }
    }
}

impl From<DepthArg> for Depth {
    fn from(arg: DepthArg) -> Self {
        match arg {
            DepthArg::R18 => Self::R18,
            DepthArg::R34 => Self::R34,
            DepthArg::R50 => Self::R50,
        }
    }
}

fn whole<const LEAST: usize, const MOST: usize>(text: &str) -> Result<usize, String> {
    let expected = || format!("must be a whole number from {LEAST} to {MOST}");
    let number: usize = text.parse().map_err(|_| expected())?;
    if (LEAST..=MOST).contains(&number) { Ok(number) } else { Err(expected()) }
}

fn number(text: &str, holds: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && holds(*number));
    number.ok_or_else(|| format!("must be {expected}"))
}

pub(super) fn above_zero(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0, "a number above 0")
}

fn zero_or_more(text: &str) -> Result<f64, String> {
    number(text, |number| number >= 0.0, "0 or more")
}

fn inner_share(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0 && number <= 0.5, "above 0 and at most 0.5")
}
