use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico join lung liver --out both
  hico join a=hospital-a/data b=hospital-b/data --label-map b=classes.csv --out both
  hico audit both

Clips, patients and groups take the name of their data set in front, as lung/clip-7: equal names in two data sets are not the same patient,
which is told where there are any, unless --same-patients says that they are.
A class that is called alike in two is one class; a label map (a CSV with the columns prefix and label, or us4, butterfly, clust, liver,
lusms) gives it another name by its first letters. Folds are kept where every data set has them. Frames of one patient in two of the data
sets are found by `hico audit`.

Interrupted, the same command goes on where it was.")]
pub(crate) struct JoinArgs {
    /// Data sets, two or more; NAME=DATASET calls one by another name than that of its folder
    #[arg(value_name = "[NAME=]DATASET", required = true, num_args = 2..)]
    pub(crate) datasets: Vec<String>,
    /// Folder of the whole; new or empty, or a join to go on with
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Patients that several data sets name alike are the same people, and stay in one group
    #[arg(long)]
    pub(crate) same_patients: bool,
    /// Label map of one data set; may be given for each
    #[arg(long, value_name = "NAME=MAP")]
    pub(crate) label_map: Vec<String>,
}
