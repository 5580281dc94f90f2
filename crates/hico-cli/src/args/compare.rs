use super::checkpoints::CheckpointArgs;
use clap::Args;
use hico_model::device::DeviceChoice;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico compare study.toml --out study --plan
  hico compare study.toml --out study --jobs 2
  hico compare study.toml --out study --cell 17
  hico compare study.toml --out study --verify 17

A study is a grid of cells: one encoder each (a method, a fold or a whole data set, a seed) and every evaluation of it. Finished cells are kept in OUT/cells, with what was predicted for every tested frame as Parquet in OUT/predictions. The same command runs what is missing, so that it can be stopped at any time and methods, data sets and seeds can be added later. When no cell is left, or with --summarise, OUT gets answers.csv (every evaluation with its figures), summary.json, summary.md and report.html. docs/COMPARE.md describes the study file.

In an array job each task runs the cell of its number: SLURM_ARRAY_TASK_ID (Slurm) and JOB_COMPLETION_INDEX (an indexed Job of Kubernetes) are read where --cell is absent; elsewhere say --cell \"$VARIABLE\". Summarise afterwards.")]
pub(crate) struct CompareArgs {
    /// Run this study
    #[arg(value_name = "STUDY.toml")]
    pub(crate) study: PathBuf,
    /// Write the results to this folder: a new one, or one that was begun with this study
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// List the cells and which of them are finished
    #[arg(long)]
    pub(crate) list: bool,
    /// Show what the study can show, before anything is run: patients, tests, and the smallest difference that it would find
    #[arg(long, conflicts_with = "list")]
    pub(crate) plan: bool,
    /// Run only this cell, by its number in the list; in an array job that of the task, if absent
    #[arg(long, value_name = "N", conflicts_with_all = ["list", "plan"])]
    pub(crate) cell: Option<usize>,
    /// Run a finished cell again, elsewhere, and compare its predictions to the last digit
    #[arg(long, value_name = "N", conflicts_with_all = ["list", "plan", "cell"])]
    pub(crate) verify: Option<usize>,
    /// Sum up what is finished and run nothing
    #[arg(long, conflicts_with_all = ["list", "plan", "cell", "verify"])]
    pub(crate) summarise: bool,
    /// Run this number of cells at a time, each in a process of its own with its part of the cores
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) jobs: NonZeroUsize,
    /// Compute on this device: auto, cpu, wgpu[:N] or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
    #[command(flatten)]
    pub(crate) checkpoints: CheckpointArgs,
}
