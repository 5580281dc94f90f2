//! Videos, decoded by the `ffmpeg` program as a child process: a hostile file can only kill the child.
//!
//! ffmpeg writes its frames as PPM pictures to its standard output, each with its own size, so nothing has to be guessed
//! about rotation or a size that changes on the way.

mod y4m;
mod grey;

use crate::alpha::over_black;
use crate::clip_meta::ClipMeta;
use crate::error::Error;
use crate::ffmpeg::child::{self, Ended};
use crate::ffmpeg::words::{Words, is_kept};
use crate::ffmpeg::{Ffmpeg, Stream, VideoFacts, cannot_run, file_url};
use crate::frame::Size;
use crate::limits::{Damaged, Limits};
use crate::reader::{FileKind, FrameSource, ReadOptions, Reader, one_file};
use crate::sink::FrameSink;
use crate::tail;
use grey::Short;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Reads whatever ffmpeg reads as a video.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Videos;

impl Reader for Videos {
    fn name(&self) -> &'static str {
        "video"
    }

    /// Claims whatever is left when all others have looked at it: it may be a video.
    fn probe(&self, _: &[u8], _: &Path) -> Option<FileKind> {
        Some(FileKind::Perhaps)
    }

    fn open(&self, files: &[PathBuf], options: &ReadOptions) -> Result<Box<dyn FrameSource>, Error> {
        let ReadOptions { limits, damaged, ffmpeg } = options.clone();
        Ok(Box::new(Video {
            path: one_file(files)?.to_owned(),
            ffmpeg: ffmpeg.ok_or(Error::NoFfmpeg)?,
            limits,
            damaged,
        }))
    }

    fn needs_ffmpeg(&self) -> bool {
        true
    }
}

/// One video.
struct Video {
    path: PathBuf,
    ffmpeg: Ffmpeg,
    limits: Limits,
    damaged: Damaged,
}

impl FrameSource for Video {
    fn decode(&mut self, sink: &mut dyn FrameSink, stop: &AtomicBool) -> Result<ClipMeta, Error> {
        let VideoFacts { fps, codec, complaint, notes } =
            self.ffmpeg.decode(&self.path, sink, self.limits, self.damaged, stop)?;
        Ok(ClipMeta { complaint, notes, ..ClipMeta::of_frames(fps, format!("ffmpeg {codec}")) })
    }
}

impl Ffmpeg {
    /// Decodes every frame of the first video stream, each once, into `sink`.
    pub(crate) fn decode(
        &self,
        path: &Path,
        sink: &mut dyn FrameSink,
        limits: Limits,
        damaged: Damaged,
        stop: &AtomicBool,
    ) -> Result<VideoFacts, Error> {
        let cut = tail::missing_tail(path).map_err(|error| Error::Read { said: error.to_string() })?;
        let short = if cut.is_none() { self.decode_grey(path, sink, limits, stop)? } else { Short::Nowhere };
        let stream = match short {
            Short::Grey(facts) => return Ok(facts),
            Short::Coloured(stream) => stream,
            Short::Nowhere => self.probe(path, limits, stop)?,
        };
        let (taken, ended) = self.whole_frames(path, &stream, sink, limits, stop)?;
        let words = Words::read(&ended.said);
        if let Some([first, other]) = words.sizes() {
            return Err(Error::VideoSizeChanges { first, other });
        }
        let status = (!ended.status.success()).then(|| format!("ffmpeg ended with {}", ended.status));
        let mut notes = Vec::new();
        if taken.is_none() && status.is_none() && (words.complaint().is_some() || cut.is_some()) {
            let announced = match stream.announced {
                None => self.probe(path, limits, stop)?.announced,
                announced => announced,
            };
            if words.is_whole(&stream.codec, announced, sink.frames(), cut.is_some()) {
                let said = words.complaint().map(|said| format!("every frame decodes, and ffmpeg complains: {said}"));
                let short = cut
                    .map(|_| "every frame decodes, and its container announces more bytes than there are".to_owned());
                notes.extend(said.into_iter().chain(short));
                return Ok(VideoFacts { fps: stream.fps, codec: stream.codec, complaint: None, notes });
            }
        }
        let complaint = taken.or_else(|| words.complaint()).or(status);
        let found = std::fs::metadata(path).map_or(0, |file| file.len());
        let short = cut.map(|announced| Error::CutShort { announced, found, frames: sink.frames() });
        match (short, complaint) {
            (Some(short), complaint) if damaged == Damaged::Keep && sink.frames() > 0 => {
                let complaint = complaint.or_else(|| Some(short.to_string()));
                Ok(VideoFacts { fps: stream.fps, codec: stream.codec, complaint, notes })
            }
            (Some(short), _) => Err(short),
            (None, Some(said)) if sink.frames() == 0 => Err(Error::NotVideo { said }),
            (None, Some(said)) if damaged == Damaged::Refuse => Err(Error::Damaged { frames: sink.frames(), said }),
            (None, complaint) => Ok(VideoFacts { fps: stream.fps, codec: stream.codec, complaint, notes }),
        }
    }

    /// Decodes whole frames into `sink`; `Some` tells how they ended badly.
    fn whole_frames(
        &self,
        path: &Path,
        stream: &Stream,
        sink: &mut dyn FrameSink,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<(Option<String>, Ended), Error> {
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
            return Err(Error::Interrupted);
        }
        if ended.timed_out {
            return Err(Error::TooSlow { seconds: limits.seconds });
        }
        self.check_memory(&ended)?;
        if stream.decoder.is_some() && sink.frames() == 0 && ended.said.contains("Unknown decoder") {
            // Without that library the pictures are there, and what is seen of them is not known.
            let plain = Stream { decoder: None, has_alpha: false, codec: stream.codec.clone(), ..*stream };
            return self.whole_frames(path, &plain, sink, limits, stop);
        }
        Ok((taken?, ended))
    }
}

/// Takes PPM and PAM pictures until the stream ends; `Some` tells how it ended badly, within a picture.
fn take_frames(output: &mut impl BufRead, sink: &mut dyn FrameSink) -> Result<Option<String>, Error> {
    let mut pixels = Vec::new();
    loop {
        let number = sink.frames();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::FrameBuffer;

    fn sink() -> FrameBuffer {
        FrameBuffer::new(Limits { frames: 3, pixels: 100, bytes: 1000, seconds: 1 })
    }

    #[test]
    fn a_stream_of_ppm_pictures_is_taken_frame_by_frame() {
        let mut sink = sink();
        let stream = b"P6\n2 1\n255\n\n\n\n\n\n\nP6\n2 1\n255\nabcdef";
        assert_eq!(take_frames(&mut &stream[..], &mut sink), Ok(None));
        assert_eq!((sink.frames(), sink.size()), (2, Some(Size { height: 1, width: 2 })));
        assert_eq!(sink.pixels(), b"\n\n\n\n\n\nabcdef");
    }

    #[test]
    fn what_is_seen_through_lies_over_black() {
        let mut sink = sink();
        let stream =
            b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n\xc8\xc8\xc8\x80\xc8\xc8\xc8\0";
        assert_eq!(take_frames(&mut &stream[..], &mut sink), Ok(None));
        assert_eq!(sink.luma().unwrap(), [100, 0]);
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
        assert!(matches!(take_frames(&mut stream.as_bytes(), &mut sink()), Err(Error::TooLarge { .. })));
    }
}
