//! The one error of this crate. It knows facts: which file, what the system says, which numbers; what helps is known by
//! the program that met it.

use crate::words::{columns_there_are, enough, few, fewer, folds_there_are};
use std::io;
use std::path::PathBuf;

/// A failure to read, make, change or write a data set. Many words are boxed: errors that hold one should stay small.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // Files.
    /// A file or folder cannot be read.
    #[error("{}: cannot be read: {source}", .path.display())]
    Read {
        /// The file.
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
    /// A file or folder cannot be used.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,

    // The table of a data set.
    /// A folder holds no `clips.csv`.
    #[error("{}: not a data set: it has no clips.csv", .0.display())]
    NoDataset(PathBuf),
    /// The table of a data set does not parse.
    #[error("{}: {source}", .path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// What the CSV reader says, with the line.
        source: csv::Error,
    },
    /// A number cannot be what its column says.
    #[error("{}: line {line}: {column} {value} cannot be; {wanted}", .path.display())]
    Number {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// The number.
        value: Box<str>,
        /// Which numbers can be.
        wanted: Box<str>,
    },
    /// Two rows name one clip.
    #[error("{}: clip {clip:?} stands in two rows", .path.display())]
    ClipTwice {
        /// The table.
        path: PathBuf,
        /// The name.
        clip: String,
    },

    /// `dataset.json` does not parse, or was written by a later version.
    #[error("{}: {reason}", .path.display())]
    Info {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },

    // Its frames.
    /// A shard is not a safetensors file, or it contradicts the table.
    #[error("{}: {reason}", .path.display())]
    Shard {
        /// The shard.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is no such clip or frame; a mistake of the caller.
    #[error("clip {clip}, frame {frame}: out of range")]
    OutOfRange {
        /// Index of the clip.
        clip: usize,
        /// Index of the frame.
        frame: usize,
    },
    /// Frames that were written before are gone.
    #[error("{}: frames that were written before are gone; start anew into another folder", .0.display())]
    FramesLost(PathBuf),
    /// The record of clips that were written before contradicts itself.
    #[error("{}: {clip:?} cannot lie where the record says; start anew into another folder", .path.display())]
    FramesMisplaced {
        /// The file that holds the frames.
        path: PathBuf,
        /// The first clip that is wrong.
        clip: String,
    },

    // Ingest.
    /// The source is no folder, or it cannot be read.
    #[error("{}: {reason}", .path.display())]
    Source {
        /// The source.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The source holds no clip.
    #[error("{}: holds no DICOM file, no video and no picture", .0.display())]
    NothingFound(PathBuf),
    /// All clips that the source may hold are behind links.
    #[error("{}: holds nothing but {}, and links are not followed", .path.display(), few(.links))]
    OnlyLinks {
        /// The source.
        path: PathBuf,
        /// The links, relative to it.
        links: Vec<String>,
    },
    /// The folder for the data set holds something else.
    #[error("{}: exists and is no unfinished ingest; nothing was written", .0.display())]
    NoUnfinishedIngest(PathBuf),
    /// The folder holds an ingest with other options.
    #[error("{}: was begun with {option} {before}, now {now}", .path.display())]
    OptionChanged {
        /// The data set.
        path: PathBuf,
        /// The flag.
        option: &'static str,
        /// Its value then.
        before: String,
        /// Its value now.
        now: String,
    },
    /// A clip that was stored before, named by its path in the source folder, has another content now.
    #[error("{0}: has changed since it was taken in")]
    SourceChanged(String),
    /// The sheet of regions cannot be written.
    #[error("{}: cannot be written: {reason}", .path.display())]
    SectorSheet {
        /// The picture.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The salt of the hashes, or the list of sources, cannot be read or written.
    #[error("{}: cannot be read or written: {source}", .path.display())]
    Salt {
        /// The file beside the data set.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The salt that was used before is gone.
    #[error("{}: is gone, and patients would get other hashes than before", .0.display())]
    SaltGone(PathBuf),
    /// A line of the record of an ingest makes no sense.
    #[error("{}: line {line} is no record of an ingest: {reason}", .path.display())]
    JournalLine {
        /// The record.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Another program writes the record of the ingest now.
    #[error("{}: another ingest is writing this data set", .0.display())]
    JournalBusy(PathBuf),

    // The labels table.
    /// The labels table is no table.
    #[error("{}: {reason}", .path.display())]
    LabelTable {
        /// The table.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// The labels table lacks a column.
    #[error("{}: no column {wanted}; it has {}", .path.display(), columns_there_are(.columns))]
    NoColumn {
        /// The table.
        path: PathBuf,
        /// The column that was looked for.
        wanted: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The rows are patients, and nothing tells whose the clips are.
    #[error(
        "{}: its rows name patients and no files; say where the patient stands in the names of the files, as in \
         --patient-in-name 'patient_*_', or name the column of the file", .0.display()
    )]
    RowsNamePatients(PathBuf),
    /// One cell makes no sense.
    #[error("{}: line {line}: {reason}", .path.display())]
    Cell {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A row could mean several clips.
    #[error("line {line}: {file:?} could be {first} or {second}")]
    Ambiguous {
        /// The line, from 1.
        line: u64,
        /// As written.
        file: String,
        /// One clip.
        first: String,
        /// Another one.
        second: String,
    },
    /// Two rows say different things of one clip.
    #[error("lines {first} and {second} say different things of {clip}")]
    Contradiction {
        /// The clip.
        clip: String,
        /// One line.
        first: u64,
        /// Another one.
        second: u64,
        /// What the rows name.
        rows: Rows,
    },
    /// A clip without a group belongs to a patient of several groups.
    #[error("{clip} has no group, and its patient {patient} stands in groups {first} and {second}; fill in its group")]
    WhichGroup {
        /// The clip.
        clip: Box<str>,
        /// The patient.
        patient: Box<str>,
        /// One group.
        first: Box<str>,
        /// Another one.
        second: Box<str>,
    },

    // Folds.
    /// One fold is no split.
    #[error("{folds} folds: at least 2 are needed")]
    TooFewFolds {
        /// Folds asked for.
        folds: usize,
    },
    /// There are more folds than groups.
    #[error("{folds} folds of {groups} groups: a fold would be empty; {}", enough(*.groups))]
    TooFewGroups {
        /// Folds asked for.
        folds: usize,
        /// Groups there are.
        groups: usize,
    },
    /// A class has no clip in some fold, so that nothing can be said about it there.
    #[error(
        "fold {fold} has no clip of class {class:?}, whose clips are in {groups} groups; {}leave that class unlabelled",
        fewer(*.groups)
    )]
    FoldWithoutClass {
        /// The fold.
        fold: usize,
        /// The class it lacks.
        class: String,
        /// Groups that hold this class, in all folds.
        groups: usize,
    },
    /// Clips of one group stand in two folds: what is learnt on the one would be known on the other.
    #[error("group {group:?} stands in {first} and in {second}; give all clips of a group one fold")]
    GroupInTwoFolds {
        /// The group.
        group: String,
        /// `fold N` or `no fold`.
        first: String,
        /// `fold N` or `no fold`.
        second: String,
    },
    /// The data set has no folds.
    #[error("the data set has no folds yet")]
    NoFolds,

    // A contact sheet and an audit.
    /// A contact sheet would be larger than `contact_sheet::LARGEST`.
    #[error(
        "a contact sheet of {height}x{width} pixels is too large: fewer clips, fewer frames or a smaller image size"
    )]
    SheetTooLarge {
        /// Its height.
        height: usize,
        /// Its width.
        width: usize,
    },
    /// A contact sheet cannot be encoded.
    #[error("the contact sheet cannot be encoded: {0}")]
    SheetEncoding(#[source] image::ImageError),
    /// A data set that is to be audited is empty.
    #[error("{0}: holds no clip")]
    Empty(String),
    /// There is a proposal of an audit already, perhaps with changes by hand.
    #[error("{}: exists", .0.display())]
    ProposalExists(PathBuf),
    /// A table of a proposal does not parse, or is missing.
    #[error("{}: {source}", .path.display())]
    Proposal {
        /// The table.
        path: PathBuf,
        /// What the CSV reader says, with the line.
        source: csv::Error,
    },
    /// A table of a proposal names a clip that the data set does not have.
    #[error("{}: the data set has no clip {clip:?}", .path.display())]
    NoClip {
        /// The table.
        path: PathBuf,
        /// The name.
        clip: String,
    },
    /// A proposal leaves out every clip.
    #[error("{}: leaves out every clip", .0.display())]
    NothingLeft(PathBuf),

    // Join and export.
    /// The name of a data set is empty, `.` or `..`, or holds another character.
    #[error("{0:?} does not do as the name of a data set: letters, digits, '-', '_' and '.' do")]
    DatasetName(String),
    /// Two data sets have one name.
    #[error("two data sets are called {0:?}")]
    DatasetTwice(String),
    /// A label map lacks a class.
    #[error("{part}: its label map {map} says nothing of class {class:?}")]
    Unmapped {
        /// The data set.
        part: String,
        /// The map.
        map: String,
        /// The class.
        class: String,
    },
    /// The folder holds something else already.
    #[error("{}: holds {what} already", .folder.display())]
    Taken {
        /// Where the whole was to go.
        folder: PathBuf,
        /// What is there.
        what: String,
    },
    /// The folder for the export holds something else.
    #[error("{}: exists and is no export of this data set with these options; nothing was written", .0.display())]
    NoUnfinishedExport(PathBuf),
    /// No clip stands in a fold that was named.
    #[error("fold {fold}: no clip stands in it; {}", folds_there_are(.folds))]
    NoSuchFold {
        /// The fold.
        fold: usize,
        /// The folds there are.
        folds: Vec<String>,
    },
    /// One fold was named twice.
    #[error("fold {0} cannot be both validation and test")]
    OneFoldTwice(usize),
    /// Clips of one group would be in two parts of an export.
    #[error("group {group:?} would stand in {first} and in {second}")]
    GroupInTwoParts {
        /// The group.
        group: String,
        /// One part.
        first: String,
        /// Another one.
        second: String,
    },
    /// No clip has a label, and there is nothing to write.
    #[error("no clip has a label, and an ImageFolder tree is made of labels")]
    Unlabelled,

    // A phantom.
    /// The folder for the clips of a phantom holds something.
    #[error("{}: is not empty", .0.display())]
    NotEmpty(PathBuf),
}

/// The things that two rows of a labels table name which contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Clips.
    OfClips,
    /// Pictures of folders that are clips.
    OfFrames,
    /// Pictures of different patients, who share folders: no folder is a clip.
    OfPictures,
}
