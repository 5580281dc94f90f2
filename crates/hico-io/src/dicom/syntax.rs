//! Transfer syntaxes: how a data set is written and how its pixels are coded (DICOM PS3.6, annex A).

/// Says how the elements of a data set are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
}

impl Writing {
    /// In words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "implicit VR, little endian",
            Self::ExplicitLittle => "explicit VR, little endian",
            Self::ExplicitBig => "explicit VR, big endian",
        }
    }
}

/// Says how the pixels are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Native,
    Rle,
    Jpeg,
    JpegLossless,
    JpegLs,
    Jpeg2000,
    /// A stream that ffmpeg decodes; its usual name.
    Video(&'static str),
}

impl Coding {
    /// In words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Rle => "rle",
            Self::Jpeg => "jpeg",
            Self::JpegLossless => "jpeg lossless",
            Self::JpegLs => "jpeg-ls",
            Self::Jpeg2000 => "jpeg 2000",
            Self::Video(name) => name,
        }
    }
}

/// One transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) writing: Writing,
    /// True where the data set is compressed as a whole.
    pub(super) deflated: bool,
    pub(super) coding: Coding,
    /// True where it was only guessed, because the file names none.
    pub(super) guessed: bool,
}

impl Syntax {
    /// By its UID.
    pub(super) fn of_uid(uid: &str) -> Option<Self> {
        let coded = |coding| Self { writing: Writing::ExplicitLittle, deflated: false, coding, guessed: false };
        let native = coded(Coding::Native);
        Some(match uid.strip_prefix("1.2.840.10008.1.2")? {
            "" => Self { writing: Writing::ImplicitLittle, ..native },
            ".1" | ".1.98" => native,
            ".1.99" => Self { deflated: true, ..native },
            ".2" => Self { writing: Writing::ExplicitBig, ..native },
            ".4.50" | ".4.51" | ".4.53" | ".4.55" => coded(Coding::Jpeg),
            ".4.57" | ".4.70" => coded(Coding::JpegLossless),
            ".4.80" | ".4.81" => coded(Coding::JpegLs),
            ".4.90" | ".4.91" => coded(Coding::Jpeg2000),
            ".4.100" | ".4.100.1" | ".4.101" | ".4.101.1" => coded(Coding::Video("MPEG-2")),
            ".4.102" | ".4.102.1" | ".4.103" | ".4.103.1" | ".4.104" | ".4.104.1" | ".4.105" | ".4.105.1"
            | ".4.106" | ".4.106.1" => coded(Coding::Video("MPEG-4")),
            ".4.107" | ".4.108" => coded(Coding::Video("HEVC")),
            ".5" => coded(Coding::Rle),
            _ => return None,
        })
    }

    /// Returns how it writes a data set, in words.
    pub(super) const fn writing_name(self) -> &'static str {
        if self.deflated { "a deflated data set" } else { self.writing.name() }
    }

    /// For a file that names none.
    pub(super) const fn guessed(writing: Writing) -> Self {
        Self { writing, deflated: false, coding: Coding::Native, guessed: true }
    }
}
