//! The error of this crate. It knows facts: which file, what the system says, which numbers; what helps is known by the
//! program that met it.

mod words;

use std::io;
use std::path::{Path, PathBuf};
use words::{folds_there_are, what_is_kept};

pub use words::KeyFault;

/// A failure to learn. Context is wrapped around it as [`Error::InFile`]; an interruption stays [`Error::Interrupted`],
/// whatever it interrupted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // Any file.
    /// A file or folder that is worked on cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder that was named, or a part of it, cannot be read.
    #[error("{}: {source}", .path.display())]
    Input {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("{}: cannot be written: {source}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is wrong with a file, with its name.
    #[error("{}: {source}", .path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<Self>,
    },
    /// A data set, or clips for one, cannot be read, made or written.
    #[error(transparent)]
    Data(hico_data::Error),
    /// A network cannot be read, used or handed over.
    #[error(transparent)]
    Model(hico_model::Error),
    /// The caller asked to stop; what is done is kept.
    #[error("interrupted")]
    Interrupted,

    // Recipes.
    /// A recipe is not TOML, or not in sections.
    #[error("line {line}: {reason}")]
    RecipeText {
        /// Line of the fault, from 1.
        line: usize,
        /// The fault.
        reason: String,
    },
    /// A key of a recipe is unknown, is not read by the method, or has a value of the wrong kind or out of its range.
    #[error("{0}")]
    RecipeKey(Box<KeyFault>),

    /// A method of another crate cannot be made known.
    #[error("the method {name:?} cannot be registered: {reason}")]
    Register {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },

    // Pretraining: its clips.
    /// No clip is left.
    #[error("no clip is left to train on")]
    NoClips,
    /// The fold to keep out does not exist.
    #[error("no clip is in fold {fold}; the data set has {}", folds_there_are(.folds))]
    NoClipInFold {
        /// The fold asked for.
        fold: usize,
        /// The folds there are.
        folds: Vec<usize>,
    },
    /// Labels alone cannot teach with fewer than two classes.
    #[error("supervised training needs 2 classes or more; the labelled clips have {classes}")]
    TooFewToSupervise {
        /// Classes found.
        classes: usize,
    },
    /// No batch can be made.
    #[error("a batch of {batch} clips is larger than the {clips} clip{} to train on", if *.clips == 1 { "" } else { "s" })]
    BatchTooLarge {
        /// Clips in a batch.
        batch: usize,
        /// Clips there are.
        clips: usize,
    },

    // Pretraining: the folder of a run.
    /// The folder holds no run.
    #[error("{}: not a run: it has no {lacks}", .folder.display())]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// The file that a run has.
        lacks: &'static str,
    },
    /// The record of a run does not parse.
    #[error("{}: not a run's record: {source}", .path.display())]
    BrokenRunRecord {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// Another process writes into the same folder.
    #[error("{}: another process is writing to this run", .0.display())]
    RunBusy(PathBuf),
    /// The folder holds a run already.
    #[error("{}: holds a run already", .0.display())]
    RunExists(PathBuf),
    /// The run was begun by another version.
    #[error("{}: begun by version {run}, this is {}", .folder.display(), env!("CARGO_PKG_VERSION"))]
    RunVersion {
        /// The run.
        folder: PathBuf,
        /// The version that began it.
        run: String,
    },
    /// The run has another recipe.
    #[error("{}: begun with {key} = {run}, now asked for {asked}", .folder.display())]
    OtherRecipe {
        /// The run.
        folder: PathBuf,
        /// The first key that differs.
        key: String,
        /// Its value in the run.
        run: String,
        /// Its value now.
        asked: String,
    },
    /// More is done than asked for.
    #[error("{}: {done} epochs are begun or finished, now asked for {asked}", .folder.display())]
    TooFewEpochs {
        /// The run.
        folder: PathBuf,
        /// Epochs that are begun or done.
        done: usize,
        /// Epochs asked for.
        asked: usize,
    },
    /// The run has other data.
    #[error("{}: begun with {what} {run}, now asked for {asked}", .folder.display())]
    OtherData {
        /// The run.
        folder: PathBuf,
        /// What differs.
        what: &'static str,
        /// It in the run.
        run: String,
        /// It now.
        asked: String,
    },
    /// The loss is no number any more.
    #[error("step {step}: the {what} is not a number; {}", what_is_kept(.kept.as_deref()))]
    LossNotFinite {
        /// The step.
        step: u64,
        /// What is not a number.
        what: String,
        /// The newest good checkpoint.
        kept: Option<PathBuf>,
    },

    // Pretraining: its checkpoints.
    /// A checkpoint cannot be written; an older one is still there.
    #[error("{}: the checkpoint cannot be written: {source}", .path.display())]
    WriteCheckpoint {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A checkpoint cannot be read.
    #[error("{}: the checkpoint cannot be read: {source}", .path.display())]
    ReadCheckpoint {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A checkpoint is shorter than its header says.
    #[error("{}: the checkpoint is cut short: {found} of {expected} bytes", .path.display())]
    CheckpointCut {
        /// The file.
        path: PathBuf,
        /// Bytes there are.
        found: u64,
        /// Bytes its header announces.
        expected: u64,
    },
    /// A file is not a checkpoint of ours.
    #[error("{}: not a checkpoint of a run: {reason}", .path.display())]
    BrokenCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another version wrote the checkpoint.
    #[error("{}: written by version {found}, this is {}", .path.display(), env!("CARGO_PKG_VERSION"))]
    CheckpointVersion {
        /// The file.
        path: PathBuf,
        /// Who wrote it.
        found: String,
    },

    // Folds of an evaluation.
    /// Nothing to tell apart.
    #[error("the labels have {} class{}: two or more are needed to evaluate anything", .0, if *.0 == 1 { "" } else { "es" })]
    TooFewClasses(usize),
    /// There is no such fold.
    #[error("there is no fold {fold}; the folds are {folds:?}")]
    UnknownFold {
        /// The fold asked for.
        fold: usize,
        /// The folds there are.
        folds: Vec<usize>,
    },
    /// A class cannot be learnt.
    #[error("without fold {fold} no clip of class {class:?} is left to train on; ask for more groups or fewer classes")]
    NothingToLearn {
        /// The fold.
        fold: usize,
        /// The class.
        class: String,
    },
    /// No group can be spared to choose the epoch.
    #[error("fold {fold} leaves no class with two groups to train on, so none can be held out to choose the epoch")]
    NoInnerGroup {
        /// The fold.
        fold: usize,
    },
    /// No group can be spared to choose the epoch, though none is tested.
    #[error("no class has two groups, so none can be held out to choose the epoch")]
    NoInnerGroupOfAll,
    /// The run has not reached its first checkpoint.
    #[error("{}: the run has no checkpoint yet ({} or {})", .folder.display(), .wanted[0], .wanted[1])]
    NoCheckpoint {
        /// The run.
        folder: PathBuf,
        /// The files that would do.
        wanted: [&'static str; 2],
    },
    /// An epoch of fine-tuning made no numbers.
    #[error("{what} is not a number in epoch {epoch}; a learning rate below {learning_rate:e} may help")]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The loss, or a tensor of the network.
        what: String,
        /// The rate used.
        learning_rate: f64,
    },
    /// What is done of a fine-tuning cannot be kept.
    #[error("{}: cannot be written: {source}", .path.display())]
    KeepTuning {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl From<hico_data::Error> for Error {
    fn from(error: hico_data::Error) -> Self {
        match error {
            hico_data::Error::Interrupted => Self::Interrupted,
            error => Self::Data(error),
        }
    }
}

impl From<hico_model::Error> for Error {
    fn from(error: hico_model::Error) -> Self {
        match error {
            hico_model::Error::Interrupted => Self::Interrupted,
            hico_model::Error::Data(error) => Self::Data(error),
            hico_model::Error::Io { path, source } => Self::Io { path, source },
            hico_model::Error::Input { path, source } => Self::Input { path, source },
            hico_model::Error::Write { path, source } => Self::Write { path, source },
            error => Self::Model(error),
        }
    }
}

impl Error {
    /// The same with the name of the file, where it does not have one.
    #[must_use]
    pub fn of_file(self, path: &Path) -> Self {
        match self {
            Self::Model(error) if error.names_file() => Self::Model(error),
            Self::InFile { .. } | Self::Input { .. } | Self::NoCheckpoint { .. } | Self::RunVersion { .. } => self,
            other => Self::InFile { path: path.to_owned(), source: Box::new(other) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_stays_one_whatever_it_interrupts() {
        assert!(matches!(Error::from(hico_data::Error::Interrupted), Error::Interrupted));
        assert!(matches!(Error::from(hico_model::Error::Interrupted), Error::Interrupted));
    }

    #[test]
    fn an_error_is_small_enough_to_be_returned_everywhere() {
        assert!(size_of::<Error>() < 128, "{} bytes", size_of::<Error>());
    }
}
