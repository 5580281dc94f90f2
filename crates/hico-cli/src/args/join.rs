use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico join lung liver --out both
  hico join a=hospital-a/data b=hospital-b/data --label-map b=classes.csv --out both
  hico audit both

The names of clips, patients and groups get the name of their data set as a prefix, as in lung/clip-7. Equal names in two \
data sets are therefore different patients, with a warning, unless --same-patients says that they are the same. A class \
of the same name in two data sets is one class. A label map (a CSV with the columns prefix and label, or us4, butterfly, \
clust, liver, lusms) renames classes by their prefix. Folds are kept where every data set has them. `hico audit` finds \
frames of one patient in two of the data sets.

After an interruption the same command continues.")]
pub(crate) struct JoinArgs {
    /// Join these data sets, two or more; NAME=DATASET gives one another name than that of its folder
    #[arg(value_name = "[NAME=]DATASET", required = true, num_args = 2..)]
    pub(crate) datasets: Vec<String>,
    /// Write the joined data set into this folder: new, empty, or an interrupted join
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Treat patients of the same name in several data sets as one patient; different patients by default
    #[arg(long)]
    pub(crate) same_patients: bool,
    /// Rename the classes of one data set with this label map; may be given for each
    #[arg(long, value_name = "NAME=MAP")]
    pub(crate) label_map: Vec<String>,
}
