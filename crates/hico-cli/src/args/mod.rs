//! Every flag and its help text; one file a command.

mod demo;
mod phantom;
mod inspect;
mod join;
mod split;
mod audit;
mod export_data;
pub(crate) mod checkpoints;
mod label_table;
mod relabel;
mod recipe;
pub(crate) mod settings;
mod tuning;
mod pretrain;
mod finetune;
mod crossval;
mod compare;
mod taking;
mod ingest;
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
pub(crate) use crossval::{BaselinesArg, CrossvalArgs};
pub(crate) use demo::DemoArgs;
pub(crate) use embed::{EmbedArgs, LookingArgs, SimilarArgs};
pub(crate) use explain::ExplainArgs;
pub(crate) use export::{ExportArgs, PartArg, ToArg};
pub(crate) use export_data::{ExportDataArgs, FormatArg, SampleArg};
pub(crate) use finetune::FinetuneArgs;
pub(crate) use ingest::{FitArg, IngestArgs, LayoutArg, SectorArg, TextArg};
pub(crate) use inspect::InspectArgs;
pub(crate) use join::JoinArgs;
pub(crate) use label_table::LabelTableArgs;
pub(crate) use phantom::PhantomArgs;
pub(crate) use predict::{PerArg, PredictArgs};
pub(crate) use pretrain::PretrainArgs;
pub(crate) use recipe::{RecipeArgs, RecipeCommand};
pub(crate) use relabel::RelabelArgs;
pub(crate) use report::ReportArgs;
pub(crate) use serve::ServeArgs;
pub(crate) use split::SplitArgs;
pub(crate) use taking::{LimitArgs, StillsArg, TakingArgs};
pub(crate) use tuning::{SelectionArg, TuningArgs};

use clap::{Args, Parser, Subcommand};

/// Pretrain encoders on ultrasound videos, evaluate them by patient, and use them.
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
    /// Print the result as JSON on standard output; text by default
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
    /// Print no progress; warnings stay
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    pub(crate) quiet: bool,
    /// Write a log to standard error; `-vv` adds details, `-vvv` everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    pub(crate) verbose: u8,
    /// Use this many threads; all cores by default
    #[arg(long, global = true, value_name = "N", help_heading = EVERYWHERE)]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole pipeline on phantom clips, from files to a report, in a few minutes
    Demo(DemoArgs),
    /// Generate clips of a lung-ultrasound phantom, to try things without patient data
    Phantom(PhantomArgs),
    /// Convert DICOM files, videos, GIFs and folders of frames to a data set
    Ingest(IngestArgs),
    /// Change the labels, patients, groups and folds of a data set by a table
    Relabel(RelabelArgs),
    /// Show the content of a data set as a table and as a contact sheet
    Inspect(InspectArgs),
    /// Assign clips to folds by patient
    Split(SplitArgs),
    /// Find leakage: duplicates across folds, conflicting labels and confounders
    Audit(AuditArgs),
    /// Join several data sets into one, to pretrain on all of them
    Join(JoinArgs),
    /// Export a data set as WebDataset shards or as an ImageFolder tree
    ExportData(ExportDataArgs),
    /// List the shipped recipes, or print one
    Recipe(RecipeArgs),
    /// Pretrain an encoder on the clips of a data set
    Pretrain(PretrainArgs),
    /// Fine-tune on all folds but one, and test once on that fold
    Finetune(FinetuneArgs),
    /// Evaluate an encoder on every fold, beside baselines
    Crossval(CrossvalArgs),
    /// Compare methods over data sets, folds, seeds and numbers of labels
    Compare(CompareArgs),
    /// Predict the classes of clips with a fine-tuned network and calibrated confidence
    Predict(PredictArgs),
    /// Explain predictions with Grad-CAM at three levels, occlusion and sanity checks
    Explain(ExplainArgs),
    /// Embed clips: write features as safetensors, NumPy or Parquet, and plot them in two dimensions
    Embed(EmbedArgs),
    /// Find the clips of a data set that are most similar to others
    Similar(SimilarArgs),
    /// Serve predictions over HTTP, with a page to view clips
    Serve(ServeArgs),
    /// Export weights for torchvision, timm, ONNX and others, with a model card
    Export(ExportArgs),
    /// Write one HTML report of pretraining runs and evaluations
    Report(ReportArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}
