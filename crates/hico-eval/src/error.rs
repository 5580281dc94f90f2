//! The error of this crate. It knows facts: which file, what the system says, which numbers; what helps is known by the
//! program that met it.

use std::io;
use std::path::PathBuf;

/// A failure to evaluate or to show. Context is wrapped around it as `In...`; an interruption stays [`Error::Interrupted`],
/// whatever it interrupted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
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
    /// What is wrong with a file, with its name.
    #[error("{}: {source}", .path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<Self>,
    },
    /// A network cannot be trained, read or used, or the folds do not do.
    #[error(transparent)]
    Train(hico_train::Error),
    /// The caller asked to stop; what is done is kept.
    #[error("interrupted")]
    Interrupted,

    /// Confounds cannot be measured: there is nothing to tell apart.
    #[error("fewer than two classes are in {groups} groups or more")]
    NothingToTell {
        /// Groups that a class is to be in.
        groups: usize,
    },

    // Studies.
    /// A file that was written by hand, or by us, is not what its name says.
    #[error("{}: {reason}", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A key of a study does not do.
    #[error("{key}: {fact}")]
    StudyKey {
        /// The key.
        key: String,
        /// What is wrong with it.
        fact: String,
    },
    /// What is wrong with a method of a study, with its name.
    #[error("method {method}: {source}")]
    InMethod {
        /// The method.
        method: String,
        /// What is wrong.
        source: Box<Self>,
    },
    /// What is wrong with a data set of a study, with its name.
    #[error("data {data}: {source}")]
    InData {
        /// Its name in the study.
        data: String,
        /// What is wrong.
        source: Box<Self>,
    },
    /// What is wrong in a fold.
    #[error("fold {fold}: {source}")]
    InFold {
        /// The fold.
        fold: usize,
        /// What is wrong.
        source: Box<Self>,
    },
    /// What is wrong in a cell of a study, or with a network of it.
    #[error("{cell}: {source}")]
    InCell {
        /// Its name.
        cell: String,
        /// What is wrong.
        source: Box<Self>,
    },
    /// A file of answers is broken.
    #[error("{}: {reason}", .path.display())]
    BrokenCell {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another process is at a cell.
    #[error("{0}: another process is at this cell")]
    CellBusy(String),
    /// A cell whose answers would be repeated has none.
    #[error("{0}: this cell is not finished")]
    CellUnfinished(String),
    /// The ledger of a study is broken.
    #[error("{}: {source}", .path.display())]
    BrokenLedger {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// The folder for a study is that of something else.
    #[error("{}: holds no study but {other}", .folder.display())]
    LedgerTaken {
        /// The folder.
        folder: PathBuf,
        /// A file in it.
        other: &'static str,
    },
    /// The folder for a study was begun otherwise.
    #[error("{}: begun with {what}", .folder.display())]
    LedgerDiffers {
        /// The folder.
        folder: PathBuf,
        /// What differs: the key, its value there and its value now.
        what: String,
        /// The part of the study that has the key.
        part: StudyPart,
        /// The key alone.
        key: String,
        /// Its value there.
        there: String,
    },
    /// The folder for an evaluation holds something else.
    #[error("{}: holds something that is not an evaluation begun by this command", .0.display())]
    NotAnEvaluation(PathBuf),
    /// The last block and the top of the pyramid would be trained, and there is no pyramid.
    #[error("{0}: has no feature pyramid, whose top layer would be trained")]
    NoTopToTrain(String),
    /// Features would be read from a pyramid, and there is none.
    #[error("{0}: has no feature pyramid to read features from")]
    NoPyramidToRead(String),
    /// Nothing was asked for.
    #[error("no {0} to evaluate with")]
    NothingAsked(&'static str),
    /// A seed or a fold stands twice in the request.
    #[error("{what} {number} is asked for twice")]
    Twice {
        /// `seed` or `fold`.
        what: &'static str,
        /// Which.
        number: u64,
    },

    // Reports and the demo.
    /// A file of a run or a study cannot be read.
    #[error("{}: cannot be read: {source}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no such folder.
    #[error("{}: no such folder", .0.display())]
    NoFolder(PathBuf),
    /// The folder holds nothing to report.
    #[error("{}: holds no {}, {} or {}", .folder.display(), .wanted[0], .wanted[1], .wanted[2])]
    NothingToReport {
        /// The folder.
        folder: PathBuf,
        /// The files that are reported.
        wanted: [&'static str; 3],
    },
    /// The folder holds the evaluation of an earlier version.
    #[error("{}: holds an {file}, which an earlier version of hico wrote", .folder.display())]
    OldEvaluation {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: &'static str,
    },
    /// A file is larger than any we write.
    #[error("{}: {bytes} bytes, expected at most {most}", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most that is read.
        most: u64,
    },
    /// A file was written by another version of the program.
    #[error("{}: written by hico {found}, this is hico {}", .path.display(), env!("CARGO_PKG_VERSION"))]
    FileVersion {
        /// The file.
        path: PathBuf,
        /// The version it names.
        found: String,
    },
    /// A line of a journal before the last one is no entry.
    #[error("{}: line {line}: {reason}", .path.display())]
    JournalLine {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The folder for a demo holds something else, or a demo with other settings.
    #[error("{}: is no demo with these settings", .0.display())]
    DemoTaken(PathBuf),
    /// A file of the demo itself cannot be written, or an old one not removed.
    #[error("{}: {source}", .path.display())]
    DemoFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl From<hico_train::Error> for Error {
    fn from(error: hico_train::Error) -> Self {
        match error {
            hico_train::Error::Interrupted => Self::Interrupted,
            error => Self::Train(error),
        }
    }
}

impl From<hico_model::Error> for Error {
    fn from(error: hico_model::Error) -> Self {
        hico_train::Error::from(error).into()
    }
}

impl From<hico_data::Error> for Error {
    fn from(error: hico_data::Error) -> Self {
        hico_train::Error::from(error).into()
    }
}

impl Error {
    /// Names the cell, or the network, in which something went wrong; an interruption stays one.
    pub(crate) fn in_cell(cell: String, source: Self) -> Self {
        match source {
            Self::Interrupted => source,
            source => Self::InCell { cell, source: Box::new(source) },
        }
    }
}

/// A part of a study that its folder remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StudyPart {
    /// The version of the program that began it.
    Version,
    /// What holds for all its methods and data sets.
    Settings,
    /// The table of a data set.
    Data,
    /// Where a method begins, or its recipe.
    Method,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_stays_one_whatever_it_interrupts() {
        assert!(matches!(Error::from(hico_data::Error::Interrupted), Error::Interrupted));
        assert!(matches!(Error::in_cell("a".to_owned(), Error::Interrupted), Error::Interrupted));
        let error = Error::in_cell("a".to_owned(), hico_train::Error::NoClips.into());
        assert_eq!(error.to_string(), "a: no clip is left to train on");
    }

    #[test]
    fn an_error_is_small_enough_to_be_returned_everywhere() {
        assert!(size_of::<Error>() < 128, "{} bytes", size_of::<Error>());
    }
}
