//! The short way for a grey video: one ffmpeg that scales, and hands over luma with as much of chroma as tells that there
//! is none; what the header says is read from its words.
//!
//! Most ultrasound is grey. Its frames, whole and in RGB, cost more in the pipe and on both sides of it than decoding
//! them does, and a second program that only reads the header costs a third of that again. Whatever is not as it should
//! be (colour, a complaint, a header that leaves something open) ends this way without a result, and the long way
//! ([`Decoder::decode`]) begins anew: it decides what is refused, and in which words.

use super::child;
use super::frames::{FrameSink, Limits};
use super::refusal::Refusal;
use super::video::{Decoder, VideoFacts, cannot_run, file_url, is_no_video, rate};
use super::y4m::Header;
use crate::clip::Size;
use std::io::BufRead;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What it says of a stream that is shown turned.
const ROTATION: &str = "displaymatrix: rotation of ";

impl Decoder {
    /// Decodes a video into `sink` if it is grey and nothing is wrong with it; `None`, and an empty sink, if not.
    ///
    /// # Errors
    /// When it goes beyond the limits or is stopped.
    pub(super) fn decode_grey(
        &self,
        path: &Path,
        sink: &mut FrameSink,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<Option<VideoFacts>, Refusal> {
        let Some(size) = sink.scaled_by_decoder() else { return Ok(None) };
        let threads = self.threads.to_string();
        let mut command = self.command(limits);
        command
            .args(["-v", "level+info", "-hide_banner", "-nostats", "-filter_threads", &threads])
            .arg("-i")
            .arg(file_url(path))
            .args(["-map", "0:V:0"])
            .args(self.every_frame_once)
            .args(["-frames:v", &(limits.frames.saturating_add(1)).to_string()])
            .args(["-vf", &scaling(size), "-f", "yuv4mpegpipe", "-strict", "-1", "-"]);
        let time = Duration::from_secs(limits.seconds);
        let read = |output: &mut std::io::BufReader<std::process::ChildStdout>| take(output, size, sink);
        let (taken, ended) = child::run(&mut command, time, stop, is_kept, read).map_err(cannot_run)?;
        if stop.load(Ordering::Relaxed) {
            return Err(Refusal::Interrupted);
        }
        if ended.timed_out {
            return Err(Refusal::TooSlow { seconds: limits.seconds });
        }
        let facts = match (taken?, said(&ended.said)) {
            (Some(header), Some(said)) if ended.status.success() && sink.len() > 0 => facts(&header, said),
            _ => None,
        };
        match facts {
            Some((source, facts)) if super::frames::check_size(source, limits).is_ok() => {
                sink.was_scaled_from(source);
                Ok(Some(facts))
            }
            _ => {
                sink.forget();
                Ok(None)
            }
        }
    }
}

/// The filters that scale, antialiased, and bring luma to the full range, whatever the source's. Chroma keeps what the
/// source has of it: a value a pixel, or one for two by two.
fn scaling(Size { height, width }: Size) -> String {
    let scale = format!("scale={width}:{height}:flags=bilinear+accurate_rnd:out_range=full:out_color_matrix=bt601");
    format!("{scale},format=yuv420p|yuv444p")
}

/// Lines that tell of the input, and whatever is worse than a warning.
fn is_kept(line: &str) -> bool {
    let is_lesser = ["[warning]", "[info]"].iter().any(|level| line.contains(level));
    let tells = |words: &str| line.contains(words);
    !is_lesser || tells("Input #0, ") || tells(ROTATION) || (tells("Stream #0:") && tells(": Video: "))
}

/// Takes frames until the stream ends; `None` where one is coloured, or the stream is not as it should be.
fn take(output: &mut impl BufRead, size: Size, sink: &mut FrameSink) -> Result<Option<Header>, Refusal> {
    let Ok(Some(header)) = Header::read(output) else { return Ok(None) };
    if header.size != size {
        return Ok(None);
    }
    let [luma, chroma] = header.bytes();
    let mut planes = vec![0; luma + chroma];
    loop {
        match Header::next(output) {
            Ok(true) => {}
            Ok(false) => return Ok(Some(header)),
            Err(_) => return Ok(None),
        }
        sink.admit_grey()?;
        if output.read_exact(&mut planes).is_err() {
            return Ok(None);
        }
        let (luma, chroma) = planes.split_at(luma);
        let (blue, red) = chroma.split_at(chroma.len() / 2);
        if !sink.push_grey(luma, spread(blue, red)) {
            return Ok(None);
        }
    }
}

/// The largest difference between the channels of a pixel that chroma makes, were it not cut off at black and white.
fn spread(blue: &[u8], red: &[u8]) -> u8 {
    let most = blue.iter().zip(red).map(|(blue, red)| {
        // What red, green and blue are above the luma, times 65,536: 1.402, 0.344136 and 0.714136, 1.772 (JFIF 1.02).
        let (blue, red) = (i32::from(*blue) - 128, i32::from(*red) - 128);
        let [r, g, b] = [91_881 * red, -22_554 * blue - 46_802 * red, 116_130 * blue];
        r.max(g).max(b) - r.min(g).min(b)
    });
    u8::try_from((most.max().unwrap_or(0) + (1 << 15)) >> 16).unwrap_or(u8::MAX)
}

/// What ffmpeg says of the input.
#[derive(Debug, PartialEq)]
struct Said {
    codec: String,
    /// Of a frame as it is shown.
    size: Size,
    /// Mean number of frames a second, of two decimals.
    rate: f64,
}

/// Reads the words that were kept; `None` where they complain, or leave something open.
fn said(words: &str) -> Option<Said> {
    let is_told = |line: &&str| line.contains("[info]");
    if words.lines().any(|line| !line.trim().is_empty() && !is_told(&line)) {
        return None;
    }
    let format = words.lines().find_map(|line| line.split_once("Input #0, ")?.1.split_once(", from "))?.0;
    if is_no_video(format) {
        return None;
    }
    let video = |line: &&str| line.trim_start().starts_with("[info]") && line.contains(": Video: ");
    let line = words.lines().filter(is_told).filter(video).find(|line| !line.contains("(attached pic)"))?;
    let stream = line.split_once(": Video: ")?.1;
    let codec = stream.split([' ', ',']).next()?.to_owned();
    let mut parts = stream.split(", ");
    let size = parts.find_map(|part| {
        let (width, height) = part.split(' ').next()?.split_once('x')?;
        Some(Size { height: height.parse().ok()?, width: width.parse().ok()? })
    })?;
    let rate = parts.find_map(|part| part.strip_suffix(" fps"))?.parse().ok()?;
    let turned = words.lines().find_map(|line| line.split_once(ROTATION)?.1.split(' ').next()?.parse::<f64>().ok());
    let lies = turned.is_some_and(|degrees| ((degrees / 90.0).round() as i64).rem_euclid(2) == 1);
    let size = if lies { Size { height: size.width, width: size.height } } else { size };
    Some(Said { codec, size, rate })
}

/// Size and facts of the source; `None` where its rate is left open: the header of the frames has the nominal rate, the
/// words have the mean one to two decimals. A whole number, or one over 1.001, is taken where the two agree; of others
/// the digits that are missing could be any.
fn facts(header: &Header, said: Said) -> Option<(Size, VideoFacts)> {
    let nominal = rate(&header.rate.replace(':', "/"))?;
    let is_usual = [nominal, nominal * 1.001].iter().any(|rate| (rate - rate.round()).abs() < 1e-5);
    let is_mean = (nominal - said.rate).abs() < 0.005_1;
    let facts = VideoFacts { fps: Some(nominal), codec: said.codec, complaint: None };
    (is_usual && is_mean).then_some((said.size, facts))
}

#[cfg(test)]
mod tests {
    use super::super::frames::Fit;
    use super::*;

    const WORDS: &str = "[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:a.mp4':\n\
        [info]   Stream #0:0[0x1](eng): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive), 640x480 [SAR 1:1 DAR 4:3], 466 kb/s, 23.98 fps, 23.98 tbr, 24k tbn (default)\n\
        [info]   Stream #0:0(eng): Video: wrapped_avframe, yuv420p(tv, progressive), 32x32, q=2-31, 200 kb/s, 23.98 fps\n";

    fn header(rate: &str) -> Header {
        let line = format!("YUV4MPEG2 W2 H2 F{rate} C444\n");
        Header::read(&mut line.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn the_words_tell_codec_size_and_rate_and_turned_frames_are_turned() {
        let size = Size { height: 480, width: 640 };
        assert_eq!(said(WORDS).unwrap(), Said { codec: "h264".into(), size, rate: 23.98 });
        let lying = format!("{WORDS}[info]       displaymatrix: rotation of -90.00 degrees\n");
        assert_eq!(said(&lying).unwrap().size, Size { height: 640, width: 480 });
        let upright = format!("{WORDS}[info]       displaymatrix: rotation of 180.00 degrees\n");
        assert_eq!(said(&upright).unwrap().size, size);
    }

    #[test]
    fn any_complaint_and_any_gap_ends_the_short_way() {
        let complaints = ["[h264 @ 0x56] [error] broken\n", "Segmentation fault\n", "[fatal] end\n"];
        for complaint in complaints {
            assert_eq!(said(&format!("{WORDS}{complaint}")), None, "{complaint}");
        }
        for (part, other) in [
            (", 640x480 [SAR", " [SAR"),
            (", 23.98 fps, 23", ", 23"),
            (": Video: ", ": Audio: "),
            ("Input #0, mov,mp4,m4a,3gp,3g2,mj2,", "Input #0, hls,"),
        ] {
            assert_eq!(said(&WORDS.replace(part, other)), None, "{part}");
        }
    }

    #[test]
    fn a_nominal_rate_that_is_not_the_mean_is_not_taken_for_it() {
        let found = |rate: &str| facts(&header(rate), said(WORDS).unwrap()).map(|(_, facts)| facts.fps.unwrap());
        assert_eq!(found("24000:1001"), Some(23.976_024));
        assert_eq!((found("24:1"), found("30:1"), found("0:0")), (None, None, None));
        let odd = said(&WORDS.replace("23.98 fps", "22.25 fps")).unwrap();
        assert!(facts(&header("89:4"), odd).is_none(), "it may be 22.248");
    }

    #[test]
    fn grey_frames_are_taken_and_a_coloured_one_ends_it() {
        let size = Size { height: 2, width: 2 };
        let taken = |chroma: u8| {
            let mut sink = FrameSink::new(2, Fit::Squash, Limits { frames: 9, pixels: 100, bytes: 1000, seconds: 1 });
            assert_eq!(sink.scaled_by_decoder(), Some(size));
            let frame = [&b"FRAME\n"[..], &[0, 80, 160, 240], &[chroma; 8]].concat();
            let stream = [&b"YUV4MPEG2 W2 H2 F25:1 C444\n"[..], &frame, &frame].concat();
            let header = take(&mut stream.as_slice(), size, &mut sink).unwrap();
            header.map(|_| {
                sink.was_scaled_from(Size { height: 4, width: 4 });
                sink.finish(None, "test").unwrap()
            })
        };
        let decoded = taken(130).unwrap();
        assert_eq!(decoded.clip.pixels, [0, 80, 160, 240, 0, 80, 160, 240]);
        assert_eq!(decoded.luma, [120.0; 3]);
        assert_eq!(
            decoded.done,
            ["decode test", "resize 2x2 squash antialiased bilinear by ffmpeg", "grey (channels within 6)"]
        );
        assert!(taken(140).is_none());
    }

    #[test]
    fn colour_is_as_far_apart_as_in_rgb() {
        // Cb and Cr of pure red, green and blue: 255 apart, and what rounding to whole chroma adds.
        for (blue, red) in [(85, 255), (44, 21), (255, 107)] {
            assert!(spread(&[128, blue], &[128, red]) >= 254);
        }
        assert_eq!((spread(&[128], &[128]), spread(&[130], &[130])), (0, 6));
    }
}
