//! The flags that say how a labels table is read, of every command that reads one.

use clap::Args;
use hico_data::ingest::{Column, Columns, KeptWords, LabelBins};

pub(super) const LABELS: &str = "Labels and patients";

/// Flags beside the table itself, which each command calls `labels`.
#[derive(Debug, Args)]
pub(crate) struct LabelTableArgs {
    /// Read file names from this column; found by name by default
    #[arg(long, value_name = "NAME", requires = "labels", help_heading = LABELS)]
    pub(crate) file_column: Option<String>,
    /// Read the class from this column; found by name by default
    #[arg(long, value_name = "NAME", requires = "labels", help_heading = LABELS)]
    pub(crate) label_column: Option<String>,
    /// Read the patient from this column; found by name by default
    #[arg(long, value_name = "NAME", requires = "labels", help_heading = LABELS)]
    pub(crate) patient_column: Option<String>,
    /// Read the group, the unit of every split, from this column; found by name by default, else the patient
    #[arg(long, value_name = "NAME", requires = "labels", help_heading = LABELS)]
    pub(crate) group_column: Option<String>,
    /// Read the fold from this column; found by name by default
    #[arg(long, value_name = "NAME", requires = "labels", help_heading = LABELS)]
    pub(crate) fold_column: Option<String>,
    /// Bin a numeric label column at these thresholds: 40,50 makes three classes
    #[arg(long, alias = "label-cuts", value_name = "N,N,..", requires = "labels", help_heading = LABELS)]
    pub(crate) label_bins: Option<LabelBins>,
    /// Remove this prefix from the table's paths, for it stands for the source folder; may be given twice
    #[arg(long, value_name = "PATH", requires = "labels", help_heading = LABELS)]
    pub(crate) labels_root: Vec<String>,
    /// Keep these words as classes, patients or groups, although they otherwise mean "none" (NA, unknown, ..)
    #[arg(long, value_name = "WORD,WORD,..", value_delimiter = ',', allow_hyphen_values = true, help_heading = LABELS)]
    pub(crate) keep_word: Vec<String>,
}

impl LabelTableArgs {
    /// Returns how the columns are found.
    pub(crate) fn columns(&self) -> Columns {
        let column = |name: &Option<String>| name.clone().map_or(Column::Obvious, Column::Named);
        Columns {
            file: column(&self.file_column),
            label: column(&self.label_column),
            patient: column(&self.patient_column),
            group: column(&self.group_column),
            fold: column(&self.fold_column),
            bins: self.label_bins.clone().unwrap_or_default(),
            kept: self.kept_words(),
        }
    }

    /// Returns the words that are names although they usually stand for nothing.
    pub(crate) fn kept_words(&self) -> KeptWords {
        KeptWords::new(self.keep_word.iter().cloned())
    }
}
