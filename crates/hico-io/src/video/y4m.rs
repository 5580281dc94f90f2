//! Frames as ffmpeg writes them in its `yuv4mpegpipe` format: one line that tells size, rate and chroma, then each
//! frame's planes of luma and chroma.

use crate::frame::Size;
use std::io::{self, BufRead, Read as _};

/// Bytes of a line, at most; ffmpeg writes about 60.
const LONGEST_LINE: u64 = 256;

/// Holds what the first line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) size: Size,
    /// Frames a second, as a fraction `24000:1001`.
    pub(crate) rate: String,
    chroma: Chroma,
}

/// Says how much of the chroma is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chroma {
    /// A value a pixel.
    Whole,
    /// A value for two by two pixels, as most videos store it.
    Half,
}

impl Header {
    /// Reads the first line; `None` where there is nothing at all.
    pub(crate) fn read(output: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(line) = line(output)? else { return Ok(None) };
        let mut words = line.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(io::Error::other("not a stream of yuv4mpeg"));
        }
        let words: Vec<&str> = words.collect();
        let word = |key: char| words.iter().find_map(|word| word.strip_prefix(key)).unwrap_or_default();
        let number =
            |key: char| word(key).parse::<usize>().map_err(|_| io::Error::other(format!("no {key} in {line}")));
        let chroma = match word('C') {
            "444" => Chroma::Whole,
            // They differ in where a value of chroma lies, by half a pixel at most.
            "420" | "420jpeg" | "420mpeg2" | "420paldv" => Chroma::Half,
            other => return Err(io::Error::other(format!("chroma {other}"))),
        };
        let size = Size { height: number('H')?, width: number('W')? };
        Ok(Some(Self { size, rate: word('F').to_owned(), chroma }))
    }

    /// Bytes of the plane of luma, and of both planes of chroma.
    pub(crate) const fn bytes(&self) -> [usize; 2] {
        let Size { height, width } = self.size;
        let plane = match self.chroma {
            Chroma::Whole => height * width,
            Chroma::Half => height.div_ceil(2) * width.div_ceil(2),
        };
        [height * width, 2 * plane]
    }

    /// Reads the line before a frame; whether there is one more.
    pub(crate) fn next(output: &mut impl BufRead) -> io::Result<bool> {
        match line(output)? {
            None => Ok(false),
            Some(line) if line == "FRAME" || line.starts_with("FRAME ") => Ok(true),
            Some(_) => Err(io::Error::other("a frame that does not begin as one")),
        }
    }
}

/// One line without its end; `None` at the end of the stream.
fn line(output: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(String::from_utf8_lossy(&line).into_owned())),
        Some(_) => Err(io::Error::other("a line without end in a stream of yuv4mpeg")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_size_rate_and_bytes() {
        let read = |text: &str| Header::read(&mut text.as_bytes()).unwrap().unwrap();
        let header = read("YUV4MPEG2 W5 H3 F24000:1001 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2\n");
        assert_eq!((header.size, header.rate.as_str()), (Size { height: 3, width: 5 }, "24000:1001"));
        assert_eq!(header.bytes(), [15, 12]);
        assert_eq!(read("YUV4MPEG2 W5 H3 F25:1 C444\n").bytes(), [15, 30]);
        assert!(Header::read(&mut &b""[..]).unwrap().is_none());
    }

    #[test]
    fn what_is_no_such_stream_is_told() {
        let endless = "Y".repeat(4096);
        for text in ["P6\n2 2\n255\n", "YUV4MPEG2 W2 C444\n", "YUV4MPEG2 W2 H2 C420p10\n", "YUV4MPEG2 W2", &endless] {
            assert!(Header::read(&mut text.as_bytes()).is_err(), "{text}");
        }
        assert!(Header::next(&mut &b"FRAME\n"[..]).unwrap() && !Header::next(&mut &b""[..]).unwrap());
        assert!(Header::next(&mut &b"GRAME\n"[..]).is_err());
    }
}
