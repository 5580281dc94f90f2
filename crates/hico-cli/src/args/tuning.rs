use super::checkpoints::CheckpointArgs;
use clap::{Args, ValueEnum};
use hico_eval::compare::labels::Labels;
use hico_eval::compare::settings::ModelSelection;
use hico_model::classifier::Trainable;
use hico_model::device::DeviceChoice;
use hico_model::{BackboneName, FeatureSet};
use hico_train::finetune::{ClassBalance, HeadInit};

/// Flags of every command that fine-tunes.
#[derive(Debug, Args)]
pub(crate) struct TuningArgs {
    /// Choose what of a pretrained network is trained
    #[arg(long, value_enum, default_value_t = TrainableArg::All)]
    pub(crate) trainable: TrainableArg,
    /// Select the epoch of a fine-tuning: by default the last one in `crossval` and of few labels, that of the inner validation patients in `finetune`
    #[arg(long, alias = "protocol", value_enum, value_name = "HOW")]
    pub(crate) model_selection: Option<SelectionArg>,
    /// Stop a fine-tuning after this number of epochs without a better one on the inner validation patients; by default it runs to its end
    #[arg(long, value_name = "EPOCHS", value_parser = whole::<1, 100_000>)]
    pub(crate) early_stopping: Option<usize>,
    /// Learn from the labels of N patients of each class alone
    #[arg(long, value_name = "N", value_parser = whole::<1, 100_000>, conflicts_with = "label_fraction")]
    pub(crate) labels_per_class: Option<usize>,
    /// Learn from the labels of this fraction of the patients of each class alone, 0.001 to 1
    #[arg(long, value_name = "FRACTION", value_parser = fraction)]
    pub(crate) label_fraction: Option<Labels>,
    /// Make up for classes of different size
    #[arg(long, value_enum, default_value_t = BalanceArg::Weights, value_name = "HOW")]
    pub(crate) class_balance: BalanceArg,
    /// Choose what the head of a pretrained network begins with; that of a network from random weights is random
    #[arg(long, value_enum, default_value_t = HeadInitArg::Random, value_name = "WHAT")]
    pub(crate) head_init: HeadInitArg,
    /// Train on frames as they are, without crops and flips
    #[arg(long)]
    pub(crate) no_augmentation: bool,
    /// Set the passes over the training frames
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = whole::<1, 100_000>)]
    pub(crate) epochs: usize,
    /// Set the height and width of an image in pixels, 32 to 512; by default those of the pretraining, else 224
    #[arg(long, alias = "side", value_name = "PIXELS", value_parser = whole::<32, 512>)]
    pub(crate) image_size: Option<usize>,
    /// Read these features of a network, in the probe and the head: averages of c5, of all stages or of the pyramid, each also with largest values as stages-mean-max
    #[arg(long, default_value_t = FeatureSet::C5, value_name = "FEATURES")]
    pub(crate) features: FeatureSet,
    /// Use N frames of a clip, evenly spaced from the first to the last
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = whole::<1, 100_000>)]
    pub(crate) frames_per_clip: usize,
    /// Set the frames a step
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = whole::<2, 100_000>)]
    pub(crate) batch: usize,
    /// Set the learning rate at the start, which a cosine takes to zero (HiCo's authors: 0.01)
    #[arg(long, visible_alias = "lr", default_value_t = 3e-4, value_name = "RATE", value_parser = above_zero)]
    pub(crate) learning_rate: f64,
    /// Set the L2 weight decay
    #[arg(long, default_value_t = 1e-4, value_name = "DECAY", value_parser = zero_or_more)]
    pub(crate) weight_decay: f64,
    /// Hold out this fraction of the training patients where an epoch or a probe's strength is chosen on them
    #[arg(long, alias = "inner-fraction", default_value_t = 0.2, value_name = "FRACTION", value_parser = val_fraction)]
    pub(crate) val_fraction: f64,
    /// Choose the network that starts from random weights: resnet18, resnet34, resnet50 or convnext_tiny; a pretrained one brings its own
    #[arg(long, alias = "depth", default_value_t = BackboneName::RESNET18, value_name = "NAME")]
    pub(crate) backbone: BackboneName,
    /// Compute on this device: auto, cpu, wgpu[:N] or cuda[:N]
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

/// As [`HeadInit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HeadInitArg {
    /// Random weights
    Random,
    /// The linear probe of the features before anything is trained (LP-FT), for few labels
    LinearProbe,
}

impl From<HeadInitArg> for HeadInit {
    fn from(arg: HeadInitArg) -> Self {
        match arg {
            HeadInitArg::Random => Self::Random,
            HeadInitArg::LinearProbe => Self::LinearProbe,
        }
    }
}

/// What selects the epoch of a fine-tuning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SelectionArg {
    /// Learn from every training patient; the last epoch stands
    Last,
    /// The best on inner validation patients, who are not learnt from
    #[value(alias = "honest")]
    InnerValidation,
    /// Report beside it the epoch that is best on the test fold, as the literature; the difference is shown as selection bias
    #[value(aliases = ["published", "both"])]
    TestFold,
}

impl SelectionArg {
    /// What selects the epoch, and whether the test fold's own is reported beside it.
    pub(crate) const fn parts(self) -> (ModelSelection, bool) {
        match self {
            Self::Last => (ModelSelection::Last, false),
            Self::InnerValidation => (ModelSelection::InnerValidation, false),
            Self::TestFold => (ModelSelection::InnerValidation, true),
        }
    }
}

/// As [`ClassBalance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BalanceArg {
    /// Every class weighs the same in the loss
    Weights,
    /// As many frames of every class are drawn, those of small classes repeatedly
    Sampling,
    /// Classes weigh what they hold
    None,
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

impl From<BalanceArg> for ClassBalance {
    fn from(arg: BalanceArg) -> Self {
        match arg {
            BalanceArg::Weights => Self::Weights,
            BalanceArg::Sampling => Self::Sampling,
            BalanceArg::None => Self::None,
        }
    }
}

impl TuningArgs {
    /// What selects the epoch of a network that is put to use: its confidence is calibrated on patients that it did not learn
    /// from, unless labels are few.
    pub(crate) fn selection_of_network(&self) -> SelectionArg {
        let few = self.labels() != Labels::All && self.early_stopping.is_none();
        self.model_selection.unwrap_or(if few { SelectionArg::Last } else { SelectionArg::InnerValidation })
    }

    /// The labels that may be known.
    pub(crate) fn labels(&self) -> Labels {
        self.label_fraction.or_else(|| self.labels_per_class.map(Labels::Groups)).unwrap_or(Labels::All)
    }
}

fn fraction(text: &str) -> Result<Labels, String> {
    if text.parse::<f64>() == Ok(1.0) {
        return Ok(Labels::All);
    }
    let labels = text.parse().ok().filter(|labels| matches!(labels, Labels::Thousandths(_)));
    labels.ok_or_else(|| "must be from 0.001 to 1, with three decimals at most".to_owned())
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

fn val_fraction(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0 && number <= 0.5, "above 0 and at most 0.5")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_one_is_every_label() {
        for (text, labels) in [("1", Labels::All), ("1.0", Labels::All), ("0.1", Labels::Thousandths(100))] {
            assert_eq!(fraction(text), Ok(labels), "{text}");
        }
        for text in ["0", "1.001", "2", "all", "nan", "0.1234"] {
            assert!(fraction(text).is_err(), "{text}");
        }
    }
}
