//! The one error of this crate. It knows facts: which file, what the system says, which numbers; what helps is known by
//! the program that met it.

mod words;

use std::io;
use std::path::{Path, PathBuf};
use words::{folds_there_are, named, starred, what_is_kept};

pub use words::{KeyFault, StudyPart};

/// A failure to learn, to judge, to use or to show. Context is wrapped around it as `In...`; an interruption stays
/// [`Error::Interrupted`], whatever it interrupted.
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
    /// The caller asked to stop; what is done is kept.
    #[error("interrupted")]
    Interrupted,

    // Devices.
    /// The name of a device is none we know.
    #[error("{0:?} is not a device: it must be auto, cpu, wgpu, wgpu:N, cuda or cuda:N")]
    UnknownDevice(String),
    /// This program was built without the code for that device.
    #[error("this build has no {device}: it was made without the cargo feature `{feature}`")]
    DeviceNotBuilt {
        /// The device asked for.
        device: String,
        /// The feature it needs.
        feature: &'static str,
    },
    /// The build could use such a device, but the machine has none, or not so many.
    #[error("{device} is not there: this machine has {found} such devices")]
    DeviceNotFound {
        /// The device asked for.
        device: String,
        /// How many there are.
        found: usize,
    },

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

    // Weights.
    /// A file of weights cannot be read.
    #[error("{}: {source}", .path.display())]
    WeightsFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of weights is not what its name says.
    #[error("{}: {reason}", .path.display())]
    BrokenWeights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The model needs a tensor that is not there.
    #[error("the weights have no tensor {name}: they belong to another kind of model")]
    NoTensor {
        /// The tensor.
        name: String,
    },
    /// No naming that we know fits.
    #[error(
        "holds no ResNet encoder: neither our names (encoder.backbone...), nor the HiCo authors' (features.R18...), \
         USCL's (features.0...), or torchvision's and timm's (conv1, layer1...)"
    )]
    NoEncoder,
    /// Several encoders are there, and nothing says which is meant.
    #[error("holds more than one ResNet encoder: {}", starred(.prefixes))]
    SeveralEncoders {
        /// What stands before the names of each.
        prefixes: Vec<String>,
    },
    /// No momentum teacher is there.
    #[error("holds no momentum teacher, only {}", starred(.found))]
    NoTeacher {
        /// What stands before the names of each encoder that is there.
        found: Vec<String>,
    },
    /// No encoder stands below the prefix that was named.
    #[error("holds no encoder below {prefix}, only {}", starred(.found))]
    NoSuchPrefix {
        /// The prefix.
        prefix: String,
        /// What stands before the names of each encoder that is there.
        found: Vec<String>,
    },
    /// A tensor holds NaN or infinity.
    #[error("tensor {name}: {count} of its {of} values are no numbers; the first is {value} at index {index}")]
    TensorNotFinite {
        /// The tensor.
        name: String,
        /// The first such value.
        value: f32,
        /// Its index, the last dimension fastest.
        index: usize,
        /// How many there are.
        count: usize,
        /// Values of the tensor.
        of: usize,
    },
    /// A running variance is below 0.
    #[error("tensor {name}: a variance cannot be {value}, as it is at index {index}")]
    NegativeVariance {
        /// The tensor.
        name: String,
        /// The value.
        value: f32,
        /// Its index.
        index: usize,
    },
    /// A tensor of the backbone has no place in the model.
    #[error("tensor {name} does not belong to a {depth}: the weights are of another network")]
    ExtraTensor {
        /// The tensor.
        name: String,
        /// The nearest network that we have, as its paper calls it.
        depth: &'static str,
    },
    /// A tensor of the backbone has no place in a network of less depth.
    #[error("the network has no tensor {name}: the weights are a {found}'s")]
    DeeperWeights {
        /// The tensor.
        name: String,
        /// The network that the weights are of, as its paper calls it.
        found: &'static str,
    },
    /// A tensor has another shape than the model's.
    #[error("tensor {name} is {found:?} but the model needs {expected:?}: they differ in depth, image size or classes")]
    TensorShape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The model's.
        expected: Vec<usize>,
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
    /// Confounds cannot be measured: there is nothing to tell apart.
    #[error("fewer than two classes are in {groups} groups or more")]
    NothingToTell {
        /// Groups that a class is to be in.
        groups: usize,
    },

    // Encoders and their fine-tuning.
    /// Neither a run's folder nor a file of weights.
    #[error("{}: there is no such run or file", .0.display())]
    NoSuchEncoder(PathBuf),
    /// The run has not reached its first checkpoint.
    #[error("{}: the run has no checkpoint yet ({} or {})", .folder.display(), .wanted[0], .wanted[1])]
    NoCheckpoint {
        /// The run.
        folder: PathBuf,
        /// The files that would do.
        wanted: [&'static str; 2],
    },
    /// A folder holds several fine-tuned networks.
    #[error("the folder holds {} fine-tuned networks: {}", .0.len(), named(.0))]
    ManyNetworks(Vec<PathBuf>),
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
    /// A network made no numbers of a frame of a data set.
    #[error("what the network makes of frame {frame} of clip {clip} is not a number (both from 0)")]
    FrameNotFinite {
        /// The clip.
        clip: usize,
        /// The frame.
        frame: usize,
    },
    /// What is done of a fine-tuning cannot be kept.
    #[error("{}: cannot be written: {source}", .path.display())]
    KeepTuning {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
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

    // Networks that leave, and their use.
    /// The pyramid was asked for and the source has none.
    #[error("{}: has no pyramid", .0.display())]
    NoPyramid(PathBuf),
    /// The classifier was asked for and the source has none.
    #[error("{}: has no classifier on its encoder", .0.display())]
    NoClassifier(PathBuf),
    /// A graph needs a tensor that is not there.
    #[error("the weights have no tensor {0}")]
    GraphLacks(String),
    /// The tensors make no file.
    #[error("the tensors make no safetensors file: {0}")]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// A file of an export is there already.
    #[error("{}: is there already", .0.display())]
    Exists(PathBuf),
    /// There is no such interpreter, or it has no ONNX Runtime.
    #[error("{python} has no onnxruntime and numpy")]
    NoOnnxRuntime {
        /// The interpreter.
        python: String,
    },
    /// ONNX Runtime does not take the file.
    #[error("ONNX Runtime does not run it: {0}")]
    OnnxRefused(String),
    /// A folder holds no fine-tuned network.
    #[error("{}: holds no fine-tuned network", .0.display())]
    NoModel(PathBuf),
    /// A folder holds several fine-tuned networks, one of which was asked for.
    #[error("{}: holds {} fine-tuned networks: {}", .folder.display(), .names.len(), .names.join(", "))]
    ManyModels {
        /// The folder.
        folder: PathBuf,
        /// Their file names.
        names: Vec<String>,
    },
    /// The network makes no numbers of a frame of the clip that was asked about.
    #[error("what the network makes of frame {frame} is not a number")]
    AnswerNotFinite {
        /// The frame, from 0.
        frame: usize,
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

impl From<hico_data::Error> for Error {
    fn from(error: hico_data::Error) -> Self {
        match error {
            hico_data::Error::Interrupted => Self::Interrupted,
            error => Self::Data(error),
        }
    }
}

impl Error {
    /// The same with the name of the file, where it does not have one.
    #[must_use]
    pub fn of_file(self, path: &Path) -> Self {
        match self {
            Self::WeightsFile { .. }
            | Self::BrokenWeights { .. }
            | Self::InFile { .. }
            | Self::Input { .. }
            | Self::NoSuchEncoder(_)
            | Self::NoCheckpoint { .. }
            | Self::RunVersion { .. } => self,
            other => Self::InFile { path: path.to_owned(), source: Box::new(other) },
        }
    }

    /// Returns true where a file of weights cannot be read, is broken, or does not fit the network.
    #[must_use]
    pub const fn is_about_weights(&self) -> bool {
        matches!(
            self,
            Self::WeightsFile { .. }
                | Self::BrokenWeights { .. }
                | Self::NoTensor { .. }
                | Self::NoEncoder
                | Self::SeveralEncoders { .. }
                | Self::NoTeacher { .. }
                | Self::NoSuchPrefix { .. }
                | Self::TensorNotFinite { .. }
                | Self::NegativeVariance { .. }
                | Self::ExtraTensor { .. }
                | Self::DeeperWeights { .. }
                | Self::TensorShape { .. }
                | Self::InFile { .. }
        )
    }

    /// Names the cell, or the network, in which something went wrong; an interruption stays one.
    pub(crate) fn in_cell(cell: String, source: Self) -> Self {
        match source {
            Self::Interrupted => source,
            source => Self::InCell { cell, source: Box::new(source) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_stays_one_whatever_it_interrupts() {
        assert!(matches!(Error::from(hico_data::Error::Interrupted), Error::Interrupted));
        assert!(matches!(Error::in_cell("a".to_owned(), Error::Interrupted), Error::Interrupted));
        assert_eq!(Error::in_cell("a".to_owned(), Error::NoClips).to_string(), "a: no clip is left to train on");
    }

    #[test]
    fn an_error_is_small_enough_to_be_returned_everywhere() {
        assert!(size_of::<Error>() < 128, "{} bytes", size_of::<Error>());
    }
}
