//! The short way for a grey video: one ffmpeg that scales, and hands over luma with as much of chroma as tells that there
//! is none; what the header says is read from its words.
//!
//! Most ultrasound is grey. Its frames, whole and in RGB, cost more in the pipe and on both sides of it than decoding
//! them does, and a second program that only reads the header costs a third of that again. Whatever is not as it should
//! be (colour, a complaint, a header that leaves something open) ends this way without a result, and the long way
//! ([`Ffmpeg::decode`]) begins anew: it decides what is refused, and in which words.

use super::y4m::Header;
use crate::error::Error;
use crate::ffmpeg::child;
use crate::ffmpeg::words::{Words, has_alpha, is_lesser, tells_input};
use crate::ffmpeg::{Ffmpeg, Stream, VideoFacts, cannot_run, file_url, is_no_video, rate};
use crate::frame::Size;
use crate::limits::Limits;
use crate::sink::{FrameSink, GreySink};
use std::io::BufRead;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Its words for a stream that is shown turned.
const ROTATION: &str = "displaymatrix: rotation of ";

/// Its words for a VP8 or VP9 stream beside which there is another one of alpha.
const ALPHA: &str = "alpha_mode";

/// Says how the short way ended.
pub(crate) enum Short {
    /// The video is grey, and all of it is in the sink.
    Grey(VideoFacts),
    /// It is coloured; the sink is empty, and this is what the header says.
    Coloured(Stream),
    /// Something is not as it should be; the sink is empty.
    Nowhere,
}

impl Ffmpeg {
    /// Decodes a video into `sink` if it is grey and nothing is wrong with it.
    ///
    /// # Errors
    /// When it goes beyond the limits or is stopped.
    pub(crate) fn decode_grey(
        &self,
        path: &Path,
        sink: &mut dyn FrameSink,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<Short, Error> {
        let Some((size, sink)) = sink.grey() else { return Ok(Short::Nowhere) };
        let threads = self.threads.to_string();
        let mut command = self.command(limits);
        command
            .args(["-v", "level+verbose", "-hide_banner", "-nostats", "-filter_threads", &threads])
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
            return Err(Error::Interrupted);
        }
        if ended.timed_out {
            return Err(Error::TooSlow { seconds: limits.seconds });
        }
        let taken = taken?;
        let said = said(&ended.said).filter(|said| crate::limits::check_size(said.size, limits).is_ok());
        match (taken, said) {
            (Taken::Grey(header), Some(said))
                if ended.status.success()
                    && !complains(&ended.said)
                    // What follows a change would be scaled by other rules than what stands before it.
                    && Words::read(&ended.said).is_steady()
                    && sink.frames() > 0 =>
            {
                let Said { codec, size, rate } = said;
                sink.was_scaled_from(size);
                let fps = match mean_rate(&header, rate) {
                    Some(fps) => Some(fps),
                    None => self.probe(path, limits, stop)?.fps(),
                };
                Ok(Short::Grey(VideoFacts { fps, codec, complaint: None, notes: Vec::new() }))
            }
            (Taken::Coloured(header), Some(said)) => {
                sink.forget();
                let fps = mean_rate(&header, said.rate);
                Ok(fps.map_or(Short::Nowhere, |fps| Short::Coloured(Stream::of_words(fps, said.codec))))
            }
            _ => {
                sink.forget();
                Ok(Short::Nowhere)
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
    let tells = |words: &str| line.contains(words);
    !is_lesser(line)
        || tells_input(line)
        || tells(ALPHA)
        || tells("Input #0, ")
        || tells(ROTATION)
        || (tells("Stream #0:") && tells(": Video: "))
}

/// Says how a stream of frames ended.
enum Taken {
    /// As it should, and every frame is grey.
    Grey(Header),
    /// At a frame that is coloured.
    Coloured(Header),
    /// Otherwise than it should.
    Broken,
}

/// Takes frames until the stream ends or one of them is coloured.
fn take(output: &mut impl BufRead, size: Size, sink: &mut dyn GreySink) -> Result<Taken, Error> {
    let Ok(Some(header)) = Header::read(output) else { return Ok(Taken::Broken) };
    if header.size != size {
        return Ok(Taken::Broken);
    }
    let [luma, chroma] = header.bytes();
    let mut planes = vec![0; luma + chroma];
    loop {
        match Header::next(output) {
            Ok(true) => {}
            Ok(false) => return Ok(Taken::Grey(header)),
            Err(_) => return Ok(Taken::Broken),
        }
        sink.admit_grey()?;
        if output.read_exact(&mut planes).is_err() {
            return Ok(Taken::Broken);
        }
        let (luma, chroma) = planes.split_at(luma);
        let (blue, red) = chroma.split_at(chroma.len() / 2);
        if !sink.push_grey(luma, spread(blue, red, sink.spread())) {
            return Ok(Taken::Coloured(header));
        }
    }
}

/// The largest difference between the channels of a pixel that chroma makes, were it not cut off at black and white; or
/// `known`, where it cannot be larger.
fn spread(blue: &[u8], red: &[u8], known: u8) -> u8 {
    // It is convex in both, so that nothing within a box is larger than at its corners.
    let farthest = |plane: &[u8]| plane.iter().map(|value| value.abs_diff(128)).max().unwrap_or(0);
    let (blue_most, red_most) = (i32::from(farthest(blue)), i32::from(farthest(red)));
    if apart(blue_most, red_most).max(apart(blue_most, -red_most)) <= i32::from(known) << 16 {
        return known;
    }
    let most = blue.iter().zip(red).map(|(blue, red)| apart(i32::from(*blue) - 128, i32::from(*red) - 128)).max();
    known.max(u8::try_from((most.unwrap_or(0) + (1 << 15)) >> 16).unwrap_or(u8::MAX))
}

/// Returns how far red, green and blue are apart, times 65,536, where chroma is so far from grey: 1.402, 0.344136 and
/// 0.714136, and 1.772 (JFIF 1.02, section 7). The same for the opposite of both.
const fn apart(blue: i32, red: i32) -> i32 {
    let (r, g, b) = (91_881 * red, -22_554 * blue - 46_802 * red, 116_130 * blue);
    let (low, high) = if r < g { (r, g) } else { (g, r) };
    let (low, high) = (if b < low { b } else { low }, if b > high { b } else { high });
    high - low
}

/// Holds what ffmpeg says of the input.
#[derive(Debug, PartialEq)]
struct Said {
    codec: String,
    /// Of a frame as it is shown.
    size: Size,
    /// Mean number of frames a second, of two decimals.
    rate: f64,
}

/// Tells whether there is a line that does more than tell.
fn complains(words: &str) -> bool {
    words.lines().any(|line| !line.trim().is_empty() && !line.contains("[info]") && !tells_input(line))
}

/// Reads the words that were kept; `None` where they leave something open, or tell of what is no video.
fn said(words: &str) -> Option<Said> {
    let is_told = |line: &&str| line.contains("[info]");
    let format = words.lines().find_map(|line| line.split_once("Input #0, ")?.1.split_once(", from "))?.0;
    if is_no_video(format) || words.lines().any(|line| line.contains(ALPHA)) {
        return None;
    }
    let video = |line: &&str| line.trim_start().starts_with("[info]") && line.contains(": Video: ");
    let line = words.lines().filter(is_told).filter(video).find(|line| !line.contains("(attached pic)"))?;
    let stream = line.split_once(": Video: ")?.1;
    let codec = stream.split([' ', ',']).next()?.to_owned();
    // What is seen of a pixel is known to whole frames only.
    if stream.split(", ").any(|part| has_alpha(part, &codec)) {
        return None;
    }
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

/// The mean rate of frames; `None` where it is left open. The header of the frames has the nominal rate, the words have
/// the mean one to two decimals. Where the two agree it is one rate if it is a whole number, one over 1.001, or has a
/// denominator that nobody chose: then it was reckoned from the same time stamps. Of others the digits that are missing
/// could be any.
fn mean_rate(header: &Header, said: f64) -> Option<f64> {
    let nominal = rate(&header.rate.replace(':', "/"))?;
    let denominator: u64 = header.rate.split_once(':')?.1.parse().ok()?;
    let is_exact = denominator == 1 || denominator > LARGEST_CHOSEN;
    (is_exact && (nominal - said).abs() < 0.005_1).then_some(nominal)
}

/// Denominators of nominal rates are 1, 1001, or a small number in which a rate with decimals is written.
const LARGEST_CHOSEN: u64 = 100;

#[cfg(test)]
mod tests {
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
            assert!(complains(&format!("{WORDS}{complaint}")), "{complaint}");
        }
        assert!(!complains(WORDS));
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
        let found = |nominal: &str, said: f64| mean_rate(&header(nominal), said);
        assert_eq!(found("24000:1001", 23.98), Some(23.976_024));
        assert_eq!((found("24:1", 23.98), found("30:1", 23.98), found("0:0", 23.98)), (None, None, None));
        assert_eq!(found("89:4", 22.25), None, "it may be 22.248");
        assert_eq!(found("93000:4181", 22.24), Some(22.243_482));
    }

    /// Takes grey frames of two by two whose channels are at most 8 apart.
    #[derive(Debug, Default, PartialEq)]
    struct Greys {
        luma: Vec<Vec<u8>>,
        spread: u8,
    }

    impl FrameSink for Greys {
        fn frames(&self) -> usize {
            self.luma.len()
        }

        fn admit(&mut self, _: Size, _: &dyn Fn() -> String) -> Result<(), Error> {
            panic!("no whole frame is handed over")
        }

        fn push(&mut self, _: &[u8]) -> Result<(), Error> {
            panic!("no whole frame is handed over")
        }
    }

    impl GreySink for Greys {
        fn admit_grey(&self) -> Result<(), Error> {
            if self.luma.len() < 9 { Ok(()) } else { Err(Error::TooManyFrames { limit: 9 }) }
        }

        fn push_grey(&mut self, luma: &[u8], spread: u8) -> bool {
            if spread <= 8 {
                self.luma.push(luma.to_vec());
                self.spread = spread;
            }
            spread <= 8
        }

        fn spread(&self) -> u8 {
            self.spread
        }

        fn was_scaled_from(&mut self, _: Size) {}

        fn forget(&mut self) {}
    }

    #[test]
    fn grey_frames_are_taken_and_a_coloured_one_ends_it() {
        let size = Size { height: 2, width: 2 };
        let taken = |chroma: u8, frames: usize| {
            let mut greys = Greys::default();
            let frame = [&b"FRAME\n"[..], &[0, 80, 160, 240], &[chroma; 8]].concat();
            let stream = [&b"YUV4MPEG2 W2 H2 F25:1 C444\n"[..], &frame.repeat(frames)].concat();
            match take(&mut stream.as_slice(), size, &mut greys)? {
                Taken::Grey(_) => Ok(Some(greys)),
                Taken::Coloured(_) => Ok(None),
                Taken::Broken => panic!("the stream is whole"),
            }
        };
        assert_eq!(taken(130, 2), Ok(Some(Greys { luma: vec![vec![0, 80, 160, 240]; 2], spread: 6 })));
        assert_eq!(taken(140, 2), Ok(None));
        assert_eq!(taken(130, 10), Err(Error::TooManyFrames { limit: 9 }));
    }

    #[test]
    fn colour_is_as_far_apart_as_in_rgb() {
        // Cb and Cr of pure red, green and blue: 255 apart, and what rounding to whole chroma adds.
        for (blue, red) in [(85, 255), (44, 21), (255, 107)] {
            assert!(spread(&[128, blue], &[128, red], 0) >= 254);
        }
        assert_eq!((spread(&[128], &[128], 0), spread(&[130], &[130], 0)), (0, 6));
        // What is known is never made smaller, and what is larger is found.
        assert_eq!((spread(&[130, 127], &[126, 127], 7), spread(&[130, 128], &[130, 120], 7)), (7, 17));
    }
}
