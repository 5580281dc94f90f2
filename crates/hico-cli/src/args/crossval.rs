use super::TuningArgs;
use super::pretrain::methods;
use clap::Args;
use hico::model::weights::WeightsOf;
use hico::recipe::MethodName;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Floors are measured beside what was pretrained: the largest class, 5 nearest neighbours on 16x16 thumbnails, a linear
probe on a random encoder, and the same network from random weights. Only a gain over the last one speaks for
pretraining. OUT keeps every finished fold, seed and candidate: the same command goes on where it was interrupted, and
seeds may be added later.

Examples:
  hico crossval data --pretrain-inside --pretrain-epochs 50 --out runs/honest --image-size 64 --seeds 1,2,3
  hico crossval data --pretrain-inside --method simclr --out runs/simclr --image-size 64
  hico crossval data --pretrain runs/a --out runs/a-crossval --protocol published
  hico crossval data --out runs/floors --image-size 64")]
pub(crate) struct CrossvalArgs {
    /// The data set
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// One encoder for all folds: a folder that `hico pretrain` wrote, a file of weights (.safetensors, .pth), or `random` for floors only
    #[arg(long, value_name = "RUN|FILE|random", conflicts_with = "pretrain_inside")]
    pub(crate) pretrain: Option<PathBuf>,
    /// Which network of a file that holds several: online, its momentum (EMA) teacher, or the one whose tensors' names begin so
    #[arg(long, value_name = "online|teacher|PREFIX", default_value = "online")]
    pub(crate) weights_of: WeightsOf,
    /// Pretrain an encoder for each fold, on the clips of all groups that this fold does not test
    #[arg(long)]
    pub(crate) pretrain_inside: bool,
    /// Recipe of that pretraining: a name that `hico recipe` lists, or a TOML file; the paper's if absent
    #[arg(long, value_name = "NAME|FILE", requires = "pretrain_inside")]
    pub(crate) recipe: Option<PathBuf>,
    /// Method of that pretraining, by the recipe that comes with hico; HiCo if absent
    #[arg(long, value_name = "METHOD", requires = "pretrain_inside", conflicts_with = "recipe", value_parser = methods())]
    pub(crate) method: Option<MethodName>,
    /// Epochs of that pretraining; the recipe's if absent. Its warm-up shrinks or grows with them
    #[arg(long, value_name = "N", requires = "pretrain_inside")]
    pub(crate) pretrain_epochs: Option<usize>,
    /// Clips a step of that pretraining; if absent the recipe's, or in a fold of fewer clips all of them
    #[arg(long, value_name = "N", requires = "pretrain_inside")]
    pub(crate) pretrain_batch: Option<usize>,
    /// A new folder for the results, or one that this command was interrupted on
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// Seeds, for instance 1,2,3
    #[arg(long, value_delimiter = ',', default_value = "1", value_name = "N,N,...")]
    pub(crate) seeds: Vec<u64>,
    /// Folds to test, for instance 0,1; all if absent
    #[arg(long, value_delimiter = ',', value_name = "K,K,...")]
    pub(crate) folds: Option<Vec<usize>>,
    /// Measure only the floors that cost nothing: largest class and thumbnails
    #[arg(long)]
    pub(crate) cheap_floors: bool,
    #[command(flatten)]
    pub(crate) tuning: TuningArgs,
}
