//! The programs `ffmpeg` and `ffprobe` as children: how they are found, called and held within limits, and what they
//! say of a stream.

pub(crate) mod child;
pub(crate) mod words;

use crate::error::Error;
use crate::frame::Size;
use crate::limits::{Limits, check_size};
use child::Ended;
use serde::Deserialize;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use words::has_alpha;

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
pub struct Ffmpeg {
    programs: Programs,
    pub(crate) every_frame_once: [&'static str; 2],
    pub(crate) threads: usize,
}

/// A decoded video beyond its frames.
pub(crate) struct VideoFacts {
    pub(crate) fps: Option<f64>,
    pub(crate) codec: String,
    /// The decoder's complaint, where that was allowed.
    pub(crate) complaint: Option<String>,
    /// Facts that a person should look at.
    pub(crate) notes: Vec<String>,
}

impl Ffmpeg {
    /// Finds the programs by asking for their version; `None` where one of them is not installed.
    ///
    /// - `threads`: decoding threads of one child
    #[must_use]
    pub fn find(programs: &Programs, threads: usize) -> Option<Self> {
        let time = Duration::from_secs(VERSION_SECONDS);
        let version = version(&programs.ffmpeg, time)?;
        self::version(&programs.ffprobe, time)?;
        let every_frame_once =
            if is_before_5_1(&version) { ["-vsync", "passthrough"] } else { ["-fps_mode", "passthrough"] };
        Some(Self { programs: programs.clone(), every_frame_once, threads })
    }

    /// ffmpeg with its limits, before its input.
    pub(crate) fn command(&self, limits: Limits) -> std::process::Command {
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
    pub(crate) fn check_memory(&self, ended: &Ended) -> Result<(), Error> {
        let was_refused = !ended.status.success() && ended.said.contains("Cannot allocate memory");
        if was_refused { Err(Error::TooMuchMemory { limit: self.memory() }) } else { Ok(()) }
    }

    /// Returns what the header says of the first video stream.
    pub(crate) fn probe(&self, path: &Path, limits: Limits, stop: &AtomicBool) -> Result<Stream, Error> {
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
            return Err(Error::Interrupted);
        }
        if ended.timed_out {
            return Err(Error::TooSlow { seconds: time.as_secs() });
        }
        self.check_memory(&ended)?;
        let answer: Answer = answer.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let format = answer.format.format_name;
        if is_no_video(&format) {
            return Err(Error::NotVideo { said: format!("ffmpeg reads it as {format}") });
        }
        let Some(stream) = answer.streams.into_iter().next() else {
            let has_box = is_mp4(path);
            if has_box && ended.said.contains("moov atom not found") {
                return Err(Error::NoIndex);
            }
            let said = if format.is_empty() {
                "ffmpeg does not recognise its content".to_owned()
            } else {
                format!("no pictures in it ({format})")
            };
            return Err(Error::NotVideo { said });
        };
        let size = Size { height: stream.height.unwrap_or(0), width: stream.width.unwrap_or(0) };
        // A stream may state no size until its first frame; then the frame's own is checked.
        if size.height > 0 && size.width > 0 {
            check_size(size, limits)?;
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

/// Tells whether a demuxer, by its name, reads single pictures, other files, or letters, which are not what a clip is
/// made of.
pub(crate) fn is_no_video(format: &str) -> bool {
    let names = ["image2", "tty", "hls", "concat", "dash", "lavfi", "sdp", "rtsp", "dicom"];
    names.contains(&format) || format.ends_with("_pipe")
}

/// Returns what a program says when it is asked for its version; `None` where it cannot be run.
fn version(program: &Path, time: Duration) -> Option<String> {
    let mut command = child::command(program, MEMORY);
    let never = AtomicBool::new(false);
    let (answer, ended) =
        child::run(command.arg("-version"), time, &never, |_| true, child::at_most(LONGEST_ANSWER)).ok()?;
    ended.status.success().then(|| String::from_utf8_lossy(&answer.unwrap_or_default()).into_owned())
}

/// Says what is kept of the header.
pub(crate) struct Stream {
    pub(crate) fps: Option<f64>,
    pub(crate) codec: String,
    /// Frames that it has by the container's word.
    pub(crate) announced: Option<usize>,
    /// True where its frames tell how much of each pixel is seen.
    pub(crate) has_alpha: bool,
    /// The decoder that it needs, where that is not ffmpeg's own choice.
    pub(crate) decoder: Option<&'static str>,
}

impl Stream {
    /// One of which the words of ffmpeg tell enough.
    pub(crate) const fn of_words(fps: f64, codec: String) -> Self {
        Self { fps: Some(fps), codec, announced: None, has_alpha: false, decoder: None }
    }

    /// Its mean rate.
    pub(crate) const fn fps(&self) -> Option<f64> {
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

pub(crate) fn cannot_run(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::NoFfmpeg,
        _ => Error::Read { said: format!("ffmpeg: {error}") },
    }
}

/// `file:PATH`, so that a name with a colon or a leading dash is nothing but a name.
pub(crate) fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// `24000/1001` as a number of frames a second.
pub(crate) fn rate(fraction: &str) -> Option<f64> {
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
