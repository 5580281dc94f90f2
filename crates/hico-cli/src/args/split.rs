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
    /// A data set
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// Number of folds
    #[arg(long, short = 'k', default_value_t = 5, value_name = "K")]
    pub(crate) folds: usize,
    /// Root of every random choice
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Take the label from every clip of a class that has too few groups; the table as it was is kept as clips.before-split.csv
    #[arg(long, value_name = "CLASS", conflicts_with = "check")]
    pub(crate) unlabel: Vec<String>,
    /// Only check the folds that are there
    #[arg(long, conflicts_with = "force")]
    pub(crate) check: bool,
    /// Replace folds that are there
    #[arg(long)]
    pub(crate) force: bool,
}
