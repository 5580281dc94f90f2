//! Files and folders → clips, prepared as the training clips were. What has to be decoded lies in a temporary folder, which
//! goes when the clips do.

use crate::Error;
use hico_data::ingest::{
    ClipNote, Damaged, Identity, IngestOptions, Limits, Links, RefusedClip, Stills, ingest, links_left, sentences,
};
use hico_data::manifest::MANIFEST_FILE;
use hico_data::{Dataset, Job, Preprocessing};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Clips that were taken in together.
#[derive(Debug)]
pub struct Taken {
    /// The clips; absent where none could be taken in.
    pub dataset: Option<Arc<Dataset>>,
    /// What was refused, and why.
    pub refused: Vec<RefusedClip>,
    /// What was left out that a person may miss: links, masks.
    pub warnings: Vec<String>,
    /// For each clip of the data set the file or folder as it was named.
    pub sources: Vec<String>,
    /// Where it lies; removed with it.
    folder: Option<TempDir>,
}

/// How clips are taken in.
#[derive(Debug, Clone, Copy)]
pub struct Taking {
    /// How the frames become those that the network knows.
    pub preprocessing: Preprocessing,
    /// What a folder of pictures is.
    pub stills: Stills,
    /// What is done with symbolic links in a folder.
    pub links: Links,
    /// What a clip may cost.
    pub limits: Limits,
    /// What is kept of a damaged clip.
    pub damaged: Damaged,
}

/// What a person named: single files are taken in together, every folder on its own.
///
/// - returns: the work to be done, in order; each is given to [`take`]
#[must_use]
pub fn batches(paths: &[PathBuf]) -> Vec<Vec<PathBuf>> {
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.iter().cloned().partition(|path| path.is_dir());
    let files = (!files.is_empty()).then_some(files);
    files.into_iter().chain(folders.into_iter().map(|folder| vec![folder])).collect()
}

/// Takes clips in.
///
/// - `paths`: one of [`batches`]; a folder that is a data set is opened as it is
///
/// # Errors
/// When nothing can be read or written; a clip that cannot be taken in is refused, and the others are there.
pub fn take(paths: &[PathBuf], taking: Taking, job: Job<'_>) -> Result<Taken, Error> {
    if let [folder] = paths
        && folder.join(MANIFEST_FILE).is_file()
    {
        let dataset = Dataset::open(folder)?;
        let sources = dataset.manifest().rows.iter().map(|row| row.clip.clone()).collect();
        return Ok(Taken {
            dataset: Some(Arc::new(dataset)),
            refused: Vec::new(),
            warnings: Vec::new(),
            sources,
            folder: None,
        });
    }
    let folder = TempDir::with_prefix("hico-").map_err(no_room)?;
    let single = !matches!(paths, [only] if only.is_dir());
    let (source, (named, unread)) = if single {
        (folder.path().join("in"), staged(paths, &folder.path().join("in"))?)
    } else {
        (paths[0].clone(), (HashMap::new(), Vec::new()))
    };
    if single && named.is_empty() {
        return Ok(nothing(&[], unread, folder));
    }
    let options = IngestOptions {
        preprocessing: taking.preprocessing,
        identity: Identity::Kept,
        stills: Some(if single { Stills::Each } else { taking.stills }),
        limits: taking.limits,
        damaged: taking.damaged,
        links: taking.links,
        ..IngestOptions::default()
    };
    let out = folder.path().join("data");
    let report = match ingest(&source, &out, &options, job.silent()) {
        Ok(report) => report,
        Err(hico_data::Error::NothingFound(_)) if single => {
            let there: Vec<PathBuf> = named.into_values().collect();
            return Ok(nothing(&there, unread, folder));
        }
        // Only the data set in the temporary folder is written.
        Err(
            error @ (hico_data::Error::Write { .. }
            | hico_data::Error::Io { .. }
            | hico_data::Error::FramesLost(_)
            | hico_data::Error::FramesMisplaced { .. }),
        ) => {
            return Err(no_room(error));
        }
        Err(error) => return Err(error.into()),
    };
    let by_name = |source: &str| -> String {
        let staged = source.split('/').next().and_then(|place| named.get(place));
        match staged {
            Some(path) => path.display().to_string(),
            None if source == "." => paths[0].display().to_string(),
            None => paths[0].join(source).display().to_string(),
        }
    };
    let mut refused = report.refused;
    refused.iter_mut().for_each(|clip| clip.source = by_name(&clip.source));
    refused.extend(unread);
    let ignored = report.ignored.iter().map(|source| not_a_clip(by_name(source)));
    refused.extend(ignored.filter(|_| single));
    let dataset = (report.clips > 0).then(|| Dataset::open(&out)).transpose()?.map(Arc::new);
    let sources = report.manifest.rows.iter().map(|row| by_name(&row.source)).collect();
    let mut warnings: Vec<String> = links_left(&report.links_left).into_iter().collect();
    let told = report.clip_notes.into_iter().map(|told| ClipNote { source: by_name(&told.source), ..told });
    warnings.extend(sentences(&told.collect::<Vec<_>>()));
    if let Some(mask) = report.masks.first() {
        let count = report.masks.len();
        warnings.push(format!(
            "{count} masks of other pictures are left out, as {}; name one by its file to see it",
            by_name(mask)
        ));
    }
    Ok(Taken { dataset, refused, warnings, sources, folder: Some(folder) })
}

/// No clip: of the files that were read none is one.
fn nothing(read: &[PathBuf], unread: Vec<RefusedClip>, folder: TempDir) -> Taken {
    let refused = read.iter().map(|path| not_a_clip(path.display().to_string())).chain(unread).collect();
    Taken { dataset: None, refused, warnings: Vec::new(), sources: Vec::new(), folder: Some(folder) }
}

fn not_a_clip(source: String) -> RefusedClip {
    let reason = "is no DICOM file, no video and no picture".to_owned();
    RefusedClip { source, reason, hint: "give a file that `hico ingest` reads".to_owned(), beyond_limits: false }
}

/// Files under names of their own in one folder: links where the system has them, else copies.
///
/// - returns: the path behind each name, and the files that cannot be read
fn staged(paths: &[PathBuf], folder: &Path) -> Result<(HashMap<String, PathBuf>, Vec<RefusedClip>), Error> {
    let mut named = HashMap::new();
    let mut refused = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let file = match readable(path) {
            Ok(file) => file,
            Err(error) => {
                let (source, reason) = (path.display().to_string(), format!("cannot be read: {error}"));
                let hint = "name a file that is there and that you may read".to_owned();
                refused.push(RefusedClip { source, reason, hint, beyond_limits: false });
                continue;
            }
        };
        let place = format!("{number:06}");
        let inside = folder.join(&place);
        std::fs::create_dir_all(&inside).map_err(no_room)?;
        let to = inside.join(path.file_name().unwrap_or_default());
        if std::fs::hard_link(&file, &to).is_err() {
            let copied = std::fs::copy(&file, &to);
            copied.map_err(|error| no_room(format!("{}: {error}", path.display())))?;
        }
        named.insert(place, path.clone());
    }
    Ok((named, refused))
}

/// The file that a path means, where it is one that can be opened. What a link names is meant, not the link; to open a
/// pipe would be to wait for whoever writes into it.
fn readable(path: &Path) -> std::io::Result<PathBuf> {
    let file = std::fs::canonicalize(path)?;
    if !std::fs::metadata(&file)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    std::fs::File::open(&file)?;
    Ok(file)
}

/// Names the folder, which a person can change, and not what lay in it, which is gone.
fn no_room(why: impl std::fmt::Display) -> Error {
    Error::NoRoom { folder: std::env::temp_dir(), reason: why.to_string() }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}

impl Taken {
    /// Removes what was written for it; an error says what is left.
    ///
    /// # Errors
    /// When the temporary folder cannot be removed.
    pub fn close(self) -> Result<(), Error> {
        let Self { dataset, folder, .. } = self;
        drop(dataset);
        match folder {
            Some(folder) => {
                let path = folder.path().to_owned();
                folder.close().map_err(failed(&path))
            }
            None => Ok(()),
        }
    }
}
