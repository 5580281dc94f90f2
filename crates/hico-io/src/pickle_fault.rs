//! Why a pickle is refused.

/// Faults of a pickle, or of what it holds; nothing of it was executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PickleFault {
    /// It ends before its time, or a length in it is longer than the file.
    #[error("cut short, or no pickle: byte {at} and what it announces are not all there")]
    CutShort {
        /// Place of the instruction, bytes.
        at: u64,
    },
    /// It wants something made that is no part of an array.
    #[error("it asks for {name}, and only the parts of numpy arrays are made")]
    Forbidden {
        /// Module and name.
        name: String,
    },
    /// An instruction that no pickle of arrays needs.
    #[error("instruction {code:#04x} at byte {at} is none that arrays in lists, tuples and dictionaries need")]
    Instruction {
        /// The instruction.
        code: u8,
        /// Place, bytes.
        at: u64,
    },
    /// An instruction that does not fit what stands before it.
    #[error("broken at byte {at}: {said}")]
    Broken {
        /// Place, bytes.
        at: u64,
        /// The fault.
        said: &'static str,
    },
    /// More small objects than a pickle of arrays has.
    #[error("more than {limit} instructions or {held} bytes of words; arrays need fewer")]
    TooMuch {
        /// Most instructions.
        limit: usize,
        /// Most bytes.
        held: usize,
    },
    /// An array of a kind that no picture and no label has.
    #[error("an array {said}")]
    Array {
        /// Its kind.
        said: String,
    },
    /// There is no telling which arrays are the pictures and which the labels.
    #[error("cannot distinguish pictures and labels: {said}")]
    Content {
        /// The arrays that were found.
        said: String,
    },
    /// The file cannot be read.
    #[error("cannot be read: {said}")]
    Read {
        /// The system's words.
        said: String,
    },
}

impl PickleFault {
    /// Says what the owner of the file can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::CutShort { .. } | Self::Broken { .. } => "copy it again from where it came",
            Self::Forbidden { .. } | Self::Instruction { .. } | Self::TooMuch { .. } => {
                "write it again with numpy arrays alone: pickle.dump((pictures, labels), file)"
            }
            Self::Array { .. } | Self::Content { .. } => {
                "write pictures as uint8 [pictures, channels, height, width] and labels as whole numbers, one after the other"
            }
            Self::Read { .. } => "check the file's permissions and the disk",
        }
    }
}

impl From<std::io::Error> for PickleFault {
    fn from(error: std::io::Error) -> Self {
        Self::Read { said: error.to_string() }
    }
}
