use super::LabelTableArgs;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico relabel data new-labels.csv
  hico relabel data second-reader.csv --label-column reader_2 --unlabel-others
  hico relabel data ages.csv --label-column age --label-bins 40,60 --dry-run

The table is one as `hico ingest --labels` reads: a row names a clip by its source file, or by its name in the column clip \
of clips.csv; a table with a patient but no file has one row for each patient. A column that the table lacks leaves what \
is there: a table without a patient column changes no patient and no group. An empty label removes the label of its clip. \
Frames are neither read nor changed.

Where a new patient or group brings clips together that folds separate, the folds are removed; `hico split` assigns them \
anew. The table as it was is kept beside the new one, as clips.before-relabel.csv.")]
pub(crate) struct RelabelArgs {
    /// Label the clips of this data set
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// Read labels, patients, groups and folds from this CSV table
    #[arg(value_name = "LABELS.csv")]
    pub(crate) labels: PathBuf,
    /// Remove the label of clips that the table does not name; by default they keep it
    #[arg(long)]
    pub(crate) unlabel_others: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) table: LabelTableArgs,
}
