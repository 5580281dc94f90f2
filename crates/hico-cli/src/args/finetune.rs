use super::TuningArgs;
use clap::Args;
use hico::model::weights::WeightsOf;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
OUT then holds evaluation.json, predictions.csv and the fine-tuned network (.safetensors). The same command on the same
OUT goes on where it was interrupted.

Examples:
  hico finetune runs/a --data data --holdout-fold 0 --out runs/a-fold0
  hico finetune random --data data --holdout-fold 0 --out runs/scratch-fold0 --image-size 64
  hico finetune runs/a --data data --holdout-fold 0 --out runs/authors --trainable last-block \\
      --learning-rate 0.01 --weight-decay 1e-4 --epochs 100 --protocol published")]
pub(crate) struct FinetuneArgs {
    /// A folder that `hico pretrain` wrote, a file of weights (.safetensors, .pth), or `random`
    #[arg(value_name = "RUN|FILE|random")]
    pub(crate) encoder: PathBuf,
    /// Which network of a file that holds several: online, its momentum (EMA) teacher, or the one whose tensors' names begin so
    #[arg(long, value_name = "online|teacher|PREFIX", default_value = "online")]
    pub(crate) weights_of: WeightsOf,
    /// The data set
    #[arg(long, value_name = "DATASET")]
    pub(crate) data: PathBuf,
    /// The fold that is not trained on but tested
    #[arg(long, value_name = "K")]
    pub(crate) holdout_fold: usize,
    /// A new folder for the results
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// Root of every random choice
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) tuning: TuningArgs,
}
