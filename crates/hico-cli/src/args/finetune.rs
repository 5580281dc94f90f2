use super::TuningArgs;
use clap::{ArgGroup, Args};
use hico_model::weights::WeightsOf;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico finetune runs/a --data data --holdout-fold 0 --out runs/a-fold0
  hico finetune runs/a --data data --all --out runs/a-for-use
  hico finetune random --data data --holdout-fold 0 --out runs/scratch-fold0 --image-size 64
  hico finetune runs/a --data data --holdout-fold 0 --out runs/authors --trainable last-block --learning-rate 0.01 --epochs 100

OUT then holds the fine-tuned network (.safetensors), what it reached on the fold that it never saw (summary.json, report.html), and what was predicted for every tested frame as Parquet (OUT/predictions). The same command goes on where it was interrupted.")]
#[command(group(ArgGroup::new("patients").required(true).args(["holdout_fold", "all"])))]
pub(crate) struct FinetuneArgs {
    /// Fine-tune this encoder: a folder that `hico pretrain` wrote, a file of weights (.safetensors, .pth), or `random`
    #[arg(value_name = "RUN|FILE|random")]
    pub(crate) encoder: PathBuf,
    /// Choose the network of a file that holds several: online, its momentum (EMA) teacher, or the one whose tensors' names begin so
    #[arg(long, value_name = "online|teacher|PREFIX", default_value = "online")]
    pub(crate) weights_of: WeightsOf,
    /// Train and test on this data set
    #[arg(long, value_name = "DATASET")]
    pub(crate) data: PathBuf,
    /// Test this fold, and train on all others
    #[arg(long, value_name = "K")]
    pub(crate) holdout_fold: Option<usize>,
    /// Train one network for use, with no patient left to test it: on all patients but those that choose its epoch and calibrate it, or with `--model-selection last` on every one
    #[arg(long, conflicts_with_all = ["labels_per_class", "label_fraction"])]
    pub(crate) all: bool,
    /// Write the results to this folder: a new one, or one that this command was interrupted on
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// Set the random seed
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) tuning: TuningArgs,
}
