use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico report evaluation --data dataset --open
  hico report run-a run-b --out compare.html
  hico --json report evaluation | jq '.evaluations[0].evaluation.candidates[].name'")]
pub(crate) struct ReportArgs {
    /// Folders of `hico pretrain`, `hico finetune` or `hico crossval`; folders below them are searched too
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// The page to write
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    pub(crate) out: PathBuf,
    /// Data set to take example frames from; patients' pictures then lie inside the page
    #[arg(long, value_name = "DATASET")]
    pub(crate) data: Option<PathBuf>,
    /// Open the page in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Write over a page that exists
    #[arg(long)]
    pub(crate) force: bool,
}
