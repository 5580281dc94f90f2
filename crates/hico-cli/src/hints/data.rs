//! Remedies for errors of data sets: for each command those that only it can name, and [`data`] for all others.

use hico_data::Error;
use hico_data::ingest::Rows;

const INSPECT: &str = "check the data set with: hico inspect DATASET";
const NEW: &str = "choose a new or empty folder that you may write to";
const ROOM: &str = "choose an --out on a disk with room that you may write to";

/// The remedy for a description that cannot be read, also because a later version wrote it.
const LATER: &str = "take the later version of hico that wrote it, or restore dataset.json from a copy, or delete it and read the table alone";

/// The remedy where a data set does not open.
pub(crate) const fn open(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::NoDataset(_) => "`hico ingest SRC --labels FILE.csv --out DATASET` makes one",
        Error::Info { .. } => LATER,
        _ => "restore the data set from a copy, or ingest its clips into another --out",
    })
}

/// The remedy in `hico ingest`.
pub(crate) fn ingest(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Read { .. } => "name a CSV file that exists with --labels",
        Error::Write { .. } | Error::Io { .. } => {
            "make room there and repeat the command, which goes on where it stopped; or choose another --out"
        }
        Error::NoDataset(_) | Error::Table { .. } | Error::Number { .. } | Error::ClipTwice { .. } => {
            "choose another --out and ingest again"
        }
        Error::NothingFound(_) => {
            "give the folder that holds DICOM files, videos, GIFs, pickles or folders of PNG, JPEG, BMP, TIFF or WebP frames"
        }
        Error::OptionChanged { option, .. } if option.ends_with("labels") => {
            "`hico relabel DATASET LABELS.csv` changes the labels of a data set"
        }
        error if is_about_folds(error) => "mend the folds, or leave them out with --no-folds",
        error => return data(error),
    })
}

/// Whether the folds of a data set are what does not do, or cannot be made.
pub(crate) const fn is_about_folds(error: &Error) -> bool {
    matches!(
        error,
        Error::TooFewFolds { .. }
            | Error::TooFewGroups { .. }
            | Error::FoldWithoutClass { .. }
            | Error::GroupInTwoFolds { .. }
            | Error::NoFolds
    )
}

/// The remedy in `hico relabel`.
pub(crate) const fn relabel(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Read { .. } => "name a CSV file that exists",
        Error::Write { .. } => "the data set must be in a folder that you may write to",
        Error::NoDataset(_) => "`hico ingest SRC --labels FILE.csv --out DATASET` makes one",
        Error::GroupInTwoFolds { .. } => {
            "give the clips of a group one fold, or take the column of folds out of the table"
        }
        Error::Ambiguous { .. } => "write the name of the clip in that row, as in the column clip of clips.csv",
        error => return data(error),
    })
}

/// The remedy in `hico join`.
pub(crate) const fn join(error: &Error) -> Option<&'static str> {
    match error {
        Error::Write { .. } | Error::Io { .. } => Some(ROOM),
        Error::Read { .. } => Some(INSPECT),
        error => data(error),
    }
}

/// The remedy in `hico export-data`.
pub(crate) const fn export_data(error: &Error) -> Option<&'static str> {
    match error {
        Error::Write { .. } => Some(ROOM),
        Error::Read { .. } => Some(INSPECT),
        error => data(error),
    }
}

/// The remedy in proposals of `hico audit`: `--fix` and `--apply`.
pub(crate) const fn proposal(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Write { .. } => "the data set must be in a folder that you may write to",
        Error::NoDataset(_) | Error::Table { .. } | Error::Number { .. } | Error::ClipTwice { .. } => {
            "give a folder that `hico ingest` wrote"
        }
        error => return data(error),
    })
}

/// The remedy in `hico audit --phi`.
pub(crate) const fn search(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::OnlyLinks { .. } => "--follow-links searches what they lead to",
        _ => "give a data set, a folder of DICOM files, videos and pictures, or one file",
    })
}

/// The remedy in `hico phantom`.
pub(crate) const fn phantom(error: &Error) -> Option<&'static str> {
    match error {
        Error::Write { .. } => Some(NEW),
        error => data(error),
    }
}

/// The remedy in `hico demo`.
pub(crate) const fn demo(error: &Error) -> Option<&'static str> {
    match error {
        Error::Write { .. } | Error::NotEmpty(_) => Some(ROOM),
        _ => None,
    }
}

/// The remedy that is the same in every command; none where it depends on the command.
pub(crate) const fn data(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Shard { .. } | Error::OutOfRange { .. } => INSPECT,
        Error::Info { .. } => LATER,
        Error::FramesLost(_) | Error::FramesMisplaced { .. } | Error::JournalLine { .. } | Error::JournalBusy(_) => {
            "choose another --out and ingest again"
        }
        Error::Source { .. } => "give the folder that holds the clips",
        Error::OnlyLinks { .. } => "--follow-links takes in what they lead to",
        Error::NoUnfinishedIngest(_) | Error::Taken { .. } => "choose another --out",
        Error::OptionChanged { .. } => "use the option it was begun with, or choose another --out",
        Error::SourceChanged(_) => "choose another --out, so that one data set does not mix two versions",
        Error::SectorSheet { .. } => "name a file in a folder that you may write to with --sector-sheet",
        Error::Salt { .. } => "choose an --out in a folder that you may write to, or give --salt",
        Error::SaltGone(_) => "put it back, or give its content with --salt",
        Error::LabelTable { .. } => {
            "save it as CSV in UTF-8, with one row of column names and as many cells in every row"
        }
        Error::NoColumn { .. } => "name its columns: --file-column, --label-column, --patient-column",
        Error::RowsNamePatients(_) => "add --patient-in-name, or --file-column",
        Error::Cell { .. } => "mend that line of the table",
        Error::Ambiguous { .. } => "write the path relative to the source folder in that row",
        Error::Contradiction { rows: Rows::OfClips, .. } => "keep one of the two rows",
        Error::Contradiction { .. } => {
            "mend one of the two rows; or make each picture a clip of its own with --stills each"
        }
        Error::WhichGroup { .. } => "mend the groups in the table",
        Error::ProposalExists(_) => "--force writes over it",
        Error::Proposal { .. } => "`hico audit DATASET --fix` writes it; its columns must stay as they are",
        Error::NoClip { .. } => "take that row out, or write the proposal anew: --fix --force",
        Error::NothingLeft(_) => "take rows out of it: a data set needs a clip",
        Error::Empty(_) => "`hico ingest SRC --out DATASET` takes clips in",
        Error::DatasetName(_) | Error::DatasetTwice(_) => "give it another name, as other=DATASET",
        Error::Unmapped { .. } => "add the class to the map, or leave the map out",
        Error::NoUnfinishedExport(_) => "choose another --out, or the options that it was begun with",
        Error::NoSuchFold { .. } => "name a fold that is there, or make folds with: hico split DATASET --folds 5",
        Error::OneFoldTwice(_) => "name two different folds, or one of them",
        Error::GroupInTwoParts { .. } => "make folds that no group crosses with: hico split DATASET --folds 5 --force",
        Error::Unlabelled => "choose --to webdataset, which takes clips without a label too",
        Error::NotEmpty(_) => NEW,
        Error::Read { .. }
        | Error::Write { .. }
        | Error::Io { .. }
        | Error::Interrupted
        | Error::NoDataset(_)
        | Error::Table { .. }
        | Error::Number { .. }
        | Error::ClipTwice { .. }
        | Error::NothingFound(_)
        | Error::TooFewFolds { .. }
        | Error::TooFewGroups { .. }
        | Error::FoldWithoutClass { .. }
        | Error::GroupInTwoFolds { .. }
        | Error::NoFolds
        | Error::SheetTooLarge { .. }
        | Error::SheetEncoding(_) => return None,
    })
}
