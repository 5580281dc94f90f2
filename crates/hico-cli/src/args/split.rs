use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico split data --folds 5
  hico split data --folds 3 --seed 7 --force
  hico split data --folds 5 --unlabel rare
  hico split data --check")]
pub(crate) struct SplitArgs {
    /// Read this data set, and write the folds into it
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// Make this many folds
    #[arg(long, short = 'k', default_value_t = 5, value_name = "K")]
    pub(crate) folds: usize,
    /// Set the random seed
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Remove the label of every clip of this class, which has too few groups; the old table is kept as clips.before-split.csv
    #[arg(long, value_name = "CLASS", conflicts_with = "check")]
    pub(crate) unlabel: Vec<String>,
    /// Check the existing folds and change nothing
    #[arg(long, conflicts_with = "force")]
    pub(crate) check: bool,
    /// Replace existing folds; an error by default
    #[arg(long)]
    pub(crate) force: bool,
}
