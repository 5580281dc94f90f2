//! Remedies: what a person can do about an error, in the flags and commands of this program. The libraries know only facts.
//!
//! A function takes the error and names the remedy; where that depends on the command, each command has one.

mod data;
mod weights;
mod train;
mod evaluation;
mod compare;
mod networks;
mod report;

pub(crate) use compare::{cell, ledger, study, study_data, study_folds};
pub(crate) use data::{data, export_data, ingest, is_about_folds, join, open, phantom, proposal, relabel, search};
pub(crate) use evaluation::evaluation;
pub(crate) use networks::{export, features, predict};
pub(crate) use report::{demo, report, summary};
pub(crate) use train::pretrain;
pub(crate) use weights::{encoder, weights};

use crate::output::HintExt as _;

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
