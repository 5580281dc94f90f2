//! Videos, decoded by the `ffmpeg` program as a child process: a hostile file can only kill the child.
//!
//! ffmpeg writes its frames as PPM pictures to its standard output, each with its own size, so nothing has to be guessed
//! about rotation or a size that changes on the way.

use super::alpha::over_black;
use super::child::{self, Ended};
use super::frames::{FrameSink, Limits};
use super::grey_video::Short;
use super::refusal::Refusal;
use super::sniff;
use super::video_words::{Words, has_alpha, is_kept};
use crate::clip::Size;
use serde::Deserialize;
use std::ffi::OsString;
use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Seconds that looking at a file's header may take.
const PROBE_SECONDS: u64 = 60;

/// Seconds that a program may take to tell its version.
const VERSION_SECONDS: u64 = 20;

/// Bytes of an answer that are read.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Bytes of memory that a child may take: frames of 64 megapixels are 400 MB each, and a decoder holds several.
const MEMORY: u64 = 4 << 30;

/// As much again for each of its threads: their stacks, their frames, and what the allocator sets aside for each.
const MEMORY_OF_THREAD: u64 = 256 << 20;

/// Bytes of one block that a child may ask for; the only limit where the system knows none for all of them.
const LARGEST_BLOCK: &str = "1073741824";

/// The two programs that read videos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// `ffmpeg`, by name or path.
    pub ffmpeg: PathBuf,
    /// `ffprobe`, by name or path.
    pub ffprobe: PathBuf,
}

impl Default for Programs {
    fn default() -> Self {
        Self { ffmpeg: "ffmpeg".into(), ffprobe: "ffprobe".into() }
    }
}

/// Programs that were found to run, and how this version of them is told to pass every frame through once.
#[derive(Debug, Clone)]
pub(crate) struct Decoder {
    programs: Programs,
    pub(super) every_frame_once: [&'static str; 2],
    pub(super) threads: usize,
}

/// What is kept of a video whose decoder complains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Damaged {
    /// Nothing: the clip is refused.
    #[default]
    Refuse,
    /// The frames that decode.
    Keep,
}

/// A decoded video beyond its frames.
pub(crate) struct VideoFacts {
    pub(crate) fps: Option<f64>,
    pub(crate) codec: String,
    /// What the decoder complained about, where that was allowed.
    pub(crate) complaint: Option<String>,
    /// What a person should look at.
    pub(crate) notes: Vec<String>,
}

impl Decoder {
    /// `None` where ffmpeg or ffprobe is not installed.
    ///
    /// - `threads`: decoding threads of one child
    pub(crate) fn find(programs: &Programs, threads: usize) -> Option<Self> {
        let time = Duration::from_secs(VERSION_SECONDS);
        let version = version(&programs.ffmpeg, time)?;
        self::version(&programs.ffprobe, time)?;
        let every_frame_once =
            if is_before_5_1(&version) { ["-vsync", "passthrough"] } else { ["-fps_mode", "passthrough"] };
        Some(Self { programs: programs.clone(), every_frame_once, threads })
    }

    /// Decodes every frame of the first video stream, each once, into `sink`.
    pub(crate) fn decode(
        &self,
        path: &Path,
        sink: &mut FrameSink,
        limits: Limits,
        damaged: Damaged,
        stop: &AtomicBool,
    ) -> Result<VideoFacts, Refusal> {
        let cut = sniff::missing_tail(path).map_err(|error| Refusal::Read { said: error.to_string() })?;
        let short = if cut.is_none() { self.decode_grey(path, sink, limits, stop)? } else { Short::Nowhere };
        let stream = match short {
            Short::Grey(facts) => return Ok(facts),
            Short::Coloured(stream) => stream,
            Short::Nowhere => self.probe(path, limits, stop)?,
        };
        let (taken, ended) = self.whole_frames(path, &stream, sink, limits, stop)?;
        let words = Words::read(&ended.said);
        if let Some([first, other]) = words.sizes() {
            return Err(Refusal::VideoSizeChanges { first, other });
        }
        let status = (!ended.status.success()).then(|| format!("ffmpeg ended with {}", ended.status));
        let mut notes = Vec::new();
        if taken.is_none() && status.is_none() && (words.complaint().is_some() || cut.is_some()) {
            let announced = match stream.announced {
                None => self.probe(path, limits, stop)?.announced,
                announced => announced,
            };
            if words.is_whole(&stream.codec, announced, sink.len(), cut.is_some()) {
                let said = words.complaint().map(|said| format!("every frame decodes, and ffmpeg complains: {said}"));
                let short = cut
                    .map(|_| "every frame decodes, and its container announces more bytes than there are".to_owned());
                notes.extend(said.into_iter().chain(short));
                return Ok(VideoFacts { fps: stream.fps, codec: stream.codec, complaint: None, notes });
            }
        }
        let complaint = taken.or_else(|| words.complaint()).or(status);
        let found = std::fs::metadata(path).map_or(0, |file| file.len());
        let short = cut.map(|announced| Refusal::CutShort { announced, found, frames: sink.len() });
        match (short, complaint) {
            (Some(short), complaint) if damaged == Damaged::Keep && sink.len() > 0 => {
                let complaint = complaint.or_else(|| Some(short.to_string()));
                Ok(VideoFacts { fps: stream.fps, codec: stream.codec, complaint, notes })
            }
            (Some(short), _) => Err(short),
            (None, Some(said)) if sink.len() == 0 => Err(Refusal::NotVideo { said }),
            (None, Some(said)) if damaged == Damaged::Refuse => Err(Refusal::Damaged { frames: sink.len(), said }),
            (None, complaint) => Ok(VideoFacts { fps: stream.fps, codec: stream.codec, complaint, notes }),
        }
    }

    /// Decodes whole frames into `sink`; `Some` tells how they ended badly.
    fn whole_frames(
        &self,
        path: &Path,
        stream: &Stream,
        sink: &mut FrameSink,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<(Option<String>, Ended), Refusal> {
        let threads = self.threads.to_string();
        let mut command = self.command(limits);
        let [pixels, codec] = if stream.has_alpha { ["rgba", "pam"] } else { ["rgb24", "ppm"] };
        command.args(["-v", "level+verbose", "-hide_banner", "-nostats", "-filter_threads", &threads]);
        if let Some(decoder) = stream.decoder {
            command.args(["-c:v", decoder]);
        }
        command
            .arg("-i")
            .arg(file_url(path))
            .args(["-map", "0:V:0"])
            .args(self.every_frame_once)
            .args(["-frames:v", &(limits.frames.saturating_add(1)).to_string()])
            .args(["-pix_fmt", pixels, "-f", "image2pipe", "-c:v", codec, "-"]);
        let time = Duration::from_secs(limits.seconds);
        let (taken, ended) =
            child::run(&mut command, time, stop, is_kept, |output| take_frames(output, sink)).map_err(cannot_run)?;
        if stop.load(Ordering::Relaxed) {
            return Err(Refusal::Interrupted);
        }
        if ended.timed_out {
            return Err(Refusal::TooSlow { seconds: limits.seconds });
        }
        self.check_memory(&ended)?;
        if stream.decoder.is_some() && sink.len() == 0 && ended.said.contains("Unknown decoder") {
            // Without that library the pictures are there, and what is seen of them is not known.
            let plain = Stream { decoder: None, has_alpha: false, codec: stream.codec.clone(), ..*stream };
            return self.whole_frames(path, &plain, sink, limits, stop);
        }
        Ok((taken?, ended))
    }

    /// ffmpeg with its limits, before its input.
    pub(super) fn command(&self, limits: Limits) -> std::process::Command {
        let mut command = child::command(&self.programs.ffmpeg, self.memory());
        command.args(["-nostdin", "-max_alloc", LARGEST_BLOCK, "-protocol_whitelist", "file"]).args([
            "-threads",
            &self.threads.to_string(),
            "-max_pixels",
            &limits.pixels.to_string(),
        ]);
        command
    }

    /// Bytes of memory that a child may take.
    const fn memory(&self) -> u64 {
        MEMORY + self.threads as u64 * MEMORY_OF_THREAD
    }

    /// Refuses what a child was refused memory for.
    fn check_memory(&self, ended: &Ended) -> Result<(), Refusal> {
        let was_refused = !ended.status.success() && ended.said.contains("Cannot allocate memory");
        if was_refused { Err(Refusal::TooMuchMemory { limit: self.memory() }) } else { Ok(()) }
    }

    /// What the header says of the first video stream.
    pub(super) fn probe(&self, path: &Path, limits: Limits, stop: &AtomicBool) -> Result<Stream, Refusal> {
        let mut command = child::command(&self.programs.ffprobe, self.memory());
        command
            .args(["-v", "error", "-max_alloc", LARGEST_BLOCK])
            .args(["-protocol_whitelist", "file", "-select_streams", "V:0", "-of", "json"])
            .args(["-show_entries", "stream=codec_name,width,height,avg_frame_rate,pix_fmt,nb_frames:stream_tags=alpha_mode:format=format_name"])
            .arg(file_url(path));
        let time = Duration::from_secs(PROBE_SECONDS.min(limits.seconds));
        let (answer, ended) =
            child::run(&mut command, time, stop, |_| true, child::at_most(LONGEST_ANSWER)).map_err(cannot_run)?;
        if stop.load(Ordering::Relaxed) {
            return Err(Refusal::Interrupted);
        }
        if ended.timed_out {
            return Err(Refusal::TooSlow { seconds: time.as_secs() });
        }
        self.check_memory(&ended)?;
        let answer: Answer = answer.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let format = answer.format.format_name;
        if is_no_video(&format) {
            return Err(Refusal::NotVideo { said: format!("ffmpeg reads it as {format}") });
        }
        let Some(stream) = answer.streams.into_iter().next() else {
            let has_box = is_mp4(path);
            if has_box && ended.said.contains("moov atom not found") {
                return Err(Refusal::NoIndex);
            }
            let said = if format.is_empty() {
                "ffmpeg does not recognise its content".to_owned()
            } else {
                format!("no pictures in it ({format})")
            };
            return Err(Refusal::NotVideo { said });
        };
        let size = Size { height: stream.height.unwrap_or(0), width: stream.width.unwrap_or(0) };
        // A stream may state no size until its first frame; then the frame's own is checked.
        if size.height > 0 && size.width > 0 {
            super::frames::check_size(size, limits)?;
        }
        // What is seen of VP8 and VP9 stands in a stream beside theirs, which only this library decodes.
        let decoder = match stream.codec_name.as_str() {
            "vp8" if stream.tags.has_alpha() => Some("libvpx"),
            "vp9" if stream.tags.has_alpha() => Some("libvpx-vp9"),
            _ => None,
        };
        Ok(Stream {
            fps: rate(&stream.avg_frame_rate),
            announced: stream.nb_frames.parse().ok().filter(|frames| *frames > 0),
            has_alpha: decoder.is_some() || has_alpha(&stream.pix_fmt, &stream.codec_name),
            decoder,
            codec: stream.codec_name,
        })
    }
}

/// Whether a demuxer, by its name, reads single pictures, other files, or letters, which are not what a clip is made of.
pub(super) fn is_no_video(format: &str) -> bool {
    let names = ["image2", "tty", "hls", "concat", "dash", "lavfi", "sdp", "rtsp", "dicom"];
    names.contains(&format) || format.ends_with("_pipe")
}

/// What a program says when it is asked for its version; `None` where it cannot be run.
fn version(program: &Path, time: Duration) -> Option<String> {
    let mut command = child::command(program, MEMORY);
    let never = AtomicBool::new(false);
    let (answer, ended) =
        child::run(command.arg("-version"), time, &never, |_| true, child::at_most(LONGEST_ANSWER)).ok()?;
    ended.status.success().then(|| String::from_utf8_lossy(&answer.unwrap_or_default()).into_owned())
}

/// What is kept of the header.
pub(super) struct Stream {
    fps: Option<f64>,
    codec: String,
    /// Frames that it has by the container's word.
    announced: Option<usize>,
    /// Whether its frames tell how much of each pixel is seen.
    has_alpha: bool,
    /// The decoder that it needs, where that is not ffmpeg's own choice.
    decoder: Option<&'static str>,
}

impl Stream {
    /// One of which the words of ffmpeg tell enough.
    pub(super) const fn of_words(fps: f64, codec: String) -> Self {
        Self { fps: Some(fps), codec, announced: None, has_alpha: false, decoder: None }
    }

    /// Its mean rate.
    pub(super) const fn fps(&self) -> Option<f64> {
        self.fps
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    streams: Vec<AnswerStream>,
    format: AnswerFormat,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AnswerStream {
    codec_name: String,
    width: Option<usize>,
    height: Option<usize>,
    avg_frame_rate: String,
    pix_fmt: String,
    nb_frames: String,
    tags: AnswerTags,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AnswerTags {
    #[serde(alias = "ALPHA_MODE")]
    alpha_mode: String,
}

impl AnswerTags {
    fn has_alpha(&self) -> bool {
        self.alpha_mode.trim() == "1"
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AnswerFormat {
    format_name: String,
}

pub(super) fn cannot_run(error: std::io::Error) -> Refusal {
    match error.kind() {
        std::io::ErrorKind::NotFound => Refusal::NoFfmpeg,
        _ => Refusal::Read { said: format!("ffmpeg: {error}") },
    }
}

/// `file:PATH`, so that a name with a colon or a leading dash is nothing but a name.
pub(super) fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// Takes PPM and PAM pictures until the stream ends; `Some` tells how it ended badly, within a picture.
fn take_frames(output: &mut impl BufRead, sink: &mut FrameSink) -> Result<Option<String>, Refusal> {
    let mut pixels = Vec::new();
    loop {
        let number = sink.len();
        let (size, channels) = match picture_size(output) {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(format!("frame {number}: {error}"))),
        };
        sink.admit(size, &|| format!("frame {number}"))?;
        pixels.resize(size.height * size.width * channels, 0);
        if let Err(error) = output.read_exact(&mut pixels) {
            return Ok(Some(format!("frame {number}: {error}")));
        }
        if channels == 4 { sink.push(&over_black(&pixels))? } else { sink.push(&pixels)? }
    }
}

/// The header of the next picture, and its bytes a pixel: `P6 WIDTH HEIGHT 255`, or `P7` and the same by name; `None` at
/// the end of the stream.
fn picture_size(output: &mut impl BufRead) -> std::io::Result<Option<(Size, usize)>> {
    let Some(magic) = word(output)? else { return Ok(None) };
    let next = |output: &mut _| -> std::io::Result<String> {
        word(output)?.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    };
    let number = |output: &mut _| -> std::io::Result<usize> {
        let word = next(output)?;
        word.parse().map_err(|_| std::io::Error::other(format!("{word:?} in a PPM header")))
    };
    let (width, height, largest, channels) = match magic.as_str() {
        "P7" => {
            let [mut width, mut height, mut largest, mut depth] = [0; 4];
            // Five names and the end; ffmpeg writes no more.
            for _ in 0..6 {
                match next(output)?.as_str() {
                    "WIDTH" => width = number(output)?,
                    "HEIGHT" => height = number(output)?,
                    "MAXVAL" => largest = number(output)?,
                    "DEPTH" => depth = number(output)?,
                    "TUPLTYPE" => drop(next(output)?),
                    _ => break,
                }
            }
            (width, height, largest, depth)
        }
        _ => (number(output)?, number(output)?, number(output)?, 3),
    };
    if !matches!((magic.as_str(), channels), ("P6", 3) | ("P7", 4)) || largest != 255 {
        return Err(std::io::Error::other("not a PPM picture of 8 bits"));
    }
    Ok(Some((Size { height, width }, channels)))
}

/// Bytes up to one white space, at most 20; `None` at the end of the stream.
fn word(output: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut word = String::new();
    let mut byte = [0];
    while word.len() < 20 {
        match output.read(&mut byte)? {
            0 if word.is_empty() => return Ok(None),
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ if byte[0].is_ascii_whitespace() => return Ok(Some(word)),
            _ => word.push(char::from(byte[0])),
        }
    }
    Err(std::io::Error::other("an endless word in a PPM header"))
}

/// `24000/1001` as a number of frames a second.
pub(super) fn rate(fraction: &str) -> Option<f64> {
    let (numerator, denominator) = fraction.split_once('/')?;
    let rate = numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?;
    (rate.is_finite() && rate > 0.0).then(|| (rate * 1e6).round() / 1e6)
}

fn is_mp4(path: &Path) -> bool {
    let mut head = [0; 8];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && matches!(&head[4..], b"ftyp" | b"mdat" | b"free" | b"wide" | b"skip")
}

/// `-fps_mode` came with 5.1; builds named after a commit are newer.
fn is_before_5_1(version: &str) -> bool {
    let number = version.split_whitespace().nth(2).unwrap_or_default().trim_start_matches('n');
    let mut parts = number.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(5)), Some(Ok(minor))) => minor < 1,
        (Some(Ok(major)), _) => major < 5,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocessing::Preprocessing;

    fn sink() -> FrameSink {
        FrameSink::new(Preprocessing::default(), Limits { frames: 3, pixels: 100, bytes: 1000, seconds: 1 })
    }

    #[test]
    fn a_stream_of_ppm_pictures_is_taken_frame_by_frame() {
        let mut sink = sink();
        let stream = b"P6\n2 1\n255\n\n\n\n\n\n\nP6\n2 1\n255\nabcdef";
        assert_eq!(take_frames(&mut &stream[..], &mut sink), Ok(None));
        let clip = sink.finish(None, "test").unwrap().clip;
        assert_eq!((clip.frames(), clip.size), (2, Size { height: 1, width: 2 }));
    }

    #[test]
    fn what_is_seen_through_lies_over_black() {
        let mut sink = sink();
        let stream =
            b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n\xc8\xc8\xc8\x80\xc8\xc8\xc8\0";
        assert_eq!(take_frames(&mut &stream[..], &mut sink), Ok(None));
        assert_eq!(sink.finish(None, "test").unwrap().clip.pixels, [100, 0]);
    }

    #[test]
    fn a_stream_that_ends_within_a_picture_is_told() {
        for stream in
            ["P6\n2 1\n255\nabc", "P6\n2", "P6\n2 x\n255\n", "P5\n1 1\n255\na", "P6\n99999999999999999999999 1\n"]
        {
            assert!(matches!(take_frames(&mut stream.as_bytes(), &mut sink()), Ok(Some(_))), "{stream}");
        }
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_is_refused_before_memory_is_taken() {
        let stream = "P6\n4000000000 4000000000\n255\n";
        assert!(matches!(take_frames(&mut stream.as_bytes(), &mut sink()), Err(Refusal::TooLarge { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_does_not_tell_its_version_is_none_and_is_not_waited_for() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ffmpeg");
        let version = |script: &str| {
            std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            version(&program, Duration::from_millis(500))
        };
        assert_eq!(version("echo ffmpeg version 6.0").as_deref(), Some("ffmpeg version 6.0\n"));
        assert_eq!(version("exec sleep 60"), None);
        assert_eq!(version("while true; do echo x; done"), None);
        assert_eq!(version("exit 1"), None);
    }

    #[test]
    fn rates_are_fractions() {
        assert_eq!(rate("24000/1001"), Some(23.976_024));
        assert_eq!((rate("0/0"), rate("x")), (None, None));
    }

    #[test]
    fn old_versions_of_ffmpeg_are_told_by_their_number() {
        for (version, old) in
            [("4.4.2-0ubuntu0.22.04.1", true), ("5.0", true), ("5.1.9-0+deb12u1", false), ("n4.2", true)]
        {
            assert_eq!(is_before_5_1(&format!("ffmpeg version {version} Copyright")), old, "{version}");
        }
        assert!(!is_before_5_1("ffmpeg version N-118193-g5f38c82536 Copyright"));
        assert!(!is_before_5_1("ffmpeg version 8.0 Copyright"));
    }

    #[test]
    fn a_name_is_never_an_option_or_a_protocol() {
        assert_eq!(file_url(Path::new("-i.mp4")), "file:-i.mp4");
        assert_eq!(file_url(Path::new("concat:a|b.mp4")), "file:concat:a|b.mp4");
    }
}
