//! Files and folders → clips, prepared in memory as the training clips were.

use super::clip::NamedClip;
use crate::Error;
use hico_data::ingest::{PrepareOptions, RefusedClip, prepare_files};
use hico_data::manifest::MANIFEST_FILE;
use hico_data::{Dataset, Job};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shows each clip of what a person named, in order.
///
/// - `paths`: files, folders of clips, and data sets, which are opened as they are
/// - `take`: gets each clip, or why there is none; its error ends the work
/// - returns: what a person should know of what was left out
///
/// # Errors
/// Those of `take`, when a folder or data set cannot be read, or when it is asked to stop.
pub fn each_clip<E: From<Error>>(
    paths: &[PathBuf],
    options: &PrepareOptions,
    job: Job<'_>,
    mut take: impl FnMut(Result<NamedClip<'_>, RefusedClip>) -> Result<(), E>,
) -> Result<Vec<String>, E> {
    let is_dataset = |path: &Path| path.join(MANIFEST_FILE).is_file();
    let mut warnings = Vec::new();
    for paths in paths.chunk_by(|a, b| !is_dataset(a) && !is_dataset(b)) {
        if let [folder] = paths
            && is_dataset(folder)
        {
            let dataset = Arc::new(Dataset::open(folder).map_err(Error::from)?);
            (0..dataset.len()).try_for_each(|clip| take(Ok(NamedClip::new(&dataset, clip))))?;
            continue;
        }
        let mut failed = None;
        let told = prepare_files(paths, options, job.silent(), |clip| {
            let outcome = match clip {
                Ok(dataset) => take(Ok(NamedClip::new(&Arc::new(dataset), 0))),
                Err(refused) => take(Err(refused)),
            };
            match outcome {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        match failed {
            Some(error) => return Err(error),
            None => warnings.extend(told.map_err(Error::from)?),
        }
    }
    Ok(warnings)
}
