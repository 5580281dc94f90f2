use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico report evaluation --data dataset --open
  hico report run-a run-b --out compare.html
  hico --json report evaluation | jq '.evaluations[0].evaluation.candidates[].name'")]
pub(crate) struct ReportArgs {
    /// Read these folders of `hico pretrain`, `hico finetune` or `hico crossval`, and the folders below them
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Write the page to this file
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    pub(crate) out: PathBuf,
    /// Show example frames of this data set, which the page then contains; none by default
    #[arg(long, value_name = "DATASET")]
    pub(crate) data: Option<PathBuf>,
    /// Open the page in the browser when it is written
    #[arg(long)]
    pub(crate) open: bool,
    /// Overwrite an existing page; an error by default
    #[arg(long)]
    pub(crate) force: bool,
}
