//! The one error of this crate: why the frames of a file cannot be had.

use crate::dicom_fault::Fault;
use crate::frame::Size;
#[cfg(feature = "pickle")]
use crate::pickle_fault::PickleFault;
use crate::words::told;

/// Why the frames of a file cannot be had. [`Error::hint`] says what its owner can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No bytes at all.
    #[error("the file is empty{}", inside(.picture.as_ref()))]
    Empty {
        /// The picture it is, in a folder of pictures.
        picture: Option<String>,
    },
    /// Words where pictures were expected.
    #[error("a text file, not a video or picture{}", inside(.picture.as_ref()))]
    Text {
        /// The picture it was meant to be, in a folder of pictures.
        picture: Option<String>,
    },
    /// The name promises one kind of thing, the content is another.
    #[error("its name says {promised}, its content is {found}")]
    WrongSuffix {
        /// `a video (.mp4)` or `a picture (.png)`.
        promised: String,
        /// The kind of its content.
        found: String,
    },
    /// A DICOM file that is broken, or beyond us.
    #[error(transparent)]
    Dicom(#[from] Fault),
    /// A pickle that is broken, or none of arrays.
    #[cfg(feature = "pickle")]
    #[error("a pickle: {0}")]
    Pickle(#[from] PickleFault),
    /// A list of other files.
    #[error("a DICOMDIR, a list of other files")]
    Directory,
    /// The container announces more bytes than the file has.
    #[error("cut short: it announces {announced} bytes and has {found}")]
    CutShort {
        /// Bytes announced.
        announced: u64,
        /// Bytes there are.
        found: u64,
        /// Frames that decode.
        frames: usize,
    },
    /// The index at the end of an MP4 or MOV is missing.
    #[error("cut short: its index (moov) is missing")]
    NoIndex,
    /// Some of its pictures do not decode, or its end is missing.
    #[error("damaged or cut short: {frames} frames decode, then: {}", told(.said))]
    Damaged {
        /// Frames that were decoded.
        frames: usize,
        /// The decoder's words.
        said: String,
    },
    /// Nothing in it can be shown.
    #[error("not a video: {}", told(.said))]
    NotVideo {
        /// The decoder's words.
        said: String,
    },
    /// The program that decodes videos is missing.
    #[error("a video, and ffmpeg is not installed")]
    NoFfmpeg,
    /// Decoding took too long.
    #[error("decoding took more than {seconds} s")]
    TooSlow {
        /// The limit.
        seconds: u64,
    },
    /// The program that decodes videos asked for more memory than it may have.
    #[error("decoding takes more than {} MB of memory", .limit >> 20)]
    TooMuchMemory {
        /// The limit, bytes.
        limit: u64,
    },
    /// It has more frames than a clip may have.
    #[error("more than {limit} frames")]
    TooManyFrames {
        /// The limit.
        limit: usize,
    },
    /// A frame has more pixels than a frame may have.
    #[error("frames of {}x{} pixels (height x width), more than {limit} pixels", .size.height, .size.width)]
    TooLarge {
        /// Size of the frame.
        size: Size,
        /// The limit.
        limit: u64,
    },
    /// The stored clip would be too large.
    #[error("its frames would take more than {limit} bytes")]
    TooManyBytes {
        /// The limit.
        limit: usize,
    },
    /// The frames of one clip differ in size.
    #[error("frames differ in size: {}x{}, but {} is {}x{} (height x width)", .first.height, .first.width, .name, .other.height, .other.width)]
    SizeChanges {
        /// Size of the first frame.
        first: Size,
        /// Name or number of the first frame that differs.
        name: String,
        /// Its size.
        other: Size,
    },
    /// The size of the frames of a video changes.
    #[error("the size of its frames changes from {}x{} to {}x{} (height x width)", .first.height, .first.width, .other.height, .other.width)]
    VideoSizeChanges {
        /// Size of the first frame.
        first: Size,
        /// Another size.
        other: Size,
    },
    /// One picture of the several of a clip cannot be had.
    #[error("{why}")]
    Frame {
        /// Why.
        why: Box<Self>,
    },
    /// One picture does not decode.
    #[error("{name}: {}", told(.said))]
    Picture {
        /// The picture.
        name: String,
        /// The decoder's words.
        said: String,
    },
    /// A TIFF with several pages, of which only the first would be read.
    #[error("{name}: a TIFF of several pages")]
    ManyPages {
        /// The picture.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot be read: {}", told(.said))]
    Read {
        /// The system's words.
        said: String,
    },
    /// A program's fault, met in this file: a decoder panicked.
    #[error("{}", told(.said))]
    BrokeDown {
        /// The part that broke down, and the place.
        said: String,
    },
    /// A fault that a reader of your own finds in its file.
    #[error("{}", told(.said))]
    Own {
        /// The fault of the file.
        said: String,
        /// The remedy.
        hint: &'static str,
    },
    /// A pipe, a socket or a device.
    #[error("it is {what}, not a file")]
    NoFile {
        /// Its kind.
        what: &'static str,
    },
    /// The work was stopped; nothing is wrong with the clip.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Returns true where the clip costs more than it may, and may be sound.
    #[must_use]
    pub const fn is_beyond_limits(&self) -> bool {
        matches!(
            self,
            Self::TooSlow { .. }
                | Self::TooMuchMemory { .. }
                | Self::TooManyFrames { .. }
                | Self::TooLarge { .. }
                | Self::TooManyBytes { .. }
        )
    }

    /// Names which of these it is, without a name or anything of the clip, for a log.
    #[must_use]
    pub fn kind(&self) -> String {
        let whole = format!("{self:?}");
        whole.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
    }

    /// Says what the owner of the clip can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty { .. } | Self::CutShort { frames: 0, .. } | Self::Damaged { frames: 0, .. } | Self::NoIndex => {
                "copy it again from where it came; the copy was cut short"
            }
            Self::Text { .. } => "remove it, or rename it so that its name does not promise a video or picture",
            Self::WrongSuffix { .. } => "give it the suffix of what it is, or fetch the right file",
            Self::Dicom(fault) => fault.hint(),
            #[cfg(feature = "pickle")]
            Self::Pickle(fault) => fault.hint(),
            Self::Directory => "the files that it lists are found without it",
            Self::CutShort { .. } | Self::Damaged { .. } => {
                "copy it again from where it came, or keep what decodes with --keep-damaged"
            }
            Self::NotVideo { .. } => "check that the file opens in a player",
            Self::NoFfmpeg => "install it (Debian, Ubuntu: sudo apt install ffmpeg) and run the same command again",
            Self::TooSlow { .. } => "allow more time with --max-seconds",
            Self::TooMuchMemory { .. } => {
                "check that the file plays; if it does, shrink it first: ffmpeg -i IN -vf scale=-2:1080 OUT.mp4"
            }
            Self::TooManyFrames { .. } => "cut the video into clips, or allow more with --max-frames",
            Self::TooLarge { .. } => "crop or shrink the frames first",
            Self::TooManyBytes { .. } => "cut the video into clips, or ingest with a smaller --image-size",
            Self::SizeChanges { .. } => {
                "bring them to one size, or, if these are single pictures and not the frames of one clip, say --stills each"
            }
            Self::VideoSizeChanges { .. } => {
                "cut it where the size changes, or bring it to one size: ffmpeg -i IN -vf scale=WIDTH:HEIGHT OUT.mp4"
            }
            Self::Frame { .. } => "fetch that picture again, or leave out what does not decode with --keep-damaged",
            Self::Picture { .. } => "check that the picture opens in a viewer, or fetch it again",
            Self::ManyPages { .. } => "write one file a page",
            Self::Read { .. } => "check the file's permissions and the disk",
            Self::BrokeDown { .. } => {
                "the file may be sound and the fault ours: save it again with another program, or report the place in brackets"
            }
            Self::Own { hint, .. } => hint,
            Self::NoFile { .. } => "take it out of the folder; only files are read",
            Self::Interrupted => "run the same command again to go on",
        }
    }
}

fn inside(picture: Option<&String>) -> String {
    picture.map(|name| format!(" ({name})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_error_tells_no_name() {
        let picture = Error::Picture { name: "Doe^Jane.png".to_owned(), said: "Doe".to_owned() };
        assert_eq!(picture.kind(), "Picture");
        assert_eq!(Error::Frame { why: Box::new(picture) }.kind(), "Frame");
        assert_eq!(Error::NoIndex.kind(), "NoIndex");
    }
}
