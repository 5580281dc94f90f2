//! Why one clip is refused, while all others go on.

/// Why a clip was refused. [`Refusal::hint`] says what its owner can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its frames cannot be had.
    #[error(transparent)]
    Source(#[from] hico_io::Error),
    /// A folder that was named holds nothing that could be a clip.
    #[error("holds no DICOM file, no video and no picture")]
    NoClips,
    /// A folder that was named holds nothing but links, which were not followed.
    #[error("holds nothing but links, which are not followed")]
    OnlyLinks,
    /// The file's name cannot be written down.
    #[error("its name is not UTF-8")]
    Name,
}

impl Refusal {
    /// Says that the system cannot read it.
    pub(crate) fn read(error: &std::io::Error) -> Self {
        hico_io::Error::Read { said: error.to_string() }.into()
    }

    /// Returns true where the work was stopped and nothing is wrong with the clip.
    pub(crate) const fn is_interrupted(&self) -> bool {
        matches!(self, Self::Source(hico_io::Error::Interrupted))
    }

    /// Returns true where the clip costs more than it may, and may be sound.
    #[must_use]
    pub const fn is_beyond_limits(&self) -> bool {
        matches!(self, Self::Source(error) if error.is_beyond_limits())
    }

    /// Names which of these it is, without a name or anything of the clip, for a log.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Source(error) => error.kind(),
            other => format!("{other:?}"),
        }
    }

    /// Says what the owner of the clip can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Source(error) => error.hint(),
            Self::NoClips => "give DICOM files, videos, pictures, or folders of them",
            Self::OnlyLinks => "--follow-links takes in what they lead to",
            Self::Name => "rename the file",
        }
    }
}
