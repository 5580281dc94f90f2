//! Every flag and its help text; one file a command.

mod demo;
mod phantom;
mod ingest;
mod inspect;
mod join;
mod split;
mod audit;
mod export_data;
pub(crate) mod checkpoints;
mod recipe;
mod pretrain;
mod tuning;
mod finetune;
mod crossval;
mod compare;
mod taking;
mod predict;
mod explain;
mod embed;
mod serve;
mod export;
mod report;
mod completions;

pub(crate) use audit::AuditArgs;
pub(crate) use compare::CompareArgs;
pub(crate) use completions::CompletionsArgs;
pub(crate) use crossval::CrossvalArgs;
pub(crate) use demo::DemoArgs;
pub(crate) use embed::{EmbedArgs, LookingArgs, SimilarArgs};
pub(crate) use explain::ExplainArgs;
pub(crate) use export::{ExportArgs, ToArg};
pub(crate) use export_data::{ExportDataArgs, FormatArg, SampleArg};
pub(crate) use finetune::FinetuneArgs;
pub(crate) use ingest::{FitArg, IngestArgs, LayoutArg, SectorArg, StillsArg, TextArg};
pub(crate) use inspect::InspectArgs;
pub(crate) use join::JoinArgs;
pub(crate) use phantom::PhantomArgs;
pub(crate) use predict::{PerArg, PredictArgs};
pub(crate) use pretrain::PretrainArgs;
pub(crate) use recipe::{RecipeArgs, RecipeCommand};
pub(crate) use report::ReportArgs;
pub(crate) use serve::ServeArgs;
pub(crate) use split::SplitArgs;
pub(crate) use taking::{LimitArgs, TakingArgs};
pub(crate) use tuning::TuningArgs;

use clap::{Args, Parser, Subcommand};

/// Pretrain on ultrasound videos, learn honestly what it is worth, and put it to use.
#[derive(Debug, Parser)]
#[command(name = "hico", version, max_term_width = 110, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Heads the flags that every command takes.
const EVERYWHERE: &str = "Options of every command";

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Shared {
    /// Print the result as JSON on standard output
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
    /// Print no progress
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    pub(crate) quiet: bool,
    /// Log what is done to standard error; `-vv` logs details, `-vvv` everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    pub(crate) verbose: u8,
    /// Threads to use; all cores if absent
    #[arg(long, global = true, value_name = "N", help_heading = EVERYWHERE)]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Go the whole way on phantom clips, from files to a report, in a few minutes
    Demo(DemoArgs),
    /// Generate clips of a lung-ultrasound phantom, to try things without any patient's data
    Phantom(PhantomArgs),
    /// Take DICOM files, videos, GIFs and folders of frames into a data set
    Ingest(IngestArgs),
    /// Show what is in a data set, as a table and as a contact sheet
    Inspect(InspectArgs),
    /// Make folds that no patient crosses
    Split(SplitArgs),
    /// Find what spoils a study: copies on both sides of a split, clashing labels, confounds
    Audit(AuditArgs),
    /// Join several data sets to one, to pretrain on all of them
    Join(JoinArgs),
    /// Write a data set as WebDataset shards or as an ImageFolder tree, for other programs
    ExportData(ExportDataArgs),
    /// List the recipes that come with hico, or print one
    Recipe(RecipeArgs),
    /// Pretrain an encoder on the clips of a data set
    Pretrain(PretrainArgs),
    /// Fine-tune on all folds but one, and test on that one once
    Finetune(FinetuneArgs),
    /// Judge an encoder on every fold, beside the floors it has to beat
    Crossval(CrossvalArgs),
    /// Compare methods over data sets, folds, seeds and numbers of labels
    Compare(CompareArgs),
    /// Tell the classes of clips by a fine-tuned network, with calibrated confidence
    Predict(PredictArgs),
    /// Show where a fine-tuned network looks, at three levels, and whether that can be believed
    Explain(ExplainArgs),
    /// Write the features of clips as safetensors, NumPy array or Parquet, and show them on a plane
    Embed(EmbedArgs),
    /// Find the clips of a data set that are most like others
    Similar(SimilarArgs),
    /// Answer over HTTP, and show a page to look at clips
    Serve(ServeArgs),
    /// Write weights for torchvision, timm, ONNX and others, with a model card
    Export(ExportArgs),
    /// Make one HTML page of pretraining runs and evaluations
    Report(ReportArgs),
    /// Print a completion script for your shell
    Completions(CompletionsArgs),
}
