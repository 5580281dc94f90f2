//! The error of this crate. It knows facts: which file, what the system says, which numbers; what helps is known by the
//! program that met it.

use std::io;
use std::path::{Path, PathBuf};

/// A failure to read, to use or to hand over a network. An interruption stays [`Error::Interrupted`], whatever it
/// interrupted.
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
         USCL's (features.0...), or torchvision's and timm's (conv1, layer1...); nor one of the backbones that are known ({})", .known.join(", ")
    )]
    NoEncoder {
        /// The names of all of them.
        known: Vec<String>,
    },
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
    /// A library has no network with the names of a backbone.
    #[error("{library} has no {backbone}, or calls its parameters otherwise")]
    NotInLibrary {
        /// The library.
        library: &'static str,
        /// The backbone, as its paper calls it.
        backbone: &'static str,
    },
    /// A backbone has a name that another one has.
    #[error("there is a backbone {name} already")]
    BackboneTaken {
        /// The name.
        name: String,
    },
    /// The description of a backbone cannot be built.
    #[error("the backbone {name} cannot be built: {reason}")]
    BrokenBackbone {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor of the backbone has no place in the model.
    #[error("tensor {name} does not belong to a {backbone}: the weights are of another network")]
    ExtraTensor {
        /// The tensor.
        name: String,
        /// The nearest network that we have, as its paper calls it.
        backbone: &'static str,
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
    // Encoders and their fine-tuning.
    /// Neither a run's folder nor a file of weights.
    #[error("{}: there is no such run or file", .0.display())]
    NoSuchEncoder(PathBuf),
    /// A folder holds several fine-tuned networks.
    #[error("the folder holds {} fine-tuned networks: {}", .0.len(), named(.0))]
    ManyNetworks(Vec<PathBuf>),
    /// A network made no numbers of a frame of a data set.
    #[error("what the network makes of frame {frame} of clip {clip} is not a number (both from 0)")]
    FrameNotFinite {
        /// The clip.
        clip: usize,
        /// The frame.
        frame: usize,
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
        if self.names_file() { self } else { Self::InFile { path: path.to_owned(), source: Box::new(self) } }
    }

    /// Returns true where it names the file that it is about.
    #[must_use]
    pub const fn names_file(&self) -> bool {
        matches!(
            self,
            Self::WeightsFile { .. }
                | Self::BrokenWeights { .. }
                | Self::InFile { .. }
                | Self::Input { .. }
                | Self::NoSuchEncoder(_)
        )
    }

    /// Returns true where a file of weights cannot be read, is broken, or does not fit the network.
    #[must_use]
    pub const fn is_about_weights(&self) -> bool {
        matches!(
            self,
            Self::WeightsFile { .. }
                | Self::BrokenWeights { .. }
                | Self::NoTensor { .. }
                | Self::NoEncoder { .. }
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
}

/// What stands before the names of encoders.
fn starred(prefixes: &[String]) -> String {
    prefixes.iter().map(|prefix| format!("{prefix}*")).collect::<Vec<_>>().join(", ")
}

/// Paths, one after the other.
fn named(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_stays_one_whatever_it_interrupts() {
        assert!(matches!(Error::from(hico_data::Error::Interrupted), Error::Interrupted));
    }
}
