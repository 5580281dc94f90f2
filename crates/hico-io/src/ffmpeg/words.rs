//! Tells what ffmpeg says while it decodes: which lines are kept, what frames it was given, and whether a complaint
//! costs pixels.
//!
//! Not every error that it tells is one of the pictures: a chapter that is not there, or a segment with the name of a
//! camera that it cannot read, leave each frame as it is. Such a complaint is harmless where the decoder has nothing to
//! say of pixels and the container's own count of frames was reached; everything else counts as damage.

use crate::frame::Size;

/// A line that is worse than a warning, or tells nothing of its level.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Complaint {
    /// The part of ffmpeg that says it; empty where no part is named.
    who: String,
    what: String,
}

/// Holds what ffmpeg says of one decoding.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    complaints: Vec<Complaint>,
    /// Size and pixel format of the frames, anew where one of them changes.
    inputs: Vec<(Size, String)>,
    /// True where a frame or a packet was called broken below the level of an error.
    has_warned: bool,
    /// Packets of the stream that were read.
    packets: usize,
}

/// Levels below an error.
const LESSER: [&str; 5] = ["[warning]", "[info]", "[verbose]", "[debug]", "[trace]"];

/// Words of warnings that pixels are missing, in small letters.
const BROKEN: [&str; 8] =
    ["corrupt", "eoi missing", "overread", "conceal", "truncate", "truncation", "incomplete", "damaged"];

/// Words of complaints that the file, and not only what describes it, is broken, in small letters.
const MISSING: [&str; 6] = ["partial file", "prematurely", "end of file", "eof", "invalid data", "error"];

/// Words of decoders about what holds no pixels.
const BESIDE_PIXELS: [&str; 6] = ["APP fields", "EXIF", "Exif", "ICC", "SEI ", "metadata"];

/// Says how the names of decoders of sound and subtitles begin; they are asked about their streams, which are not
/// decoded.
const OTHER_STREAMS: [&str; 17] = [
    "aac", "mp3", "mp2", "ac3", "eac3", "opus", "vorbis", "flac", "alac", "amr", "wma", "pcm", "adpcm", "mov_text",
    "dvbsub", "dvdsub", "pgssub",
];

/// Tells whether a line is lesser than an error and tells nothing that is wanted; what begins with a space goes on with
/// the line before, or says that it came again.
pub(crate) fn is_lesser(line: &str) -> bool {
    line.starts_with([' ', '\t', '\n', '\r']) || LESSER.iter().any(|level| line.contains(level))
}

/// Tells whether a line tells of the frames that come from the decoder.
pub(crate) fn tells_input(line: &str) -> bool {
    line.contains("[verbose]") && line.contains(" pixfmt:") && line.contains(" tb:")
}

/// Tells whether a line is kept where whole frames are decoded.
pub(crate) fn is_kept(line: &str) -> bool {
    let warns = || holds_any(line, &BROKEN);
    let counts = || line.contains(" packets read (") && line.contains("(video)");
    !is_lesser(line) || tells_input(line) || begins(line) || (line.contains("[warning]") && warns()) || counts()
}

/// Tells whether a line ends what is said while the header is looked at. The decoder is tried there, too, and what it
/// then warns of is often no more than that it was given one frame alone.
fn begins(line: &str) -> bool {
    line.contains("[info] Input #0, ")
}

impl Words {
    /// Reads lines that were kept.
    pub(crate) fn read(said: &str) -> Self {
        let mut words = Self::default();
        for line in said.lines().filter(|line| !line.trim().is_empty()) {
            if begins(line) {
                words.has_warned = false;
            } else if tells_input(line) {
                words.inputs.extend(input(line));
            } else if line.contains(" packets read (") {
                let count =
                    line.split(" packets read (").next().and_then(|front| front.rsplit(' ').next()?.parse().ok());
                words.packets = words.packets.max(count.unwrap_or(0));
            } else if line.contains("[warning]") {
                words.has_warned |= holds_any(line, &BROKEN);
            } else if !is_lesser(line) && !line.starts_with("[image2pipe") {
                // The writer of the pictures frets about time stamps that come twice; every frame is there all the same.
                words.complaints.push(Complaint::read(line));
            }
        }
        words
    }

    /// The first complaint, without the address of the part that says it.
    pub(crate) fn complaint(&self) -> Option<String> {
        let Complaint { who, what } = self.complaints.first()?;
        let line = if who.is_empty() { what.clone() } else { format!("{who}: {what}") };
        Some(line.chars().filter(|letter| !letter.is_control()).take(200).collect())
    }

    /// The first size and another one, where it changes.
    pub(crate) fn sizes(&self) -> Option<[Size; 2]> {
        let (first, _) = self.inputs.first()?;
        let (other, _) = self.inputs.iter().find(|(size, _)| size != first)?;
        Some([*first, *other])
    }

    /// Tells whether size and pixel format are the same for every frame.
    pub(crate) fn is_steady(&self) -> bool {
        self.inputs.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Tells whether every frame is whole, whatever is said.
    ///
    /// - `codec`: name of the decoder
    /// - `announced`: frames that the container has by its own word
    /// - `frames`: frames that were decoded
    /// - `cut`: whether the container seems to be cut short
    pub(crate) fn is_whole(&self, codec: &str, announced: Option<usize>, frames: usize, cut: bool) -> bool {
        let has_all = announced.is_some_and(|announced| self.packets.max(frames) >= announced);
        let is_harmless = |complaint: &Complaint| match complaint.speaker(codec) {
            Speaker::Ffmpeg => BESIDE_PIXELS.iter().any(|word| complaint.what.contains(word)),
            Speaker::OtherStream => true,
            Speaker::Container => has_all && !complaint.says(&MISSING) && !complaint.says(&BROKEN),
        };
        frames > 0 && !self.has_warned && self.complaints.iter().all(is_harmless) && (has_all || !cut)
    }
}

/// The name of the part that complains.
enum Speaker {
    Ffmpeg,
    OtherStream,
    Container,
}

impl Complaint {
    /// Reads `[mjpeg @ 0x55] [error] words`; who and level may be absent.
    fn read(line: &str) -> Self {
        let line = line.trim();
        let (who, rest) = match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            Some((who, rest)) if who.contains(" @ ") => (who.split(" @ ").next().unwrap_or_default(), rest),
            _ => ("", line),
        };
        let levels = ["[error] ", "[fatal] ", "[panic] "];
        let what = levels.iter().find_map(|level| rest.strip_prefix(level)).unwrap_or(rest);
        Self { who: who.to_owned(), what: what.to_owned() }
    }

    fn speaker(&self, codec: &str) -> Speaker {
        let who = self.who.as_str();
        // Libraries that decode, and the parts of newer versions that feed the decoder.
        let decodes =
            who.is_empty() || who == codec || who.starts_with("lib") || who.contains('#') || who.contains(':');
        if decodes {
            Speaker::Ffmpeg
        } else if OTHER_STREAMS.iter().any(|name| who.starts_with(name)) {
            Speaker::OtherStream
        } else {
            Speaker::Container
        }
    }

    fn says(&self, words: &[&str]) -> bool {
        holds_any(&self.what, words)
    }
}

/// Tells whether a line holds one of some words, which are in small letters, in any case.
fn holds_any(line: &str, words: &[&str]) -> bool {
    let line = line.to_lowercase();
    words.iter().any(|word| line.contains(word))
}

/// Reads `w:96 h:64 pixfmt:yuvj420p tb:1/25 ...`.
fn input(line: &str) -> Option<(Size, String)> {
    let word = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key));
    let size = Size { height: word("h:")?.parse().ok()?, width: word("w:")?.parse().ok()? };
    Some((size, word("pixfmt:")?.to_owned()))
}

/// Tells whether frames of a pixel format tell how much of each pixel is seen. What raw video has in the fourth byte is
/// nothing.
pub(crate) fn has_alpha(pixel_format: &str, codec: &str) -> bool {
    const WITH_ALPHA: [&str; 9] = ["rgba", "bgra", "argb", "abgr", "yuva", "gbrap", "ya8", "ya16", "ayuv"];
    let is_palette_of_png = pixel_format == "pal8" && matches!(codec, "png" | "apng");
    codec != "rawvideo" && (is_palette_of_png || WITH_ALPHA.iter().any(|name| pixel_format.starts_with(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "[mjpeg @ 0x55] [error] unable to decode APP fields: Invalid data found when processing input\n";
    const CHAPTER: &str = "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x56] [error] Referenced QT chapter track not found\n";

    fn whole(said: &str, codec: &str, announced: Option<usize>) -> bool {
        Words::read(said).is_whole(codec, announced, 10, false)
    }

    #[test]
    fn complaints_are_about_the_clip_and_without_addresses() {
        let complaint = |said: &str| Words::read(said).complaint();
        assert_eq!(complaint(""), None);
        assert_eq!(complaint("[image2pipe @ 0x5638e] [error] Application provided invalid dts: 100 >= 100\n"), None);
        assert_eq!(complaint("[mpeg4 @ 0x56] ac-tex damaged at 8 8\nmore").unwrap(), "mpeg4: ac-tex damaged at 8 8");
        assert_eq!(complaint("[error] no frame\n    Last message repeated 3 times\n").unwrap(), "no frame");
        assert_eq!(complaint("[info] comment: a\n              : b\n"), None, "a line may go on");
    }

    #[test]
    fn what_costs_no_pixel_is_harmless_where_every_announced_frame_is_there() {
        assert!(whole("", "mjpeg", None) && whole(APP, "mjpeg", None) && whole(CHAPTER, "h264", Some(10)));
        assert!(whole("[aac @ 0x1] [error] Error decoding AAC frame header.\n", "h264", None));
        assert!(!whole(CHAPTER, "h264", Some(11)) && !whole(CHAPTER, "h264", None));
        let packets = format!("{CHAPTER}[verbose]   Input stream #0:0 (video): 11 packets read (90 bytes); \n");
        assert!(whole(&packets, "h264", Some(11)), "an edit list may hide a frame");
    }

    #[test]
    fn what_costs_pixels_is_not_harmless() {
        for said in [
            "[mjpeg @ 0x55] [error] error y=3 x=5\n",
            "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x56] [error] stream 0, offset 0x30: partial file\n",
            "[matroska,webm @ 0x56] [error] File ended prematurely at pos. 3000 (0xbb8)\n",
            "[error] Error while decoding stream #0:0: Invalid data found when processing input\n",
            "[vist#0:0/mjpeg @ 0x1] [error] Error submitting packet to decoder\n",
            "Segmentation fault\n",
            "[warning] corrupt decoded frame in stream 0\n",
            "[mjpeg @ 0x55] [warning] EOI missing, emulating\n",
        ] {
            assert!(is_kept(said) && !whole(&format!("{APP}{said}"), "mjpeg", Some(10)), "{said}");
        }
        assert!(!Words::read("").is_whole("mjpeg", None, 10, true), "cut, and no count says otherwise");
        assert!(Words::read("").is_whole("mjpeg", Some(10), 10, true));
        let warned_before = "[mjpeg @ 0x5] [warning] EOI missing, emulating\n[info] Input #0, avi, from 'a':\n";
        assert!(Words::read(warned_before).is_whole("mjpeg", Some(10), 10, true));
    }

    #[test]
    fn a_size_or_a_pixel_format_that_changes_is_seen() {
        let line =
            |rest: &str| format!("[graph 0 input from stream 0:0 @ 0x5] [verbose] {rest} tb:1/25 fr:25/1 sar:1/1\n");
        let (one, other) = (line("w:96 h:64 pixfmt:yuvj422p"), line("w:96 h:64 pixfmt:yuvj420p"));
        assert!(is_kept(&one) && Words::read(&one).is_steady());
        let formats = Words::read(&format!("{one}{other}"));
        assert_eq!((formats.is_steady(), formats.sizes()), (false, None));
        let sizes = Words::read(&format!("{one}{}", line("w:48 h:32 pixfmt:yuvj422p")));
        assert_eq!(sizes.sizes(), Some([Size { height: 64, width: 96 }, Size { height: 32, width: 48 }]));
    }

    #[test]
    fn only_what_has_alpha_is_laid_over_black() {
        assert!(has_alpha("argb", "qtrle") && has_alpha("yuva420p", "vp9") && has_alpha("pal8", "png"));
        assert!(!has_alpha("yuv420p", "h264") && !has_alpha("bgra", "rawvideo") && !has_alpha("pal8", "msrle"));
    }
}
