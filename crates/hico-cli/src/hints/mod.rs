//! Remedies: what a person can do about an error, in the flags and commands of this program. The libraries know only facts.
//!
//! A function takes the error and names the remedy; where that depends on the command, each command has one.

mod data;

pub(crate) use data::{data, export_data, ingest, is_about_folds, join, open, phantom, proposal, search};

pub(crate) use hico::hints::{pretraining, weights};

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
    match error {
        PredictError::Data(error) => data::predict(error).map(str::to_owned),
        error => error.hint(),
    }
}

/// The remedy in `hico demo`.
pub(crate) fn demo(error: &DemoError) -> Option<String> {
    match error {
        DemoError::Data(error) => data::demo(error).map(str::to_owned),
        error => error.hint(),
    }
}
