//! Remedies: what a person can do about an error, in the flags and commands of this program. The libraries know only facts.
//!
//! A function takes the error and names the remedy; where that depends on the command, each command has one.

mod data;
mod weights;
mod train;
mod evaluation;
mod compare;

pub(crate) use compare::{cell, ledger, study, study_data, study_folds};
pub(crate) use data::{data, export_data, ingest, is_about_folds, join, open, phantom, proposal, search};
pub(crate) use evaluation::evaluation;
pub(crate) use train::pretrain;
pub(crate) use weights::{encoder, weights};

use crate::output::HintExt as _;
use hico::demo::DemoError;
use hico::predict::PredictError;

/// Adds to an error the remedy that is known for it, if there is one.
pub(crate) fn hinted<T, E, H>(outcome: Result<T, E>, remedy: impl FnOnce(&E) -> Option<H>) -> anyhow::Result<T>
where
    E: Into<anyhow::Error>,
    H: Into<String>,
{
    match outcome.as_ref().err().and_then(remedy) {
        Some(hint) => outcome.hint(|| hint.into()),
        None => outcome.map_err(Into::into),
    }
}

/// The remedy where clips are shown to a network.
pub(crate) fn predict(error: &PredictError) -> Option<String> {
    let hint = match error {
        PredictError::Data(error) => data::predict(error)?,
        PredictError::NoModel { remedy, .. } => remedy,
        PredictError::Weights(error) if let Some(hint) = weights(error) => hint,
        PredictError::NotFinite { .. } => {
            "the network's weights are too large to compute with: use another, or fine-tune it again"
        }
        PredictError::Weights(_) => {
            "`hico finetune RUN --data DATASET --holdout-fold 0 --out OUT` makes a network; then give OUT"
        }
        PredictError::ManyModels { folder, names } => {
            return names.first().map(|name| format!("give one of these files: {}", folder.join(name).display()));
        }
        PredictError::NoRoom { .. } => "make room there, or set TMPDIR to a folder on another disk",
        PredictError::File { .. } | PredictError::Interrupted => return None,
    };
    Some(hint.to_owned())
}

/// The remedy in `hico demo`.
pub(crate) fn demo(error: &DemoError) -> Option<String> {
    match error {
        DemoError::Taken(_) => Some("choose another --out".to_owned()),
        DemoError::File { .. } => Some("choose an --out on a disk with room that you may write to".to_owned()),
        DemoError::Data(error) => data::demo(error).map(str::to_owned),
        DemoError::Evaluate(error) => evaluation(error),
        DemoError::Report(error) => Some(error.hint().to_owned()),
        DemoError::Interrupted => None,
    }
}
