//! What commands share that are shown files: preparing clip after clip, and saying what was refused.

use crate::args::TakingArgs;
use crate::hints;
use crate::output::Output;
use hico_data::ingest::{Links, PrepareOptions};
use hico_data::{Job, Preprocessing};
use hico_model::predict::clip::NamedClip;
use hico_model::predict::sources;
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit code where some clips were refused and others were not.
const EXIT_REFUSED: u8 = 2;

/// Prepares what was named and shows each clip to `each`.
///
/// - `preprocessing`: how the frames become those that the network knows
/// - returns: how many clips were refused
pub(crate) fn each_clip(
    paths: &[PathBuf],
    preprocessing: Preprocessing,
    args: &TakingArgs,
    job: Job<'_>,
    output: &Output,
    mut each: impl FnMut(NamedClip<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let mut refused = 0;
    let is_there = |path: &&PathBuf| match std::fs::metadata(path) {
        Ok(_) => true,
        Err(error) => {
            output.warning(&format!(
                "{}: {error}\n  hint: name a file that is there and that you may read",
                path.display()
            ));
            refused += 1;
            false
        }
    };
    let paths: Vec<PathBuf> = paths.iter().filter(is_there).cloned().collect();
    let options = PrepareOptions {
        preprocessing,
        stills: args.stills.into(),
        links: links(args.follow_links),
        limits: args.limits.limits(),
        damaged: args.limits.damaged(),
        ..PrepareOptions::default()
    };
    let warnings = sources::each_clip(&paths, &options, job, |clip| match clip {
        Ok(clip) => each(clip),
        Err(clip) => {
            output.warning(&format!("{}: {}\n  hint: {}", clip.source, clip.reason, clip.hint));
            refused += 1;
            Ok(())
        }
    });
    hinted(warnings)?.iter().for_each(|words| output.warning(words));
    Ok(refused)
}

/// What `--follow-links` asks for.
pub(crate) const fn links(follow: bool) -> Links {
    if follow { Links::Followed } else { Links::Left }
}

/// 0 where every clip was taken in, 2 where some were refused, 1 where all were.
pub(crate) fn exit_code(refused: usize, taken: usize) -> ExitCode {
    match (refused, taken) {
        (0, _) => ExitCode::SUCCESS,
        (_, 0) => ExitCode::FAILURE,
        _ => ExitCode::from(EXIT_REFUSED),
    }
}

/// Adds the remedy to an error of a prediction.
pub(crate) fn hinted<T>(outcome: anyhow::Result<T>) -> anyhow::Result<T> {
    hints::hinted(outcome, |error| error.downcast_ref().and_then(hints::predict))
}
